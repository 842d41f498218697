#include <math.h>

#include "metrics/metrics_inside.h"

/* Which bucket of a scale coarser by shift holds this one: an arithmetic shift (data model, "Producer Expectations"). */
static int64_t coarser(int64_t bucket, uint32_t shift)
{
    if (shift > 40) return bucket < 0 ? -1 : 0;
    return bucket >> shift;
}

static double at_least_zero(double count)
{
    return count > 0 && isfinite(count) ? count : 0;
}

static uint32_t shift_to_fit(int64_t low, int64_t high)
{
    uint32_t shift = 0;
    while (coarser(high, shift) - coarser(low, shift) >= EXPONENTIAL_COUNTS_MAX) shift++;
    return shift;
}

/* First and last bucket with anything in it. False: there is none. */
static bool side_ends(const struct metrics_side *side, int64_t *low, int64_t *high)
{
    uint32_t first = 0, end = side->count;
    while (first < end && !(side->counts[first] > 0)) first++;
    while (end > first && !(side->counts[end - 1] > 0)) end--;
    *low = (int64_t)side->offset + first;
    *high = (int64_t)side->offset + end - 1;
    return first < end;
}

static void side_load(struct run *run, const struct metrics_side *side, uint32_t shift)
{
    int64_t low, high;
    *run = (struct run){ 0 };
    if (!side_ends(side, &low, &high)) return;
    run->offset = coarser(low, shift);
    run->count = (uint32_t)(coarser(high, shift) - run->offset + 1);
    const double *counts = side->counts + (low - side->offset);
    for (uint32_t c = 0; shift == 0 && c < run->count; c++) run->counts[c] = at_least_zero(counts[c]);
    for (int64_t b = low; shift > 0 && b <= high; b++)
        run->counts[coarser(b, shift) - run->offset] += at_least_zero(side->counts[b - side->offset]);
}

void exponential_load(struct exponential *to, const struct metrics_point *point)
{
    int64_t low, high;
    uint32_t shift = point->scale > SCALE_MAX ? (uint32_t)(point->scale - SCALE_MAX) : 0, more;
    const struct metrics_side *sides[2] = { &point->positive, &point->negative };
    for (int s = 0; s < 2; s++) {
        if (!side_ends(sides[s], &low, &high)) continue;
        more = shift_to_fit(low, high);
        if (more > shift) shift = more;
    }
    int64_t scale = point->scale - (int64_t)shift; /* below the least one all is in two buckets anyway */
    to->scale = scale < SCALE_MIN ? SCALE_MIN : (int32_t)scale;
    to->zero_count = at_least_zero(point->zero_count);
    to->zero_threshold = at_least_zero(point->zero_threshold);
    side_load(&to->positive, &point->positive, shift);
    side_load(&to->negative, &point->negative, shift);
}

static void run_coarsen(struct run *run, uint32_t shift)
{
    if (run->count == 0 || shift == 0) return;
    struct run coarse = { .offset = coarser(run->offset, shift) };
    coarse.count = (uint32_t)(coarser(run->offset + run->count - 1, shift) - coarse.offset + 1);
    for (uint32_t c = 0; c < run->count; c++)
        coarse.counts[coarser(run->offset + c, shift) - coarse.offset] += run->counts[c];
    *run = coarse;
}

void exponential_coarsen(struct exponential *exponential, int32_t scale)
{
    if (exponential->scale <= scale) return;
    uint32_t shift = (uint32_t)((int64_t)exponential->scale - scale);
    run_coarsen(&exponential->positive, shift);
    run_coarsen(&exponential->negative, shift);
    exponential->scale = scale;
}

static bool is_within_zero(const struct exponential *exponential, int64_t bucket)
{
    return exp2(ldexp((double)(bucket + 1), -exponential->scale)) <= exponential->zero_threshold;
}

/* What lies within the zero bucket as a whole is counted there. */
static void zero_swallow(struct exponential *exponential)
{
    struct run *runs[2] = { &exponential->positive, &exponential->negative };
    if (exponential->zero_threshold <= 0) return;
    for (int r = 0; r < 2; r++) {
        struct run *run = runs[r];
        for (uint32_t c = 0; c < run->count && is_within_zero(exponential, run->offset + c); c++) {
            exponential->zero_count += run->counts[c];
            run->counts[c] = 0;
        }
    }
}

static void zero_widen(struct exponential *exponential, double threshold)
{
    if (threshold <= exponential->zero_threshold) return;
    exponential->zero_threshold = threshold;
    zero_swallow(exponential);
}

/* The ends of a run, at a scale coarser by shift. False: it is empty. */
static bool run_ends(const struct run *run, uint32_t shift, int64_t *low, int64_t *high)
{
    if (run->count == 0) return false;
    *low = coarser(run->offset, shift);
    *high = coarser(run->offset + run->count - 1, shift);
    return true;
}

static bool ends_join(const struct run *a, uint32_t a_shift, const struct run *b, uint32_t b_shift, int64_t *low,
                      int64_t *high)
{
    int64_t b_low, b_high;
    bool has_a = run_ends(a, a_shift, low, high), has_b = run_ends(b, b_shift, &b_low, &b_high);
    if (has_b && (!has_a || b_low < *low)) *low = b_low;
    if (has_b && (!has_a || b_high > *high)) *high = b_high;
    return has_a || has_b;
}

