/* gRPC's session without a socket, with a clock of the test's own: time limits, deadlines, and calls that stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/grpc_health.h"
#include "net/grpc_session.h"
#include "net/grpc_test.h"
#include "net/proto.h"

enum { MESSAGE_BYTES_MAX = 4 << 20, IN_FLIGHT_BYTES_MAX = 7 << 20 };
static const uint64_t SECOND_NS = 1000000000;

/* Goal: a body that does not come ends its call after a minute, one that comes slowly does not.
 * Method: a session without a socket and a clock of our own: one byte, then a minute; and one at 16 KiB/s. */
static void test_body_that_does_not_come(void **state)
{
    (void)state;
    struct admission *admission = admission_create(IN_FLIGHT_BYTES_MAX);
    struct grpc_options options = { .message_bytes_max = MESSAGE_BYTES_MAX, .streams_max = 10 };
    struct grpc_session *session = grpc_session_create(admission, &options, NULL, 0);
    struct client client = { 0 };
    client.http = client_http(&client);
    struct reply stuck = { .is_left_open = true }, slow = { .is_left_open = true };
    static const uint8_t second_of_body[16 << 10] = { 0, 0, 0x30, 0, 0 }; /* of 3 MiB */
    call_begin(&client, &stuck, "/echo",
               BYTES("\0\0\x10\0\0"
                     "a"),
               NULL);
    call_begin(&client, &slow, "/echo", bytes_from(second_of_body, sizeof second_of_body), NULL);
    uint8_t out[65536];
    for (uint64_t second = 0; second < 120; second++) {
        const uint8_t *ptr;
        ssize_t len;
        while ((len = nghttp2_session_mem_send(client.http, &ptr)) > 0) {
            grpc_session_feed(session, bytes_from(ptr, (size_t)len), second * SECOND_NS);
        }
        if (second == 59) assert_false(stuck.is_closed);
        slow.unsent = bytes_from(second_of_body + 5, sizeof second_of_body - 5);
        assert_int_equal(nghttp2_session_resume_data(client.http, slow.stream_id), 0);
        grpc_session_tick(session, second * SECOND_NS);
        size_t filled = grpc_session_fill(session, out, sizeof out);
        assert_int_equal(nghttp2_session_mem_recv(client.http, out, filled), filled);
    }
    assert_true(stuck.is_closed);
    assert_int_equal(stuck.grpc_status, 4);
    assert_false(slow.is_closed);
    assert_int_equal(admission->requests, 1);
    grpc_session_destroy(session);
    nghttp2_session_del(client.http);
    assert_int_equal(admission->bytes, 0);
    admission_release(admission);
}

/* Goal: a call whose grpc-timeout passes is told so, before its message is there, while the handler has it and when the
 * answer is late; what the handler was given stays whole, and odd values have no effect.
 * Method: a session without a socket, a clock of our own, calls of 2 s and one for each odd value. */
