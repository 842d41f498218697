/* Points of a metric, read in the order that metrics/ wants them, and into which group each series goes. */
#include "base/hash.h"
#include "web/api/metrics_ask.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIXED_COLUMNS = 5, METRICS_BYTES = 48 << 20, LIST_MAX = 1 << 20 };
static const int64_t GAP_US_MIN = 300 * 1000000ll, HOLD_US_UNKNOWN = 150 * 1000000ll;

struct numbers { /* a list's values, for one point */
    double *ptr;
    uint32_t cap;
};
struct reading {
    struct metrics_ask *ask;
    struct metrics *metrics;
    bool has_series, is_left_out;
    struct uuid series;
    struct numbers lists[2];
    uint32_t labels_at; /* column of the first label */
    const char *failed;
};

static uint32_t list_read(struct numbers *numbers, const struct query_chunk *chunk, uint32_t column, uint32_t row)
{
    struct query_value list = query_chunk_value(chunk, column, row);
    if (list.is_null || list.list.count > LIST_MAX) return 0;
    if (list.list.count > numbers->cap) {
        numbers->cap = list.list.count;
        numbers->ptr = mem_realloc(numbers->ptr, numbers->cap * sizeof(double));
    }
    query_chunk_numbers(chunk, column, list.list.offset, list.list.count, numbers->ptr);
    return list.list.count;
}

static double number_or_nan(const struct query_chunk *chunk, uint32_t column, uint32_t row)
{
    struct query_value value = query_chunk_value(chunk, column, row);
    return value.is_null ? NAN : value.number;
}

static double integer_or(const struct query_chunk *chunk, uint32_t column, uint32_t row, double fallback)
{
    struct query_value value = query_chunk_value(chunk, column, row);
    return value.is_null ? fallback : (double)value.integer;
}

/* ---- groups ---- */

static bool group_find(struct reading *reading, const struct query_chunk *chunk, uint32_t row, uint32_t *group)
{
    struct metrics_ask *ask = reading->ask;
    struct metrics_group_labels labels = { .hash = 1 };
    for (uint32_t b = 0; b < ask->by_count; b++) {
        struct query_value value = query_chunk_value(chunk, reading->labels_at + b, row);
        if (!value.is_null) labels.values[b] = value.bytes.len > 0 ? value.bytes : BYTES("");
        labels.hash = hash64_key(value.is_null ? BYTES("\xff") : value.bytes, labels.hash);
    }
    for (uint32_t g = 0; g < ask->group_count; g++) {
        if (ask->groups[g].hash != labels.hash) continue;
        bool is_same = true;
        for (uint32_t b = 0; is_same && b < ask->by_count; b++)
            is_same = bytes_equal(ask->groups[g].values[b], labels.values[b]) &&
                      (ask->groups[g].values[b].ptr == NULL) == (labels.values[b].ptr == NULL);
        *group = g;
        if (is_same) return true;
    }
    if (ask->group_count == METRICS_GROUPS_MAX || !metrics_group(reading->metrics, group)) return false;
    for (uint32_t b = 0; b < ask->by_count; b++) {
        if (labels.values[b].ptr == NULL) continue;
        labels.values[b] = labels.values[b].len > 0 ? arena_copy(ask->call->arena, labels.values[b]) : BYTES("");
    }
    ask->groups[ask->group_count++] = labels;
    return true;
}

static void series_begin(struct reading *reading, const struct query_chunk *chunk, uint32_t row, struct uuid series)
{
    uint32_t group;
    reading->has_series = true;
    reading->series = series;
    reading->is_left_out = !group_find(reading, chunk, row, &group);
    if (reading->is_left_out) {
        reading->ask->series_left_out++;
    } else {
        metrics_series(reading->metrics, group);
    }
}

/* ---- points ---- */

/* In the order of columns_of. */
static void point_read(struct reading *reading, const struct query_chunk *chunk, uint32_t row,
                       struct metrics_point *point)
{
    enum metrics_kind kind = reading->ask->kind;
    uint32_t at = FIXED_COLUMNS;
    if (kind <= METRICS_UP_DOWN) {
        point->value = number_or_nan(chunk, at, row);
        if (isnan(point->value)) point->is_missing = true;
        return;
    }
    point->count = integer_or(chunk, at, row, 0);
    point->sum = number_or_nan(chunk, at + 1, row);
    point->min = number_or_nan(chunk, at + 2, row);
    point->max = number_or_nan(chunk, at + 3, row);
    at += 4;
    uint32_t first = list_read(&reading->lists[0], chunk, at, row);
    uint32_t second = list_read(&reading->lists[1], chunk, at + 1, row);
    if (kind == METRICS_SUMMARY) {
        point->quantile_count = first < second ? first : second;
        point->quantiles = reading->lists[0].ptr;
        point->quantile_values = reading->lists[1].ptr;
        return;
    }
    point->positive = (struct metrics_side){ 0, first, reading->lists[0].ptr };
    if (kind == METRICS_HISTOGRAM) {
        point->bound_count = second;
        point->bounds = reading->lists[1].ptr;
        return;
    }
    point->negative = (struct metrics_side){ 0, second, reading->lists[1].ptr };
    point->positive.offset = (int32_t)integer_or(chunk, at + 2, row, 0);
    point->negative.offset = (int32_t)integer_or(chunk, at + 3, row, 0);
    point->scale = (int32_t)integer_or(chunk, at + 4, row, 0);
    point->zero_count = integer_or(chunk, at + 5, row, 0);
    point->zero_threshold = number_or_nan(chunk, at + 6, row);
}

