#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "metrics/metrics.h"

enum { SECOND = 1000000, STEPS = 10, STEP_S = 60 };
static const int64_t FROM = 1700000000ll / 60 * 60 * SECOND;

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static double random_unit(uint64_t *state)
{
    return (double)random_next(state) / (double)(1ull << 31);
}

static struct metrics_range range_of(enum metrics_kind kind, enum metrics_aggregate aggregate)
{
    return (struct metrics_range){ .from_us = FROM,
                                   .step_us = STEP_S * (int64_t)SECOND,
                                   .steps = STEPS,
                                   .kind = kind,
                                   .aggregate = aggregate,
                                   .quantile = 0.5,
                                   .gap_us = 120 * (int64_t)SECOND,
                                   .hold_us = 90 * (int64_t)SECOND,
                                   .bytes_max = 64 << 20 };
}

static struct metrics *metrics_of(const struct metrics_range *range)
{
    uint32_t group;
    struct metrics *metrics = metrics_create(range);
    assert_true(metrics_group(metrics, &group));
    metrics_series(metrics, group);
    return metrics;
}

/* Seconds after FROM; start below zero and before the range is fine; INT32_MAX: not sent. */
static void put_value(struct metrics *metrics, double at_s, double start_s, double value, bool is_delta)
{
    struct metrics_point point = { .at_us = FROM + (int64_t)(at_s * SECOND),
                                   .start_us = isnan(start_s) ? 0 : FROM + (int64_t)(start_s * SECOND),
                                   .value = value,
                                   .is_delta = is_delta };
    assert_true(metrics_point(metrics, &point));
}

static void expect(struct metrics *metrics, uint32_t step, double value)
{
    double found = metrics_value(metrics, 0, step);
    if (isnan(value) ? !isnan(found) : !(fabs(found - value) <= 1e-9 * (1 + fabs(value))))
        fail_msg("step %u: %.12g, not %.12g", step, found, value);
}

/* Goal: increases add up to the counter's own, resets and late starts are seen, gaps are left out and told.
 * Method: a counter of 10 a second, sent each 30 s, with one of each. */
static void test_counter(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_COUNTER, METRICS_INCREASE);
    struct metrics *metrics = metrics_of(&range);
    for (int at = -15; at <= 165; at += 30) put_value(metrics, at, -1000, 5000 + at * 10, false);
    /* Begins anew at 180: of 165 to 180 nothing is known. */
    for (int at = 195; at <= 255; at += 30) put_value(metrics, at, 180, (at - 180) * 10, false);
    /* No points until 450, further than the gap; the total went on. */
    put_value(metrics, 450, 180, 2700, false);
    put_value(metrics, 480, 180, 3000, false);
    /* Without a start: down at 510. */
    put_value(metrics, 510, NAN, 60, false);
    metrics_end(metrics);
    expect(metrics, 0, 600);
    expect(metrics, 1, 600);
    expect(metrics, 2, 450); /* 120 to 165 */
    expect(metrics, 3, 600);
    expect(metrics, 4, 150); /* 240 to 255 */
    expect(metrics, 5, NAN);
    expect(metrics, 6, NAN);
    expect(metrics, 7, 300); /* 450 to 480 */
    expect(metrics, 8, 60);
    expect(metrics, 9, NAN);
    uint32_t resets;
    const int64_t *times = metrics_resets(metrics, 0, &resets);
    assert_int_equal(resets, 2);
    assert_int_equal(times[0], FROM + 195 * (int64_t)SECOND);
    assert_int_equal(times[1], FROM + 510 * (int64_t)SECOND);
    assert_int_equal(metrics_told(metrics)->gap_count, 1);
    assert_true(metrics_told(metrics)->gap_increase == 1950);
    assert_int_equal(metrics_told(metrics)->unknown_count, 0);
    metrics_destroy(metrics);
}

