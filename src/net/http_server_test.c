/* The HTTP/1.1 server over loopback: real sockets, answers from other threads, drains and ends. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/queue.h"
#include "net/admission.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/tcp.h"

enum {
    BODY_BYTES_MAX = 4 << 20,
    IN_FLIGHT_BYTES_MAX = 6 << 20,
    WAIT_MS = 20000,
    WORKERS = 2,
    CLIENTS = 4,
    ROUNDS = 50
};
#define HOST "Host: h\r\n"

struct fixture {
    struct loop *loop;
    struct admission *admission;
    struct http_server *server;
    struct log log;
    struct queue *held; /* "/hold": the test answers it */
    struct queue *work; /* anything else: a worker answers with the body */
    pthread_t workers[WORKERS];
    _Atomic uint32_t refused;
};

static void answer(struct http_request *request)
{
    struct http_header headers[] = { { BYTES("Content-Type"), BYTES("application/octet-stream") },
                                     { BYTES("X-Path"), request->path } };
    http_answer(request, &(struct http_response){ 200, headers, COUNT_OF(headers), request->body });
}

static void handler_call(void *ctx, struct http_request *request)
{
    struct fixture *fixture = ctx;
    bool is_held = bytes_equal(request->path, BYTES("/hold"));
    if (bytes_equal(request->path, BYTES("/at-once"))) {
        http_answer_text(request, 404, "nothing is here");
    } else if (!queue_push(is_held ? fixture->held : fixture->work, request, 0)) {
        http_answer_text(request, 503, "the queue is closed");
    }
}

static void handler_refuse(void *ctx, struct http_request *request, const struct http_refusal *refusal)
{
    struct fixture *fixture = ctx;
    fixture->refused++;
    assert_true(request->path.len > 0);
    http_answer_text(request, refusal->status, refusal->text);
}

static void *work_all(void *arg)
{
    struct fixture *fixture = arg;
    void *requests[8];
    for (bool closed = false; !closed;) {
        uint32_t count = queue_pop(fixture->work, requests, 8, -1, &closed);
        while (count-- > 0) answer(requests[count]); /* last first */
    }
    return NULL;
}

