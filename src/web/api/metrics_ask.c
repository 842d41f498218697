#include "web/api/metrics_ask.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/utf8.h"
#include "search/search.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    TIMEOUT_MS = 30000,
    LIMIT_DEFAULT = 50,
    STEPS_USUAL = 240,
    KINDS_MAX = 8, /* types and units of one name that are told of */
    PROBE_STEPS = 500,
};
static const uint64_t ROWS_MAX = 2000000;
static const int64_t SECOND_US = 1000000, DAY_US = 86400 * 1000000ll;
static const char *const aggregates[] = {
    [METRICS_RATE] = "rate", [METRICS_INCREASE] = "increase", [METRICS_SUM] = "sum",
    [METRICS_AVG] = "avg",   [METRICS_MIN] = "min",           [METRICS_MAX] = "max",
    [METRICS_LAST] = "last", [METRICS_COUNT] = "count",       [METRICS_QUANTILE] = "quantile",
};

void metrics_ask_note(struct metrics_ask *ask, const char *fmt, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    for (uint32_t n = 0; n < ask->note_count; n++)
        if (strcmp(ask->notes[n], text) == 0) return;
    if (ask->note_count < METRICS_NOTES_MAX) ask->notes[ask->note_count++] = arena_printf(ask->call->arena, "%s", text);
}

/* ---- what is asked ---- */

static bool fail_at(struct metrics_ask *ask, const char *pointer, const char *text)
{
    api_fail_at(ask->call, pointer, "%s", text);
    return false;
}

static bool time_read(struct metrics_ask *ask, const char *name, int64_t now_us, int64_t *unix_us)
{
    struct bytes text = api_body_text(ask->call, name);
    return text.len == 0 || rfc3339_read_relative(text, now_us, unix_us) ||
           fail_at(ask, arena_printf(ask->call->arena, "/%s", name),
                   "it must be a time such as 2026-11-27T02:00:00Z, now or now-15m");
}

static bool search_read(struct metrics_ask *ask)
{
    struct search_node *root;
    struct search_problem problem;
    struct bytes q = api_body_text(ask->call, "search");
    if (search_parse(ask->call->arena, q, &root, &problem) &&
        search_metrics_sql(ask->call->arena, root, &ask->condition, &problem))
        return true;
    api_fail_at(ask->call, "/search", "at characters %zu to %zu: %s", utf8_count(bytes_from(q.ptr, problem.from)),
                utf8_count(bytes_from(q.ptr, problem.to)), problem.text);
    return false;
}

static void by_read(struct metrics_ask *ask)
{
    yyjson_val *value;
    size_t index, max;
    yyjson_arr_foreach(yyjson_obj_get(ask->call->body, "by"), index, max, value)
    {
        struct bytes name = bytes_from(yyjson_get_str(value), yyjson_get_len(value));
        ask->by[ask->by_count] = name;
        ask->by_sql[ask->by_count++] = search_metrics_field(ask->call->arena, name);
    }
}

static void aggregate_read(struct metrics_ask *ask)
{
    struct bytes name = api_body_text(ask->call, "aggregate");
    yyjson_val *quantile = yyjson_obj_get(ask->call->body, "quantile");
    yyjson_val *value;
    size_t index, max;
    yyjson_arr_foreach(yyjson_obj_get(ask->call->body, "quantiles"), index, max, value)
    {
        ask->quantiles[ask->quantile_count++] = yyjson_get_num(value);
    }
    if (ask->quantile_count == 0)
        ask->quantiles[ask->quantile_count++] = yyjson_is_num(quantile) ? yyjson_get_num(quantile) : 0.95;
    ask->quantile = ask->quantiles[0];
    for (size_t a = 0; a < COUNT_OF(aggregates); a++) {
        if (!bytes_equal(name, bytes_of_text(aggregates[a]))) continue;
        ask->aggregate = (enum metrics_aggregate)a;
        ask->has_aggregate = true;
    }
}

static int64_t floor_to(int64_t number, int64_t step)
{
    return number - (number % step + step) % step;
}

static bool steps_fit(struct metrics_ask *ask)
{
    ask->from_us = floor_to(ask->from_us, ask->step_us);
    int64_t steps = (ask->to_us - ask->from_us + ask->step_us - 1) / ask->step_us;
    if (steps > METRICS_STEPS_MAX) {
        api_fail_at(ask->call, "/step_s",
                    "this is %" PRId64 " steps; at most %d are answered: a step of %" PRId64 " s or longer", steps,
                    METRICS_STEPS_MAX, (ask->to_us - ask->from_us) / METRICS_STEPS_MAX / SECOND_US + 1);
        return false;
    }
    ask->steps = (uint32_t)steps;
    ask->to_us = ask->from_us + steps * ask->step_us;
    return true;
}