/* A rate is of the time that something is known of, also in steps shorter than the sender's interval. */
static void test_rate(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_COUNTER, METRICS_RATE);
    range.step_us = 10 * (int64_t)SECOND;
    struct metrics *metrics = metrics_of(&range);
    put_value(metrics, 15, NAN, 7, false); /* a total that came about before */
    put_value(metrics, 55, NAN, 7 + 40 * 3, false);
    metrics_end(metrics);
    expect(metrics, 0, NAN);
    for (uint32_t step = 1; step <= 5; step++) expect(metrics, step, 3);
    expect(metrics, 6, NAN);
    assert_int_equal(metrics_told(metrics)->unknown_count, 1);
    metrics_destroy(metrics);
}

/* Goal: two series are reckoned each alone: one's reset is no loss of the other's. Method: totals cross each other. */
static void test_series_apart(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_COUNTER, METRICS_INCREASE);
    struct metrics *metrics = metrics_of(&range);
    for (int at = 0; at <= 600; at += 60) put_value(metrics, at, -60, 100 + at, false);
    metrics_series(metrics, 0);
    for (int at = 0; at <= 600; at += 60)
        put_value(metrics, at, at >= 300 ? 240 : -60, at >= 300 ? at - 240 : 1000 + at, false);
    metrics_series(metrics, 0); /* delta, the same rate */
    for (int at = 60; at <= 600; at += 60) put_value(metrics, at, at - 60, 60, true);
    metrics_end(metrics);
    for (uint32_t step = 0; step < STEPS; step++) expect(metrics, step, 180);
    metrics_destroy(metrics);
}

/* A delta without a start is of the time since the point before; the same time twice counts once. */
static void test_delta(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_COUNTER, METRICS_INCREASE);
    struct metrics *metrics = metrics_of(&range);
    put_value(metrics, 30, NAN, 5, true);
    put_value(metrics, 90, NAN, 60, true);
    put_value(metrics, 90, NAN, 60, true);
    put_value(metrics, 540, 535, 8, true);
    metrics_end(metrics);
    expect(metrics, 0, 5 + 30);
    expect(metrics, 1, 30);
    expect(metrics, 2, NAN);
    expect(metrics, 8, 8);
    assert_int_equal(metrics_told(metrics)->repeat_count, 1);
    metrics_destroy(metrics);
}

/* A start that is the point's own time: nobody knows when it began. */
static void test_start_unknown(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_COUNTER, METRICS_INCREASE);
    struct metrics *metrics = metrics_of(&range);
    put_value(metrics, 0, 0, 1000, false);
    put_value(metrics, 60, 0, 1060, false);
    put_value(metrics, 120, 120, 5000, false);
    put_value(metrics, 180, 120, 5060, false);
    metrics_end(metrics);
    expect(metrics, 0, 60);
    expect(metrics, 1, NAN);
    expect(metrics, 2, 60);
    metrics_destroy(metrics);
}

/* Goal: a level is each series' own first, holds for a while, and then there is a gap. Method: two gauges by hand. */
static void test_gauge(void **state)
{
    (void)state;
    static const struct {
        enum metrics_aggregate aggregate;
        double values[6];
    } cases[] = {
        /* series a: 10 and 20 in step 0, 30 in step 1, nothing, 50 in step 5. series b: 100 in step 0. */
        { METRICS_AVG, { (15 + 100) / 2.0, (30 + 100) / 2.0, 30, NAN, NAN, 50 } },
        { METRICS_SUM, { 120, 130, 30, NAN, NAN, 50 } },
        { METRICS_MIN, { 10, 30, 30, NAN, NAN, 50 } },
        { METRICS_MAX, { 100, 100, 30, NAN, NAN, 50 } },
        { METRICS_LAST, { 60, 65, 30, NAN, NAN, 50 } },
        { METRICS_COUNT, { 2, 2, 1, NAN, NAN, 1 } },
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct metrics_range range = range_of(METRICS_GAUGE, cases[c].aggregate);
        struct metrics *metrics = metrics_of(&range);
        put_value(metrics, 5, NAN, 10, false);
        put_value(metrics, 45, NAN, 20, false);
        put_value(metrics, 65, NAN, 30, false);
        put_value(metrics, 310, NAN, 50, false);
        metrics_series(metrics, 0);
        put_value(metrics, 1, NAN, 100, false); /* holds until 91 */
        metrics_end(metrics);
        for (uint32_t step = 0; step < 6; step++) expect(metrics, step, cases[c].values[step]);
        metrics_destroy(metrics);
    }
}