static int fixture_open(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    struct err err = { 0 };
    fixture->log = (struct log){ 2, LOG_ERROR };
    fixture->held = queue_create(1000, UINT64_MAX);
    fixture->work = queue_create(1000, UINT64_MAX);
    fixture->admission = admission_create(IN_FLIGHT_BYTES_MAX);
    struct http_options options = {
        .address = "127.0.0.1",
        .body_bytes_max = BODY_BYTES_MAX,
        .admission = fixture->admission,
        .handler = { .call = handler_call, .refuse = handler_refuse, .ctx = fixture },
        .log = &fixture->log,
    };
    if (!loop_open(&fixture->loop, &err)) fail_msg("%s", err.text);
    if (!http_server_open(&fixture->server, fixture->loop, &options, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < WORKERS; i++) pthread_create(&fixture->workers[i], NULL, work_all, fixture);
    *state = fixture;
    return 0;
}

static void server_end(struct fixture *fixture)
{
    loop_stop(fixture->loop);
    http_server_close(fixture->server);
    fixture->server = NULL;
}

static int fixture_close(void **state)
{
    struct fixture *fixture = *state;
    queue_close(fixture->work);
    for (int i = 0; i < WORKERS; i++) pthread_join(fixture->workers[i], NULL);
    server_end(fixture);
    loop_close(fixture->loop);
    assert_int_equal(fixture->admission->requests, 0);
    admission_release(fixture->admission);
    queue_destroy(fixture->held);
    queue_destroy(fixture->work);
    free(fixture);
    return 0;
}

/* ---- a client ---- */

struct client {
    struct tcp *tcp;
    struct buf in;
};

static void client_open(struct client *client, struct fixture *fixture)
{
    struct err err = { 0 };
    if (!tcp_connect(&client->tcp, "127.0.0.1", http_server_port(fixture->server), &err)) fail_msg("%s", err.text);
    buf_init(&client->in, SIZE_MAX);
}

static void client_close(struct client *client)
{
    tcp_close(client->tcp);
    buf_deinit(&client->in);
}

static void client_send(struct client *client, struct bytes bytes)
{
    struct err err = { 0 };
    if (!tcp_write(client->tcp, bytes, &err)) fail_msg("%s", err.text);
}

static bool client_more(struct client *client)
{
    struct err err = { 0 };
    size_t len;
    assert_true(buf_reserve(&client->in, 64 << 10));
    if (!tcp_read(client->tcp, client->in.ptr + client->in.len, 64 << 10, &len, WAIT_MS, &err)) {
        fail_msg("%s", err.text);
    }
    client->in.len += len;
    return len > 0;
}

/* The next answer: its status and its body, which is borrowed until the next call. */
static int client_answer(struct client *client, struct bytes *body)
{
    const char *end;
    while (client->in.len == 0 || (end = memmem(client->in.ptr, client->in.len, "\r\n\r\n", 4)) == NULL) {
        if (!client_more(client)) fail_msg("the connection ended");
    }
    size_t head_len = (size_t)((const uint8_t *)end + 4 - client->in.ptr), body_len = 0;
    client->in.ptr[head_len - 1] = '\0';
    const char *length = strstr((const char *)client->in.ptr, "Content-Length: ");
    if (length != NULL) body_len = strtoul(length + 16, NULL, 10);
    int status = atoi((const char *)client->in.ptr + 9);
    while (client->in.len < head_len + body_len) {
        if (!client_more(client)) fail_msg("the connection ended in a body");
    }
    static _Thread_local uint8_t kept[BODY_BYTES_MAX];
    memcpy(kept, client->in.ptr + head_len, body_len);
    *body = bytes_from(kept, body_len);
    client->in.len -= head_len + body_len;
    memmove(client->in.ptr, client->in.ptr + head_len + body_len, client->in.len);
    return status;
}

static void client_post(struct client *client, const char *path, struct bytes body)
{
    char head[200];
    int len = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", path, body.len);
    client_send(client, bytes_from(head, (size_t)len));
    client_send(client, body);
}

/* ---- tests ---- */

static void *talk_run(void *arg)
{
    struct client client;
    struct bytes body;
    client_open(&client, arg);
    uint8_t *large = mem_alloc(300000);
    for (int round = 0; round < ROUNDS; round++) {
        size_t len = round % 10 == 0 ? 300000 : (size_t)round * 7;
        memset(large, 'a' + round % 26, len);
        client_post(&client, "/work", bytes_from(large, len));
        client_post(&client, "/at-once", BYTES("x"));
        client_post(&client, "/work", BYTES("second"));
        assert_int_equal(client_answer(&client, &body), 200);
        assert_true(bytes_equal(body, bytes_from(large, len)));
        assert_int_equal(client_answer(&client, &body), 404);
        assert_int_equal(client_answer(&client, &body), 200);
        assert_true(bytes_equal(body, BYTES("second")));
    }
    free(large);
    client_close(&client);
    return NULL;
}

/* Goal: many connections with pipelined requests that several threads answer get each its own answers, in order.
 * Method: 4 clients of 150 requests in 50 rounds, small and of many reads, under ThreadSanitizer too. */
static void test_many_clients(void **state)
{
    struct fixture *fixture = *state;
    pthread_t clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) assert_int_equal(pthread_create(&clients[i], NULL, talk_run, fixture), 0);
    for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
    struct server_stats stats;
    http_server_stats(fixture->server, &stats);
    assert_int_equal(stats.connections_accepted, CLIENTS);
}

/* Goal: a body over the limit is answered before it is sent, also to a client that sends it all before it listens.
 * Method: a head that says 5 MiB and no more; then a head with its 5 MiB. */
