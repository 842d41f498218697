/* A plan in words: as one sentence, and as chips. */
#include "ask/ask_inside.h"
#include <stdio.h>
#include <stdlib.h>

enum { READING_BYTES_MAX = 64 << 10 };

static void put(struct buf *out, const char *text)
{
    if (!buf_add(out, text, strlen(text))) abort(); /* bounded by the bounds of a plan */
}

static void put_bytes(struct buf *out, struct bytes text)
{
    if (!buf_add(out, text.ptr, text.len)) abort();
}

static void put_field(struct buf *out, const struct ask_field *field)
{
    if (field->id >= ASK_FIELD_ATTRIBUTE) {
        put_bytes(out, field->key);
    } else {
        put(out, ask_field_names[field->id]);
    }
}

static void put_length(struct buf *out, struct bytes ns_text)
{
    char copy[24];
    snprintf(copy, sizeof copy, "%.*s", (int)(ns_text.len < 20 ? ns_text.len : 20), (const char *)ns_text.ptr);
    double ns = strtod(copy, NULL);
    if (!buf_printf(out, ns < 1e9 ? "%.6g ms" : "%.6g s", ns < 1e9 ? ns / 1e6 : ns / 1e9)) abort();
}

static void put_filter(struct buf *out, const struct ask_filter *filter)
{
    static const char *const tests[ASK_TESTS] = { " is ",         " is not ",   " is at least ", " is over ",
                                                  " is at most ", " is under ", " contains ",    " is there" };
    put_field(out, &filter->field);
    put(out, tests[filter->test]);
    for (uint32_t v = 0; v < filter->value_count; v++) {
        if (v > 0) put(out, " or ");
        if (filter->field.id == ASK_FIELD_DURATION) {
            put_length(out, filter->values[v]);
        } else {
            if (filter->test == ASK_CONTAINS) put(out, "\"");
            put_bytes(out, filter->values[v]);
            if (filter->test == ASK_CONTAINS) put(out, "\"");
        }
    }
}

static void put_filters(struct buf *out, const struct ask_filter *filters, uint32_t count)
{
    for (uint32_t f = 0; f < count; f++) {
        put(out, f == 0 ? " whose " : " and ");
        put_filter(out, &filters[f]);
    }
}

static void put_measure(struct buf *out, const struct ask_measure *measure)
{
    static const char *const names[ASK_MEASURES] = { "number",   "error rate", "average ", "minimum ",
                                                     "maximum ", "sum of ",    "",         "number of distinct " };
    if (measure->kind == ASK_PERCENTILE && !buf_printf(out, "p%g ", measure->per_mille / 10.0)) abort();
    put(out, names[measure->kind]);
    if (measure->kind == ASK_COUNT || measure->kind == ASK_ERROR_RATE) return;
    put_field(out, &measure->field);
    if (measure->kind == ASK_DISTINCT) put(out, "s");
}

static void put_time(struct buf *out, const struct zone *zone, int64_t unix_us)
{
    static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    struct zone_time at = zone_local(zone, unix_us / 1000000);
    int offset = zone_offset_s(zone, unix_us / 1000000) / 60, size = offset < 0 ? -offset : offset;
    if (!buf_printf(out, "%s %04d-%02d-%02d %02d:%02d", days[zone_weekday(zone_day_number(at.year, at.month, at.day))],
                    at.year, at.month, at.day, at.hour, at.minute) ||
        (at.second != 0 && !buf_printf(out, ":%02d", at.second)) ||
        !buf_printf(out, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 60, size % 60))
        abort();
}

static void put_range(struct buf *out, const struct zone *zone, int64_t from_us, int64_t to_us)
{
    put(out, "from ");
    put_time(out, zone, from_us);
    put(out, " to ");
    put_time(out, zone, to_us);
}

static void put_groups(struct buf *out, const struct ask_plan *plan)
{
    for (uint32_t g = 0; g < plan->group_count; g++) {
        put(out, g == 0 ? " by " : " and ");
        put_field(out, &plan->groups[g]);
    }
}

static const char *order_words(const struct ask_plan *plan)
{
    static const char *const of_rows[ASK_ORDERS] = { "the newest", "the oldest", "the slowest", "the fastest" };
    static const char *const of_tables[ASK_ORDERS] = { "the largest", "the largest", "the largest", "the smallest" };
    return plan->display == ASK_SHOW_TABLE ? of_tables[plan->order] : of_rows[plan->order];
}

static const char *of_words(enum ask_of of)
{
    return of == ASK_ROWS ? "logs and spans" : of == ASK_QUERIES ? "database queries" : ask_of_names[of];
}

