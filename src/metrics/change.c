/* Two points of a series to what happened between them: OpenTelemetry's metrics data model, "Temporality", "Resets and Gaps",
 * "Overlap". */
#include <math.h>
#include <stdlib.h>

#include "metrics/metrics_inside.h"

void before_reset(struct before *before)
{
    before->has_point = false;
}

void before_deinit(struct before *before)
{
    free(before->bounds);
    free(before->counts);
    free(before->difference);
}

static bool is_sum(enum metrics_kind kind)
{
    return kind == METRICS_GAUGE || kind == METRICS_COUNTER || kind == METRICS_UP_DOWN;
}

/* Do bounds and buckets belong together, and grow? */
static bool has_buckets(const struct metrics_point *point)
{
    if (point->positive.count == 0 || point->positive.count != point->bound_count + 1) return false;
    for (uint32_t b = 0; b < point->bound_count; b++) {
        if (isnan(point->bounds[b])) return false;
        if (b > 0 && point->bounds[b] <= point->bounds[b - 1]) return false;
    }
    return true;
}

static void explicit_keep(struct before *before, const struct metrics_point *point, bool has_any)
{
    before->bound_count = 0;
    if (!has_any) {
        if (before->cap > 0) before->counts[0] = NAN; /* fits no other */
        return;
    }
    if (point->positive.count > before->cap) {
        before->cap = point->positive.count;
        before->bounds = mem_realloc(before->bounds, before->cap * sizeof(double));
        before->counts = mem_realloc(before->counts, before->cap * sizeof(double));
        before->difference = mem_realloc(before->difference, before->cap * sizeof(double));
    }
    before->bound_count = point->bound_count;
    if (point->bound_count > 0) memcpy(before->bounds, point->bounds, point->bound_count * sizeof(double));
    memcpy(before->counts, point->positive.counts, point->positive.count * sizeof(double));
}

static void keep(struct before *before, const struct metrics_range *range, const struct metrics_point *point,
                 bool has_any_buckets)
{
    before->has_point = true;
    before->at_us = point->at_us;
    before->start_us = point->start_us;
    before->value = point->value;
    before->count = point->count;
    before->sum = point->sum;
    if (range->kind == METRICS_HISTOGRAM) explicit_keep(before, point, has_any_buckets);
    if (range->kind == METRICS_EXPONENTIAL) exponential_load(&before->exponential, point);
}

/* All that the point tells of: of a delta, and of a total that began from zero. */
static void whole(struct before *before, const struct metrics_range *range, const struct metrics_point *point,
                  bool has_any_buckets, struct change *change)
{
    change->value = point->value;
    change->count = point->count;
    change->sum = point->sum;
    if (has_any_buckets) {
        change->bound_count = point->bound_count;
        change->bounds = point->bounds;
        change->counts = point->positive.counts;
    }
    if (range->kind == METRICS_EXPONENTIAL) {
        exponential_load(&before->exponential_difference, point);
        change->exponential = &before->exponential_difference;
    }
}

static bool has_same_bounds(const struct before *before, const struct metrics_point *point)
{
    return before->cap > 0 && !isnan(before->counts[0]) && before->bound_count == point->bound_count &&
           (point->bound_count == 0 || memcmp(before->bounds, point->bounds, point->bound_count * sizeof(double)) == 0);
}

enum difference { DIFFERENCE_FOUND, DIFFERENCE_DOWN, DIFFERENCE_OTHER_BOUNDS };
static enum difference buckets_subtract(struct before *before, const struct metrics_range *range,
                                        const struct metrics_point *point, bool has_any_buckets, struct change *change)
{
    if (range->kind == METRICS_EXPONENTIAL) {
        exponential_load(&before->exponential_difference, point);
        if (!exponential_subtract(&before->exponential_difference, &before->exponential)) return DIFFERENCE_DOWN;
        change->exponential = &before->exponential_difference;
    }
    if (!has_any_buckets) return DIFFERENCE_FOUND;
    if (!has_same_bounds(before, point)) return DIFFERENCE_OTHER_BOUNDS;
    for (uint32_t b = 0; b < point->positive.count; b++) {
        before->difference[b] = point->positive.counts[b] - before->counts[b];
        if (!(before->difference[b] >= 0)) return DIFFERENCE_DOWN;
    }
    change->bound_count = before->bound_count;
    change->bounds = before->bounds;
    change->counts = before->difference;
    return DIFFERENCE_FOUND;
}