bool metrics_ask_read(struct metrics_ask *ask, struct api_call *call)
{
    int64_t now_us = clock_unix_us();
    *ask = (struct metrics_ask){ .call = call, .to_us = now_us };
    ask->name = api_body_text(call, "name");
    ask->limit = (uint32_t)api_body_int(call, "limit", LIMIT_DEFAULT);
    ask->step_us = api_body_int(call, "step_s", 0) * SECOND_US;
    if (!time_read(ask, "to", now_us, &ask->to_us)) return false;
    ask->from_us = ask->to_us - 3600 * SECOND_US;
    if (!time_read(ask, "from", now_us, &ask->from_us)) return false;
    if (ask->from_us >= ask->to_us) return fail_at(ask, "/from", "from must be before to");
    if (ask->from_us < 0) return fail_at(ask, "/from", "times before 1970 have no points");
    if (ask->to_us - ask->from_us > 1000 * DAY_US) return fail_at(ask, "/from", "at most 1000 days are answered");
    by_read(ask);
    aggregate_read(ask);
    return search_read(ask) && (ask->step_us == 0 || steps_fit(ask));
}

/* ---- statements ---- */

bool metrics_ask_run(struct metrics_ask *ask, struct bytes sql,
                     bool (*put)(void *ctx, const struct sql_run *run, const struct query_chunk *chunk), void *ctx)
{
    struct sql_run run;
    struct err err = { 0 };
    const struct query_chunk *chunk = NULL;
    const char *const *warnings;
    struct sql_query query = { .sql = sql, .timeout_ms = TIMEOUT_MS, .read_only = "a chart only reads" };
    bool ok = sql_open(&run, ask->call, &query, &err), goes_on = true;
    while (ok && goes_on && (ok = sql_next(&run, &chunk, &err)) && chunk != NULL) goes_on = put(ctx, &run, chunk);
    if (ok) {
        uint32_t count = query_cursor_warnings(run.cursor, &warnings);
        for (uint32_t w = 0; w < count; w++) metrics_ask_note(ask, "%s", warnings[w]);
    } else {
        err.position = 0;
        sql_fail(ask->call, &err);
    }
    sql_close(&run);
    return ok;
}

const char *metrics_ask_times(struct metrics_ask *ask, int64_t from_us, int64_t to_us)
{
    char from[RFC3339_BYTES], to[RFC3339_BYTES];
    rfc3339_write(from_us, from);
    rfc3339_write(to_us, to);
    return arena_printf(ask->call->arena, " AND timestamp >= '%s' AND timestamp < '%s'", from, to);
}

/* ---- the survey ---- */

struct survey {
    struct metrics_ask *ask;
    uint32_t count;
    struct bytes types[KINDS_MAX], units[KINDS_MAX];
    uint64_t rows[KINDS_MAX];
    bool is_monotonic[KINDS_MAX];
};

static bool survey_put(void *ctx, const struct sql_run *run, const struct query_chunk *chunk)
{
    struct survey *survey = ctx;
    struct metrics_ask *ask = survey->ask;
    struct arena *arena = ask->call->arena;
    (void)run;
    for (uint32_t row = 0; row < query_chunk_rows(chunk) && survey->count < KINDS_MAX; row++) {
        uint32_t at = survey->count++;
        survey->types[at] = arena_copy(arena, query_chunk_value(chunk, 0, row).bytes);
        survey->units[at] = arena_copy(arena, query_chunk_value(chunk, 1, row).bytes);
        struct query_value monotonic = query_chunk_value(chunk, 2, row), value;
        survey->is_monotonic[at] = !monotonic.is_null && monotonic.boolean;
        survey->rows[at] = (uint64_t)query_chunk_value(chunk, 4, row).integer;
        if (at > 0) continue;
        ask->series = (uint64_t)query_chunk_value(chunk, 3, row).integer;
        ask->rows = survey->rows[0];
        value = query_chunk_value(chunk, 5, row);
        if (!value.is_null && value.number > 0) ask->interval_us = (int64_t)(value.number * 1e6);
        value = query_chunk_value(chunk, 6, row);
        if (!value.is_null) ask->description = arena_copy(arena, value.bytes);
        struct query_value low = query_chunk_value(chunk, 7, row), high = query_chunk_value(chunk, 8, row);
        if (!low.is_null)
            ask->temporality = bytes_equal(low.bytes, high.bytes) ? arena_copy(arena, low.bytes) : BYTES("mixed");
    }
    return true;
}

