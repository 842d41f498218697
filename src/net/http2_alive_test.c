/* How a gRPC connection ends without an error, and how a peer that is gone is noticed: frame by frame into a session without
 * a socket, with a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/grpc_session.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY };
enum { END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, FRAMES_MAX = 20, ALL_STREAMS = 0x7FFFFFFF };
static const uint64_t SECOND_NS = 1000000000;

struct frame {
    uint8_t type, flags, payload[16]; /* as much of it as fits */
};

struct peer {
    struct admission *admission;
    struct grpc_session *session;
    uint64_t second;                 /* now */
    struct frame frames[FRAMES_MAX]; /* that came since the last peer_hear, HEADERS and DATA left out */
    size_t frame_count;
};

static void frame_send(struct peer *peer, uint8_t type, uint8_t flags, uint8_t stream, struct bytes payload)
{
    uint8_t frame[400] = { [2] = (uint8_t)payload.len, type, flags, [8] = stream };
    assert_true(payload.len < 256);
    if (payload.len > 0) memcpy(frame + 9, payload.ptr, payload.len);
    grpc_session_feed(peer->session, bytes_from(frame, 9 + payload.len), peer->second * SECOND_NS);
}

static void peer_hear(struct peer *peer)
{
    uint8_t out[20000];
    size_t len = grpc_session_fill(peer->session, out, sizeof out);
    peer->frame_count = 0;
    for (size_t at = 0; at < len;) {
        size_t payload_len = (size_t)out[at] << 16 | (size_t)out[at + 1] << 8 | out[at + 2];
        struct frame frame = { out[at + 3], out[at + 4], { 0 } };
        memcpy(frame.payload, out + at + 9, payload_len < sizeof frame.payload ? payload_len : sizeof frame.payload);
        at += 9 + payload_len;
        assert_true(at <= len && peer->frame_count < FRAMES_MAX);
        if (frame.type != HEADERS && frame.type != DATA) peer->frames[peer->frame_count++] = frame;
    }
}

static void peer_open(struct peer *peer)
{
    *peer = (struct peer){ .admission = admission_create(16 << 20), .second = 100 };
    struct grpc_options options = { .message_bytes_max = 1 << 20, .streams_max = 100 };
    peer->session = grpc_session_create(peer->admission, &options, NULL, peer->second * SECOND_NS);
    grpc_session_feed(peer->session, BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), peer->second * SECOND_NS);
    frame_send(peer, SETTINGS, 0, 0, BYTES(""));
    frame_send(peer, SETTINGS, ACK, 0, BYTES(""));
    peer_hear(peer);
}

static void peer_close(struct peer *peer)
{
    grpc_session_destroy(peer->session);
    assert_int_equal(peer->admission->requests, 0);
    admission_release(peer->admission);
}

static void call_send(struct peer *peer, uint8_t stream)
{
    static const struct bytes block =
        BYTES("\x83\x86\0\5:path\5/echo\0\12:authority\1x\0\14content-type\20application/grpc");
    frame_send(peer, HEADERS, END_HEADERS, stream, block);
    frame_send(peer, DATA, END_STREAM, stream, BYTES("\0\0\0\0\2hi"));
}

static void assert_goaway(const struct frame *frame, uint32_t stream_last)
{
    assert_int_equal(frame->type, GOAWAY);
    uint32_t last = (uint32_t)frame->payload[0] << 24 | (uint32_t)frame->payload[1] << 16 |
                    (uint32_t)frame->payload[2] << 8 | frame->payload[3];
    assert_int_equal(last, stream_last);
    assert_int_equal(frame->payload[7], 0); /* NO_ERROR */
}

static void answer(struct grpc_request *request)
{
    grpc_call_set_answer(request, NULL, BYTES("ok"), 0);
    (void)grpc_call_apply(request);
}

/* Goal: who is asked to leave loses no call. Method: a call before the first GOAWAY, one that was on its way when it was
 * sent, and one after the second, which is not ours any more: its client sends it elsewhere. */
