/* The second target: a real HTTP server that answers as it is told. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/http_fixture.h"
#include "telemetry/export.h"

enum { WAIT_MS = 20000, STATUSES_MAX = 8 };
static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct fixture {
    struct http_fixture server;
    char endpoint[64];
    pthread_mutex_t lock;           /* guards the rest */
    int statuses[STATUSES_MAX + 1]; /* of the next answers; 0: 200 from here on */
    uint32_t calls, taken[3];       /* by path */
    uint8_t last;                   /* first byte of the last body taken */
    char kind[64], team[64];
};

static void on_request(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    static const struct bytes paths[] = { { (const uint8_t *)"/x/v1/logs", 10 },
                                          { (const uint8_t *)"/x/v1/traces", 12 },
                                          { (const uint8_t *)"/x/v1/metrics", 13 } };
    pthread_mutex_lock(&fixture->lock);
    int status = fixture->statuses[fixture->calls];
    if (fixture->calls < STATUSES_MAX) fixture->calls++;
    struct bytes kind = http_request_header(request, "content-type"), team = http_request_header(request, "x-team");
    snprintf(fixture->kind, sizeof fixture->kind, "%.*s", (int)kind.len, (const char *)kind.ptr);
    snprintf(fixture->team, sizeof fixture->team, "%.*s", (int)team.len, (const char *)team.ptr);
    for (uint32_t p = 0; status == 0 && p < COUNT_OF(paths); p++)
        if (bytes_equal(request->path, paths[p])) fixture->taken[p]++;
    if (status == 0) fixture->last = request->body.ptr[0];
    pthread_mutex_unlock(&fixture->lock);
    http_answer_text(request, status ? status : 200, "");
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    pthread_mutex_init(&fixture->lock, NULL);
    http_fixture_open(&fixture->server, on_request, fixture, 32 << 20);
    snprintf(fixture->endpoint, sizeof fixture->endpoint, "http://127.0.0.1:%u/x/", fixture->server.port);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_fixture_end(&fixture->server);
    pthread_mutex_destroy(&fixture->lock);
    free(fixture);
    return 0;
}

static struct export *opened(struct fixture *fixture, const char *headers)
{
    struct export *export;
    struct err err = { 0 };
    struct export_options options = { .endpoint = fixture->endpoint, .headers = headers, .log = &quiet };
    if (!export_open(&export, &options, &err)) fail_msg("%s", err.text);
    return export;
}

static struct export_stats wait_settled(struct export *export, uint64_t settled)
{
    struct export_stats stats = { 0 };
    for (int ms = 0; ms < WAIT_MS; ms += 5) {
        export_stats(export, &stats);
        if (stats.requests + stats.dropped[0] + stats.dropped[1] + stats.dropped[2] >= settled) break;
        clock_sleep_ms(5);
    }
    return stats;
}

/* Goal: each signal goes to its path, with the headers; what the target will never take is dropped at once and counted,
 * the rest goes on. Method: 400 for the second of four. */
static void test_paths_headers_and_refusals(void **state)
{
    struct fixture *fixture = *state;
    fixture->statuses[1] = 400;
    struct export *export = opened(fixture, " x-team = night shift ,, x-other=a=b");
    for (uint32_t i = 0; i < 4; i++) export_push(export, (enum otlp_signal)(1 + i % 3), BYTES("body"), 1);
    struct export_stats stats = wait_settled(export, 4);
    assert_int_equal(stats.requests, 3);
    assert_int_equal(stats.failures, 1);
    assert_int_equal(stats.dropped[1], 1);
    pthread_mutex_lock(&fixture->lock);
    assert_int_equal(fixture->taken[0], 2);
    assert_int_equal(fixture->taken[1], 0);
    assert_int_equal(fixture->taken[2], 1);
    assert_string_equal(fixture->kind, "application/x-protobuf");
    assert_string_equal(fixture->team, "night shift");
    pthread_mutex_unlock(&fixture->lock);
    export_close(export);
}

/* Goal: what may work later is sent again and arrives once. Method: 503, then 429, then yes. */
static void test_tries_again(void **state)
{
    struct fixture *fixture = *state;
    fixture->statuses[0] = 503;
    fixture->statuses[1] = 429;
    struct export *export = opened(fixture, NULL);
    export_push(export, OTLP_LOGS, BYTES("body"), 1);
    struct export_stats stats = wait_settled(export, 1);
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.failures, 2);
    assert_int_equal(stats.dropped[0], 0);
    assert_int_equal(fixture->taken[0], 1);
    export_close(export);
}

/* Goal: a target that is down costs 4 MiB and the oldest records, and holds nobody up. Method: twelve requests of 1 MiB to
 * a port without a server; close. */
static void test_down(void **state)
{
    struct fixture *fixture = *state;
    struct export *export = opened(fixture, "");
    http_fixture_end(&fixture->server);
    uint8_t *body = mem_calloc(1, 1 << 20);
    for (uint32_t i = 0; i < 12; i++) export_push(export, OTLP_LOGS, bytes_from(body, 1 << 20), 10);
    free(body);
    struct export_stats stats;
    export_stats(export, &stats);
    assert_in_range(stats.dropped[0], 70, 80); /* four wait; one may be on its way */
    export_close(export);
}

/* Goal: settings that cannot work are told at the start, without their values. */
static void test_settings(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *headers, *words;
    } rows[] = { { "host:4318", NULL, "http://" },
                 { "http://host", "authorization", "name=value" },
                 { "http://host", "a=1,b c=hush", "name=value" },
                 { "http://host", "=hush", "name=value" },
                 { "http://host", "a=hu\nsh", "name=value" },
                 { "http://host", "a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1",
                   "more than" } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct export *export;
        struct err err = { 0 };
        struct export_options options = { .endpoint = rows[r].endpoint, .headers = rows[r].headers, .log = &quiet };
        assert_false(export_open(&export, &options, &err));
        assert_null(export);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, rows[r].words));
        assert_null(strstr(err.text, "hu"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths_headers_and_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tries_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_down, setup, teardown),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
