/* From the sink to the log: a real log on disk, in the worker's place a list of what came. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/span.h"
#include "buffer/buffer.h"
#include "telemetry/telemetry.h"
#include "worker/otlp/inbound.h"

enum { TAKEN_MAX = 4096, WAIT_MS = 20000 };
static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };
static const struct uuid project = { { 4, 2 } };

struct fixture {
    char dir[64];
    struct buffer *buffer;
    struct telemetry *telemetry;
    struct log log; /* with the sink */
    atomic_uint_fast64_t pulls;
    pthread_mutex_t lock; /* guards the rest */
    struct inbound *taken[TAKEN_MAX];
    uint32_t taken_count;
    uint64_t logs, spans, points;
};

static void on_record(void *ctx, const struct buffer_record *record, void *request)
{
    struct fixture *fixture = ctx;
    const struct otlp_request *decoded = inbound_request(request);
    pthread_mutex_lock(&fixture->lock);
    assert_true(uuid_equal(record->project_id, project));
    assert_true(fixture->taken_count < TAKEN_MAX);
    fixture->taken[fixture->taken_count++] = request;
    fixture->logs += decoded->logs.count;
    fixture->spans += decoded->spans.count;
    fixture->points += decoded->points.count;
    pthread_mutex_unlock(&fixture->lock);
}

static void on_collect(void *ctx, struct metric_set *set)
{
    struct fixture *fixture = ctx;
    metric_add(set, METRIC_INGEST_REQUESTS, atomic_fetch_add(&fixture->pulls, 1), NULL);
    metric_add(set, METRIC_PROJECTS, 2, NULL);
}

static struct fixture *fixture_open(uint32_t interval_ms, uint64_t log_bytes_max)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/monoscope-telemetry-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    pthread_mutex_init(&fixture->lock, NULL);
    struct buffer_options buffer_options = { .dir = fixture->dir,
                                             .segment_bytes = 256 << 10,
                                             .disk_bytes_max = log_bytes_max,
                                             .pending_bytes_max = 16 << 20,
                                             .record_bytes_max = 300 << 10,
                                             .disk = &disk_real,
                                             .sink = { on_record, fixture },
                                             .log = &quiet };
    struct telemetry_options options = { .interval_ms = interval_ms,
                                         .version = "1",
                                         .is_kept = true,
                                         .collect = on_collect,
                                         .ctx = fixture,
                                         .log = &quiet };
    if (!buffer_open(&fixture->buffer, &buffer_options, &err) || !buffer_start(fixture->buffer, &err) ||
        !telemetry_open(&fixture->telemetry, &options, &err))
        fail_msg("%s", err.text);
    fixture->log = (struct log){ .fd = -1, .level_min = LOG_INFO, .sink = telemetry_sink(fixture->telemetry) };
    assert_non_null(fixture->log.sink);
    return fixture;
}

static void fixture_close(struct fixture *fixture)
{
    char command[100];
    telemetry_stop(fixture->telemetry);
    buffer_close(fixture->buffer);
    telemetry_close(fixture->telemetry);
    for (uint32_t i = 0; i < fixture->taken_count; i++) inbound_release(fixture->taken[i]);
    snprintf(command, sizeof command, "rm -rf %s", fixture->dir);
    assert_int_equal(system(command), 0);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture);
}

static bool wait_for(struct fixture *fixture, const uint64_t *count, uint64_t wanted)
{
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        pthread_mutex_lock(&fixture->lock);
        bool is_there = *count >= wanted;
        pthread_mutex_unlock(&fixture->lock);
        if (is_there) return true;
        clock_sleep_ms(5);
    }
    return false;
}

/* The value of a series in the Prometheus text; -1 when it is not there. */
static double shown(struct fixture *fixture, const char *series)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_true(telemetry_text(fixture->telemetry, &out));
    char *text = bytes_to_text(buf_bytes(&out)), *at = strstr(text, series);
    double value = at ? strtod(at + strlen(series), NULL) : -1;
    free(text);
    buf_deinit(&out);
    return value;
}

static void span_tell(struct fixture *fixture)
{
    struct span span;
    span_begin(&span, &fixture->log, NULL, SPAN_INTERNAL, "work");
    span_end(&span, &fixture->log, NULL, LOG_FIELDS());
}

/* Goal: what is told before and after the start comes into the log once, metrics with each interval, those that did not
 * change less often, and what is told last comes with the stop. Method: count what the log hands on. */
