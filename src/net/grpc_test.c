/* The gRPC server, driven by a raw HTTP/2 client in the same process. */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <nghttp2/nghttp2.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/queue.h"
#include "net/admission.h"
#include "net/grpc.h"
#include "net/grpc_session.h"
#include "net/grpc_test.h"
#include "net/loop.h"

enum { MESSAGE_BYTES_MAX = 4 << 20, IN_FLIGHT_BYTES_MAX = 7 << 20 };

/* ---- the handler: what it does with a call is in the path ---- */

struct fixture {
    struct loop *loop;
    struct grpc_server *server;
    struct admission *admission;
    struct log log;
    struct queue *held; /* "/hold": the test answers it */
    struct queue *work; /* "/work": the worker thread answers it with its body */
    pthread_t worker;
    /* of the last call that was answered at once */
    char path[200], authorization[200], x_api_key[200], encoding_name[40];
    enum grpc_encoding encoding;
};

static void keep_text(char *out, size_t out_bytes, struct bytes text)
{
    snprintf(out, out_bytes, "%.*s", (int)text.len, (const char *)text.ptr);
}

static void handler_call(void *ctx, struct grpc_request *request)
{
    struct fixture *fixture = ctx;
    struct err err = { .code = ERR_OK };
    if (bytes_equal(request->path, BYTES("/hold"))) {
        assert_true(queue_push(fixture->held, request, 0));
        return;
    }
    if (bytes_equal(request->path, BYTES("/work"))) {
        assert_true(queue_push(fixture->work, request, 0));
        return;
    }
    keep_text(fixture->path, sizeof fixture->path, request->path);
    keep_text(fixture->authorization, sizeof fixture->authorization, request->authorization);
    keep_text(fixture->x_api_key, sizeof fixture->x_api_key, request->x_api_key);
    keep_text(fixture->encoding_name, sizeof fixture->encoding_name, request->encoding_name);
    fixture->encoding = request->encoding;
    if (bytes_equal(request->path, BYTES("/busy"))) {
        err_set(&err, ERR_BUSY, "could not take it: 100 %% full");
        grpc_answer(request, &err, BYTES(""), 2500);
    } else if (bytes_equal(request->path, BYTES("/large"))) {
        err_set(&err, ERR_TOO_LARGE, "cannot take 70 MiB: \xC3\xA9");
        grpc_answer(request, &err, BYTES(""), 2500);
    } else if (bytes_equal(request->path, BYTES("/echo"))) {
        grpc_answer(request, NULL, request->body, 0);
    } else {
        err_set(&err, ERR_UNSUPPORTED, "cannot find the method \"%.*s\"", (int)request->path.len, request->path.ptr);
        grpc_answer(request, &err, BYTES(""), 0);
    }
}

