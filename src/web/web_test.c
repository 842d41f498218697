/* The HTTP port as a scraper and a load balancer see it: raw bytes over a socket. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "telemetry/telemetry.h"
#include "web/web.h"

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct fixture {
    struct telemetry *telemetry;
    struct web *web;
    atomic_bool is_broken;
};

static void on_collect(void *ctx, struct metric_set *set)
{
    (void)ctx;
    metric_add(set, METRIC_PROJECTS, 3, NULL);
}

static void on_ready(void *ctx, struct web_readiness *readiness)
{
    struct fixture *fixture = ctx;
    web_part_add(readiness, "start", true, "not told");
    web_part_add(readiness, "log", !atomic_load(&fixture->is_broken), "disk \"a\\b\"\n\xFF failed");
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    struct telemetry_options telemetry_options = {
        .interval_ms = 1000, .version = "1", .collect = on_collect, .log = &quiet
    };
    if (!telemetry_open(&fixture->telemetry, &telemetry_options, &err)) return -1;
    struct web_options options = {
        .address = "127.0.0.1", .telemetry = fixture->telemetry, .ready = on_ready, .ctx = fixture, .log = &quiet
    };
    if (!web_open(&fixture->web, &options, &err)) return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    web_close(fixture->web);
    telemetry_close(fixture->telemetry);
    free(fixture);
    return 0;
}

/* The whole answer to a request that ends its connection. */
static const char *asked(struct fixture *fixture, const char *method, const char *path)
{
    static char answer[65536];
    char request[256];
    size_t len = 0;
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons(web_port(fixture->web)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    int request_len =
        snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", method, path);
    assert_int_equal(write(fd, request, (size_t)request_len), request_len);
    for (ssize_t got = 1; got > 0 && len<sizeof answer - 1; len += got> 0 ? (size_t)got : 0)
        got = read(fd, answer + len, sizeof answer - 1 - len);
    answer[len] = '\0';
    close(fd);
    return answer;
}

static bool has(const char *answer, const char *words)
{
    return strstr(answer, words) != NULL;
}

/* Goal: the three pages answer with their types, HEAD without a body, other methods and paths with words. */
static void test_pages(void **state)
{
    struct fixture *fixture = *state;
    const char *answer = asked(fixture, "GET", "/metrics?name=x");
    assert_true(has(answer, "HTTP/1.1 200") &&
                has(answer, "content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_true(has(answer, "\nmonoscope_projects 3\n"));
    answer = asked(fixture, "HEAD", "/metrics");
    assert_true(has(answer, "HTTP/1.1 200") && !has(answer, "monoscope_projects"));
    answer = asked(fixture, "GET", "/healthz");
    assert_true(has(answer, "HTTP/1.1 200") && has(answer, "\r\n\r\nok\n"));
    answer = asked(fixture, "DELETE", "/healthz");
    assert_true(has(answer, "HTTP/1.1 405") && has(answer, "allow: GET, HEAD\r\n"));
    static const char *const nothing[] = { "/", "/metrics/", "/METRICS", "/..", "/readyz/x" };
    for (size_t n = 0; n < COUNT_OF(nothing); n++) {
        answer = asked(fixture, "GET", nothing[n]);
        assert_true(has(answer, "HTTP/1.1 404") && has(answer, "/metrics, /healthz and /readyz"));
    }
}

/* Goal: ready only when every part is, and JSON whatever the reason holds. */
static void test_ready(void **state)
{
    struct fixture *fixture = *state;
    const char *answer = asked(fixture, "GET", "/readyz");
    assert_true(has(answer, "HTTP/1.1 200") && has(answer, "content-type: application/json\r\n"));
    assert_true(
        has(answer,
            "{\"ready\":true,\"parts\":[{\"name\":\"start\",\"ready\":true},{\"name\":\"log\",\"ready\":true}]}\n"));
    atomic_store(&fixture->is_broken, true);
    answer = asked(fixture, "GET", "/readyz");
    assert_true(has(answer, "HTTP/1.1 503"));
    assert_true(has(answer,
                    "{\"ready\":false,\"parts\":[{\"name\":\"start\",\"ready\":true},{\"name\":\"log\",\"ready\":false,"
                    "\"why\":\"disk \\\"a\\\\b\\\"\\n? failed\"}]}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ready, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
