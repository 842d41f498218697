#include "monitors/monitor_text.h"

#include <inttypes.h>

static const char *number_text(struct arena *arena, double number)
{
    return arena_printf(arena, "%.6g", number);
}

/* "5 min", "90 s" */
static const char *length_text(struct arena *arena, int64_t us)
{
    int64_t seconds = us / 1000000;
    if (seconds % 3600 == 0) return arena_printf(arena, "%" PRId64 " h", seconds / 3600);
    if (seconds % 60 == 0) return arena_printf(arena, "%" PRId64 " min", seconds / 60);
    return arena_printf(arena, "%" PRId64 " s", seconds);
}

static bool variable(struct arena *arena, struct bytes name, const struct monitor *monitor, struct bytes group,
                     const struct monitor_event *event, struct bytes *value)
{
    if (bytes_equal(name, BYTES("title")))
        *value = monitor->title;
    else if (bytes_equal(name, BYTES("group")))
        *value = group;
    else if (bytes_equal(name, BYTES("level")))
        *value = bytes_of_text(monitor_level_names[event->to]);
    else if (bytes_equal(name, BYTES("value")))
        *value = event->has_value ? bytes_of_text(number_text(arena, event->value)) : BYTES("no data");
    else if (bytes_equal(name, BYTES("compared")))
        *value = event->has_value ? bytes_of_text(number_text(arena, event->compared)) : BYTES("no data");
    else if (bytes_equal(name, BYTES("alert")))
        *value = bytes_of_text(number_text(arena, monitor->rule.alert));
    else if (bytes_equal(name, BYTES("warning")))
        *value = bytes_of_text(number_text(arena, monitor->rule.warning));
    else if (bytes_equal(name, BYTES("window")))
        *value = bytes_of_text(length_text(arena, monitor->window_us));
    else
        return false;
    return true;
}

struct bytes monitor_text_fill(struct arena *arena, struct bytes text, const struct monitor *monitor,
                               struct bytes group, const struct monitor_event *event)
{
    struct buf out;
    buf_init(&out, MONITOR_BYTES_MAX);
    bool ok = true;
    for (size_t at = 0; ok && at < text.len;) {
        struct bytes value, rest = bytes_from(text.ptr + at, text.len - at);
        const uint8_t *end =
            rest.len > 4 && rest.ptr[0] == '{' && rest.ptr[1] == '{' ? memchr(rest.ptr + 2, '}', rest.len - 2) : NULL;
        size_t len = end == NULL ? 0 : (size_t)(end - rest.ptr) - 2;
        if (end != NULL && len + 3 < rest.len && end[1] == '}' &&
            variable(arena, bytes_from(rest.ptr + 2, len), monitor, group, event, &value)) {
            ok = buf_add(&out, value.ptr, value.len);
            at += len + 4;
        } else {
            ok = buf_add(&out, rest.ptr, 1);
            at++;
        }
    }
    struct bytes filled = arena_copy(arena, buf_bytes(&out)); /* what does not fit is cut */
    buf_deinit(&out);
    return filled;
}

struct bytes monitor_text_usual(struct arena *arena, const struct monitor *monitor, struct bytes group,
                                const struct monitor_event *event)
{
    const char *window = length_text(arena, monitor->window_us);
    const char *of = group.len == 0 ? "" : arena_printf(arena, "%.*s: ", (int)group.len, (const char *)group.ptr);
    if (event->to == MONITOR_OK) return bytes_of_text(arena_printf(arena, "%srecovered", of));
    if (event->to == MONITOR_NO_DATA || monitor->kind == MONITOR_ABSENCE)
        return bytes_of_text(arena_printf(arena, "%snothing came in %s", of, window));
    double level = event->to == MONITOR_ALERT ? monitor->rule.alert : monitor->rule.warning;
    const char *value = number_text(arena, event->value);
    switch (monitor->kind) {
    case MONITOR_BURN:
        return bytes_of_text(
            arena_printf(arena, "%sthe error budget of %.6g%% is spent %s times as fast as it lasts, in the last hour",
                         of, 100 * monitor->objective, value));
    case MONITOR_CHANGE:
        return bytes_of_text(arena_printf(arena, "%s%s in %s: a change of %s%s against %s; the level is %.6g", of,
                                          value, window, number_text(arena, event->compared),
                                          monitor->is_percent ? "%" : "",
                                          monitor->against == MONITOR_BEFORE ? "the time before"
                                          : monitor->against == MONITOR_DAY  ? "a day before"
                                                                             : "a week before",
                                          level));
    case MONITOR_ANOMALY:
        return bytes_of_text(
            arena_printf(arena,
                         "%s%s in %s: %s deviations from what is usual at this hour of the week; the level is %.6g", of,
                         value, window, number_text(arena, event->compared), level));
    default:
        return bytes_of_text(arena_printf(arena, "%s%s in %s: %s %.6g", of, value, window,
                                          monitor->rule.side == MONITOR_BELOW ? "below" : "above", level));
    }
}