static void *work_all(void *arg)
{
    struct fixture *fixture = arg;
    void *requests[8];
    for (bool closed = false; !closed;) {
        uint32_t count = queue_pop(fixture->work, requests, 8, -1, &closed);
        while (count-- > 0) { /* last first */
            struct grpc_request *request = requests[count];
            grpc_answer(request, NULL, request->body, 0);
        }
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
    struct grpc_options options = {
        .address = "127.0.0.1",
        .message_bytes_max = MESSAGE_BYTES_MAX,
        .admission = fixture->admission,
        .streams_max = 256,
        .handler = { handler_call, fixture },
        .log = &fixture->log,
    };
    if (!loop_open(&fixture->loop, &err)) fail_msg("%s", err.text);
    if (!grpc_server_open(&fixture->server, fixture->loop, &options, &err)) fail_msg("%s", err.text);
    pthread_create(&fixture->worker, NULL, work_all, fixture);
    *state = fixture;
    return 0;
}

/* In the order that an app ends. Twice is fine. */
static void server_end(struct fixture *fixture)
{
    loop_stop(fixture->loop);
    grpc_server_close(fixture->server);
    fixture->server = NULL;
}

static int fixture_close(void **state)
{
    struct fixture *fixture = *state;
    queue_close(fixture->work);
    pthread_join(fixture->worker, NULL);
    server_end(fixture);
    loop_close(fixture->loop);
    admission_release(fixture->admission);
    queue_destroy(fixture->work);
    queue_destroy(fixture->held);
    free(fixture);
    return 0;
}

/* Calls that were reset end only when their handler lets go of them: wait for that. */
static void wait_until_idle(struct fixture *fixture)
{
    for (int i = 0; i < WAIT_MS / 2 && !grpc_server_is_idle(fixture->server); i++) clock_sleep_ms(2);
    assert_true(grpc_server_is_idle(fixture->server));
}

/* ---- the client ---- */

static void client_open(struct client *client, struct fixture *fixture)
{
    struct err err = { 0 };
    *client = (struct client){ 0 };
    if (!tcp_connect(&client->tcp, "127.0.0.1", grpc_server_port(fixture->server), &err)) fail_msg("%s", err.text);
    client->http = client_http(client);
}

static size_t base64_read(const char *text, uint8_t *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int held = 0;
    size_t len = 0;
    for (; *text != '\0'; text++) {
        const char *digit = strchr(digits, *text);
        assert_non_null(digit);
        bits = bits << 6 | (uint32_t)(digit - digits);
        if ((held += 6) >= 8) out[len++] = (uint8_t)(bits >> (held -= 8));
    }
    return len;
}

/* The field of a protobuf message with short fields: its bytes, or its number. */
static struct bytes field_find(struct bytes message, uint32_t field, uint64_t *number)
{
    for (size_t at = 0; at < message.len;) {
        uint32_t tag = message.ptr[at++];
        uint64_t value = 0;
        for (int shift = 0;; shift += 7) {
            assert_true(at < message.len);
            value |= (uint64_t)(message.ptr[at] & 0x7F) << shift;
            if (message.ptr[at++] < 0x80) break;
        }
        struct bytes bytes = { message.ptr + at, (tag & 7) == 2 ? (size_t)value : 0 };
        assert_true(bytes.len <= message.len - at);
        at += bytes.len;
        if (tag >> 3 != field) continue;
        if (number != NULL) *number = value;
        return bytes;
    }
    return (struct bytes){ 0 };
}

/* What grpc-status-details-bin says to wait. */
static uint64_t retry_delay_ms_of(const struct reply *reply)
{
    uint8_t raw[600];
    uint64_t code = 0, seconds = 0, nanos = 0;
    struct bytes status = bytes_from(raw, base64_read(reply->details, raw));
    field_find(status, 1, &code);
    assert_int_equal(code, reply->grpc_status);
    struct bytes any = field_find(status, 3, NULL);
    assert_true(bytes_equal(field_find(any, 1, NULL), BYTES("type.googleapis.com/google.rpc.RetryInfo")));
    struct bytes delay = field_find(field_find(any, 2, NULL), 1, NULL);
    field_find(delay, 1, &seconds);
    field_find(delay, 2, &nanos);
    return seconds * 1000 + nanos / 1000000;
}

/* The next call that the handler holds; the client goes on sending meanwhile. */
static struct grpc_request *held_take(struct fixture *fixture, struct client *client)
{
    void *request = NULL;
    bool closed;
    for (int i = 0; i < WAIT_MS; i++) {
        if (queue_pop(fixture->held, &request, 1, 0, &closed) == 1) break;
        (void)client_poll(client, 1);
    }
    assert_non_null(request);
    return request;
}

/* ---- tests ---- */

/* Goal: a unary call goes there and back, and the handler sees who calls.
 * Method: an echo with both credentials, a repeated one and a compressed flag; then an empty message. */
static void test_call_and_answer(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct reply reply = { 0 };
    client_open(&client, fixture);
    static const char *const extra[] = { "authorization", "Bearer abc", "x-api-key", "k1", "x-api-key", "k2",
                                         "grpc-encoding", "gzip",       NULL };
    struct bytes message = message_of(1, BYTES("\x1F\x8Bnot really gzip: the handler inflates"));
    call(&client, &reply, "/echo", message, extra);
    assert_echo(&reply, message);
    assert_string_equal(fixture->path, "/echo");
    assert_string_equal(fixture->authorization, "Bearer abc");
    assert_string_equal(fixture->x_api_key, "k1");
    assert_string_equal(fixture->encoding_name, "gzip");
    assert_int_equal(fixture->encoding, GRPC_ENCODING_GZIP);
    free((void *)(uintptr_t)message.ptr);

    static const char *const proto[] = { "content-type", "application/grpc+proto", "grpc-encoding", "snappy", NULL };
    message = message_of(0, BYTES(""));
    call(&client, &reply, "/echo", message, proto);
    assert_echo(&reply, message);
    assert_int_equal(fixture->encoding, GRPC_ENCODING_IDENTITY); /* not compressed, whatever the header says */
    assert_string_equal(fixture->authorization, "");
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
    wait_until_idle(fixture);
}

/* Goal: an error reaches the client as status and message; only what a retry may cure carries RetryInfo.
 * Method: a retryable error, one that is not, and a path that the handler does not know. */
static void test_errors(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct reply reply = { 0 };
    client_open(&client, fixture);
    struct bytes message = message_of(0, BYTES("x"));
    call(&client, &reply, "/busy", message, NULL);
    assert_int_equal(reply.http_status, 200);
    assert_int_equal(reply.grpc_status, 14);
    assert_string_equal(reply.message, "could not take it: 100 %25 full");
    assert_int_equal(retry_delay_ms_of(&reply), 2500);
    call(&client, &reply, "/large", message, NULL);
    assert_int_equal(reply.grpc_status, 8);
    assert_string_equal(reply.message, "cannot take 70 MiB: %C3%A9");
    assert_string_equal(reply.details, "");
    call(&client, &reply, "/no/such", message, NULL);
    assert_int_equal(reply.grpc_status, 12);
    assert_string_equal(reply.message, "cannot find the method \"/no/such\"");
    assert_int_equal(reply.body_len, 0);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
}

/* Goal: each wrong request gets its own status and never reaches the handler; the connection lives on.
 * Method: one request for each rule, on one connection; after them an echo. */
static void test_wrong_requests(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    client_open(&client, fixture);
    static const char *const gzip[] = { "grpc-encoding", "gzip", NULL };
    static const char *const snappy[] = { "grpc-encoding", "snappy", NULL };
    static const char *const get[] = { ":method", "GET", NULL };
    static const char *const json[] = { "content-type", "application/json", NULL };
    static const char *const web[] = { "content-type", "application/grpc-web", NULL };
    char *large = mem_calloc(1, 17000);
    memset(large, 'x', 16999);
    const char *const large_header[] = { "x-large", large, NULL };
    const struct {
        struct bytes bytes;
        const char *const *extra;
        int http_status, grpc_status;
        bool is_left_open; /* it must be answered though more could come */
    } rules[] = {
        { BYTES(""), NULL, 200, 12, false },      /* no message */
        { BYTES("\0\0\0"), NULL, 200, 3, false }, /* a cut prefix */
        { BYTES("\0\0\0\0\x05"
                "abcd"),
          NULL, 200, 3, false }, /* a cut message */
        { BYTES("\0\0\0\0\x01"
                "ab"),
          NULL, 200, 12, true }, /* more than one */
        { BYTES("\0\0\0\0\x01"
                "a\0\0\0\0\0"),
          NULL, 200, 12, true }, /* two */
        { BYTES("\x02\0\0\0\x01"
                "a"),
          NULL, 200, 3, true }, /* a flag of neither kind */
        { BYTES("\x01\0\0\0\x01"
                "a"),
          NULL, 200, 13, true }, /* compressed in no way */
        { BYTES("\x01\0\0\0\x01"
                "a"),
          snappy, 200, 12, true }, /* in one we do not have */
        { BYTES("\x01\0\x40\0\x01"
                "a"),
          gzip, 200, 8, true }, /* one byte over the limit */
        { BYTES("\0\xFF\xFF\xFF\xFF"
                "a"),
          NULL, 200, 8, true }, /* 4 GB */
        { BYTES(""), get, 405, -1, false },
        { BYTES("\0\0\0\0\0"), json, 415, -1, false },
        { BYTES("\0\0\0\0\0"), web, 415, -1, false },
        { BYTES("\0\0\0\0\0"), large_header, 431, -1, false },
    };
    fixture->path[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct reply reply = { .is_left_open = rules[i].is_left_open };
        call(&client, &reply, "/echo", rules[i].bytes, rules[i].extra);
        if (reply.http_status != rules[i].http_status || reply.grpc_status != rules[i].grpc_status) {
            fail_msg("rule %zu: HTTP %d, gRPC %d \"%s\"", i, reply.http_status, reply.grpc_status, reply.message);
        }
        assert_string_equal(reply.details, "");
        if (reply.grpc_status == 12) assert_string_equal(reply.accept_encoding, "identity,gzip,zstd");
        assert_true((reply.body_len > 0) == (reply.http_status != 200)); /* words for who does not speak gRPC */
        free(reply.body);
    }
    assert_string_equal(fixture->path, "");
    free(large);
    struct reply reply = { 0 };
    struct bytes message = message_of(0, BYTES("still there"));
    call(&client, &reply, "/echo", message, NULL);
    assert_echo(&reply, message);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
    wait_until_idle(fixture);
}

/* Goal: a large message arrives whole and its large answer too. Method: echo 2 MB, 4 MiB and one byte less. */
static void test_large_messages(void **state)
{
    struct fixture *fixture = *state;
    static const size_t sizes[] = { 2000000, MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX, 100000, 450000 };
    struct client client;
    client_open(&client, fixture);
    uint8_t *payload = mem_alloc(MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < MESSAGE_BYTES_MAX; i++) payload[i] = (uint8_t)(i * 31 ^ i >> 11);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct reply reply = { 0 };
        struct bytes message = message_of(0, bytes_from(payload, sizes[i]));
        call(&client, &reply, "/echo", message, NULL);
        assert_echo(&reply, message);
        free((void *)(uintptr_t)message.ptr);
    }
    free(payload);
    client_close(&client);
    wait_until_idle(fixture);
}