/* "No recorded value" ends what holds. */
static void test_missing(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_UP_DOWN, METRICS_SUM);
    struct metrics *metrics = metrics_of(&range);
    put_value(metrics, -10, NAN, 7, false);
    struct metrics_point missing = { .at_us = FROM + 65 * (int64_t)SECOND, .is_missing = true };
    assert_true(metrics_point(metrics, &missing));
    put_value(metrics, 130, NAN, 8, false);
    metrics_end(metrics);
    expect(metrics, 0, NAN);
    expect(metrics, 1, NAN);
    expect(metrics, 2, 8);
    metrics_destroy(metrics);
}

/* ---- distributions: from the values that made them ---- */

enum { VALUES = 4000 };
static int number_order(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double exact_quantile(double *values, uint32_t count, double q)
{
    qsort(values, count, sizeof *values, number_order);
    double rank = ceil(q * count);
    return values[rank < 1 ? 0 : (uint32_t)rank - 1];
}

static const double few_bounds[] = { 0.01, 0.1, 1, 10 };
static const double many_bounds[] = { 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20 };

static void explicit_count(const double *bounds, uint32_t bound_count, double value, double *counts)
{
    uint32_t b = 0;
    while (b < bound_count && value > bounds[b]) b++;
    counts[b]++;
}

static double value_like(uint64_t *state)
{
    return exp(3 * (random_unit(state) + random_unit(state) + random_unit(state) - 2.2));
}

/* Goal: the quantile of merged histograms lies in the bucket where the exact one does, whatever the temporality.
 * Method: two series of random values with different bounds, one cumulative with a reset, one delta. */
static void test_histogram(void **state)
{
    (void)state;
    static const double qs[] = { 0, 0.01, 0.25, 0.5, 0.9, 0.99, 1 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (size_t q = 0; q < COUNT_OF(qs); q++) {
            struct metrics_range range = range_of(METRICS_HISTOGRAM, METRICS_QUANTILE);
            range.quantile = qs[q];
            struct metrics *metrics = metrics_of(&range);
            double values[VALUES], counts[5] = { 0 }, other[13] = { 0 };
            uint64_t random = seed;
            uint32_t count = 0;
            struct metrics_point point = { .at_us = FROM,
                                           .start_us = FROM - 1,
                                           .min = NAN,
                                           .max = NAN,
                                           .positive = { 0, 5, counts },
                                           .bounds = few_bounds,
                                           .bound_count = 4 };
            assert_true(metrics_point(metrics, &point));
            for (int half = 0; half < 2; half++) {
                if (half == 1) { /* begins anew */
                    memset(counts, 0, sizeof counts);
                    point.count = point.sum = 0;
                    point.start_us = point.at_us;
                }
                for (uint32_t n = 0; n < VALUES / 4; n++) {
                    double value = value_like(&random);
                    values[count++] = value;
                    explicit_count(few_bounds, 4, value, counts);
                    point.count++;
                    point.sum += value;
                }
                point.at_us += 29 * (int64_t)SECOND;
                assert_true(metrics_point(metrics, &point));
            }
            metrics_series(metrics, 0);
            struct metrics_point delta = { .at_us = FROM + 50 * (int64_t)SECOND,
                                           .start_us = FROM,
                                           .is_delta = true,
                                           .count = VALUES / 2,
                                           .min = INFINITY,
                                           .max = -INFINITY,
                                           .positive = { 0, 13, other },
                                           .bounds = many_bounds,
                                           .bound_count = 12 };
            for (uint32_t n = 0; n < VALUES / 2; n++) {
                double value = value_like(&random);
                values[count++] = value;
                explicit_count(many_bounds, 12, value, other);
                delta.sum += value;
                delta.min = fmin(delta.min, value);
                delta.max = fmax(delta.max, value);
            }
            assert_true(metrics_point(metrics, &delta));
            metrics_end(metrics);
            double exact = exact_quantile(values, count, qs[q]), found = metrics_value(metrics, 0, 0);
            uint32_t b = 0;
            while (b < 4 && exact > few_bounds[b]) b++;
            double low = b == 0 ? 0 : few_bounds[b - 1], high = b == 4 ? 1e9 : few_bounds[b];
            if (!(found >= low * 0.999 && found <= high * 1.001)) fail_msg("q %g: %g, exact %g", qs[q], found, exact);
            assert_true(metrics_told(metrics)->has_several_bounds);
            metrics_destroy(metrics);
        }
    }
}

/* Figures of the Prometheus documentation's rule: linear within the bucket, the highest bound where it lies above all. */
static void test_histogram_by_hand(void **state)
{
    (void)state;
    static const struct {
        double q, value;
        bool is_outside;
    } cases[] = { { 0.25, 0.5, false }, { 0.5, 1, false }, { 0.75, 2, false }, { 0.8, 2, true }, { 1, 2, true } };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct metrics_range range = range_of(METRICS_HISTOGRAM, METRICS_QUANTILE);
        range.quantile = cases[c].q;
        struct metrics *metrics = metrics_of(&range);
        const double counts[] = { 10, 5, 5 }, bounds[] = { 1, 2 };
        struct metrics_point point = { .at_us = FROM + SECOND,
                                       .start_us = FROM,
                                       .is_delta = true,
                                       .count = 20,
                                       .sum = 30,
                                       .min = NAN,
                                       .max = NAN,
                                       .positive = { 0, 3, counts },
                                       .bounds = bounds,
                                       .bound_count = 2 };
        assert_true(metrics_point(metrics, &point));
        metrics_end(metrics);
        expect(metrics, 0, cases[c].value);
        assert_int_equal(metrics_told(metrics)->is_quantile_outside, cases[c].is_outside);
        metrics_destroy(metrics);
    }
}