static void test_deadlines(void **state)
{
    (void)state;
    static const char *const timeouts[] = { "2S", "2000m", "2000000u",   "99999999H", "0S",
                                            "12", "S",     "123456789S", "-1S",       "2x" };
    enum { IN_TIME = 3 }; /* from this one on */
    struct admission *admission = admission_create(IN_FLIGHT_BYTES_MAX);
    struct grpc_options options = { .message_bytes_max = MESSAGE_BYTES_MAX, .streams_max = 20 };
    struct grpc_session *session = grpc_session_create(admission, &options, NULL, 0);
    struct client client = { 0 };
    client.http = client_http(&client);
    struct reply whole[COUNT_OF(timeouts)] = { 0 }, half = { .is_left_open = true };
    struct grpc_request *requests[COUNT_OF(timeouts)];
    struct bytes message = message_of(0, BYTES("x"));
    for (size_t i = 0; i < COUNT_OF(timeouts); i++) {
        const char *const extra[] = { "grpc-timeout", timeouts[i], NULL };
        call_begin(&client, &whole[i], "/echo", message, extra);
    }
    const char *const short_one[] = { "grpc-timeout", "1500m", NULL };
    call_begin(&client, &half, "/echo", BYTES("\0\0"), short_one);
    for (uint64_t second = 0; second < 4; second++) {
        const uint8_t *ptr;
        uint8_t out[65536];
        ssize_t len;
        while ((len = nghttp2_session_mem_send(client.http, &ptr)) > 0) {
            grpc_session_feed(session, bytes_from(ptr, (size_t)len), second * SECOND_NS);
        }
        for (size_t i = 0; second == 0 && i < COUNT_OF(timeouts); i++) {
            requests[i] = grpc_session_next(session);
            assert_non_null(requests[i]);
        }
        if (second < 3) grpc_session_tick(session, second * SECOND_NS);
        if (second == 3) { /* no tick has come yet: the answer itself sees that it is late */
            grpc_session_feed(session, BYTES("\0\0\4\x8\0\0\0\0\0\0\0\0\1"), second * SECOND_NS);
            for (size_t i = 0; i < COUNT_OF(timeouts); i++) {
                assert_true(bytes_equal(requests[i]->body, BYTES("x")));
                grpc_call_set_answer(requests[i], NULL, requests[i]->body, 0);
                (void)grpc_call_apply(requests[i]);
            }
        }
        size_t filled = grpc_session_fill(session, out, sizeof out);
        assert_int_equal(nghttp2_session_mem_recv(client.http, out, filled), filled);
        if (second == 1) assert_false(half.is_closed);
        if (second == 2) assert_int_equal(half.grpc_status, 4);
        if (second == 2) assert_false(whole[0].is_closed);
    }
    for (size_t i = 0; i < COUNT_OF(timeouts); i++) {
        assert_int_equal(whole[i].grpc_status, i < IN_TIME ? 4 : 0);
        free(whole[i].body);
    }
    free((void *)(uintptr_t)message.ptr);
    grpc_session_destroy(session);
    nghttp2_session_del(client.http);
    assert_int_equal(admission->requests, 0);
    assert_int_equal(admission->bytes, 0);
    admission_release(admission);
}

/* ---- calls that stream ---- */

struct pair {
    struct admission *admission;
    struct grpc_session *session;
    struct client client;
    uint64_t now_mono_ns;
    uint32_t half_closed_count;
};

/* "echo": each message n times, n its first digit; "end" finishes; "fail" finishes with an error. */
static void echo_on(void *ctx, struct grpc_stream *stream, struct bytes message)
{
    struct err err = { 0 };
    (void)ctx;
    if (bytes_equal(message, BYTES("end"))) grpc_stream_finish(stream, NULL);
    if (bytes_equal(message, BYTES("fail"))) {
        err_set(&err, ERR_NOT_FOUND, "could not find it: 100%%");
        grpc_stream_finish(stream, &err);
    }
    int count = message.len > 0 ? message.ptr[0] - '0' : 1;
    for (int i = 0; i < count; i++) grpc_stream_send(stream, message); /* without effect once it is finished */
}

static void half_closed_on(void *ctx, struct grpc_stream *stream)
{
    struct pair *pair = ctx;
    pair->half_closed_count++;
    if (!bytes_equal(stream->method, BYTES("Stay"))) grpc_stream_finish(stream, NULL);
}

static void pair_open(struct pair *pair, const struct grpc_service *service)
{
    struct grpc_service echo = { .name = "test.Echo", .message = echo_on, .half_closed = half_closed_on, .ctx = pair };
    struct grpc_options options = {
        .message_bytes_max = MESSAGE_BYTES_MAX,
        .streams_max = 20,
        .services = service == NULL ? &echo : service,
        .service_count = 1,
    };
    static struct grpc_service kept; /* while the session lives */
    kept = *options.services;
    options.services = &kept;
    *pair = (struct pair){ .admission = admission_create(IN_FLIGHT_BYTES_MAX) };
    pair->session = grpc_session_create(pair->admission, &options, NULL, 0);
    pair->client.http = client_http(&pair->client);
}

/* Both sides say all that they have to. */
static void pair_turn(struct pair *pair)
{
    const uint8_t *ptr;
    uint8_t out[65536];
    for (bool is_done = false; !is_done;) {
        is_done = true;
        for (ssize_t len; (len = nghttp2_session_mem_send(pair->client.http, &ptr)) > 0; is_done = false)
            grpc_session_feed(pair->session, bytes_from(ptr, (size_t)len), pair->now_mono_ns);
        for (size_t len; (len = grpc_session_fill(pair->session, out, sizeof out)) > 0; is_done = false)
            assert_int_equal(nghttp2_session_mem_recv(pair->client.http, out, len), len);
    }
}