/* Goal: it does not matter how the stream of bytes is cut. Method: write byte by byte, in 7s and in 1,000s. */
static void test_split_frames(void **state)
{
    struct fixture *fixture = *state;
    static const size_t steps[] = { 1, 7, 1000 };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct client client;
        struct reply reply = { 0 };
        client_open(&client, fixture);
        client.write_step = steps[i];
        char payload[3000];
        memset(payload, (int)i + 1, sizeof payload);
        struct bytes message = message_of(0, bytes_from(payload, sizeof payload));
        call(&client, &reply, "/echo", message, NULL);
        assert_echo(&reply, message);
        free((void *)(uintptr_t)message.ptr);
        client_close(&client);
    }
}

/* Goal: many calls at once, answered out of order by another thread, each get their own answer.
 * Method: 4 rounds of 200 streams of differing sizes, a few connections beside each other. */
static void test_many_streams_answered_elsewhere(void **state)
{
    struct fixture *fixture = *state;
    enum { CLIENTS = 3, STREAMS = 200, ROUNDS = 4 };
    struct client clients[CLIENTS];
    for (int c = 0; c < CLIENTS; c++) client_open(&clients[c], fixture);
    for (int round = 0; round < ROUNDS; round++) {
        static struct reply replies[CLIENTS][STREAMS];
        struct bytes messages[CLIENTS][STREAMS];
        for (int i = 0; i < CLIENTS * STREAMS; i++) {
            char payload[4000];
            memset(payload, i, sizeof payload);
            snprintf(payload, sizeof payload, "%d of %d", i, round);
            messages[i / STREAMS][i % STREAMS] = message_of(0, bytes_from(payload, 20 + (size_t)(i * 17 % 3900)));
            call_begin(&clients[i / STREAMS], &replies[i / STREAMS][i % STREAMS], "/work",
                       messages[i / STREAMS][i % STREAMS], NULL);
        }
        for (int c = 0; c < CLIENTS; c++) client_send(&clients[c]);
        for (int i = 0; i < CLIENTS * STREAMS; i++) {
            client_wait(&clients[i / STREAMS], &replies[i / STREAMS][i % STREAMS]);
            assert_echo(&replies[i / STREAMS][i % STREAMS], messages[i / STREAMS][i % STREAMS]);
            free((void *)(uintptr_t)messages[i / STREAMS][i % STREAMS].ptr);
        }
    }
    for (int c = 0; c < CLIENTS; c++) client_close(&clients[c]);
    wait_until_idle(fixture);
}