static bool kind_of(struct bytes type, bool is_monotonic, enum metrics_kind *kind)
{
    static const struct {
        const char *type;
        enum metrics_kind kind;
    } kinds[] = { { "gauge", METRICS_GAUGE },
                  { "histogram", METRICS_HISTOGRAM },
                  { "exponential_histogram", METRICS_EXPONENTIAL },
                  { "summary", METRICS_SUMMARY } };
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        if (!bytes_equal(type, bytes_of_text(kinds[k].type))) continue;
        *kind = kinds[k].kind;
        return true;
    }
    *kind = is_monotonic ? METRICS_COUNTER : METRICS_UP_DOWN;
    return bytes_equal(type, BYTES("sum"));
}

static int64_t step_usual(const struct metrics_ask *ask)
{
    static const int64_t steps_s[] = { 1,   2,   5,    10,   15,   30,    60,    120,   300,
                                       600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400 };
    int64_t least_us = (ask->to_us - ask->from_us) / STEPS_USUAL;
    if (ask->interval_us > least_us) least_us = ask->interval_us * 9 / 10; /* intervals jitter */
    for (size_t s = 0; s < COUNT_OF(steps_s); s++)
        if (steps_s[s] * SECOND_US >= least_us) return steps_s[s] * SECOND_US;
    return (least_us + DAY_US - 1) / DAY_US * DAY_US;
}

struct probe {
    struct metrics_ask *ask;
    int64_t width_us;
    uint64_t rows; /* of buckets so far, the newest first */
};

static bool probe_put(void *ctx, const struct sql_run *run, const struct query_chunk *chunk)
{
    struct probe *probe = ctx;
    (void)run;
    for (uint32_t row = 0; row < query_chunk_rows(chunk); row++) {
        probe->rows += (uint64_t)query_chunk_value(chunk, 1, row).integer;
        if (probe->rows > ROWS_MAX) return false;
        probe->ask->read_from_us = probe->ask->from_us + query_chunk_value(chunk, 0, row).integer * probe->width_us;
    }
    return true;
}

/* Which of the points are the newest ROWS_MAX. */
static bool cut_find(struct metrics_ask *ask)
{
    struct probe probe = { ask, (ask->to_us - ask->from_us) / PROBE_STEPS + 1, 0 };
    if (probe.width_us < ask->step_us) probe.width_us = ask->step_us;
    ask->read_from_us = ask->to_us;
    char *sql = arena_printf(ask->call->arena,
                             "SELECT ((extract(epoch FROM timestamp) * 1000000)::bigint - %" PRId64 ") / %" PRId64
                             " AS n, count(*) FROM otel_metrics WHERE %.*s%s GROUP BY n ORDER BY n DESC",
                             ask->from_us, probe.width_us, (int)ask->where.len, (const char *)ask->where.ptr,
                             metrics_ask_times(ask, ask->from_us, ask->to_us));
    if (!metrics_ask_run(ask, bytes_of_text(sql), probe_put, &probe)) return false;
    ask->read_from_us = floor_to(ask->read_from_us + ask->step_us - 1, ask->step_us);
    char from[RFC3339_BYTES];
    rfc3339_write(ask->read_from_us, from);
    metrics_ask_note(ask,
                     "there are %" PRIu64 " points; the newest %" PRIu64
                     " were read, from %s on: a shorter time or a narrower search shows all",
                     ask->rows, ROWS_MAX, from);
    return true;
}

static void others_note(struct metrics_ask *ask, const struct survey *survey)
{
    for (uint32_t k = 1; k < survey->count; k++)
        metrics_ask_note(ask,
                         "%" PRIu64
                         " points are of another kind (%.*s%s, unit \"%.*s\") and left out; shown are %.*s, unit "
                         "\"%.*s\"",
                         survey->rows[k], (int)survey->types[k].len, (const char *)survey->types[k].ptr,
                         survey->is_monotonic[k] ? ", only grows" : "", (int)survey->units[k].len,
                         (const char *)survey->units[k].ptr, (int)ask->type.len, (const char *)ask->type.ptr,
                         (int)ask->unit.len, (const char *)ask->unit.ptr);
}

