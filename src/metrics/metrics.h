/* metrics.h -- points of a metric to numbers over time.
 *
 *   metrics_create(range)
 *   for each series: metrics_series(group), then its points in order of time: metrics_point   --> cells (group, step)
 *   metrics_end, then for each group and step: metrics_value | metrics_pieces
 *
 * Counters, and counts of histograms, come as a total since a start (cumulative) or as what was added (delta). Of the first,
 * the increase is the difference to the point before of the same series: all of it counts from zero after a reset, which is
 * a start at or after the point before, or a total that went down (OpenTelemetry's metrics data model, "Resets and Gaps";
 * Prometheus does the latter). It is spread evenly over the time between the two points, so that steps shorter than the
 * sender's interval have true rates and the steps' increases add up to the counter's own; rate() of Prometheus extrapolates
 * instead. Between points further apart than gap_us nobody knows when it happened: left out, and counted in metrics_told,
 * unless both are in one step. A rate is the group's increase by the time in the step that anything is known of.
 *
 * Levels (gauges, sums that go down too): of each series one number a step, its mean (AVG), its last one (SUM, LAST), its
 * lowest or highest; then over series the mean, the sum, the lowest, the highest. A series without a point in a step has the
 * last value it had, for hold_us after that.
 *
 * Histograms: buckets are taken as differences like counters, added up over series, then a quantile is looked for. Explicit
 * buckets: linear within a bucket, as histogram_quantile of Prometheus; of series whose bounds differ each is even within its
 * own buckets. Exponential ones (data model, "ExponentialHistogram"): the scale is brought down to the coarsest, and within a
 * bucket it is logarithmic. Smallest and largest value, where they were sent, end the outer buckets.
 *
 * Thread: one owner. Memory: at most bytes_max and one point; past it metrics_point answers false.
 * Errors: that alone. Points may hold anything: counts below zero, other bucket counts than bounds say, NaN. */
#pragma once
#include "base/bytes.h"

#define METRICS_RESETS_MAX 100 /* times kept of a group; counted all */

enum metrics_kind {
    METRICS_GAUGE,
    METRICS_COUNTER, /* a sum that only grows */
    METRICS_UP_DOWN, /* a sum that goes down too */
    METRICS_HISTOGRAM,
    METRICS_EXPONENTIAL,
    METRICS_SUMMARY,
};
enum metrics_aggregate {
    METRICS_RATE,     /* per second */
    METRICS_INCREASE, /* of counters; of distributions, how many values */
    METRICS_SUM,      /* of levels over series; of distributions, the sum of values */
    METRICS_AVG,
    METRICS_MIN,
    METRICS_MAX,
    METRICS_LAST,  /* levels of sums added up, of gauges their mean; of counters, the totals */
    METRICS_COUNT, /* of series; of distributions, of values */
    METRICS_QUANTILE,
};

struct metrics_range {
    int64_t from_us, step_us;
    uint32_t steps;
    enum metrics_kind kind;
    enum metrics_aggregate aggregate;
    double quantile;         /* 0 to 1 */
    int64_t gap_us, hold_us; /* at least; of a series that comes seldom 3 and 2.5 of its own intervals */
    size_t bytes_max;
};

struct metrics_side { /* buckets of a histogram; of an exponential one, those of its positive or negative values */
    int32_t offset;
    uint32_t count;
    const double *counts;
};
struct metrics_point {
    int64_t at_us;
    int64_t start_us; /* 0: not sent */
    bool is_missing;  /* "no recorded value": there is none now */
    bool is_delta;
    double value;                /* of gauges and sums */
    double count, sum, min, max; /* of distributions; NaN: not sent */
    struct metrics_side positive, negative;
    uint32_t bound_count; /* of explicit buckets, one fewer than positive has */
    const double *bounds; /* growing; else the point counts without its buckets */
    int32_t scale;
    double zero_count, zero_threshold;
    uint32_t quantile_count; /* of summaries */
    const double *quantiles, *quantile_values;
};

struct metrics;
struct metrics *metrics_create(const struct metrics_range *range);
void metrics_destroy(struct metrics *metrics); /* NULL is fine */
/* A further group: 0, 1, 2 ... False: no room. */
MUST_CHECK bool metrics_group(struct metrics *metrics, uint32_t *group);
/* The points that follow are of another series, of this group. */
void metrics_series(struct metrics *metrics, uint32_t group);
/* The next one, not before the last; all it points to is borrowed for the call. Points before from_us tell what was before.
 * False: no room. */
MUST_CHECK bool metrics_point(struct metrics *metrics, const struct metrics_point *point);
/* No points follow. */
void metrics_end(struct metrics *metrics);

/* NaN: nothing is known. */
double metrics_value(struct metrics *metrics, uint32_t group, uint32_t step);
/* Another quantile of the same points; of a summary that of the range alone. */
double metrics_value_at(struct metrics *metrics, uint32_t group, uint32_t step, double quantile);
/* How many values lie in [low, high], growing, of a distribution; *pieces is the caller's to free. is_log: between the two
 * they are even on a logarithmic scale. low may be -inf, high inf. */
struct metrics_piece {
    double low, high, count;
    bool is_log;
};
uint32_t metrics_pieces(const struct metrics *metrics, uint32_t group, uint32_t step, struct metrics_piece **pieces);
/* When counters of the group began anew; *count of all, of which the first METRICS_RESETS_MAX are there. */
const int64_t *metrics_resets(const struct metrics *metrics, uint32_t group, uint32_t *count);

/* What is to be said with the numbers. */
struct metrics_told {
    uint64_t gap_count;       /* between points too far apart; */
    double gap_increase;      /* what happened in them, at no known time */
    uint64_t unknown_count;   /* first points whose total came about before */
    uint64_t repeat_count;    /* points of a time that the series had already */
    uint64_t bounds_count;    /* series that changed their bounds without a reset */
    uint64_t level_count;     /* changes of what only levels can be shown of, or the other way round: left out */
    uint64_t malformed_count; /* points with bounds and buckets that do not fit: counted, without buckets */
    bool has_several_bounds;  /* in one cell */
    bool has_several_scales;
    bool is_quantile_outside;  /* a quantile lies beyond the highest (or lowest) bound: it is that bound at least */
    bool is_quantile_of_parts; /* a summary's of several series: the highest of them */
    bool is_quantile_another;  /* a summary's: the nearest that was sent */
};
const struct metrics_told *metrics_told(const struct metrics *metrics);

/* The value below which a share q of the pieces' counts lies. NaN: there are none. *is_outside (NULL is fine): it lies in a
 * piece without an end. */
double metrics_quantile(const struct metrics_piece *pieces, uint32_t count, double q, bool *is_outside);

/* How many values lay in each line in each step, of a distribution. Buckets of exponential histograms are put together until there
 * are at most lines_max lines; of explicit bounds some are left out, and values are even between the others. */
struct metrics_heat {
    double *edges;       /* growing, line_count + 1; the first may be -inf, the last inf */
    double *counts;      /* [step * line_count + line] */
    uint32_t line_count; /* 0: there is nothing */
};
void metrics_heat_make(const struct metrics *metrics, uint32_t group, uint32_t step_count, uint32_t lines_max,
                       struct metrics_heat *heat);
void metrics_heat_deinit(struct metrics_heat *heat);