static void test_all_three_reach_the_log(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(20, 64 << 20);
    struct err err = { 0 };
    log_info(&fixture->log, "before.start", log_number("n", 1));
    span_tell(fixture);
    clock_sleep_ms(50);
    assert_int_equal(fixture->taken_count, 0); /* nothing runs yet */
    assert_true(telemetry_start(fixture->telemetry, fixture->buffer, project, &err));
    assert_true(wait_for(fixture, &fixture->logs, 1));
    assert_true(wait_for(fixture, &fixture->spans, 1));
    for (int i = 0; i < 100; i++) log_warn(&fixture->log, "many", log_number("i", i));
    log_debug(&fixture->log, "below.the.level");
    assert_true(wait_for(fixture, &fixture->logs, 101));
    pthread_mutex_lock(&fixture->lock);
    uint64_t points = fixture->points, pulls = atomic_load(&fixture->pulls);
    pthread_mutex_unlock(&fixture->lock);
    assert_true(wait_for(fixture, &fixture->points, points + 20));
    pthread_mutex_lock(&fixture->lock);
    uint64_t per_pull_most =
        2 + 8; /* of some 15 series those that change: requests, uptime, CPU, memory, own records */
    assert_true(fixture->points - points <= (atomic_load(&fixture->pulls) - pulls + 1) * per_pull_most);
    pthread_mutex_unlock(&fixture->lock);
    assert_true(shown(fixture, "monoscope_telemetry_records_total{signal=\"logs\"} ") == 101);
    assert_true(shown(fixture, "monoscope_telemetry_dropped_total{target=\"project\",signal=\"logs\"} ") == 0);
    assert_true(shown(fixture, "\nmonoscope_projects ") == 2);

    log_info(&fixture->log, "the.last");
    span_tell(fixture);
    telemetry_stop(fixture->telemetry);
    assert_true(wait_for(fixture, &fixture->logs, 102));
    assert_true(wait_for(fixture, &fixture->spans, 2));
    log_info(&fixture->log, "after.the.stop");
    fixture_close(fixture);
}

/* Goal: more than there is room for is dropped and counted, whole records stay, nobody waits. Method: tell twice what fits
 * before anything is delivered. */
static void test_too_much_is_dropped_and_counted(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(20, 64 << 20);
    struct err err = { 0 };
    char text[1001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 500; i++) log_info(&fixture->log, "big", log_text("t", text));
    double dropped = shown(fixture, "monoscope_telemetry_dropped_total{target=\"project\",signal=\"logs\"} ");
    assert_true(dropped > 200 && dropped < 300);
    assert_true(telemetry_start(fixture->telemetry, fixture->buffer, project, &err));
    assert_true(wait_for(fixture, &fixture->logs, 500 - (uint64_t)dropped));
    log_info(&fixture->log, "there.is.room.again");
    assert_true(wait_for(fixture, &fixture->logs, 501 - (uint64_t)dropped));
    fixture_close(fixture);
}

/* Goal: a log that takes nothing loses no events: they wait, and come when there is room. Method: a log of at most 1 MiB,
 * told so much that for a while nothing comes out of it any more; then released. */
static void test_a_full_log_delays(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(20, 1 << 20);
    struct err err = { 0 };
    char text[1001];
    uint64_t told = 0, stored = 0;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_true(telemetry_start(fixture->telemetry, fixture->buffer, project, &err));
    while (stored == told) {
        for (int i = 0; i < 50; i++, told++) log_info(&fixture->log, "big", log_text("t", text));
        assert_true(told < 2000);
        for (int ms = 0; ms < 300 && stored < told; ms += 5) {
            clock_sleep_ms(5);
            pthread_mutex_lock(&fixture->lock);
            stored = fixture->logs;
            pthread_mutex_unlock(&fixture->lock);
        }
    }
    for (int ms = 0; ms < WAIT_MS; ms += 20) {
        pthread_mutex_lock(&fixture->lock);
        bool is_done = fixture->logs == told;
        pthread_mutex_unlock(&fixture->lock);
        if (is_done) break;
        assert_true(buffer_release(fixture->buffer, buffer_position_last(fixture->buffer), &err));
        clock_sleep_ms(20);
    }
    assert_true(wait_for(fixture, &fixture->logs, told));
    assert_true(shown(fixture, "monoscope_telemetry_dropped_total{target=\"project\",signal=\"logs\"} ") == 0);
    fixture_close(fixture);
}

enum { THREADS = 4, TELLS = 300 };
static void *tell_many(void *ctx)
{
    struct fixture *fixture = ctx;
    for (int i = 0; i < TELLS; i++) {
        log_info(&fixture->log, "from.a.thread", log_number("i", i));
        span_tell(fixture);
        if (i % 50 == 0) shown(fixture, "nothing");
    }
    return NULL;
}

/* Goal: nothing is lost or torn among threads. Method: four tell and scrape while it is delivered and while it stops. */
static void test_many_threads(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_open(5, 64 << 20);
    struct err err = { 0 };
    pthread_t threads[THREADS];
    assert_true(telemetry_start(fixture->telemetry, fixture->buffer, project, &err));
    for (int t = 0; t < THREADS; t++) assert_int_equal(pthread_create(&threads[t], NULL, tell_many, fixture), 0);
    for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    telemetry_stop(fixture->telemetry);
    assert_true(wait_for(fixture, &fixture->logs, THREADS * TELLS));
    assert_true(wait_for(fixture, &fixture->spans, THREADS * TELLS));
    pthread_mutex_lock(&fixture->lock); /* own metrics may still be on their way */
    uint64_t logs = fixture->logs, spans = fixture->spans;
    pthread_mutex_unlock(&fixture->lock);
    assert_int_equal(logs, THREADS * TELLS);
    assert_int_equal(spans, THREADS * TELLS);
    fixture_close(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_three_reach_the_log),
        cmocka_unit_test(test_too_much_is_dropped_and_counted),
        cmocka_unit_test(test_a_full_log_delays),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
