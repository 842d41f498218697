#include <math.h>
#include <stdlib.h>

#include "metrics/metrics_inside.h"

struct cell { /* a step of a group */
    double sum;
    uint32_t count;          /* of series */
    int64_t low_us, high_us; /* in this time something is known; both 0: in none */
    struct distribution *distribution;
};
struct group {
    struct cell *cells;
    int64_t resets[METRICS_RESETS_MAX];
    uint32_t reset_count;
};
struct level { /* of the series at hand, in the step at hand */
    bool has_any, has_ended;
    uint32_t step, count;
    double sum, min, max, last;
    int64_t last_us;
};
struct metrics {
    struct metrics_range range;
    struct room room;
    struct group **groups;
    uint32_t group_count, group_cap;
    uint32_t group; /* of the series at hand */
    bool has_last;
    int64_t last_us, interval_us; /* interval_us: the least between two points of the series; 0: not known yet */
    struct before before;
    struct level level;
    struct metrics_told told;
};

struct metrics *metrics_create(const struct metrics_range *range)
{
    struct metrics *metrics = mem_calloc(1, sizeof *metrics);
    metrics->range = *range;
    metrics->room.bytes_max = range->bytes_max;
    return metrics;
}

void metrics_destroy(struct metrics *metrics)
{
    if (metrics == NULL) return;
    before_deinit(&metrics->before);
    arena_deinit(&metrics->room.arena);
    free(metrics->groups);
    free(metrics);
}