/* Lines of a heat map are the bounds as they were sent, whatever the smallest values of single steps; only the open ends are theirs. */
static void test_histogram_heat(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_HISTOGRAM, METRICS_COUNT);
    struct metrics *metrics = metrics_of(&range);
    for (int step = 0; step < 3; step++) {
        const double counts[] = { 1, 2, 3 + step }, bounds[] = { 1, 2 };
        struct metrics_point point = { .at_us = FROM + (step * STEP_S + 30) * (int64_t)SECOND,
                                       .start_us = FROM + step * STEP_S * (int64_t)SECOND,
                                       .is_delta = true,
                                       .count = 6 + step,
                                       .sum = 9,
                                       .min = 0.1 * (step + 1),
                                       .max = 5 + step,
                                       .positive = { 0, 3, counts },
                                       .bounds = bounds,
                                       .bound_count = 2 };
        assert_true(metrics_point(metrics, &point));
    }
    metrics_end(metrics);
    static const double edges[] = { 0, 1, 2, 7 };
    struct metrics_heat heat;
    metrics_heat_make(metrics, 0, STEPS, 40, &heat);
    assert_int_equal(heat.line_count, 3);
    for (uint32_t e = 0; e <= 3; e++) assert_true(heat.edges[e] == edges[e]);
    for (uint32_t step = 0; step < 3; step++)
        for (uint32_t line = 0; line < 3; line++)
            assert_true(heat.counts[step * 3 + line] == (line == 2 ? 3 + step : line + 1));
    metrics_heat_deinit(&heat);
    metrics_destroy(metrics);
}

/* Goal: who sends seldom has no gaps for that. Method: a counter and a gauge each 10 minutes, beside quick ones. */
static void test_seldom(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_COUNTER, METRICS_INCREASE);
    range.step_us = 600 * (int64_t)SECOND;
    struct metrics *metrics = metrics_of(&range);
    for (int at = 0; at <= 6000; at += 600) put_value(metrics, at + 30, NAN, at, false);
    metrics_end(metrics);
    expect(metrics, 1, 600); /* the first interval is a gap until the second is known */
    expect(metrics, 8, 600);
    metrics_destroy(metrics);
    range = range_of(METRICS_GAUGE, METRICS_SUM);
    range.step_us = 300 * (int64_t)SECOND;
    metrics = metrics_of(&range);
    for (int at = 0; at <= 3000; at += 600) put_value(metrics, at, NAN, 5, false);
    metrics_end(metrics);
    for (uint32_t step = 2; step < STEPS; step++) expect(metrics, step, 5);
    metrics_destroy(metrics);
}