static void test_too_large_is_heard(void **state)
{
    struct fixture *fixture = *state;
    struct bytes body;
    struct client client;
    client_open(&client, fixture);
    client_send(&client, BYTES("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5242880\r\n\r\n"));
    assert_int_equal(client_answer(&client, &body), 413);
    client_close(&client);

    client_open(&client, fixture);
    uint8_t *large = mem_calloc(1, 5 << 20);
    client_post(&client, "/x", bytes_from(large, 5 << 20));
    free(large);
    assert_int_equal(client_answer(&client, &body), 413);
    assert_false(client_more(&client)); /* and it ends */
    client_close(&client);
    assert_int_equal(fixture->refused, 2);
}

/* Goal: over the bytes in flight a request is refused with 503, the connection goes on, and there is room again later.
 * Method: a held request of 4 MiB, another one of 4 MiB, an answer, and the other one again. */
static void test_busy(void **state)
{
    struct fixture *fixture = *state;
    struct bytes body;
    struct client holder, client;
    bool is_closed;
    void *held;
    uint8_t *large = mem_calloc(1, BODY_BYTES_MAX);
    client_open(&holder, fixture);
    client_open(&client, fixture);
    client_post(&holder, "/hold", bytes_from(large, BODY_BYTES_MAX));
    assert_int_equal(queue_pop(fixture->held, &held, 1, WAIT_MS, &is_closed), 1);
    client_post(&client, "/work", bytes_from(large, BODY_BYTES_MAX));
    assert_int_equal(client_answer(&client, &body), 503);
    answer(held);
    assert_int_equal(client_answer(&holder, &body), 200);
    client_post(&client, "/work", bytes_from(large, BODY_BYTES_MAX));
    assert_int_equal(client_answer(&client, &body), 200);
    assert_int_equal(body.len, BODY_BYTES_MAX);
    free(large);
    client_close(&holder);
    client_close(&client);
}

/* Goal: a drain answers what is in flight, ends idle connections, takes no new ones, and is idle then.
 * Method: one idle connection, one with a held request. */
static void test_drain(void **state)
{
    struct fixture *fixture = *state;
    struct bytes body;
    struct client idle, holder;
    bool is_closed;
    void *held;
    client_open(&idle, fixture);
    client_post(&idle, "/at-once", BYTES("x"));
    assert_int_equal(client_answer(&idle, &body), 404);
    client_open(&holder, fixture);
    client_post(&holder, "/hold", BYTES("kept"));
    assert_int_equal(queue_pop(fixture->held, &held, 1, WAIT_MS, &is_closed), 1);
    http_server_drain(fixture->server);
    assert_false(client_more(&idle));
    assert_false(http_server_is_idle(fixture->server));
    answer(held);
    assert_int_equal(client_answer(&holder, &body), 200);
    assert_true(bytes_equal(body, BYTES("kept")));
    assert_false(client_more(&holder));
    for (int ms = 0; ms < WAIT_MS && !http_server_is_idle(fixture->server); ms++) clock_sleep_ms(1);
    assert_true(http_server_is_idle(fixture->server));
    client_close(&idle);
    client_close(&holder);
}

/* Goal: answers may come after the connection, and after the server, are gone.
 * Method: two held requests; one client leaves, the server is closed; then the answers. */
static void test_answers_after_the_end(void **state)
{
    struct fixture *fixture = *state;
    struct client clients[2];
    bool is_closed;
    void *held[2];
    for (int i = 0; i < 2; i++) {
        client_open(&clients[i], fixture);
        client_post(&clients[i], "/hold", BYTES("kept"));
        assert_int_equal(queue_pop(fixture->held, &held[i], 1, WAIT_MS, &is_closed), 1);
    }
    client_close(&clients[0]);
    server_end(fixture);
    for (int i = 0; i < 2; i++) answer(held[i]);
    client_close(&clients[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_clients, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_too_large_is_heard, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_busy, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_drain, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_answers_after_the_end, fixture_open, fixture_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
