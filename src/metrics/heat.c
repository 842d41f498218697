/* A heat map: the pieces of all steps, on lines that they have in common. */
#include <math.h>
#include <stdlib.h>

#include "metrics/metrics_inside.h"

struct step_pieces {
    struct metrics_piece *pieces;
    uint32_t count;
};

static int number_order(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Each edge once, in order. */
static uint32_t edges_sort(double *edges, uint32_t count)
{
    uint32_t kept = 0;
    qsort(edges, count, sizeof *edges, number_order);
    for (uint32_t e = 0; e < count; e++)
        if (kept == 0 || edges[e] != edges[kept - 1]) edges[kept++] = edges[e];
    return kept;
}

/* The outermost ones and, of those between, as many as there may be. */
static uint32_t edges_thin(double *edges, uint32_t count, uint32_t lines_max)
{
    if (count <= lines_max + 1) return count;
    for (uint32_t e = 0; e <= lines_max; e++) edges[e] = edges[(uint32_t)((uint64_t)e * (count - 1) / lines_max)];
    return lines_max + 1;
}

/* The line that a value lies in: (edges[n], edges[n + 1]]. */
static uint32_t line_of(const struct metrics_heat *heat, double value)
{
    uint32_t low = 0, high = heat->line_count - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (value <= heat->edges[middle + 1]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static double share_below(const struct metrics_piece *piece, double edge)
{
    if (edge <= piece->low) return 0;
    if (edge >= piece->high) return 1;
    bool is_log = piece->is_log && piece->low * piece->high > 0;
    if (is_log) return log(edge / piece->low) / log(piece->high / piece->low);
    return (edge - piece->low) / (piece->high - piece->low);
}

static void piece_put(const struct metrics_heat *heat, const struct metrics_piece *piece, double *counts)
{
    if (!(piece->count > 0)) return;
    bool has_ends = isfinite(piece->low) && isfinite(piece->high);
    if (!has_ends || piece->low == piece->high) { /* it begins where its line does */
        double inside = !has_ends && isfinite(piece->low) ? nextafter(piece->low, INFINITY) : piece->high;
        counts[line_of(heat, inside)] += piece->count;
        return;
    }
    for (uint32_t line = line_of(heat, nextafter(piece->low, INFINITY)); line < heat->line_count; line++) {
        double part = share_below(piece, heat->edges[line + 1]) - share_below(piece, heat->edges[line]);
        if (line == 0) part += share_below(piece, heat->edges[0]);
        counts[line] += piece->count * part;
        if (heat->edges[line + 1] >= piece->high) break;
    }
}

static const struct exponential *exponential_of(const struct metrics *metrics, uint32_t group, uint32_t step)
{
    const struct distribution *distribution = metrics_distribution(metrics, group, step);
    return distribution == NULL ? NULL : distribution->exponential;
}

/* The coarsest scale of the cells, coarser still until their buckets are few enough. */
static int32_t scale_find(const struct metrics *metrics, uint32_t group, uint32_t steps, uint32_t lines_max)
{
    int32_t scale = SCALE_MAX;
    for (uint32_t s = 0; s < steps; s++) {
        const struct exponential *one = exponential_of(metrics, group, s);
        if (one != NULL && one->scale < scale) scale = one->scale;
    }
    for (;; scale--) {
        int64_t lines = 1;
        for (int side = 0; side < 2; side++) {
            int64_t low = INT64_MAX, high = INT64_MIN;
            for (uint32_t s = 0; s < steps; s++) {
                const struct exponential *one = exponential_of(metrics, group, s);
                int64_t first, last;
                if (one == NULL || !exponential_ends(one, side == 1, scale, &first, &last)) continue;
                if (first < low) low = first;
                if (last > high) high = last;
            }
            if (low <= high) lines += high - low + 1;
        }
        if (lines <= lines_max || scale <= SCALE_MIN) return scale;
    }
}

static void pieces_of_step(const struct metrics *metrics, uint32_t group, uint32_t step, int32_t scale,
                           struct step_pieces *to)
{
    const struct exponential *exponential = exponential_of(metrics, group, step);
    if (exponential == NULL) {
        const struct distribution *distribution = metrics_distribution(metrics, group, step);
        if (distribution != NULL) to->count = distribution_pieces(distribution, false, &to->pieces);
        return;
    }
    struct exponential coarse = *exponential;
    exponential_coarsen(&coarse, scale);
    to->pieces = mem_alloc((2 * EXPONENTIAL_COUNTS_MAX + 1) * sizeof *to->pieces);
    to->count = exponential_pieces(&coarse, to->pieces);
}

/* The outer lines end at the smallest and largest value of all, where these are known. */
static void ends_tighten(const struct metrics *metrics, uint32_t group, uint32_t step_count, struct metrics_heat *heat)
{
    double min = INFINITY, max = -INFINITY;
    bool is_min_unknown = false, is_max_unknown = false;
    for (uint32_t s = 0; s < step_count; s++) {
        const struct distribution *distribution = metrics_distribution(metrics, group, s);
        if (distribution == NULL || !distribution->has_any) continue;
        is_min_unknown |= distribution->is_min_unknown;
        is_max_unknown |= distribution->is_max_unknown;
        min = fmin(min, distribution->min);
        max = fmax(max, distribution->max);
    }
    double *first = &heat->edges[0], *last = &heat->edges[heat->line_count];
    if (isinf(*first) && !is_min_unknown && min < heat->edges[1]) *first = min;
    if (isinf(*last) && !is_max_unknown && max > heat->edges[heat->line_count - 1]) *last = max;
}

static void lines_find(const struct step_pieces *steps, uint32_t step_count, uint32_t lines_max,
                       struct metrics_heat *heat)
{
    size_t edge_max = 2, count = 0;
    for (uint32_t s = 0; s < step_count; s++) edge_max += 2 * (size_t)steps[s].count;
    heat->edges = mem_alloc(edge_max * sizeof *heat->edges);
    for (uint32_t s = 0; s < step_count; s++) {
        for (uint32_t p = 0; p < steps[s].count; p++) {
            if (!(steps[s].pieces[p].count > 0)) continue;
            heat->edges[count++] = steps[s].pieces[p].low;
            heat->edges[count++] = steps[s].pieces[p].high;
        }
        if (count > 4096) count = edges_sort(heat->edges, (uint32_t)count); /* they repeat from step to step */
    }
    count = edges_thin(heat->edges, edges_sort(heat->edges, (uint32_t)count), lines_max);
    if (count == 1) { /* all of one value */
        heat->edges[1] = heat->edges[0];
        count = 2;
    }
    heat->line_count = count == 0 ? 0 : (uint32_t)count - 1;
}

void metrics_heat_make(const struct metrics *metrics, uint32_t group, uint32_t step_count, uint32_t lines_max,
                       struct metrics_heat *heat)
{
    struct step_pieces *steps = mem_calloc(step_count, sizeof *steps);
    int32_t scale = scale_find(metrics, group, step_count, lines_max);
    *heat = (struct metrics_heat){ 0 };
    for (uint32_t s = 0; s < step_count; s++) pieces_of_step(metrics, group, s, scale, &steps[s]);
    lines_find(steps, step_count, lines_max, heat);
    if (heat->line_count > 0) {
        heat->counts = mem_calloc((size_t)step_count * heat->line_count, sizeof *heat->counts);
        for (uint32_t s = 0; s < step_count; s++)
            for (uint32_t p = 0; p < steps[s].count; p++)
                piece_put(heat, &steps[s].pieces[p], heat->counts + (size_t)s * heat->line_count);
        ends_tighten(metrics, group, step_count, heat);
    }
    for (uint32_t s = 0; s < step_count; s++) free(steps[s].pieces);
    free(steps);
}

void metrics_heat_deinit(struct metrics_heat *heat)
{
    free(heat->edges);
    free(heat->counts);
}