/* Goal: bytes in flight are bounded: what would pass the bound is refused with a time to come back, before its
 * body is sent, and is taken once there is room. Method: hold one call of 4 MiB, open another for as much. */
static void test_admission(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct reply first = { 0 }, second = { .is_left_open = true }, third = { 0 };
    client_open(&client, fixture);
    uint8_t *payload = mem_calloc(1, MESSAGE_BYTES_MAX);
    struct bytes message = message_of(0, bytes_from(payload, MESSAGE_BYTES_MAX));
    call_begin(&client, &first, "/hold", message, NULL);
    struct grpc_request *request = held_take(fixture, &client);
    call(&client, &second, "/hold", bytes_from(message.ptr, 1000), NULL); /* its length says 4 MiB */
    assert_int_equal(second.grpc_status, 14);
    assert_int_equal(retry_delay_ms_of(&second), 1000);
    assert_false(grpc_server_is_idle(fixture->server));
    grpc_answer(request, NULL, BYTES("done"), 0);
    client_wait(&client, &first);
    assert_int_equal(first.grpc_status, 0);
    free(first.body);
    call(&client, &third, "/echo", message, NULL);
    assert_echo(&third, message);
    free(payload);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
    wait_until_idle(fixture);
}

/* Goal: a client may reset a call or leave at any time; the handler's request stays whole until it answers.
 * Method: reset while the body comes, reset while it is held, close the connection while it is held. */
