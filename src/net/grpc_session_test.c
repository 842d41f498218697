/* gRPC's session without a socket, with a clock of the test's own: time limits, deadlines, and calls that stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/grpc_pair.h"

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
    uint32_t *count = ctx;
    ++*count;
    if (!bytes_equal(stream->method, BYTES("Stay"))) grpc_stream_finish(stream, NULL);
}

static struct grpc_service echo_service(uint32_t *half_closed_count)
{
    return (struct grpc_service){
        .name = "test.Echo", .message = echo_on, .half_closed = half_closed_on, .ctx = half_closed_count
    };
}

/* Goal: each message is answered as it comes, by none, one or many, however its bytes are cut, until either side ends.
 * Method: an echo that says n times what it hears; whole, byte by byte, two in one; an end by us, an error, an end by it. */
static void test_stream(void **state)
{
    (void)state;
    struct pair pair;
    uint32_t half_closed_count = 0;
    struct grpc_service echo = echo_service(&half_closed_count);
    pair_open(&pair, &echo);
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
    assert_int_equal(half_closed_count, 2);
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
    uint32_t half_closed_count = 0;
    struct grpc_service echo = echo_service(&half_closed_count);
    pair_open(&pair, &echo);
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
    uint32_t half_closed_count = 0;
    struct grpc_service echo = echo_service(&half_closed_count);
    pair_open(&pair, &echo);
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
    uint32_t half_closed_count = 0;
    struct grpc_service echo = echo_service(&half_closed_count);
    pair_open(&pair, &echo);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_that_does_not_come),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_mistakes),
        cmocka_unit_test(test_stream_that_is_not_read),
        cmocka_unit_test(test_stream_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
