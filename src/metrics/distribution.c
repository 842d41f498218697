#include <math.h>
#include <stdlib.h>

#include "metrics/metrics_inside.h"

void *room_alloc(struct room *room, size_t bytes)
{
    if (room->arena.bytes > room->bytes_max || bytes > room->bytes_max - room->arena.bytes) return NULL;
    return arena_calloc(&room->arena, bytes);
}

/* ---- adding up ---- */

static struct bucket_set *set_find(struct distribution *to, struct room *room, const struct change *change,
                                   struct metrics_told *told)
{
    size_t bounds_bytes = change->bound_count * sizeof(double);
    for (struct bucket_set *set = to->sets; set != NULL; set = set->next)
        if (set->bound_count == change->bound_count &&
            (bounds_bytes == 0 || memcmp(set->bounds, change->bounds, bounds_bytes) == 0))
            return set;
    struct bucket_set *set = room_alloc(room, sizeof *set);
    double *bounds = set == NULL ? NULL : room_alloc(room, bounds_bytes + sizeof(double));
    double *counts = bounds == NULL ? NULL : room_alloc(room, bounds_bytes + sizeof(double));
    if (counts == NULL) return NULL;
    if (bounds_bytes > 0) memcpy(bounds, change->bounds, bounds_bytes);
    if (to->sets != NULL) told->has_several_bounds = true;
    *set = (struct bucket_set){ to->sets, bounds, change->bound_count, counts };
    to->sets = set;
    return set;
}

static void ends_add(struct distribution *to, const struct change *change)
{
    if (isnan(change->min)) to->is_min_unknown = true;
    if (isnan(change->max)) to->is_max_unknown = true;
    if (!to->has_any || change->min < to->min) to->min = change->min;
    if (!to->has_any || change->max > to->max) to->max = change->max;
}

bool distribution_add(struct distribution *to, struct room *room, const struct change *change, double weight,
                      struct metrics_told *told)
{
    if (!(change->count > 0)) return true;
    ends_add(to, change);
    to->has_any = true;
    to->count += weight * change->count;
    to->sum += weight * change->sum;
    if (change->counts != NULL) {
        struct bucket_set *set = set_find(to, room, change, told);
        if (set == NULL) return false;
        for (uint32_t b = 0; b <= change->bound_count; b++) set->counts[b] += weight * change->counts[b];
    }
    if (change->exponential != NULL) {
        if (to->exponential == NULL) {
            to->exponential = room_alloc(room, sizeof *to->exponential);
            if (to->exponential == NULL) return false;
        }
        if (exponential_add(to->exponential, change->exponential, weight)) told->has_several_scales = true;
    }
    return true;
}

/* ---- pieces ---- */