/* Counts, sums, means and extremes of a cumulative histogram, half in one step and half in the next. */
static void test_histogram_figures(void **state)
{
    (void)state;
    static const struct {
        enum metrics_aggregate aggregate;
        double value;
    } cases[] = { { METRICS_COUNT, 10 }, { METRICS_INCREASE, 10 }, { METRICS_RATE, 10 / 30.0 }, { METRICS_SUM, 15 },
                  { METRICS_AVG, 1.5 },  { METRICS_MIN, 0.25 },    { METRICS_MAX, 4 } };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct metrics_range range = range_of(METRICS_HISTOGRAM, cases[c].aggregate);
        struct metrics *metrics = metrics_of(&range);
        double counts[] = { 10, 5, 5 }, bounds[] = { 1, 2 };
        struct metrics_point point = { .at_us = FROM + 30 * (int64_t)SECOND,
                                       .count = 20,
                                       .sum = 30,
                                       .min = 0.25,
                                       .max = 4,
                                       .positive = { 0, 3, counts },
                                       .bounds = bounds,
                                       .bound_count = 2 };
        assert_true(metrics_point(metrics, &point));
        for (size_t b = 0; b < 3; b++) counts[b] *= 2;
        point.at_us += 60 * (int64_t)SECOND;
        point.count *= 2;
        point.sum *= 2;
        assert_true(metrics_point(metrics, &point));
        metrics_end(metrics);
        expect(metrics, 0, cases[c].value);
        expect(metrics, 1, cases[c].value);
        metrics_destroy(metrics);
    }
}

struct sender { /* of an exponential histogram, as an SDK makes one */
    int32_t scale;
    double positive[2000], negative[2000], zero, count, sum;
};

static void exponential_count(struct sender *sender, double value)
{
    double *run = value > 0 ? sender->positive : sender->negative;
    sender->count++;
    sender->sum += value;
    if (value == 0) {
        sender->zero++;
    } else {
        run[(int64_t)ceil(log2(fabs(value)) * exp2(sender->scale)) - 1 + 1000]++;
    }
}

static struct metrics_point exponential_point(const struct sender *sender, int64_t at_s)
{
    return (struct metrics_point){ .at_us = FROM + at_s * SECOND,
                                   .count = sender->count,
                                   .sum = sender->sum,
                                   .min = NAN,
                                   .max = NAN,
                                   .scale = sender->scale,
                                   .zero_count = sender->zero,
                                   .positive = { -1000, 2000, sender->positive },
                                   .negative = { -1000, 2000, sender->negative } };
}

/* Each line has the values that lie in it, as far as a line ends where a bucket does: all of them, and few enough lines. */
static void heat_check(const struct metrics *metrics, const double *values, uint32_t count)
{
    static const uint32_t lines_max[] = { 400, 40, 8 };
    for (size_t l = 0; l < COUNT_OF(lines_max); l++) {
        struct metrics_heat heat;
        double total = 0;
        metrics_heat_make(metrics, 0, STEPS, lines_max[l], &heat);
        assert_in_range(heat.line_count, 1, lines_max[l] + 2);
        for (uint32_t line = 0; line < heat.line_count; line++) {
            double exact = 0;
            for (uint32_t v = 0; v < count; v++)
                exact += (values[v] > heat.edges[line] || (line == 0 && values[v] == heat.edges[0])) &&
                         values[v] <= heat.edges[line + 1];
            total += heat.counts[line];
            /* A value on an edge of negative ones belongs to the bucket below. */
            if (fabs(heat.counts[line] - exact) > 0.5) fail_msg("line %u: %g, not %g", line, heat.counts[line], exact);
        }
        assert_true(fabs(total - count) < 1e-6);
        metrics_heat_deinit(&heat);
    }
}