static void pair_say(struct pair *pair, struct reply *reply, struct bytes bytes)
{
    reply->unsent = bytes;
    assert_int_equal(nghttp2_session_resume_data(pair->client.http, reply->stream_id), 0);
    pair_turn(pair);
}

static void pair_end(struct pair *pair, struct reply *reply)
{
    reply->is_left_open = false;
    pair_say(pair, reply, BYTES(""));
}

static void pair_second(struct pair *pair, int seconds)
{
    for (; seconds > 0; seconds--) {
        pair->now_mono_ns += SECOND_NS;
        grpc_session_tick(pair->session, pair->now_mono_ns);
        pair_turn(pair);
    }
}

static void pair_close(struct pair *pair)
{
    grpc_session_destroy(pair->session);
    nghttp2_session_del(pair->client.http);
    assert_int_equal(pair->admission->requests, 0);
    assert_int_equal(pair->admission->bytes, 0);
    admission_release(pair->admission);
}

static void assert_body(struct reply *reply, struct bytes expected)
{
    assert_int_equal(reply->body_len, expected.len);
    if (expected.len > 0) assert_memory_equal(reply->body, expected.ptr, expected.len);
    free(reply->body);
    reply->body = NULL;
    reply->body_len = 0;
}

/* Goal: each message is answered as it comes, by none, one or many, however its bytes are cut, until either side ends.
 * Method: an echo that says n times what it hears; whole, byte by byte, two in one; an end by us, an error, an end by it. */
static void test_stream(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, NULL);
    struct reply reply = { .is_left_open = true };
    call_begin(&pair.client, &reply, "/test.Echo/Say", BYTES(""), NULL);
    pair_turn(&pair);
    assert_int_equal(reply.http_status, -1); /* nothing to say yet */
    pair_say(&pair, &reply,
             BYTES("\0\0\0\0\2"
                   "2a"));
    assert_int_equal(reply.http_status, 200);
    assert_body(&reply, BYTES("\0\0\0\0\2"
                              "2a"
                              "\0\0\0\0\2"
                              "2a"));
    struct bytes slow = BYTES("\0\0\0\0\3"
                              "1bc");
    for (size_t i = 0; i < slow.len; i++) pair_say(&pair, &reply, bytes_from(slow.ptr + i, 1));
    assert_body(&reply, slow);
    pair_say(&pair, &reply,
             BYTES("\0\0\0\0\2"
                   "0x"
                   "\0\0\0\0\0"
                   "\0\0\0\0\1"
                   "1"
                   "\0\0"));
    assert_body(&reply, BYTES("\0\0\0\0\0"
                              "\0\0\0\0\1"
                              "1"));
    pair_say(&pair, &reply,
             BYTES("\0\0\4"
                   "fail"
                   "\0\0\0\0\1"
                   "1"));
    assert_true(reply.is_closed);
    assert_int_equal(reply.grpc_status, 5);
    assert_string_equal(reply.message, "could not find it: 100%25");
    assert_int_equal(reply.body_len, 0);

    struct reply ended = { .is_left_open = true }, silent = { 0 }, refused = { .is_left_open = true };
    call_begin(&pair.client, &ended, "/test.Echo/Say",
               BYTES("\0\0\0\0\1"
                     "1"
                     "\0\0\0\0\3"
                     "end"),
               NULL);
    call_begin(&pair.client, &silent, "/test.Echo/Say", BYTES(""), NULL);
    call_begin(&pair.client, &refused, "/test.Echo/Say",
               BYTES("\0\0\0\0\4"
                     "fail"),
               NULL);
    pair_turn(&pair);
    assert_int_equal(ended.grpc_status, 0);
    assert_body(&ended, BYTES("\0\0\0\0\1"
                              "1"));
    assert_int_equal(silent.grpc_status, 0);
    assert_body(&silent, BYTES(""));
    assert_int_equal(refused.grpc_status, 5);
    struct reply asked = { .is_left_open = true };
    call_begin(&pair.client, &asked, "/test.Echo/Say",
               BYTES("\0\0\0\0\1"
                     "1"),
               NULL);
    pair_turn(&pair);
    assert_false(asked.is_closed);
    pair_end(&pair, &asked);
    assert_int_equal(asked.grpc_status, 0);
    assert_body(&asked, BYTES("\0\0\0\0\1"
                              "1"));
    assert_int_equal(pair.half_closed_count, 2);
    assert_null(grpc_session_next(pair.session)); /* none of it is the handler's */
    pair_close(&pair);
}

