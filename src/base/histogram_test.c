/* How long things take, and what the log's sink hears: events and spans. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/histogram.h"
#include "base/span.h"

/* Goal: every time is counted in the bucket whose upper bound it does not pass, the sum is exact. Method: each bound, one
 * nanosecond less and one more. */
static void test_buckets_have_inclusive_upper_bounds(void **state)
{
    (void)state;
    struct histogram histogram = { 0 };
    struct histogram_counts counts;
    uint64_t sum_ns = 0;
    for (uint32_t b = 0; b < HISTOGRAM_BOUNDS; b++) {
        uint64_t bound_ns = (uint64_t)(histogram_bounds_s[b] * 1e9 + 0.5);
        for (uint64_t ns = bound_ns - 1; ns <= bound_ns + 1; ns++) {
            histogram_add_ns(&histogram, ns);
            sum_ns += ns;
        }
    }
    histogram_read(&histogram, &counts);
    assert_int_equal(counts.counts[0], 2);
    for (uint32_t b = 1; b < HISTOGRAM_BOUNDS; b++) assert_int_equal(counts.counts[b], 3);
    assert_int_equal(counts.counts[HISTOGRAM_BOUNDS], 1);
    assert_int_equal(counts.count, 3 * HISTOGRAM_BOUNDS);
    assert_true(counts.sum_s == (double)sum_ns / 1e9);
}

enum { THREADS = 4, ADDS = 20000 };

static void *add_many(void *histogram)
{
    for (uint64_t i = 0; i < ADDS; i++) histogram_add_ns(histogram, i * 1000000 % 5000000000);
    return NULL;
}

/* Goal: nothing is lost among threads. Method: four add the same, the counts are four times one's. */
static void test_threads_add_without_loss(void **state)
{
    (void)state;
    struct histogram shared = { 0 }, alone = { 0 };
    struct histogram_counts of_shared, of_alone;
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, add_many, &shared), 0);
    for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    add_many(&alone);
    histogram_read(&shared, &of_shared);
    histogram_read(&alone, &of_alone);
    for (uint32_t b = 0; b <= HISTOGRAM_BOUNDS; b++)
        assert_int_equal(of_shared.counts[b], THREADS * of_alone.counts[b]);
    assert_int_equal(of_shared.count, THREADS * ADDS);
}

struct heard {
    int events, spans;
    char event[64], failure[16];
    struct span span;
    int64_t number;
};

static void hear_event(void *ctx, enum log_level level, const char *event, const struct log_field *fields)
{
    struct heard *heard = ctx;
    assert_int_equal(level, LOG_WARN);
    assert_string_equal(fields[0].key, "n");
    heard->events++;
    heard->number = fields[0].number;
    strncpy(heard->event, event, sizeof heard->event - 1);
}

static void hear_span(void *ctx, const struct span *span, uint64_t duration_ns, const char *failure,
                      const struct log_field *fields)
{
    struct heard *heard = ctx;
    assert_true(duration_ns < 60000000000);
    heard->spans++;
    heard->span = *span;
    heard->number = fields[0].number;
    strncpy(heard->failure, failure ? failure : "", sizeof heard->failure - 1);
}

/* Goal: a sink hears what is logged at the level and above, and spans with their place in the trace; a log without a sink
 * costs a span nothing. Method: a sink that keeps the last of each. */
static void test_a_sink_hears_events_and_spans(void **state)
{
    (void)state;
    struct heard heard = { 0 };
    struct log_sink sink = { .event = hear_event, .span = hear_span, .ctx = &heard };
    struct log log = { .fd = -1, .level_min = LOG_WARN, .sink = &sink };
    struct log deaf = { .fd = -1, .level_min = LOG_WARN };
    struct span root, child, nothing;

    log_info(&log, "not.told", log_number("n", 1));
    assert_int_equal(heard.events, 0);
    log_warn(&log, "told", log_number("n", 2));
    assert_int_equal(heard.events, 1);
    assert_string_equal(heard.event, "told");
    assert_int_equal(heard.number, 2);

    span_begin(&root, &log, NULL, SPAN_SERVER, "root");
    span_begin(&child, &log, &root, SPAN_INTERNAL, "child");
    span_end(&child, &log, "ERR_IO", LOG_FIELDS(log_number("n", 7)));
    assert_int_equal(heard.spans, 1);
    assert_string_equal(heard.failure, "ERR_IO");
    assert_int_equal(heard.number, 7);
    assert_true(uuid_equal(heard.span.trace_id, root.trace_id));
    assert_true(heard.span.parent_id == root.id && heard.span.id != root.id && root.id != 0 && root.parent_id == 0);
    span_end(&root, &log, NULL, LOG_FIELDS());
    assert_int_equal(heard.spans, 2);
    assert_string_equal(heard.failure, "");

    span_begin(&nothing, &deaf, NULL, SPAN_INTERNAL, "nothing");
    assert_null(nothing.name);
    span_end(&nothing, &log, NULL, LOG_FIELDS());
    span_begin(&nothing, NULL, &root, SPAN_INTERNAL, "nothing");
    span_end(&nothing, &log, NULL, LOG_FIELDS());
    assert_int_equal(heard.spans, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_have_inclusive_upper_bounds),
        cmocka_unit_test(test_threads_add_without_loss),
        cmocka_unit_test(test_a_sink_hears_events_and_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