/* Goal: quantiles of exponential histograms are within a bucket of the exact ones, over scales, signs and temporalities.
 * Method: random values below, above and at zero; a cumulative series at scale 4 and a delta one at scale 2. */
static void test_exponential(void **state)
{
    (void)state;
    static const double qs[] = { 0, 0.05, 0.3, 0.5, 0.9, 0.999, 1 };
    double width = exp2(exp2(-2)); /* of a bucket at the coarser scale */
    for (uint64_t seed = 1; seed <= 20; seed++) {
        for (size_t q = 0; q < COUNT_OF(qs); q++) {
            struct metrics_range range = range_of(METRICS_EXPONENTIAL, METRICS_QUANTILE);
            range.quantile = qs[q];
            struct metrics *metrics = metrics_of(&range);
            struct sender *fine = calloc(1, sizeof *fine), *coarse = calloc(1, sizeof *coarse);
            double values[VALUES];
            uint64_t random = seed;
            uint32_t count = 0;
            fine->scale = 4;
            coarse->scale = 2;
            for (uint32_t n = 0; n < 50; n++) exponential_count(fine, value_like(&random)); /* before */
            struct metrics_point point = exponential_point(fine, 0);
            assert_true(metrics_point(metrics, &point));
            for (uint32_t n = 0; n < VALUES; n++) {
                double value = value_like(&random);
                if (n % 5 == 0) value = -value;
                if (n % 50 == 1) value = 0;
                values[count++] = value;
                exponential_count(n % 2 ? fine : coarse, value);
            }
            point = exponential_point(fine, 55);
            assert_true(metrics_point(metrics, &point));
            metrics_series(metrics, 0);
            point = exponential_point(coarse, 58);
            point.start_us = FROM;
            point.is_delta = true;
            assert_true(metrics_point(metrics, &point));
            metrics_end(metrics);
            double exact = exact_quantile(values, count, qs[q]), found = metrics_value(metrics, 0, 0);
            double low = exact > 0 ? exact / width : exact * width, high = exact > 0 ? exact * width : exact / width;
            if (!(found >= low && found <= high)) fail_msg("q %g: %g, exact %g", qs[q], found, exact);
            struct metrics_piece *pieces;
            double total = 0;
            uint32_t piece_count = metrics_pieces(metrics, 0, 0, &pieces);
            for (uint32_t p = 0; p < piece_count; p++) total += pieces[p].count;
            assert_true(fabs(total - VALUES) < 1e-6);
            for (uint32_t p = 1; p < piece_count; p++) assert_true(pieces[p].low >= pieces[p - 1].high);
            free(pieces);
            assert_true(metrics_told(metrics)->has_several_scales);
            heat_check(metrics, values, count);
            metrics_destroy(metrics);
            free(fine);
            free(coarse);
        }
    }
}

/* A bucket that goes down is a reset, though the count went up. */
static void test_exponential_reset(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_EXPONENTIAL, METRICS_COUNT);
    struct metrics *metrics = metrics_of(&range);
    struct sender *sender = calloc(1, sizeof *sender);
    for (int n = 0; n < 10; n++) exponential_count(sender, 1.5);
    struct metrics_point point = exponential_point(sender, 10);
    assert_true(metrics_point(metrics, &point));
    memset(sender, 0, sizeof *sender);
    for (int n = 0; n < 12; n++) exponential_count(sender, 300);
    point = exponential_point(sender, 40);
    assert_true(metrics_point(metrics, &point));
    metrics_end(metrics);
    expect(metrics, 0, 12);
    uint32_t resets;
    (void)metrics_resets(metrics, 0, &resets);
    assert_int_equal(resets, 1);
    metrics_destroy(metrics);
    free(sender);
}