bool metrics_group(struct metrics *metrics, uint32_t *group)
{
    struct group *made = room_alloc(&metrics->room, sizeof *made);
    if (made == NULL) return false;
    made->cells = room_alloc(&metrics->room, metrics->range.steps * sizeof *made->cells);
    if (made->cells == NULL) return false;
    if (metrics->group_count == metrics->group_cap) {
        metrics->group_cap = metrics->group_cap * 2 + 8;
        metrics->groups = mem_realloc(metrics->groups, metrics->group_cap * sizeof(struct group *));
    }
    metrics->groups[metrics->group_count] = made;
    *group = metrics->group_count++;
    return true;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- levels ---- */

static int64_t step_begin(const struct metrics *metrics, uint32_t step)
{
    return metrics->range.from_us + (int64_t)step * metrics->range.step_us;
}

static void level_add(struct metrics *metrics, uint32_t step, double mean, double min, double max, double last)
{
    struct cell *cell = &metrics->groups[metrics->group]->cells[step];
    double value = last;
    switch (metrics->range.aggregate) {
    case METRICS_AVG: value = mean; break;
    case METRICS_MIN: value = cell->count > 0 && cell->sum < min ? cell->sum : min; break;
    case METRICS_MAX: value = cell->count > 0 && cell->sum > max ? cell->sum : max; break;
    default: break;
    }
    if (metrics->range.kind == METRICS_SUMMARY) value = cell->count > 0 && cell->sum > last ? cell->sum : last;
    bool is_extreme = metrics->range.aggregate == METRICS_MIN || metrics->range.aggregate == METRICS_MAX ||
                      metrics->range.kind == METRICS_SUMMARY;
    cell->sum = is_extreme ? value : cell->sum + value;
    if (metrics->range.kind == METRICS_SUMMARY && cell->count > 0) metrics->told.is_quantile_of_parts = true;
    cell->count++;
}

/* The step at hand is over, and those after it until the next point, at next_us, have its last value, as long as it holds. */
static void level_flush(struct metrics *metrics, int64_t next_us)
{
    struct level *level = &metrics->level;
    if (!level->has_any) return;
    uint32_t step = level->step;
    if (level->count > 0) level_add(metrics, step++, level->sum / level->count, level->min, level->max, level->last);
    level->count = 0;
    int64_t end_us = level->last_us + later(metrics->range.hold_us, metrics->interval_us * 5 / 2);
    if (next_us < end_us) end_us = next_us;
    if (level->has_ended) end_us = level->last_us;
    for (; step < metrics->range.steps && step_begin(metrics, step) < end_us; step++) {
        if (step_begin(metrics, step) + metrics->range.step_us > next_us) break; /* it has a point of its own */
        level_add(metrics, step, level->last, level->last, level->last, level->last);
    }
}

static void level_point(struct metrics *metrics, int64_t at_us, double value)
{
    struct level *level = &metrics->level;
    const struct metrics_range *range = &metrics->range;
    if (isnan(value)) return;
    if (at_us < range->from_us) { /* what the first steps may have */
        *level = (struct level){ .has_any = true, .last = value, .last_us = at_us };
        return;
    }
    uint64_t step = (uint64_t)(at_us - range->from_us) / (uint64_t)range->step_us;
    if (step >= range->steps) return;
    if (!level->has_any || level->count == 0 || level->step != step) {
        level_flush(metrics, at_us);
        *level = (struct level){ .has_any = true, .step = (uint32_t)step, .min = value, .max = value };
    }
    level->has_ended = false;
    level->count++;
    level->sum += value;
    if (value < level->min) level->min = value;
    if (value > level->max) level->max = value;
    level->last = value;
    level->last_us = at_us;
}

/* ---- changes ---- */

static void cover(struct cell *cell, int64_t low_us, int64_t high_us)
{
    bool has_none = cell->high_us == cell->low_us;
    if (has_none || low_us < cell->low_us) cell->low_us = low_us;
    if (has_none || high_us > cell->high_us) cell->high_us = high_us;
}

static bool change_add(struct metrics *metrics, struct cell *cell, const struct change *change, double weight)
{
    cell->count++;
    cell->sum += weight * change->value;
    if (metrics->range.kind <= METRICS_UP_DOWN) return true;
    if (cell->distribution == NULL) cell->distribution = room_alloc(&metrics->room, sizeof *cell->distribution);
    if (cell->distribution == NULL) return false;
    return distribution_add(cell->distribution, &metrics->room, change, weight, &metrics->told);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Evenly over its time, as far as that lies in the range. */
static bool change_spread(struct metrics *metrics, const struct change *change)
{
    const struct metrics_range *range = &metrics->range;
    struct group *group = metrics->groups[metrics->group];
    int64_t end_us = step_begin(metrics, range->steps);
    if (change->to_us == change->from_us) { /* at a moment: of its step, as all that is known of it */
        if (change->to_us < range->from_us || change->to_us >= end_us || change->is_reset) return true;
        struct cell *cell = &group->cells[(change->to_us - range->from_us) / range->step_us];
        int64_t begin_us = change->to_us - (change->to_us - range->from_us) % range->step_us;
        cover(cell, begin_us, begin_us + range->step_us);
        return change_add(metrics, cell, change, 1);
    }
    int64_t from_us = later(change->from_us, range->from_us), to_us = earlier(change->to_us, end_us);
    double whole_us = (double)(change->to_us - change->from_us);
    while (from_us < to_us) {
        uint32_t step = (uint32_t)((from_us - range->from_us) / range->step_us);
        int64_t until_us = earlier(to_us, step_begin(metrics, step + 1));
        cover(&group->cells[step], from_us, until_us);
        if (!change_add(metrics, &group->cells[step], change, (double)(until_us - from_us) / whole_us)) return false;
        from_us = until_us;
    }
    return true;
}

static bool is_in_one_step(const struct metrics_range *range, const struct change *change)
{
    return change->from_us >= range->from_us &&
           (change->from_us - range->from_us) / range->step_us == (change->to_us - 1 - range->from_us) / range->step_us;
}

static bool change_point(struct metrics *metrics, const struct metrics_point *point)
{
    struct change change;
    const struct metrics_range *range = &metrics->range;
    int64_t gap_us = later(range->gap_us, 3 * metrics->interval_us);
    enum change_found found = change_find(&metrics->before, range, gap_us, point, &change, &metrics->told);
    if (found == CHANGE_NONE) return true;
    struct group *group = metrics->groups[metrics->group];
    bool is_in_range = change.to_us >= range->from_us && change.from_us < step_begin(metrics, range->steps);
    if (change.is_reset && is_in_range) {
        if (group->reset_count < METRICS_RESETS_MAX) group->resets[group->reset_count] = change.to_us;
        group->reset_count++;
    }
    if (found == CHANGE_GAP && !is_in_one_step(range, &change)) {
        if (is_in_range) {
            metrics->told.gap_count++;
            metrics->told.gap_increase += range->kind <= METRICS_UP_DOWN ? change.value : change.count;
        }
        return true;
    }
    return change_spread(metrics, &change);
}

/* ---- points ---- */

static bool is_of_levels(const struct metrics_range *range)
{
    enum metrics_aggregate aggregate = range->aggregate;
    if (range->kind == METRICS_SUMMARY) return aggregate == METRICS_QUANTILE;
    if (range->kind >= METRICS_HISTOGRAM) return false;
    return aggregate != METRICS_RATE && aggregate != METRICS_INCREASE;
}

void metrics_series(struct metrics *metrics, uint32_t group)
{
    assert(group < metrics->group_count);
    if (metrics->has_last) level_flush(metrics, INT64_MAX);
    metrics->group = group;
    metrics->has_last = false;
    metrics->interval_us = 0;
    metrics->level = (struct level){ 0 };
    before_reset(&metrics->before);
}

/* The quantile that was sent, or the nearest to it. */
static double summary_value(struct metrics *metrics, const struct metrics_point *point)
{
    double found = NAN, distance = INFINITY;
    for (uint32_t q = 0; q < point->quantile_count; q++) {
        double far = fabs(point->quantiles[q] - metrics->range.quantile);
        if (!(far < distance)) continue;
        distance = far;
        found = point->quantile_values[q];
    }
    if (distance > 1e-9 && isfinite(distance)) metrics->told.is_quantile_another = true;
    return found;
}

bool metrics_point(struct metrics *metrics, const struct metrics_point *point)
{
    const struct metrics_range *range = &metrics->range;
    assert(!metrics->has_last || point->at_us >= metrics->last_us);
    if (metrics->has_last && point->at_us == metrics->last_us) {
        metrics->told.repeat_count++;
        return true;
    }
    int64_t interval_us = point->at_us - metrics->last_us;
    bool is_least = metrics->has_last && (metrics->interval_us == 0 || interval_us < metrics->interval_us);
    if (is_least) metrics->interval_us = interval_us;
    metrics->has_last = true;
    metrics->last_us = point->at_us;
    if (point->is_missing) {
        metrics->level.has_ended = true;
        return true;
    }
    if (!is_of_levels(range)) {
        if (range->kind == METRICS_GAUGE) metrics->told.level_count++;
        return range->kind == METRICS_GAUGE || change_point(metrics, point);
    }
    if (point->is_delta && range->kind != METRICS_SUMMARY && range->aggregate != METRICS_COUNT) {
        metrics->told.level_count++;
        return true;
    }
    level_point(metrics, point->at_us, range->kind == METRICS_SUMMARY ? summary_value(metrics, point) : point->value);
    return true;
}

void metrics_end(struct metrics *metrics)
{
    if (metrics->has_last) level_flush(metrics, INT64_MAX);
    metrics->has_last = false;
}

/* ---- numbers ---- */

static double distribution_value(struct metrics *metrics, const struct cell *cell, double quantile)
{
    static const struct distribution none = { 0 };
    const struct distribution *distribution = cell->distribution != NULL ? cell->distribution : &none;
    const struct metrics_range *range = &metrics->range;
    struct metrics_piece *pieces;
    uint32_t count, last = 0;
    double value = NAN;
    switch (range->aggregate) {
    case METRICS_COUNT:
    case METRICS_INCREASE: return distribution->count;
    case METRICS_RATE: return distribution->count * 1e6 / (double)(cell->high_us - cell->low_us);
    case METRICS_SUM: return distribution->sum;
    case METRICS_AVG: return distribution->count > 0 ? distribution->sum / distribution->count : NAN;
    case METRICS_MIN:
    case METRICS_MAX:
    case METRICS_QUANTILE:
    case METRICS_LAST: break;
    }
    if (!distribution->has_any) return NAN;
    count = distribution_pieces(distribution, true, &pieces);
    while (last < count && !(pieces[last].count > 1e-9 * distribution->count)) last++;
    if (range->aggregate == METRICS_QUANTILE) {
        bool *is_outside = &metrics->told.is_quantile_outside;
        value = metrics_quantile(pieces, count, quantile, is_outside);
    } else if (range->aggregate == METRICS_MIN) {
        if (last < count) value = pieces[last].low;
        if (!distribution->is_min_unknown && !(value >= distribution->min)) value = distribution->min;
    } else if (range->aggregate == METRICS_MAX) {
        for (uint32_t p = 0; p < count; p++)
            if (pieces[p].count > 1e-9 * distribution->count && !(pieces[p].high <= value)) value = pieces[p].high;
        if (!distribution->is_max_unknown && !(value <= distribution->max)) value = distribution->max;
    }
    free(pieces);
    return isfinite(value) ? value : NAN;
}

double metrics_value(struct metrics *metrics, uint32_t group, uint32_t step)
{
    return metrics_value_at(metrics, group, step, metrics->range.quantile);
}

double metrics_value_at(struct metrics *metrics, uint32_t group, uint32_t step, double quantile)
{
    assert(group < metrics->group_count && step < metrics->range.steps);
    const struct cell *cell = &metrics->groups[group]->cells[step];
    const struct metrics_range *range = &metrics->range;
    if (is_of_levels(range)) {
        if (cell->count == 0) return NAN;
        if (range->aggregate == METRICS_COUNT) return cell->count;
        bool is_mean =
            range->aggregate == METRICS_AVG || (range->aggregate == METRICS_LAST && range->kind == METRICS_GAUGE);
        return is_mean ? cell->sum / cell->count : cell->sum;
    }
    if (cell->count == 0 || cell->high_us <= cell->low_us) return NAN;
    if (range->kind >= METRICS_HISTOGRAM) return distribution_value(metrics, cell, quantile);
    return range->aggregate == METRICS_RATE ? cell->sum * 1e6 / (double)(cell->high_us - cell->low_us) : cell->sum;
}

uint32_t metrics_pieces(const struct metrics *metrics, uint32_t group, uint32_t step, struct metrics_piece **pieces)
{
    const struct cell *cell = &metrics->groups[group]->cells[step];
    *pieces = NULL;
    return cell->distribution == NULL ? 0 : distribution_pieces(cell->distribution, true, pieces);
}

const struct distribution *metrics_distribution(const struct metrics *metrics, uint32_t group, uint32_t step)
{
    return metrics->groups[group]->cells[step].distribution;
}

const int64_t *metrics_resets(const struct metrics *metrics, uint32_t group, uint32_t *count)
{
    *count = metrics->groups[group]->reset_count;
    return metrics->groups[group]->resets;
}

const struct metrics_told *metrics_told(const struct metrics *metrics)
{
    return &metrics->told;
}