bool metrics_ask_survey(struct metrics_ask *ask)
{
    struct arena *arena = ask->call->arena;
    struct survey survey = { .ask = ask };
    struct bytes name = search_literal(arena, ask->name);
    const char *condition = ask->condition.len == 0 ? ""
                                                    : arena_printf(arena, " AND (%.*s)", (int)ask->condition.len,
                                                                   (const char *)ask->condition.ptr);
    const char *base = arena_printf(arena, "metric_name = %.*s%s", (int)name.len, (const char *)name.ptr, condition);
    char *sql = arena_printf(
        arena,
        "SELECT metric_type, metric_unit, is_monotonic, count(*), sum(n)::bigint, "
        "percentile_cont(0.25) WITHIN GROUP (ORDER BY width / (n - 1)), max(description), min(low), max(high) "
        "FROM (SELECT series_id, metric_type, metric_unit, is_monotonic, count(*) AS n, "
        "extract(epoch FROM max(timestamp)) - extract(epoch FROM min(timestamp)) AS width, "
        "max(metric_description) AS description, min(aggregation_temporality) AS low, "
        "max(aggregation_temporality) AS high FROM otel_metrics WHERE %s%s "
        "GROUP BY series_id, metric_type, metric_unit, is_monotonic) s GROUP BY 1, 2, 3 ORDER BY 5 DESC LIMIT %d",
        base, metrics_ask_times(ask, ask->from_us, ask->to_us), KINDS_MAX);
    if (!metrics_ask_run(ask, bytes_of_text(sql), survey_put, &survey)) return false;
    if (survey.count > 0 && !kind_of(survey.types[0], survey.is_monotonic[0], &ask->kind)) {
        api_fail_with(ask->call, ERR_UNSUPPORTED, "points of the type \"%.*s\" are not known here",
                      (int)survey.types[0].len, (const char *)survey.types[0].ptr);
        return false;
    }
    if (ask->step_us == 0) {
        ask->step_us = step_usual(ask);
        if (!steps_fit(ask)) return false;
    }
    ask->read_from_us = ask->from_us;
    if (survey.count == 0) return true;
    ask->type = survey.types[0];
    ask->unit = survey.units[0];
    others_note(ask, &survey);
    struct bytes type = search_literal(arena, ask->type), unit = search_literal(arena, ask->unit);
    ask->where =
        bytes_of_text(arena_printf(arena, "%s AND metric_type = %.*s AND metric_unit = %.*s%s", base, (int)type.len,
                                   (const char *)type.ptr, (int)unit.len, (const char *)unit.ptr,
                                   ask->kind == METRICS_COUNTER   ? " AND is_monotonic"
                                   : ask->kind == METRICS_UP_DOWN ? " AND is_monotonic IS NOT TRUE"
                                                                  : ""));
    return ask->rows <= ROWS_MAX || cut_find(ask);
}

/* ---- aggregates ---- */

bool metrics_ask_aggregate(struct metrics_ask *ask)
{
    static const struct {
        enum metrics_aggregate usual;
        const char *others; /* blanks around each */
        const char *what;
    } kinds[] = {
        [METRICS_GAUGE] = { METRICS_AVG, " avg min max last sum count ", "a gauge" },
        [METRICS_COUNTER] = { METRICS_RATE, " rate increase last count ", "a counter" },
        [METRICS_UP_DOWN] = { METRICS_SUM, " sum avg min max last count rate increase ",
                              "a sum that goes up and down" },
        [METRICS_HISTOGRAM] = { METRICS_QUANTILE, " quantile rate increase count sum avg min max ", "a histogram" },
        [METRICS_EXPONENTIAL] = { METRICS_QUANTILE, " quantile rate increase count sum avg min max ",
                                  "an exponential histogram" },
        [METRICS_SUMMARY] = { METRICS_QUANTILE, " quantile rate increase count sum avg ", "a summary" },
    };
    bool is_level_of_delta = bytes_equal(ask->temporality, BYTES("delta"));
    if (!ask->has_aggregate) {
        ask->aggregate = kinds[ask->kind].usual;
        if (ask->kind == METRICS_UP_DOWN && is_level_of_delta) ask->aggregate = METRICS_INCREASE;
        ask->has_aggregate = true;
    }
    const char *name = arena_printf(ask->call->arena, " %s ", aggregates[ask->aggregate]);
    bool is_of_changes = ask->aggregate == METRICS_RATE || ask->aggregate == METRICS_INCREASE ||
                         ask->aggregate == METRICS_COUNT || ask->kind >= METRICS_HISTOGRAM;
    if (strstr(kinds[ask->kind].others, name) == NULL) {
        api_fail_at(ask->call, "/aggregate", "this metric is %s: ask for one of%s", kinds[ask->kind].what,
                    kinds[ask->kind].others);
        return false;
    }
    if (ask->quantile_count > 1 && ask->aggregate != METRICS_QUANTILE)
        return fail_at(ask, "/quantiles", "several quantiles go with the aggregate quantile");
    if (ask->quantile_count > 1 && ask->kind == METRICS_SUMMARY)
        return fail_at(ask, "/quantiles", "of a summary one quantile at a time is answered");
    if (!is_of_changes && is_level_of_delta)
        return fail_at(ask, "/aggregate",
                       "this sum is sent as delta: only what is added is known; ask for rate or increase");
    return true;
}