/* Goal: what a stream's client does wrong ends its call with a status; other services and paths are not touched.
 * Method: a compressed message, one too large, one cut short; names that only begin like the service's. */
static void test_stream_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        struct bytes bytes;
        int grpc_status;
    } rules[] = {
        { "/test.Echo/Say", BYTES("\1\0\0\0\1x"), 12 },
        { "/test.Echo/Say", BYTES("\0\0\1\0\1"), 8 },
        { "/test.Echo/Say", BYTES("\0\xFF\xFF\xFF\xFF"), 8 },
        { "/test.Echo/Say",
          BYTES("\0\0\0\0\2"
                "1"),
          3 },
        { "/test.Echo/Say", BYTES("\0\0"), 3 },
        { "/test.Echoes/Say", BYTES("\0\0\0\0\0"), -1 },
        { "/test.Ech/Say", BYTES("\0\0\0\0\0"), -1 },
        { "/test.Echo", BYTES("\0\0\0\0\0"), -1 },
    };
    struct pair pair;
    pair_open(&pair, NULL);
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct reply reply = { 0 };
        call_begin(&pair.client, &reply, rules[i].path, rules[i].bytes, NULL);
        pair_turn(&pair);
        if (reply.grpc_status != rules[i].grpc_status)
            fail_msg("rule %zu: %d, %s", i, reply.grpc_status, reply.message);
        struct grpc_request *request = grpc_session_next(pair.session);
        assert_true((request != NULL) == (rules[i].grpc_status == -1));
        if (request == NULL) continue;
        struct err err = { .code = ERR_UNSUPPORTED };
        grpc_call_set_answer(request, &err, BYTES(""), 0);
        assert_ptr_equal(grpc_call_apply(request), pair.session);
        pair_turn(&pair);
        assert_int_equal(reply.grpc_status, 12);
    }
    pair_close(&pair);
}

/* Goal: a client that asks and does not read is stopped at 1 MiB of answers, and what is held is counted.
 * Method: windows of 0; messages of 60,000 bytes that are answered 9 times each. */
static void test_stream_that_is_not_read(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, NULL);
    nghttp2_settings_entry no_window = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0 };
    assert_int_equal(nghttp2_submit_settings(pair.client.http, 0, &no_window, 1), 0);
    struct reply reply = { .is_left_open = true };
    static uint8_t payload[60000] = { '9' };
    struct bytes message = message_of(0, bytes_from(payload, sizeof payload));
    call_begin(&pair.client, &reply, "/test.Echo/Say", message, NULL);
    pair_turn(&pair);
    assert_false(reply.is_closed);
    assert_in_range(pair.admission->bytes, 540000, 640000);
    pair_say(&pair, &reply, message);
    pair_say(&pair, &reply, message);
    assert_in_range(pair.admission->bytes, 900000, 1200000);
    no_window.value = 4 << 20;
    assert_int_equal(nghttp2_submit_settings(pair.client.http, 0, &no_window, 1), 0);
    nghttp2_session_set_local_window_size(pair.client.http, 0, 0, 4 << 20);
    pair_turn(&pair);
    assert_int_equal(reply.grpc_status, 8); /* after the 17 that were kept */
    assert_int_equal(reply.body_len, 17 * message.len);
    free(reply.body);
    free((void *)(uintptr_t)message.ptr);
    pair_close(&pair);
}

/* Goal: streams end: at their deadline, after five silent minutes, unread for one, and with their connection; but one whose
 * client has said all it will may stay for ever. Method: one of each, by the clock; then a drain. */
