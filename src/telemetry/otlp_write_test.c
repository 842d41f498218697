/* What the process writes of itself, read by the reader that senders meet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "telemetry/otlp_write.h"
#include "worker/otlp/otlp.h"

struct fixture {
    struct buf records, request;
    struct otlp_request decoded;
};

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    buf_init(&fixture->records, 1 << 20);
    buf_init(&fixture->request, 1 << 20);
    otlp_request_init(&fixture->decoded);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    otlp_request_deinit(&fixture->decoded);
    buf_deinit(&fixture->records);
    buf_deinit(&fixture->request);
    free(fixture);
    return 0;
}

static struct otlp_request *decoded(struct fixture *fixture, enum otlp_signal signal)
{
    struct otlp_writer writer = { .out = &fixture->request };
    struct err err = { 0 };
    otlp_write_request(&writer, METRIC_ATTRIBUTES({ "service.name", "monoscope" }, { "service.version", "1" }),
                       buf_bytes(&fixture->records));
    assert_false(writer.is_full);
    if (!otlp_decode(&fixture->decoded, signal, buf_bytes(&fixture->request), clock_unix_us(), &otlp_limits_default,
                     &err))
        fail_msg("%s", err.text);
    assert_int_equal(fixture->decoded.rejected_count, 0);
    assert_int_equal(fixture->decoded.resources.count, 1);
    assert_int_equal(fixture->decoded.resources.at[0].attributes.count, 2);
    assert_int_equal(fixture->decoded.scopes.count, 1);
    assert_true(bytes_equal(fixture->decoded.scopes.at[0].name, BYTES("monoscope")));
    return &fixture->decoded;
}

static void assert_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.ptr, text, bytes.len);
}

/* Goal: events arrive whole, whatever bytes are in their fields. Method: texts that are long, empty, not UTF-8. */
static void test_logs(void **state)
{
    struct fixture *fixture = *state;
    struct otlp_writer writer = { .out = &fixture->records };
    uint64_t now_ns = clock_unix_ns();
    char long_text[9001];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    memcpy(long_text + 4095, "\xC3\xA9", 2); /* a character across the cut */
    otlp_write_log(&writer, now_ns, LOG_WARN, "wal.full",
                   LOG_FIELDS(log_text("err", "a\xFF\xC3\xA9"), log_number("n", -5), log_text("empty", ""),
                              log_text("long", long_text)));
    otlp_write_log(&writer, now_ns + 1, LOG_ERROR, "b", LOG_FIELDS());
    assert_false(writer.is_full);
    struct otlp_request *request = decoded(fixture, OTLP_LOGS);
    assert_int_equal(request->logs.count, 2);
    const struct otlp_log *log = &request->logs.at[0];
    assert_true(log->time_unix_ns == now_ns && log->observed_unix_ns == now_ns);
    assert_int_equal(log->severity_number, 13);
    assert_text(log->severity_text, "WARN");
    assert_text(log->event_name, "wal.full");
    assert_text(log->body.bytes, "wal.full");
    assert_int_equal(log->attributes.count, 4);
    const struct otlp_attribute *attributes = &request->attributes.at[log->attributes.first];
    assert_text(attributes[0].key, "err");
    assert_text(attributes[0].value.bytes, "a???");
    assert_int_equal(attributes[1].value.integer, -5);
    assert_int_equal(attributes[2].value.bytes.len, 0);
    assert_int_equal(attributes[3].value.bytes.len, 4095);
    assert_int_equal(request->logs.at[1].severity_number, 17);
}

/* Goal: a trace keeps its shape, a failure is a status and error.type. Method: a root and a child that failed. */
static void test_spans(void **state)
{
    struct fixture *fixture = *state;
    struct otlp_writer writer = { .out = &fixture->records };
    struct span root = {
        .name = "flush", .kind = SPAN_INTERNAL, .trace_id = { { 1, 2, 3 } }, .id = 11, .begin_unix_ns = clock_unix_ns()
    };
    struct span child = root;
    child.name = "SELECT";
    child.kind = SPAN_SERVER;
    child.parent_id = root.id;
    child.id = 12;
    otlp_write_span(&writer, &child, 5000, "42P01", LOG_FIELDS(log_number("rows", 3)));
    otlp_write_span(&writer, &root, 9000, NULL, LOG_FIELDS());
    struct otlp_request *request = decoded(fixture, OTLP_TRACES);
    assert_int_equal(request->spans.count, 2);
    const struct otlp_span *first = &request->spans.at[0], *second = &request->spans.at[1];
    assert_memory_equal(first->trace_id.ptr, root.trace_id.bytes, 16);
    assert_true(bytes_equal(first->trace_id, second->trace_id));
    assert_true(bytes_equal(first->parent_span_id, second->span_id));
    assert_int_equal(second->parent_span_id.len, 0);
    assert_text(first->name, "SELECT");
    assert_int_equal(first->kind, 2);
    assert_int_equal(first->end_unix_ns - first->start_unix_ns, 5000);
    assert_int_equal(first->status_code, 2);
    assert_int_equal(second->status_code, 0);
    assert_int_equal(first->attributes.count, 2);
    const struct otlp_attribute *attributes = &request->attributes.at[first->attributes.first];
    assert_text(attributes[1].key, "error.type");
    assert_text(attributes[1].value.bytes, "42P01");
}