struct bytes ask_reading(struct arena *arena, const struct ask_plan *plan, const struct zone *zone)
{
    struct buf out;
    buf_init(&out, READING_BYTES_MAX);
    for (uint32_t m = 0; m < plan->measure_count; m++) {
        if (m > 0) put(&out, ", ");
        put_measure(&out, &plan->measures[m]);
    }
    if (plan->measure_count > 0) put(&out, " of ");
    if (plan->display == ASK_SHOW_WATERFALL) {
        put(&out, "traces");
        for (uint32_t p = 0; p < plan->part_count; p++) {
            put(&out, p == 0 ? " with " : " and with ");
            put(&out, of_words(plan->parts[p].of));
            put_filters(&out, plan->parts[p].filters, plan->parts[p].filter_count);
        }
    } else {
        put(&out, of_words(plan->of));
    }
    put_filters(&out, plan->filters, plan->filter_count);
    put_groups(&out, plan);
    if (plan->step != ASK_STEP_NONE && !buf_printf(&out, ", a point each %s", ask_step_names[plan->step])) abort();
    put(&out, plan->time_was_said ? ", " : ", the last 24 hours, ");
    put_range(&out, zone, plan->from_us, plan->to_us);
    if (!buf_printf(&out, " (%.*s)", (int)plan->zone.len, (const char *)plan->zone.ptr)) abort();
    if (plan->has_before) {
        put(&out, ", compared with ");
        put_range(&out, zone, plan->before_from_us, plan->before_to_us);
    }
    bool has_limit =
        plan->display == ASK_SHOW_ROWS || plan->display == ASK_SHOW_WATERFALL || plan->display == ASK_SHOW_TABLE;
    if (has_limit && !buf_printf(&out, "; %s %u", order_words(plan), plan->limit)) abort();
    struct bytes text = arena_copy(arena, buf_bytes(&out));
    buf_deinit(&out);
    return text;
}

/* ---- chips ---- */

struct chips {
    struct arena *arena;
    struct ask_chip *list;
    uint32_t count;
    struct buf text;
};

static void chip_end(struct chips *chips, const char *kind, const char *pointer)
{
    if (chips->count < 64)
        chips->list[chips->count++] = (struct ask_chip){ .kind = kind,
                                                         .pointer = arena_copy(chips->arena, bytes_of_text(pointer)),
                                                         .text = arena_copy(chips->arena, buf_bytes(&chips->text)) };
    chips->text.len = 0;
}

static void filters_chips(struct chips *chips, const char *before, const struct ask_filter *filters, uint32_t count)
{
    char pointer[80];
    for (uint32_t f = 0; f < count; f++) {
        put_filter(&chips->text, &filters[f]);
        snprintf(pointer, sizeof pointer, "%s/filters/%u", before, f);
        chip_end(chips, "filter", pointer);
    }
}

uint32_t ask_chips(struct arena *arena, const struct ask_plan *plan, const struct zone *zone, struct ask_chip list[64])
{
    struct chips chips = { .arena = arena, .list = list };
    char pointer[48];
    buf_init(&chips.text, READING_BYTES_MAX);
    bool is_traces = plan->display == ASK_SHOW_WATERFALL;
    put(&chips.text, is_traces ? "traces" : of_words(plan->of));
    chip_end(&chips, "of", is_traces ? "/display" : "/of");
    filters_chips(&chips, "", plan->filters, plan->filter_count);
    for (uint32_t p = 0; p < plan->part_count; p++) {
        put(&chips.text, "with ");
        put(&chips.text, of_words(plan->parts[p].of));
        snprintf(pointer, sizeof pointer, "/parts/%u", p);
        chip_end(&chips, "part", pointer);
        filters_chips(&chips, pointer, plan->parts[p].filters, plan->parts[p].filter_count);
    }
    for (uint32_t m = 0; m < plan->measure_count; m++) {
        put_measure(&chips.text, &plan->measures[m]);
        snprintf(pointer, sizeof pointer, "/measures/%u", m);
        chip_end(&chips, "measure", pointer);
    }
    for (uint32_t g = 0; g < plan->group_count; g++) {
        put(&chips.text, "by ");
        put_field(&chips.text, &plan->groups[g]);
        snprintf(pointer, sizeof pointer, "/groups/%u", g);
        chip_end(&chips, "group", pointer);
    }
    if (plan->step != ASK_STEP_NONE) {
        put(&chips.text, "each ");
        put(&chips.text, ask_step_names[plan->step]);
        chip_end(&chips, "step", "/step");
    }
    put_range(&chips.text, zone, plan->from_us, plan->to_us);
    chip_end(&chips, "time", "/from");
    if (plan->has_before) {
        put_range(&chips.text, zone, plan->before_from_us, plan->before_to_us);
        chip_end(&chips, "compare", "/before");
    }
    if (is_traces || plan->display == ASK_SHOW_ROWS || plan->display == ASK_SHOW_TABLE) {
        if (!buf_printf(&chips.text, "%s %u", order_words(plan), plan->limit)) abort();
        chip_end(&chips, "limit", "/limit");
    }
    put(&chips.text, ask_display_names[plan->display]);
    chip_end(&chips, "display", "/display");
    buf_deinit(&chips.text);
    return chips.count;
}
