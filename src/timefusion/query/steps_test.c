#include "timefusion/query/query_fixture.h"
#include "timefusion/query/steps.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t chance = 20261128;
static uint64_t draw(void)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return chance >> 11;
}

/* Goal: a step's value lies in it and is off by at most 1/128; steps are in order, without a hole.
 * Method: every number up to a million, and numbers of every length. */
static void test_steps(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (int64_t value = 0; value < 1000000; value++) {
        uint32_t step = step_of(value);
        assert_true(step == before || step == before + 1);
        before = step;
    }
    for (int i = 0; i < 1000000; i++) {
        int64_t value = (int64_t)(draw() << 10 >> (draw() % 63)) & INT64_MAX;
        uint32_t step = step_of(value);
        int64_t middle = step_value(step);
        assert_true(step < STEPS_MAX);
        assert_int_equal(step_of(middle), step);
        assert_true(fabs((double)middle - (double)value) <= (double)value / 128);
        if (value < 128) assert_int_equal(middle, value);
        int64_t low = step_coarse(value);
        assert_int_equal(step_coarse(middle), low); /* of a step all are in one */
        assert_true(low <= value && (value - low) * 8 <= low + (value < 16));
    }
    assert_int_equal(step_of(-1), 0);
    assert_int_equal(step_of(INT64_MIN), 0);
    assert_true(step_of(INT64_MAX) < STEPS_MAX);
    assert_true(step_value(step_of(INT64_MAX)) > 0);
}

/* Goal: approx_percentile of durations is within 1/128 of percentile_cont, for groups of any size, whole files and filters; none of none.
 * Method: the fixture's rows by many keys, asked both ways. */
static void test_percentiles(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = { "kind || level", "name", "kind", "id",
                                        "(extract(epoch from timestamp))::bigint / 100" };
    static const char *const shares[] = { "0", "0.05", "0.5", "0.95", "0.99", "1" };
    struct buf out;
    buf_init(&out, 4u << 20);
    for (size_t k = 0; k < COUNT_OF(keys); k++)
        for (size_t s = 0; s < COUNT_OF(shares); s++) {
            char sql[1000];
            snprintf(sql, sizeof sql,
                     "SELECT count(*), count(*) FILTER (WHERE (a IS NULL) <> (e IS NULL) OR abs(a - e) > e / 128 + "
                     "0.5), count(a) "
                     "FROM (SELECT approx_percentile(%s, percentile_agg(duration)) FILTER (WHERE kind <> 'log') AS a, "
                     "percentile_cont(%s) WITHIN GROUP (ORDER BY duration) FILTER (WHERE kind <> 'log') AS e "
                     "FROM otel_logs_and_spans GROUP BY %s) x",
                     shares[s], shares[s], keys[k]);
            fixture_must(fixture->session, sql, &out, NULL);
            uint64_t groups = 0, wrong = 1, with = 0;
            assert_int_equal(sscanf((const char *)out.ptr, "%" SCNu64 "|%" SCNu64 "|%" SCNu64, &groups, &wrong, &with),
                             3);
            if (wrong > 0 || with == 0) fail_msg("%s: %s", sql, out.ptr);
        }
    fixture_must(fixture->session,
                 "SELECT approx_percentile(0.5, percentile_agg(duration)) FROM otel_logs_and_spans WHERE false", &out,
                 NULL);
    assert_string_equal((const char *)out.ptr, "NULL\n");
    buf_deinit(&out);
}

/* Goal: over a window it is exact. Method: against percentile_cont by the same groups, for windows that are the same for all rows and that move. */
static void test_windows(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    buf_init(&out, 4u << 20);
    fixture_must(fixture->session,
                 "SELECT count(*) > 0, count(*) FILTER (WHERE w IS DISTINCT FROM e) FROM (SELECT DISTINCT kind, "
                 "approx_percentile(0.9, percentile_agg(duration)) OVER (PARTITION BY kind) AS w FROM "
                 "otel_logs_and_spans) a JOIN (SELECT kind, percentile_cont(0.9) WITHIN GROUP (ORDER BY duration) AS e "
                 "FROM otel_logs_and_spans GROUP BY kind) b USING (kind)",
                 &out, NULL);
    assert_string_equal((const char *)out.ptr, "t|0\n");
    fixture_must(fixture->session,
                 "SELECT count(*) FILTER (WHERE w <> (n - 1) * 500.0) FROM (SELECT n, approx_percentile(0.5, "
                 "percentile_agg(duration)) OVER (ORDER BY n) AS w FROM (SELECT row_number() OVER (ORDER BY timestamp) "
                 "AS n, (row_number() OVER (ORDER BY timestamp) - 1) * 1000 AS duration FROM otel_logs_and_spans) x) y",
                 &out, NULL);
    assert_string_equal((const char *)out.ptr, "0\n");
    buf_deinit(&out);
}

/* Goal: the percentiles of a select are counted once, wherever they stand in it. */
static void test_counted_once(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    buf_init(&out, 4u << 20);
    fixture_must(fixture->session,
                 "EXPLAIN SELECT kind, approx_percentile(0.9, percentile_agg(duration)), "
                 "ARRAY[approx_percentile(0.5, percentile_agg(duration)), approx_percentile(0.99, "
                 "percentile_agg(duration))], coalesce(approx_percentile(0.95, percentile_agg(duration)), 0) "
                 "FROM otel_logs_and_spans GROUP BY 1",
                 &out, NULL);
    const char *first = strstr((const char *)out.ptr, "mono_percentiles(");
    assert_non_null(first);
    if (strstr(first + 1, "mono_percentiles(")) fail_msg("counted more than once: %s", (const char *)out.ptr);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test_setup_teardown(test_percentiles, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_windows, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_counted_once, fixture_setup, fixture_teardown)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