/* Goal: each kind arrives as what it is, with start, temporality and attributes; skipped points do not, nor families of
 * which nothing is left. Method: one of each kind. */
static void test_metrics(void **state)
{
    struct fixture *fixture = *state;
    struct otlp_writer writer = { .out = &fixture->records };
    struct metric_set set;
    struct histogram histogram = { 0 };
    struct histogram_counts counts;
    uint64_t now_ns = clock_unix_ns();
    histogram_add_ns(&histogram, 3000000);
    histogram_add_ns(&histogram, 90000000000);
    histogram_read(&histogram, &counts);
    metric_set_init(&set);
    metric_add(&set, METRIC_INGEST_RECORDS, 7, METRIC_ATTRIBUTES({ "project", "shop" }, { "signal", "logs" }));
    metric_add(&set, METRIC_INGEST_RECORDS, 8, METRIC_ATTRIBUTES({ "project", "idle" }));
    set.last[METRIC_INGEST_RECORDS]->is_skipped = true;
    metric_add_number(&set, METRIC_PROCESS_UPTIME, 1.5, NULL);
    metric_add(&set, METRIC_PROCESS_MEMORY_USAGE, 4096, NULL);
    metric_add(&set, METRIC_PROJECTS, 2, NULL);
    set.first[METRIC_PROJECTS]->is_skipped = true;
    metric_add_histogram(&set, METRIC_SQL_DURATION, &counts);
    otlp_write_metrics(&writer, &set, now_ns - 1000, now_ns);
    metric_set_deinit(&set);
    struct otlp_request *request = decoded(fixture, OTLP_METRICS);
    assert_int_equal(request->points.count, 4);
    for (uint32_t p = 0; p < request->points.count; p++) {
        const struct otlp_point *point = &request->points.at[p];
        const struct otlp_metric *metric = &request->metrics.at[point->metric];
        assert_true(point->time_unix_ns == now_ns);
        assert_true(point->start_unix_ns == (metric->type == OTLP_GAUGE ? 0 : now_ns - 1000));
        assert_int_equal(metric->aggregation_temporality, metric->type == OTLP_GAUGE ? 0 : 2);
        if (bytes_equal(metric->name, BYTES("monoscope.ingest.records"))) {
            assert_true(metric->type == OTLP_SUM && metric->is_monotonic && point->integer == 7);
            assert_int_equal(point->attributes.count, 2);
            assert_text(metric->unit, "{record}");
        } else if (bytes_equal(metric->name, BYTES("process.uptime"))) {
            assert_true(metric->type == OTLP_GAUGE && !point->is_integer && point->number == 1.5);
        } else if (bytes_equal(metric->name, BYTES("process.memory.usage"))) {
            assert_true(metric->type == OTLP_SUM && !metric->is_monotonic && point->integer == 4096);
        } else {
            assert_text(metric->name, "monoscope.sql.duration");
            assert_int_equal(metric->type, OTLP_HISTOGRAM);
            assert_int_equal(point->count, 2);
            assert_true(point->has_sum && point->sum == 90.003);
            assert_int_equal(point->bounds.count, HISTOGRAM_BOUNDS);
            assert_int_equal(point->bucket_counts.count, HISTOGRAM_BOUNDS + 1);
            assert_int_equal(request->counts.at[point->bucket_counts.first + 3], 1);
            assert_int_equal(request->counts.at[point->bucket_counts.first + HISTOGRAM_BOUNDS], 1);
        }
    }
}

/* Goal: a buffer that is too small says so, at whatever byte, and is never overrun. Method: every size. */
static void test_full(void **state)
{
    (void)state;
    struct span span = { .name = "x", .kind = SPAN_INTERNAL, .id = 1 };
    size_t whole = 0;
    for (size_t bytes_max = 0; whole == 0; bytes_max++) {
        struct buf small;
        buf_init(&small, bytes_max);
        struct otlp_writer writer = { .out = &small };
        otlp_write_log(&writer, 1, LOG_INFO, "some.event", LOG_FIELDS(log_text("a", "b"), log_number("c", 300)));
        otlp_write_span(&writer, &span, 1, "ERR_IO", LOG_FIELDS(log_text("a", "b")));
        assert_true(small.len <= bytes_max);
        if (!writer.is_full) whole = bytes_max;
        buf_deinit(&small);
        assert_true(bytes_max < 1000);
    }
    assert_true(whole > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_logs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spans, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics, setup, teardown),
        cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