static void test_client_goes_away(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct reply reply = { .is_left_open = true };
    client_open(&client, fixture);
    call_begin(&client, &reply, "/echo", BYTES("\0\0\x01\0\0half of it"), NULL);
    client_send(&client);
    assert_int_equal(nghttp2_submit_rst_stream(client.http, 0, reply.stream_id, NGHTTP2_CANCEL), 0);
    client_wait(&client, &reply);

    struct bytes message = message_of(0, BYTES("the payload"));
    struct reply held[2] = { 0 };
    call_begin(&client, &held[0], "/hold", message, NULL);
    client_send(&client);
    struct grpc_request *requests[2] = { held_take(fixture, &client) };
    assert_int_equal(nghttp2_submit_rst_stream(client.http, 0, held[0].stream_id, NGHTTP2_CANCEL), 0);
    call_begin(&client, &held[1], "/hold", message, NULL);
    client_send(&client);
    requests[1] = held_take(fixture, &client);
    client_close(&client);
    clock_sleep_ms(20); /* for the loop to see the end */
    for (int i = 0; i < 2; i++) {
        assert_true(bytes_equal(requests[i]->body, BYTES("the payload")));
        assert_true(bytes_equal(requests[i]->path, BYTES("/hold")));
        grpc_answer(requests[i], NULL, BYTES("nobody reads this"), 0);
    }
    wait_until_idle(fixture);
    free((void *)(uintptr_t)message.ptr);
}

/* Goal: writing to a client that is gone is an error like others, not a signal that ends the process.
 * Method: clients that ask for 3 MB and leave while it comes. */
static void test_client_leaves_while_it_is_answered(void **state)
{
    struct fixture *fixture = *state;
    uint8_t *payload = mem_calloc(1, 3000000);
    struct bytes message = message_of(0, bytes_from(payload, 3000000));
    for (int i = 0; i < 10; i++) {
        struct client client;
        struct reply reply = { 0 };
        client_open(&client, fixture);
        nghttp2_session_set_local_window_size(client.http, 0, 0, 1 << 24);
        call_begin(&client, &reply, "/hold", message, NULL);
        struct grpc_request *request = held_take(fixture, &client);
        grpc_answer(request, NULL, request->body, 0);
        while (reply.body_len == 0) client_step(&client);
        free(reply.body);
        client_close(&client); /* with bytes unread: the kernel sends RST */
    }
    wait_until_idle(fixture);
    free(payload);
    free((void *)(uintptr_t)message.ptr);
}

/* Goal: a client that does nothing but open and reset is told to calm down, others are not hindered.
 * Method: up to 2,000 resets on one connection, then an echo on another. */