static void test_leaves_in_two_steps(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    call_send(&peer, 1);
    struct grpc_request *first = grpc_session_next(peer.session);
    assert_non_null(first);
    grpc_session_drain(peer.session, false, peer.second * SECOND_NS);
    grpc_session_drain(peer.session, false, peer.second * SECOND_NS); /* twice is once */
    peer_hear(&peer);
    assert_int_equal(peer.frame_count, 2);
    assert_int_equal(peer.frames[0].type == PING ? peer.frames[1].type : peer.frames[0].type, GOAWAY);
    struct frame *goaway = &peer.frames[peer.frames[0].type == PING], *ping = &peer.frames[peer.frames[0].type != PING];
    assert_goaway(goaway, ALL_STREAMS);
    assert_int_equal(ping->type, PING);
    answer(first);
    peer_hear(&peer);
    assert_false(grpc_session_is_over(peer.session)); /* though no call is left */

    call_send(&peer, 3);
    struct grpc_request *second = grpc_session_next(peer.session);
    assert_non_null(second);
    frame_send(&peer, PING, ACK, 0, BYTES("whatever")); /* an answer, but not to ours */
    peer_hear(&peer);
    assert_int_equal(peer.frame_count, 0);
    frame_send(&peer, PING, ACK, 0, bytes_from(ping->payload, 8));
    peer_hear(&peer);
    assert_int_equal(peer.frame_count, 1);
    assert_goaway(&peer.frames[0], 3);

    call_send(&peer, 5);
    assert_null(grpc_session_next(peer.session));
    assert_false(grpc_session_is_over(peer.session)); /* one is still with us */
    answer(second);
    peer_hear(&peer);
    assert_true(grpc_session_is_over(peer.session));
    peer_close(&peer);
}

/* Goal: a client that does not answer the PING cannot stay for it. Method: a drain, and seconds that pass. */
static void test_leaves_without_an_answer(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    grpc_session_drain(peer.session, false, peer.second * SECOND_NS);
    while (++peer.second <= 105) grpc_session_tick(peer.session, peer.second * SECOND_NS);
    peer_hear(&peer);
    assert_false(grpc_session_is_over(peer.session));
    grpc_session_tick(peer.session, peer.second * SECOND_NS);
    peer_hear(&peer);
    assert_int_equal(peer.frame_count, 1);
    assert_goaway(&peer.frames[0], 0);
    assert_true(grpc_session_is_over(peer.session));
    peer_close(&peer);
}

/* Goal: when the server ends there is one GOAWAY, also in the middle of a drain; who never spoke is just let go. */
static void test_leaves_at_once(void **state)
{
    (void)state;
    struct peer peer;
    for (int is_late = 0; is_late < 2; is_late++) {
        peer_open(&peer);
        call_send(&peer, 1);
        struct grpc_request *request = grpc_session_next(peer.session);
        if (is_late) grpc_session_drain(peer.session, false, peer.second * SECOND_NS);
        peer_hear(&peer);
        grpc_session_drain(peer.session, true, peer.second * SECOND_NS);
        grpc_session_drain(peer.session, true, peer.second * SECOND_NS);
        peer_hear(&peer);
        assert_int_equal(peer.frame_count, 1);
        assert_goaway(&peer.frames[0], 1);
        assert_false(grpc_session_is_over(peer.session));
        answer(request);
        peer_hear(&peer);
        assert_true(grpc_session_is_over(peer.session));
        peer_close(&peer);
    }
    struct admission *admission = admission_create(1 << 20);
    struct grpc_options options = { .message_bytes_max = 1 << 20, .streams_max = 100 };
    uint8_t out[100];
    struct grpc_session *session = grpc_session_create(admission, &options, NULL, 0);
    grpc_session_drain(session, false, 0);
    assert_int_equal(grpc_session_fill(session, out, sizeof out), 0);
    assert_true(grpc_session_is_over(session));
    grpc_session_destroy(session);
    admission_release(admission);
}

/* Goal: a quiet peer is asked whether it is there; any byte says yes, silence ends the connection.
 * Method: second by second; the first PING is answered, the second is not. */
static void test_quiet_peer(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    uint64_t pinged_seconds[3] = { 0 }, gone_second = 0;
    size_t ping_count = 0;
    for (peer.second = 101; peer.second < 220 && gone_second == 0; peer.second++) {
        grpc_session_tick(peer.session, peer.second * SECOND_NS);
        peer_hear(&peer);
        if (peer.frame_count > 0) {
            assert_int_equal(peer.frames[0].type, PING);
            assert_true(ping_count < COUNT_OF(pinged_seconds));
            pinged_seconds[ping_count++] = peer.second;
            if (ping_count == 1) frame_send(&peer, PING, ACK, 0, bytes_from(peer.frames[0].payload, 8));
        }
        if (grpc_session_is_over(peer.session)) gone_second = peer.second;
    }
    assert_int_equal(ping_count, 2);
    assert_int_equal(pinged_seconds[0], 131);
    assert_int_equal(pinged_seconds[1], 162);
    assert_int_equal(gone_second, 183);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_in_two_steps),
        cmocka_unit_test(test_leaves_without_an_answer),
        cmocka_unit_test(test_leaves_at_once),
        cmocka_unit_test(test_quiet_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
