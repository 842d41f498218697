/* The list of metrics, as Prometheus text and as what changed since the last pull. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "telemetry/process.h"
#include "telemetry/prometheus.h"

/* Goal: every metric has words, a unit, and a name of its own on both sides. Method: the whole list, by pairs. */
static void test_the_list_is_whole(void **state)
{
    (void)state;
    char name[PROMETHEUS_NAME_BYTES], other[PROMETHEUS_NAME_BYTES];
    for (uint32_t id = 0; id < METRIC_COUNT; id++) {
        const struct metric_family *family = &metric_families[id];
        assert_true(family->name[0] && family->unit[0] && family->description[0]);
        prometheus_name(family, name);
        for (uint32_t before = 0; before < id; before++) {
            prometheus_name(&metric_families[before], other);
            assert_string_not_equal(name, other);
        }
    }
}

/* Goal: names follow OpenTelemetry's rules for Prometheus. Method: a table of both. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        struct metric_family family;
        const char *name;
    } rows[] = {
        { { METRIC_COUNTER, "monoscope.ingest.requests", "{request}", "" }, "monoscope_ingest_requests_total" },
        { { METRIC_COUNTER, "process.cpu.time", "s", "" }, "process_cpu_time_seconds_total" },
        { { METRIC_GAUGE, "a.b", "By", "" }, "a_b_bytes" },
        { { METRIC_GAUGE, "a.bytes", "By", "" }, "a_bytes" },
        { { METRIC_GAUGE, "a.hit", "1", "" }, "a_hit_ratio" },
        { { METRIC_UPDOWN, "a.hit", "1", "" }, "a_hit" },
        { { METRIC_HISTOGRAM, "http.server.request.duration", "s", "" }, "http_server_request_duration_seconds" },
        { { METRIC_GAUGE, "9 a--b/\xC3\xA9.c", "{x}", "" }, "_9_a_b_c" },
    };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        char name[PROMETHEUS_NAME_BYTES];
        prometheus_name(&rows[r].family, name);
        assert_string_equal(name, rows[r].name);
    }
}

static char *text_of(const struct metric_set *set, const struct metric_attribute *resource)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_true(prometheus_write(set, resource, &out));
    char *text = bytes_to_text(buf_bytes(&out));
    buf_deinit(&out);
    return text;
}

/* Goal: series of a family stand together under one head, labels cannot break out of their quotes, buckets add up.
 * Method: a set filled out of order, with every character that is escaped. */
static void test_text(void **state)
{
    (void)state;
    struct metric_set set;
    struct histogram histogram = { 0 };
    struct histogram_counts counts;
    metric_set_init(&set);
    metric_add(&set, METRIC_INGEST_RECORDS, 7, METRIC_ATTRIBUTES({ "project", "a\"b\\c\nd" }, { "signal", "logs" }));
    metric_add_number(&set, METRIC_PROCESS_UPTIME, 0.25, NULL);
    metric_add(&set, METRIC_INGEST_RECORDS, UINT64_MAX, METRIC_ATTRIBUTES({ "project", "x" }));
    histogram_add_ns(&histogram, 400000);
    histogram_add_ns(&histogram, 2000000);
    histogram_add_ns(&histogram, 100000000000);
    histogram_read(&histogram, &counts);
    metric_add_histogram(&set, METRIC_SQL_DURATION, &counts);
    char *text = text_of(&set, METRIC_ATTRIBUTES({ "service.name", "m" }));
    assert_non_null(strstr(text, "# TYPE target_info gauge\ntarget_info{service_name=\"m\"} 1\n"));
    assert_non_null(strstr(text, "# TYPE monoscope_ingest_records_total counter\n"
                                 "monoscope_ingest_records_total{project=\"a\\\"b\\\\c\\nd\",signal=\"logs\"} 7\n"
                                 "monoscope_ingest_records_total{project=\"x\"} 18446744073709551615\n"));
    assert_non_null(strstr(text, "\nprocess_uptime_seconds 0.25\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.001\"} 1\n"));
    assert_non_null(strstr(text, "_bucket{le=\"0.0025\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{le=\"60\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{le=\"+Inf\"} 3\nmonoscope_sql_duration_seconds_sum 100.0024\n"
                                 "monoscope_sql_duration_seconds_count 3\n"));
    free(text);

    struct buf small; /* a text that does not fit is none, wherever it ends */
    for (size_t bytes_max = 0; bytes_max < 1500; bytes_max += 13) {
        buf_init(&small, bytes_max);
        assert_false(prometheus_write(&set, METRIC_ATTRIBUTES({ "service.name", "m" }), &small));
        buf_deinit(&small);
    }
    metric_set_deinit(&set);
}

static void pull(struct metric_set *set, uint64_t requests, const char *project, uint64_t answers)
{
    struct histogram_counts counts = { .count = answers };
    metric_set_init(set);
    metric_add(set, METRIC_INGEST_REQUESTS, requests, NULL);
    metric_add(set, METRIC_INGEST_RECORDS, 5, METRIC_ATTRIBUTES({ "project", project }));
    metric_add_number(set, METRIC_PROCESS_UPTIME, (double)requests, NULL);
    metric_add_histogram(set, METRIC_SQL_DURATION, &counts);
}

/* Goal: what did not change is skipped, what did is not. Method: change one thing at a time. */
static void test_skip_same(void **state)
{
    (void)state;
    static const struct {
        uint64_t requests;
        const char *project;
        uint64_t answers;
        uint32_t left;
    } pulls[] = { { 1, "a", 1, 0 }, { 2, "a", 1, 2 }, { 1, "b", 1, 1 }, { 1, "a", 2, 1 }, { 2, "b", 2, 4 } };
    for (size_t p = 0; p < COUNT_OF(pulls); p++) {
        struct metric_set before, now;
        pull(&before, 1, "a", 1);
        pull(&now, pulls[p].requests, pulls[p].project, pulls[p].answers);
        assert_int_equal(metric_set_skip_same(&now, &before), pulls[p].left);
        metric_set_deinit(&before);
        metric_set_init(&before);
        assert_int_equal(metric_set_skip_same(&now, &before), 4); /* the first pull has nothing before it */
        metric_set_deinit(&before);
        metric_set_deinit(&now);
    }
}

/* Goal: the kernel's figures of this process are there and plausible. Method: ask, hold more, ask again. */
static void test_process(void **state)
{
    (void)state;
    struct metric_set set;
    metric_set_init(&set);
    process_collect(&set, 0);
    assert_true(set.first[METRIC_PROCESS_MEMORY_USAGE]->integer > 100000);
    assert_true(set.first[METRIC_PROCESS_MEMORY_ANONYMOUS]->integer <= set.first[METRIC_PROCESS_MEMORY_USAGE]->integer);
    assert_int_equal(set.first[METRIC_PROCESS_THREADS]->integer, 1);
    assert_true(set.first[METRIC_PROCESS_CPU_TIME]->number >= 0);
    assert_non_null(set.first[METRIC_PROCESS_CPU_TIME]->next);
    assert_true(set.first[METRIC_PROCESS_UPTIME]->number > 0);
    uint64_t files = set.first[METRIC_PROCESS_FILES]->integer;
    metric_set_deinit(&set);
    FILE *one_more = fopen("/dev/null", "r");
    metric_set_init(&set);
    process_collect(&set, 0);
    assert_int_equal(set.first[METRIC_PROCESS_FILES]->integer, files + 1);
    metric_set_deinit(&set);
    fclose(one_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_list_is_whole), cmocka_unit_test(test_names),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_skip_same),         cmocka_unit_test(test_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