static void test_summary(void **state)
{
    (void)state;
    const double qs[] = { 0.5, 0.9 }, values[] = { 3, 8 }, others[] = { 4, 5 };
    struct metrics_range range = range_of(METRICS_SUMMARY, METRICS_QUANTILE);
    range.quantile = 0.9;
    struct metrics *metrics = metrics_of(&range);
    struct metrics_point point = { .at_us = FROM + SECOND,
                                   .count = 3,
                                   .sum = 9,
                                   .min = NAN,
                                   .max = NAN,
                                   .quantile_count = 2,
                                   .quantiles = qs,
                                   .quantile_values = values };
    assert_true(metrics_point(metrics, &point));
    metrics_series(metrics, 0);
    point.quantile_values = others;
    assert_true(metrics_point(metrics, &point));
    metrics_end(metrics);
    expect(metrics, 0, 8);
    assert_true(metrics_told(metrics)->is_quantile_of_parts);
    metrics_destroy(metrics);
}

/* Goal: no point, however made, does harm. Method: random fields, among them infinite, NaN and below zero, in all kinds. */
static void test_any_point(void **state)
{
    (void)state;
    static const double odd[] = { 0, 1, -1, 1e300, -1e300, INFINITY, -INFINITY, NAN, 1e-300, 7, 8, 9 };
    uint64_t random = 7;
    for (int round = 0; round < 3000; round++) {
        struct metrics_range range =
            range_of((enum metrics_kind)(random_next(&random) % 6), (enum metrics_aggregate)(random_next(&random) % 9));
        range.quantile = random_unit(&random);
        struct metrics *metrics = metrics_of(&range);
        int64_t at_us = FROM - 100 * (int64_t)SECOND;
        for (int p = 0; p < 12; p++) {
            double lists[4][8];
            for (size_t n = 0; n < 32; n++) lists[n / 8][n % 8] = odd[random_next(&random) % COUNT_OF(odd)];
            at_us += (int64_t)(random_next(&random) % (100 * (int64_t)SECOND));
            struct metrics_point point = {
                .at_us = at_us,
                .start_us = random_next(&random) % 2 ? at_us - (int64_t)(random_next(&random) % (200ll * SECOND)) : 0,
                .is_missing = random_next(&random) % 9 == 0,
                .is_delta = random_next(&random) % 2,
                .value = lists[0][0],
                .count = lists[0][1],
                .sum = lists[0][2],
                .min = lists[0][3],
                .max = lists[0][4],
                .positive = { (int32_t)(random_next(&random) * 2), (uint32_t)(random_next(&random) % 9), lists[1] },
                .negative = { INT32_MAX, (uint32_t)(random_next(&random) % 9), lists[2] },
                .bound_count = (uint32_t)(random_next(&random) % 9),
                .bounds = lists[3],
                .scale = (int32_t)(random_next(&random) * 2 - (1u << 31)),
                .zero_count = lists[0][5],
                .zero_threshold = lists[0][6],
                .quantile_count = 4,
                .quantiles = lists[1],
                .quantile_values = lists[2],
            };
            assert_true(metrics_point(metrics, &point));
        }
        metrics_end(metrics);
        for (uint32_t step = 0; step < STEPS; step++) {
            struct metrics_piece *pieces;
            (void)metrics_value(metrics, 0, step);
            (void)metrics_pieces(metrics, 0, step, &pieces);
            free(pieces);
        }
        metrics_destroy(metrics);
    }
}

/* More than there is room for is refused, not taken. */
static void test_room(void **state)
{
    (void)state;
    struct metrics_range range = range_of(METRICS_GAUGE, METRICS_AVG);
    uint32_t group, groups = 0;
    range.steps = 10000;
    range.bytes_max = 4 << 20;
    struct metrics *metrics = metrics_create(&range);
    while (metrics_group(metrics, &group) && groups < 1000) groups++;
    assert_in_range(groups, 1, 999);
    metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_series_apart),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_start_unknown),
        cmocka_unit_test(test_gauge),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_histogram_by_hand),
        cmocka_unit_test(test_histogram_figures),
        cmocka_unit_test(test_exponential),
        cmocka_unit_test(test_exponential_reset),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_any_point),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_histogram_heat),
        cmocka_unit_test(test_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
