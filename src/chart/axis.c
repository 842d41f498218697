#include "chart/axis.h"
#include "ask/zone.h"
#include <math.h>
#include <stdio.h>

/* The round number at or above: 1, 2, 5 times a power of ten. */
static double round_up(double step)
{
    double power = pow(10, floor(log10(step)));
    double lead = step / power;
    return (lead <= 1.0000001 ? 1 : lead <= 2.0000001 ? 2 : lead <= 5.0000001 ? 5 : 10) * power;
}

void axis_of_values(struct axis *axis, double low, double high, uint32_t ticks_wanted)
{
    *axis = (struct axis){ 0 };
    if (!isfinite(low) || low > 0) low = 0;
    if (!isfinite(high) || high <= low) high = low + 1;
    if (ticks_wanted < 2) ticks_wanted = 2;
    if (ticks_wanted > AXIS_TICKS_MAX / 2) ticks_wanted = AXIS_TICKS_MAX / 2;
    double step = round_up((high - low) / ticks_wanted);
    double first = floor(low / step + 1e-9), last = ceil(high / step - 1e-9);
    axis->low = first * step;
    axis->high = last * step;
    for (double at = first; at <= last + 0.5 && axis->count < AXIS_TICKS_MAX; at++) axis->at[axis->count++] = at * step;
}

struct scale {
    const char *unit, *to;
    double times;
};
/* The greatest that is not above the value is taken. */
static const struct scale scales[] = {
    { "ms", "us", 0.001 },
    { "ms", "ms", 1 },
    { "ms", "s", 1000 },
    { "ms", "min", 60000 },
    { "ms", "h", 3600000 },
    { "B", "B", 1 },
    { "B", "KiB", 1024 },
    { "B", "MiB", 1048576 },
    { "B", "GiB", 1073741824 },
    { "B", "TiB", 1099511627776 },
    { "", "", 1 },
    { "", "k", 1e3 },
    { "", "M", 1e6 },
    { "", "G", 1e9 },
    { "", "T", 1e12 },
};

void axis_value_text(double value, struct bytes unit, char text[AXIS_TEXT_BYTES])
{
    const struct scale *taken = NULL;
    double size = fabs(value);
    bool is_known = false, is_time = bytes_equal(unit, BYTES("ms")), is_bytes = bytes_equal(unit, BYTES("B"));
    struct bytes of = is_time || is_bytes ? unit : BYTES("");
    for (size_t s = 0; s < COUNT_OF(scales); s++) {
        if (!bytes_equal(bytes_of_text(scales[s].unit), of)) continue;
        if (taken == NULL || size >= scales[s].times * 0.9999999) taken = &scales[s];
        is_known = true;
    }
    assert(is_known);
    if (value == 0 || (size < 1 && !is_time)) taken = NULL; /* as it is */
    double shown = taken == NULL ? value : value / taken->times;
    const char *suffix = taken == NULL ? "" : taken->to;
    const char *blank = of.len > 0 && suffix[0] != '\0' ? " " : "";
    int digits = fabs(shown) >= 99.95 || shown == floor(shown) ? 0 : fabs(shown) >= 9.995 ? 1 : 2;
    int len = snprintf(text, AXIS_TEXT_BYTES, "%.*f", digits, shown);
    if (digits == 2 && text[len - 1] == '0') text[--len] = '\0';
    snprintf(text + len, AXIS_TEXT_BYTES - (size_t)len, "%s%s%s%.*s", blank, suffix,
             of.len == 0 && unit.len > 0 ? " " : "", of.len == 0 ? (int)(unit.len < 10 ? unit.len : 10) : 0,
             (const char *)unit.ptr);
}

static void time_text(const struct zone *zone, int64_t at_s, bool has_days, char text[AXIS_TEXT_BYTES])
{
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct zone_time local = zone_local(zone, at_s);
    if (has_days || (local.hour == 0 && local.minute == 0)) {
        snprintf(text, AXIS_TEXT_BYTES, "%d %s", local.day, months[local.month - 1]);
    } else {
        snprintf(text, AXIS_TEXT_BYTES, "%02d:%02d", local.hour, local.minute);
    }
}

void axis_of_time(struct axis *axis, int64_t from_unix_us, int64_t to_unix_us, const struct zone *zone,
                  uint32_t ticks_max)
{
    static const int64_t steps_s[] = { 60,    120,   300,   600,    900,    1800,    3600,    7200,    10800,
                                       21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000 };
    int64_t from_s = from_unix_us / 1000000, to_s = to_unix_us / 1000000, step_s = 0;
    *axis = (struct axis){ .low = (double)from_unix_us, .high = (double)to_unix_us };
    if (ticks_max > AXIS_TICKS_MAX) ticks_max = AXIS_TICKS_MAX;
    for (size_t s = 0; s < COUNT_OF(steps_s) && (step_s == 0 || (to_s - from_s) / step_s + 1 > ticks_max); s++)
        step_s = steps_s[s];
    /* Whole ones of the wall clock; where that is put on or back the hours behind it move along. */
    for (int64_t at_s = from_s - from_s % 60; at_s < to_s && axis->count < ticks_max;) {
        int64_t offset_s = zone == NULL ? 0 : zone_offset_s(zone, at_s);
        int64_t past_s = (at_s + offset_s) % step_s;
        if (past_s == 0 && at_s >= from_s) {
            axis->at[axis->count] = (double)at_s * 1e6;
            time_text(zone, at_s, step_s >= 86400, axis->text[axis->count++]);
        }
        int64_t next_s = at_s + step_s - past_s;
        int64_t moved_s = zone == NULL ? 0 : zone_offset_s(zone, next_s) - offset_s;
        at_s = next_s - moved_s > at_s ? next_s - moved_s : next_s;
    }
}