static bool points_put(void *ctx, const struct sql_run *run, const struct query_chunk *chunk)
{
    struct reading *reading = ctx;
    (void)run;
    uint32_t rows = query_chunk_rows(chunk);
    for (uint32_t row = 0; row < rows; row++) {
        struct uuid series = query_chunk_value(chunk, 0, row).uuid;
        if (!reading->has_series || memcmp(&series, &reading->series, sizeof series) != 0)
            series_begin(reading, chunk, row, series);
        if (reading->is_left_out) continue;
        struct metrics_point point = { .at_us = query_chunk_value(chunk, 1, row).integer };
        struct query_value start = query_chunk_value(chunk, 2, row), delta = query_chunk_value(chunk, 4, row);
        if (!start.is_null) point.start_us = start.integer;
        point.is_missing = (query_chunk_value(chunk, 3, row).integer & 1) != 0;
        point.is_delta = !delta.is_null && delta.boolean;
        point_read(reading, chunk, row, &point);
        if (!metrics_point(reading->metrics, &point)) {
            reading->failed = "too many groups, steps and buckets at once: group by less, or take a longer step";
            return false;
        }
    }
    reading->ask->rows_read += rows;
    return true;
}

static const char *columns_of(enum metrics_kind kind)
{
    switch (kind) {
    case METRICS_GAUGE:
    case METRICS_COUNTER:
    case METRICS_UP_DOWN: return "value";
    case METRICS_HISTOGRAM:
        return "distribution_count, distribution_sum, distribution_min, distribution_max, hist_bucket_counts, "
               "hist_explicit_bounds";
    case METRICS_EXPONENTIAL:
        return "distribution_count, distribution_sum, distribution_min, distribution_max, exp_hist_pos_buckets, "
               "exp_hist_neg_buckets, exp_hist_pos_offset, exp_hist_neg_offset, exp_hist_scale, exp_hist_zero_count, "
               "exp_hist_zero_threshold";
    case METRICS_SUMMARY:
        return "distribution_count, distribution_sum, distribution_min, distribution_max, summary_quantiles, "
               "summary_values";
    }
    return "value";
}

static uint32_t column_count(const char *columns)
{
    uint32_t count = 1;
    for (; *columns != '\0'; columns++) count += *columns == ',';
    return count;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool metrics_ask_points(struct metrics_ask *ask, struct metrics **metrics)
{
    struct metrics_range range = { .from_us = ask->from_us,
                                   .step_us = ask->step_us,
                                   .steps = ask->steps,
                                   .kind = ask->kind,
                                   .aggregate = ask->aggregate,
                                   .quantile = ask->quantile,
                                   .gap_us = later(GAP_US_MIN, 3 * ask->interval_us),
                                   .hold_us = ask->interval_us > 0 ? ask->interval_us * 5 / 2 : HOLD_US_UNKNOWN,
                                   .bytes_max = METRICS_BYTES };
    *metrics = metrics_create(&range);
    if (ask->rows == 0) return true;
    struct reading reading = { .ask = ask, .metrics = *metrics };
    const char *columns = columns_of(ask->kind);
    reading.labels_at = FIXED_COLUMNS + column_count(columns);
    /* Before the first step too, and behind the last: what happened until the point that comes then. */
    int64_t from_us = ask->read_from_us > ask->from_us ? ask->read_from_us : ask->from_us - range.gap_us;
    int64_t to_us = ask->to_us + range.gap_us;
    struct buf sql;
    buf_init(&sql, 4 << 20);
    bool ok =
        buf_printf(&sql, "SELECT series_id, timestamp, start_timestamp, flags, aggregation_temporality = 'delta', %s",
                   columns);
    for (uint32_t b = 0; b < ask->by_count; b++)
        ok = ok && buf_printf(&sql, ", %.*s", (int)ask->by_sql[b].len, (const char *)ask->by_sql[b].ptr);
    ok = ok && buf_printf(&sql, " FROM otel_metrics WHERE %.*s%s ORDER BY series_id, timestamp", (int)ask->where.len,
                          (const char *)ask->where.ptr, metrics_ask_times(ask, from_us, to_us));
    struct bytes text = ok ? arena_copy(ask->call->arena, buf_bytes(&sql)) : (struct bytes){ 0 };
    buf_deinit(&sql);
    ok = metrics_ask_run(ask, text, points_put, &reading);
    for (size_t l = 0; l < COUNT_OF(reading.lists); l++) free(reading.lists[l].ptr);
    if (ok && reading.failed != NULL) {
        api_fail_with(ask->call, ERR_TOO_LARGE, "%s", reading.failed);
        return false;
    }
    metrics_end(*metrics);
    return ok;
}