/* ---- answers ---- */

void metrics_ask_told(struct metrics_ask *ask, const struct metrics_told *told)
{
    if (told->gap_count > 0)
        metrics_ask_note(ask,
                         "in %" PRIu64
                         " gaps between points it is not known when %.6g came to pass: that is in no step",
                         told->gap_count, told->gap_increase);
    if (told->unknown_count > 0)
        metrics_ask_note(ask, "%" PRIu64 " series begin within this time with a total from before: it is not counted",
                         told->unknown_count);
    if (told->repeat_count > 0)
        metrics_ask_note(ask, "%" PRIu64 " points came twice and count once", told->repeat_count);
    if (told->bounds_count > 0)
        metrics_ask_note(ask, "%" PRIu64 " times a series changed its buckets without beginning anew: left out there",
                         told->bounds_count);
    if (told->level_count > 0)
        metrics_ask_note(ask, "%" PRIu64 " points are sent as delta and have no level: left out", told->level_count);
    if (told->malformed_count > 0)
        metrics_ask_note(ask, "%" PRIu64 " points have bounds that do not fit their buckets: counted, without buckets",
                         told->malformed_count);
    if (told->has_several_bounds)
        metrics_ask_note(ask, "series have different bounds: within a bucket values are taken to be even");
    if (told->has_several_scales) metrics_ask_note(ask, "series have different scales: the coarsest counts");
    if (told->is_quantile_outside)
        metrics_ask_note(
            ask, "where the quantile lies beyond the outermost bound, that bound is shown: it is that at least");
    if (told->is_quantile_of_parts)
        metrics_ask_note(ask, "quantiles of summaries cannot be put together: the highest of the series is shown");
    if (told->is_quantile_another) metrics_ask_note(ask, "that quantile was not sent: the nearest one is shown");
    if (ask->series_left_out > 0)
        metrics_ask_note(ask, "%" PRIu64 " series are left out: there are more than %d groups", ask->series_left_out,
                         METRICS_GROUPS_MAX);
}

void metrics_ask_put(struct metrics_ask *ask, yyjson_mut_val *answer)
{
    struct api_call *call = ask->call;
    yyjson_mut_doc *json = call->json;
    api_put_text(call, answer, "name", ask->name);
    api_put_text(call, answer, "unit", ask->unit);
    api_put_text(call, answer, "type", ask->type);
    api_put_text(call, answer, "temporality", ask->temporality);
    yyjson_mut_obj_add_bool(json, answer, "is_monotonic", ask->rows > 0 && ask->kind == METRICS_COUNTER);
    api_put_text(call, answer, "description", ask->description);
    yyjson_mut_obj_add_sint(json, answer, "from_ms", ask->from_us / 1000);
    yyjson_mut_obj_add_sint(json, answer, "to_ms", ask->to_us / 1000);
    yyjson_mut_obj_add_sint(json, answer, "step_s", ask->step_us / SECOND_US);
    yyjson_mut_obj_add_real(json, answer, "interval_s", (double)ask->interval_us / 1e6);
    yyjson_mut_obj_add_uint(json, answer, "rows_read", ask->rows_read);
    yyjson_mut_obj_add_uint(json, answer, "series_read", ask->series);
    yyjson_mut_val *notes = yyjson_mut_obj_add_arr(json, answer, "notes");
    for (uint32_t n = 0; n < ask->note_count; n++) yyjson_mut_arr_add_str(json, notes, ask->notes[n]);
}
