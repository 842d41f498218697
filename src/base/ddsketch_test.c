#include "base/ddsketch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Goal: every number has the bucket whose value is within 1% of it, and buckets rise with numbers.
 * Method: all small numbers, then both sides of the bounds of every bucket, and the ends of the range. */
static void check_one(uint64_t ns)
{
    double value = ddsketch_value(ddsketch_bucket(ns));
    if (fabs(value - (double)ns) > 0.0100001 * (double)ns)
        fail_msg("%llu is told as %f", (unsigned long long)ns, value);
}

static void test_within_one_percent(void **state)
{
    (void)state;
    assert_int_equal(ddsketch_bucket(0), -1);
    assert_true(ddsketch_value(-1) == 0);
    assert_int_equal(ddsketch_bucket(1), 0);
    int32_t before = -1;
    for (uint64_t ns = 1; ns < 2000000; ns++) {
        int32_t bucket = ddsketch_bucket(ns);
        assert_true(bucket >= before);
        before = bucket;
        check_one(ns);
    }
    for (int32_t bucket = 600; bucket < DDSKETCH_BUCKET_MAX - 1; bucket++) {
        uint64_t upper = (uint64_t)expl(logl(1.01L / 0.99L) * bucket);
        assert_int_equal(ddsketch_bucket(upper), bucket);
        assert_int_equal(ddsketch_bucket(upper + 1), bucket + 1);
        check_one(upper);
        check_one(upper + 1);
    }
    check_one(INT64_MAX);
    assert_int_equal(ddsketch_bucket(INT64_MAX), DDSKETCH_BUCKET_MAX);
    assert_int_equal(ddsketch_bucket(UINT64_MAX), DDSKETCH_BUCKET_MAX);
}

static int numbers_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Goal: quantiles of a merged sketch are within 1% of those of all values sorted.
 * Method: values over seven orders of magnitude, in two halves whose counts are added. */
static void test_quantiles(void **state)
{
    enum { VALUES = 100000 };
    (void)state;
    uint64_t *values = calloc(VALUES, sizeof *values), random = 88172645463325252u;
    struct ddsketch_count *counts = calloc(DDSKETCH_BUCKET_MAX + 2, sizeof *counts);
    for (int32_t b = 0; b < DDSKETCH_BUCKET_MAX + 2; b++) counts[b].bucket = b - 1;
    for (int v = 0; v < VALUES; v++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        values[v] = (uint64_t)exp(7 + 16 * (double)(random >> 11) / 9007199254740992.0);
        counts[ddsketch_bucket(values[v]) + 1].count++;
    }
    qsort(values, VALUES, sizeof *values, numbers_compare);
    const double qs[] = { 0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };
    for (size_t i = 0; i < sizeof qs / sizeof *qs; i++) {
        double exact = (double)values[(size_t)(qs[i] * (VALUES - 1))];
        double told = ddsketch_quantile(counts, DDSKETCH_BUCKET_MAX + 2, qs[i]);
        if (fabs(told - exact) > 0.0100001 * exact) fail_msg("p%g is %f, not %f", qs[i] * 100, told, exact);
    }
    assert_true(isnan(ddsketch_quantile(counts, 0, 0.5)));
    struct ddsketch_count none[] = { { 5, 0 }, { 7, -3 } };
    assert_true(isnan(ddsketch_quantile(none, 2, 0.5)));
    free(counts);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_within_one_percent), cmocka_unit_test(test_quantiles) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
