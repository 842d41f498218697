#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "detect/detect_statistics.h"

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

/* Waiting times until one unit has passed (small means), by halves of large ones. */
static double poisson(uint64_t *state, double mean)
{
    if (mean > 30) return poisson(state, mean / 2) + poisson(state, mean / 2);
    double product = uniform(state), limit = exp(-mean), count = 0;
    while (product > limit) {
        product *= uniform(state);
        count++;
    }
    return count;
}

/* P(X >= count), or P(X <= count) below the mean, summed term by term. */
static double poisson_tail(double count, double mean)
{
    double sum = 0;
    if (count > mean)
        for (double k = count; k < count + 500; k++) sum += exp(k * log(mean) - mean - lgamma(k + 1));
    else
        for (double k = 0; k <= count; k++) sum += exp(k * log(mean) - mean - lgamma(k + 1));
    return sum;
}

static double binomial_tail(double hits, double count, double p)
{
    double sum = 0;
    double first = hits > count * p ? hits : 0, last = hits > count * p ? count : hits;
    for (double k = first; k <= last; k++)
        sum += exp(lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1) + k * log(p) + (count - k) * log1p(-p));
    return sum;
}

/* Goal: z says how unlikely a count is, also one in a million. Method: the exact tails, summed; never much too small, at most twice too large
 * (the exact one is one-sided). */
static void test_tails_are_the_exact_ones(void **state)
{
    (void)state;
    static const double means[] = { 0.7, 3, 12, 100, 1500 };
    for (size_t m = 0; m < COUNT_OF(means); m++) {
        for (double sd = -6; sd <= 6; sd += 0.5) {
            double mean = means[m], count = round(mean + sd * sqrt(mean)), z = detect_poisson_z(count, mean);
            if (count < 0 || fabs(count - mean) <= 0.5) continue;
            double exact = poisson_tail(count, mean), told = detect_normal_tail(z) / 2;
            if (exact < 1e-9) continue;
            if (told > 2.2 * exact || told < exact / 1.5) fail_msg("%g of %g: %g, not %g", count, mean, told, exact);
        }
    }
    for (double p = 0.01; p < 1; p += 0.24)
        for (double count = 40; count <= 4000; count *= 10)
            for (double hits = 0; hits <= count; hits += ceil(count / 40)) {
                double exact = binomial_tail(hits, count, p), z = detect_binomial_z(hits, count, p);
                if (fabs(hits - count * p) <= 0.5 || exact < 1e-9) continue;
                double told = detect_normal_tail(z) / 2;
                if (told > 2.2 * exact || told < exact / 1.5)
                    fail_msg("%g of %g at %g: %g, not %g", hits, count, p, told, exact);
            }
}

/* Goal: on data of chance alone a share x of the p-values is at most x, and not much fewer. Method: 40,000 draws of four means. */
static void test_p_values_of_chance_are_uniform(void **state)
{
    (void)state;
    static const double means[] = { 20, 90, 700, 5000 }, shares[] = { 0.5, 0.1, 0.01, 0.001 };
    uint64_t seed = 7;
    for (size_t m = 0; m < COUNT_OF(means); m++) {
        uint32_t below[COUNT_OF(shares)] = { 0 }, draws = 40000;
        for (uint32_t d = 0; d < draws; d++) {
            double p = detect_normal_tail(detect_poisson_z(poisson(&seed, means[m]), means[m]));
            for (size_t s = 0; s < COUNT_OF(shares); s++) below[s] += p <= shares[s];
        }
        for (size_t s = 0; s < COUNT_OF(shares); s++) {
            double expected = shares[s] * draws, sd = sqrt(expected);
            if (below[s] > expected + 4 * sd || below[s] < 0.6 * expected - 4 * sd)
                fail_msg("mean %g: %u of %u below %g", means[m], below[s], draws, shares[s]);
        }
    }
}

/* Goal: of what is believed few are wrong, and with nothing there rarely anything is. Method: 400 runs of 1,000 tests, 0 or
 * 50 of them with an effect. */
static void test_false_discoveries(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (uint32_t real = 0; real <= 50; real += 50) {
        double wrong_share = 0;
        uint32_t found = 0, runs = 400;
        for (uint32_t run = 0; run < runs; run++) {
            double p[1000], sorted[1000];
            uint32_t wrong = 0, believed = 0;
            for (uint32_t t = 0; t < 1000; t++) p[t] = t < real ? uniform(&seed) * 1e-5 : uniform(&seed);
            memcpy(sorted, p, sizeof p);
            double limit = detect_false_discovery(sorted, 1000, 1000, 0.1);
            for (uint32_t t = 0; t < 1000; t++) {
                believed += p[t] <= limit;
                wrong += p[t] <= limit && t >= real;
                found += p[t] <= limit && t < real;
            }
            wrong_share += believed > 0 ? (double)wrong / believed : 0;
        }
        if (wrong_share / runs > 0.13) fail_msg("%u real: %g wrong", real, wrong_share / runs);
        if (real > 0) assert_int_equal(found, runs * real);
    }
    assert_true(detect_false_discovery(NULL, 0, 0, 0.1) == 0);
}

/* Goal: small p-values alone give the same limit as all. */
static void test_small_ones_are_enough(void **state)
{
    (void)state;
    double all[] = { 0.9, 0.001, 0.4, 0.0004, 0.7, 0.02, 0.3, 0.6, 0.5, 0.8 }, few[] = { 0.001, 0.02, 0.0004 };
    assert_true(detect_false_discovery(all, 10, 10, 0.05) == detect_false_discovery(few, 3, 10, 0.05));
}

static void test_change_point(void **state)
{
    (void)state;
    uint64_t seed = 11;
    uint32_t near = 0;
    for (uint32_t run = 0; run < 300; run++) {
        double counts[60], means[60], sizes[60];
        for (uint32_t i = 0; i < 60; i++) {
            sizes[i] = 400;
            means[i] = 8;
            counts[i] = poisson(&seed, i < 47 ? 8 : run % 2 ? 16 : 2);
        }
        size_t at = detect_change_point(counts, means, run % 4 < 2 ? NULL : sizes, 60, run % 2);
        near += at >= 45 && at <= 49;
    }
    if (near < 270) fail_msg("%u of 300 are near", near);
    assert_int_equal(detect_change_point(NULL, NULL, NULL, 0, true), 0);
}

/* Goal: what is no number is not unusual. */
static void test_no_numbers(void **state)
{
    (void)state;
    assert_true(detect_poisson_z(NAN, 3) == 0 && detect_poisson_z(3, NAN) == 0 && detect_poisson_z(-1, 3) == 0);
    assert_true(detect_poisson_z(INFINITY, 3) == 0 && detect_poisson_z(3, 0) == 0 &&
                detect_poisson_z(3, INFINITY) == 0);
    assert_true(detect_binomial_z(1, 0, 0.5) == 0 && detect_binomial_z(2, 1, 0.5) == 0 &&
                detect_binomial_z(1, 2, 0) == 0 && detect_binomial_z(1, 2, NAN) == 0);
    assert_true(detect_normal_tail(NAN) == 1 && detect_normal_tail(0) == 1);
    assert_true(detect_poisson_z(0, 100) < -13 && detect_binomial_z(10, 10, 0.1) > 5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tails_are_the_exact_ones),
        cmocka_unit_test(test_p_values_of_chance_are_uniform),
        cmocka_unit_test(test_false_discoveries),
        cmocka_unit_test(test_small_ones_are_enough),
        cmocka_unit_test(test_change_point),
        cmocka_unit_test(test_no_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