/* A total, and one before it. */
static enum difference totals_subtract(struct before *before, const struct metrics_range *range,
                                       const struct metrics_point *point, bool has_any_buckets, struct change *change)
{
    if (is_sum(range->kind)) {
        change->value = point->value - before->value;
        bool is_down = range->kind == METRICS_COUNTER && !(change->value >= 0);
        return is_down ? DIFFERENCE_DOWN : DIFFERENCE_FOUND;
    }
    change->count = point->count - before->count;
    change->sum = point->sum - before->sum;
    if (!(change->count >= 0)) return DIFFERENCE_DOWN;
    return buckets_subtract(before, range, point, has_any_buckets, change);
}

static enum change_found of_total(struct before *before, const struct metrics_range *range, int64_t gap_us,
                                  const struct metrics_point *point, bool has_any_buckets, struct change *change,
                                  struct metrics_told *told)
{
    bool has_start = point->start_us > 0 && point->start_us < point->at_us;
    if (!before->has_point) {
        whole(before, range, point, has_any_buckets, change);
        change->from_us = point->start_us;
        if (has_start && point->at_us - point->start_us <= gap_us) return CHANGE_FOUND;
        if (point->at_us >= range->from_us) told->unknown_count++;
        return CHANGE_NONE;
    }
    change->from_us = before->at_us;
    bool is_begun = has_start && point->start_us >= before->at_us && point->start_us != before->start_us;
    /* Its own time as its start: the sender does not know when it began, and what follows counts from here. */
    bool is_unknown = point->start_us == point->at_us && before->start_us > 0 && before->start_us < before->at_us;
    if (is_unknown) {
        change->is_reset = true;
        change->from_us = point->at_us;
        if (point->at_us >= range->from_us) told->unknown_count++;
        return CHANGE_FOUND;
    }
    enum difference difference =
        is_begun ? DIFFERENCE_DOWN : totals_subtract(before, range, point, has_any_buckets, change);
    if (difference == DIFFERENCE_OTHER_BOUNDS) {
        told->bounds_count++;
        return CHANGE_NONE;
    }
    if (difference == DIFFERENCE_DOWN) {
        *change = (struct change){ .to_us = point->at_us, .is_reset = true, .min = point->min, .max = point->max };
        change->from_us = is_begun ? point->start_us : before->at_us;
        whole(before, range, point, has_any_buckets, change);
    }
    return change->to_us - change->from_us > gap_us ? CHANGE_GAP : CHANGE_FOUND;
}

enum change_found change_find(struct before *before, const struct metrics_range *range, int64_t gap_us,
                              const struct metrics_point *point, struct change *change, struct metrics_told *told)
{
    bool has_any_buckets = range->kind == METRICS_HISTOGRAM && has_buckets(point);
    *change = (struct change){ .to_us = point->at_us, .min = point->min, .max = point->max };
    if (range->kind == METRICS_HISTOGRAM && !has_any_buckets && point->positive.count > 0) told->malformed_count++;
    enum change_found found = CHANGE_FOUND;
    if (point->is_delta) {
        whole(before, range, point, has_any_buckets, change);
        bool has_start = point->start_us > 0 && point->start_us < point->at_us;
        change->from_us = has_start ? point->start_us : point->at_us;
        bool is_near = before->has_point && point->at_us - before->at_us <= gap_us;
        if (!has_start && is_near) change->from_us = before->at_us;
    } else {
        found = of_total(before, range, gap_us, point, has_any_buckets, change, told);
    }
    keep(before, range, point, has_any_buckets);
    return found;
}
