/* A metric's numbers as a statement that a person can go on with. SQL says them less exactly than metrics/: where it differs, a
 * comment says so. */
#include "web/api/metrics_ask.h"
#include <inttypes.h>
#include <stdlib.h>

static const char *labels_put(struct metrics_ask *ask, bool is_named)
{
    const char *labels = "";
    for (uint32_t b = 0; b < ask->by_count; b++) {
        labels = is_named ? arena_printf(ask->call->arena, "%s, %.*s AS by_%u", labels, (int)ask->by_sql[b].len,
                                         (const char *)ask->by_sql[b].ptr, b + 1)
                          : arena_printf(ask->call->arena, "%s, by_%u", labels, b + 1);
    }
    return labels;
}

struct bytes metrics_ask_sql(struct metrics_ask *ask)
{
    struct arena *arena = ask->call->arena;
    if (ask->rows == 0) return BYTES("");
    const char *named = labels_put(ask, true), *labels = labels_put(ask, false);
    const char *where = arena_printf(arena, "%.*s%s", (int)ask->where.len, (const char *)ask->where.ptr,
                                     metrics_ask_times(ask, ask->from_us, ask->to_us));
    const char *bucket =
        arena_printf(arena, "time_bucket('%" PRId64 " seconds', timestamp) AS t", ask->step_us / 1000000);
    if (ask->aggregate == METRICS_QUANTILE || ask->aggregate == METRICS_MIN || ask->aggregate == METRICS_MAX) {
        if (ask->kind == METRICS_HISTOGRAM || ask->kind == METRICS_EXPONENTIAL)
            return bytes_of_text(arena_printf(
                arena,
                "-- The points that this is made of. SQL does not put buckets together.\n"
                "SELECT timestamp, start_timestamp, series_id%s, distribution_count, distribution_sum, %s\n"
                "FROM otel_metrics\nWHERE %s\nORDER BY timestamp DESC LIMIT 1000",
                named,
                ask->kind == METRICS_HISTOGRAM ? "hist_bucket_counts, hist_explicit_bounds"
                                               : "exp_hist_scale, exp_hist_zero_count, exp_hist_pos_offset, "
                                                 "exp_hist_pos_buckets, exp_hist_neg_offset, exp_hist_neg_buckets",
                where));
    }
    if (ask->kind == METRICS_SUMMARY && ask->aggregate == METRICS_QUANTILE)
        return bytes_of_text(arena_printf(arena,
                                          "-- The points that this is made of.\n"
                                          "SELECT timestamp, series_id%s, summary_quantiles, summary_values\n"
                                          "FROM otel_metrics\nWHERE %s\nORDER BY timestamp DESC LIMIT 1000",
                                          named, where));
    bool is_distribution = ask->kind >= METRICS_HISTOGRAM;
    bool is_of_changes = is_distribution || ask->aggregate == METRICS_RATE || ask->aggregate == METRICS_INCREASE;
    if (is_of_changes) {
        bool is_sum = is_distribution && ask->aggregate == METRICS_SUM;
        bool is_mean = is_distribution && ask->aggregate == METRICS_AVG;
        const char *value = !is_distribution ? "value" : is_sum ? "distribution_sum" : "distribution_count";
        const char *down = ask->kind == METRICS_UP_DOWN ? "false"
                           : !is_distribution           ? "value < before"
                                                        : "total < before_total";
        const char *change =
            is_mean ? "sum(CASE WHEN is_delta OR total < before_total THEN added ELSE added - before_added END) / "
                      "sum(CASE WHEN is_delta OR total < before_total THEN total ELSE total - before_total END)"
                    : arena_printf(arena, "sum(CASE WHEN is_delta OR %s THEN %s ELSE %s - before END)%s", down,
                                   is_distribution ? (is_sum ? "added" : "total") : "value",
                                   is_distribution ? (is_sum ? "added" : "total") : "value",
                                   ask->aggregate == METRICS_RATE
                                       ? arena_printf(arena, " / %" PRId64 ".0", ask->step_us / 1000000)
                                       : "");
        const char *columns =
            is_distribution
                ? arena_printf(arena,
                               "distribution_count AS total, distribution_sum AS added,\n"
                               "    lag(distribution_count) OVER s AS before_total, lag(distribution_sum) OVER s AS "
                               "before_added, lag(%s) OVER s AS before",
                               value)
                : "value, lag(value) OVER s AS before";
        return bytes_of_text(arena_printf(
            arena,
            "-- Here an increase is of the step of its later point; the chart spreads it over the time between the "
            "two.\n"
            "SELECT %s%s, %s AS value\n"
            "FROM (SELECT timestamp, coalesce(aggregation_temporality = 'delta', false) AS is_delta%s, %s\n"
            "  FROM otel_metrics\n  WHERE %s\n  WINDOW s AS (PARTITION BY series_id ORDER BY timestamp)) p\n"
            "GROUP BY t%s ORDER BY t%s",
            bucket, labels, change, named, columns, where, labels, labels));
    }
    const char *inner = ask->aggregate == METRICS_AVG   ? "avg(value)"
                        : ask->aggregate == METRICS_MIN ? "min(value)"
                        : ask->aggregate == METRICS_MAX ? "max(value)"
                                                        : "last(value, timestamp)";
    bool is_mean = ask->aggregate == METRICS_AVG || (ask->aggregate == METRICS_LAST && ask->kind == METRICS_GAUGE);
    const char *outer = is_mean                           ? "avg(value)"
                        : ask->aggregate == METRICS_MIN   ? "min(value)"
                        : ask->aggregate == METRICS_MAX   ? "max(value)"
                        : ask->aggregate == METRICS_COUNT ? "count(*)"
                                                          : "sum(value)";
    return bytes_of_text(arena_printf(
        arena,
        "-- First each series alone, then over series. The chart goes on with a series' last value where a "
        "step has no point of it.\n"
        "SELECT t%s, %s AS value\n"
        "FROM (SELECT %s, series_id%s, %s AS value\n  FROM otel_metrics\n  WHERE %s\n"
        "  GROUP BY t, series_id%s) s\nGROUP BY t%s ORDER BY t%s",
        labels, outer, bucket, named, inner, where, labels, labels, labels));
}
