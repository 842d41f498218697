#include "telemetry/lines.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Goal: each point becomes one line of five fields, whatever its attributes hold. */
static void test_lines(void **state)
{
    (void)state;
    struct metric_set set;
    struct buf out;
    struct histogram_counts counts = { .count = 3, .sum_s = 0.25 };
    metric_set_init(&set);
    metric_add(&set, METRIC_PROJECTS, 2, NULL);
    metric_add(&set, METRIC_DELTA_FILES, 9, METRIC_ATTRIBUTES({ "table", "a|b\nc" }));
    metric_add_number(&set, METRIC_PROCESS_UPTIME, 1.5, NULL);
    metric_add_histogram(&set, METRIC_FLUSH_DURATION, &counts);
    buf_init(&out, 4096);
    assert_true(lines_write(&set, &out) && buf_add(&out, "", 1));
    assert_string_equal((char *)out.ptr, "process|uptime|1.5|s|since the start\n"
                                         "flush|duration.count|3|1|one flush into the tables\n"
                                         "flush|duration.sum|0.25|s|one flush into the tables\n"
                                         "delta|files{table=a b c}|9|{file}|live files of a table\n"
                                         "projects|count|2|{project}|projects there are\n");
    buf_deinit(&out);
    buf_init(&out, 20);
    assert_false(lines_write(&set, &out));
    buf_deinit(&out);
    metric_set_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
