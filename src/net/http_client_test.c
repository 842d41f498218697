/* The HTTP client against our own server, and against sockets that misbehave. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/http_client.h"
#include "net/loop.h"

static const struct log quiet = { .fd = -1, .level_min = LOG_ERROR + 1 };

struct fixture {
    struct loop *loop;
    struct admission *admission;
    struct http_server *server;
    struct http_client *client;
    char url[64];
    /* the loop's until the answer is there */
    int status, calls;
    size_t body_len, answer_len;
    char team[32];
};

static void on_request(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    struct bytes team = http_request_header(request, "x-team");
    fixture->calls++;
    fixture->body_len = request->body.len;
    snprintf(fixture->team, sizeof fixture->team, "%.*s", (int)team.len, (const char *)team.ptr);
    char *body = mem_alloc(fixture->answer_len + 1);
    memset(body, 'y', fixture->answer_len);
    const struct http_header retry = { BYTES("retry-after"), BYTES("7") };
    struct http_response response = { .status = fixture->status,
                                      .headers = &retry,
                                      .header_count = fixture->status == 503,
                                      .body = bytes_from(body, fixture->answer_len) };
    http_answer(request, &response);
    free(body);
}

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->admission = admission_create(64 << 20);
    struct http_options options = { .address = "127.0.0.1",
                                    .body_bytes_max = 32 << 20,
                                    .admission = fixture->admission,
                                    .handler = { .call = on_request, .ctx = fixture },
                                    .log = &quiet };
    if (!loop_open(&fixture->loop, &err) || !http_server_open(&fixture->server, fixture->loop, &options, &err))
        return -1;
    fixture->client = http_client_create();
    snprintf(fixture->url, sizeof fixture->url, "http://127.0.0.1:%u/v1/logs", http_server_port(fixture->server));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    http_client_destroy(fixture->client);
    loop_stop(fixture->loop);
    http_server_close(fixture->server);
    loop_close(fixture->loop);
    admission_release(fixture->admission);
    free(fixture);
    return 0;
}

/* Goal: bodies of any size arrive with their headers, answers come with status, Retry-After and the beginning of their
 * text; one connection serves all. Method: sizes and statuses in turn. */
static void test_statuses_and_sizes(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        int status;
        size_t body_len, answer_len;
    } rows[] = { { 200, 0, 0 }, { 200, 10, 5 }, { 503, 1 << 20, 100 }, { 400, 17 << 20, 1 << 20 },
                 { 204, 3, 0 }, { 302, 3, 10 } };
    uint8_t *body = mem_calloc(1, 17 << 20);
    const struct http_client_header headers[] = { { "x-team", "night shift" }, { 0 } };
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct http_client_answer answer;
        struct err err = { 0 };
        fixture->status = rows[r].status;
        fixture->answer_len = rows[r].answer_len;
        struct http_client_request request = { .url = fixture->url,
                                               .body = bytes_from(body, rows[r].body_len),
                                               .headers = headers,
                                               .connect_ms_max = 5000,
                                               .total_ms_max = 60000 };
        if (!http_client_send(fixture->client, &request, &answer, &err)) fail_msg("%s", err.text);
        assert_int_equal(answer.status, rows[r].status);
        assert_int_equal(answer.retry_after_ms, rows[r].status == 503 ? 7000 : 0);
        size_t kept = rows[r].answer_len < sizeof answer.text ? rows[r].answer_len : sizeof answer.text - 1;
        assert_int_equal(strlen(answer.text), kept);
        assert_int_equal(fixture->body_len, rows[r].body_len);
        assert_string_equal(fixture->team, "night shift");
    }
    struct server_stats stats;
    http_server_stats(fixture->server, &stats);
    assert_int_equal(stats.connections_accepted, 1);
    free(body);
}

static int listener_of(char url[64])
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    snprintf(url, 64, "http://127.0.0.1:%u/", ntohs(at.sin_port));
    return fd;
}

static void *cancel_soon(void *cancel)
{
    clock_sleep_ms(50);
    atomic_store((atomic_bool *)cancel, true);
    return NULL;
}

/* Goal: nobody there, no answer and a caller that gives up end the call with words; what is no address is told before.
 * Method: a closed port, a listener that never answers, https to a port that speaks none. */
static void test_failures(void **state)
{
    struct fixture *fixture = *state;
    struct http_client_answer answer;
    struct err err = { 0 };
    char url[64], https[64];
    atomic_bool cancel = false;
    int fd = listener_of(url);
    struct http_client_request request = { .url = url, .connect_ms_max = 1000, .total_ms_max = 100, .cancel = &cancel };
    assert_false(http_client_send(fixture->client, &request, &answer, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "127.0.0.1"));

    pthread_t thread;
    request.total_ms_max = 60000;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_false(http_client_send(fixture->client, &request, &answer, &err));
    assert_int_equal(err.code, ERR_CANCELLED);
    pthread_join(thread, NULL);
    atomic_store(&cancel, false);

    close(fd);
    assert_false(http_client_send(fixture->client, &request, &answer, &err));
    assert_int_equal(err.code, ERR_IO);

    snprintf(https, sizeof https, "https%s", fixture->url + 4);
    request.url = https;
    assert_false(http_client_send(fixture->client, &request, &answer, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(fixture->calls, 0);

    static const char *const bad[] = { "", "collector:4318", "ftp://host/", "http://", "host", "http://a b/" };
    for (size_t b = 0; b < COUNT_OF(bad); b++) {
        assert_false(http_client_url_check(bad[b], &err));
        assert_int_equal(err.code, ERR_INPUT);
    }
    assert_true(http_client_url_check("https://otel.example.com", &err));
    assert_true(http_client_url_check("http://[::1]:4318/prefix", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_statuses_and_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