static void test_stream_time(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, NULL);
    static const char *const timeout[] = { "grpc-timeout", "5S", NULL };
    struct reply late = { .is_left_open = true }, silent = { .is_left_open = true }, staying = { 0 };
    call_begin(&pair.client, &late, "/test.Echo/Say",
               BYTES("\0\0\0\0\1"
                     "1"),
               timeout);
    call_begin(&pair.client, &silent, "/test.Echo/Say", BYTES(""), NULL);
    call_begin(&pair.client, &staying, "/test.Echo/Stay",
               BYTES("\0\0\0\0\1"
                     "1"),
               NULL);
    pair_turn(&pair);
    pair_second(&pair, 5);
    assert_int_equal(late.grpc_status, -1);
    pair_second(&pair, 1);
    assert_int_equal(late.grpc_status, 4);
    assert_body(&late, BYTES("\0\0\0\0\1"
                             "1"));
    pair_second(&pair, 294);
    assert_int_equal(silent.grpc_status, -1);
    pair_second(&pair, 2);
    assert_int_equal(silent.grpc_status, 4);
    pair_second(&pair, 1000);
    assert_false(staying.is_closed);
    grpc_session_drain(pair.session, true, pair.now_mono_ns);
    pair_turn(&pair);
    assert_int_equal(staying.grpc_status, 14);
    assert_true(pair.client.has_goaway);
    assert_body(&staying, BYTES("\0\0\0\0\1"
                                "1"));
    pair_close(&pair);
}

/* Goal: Check tells the state of the server and of each service; Watch tells each change, also the last before a drain;
 * List tells all. Method: the messages as protobuf has them, through a session. */
static void test_health(void **state)
{
    (void)state;
    static const char *const names[] = { "a.B", "c.D" };
    struct grpc_health *health = grpc_health_create(names, COUNT_OF(names));
    struct grpc_service service = grpc_health_service(health);
    struct pair pair;
    pair_open(&pair, &service);
    static const struct {
        const char *path;
        struct bytes message, answer;
        int grpc_status;
    } rules[] = {
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\0"), BYTES("\0\0\0\0\2\x08\2"), 0 },
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\5\x0A\3a.B"), BYTES("\0\0\0\0\2\x08\2"), 0 },
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\5\x0A\3a.C"), BYTES(""), 5 },
        { "/grpc.health.v1.Health/Check", BYTES("\0\0\0\0\5\x0A\4a.C"), BYTES(""), 3 },
        { "/grpc.health.v1.Health/Check", BYTES(""), BYTES(""), 12 },
        { "/grpc.health.v1.Health/Ask", BYTES("\0\0\0\0\0"), BYTES(""), 12 },
        { "/grpc.health.v1.Health/List", BYTES("\0\0\0\0\0"),
          BYTES("\0\0\0\0\x1e"
                "\x0A\6\x0A\0\x12\2\x08\2"
                "\x0A\x09\x0A\3a.B\x12\2\x08\2"
                "\x0A\x09\x0A\3c.D\x12\2\x08\2"),
          0 },
    };
    for (size_t i = 0; i < COUNT_OF(rules); i++) {
        struct reply reply = { 0 };
        call_begin(&pair.client, &reply, rules[i].path, rules[i].message, NULL);
        pair_turn(&pair);
        if (reply.grpc_status != rules[i].grpc_status)
            fail_msg("rule %zu: %d, %s", i, reply.grpc_status, reply.message);
        assert_body(&reply, rules[i].answer);
    }
    struct reply known = { 0 }, unknown = { 0 };
    call_begin(&pair.client, &known, "/grpc.health.v1.Health/Watch", BYTES("\0\0\0\0\5\x0A\3c.D"), NULL);
    call_begin(&pair.client, &unknown, "/grpc.health.v1.Health/Watch", BYTES("\0\0\0\0\5\x0A\3e.F"), NULL);
    pair_turn(&pair);
    assert_body(&known, BYTES("\0\0\0\0\2\x08\2"));
    assert_body(&unknown, BYTES("\0\0\0\0\2\x08\3"));
    pair_second(&pair, 3);
    assert_int_equal(known.body_len, 0);
    grpc_health_set(health, true);
    pair_second(&pair, 2);
    assert_body(&known, BYTES("\0\0\0\0\2\x08\1"));
    grpc_health_set(health, false);
    grpc_session_drain(pair.session, true, pair.now_mono_ns);
    pair_turn(&pair);
    assert_body(&known, BYTES("\0\0\0\0\2\x08\2"));
    assert_body(&unknown, BYTES(""));
    assert_int_equal(known.grpc_status, 14);
    pair_close(&pair);
    grpc_health_destroy(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_that_does_not_come),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_mistakes),
        cmocka_unit_test(test_stream_that_is_not_read),
        cmocka_unit_test(test_stream_time),
        cmocka_unit_test(test_health),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
