/* metrics_inside.h -- parts of metrics/ that know each other.
 *
 *   distribution.c   buckets added up: sets of bounds, or an exponential histogram; to pieces
 *   exponential.c    an exponential histogram as two dense runs of counts
 *   change.c         two points of a series to what happened between them
 *   reduce.c         changes and levels to cells
 *   heat.c           cells to the lines of a heat map
 * Memory: of cells by room_alloc, which the bytes_max of the whole bounds. */
#pragma once
#include "base/arena.h"
#include "metrics/metrics.h"

enum {
    EXPONENTIAL_COUNTS_MAX = 160 /* a side, as SDKs have at most: more are put together */,
    SCALE_MAX = 20,
    SCALE_MIN = -64
};

struct room {
    struct arena arena;
    size_t bytes_max;
};
/* Zeroed. NULL: no room. */
void *room_alloc(struct room *room, size_t bytes);

struct run { /* counts[n] is of bucket offset + n */
    int64_t offset;
    uint32_t count;
    double counts[EXPONENTIAL_COUNTS_MAX];
};
struct exponential { /* bucket n: (2^(n / 2^scale), 2^((n + 1) / 2^scale)] */
    int32_t scale;
    double zero_count, zero_threshold;
    struct run positive, negative;
};
/* Any point, brought down until it fits. */
void exponential_load(struct exponential *to, const struct metrics_point *point);
/* Puts buckets together until the scale is no finer. */
void exponential_coarsen(struct exponential *exponential, int32_t scale);
/* Adds weight times the other. True: their scales differed. */
bool exponential_add(struct exponential *to, const struct exponential *from, double weight);
/* to - from, of the same series later: false, and *to as it was, when a bucket went down. */
MUST_CHECK bool exponential_subtract(struct exponential *to, const struct exponential *from);
/* At most 2 * EXPONENTIAL_COUNTS_MAX + 1 of them. */
uint32_t exponential_pieces(const struct exponential *exponential, struct metrics_piece *pieces);

/* First and last bucket at a scale no finer than its own. False: it has none. */
bool exponential_ends(const struct exponential *exponential, bool is_negative, int32_t scale, int64_t *low,
                      int64_t *high);

struct bucket_set { /* of one set of bounds; bound_count + 1 counts */
    struct bucket_set *next;
    const double *bounds;
    uint32_t bound_count;
    double *counts;
};
struct distribution { /* a cell of it */
    double count, sum, min, max;
    bool has_any, is_min_unknown, is_max_unknown;
    struct bucket_set *sets;
    struct exponential *exponential;
};

/* Of a cell; NULL: it has none. */
const struct distribution *metrics_distribution(const struct metrics *metrics, uint32_t group, uint32_t step);

/* What happened between two points of a series, or in the time that a delta tells of. */
struct change {
    int64_t from_us, to_us; /* the same: at no known time before to_us */
    bool is_reset;
    double value;                /* of sums */
    double count, sum, min, max; /* of distributions; NaN: not known */
    uint32_t bound_count;
    const double *bounds;
    const double *counts; /* bound_count + 1, or NULL */
    const struct exponential *exponential;
};
/* False: no room. */
MUST_CHECK bool distribution_add(struct distribution *to, struct room *room, const struct change *change, double weight,
                                 struct metrics_told *told);
/* is_tight: the outer buckets end at the smallest and largest value, else where their bounds say. */
uint32_t distribution_pieces(const struct distribution *distribution, bool is_tight, struct metrics_piece **pieces);

/* The point before, of the series at hand. */
struct before {
    bool has_point;
    int64_t at_us, start_us;
    double value, count, sum;
    uint32_t bound_count, cap;
    double *bounds, *counts, *difference; /* of explicit buckets; bound_count, + 1, + 1 */
    struct exponential exponential, exponential_difference;
};
void before_reset(struct before *before);
void before_deinit(struct before *before);
enum change_found { CHANGE_NONE, CHANGE_FOUND, CHANGE_GAP };
/* And keeps the point as the one before. What *change points to is before's or the point's, until the next call. */
enum change_found change_find(struct before *before, const struct metrics_range *range, int64_t gap_us,
                              const struct metrics_point *point, struct change *change, struct metrics_told *told);