static int number_order(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The outer buckets end at the smallest and the largest value, where these are known and lie in them; a lowest bucket that
 * ends above zero begins there, as for histogram_quantile. */
static void set_pieces(const struct distribution *distribution, const struct bucket_set *set, bool is_tight,
                       struct metrics_piece *pieces)
{
    for (uint32_t b = 0; b <= set->bound_count; b++) {
        pieces[b].low = b == 0 ? -INFINITY : set->bounds[b - 1];
        pieces[b].high = b == set->bound_count ? INFINITY : set->bounds[b];
        pieces[b].count = set->counts[b];
        pieces[b].is_log = false;
    }
    struct metrics_piece *first = &pieces[0], *last = &pieces[set->bound_count];
    if (is_tight && !distribution->is_min_unknown && distribution->min <= first->high) {
        first->low = distribution->min;
    } else if (first->high > 0 && isfinite(first->high)) {
        first->low = 0;
    }
    if (is_tight && !distribution->is_max_unknown && distribution->max >= last->low) last->high = distribution->max;
}

/* How much of a piece with two ends lies between two edges: it is even within. */
static double share(const struct metrics_piece *piece, double low, double high)
{
    if (piece->low == piece->high) return piece->low == low && low == high ? 1 : 0;
    double from = low > piece->low ? low : piece->low, to = high < piece->high ? high : piece->high;
    return to > from ? (to - from) / (piece->high - piece->low) : 0;
}

/* Of several sets of bounds: cut at all their edges. A piece without an upper end lies at its lower one, at least. */
static uint32_t sets_pieces(const struct metrics_piece *all, uint32_t all_count, struct metrics_piece **pieces)
{
    double *edges = mem_alloc(2 * (size_t)all_count * sizeof *edges);
    uint32_t edge_count = 0, count = 0, kept = 0;
    for (uint32_t a = 0; a < all_count; a++) {
        if (!(all[a].count > 0)) continue;
        if (isfinite(all[a].low)) edges[edge_count++] = all[a].low;
        if (isfinite(all[a].high)) edges[edge_count++] = all[a].high;
    }
    qsort(edges, edge_count, sizeof *edges, number_order);
    for (uint32_t e = 0; e < edge_count; e++)
        if (e == 0 || edges[e] != edges[kept - 1]) edges[kept++] = edges[e];
    struct metrics_piece *out = mem_alloc((3 * (size_t)kept + all_count + 1) * sizeof *out);
    for (uint32_t a = 0; a < all_count; a++) /* below all */
        if (all[a].count > 0 && !isfinite(all[a].low)) out[count++] = all[a];
    for (uint32_t e = 0; e < kept; e++) {
        struct metrics_piece above = { edges[e], INFINITY, 0, false };
        struct metrics_piece point = { edges[e], edges[e], 0, false };
        struct metrics_piece between = { edges[e], e + 1 < kept ? edges[e + 1] : edges[e], 0, false };
        for (uint32_t a = 0; a < all_count; a++) {
            if (!(all[a].count > 0) || !isfinite(all[a].low)) continue;
            if (!isfinite(all[a].high)) {
                if (all[a].low == edges[e]) above.count += all[a].count;
                continue;
            }
            point.count += all[a].count * share(&all[a], edges[e], edges[e]);
            if (between.high > between.low) between.count += all[a].count * share(&all[a], between.low, between.high);
        }
        const struct metrics_piece *found[] = { &above, &point, &between };
        for (size_t f = 0; f < COUNT_OF(found); f++)
            if (found[f]->count > 0) out[count++] = *found[f];
    }
    free(edges);
    *pieces = out;
    return count;
}

uint32_t distribution_pieces(const struct distribution *distribution, bool is_tight, struct metrics_piece **pieces)
{
    *pieces = NULL;
    if (distribution->exponential != NULL) {
        *pieces = mem_alloc((2 * EXPONENTIAL_COUNTS_MAX + 1) * sizeof **pieces);
        return exponential_pieces(distribution->exponential, *pieces);
    }
    uint32_t count = 0, at = 0;
    for (const struct bucket_set *set = distribution->sets; set != NULL; set = set->next) count += set->bound_count + 1;
    if (count == 0) return 0;
    struct metrics_piece *all = mem_alloc(count * sizeof *all);
    for (const struct bucket_set *set = distribution->sets; set != NULL; set = set->next) {
        set_pieces(distribution, set, is_tight, all + at);
        at += set->bound_count + 1;
    }
    if (distribution->sets->next == NULL) {
        *pieces = all;
        return count;
    }
    count = sets_pieces(all, count, pieces);
    free(all);
    return count;
}

/* ---- quantiles ---- */

static double within(const struct metrics_piece *piece, double share_of_it)
{
    if (piece->is_log && piece->low > 0) return piece->low * pow(piece->high / piece->low, share_of_it);
    if (piece->is_log && piece->high < 0) return piece->low * pow(piece->high / piece->low, share_of_it);
    return piece->low + (piece->high - piece->low) * share_of_it;
}

double metrics_quantile(const struct metrics_piece *pieces, uint32_t count, double q, bool *is_outside)
{
    double total = 0, before = 0;
    const struct metrics_piece *last = NULL;
    for (uint32_t p = 0; p < count; p++) {
        if (!(pieces[p].count > 0)) continue;
        total += pieces[p].count;
        last = &pieces[p];
    }
    if (last == NULL) return NAN;
    double rank = q * total;
    for (uint32_t p = 0; p < count; p++) {
        const struct metrics_piece *piece = &pieces[p];
        if (!(piece->count > 0)) continue;
        if (before + piece->count < rank && piece != last) {
            before += piece->count;
            continue;
        }
        bool has_end = isfinite(piece->low) && isfinite(piece->high);
        if (!has_end && is_outside != NULL) *is_outside = true;
        if (!has_end) return isfinite(piece->low) ? piece->low : isfinite(piece->high) ? piece->high : NAN;
        double share_of_it = (rank - before) / piece->count;
        return within(piece, share_of_it < 0 ? 0 : share_of_it > 1 ? 1 : share_of_it);
    }
    return NAN;
}