/* Of one scale; there is room for both. */
static void run_add(struct run *to, const struct run *from, double weight)
{
    int64_t low, high;
    if (from->count == 0 || !ends_join(to, 0, from, 0, &low, &high)) return;
    if (to->count > 0 && low < to->offset) {
        memmove(to->counts + (to->offset - low), to->counts, to->count * sizeof *to->counts);
        memset(to->counts, 0, (size_t)(to->offset - low) * sizeof *to->counts);
    }
    to->offset = low;
    to->count = (uint32_t)(high - low + 1);
    for (uint32_t c = 0; c < from->count; c++) to->counts[from->offset + c - low] += weight * from->counts[c];
}

/* The finest scale, no finer than either, at which the runs of both fit into one. */
static int32_t scale_common(const struct exponential *a, const struct exponential *b)
{
    int32_t scale = a->scale < b->scale ? a->scale : b->scale;
    uint32_t shift = 0;
    uint32_t a_shift = (uint32_t)((int64_t)a->scale - scale), b_shift = (uint32_t)((int64_t)b->scale - scale);
    for (int side = 0; side < 2; side++) {
        const struct run *left = side == 0 ? &a->positive : &a->negative;
        const struct run *right = side == 0 ? &b->positive : &b->negative;
        int64_t low, high;
        if (!ends_join(left, a_shift, right, b_shift, &low, &high)) continue;
        uint32_t more = shift_to_fit(low, high);
        if (more > shift) shift = more;
    }
    return (int32_t)(scale - (int64_t)shift);
}

bool exponential_ends(const struct exponential *exponential, bool is_negative, int32_t scale, int64_t *low,
                      int64_t *high)
{
    return run_ends(is_negative ? &exponential->negative : &exponential->positive,
                    (uint32_t)((int64_t)exponential->scale - scale), low, high);
}

static bool is_empty(const struct exponential *exponential)
{
    return exponential->positive.count == 0 && exponential->negative.count == 0;
}

static void all_add(struct exponential *to, const struct exponential *from, double weight)
{
    to->zero_count += weight * from->zero_count;
    run_add(&to->positive, &from->positive, weight);
    run_add(&to->negative, &from->negative, weight);
}

bool exponential_add(struct exponential *to, const struct exponential *from, double weight)
{
    bool is_alike = to->scale == from->scale && to->zero_threshold == from->zero_threshold;
    if (is_alike && scale_common(to, from) == to->scale) { /* mostly */
        all_add(to, from, weight);
        return false;
    }
    struct exponential other = *from;
    bool is_other_scale = to->scale != from->scale && !is_empty(to) && !is_empty(from);
    if (is_empty(to)) to->scale = from->scale;
    if (is_empty(from)) other.scale = to->scale;
    int32_t scale = scale_common(to, &other);
    exponential_coarsen(to, scale);
    exponential_coarsen(&other, scale);
    zero_widen(to, other.zero_threshold);
    zero_widen(&other, to->zero_threshold);
    all_add(to, &other, weight);
    return is_other_scale;
}

static bool run_has_below_zero(const struct run *run)
{
    for (uint32_t c = 0; c < run->count; c++)
        if (run->counts[c] < 0) return true;
    return false;
}

bool exponential_subtract(struct exponential *to, const struct exponential *from)
{
    struct exponential kept = *to;
    (void)exponential_add(to, from, -1);
    if (to->zero_count >= 0 && !run_has_below_zero(&to->positive) && !run_has_below_zero(&to->negative)) return true;
    *to = kept;
    return false;
}

/* Where a bucket begins; the ends of what a double holds where it is past them. */
static double edge_of(const struct exponential *exponential, int64_t bucket)
{
    return exp2(ldexp((double)bucket, -exponential->scale));
}

static uint32_t run_pieces(const struct exponential *exponential, const struct run *run, bool is_negative,
                           struct metrics_piece *pieces)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < run->count; c++) {
        uint32_t at = is_negative ? run->count - 1 - c : c;
        if (!(run->counts[at] > 0)) continue;
        double inner = edge_of(exponential, run->offset + at), outer = edge_of(exponential, run->offset + at + 1);
        if (inner < exponential->zero_threshold) inner = exponential->zero_threshold;
        pieces[count++] = (struct metrics_piece){ .low = is_negative ? -outer : inner,
                                                  .high = is_negative ? -inner : outer,
                                                  .count = run->counts[at],
                                                  .is_log = true };
    }
    return count;
}

uint32_t exponential_pieces(const struct exponential *exponential, struct metrics_piece *pieces)
{
    uint32_t count = run_pieces(exponential, &exponential->negative, true, pieces);
    bool has_negative = count > 0;
    if (exponential->zero_count > 0) {
        struct metrics_piece zero = { .count = exponential->zero_count };
        if (has_negative) zero.low = -exponential->zero_threshold;
        zero.high = exponential->positive.count > 0 || !has_negative ? exponential->zero_threshold : 0;
        pieces[count++] = zero;
    }
    return count + run_pieces(exponential, &exponential->positive, false, pieces + count);
}