static void test_reset_flood(void **state)
{
    struct fixture *fixture = *state;
    struct client client, other;
    client_open(&client, fixture);
    client_open(&other, fixture);
    static struct reply replies[2000];
    for (size_t i = 0; i < COUNT_OF(replies) && !client.is_ended; i++) {
        replies[i].is_left_open = true;
        call_begin(&client, &replies[i], "/echo", BYTES("\0"), NULL);
        client_send(&client);
        assert_int_equal(nghttp2_submit_rst_stream(client.http, 0, replies[i].stream_id, NGHTTP2_CANCEL), 0);
        client_send(&client);
    }
    while (!client.has_goaway && !client.is_ended) client_step(&client);
    assert_true(client.has_goaway);
    assert_int_equal(client.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    struct reply reply = { 0 };
    struct bytes message = message_of(0, BYTES("calm"));
    call(&other, &reply, "/echo", message, NULL);
    assert_echo(&reply, message);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
    client_close(&other);
    wait_until_idle(fixture);
}

/* Goal: a drain answers what is in flight, takes nothing new, and then the connection ends.
 * Method: hold a call, drain, connect anew (refused), answer, read to the end. */
static void test_drain(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct reply reply = { 0 };
    client_open(&client, fixture);
    struct bytes message = message_of(0, BYTES("x"));
    call_begin(&client, &reply, "/hold", message, NULL);
    client_send(&client);
    struct grpc_request *request = held_take(fixture, &client);
    grpc_server_drain(fixture->server);
    while (!client.has_goaway) client_step(&client);
    assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
    struct tcp *tcp;
    struct err err = { 0 };
    assert_false(tcp_connect(&tcp, "127.0.0.1", grpc_server_port(fixture->server), &err));
    assert_false(grpc_server_is_idle(fixture->server));
    grpc_answer(request, NULL, BYTES("late"), 0);
    client_wait(&client, &reply);
    assert_int_equal(reply.grpc_status, 0);
    assert_memory_equal(reply.body + 5, "late", 4);
    free(reply.body);
    while (!client.is_ended) client_step(&client);
    wait_until_idle(fixture);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
}

/* Goal: the server may be closed while handlers still hold requests; their answers just free them.
 * Method: hold two, close the server, answer one before the loop is closed and one after. */
static void test_close_before_the_answer(void **state)
{
    struct fixture *fixture = *state;
    struct client client;
    struct reply replies[2] = { 0 };
    client_open(&client, fixture);
    struct bytes message = message_of(0, BYTES("x"));
    for (int i = 0; i < 2; i++) call_begin(&client, &replies[i], "/hold", message, NULL);
    client_send(&client);
    struct grpc_request *requests[2];
    for (int i = 0; i < 2; i++) requests[i] = held_take(fixture, &client);
    server_end(fixture);
    assert_true(bytes_equal(requests[0]->body, BYTES("x")));
    grpc_answer(requests[0], NULL, BYTES("a"), 0);
    loop_close(fixture->loop);
    fixture->loop = NULL;
    grpc_answer(requests[1], NULL, BYTES("b"), 0);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
}

/* Goal: a port that is taken is told in words, and leaves nothing behind. Method: open twice on one port. */
static void test_port_taken(void **state)
{
    struct fixture *fixture = *state;
    struct grpc_server *second;
    struct err err = { 0 };
    struct grpc_options options = {
        .address = "127.0.0.1",
        .port = grpc_server_port(fixture->server),
        .message_bytes_max = 1000,
        .admission = fixture->admission,
        .streams_max = 1,
        .handler = { handler_call, fixture },
        .log = &fixture->log,
    };
    assert_false(grpc_server_open(&second, fixture->loop, &options, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "address already in use"));
    options.message_bytes_max = IN_FLIGHT_BYTES_MAX;
    assert_false(grpc_server_open(&second, fixture->loop, &options, &err));
    assert_int_equal(err.code, ERR_INPUT);
}

/* Goal: bytes that are not HTTP/2 end the connection, not the server. Method: an HTTP/1.1 request, then an echo. */
static void test_not_http2(void **state)
{
    struct fixture *fixture = *state;
    struct tcp *tcp;
    struct err err = { 0 };
    uint8_t in[1000];
    size_t len = 1;
    assert_true(tcp_connect(&tcp, "127.0.0.1", grpc_server_port(fixture->server), &err));
    assert_true(tcp_write(tcp, BYTES("POST /v1/traces HTTP/1.1\r\nhost: x\r\n\r\n"), &err));
    while (len > 0) {
        if (!tcp_read(tcp, in, sizeof in, &len, WAIT_MS, &err)) assert_int_not_equal(err.code, ERR_TIMEOUT);
    }
    tcp_close(tcp);
    struct client client;
    struct reply reply = { 0 };
    client_open(&client, fixture);
    struct bytes message = message_of(0, BYTES("x"));
    call(&client, &reply, "/echo", message, NULL);
    assert_echo(&reply, message);
    free((void *)(uintptr_t)message.ptr);
    client_close(&client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
    const struct CMUnitTest tests[] = {
        TEST(test_call_and_answer), TEST(test_errors),
        TEST(test_wrong_requests),  TEST(test_large_messages),
        TEST(test_split_frames),    TEST(test_many_streams_answered_elsewhere),
        TEST(test_admission),       TEST(test_client_goes_away),
        TEST(test_reset_flood),     TEST(test_client_leaves_while_it_is_answered),
        TEST(test_drain),           TEST(test_close_before_the_answer),
        TEST(test_port_taken),      TEST(test_not_http2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
