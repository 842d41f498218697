/* Clients that make us work by HTTP/2 itself, frame by frame into a session without a socket: each is told to calm down, in
 * words, before it has cost much; what a busy but honest client does is never taken for that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/grpc_session.h"

enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION };
enum { END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4 };
enum { NO_ERROR = 0, PROTOCOL_ERROR = 1, REFUSED_STREAM = 7, ENHANCE_YOUR_CALM = 11 };
enum { STREAMS_MAX = 100, KEPT_MAX = 200 };
static const uint64_t SECOND_NS = 1000000000;

struct peer {
    struct admission *admission;
    struct grpc_session *session;
    uint64_t now_mono_ns;
    uint32_t stream; /* last opened */
    bool keeps_calls;
    struct grpc_request *kept[KEPT_MAX];
    uint32_t kept_count, answered_count;
    /* of what came back */
    uint8_t *in;
    size_t in_len;
    uint32_t frame_count[10], data_bytes, refused_count;
    uint32_t goaway_code;
    char goaway_text[100];
};

static void frames_read(struct peer *peer)
{
    size_t at = 0;
    while (peer->in_len - at >= 9) {
        const uint8_t *head = peer->in + at, *payload = head + 9;
        size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (peer->in_len - at - 9 < len) break;
        at += 9 + len;
        assert_in_range(head[3], DATA, CONTINUATION);
        peer->frame_count[head[3]]++;
        if (head[3] == DATA) peer->data_bytes += (uint32_t)len;
        if (head[3] == RST_STREAM && payload[3] == REFUSED_STREAM) peer->refused_count++;
        if (head[3] != GOAWAY) continue;
        peer->goaway_code = payload[7];
        snprintf(peer->goaway_text, sizeof peer->goaway_text, "%.*s", (int)(len - 8), (const char *)payload + 8);
    }
    memmove(peer->in, peer->in + at, peer->in_len - at);
    peer->in_len -= at;
}

/* All calls are answered at once, or kept; all that is to be sent is read. */
static void peer_turn(struct peer *peer)
{
    struct grpc_request *request;
    uint8_t out[16384];
    size_t len;
    while ((request = grpc_session_next(peer->session)) != NULL) {
        if (peer->keeps_calls) {
            assert_true(peer->kept_count < KEPT_MAX);
            peer->kept[peer->kept_count++] = request;
            continue;
        }
        grpc_call_set_answer(request, NULL, BYTES("ok"), 0);
        (void)grpc_call_apply(request);
        peer->answered_count++;
    }
    while ((len = grpc_session_fill(peer->session, out, sizeof out)) > 0) {
        peer->in = mem_realloc(peer->in, peer->in_len + len);
        memcpy(peer->in + peer->in_len, out, len);
        peer->in_len += len;
    }
    frames_read(peer);
}

static void peer_send(struct peer *peer, struct bytes bytes)
{
    grpc_session_feed(peer->session, bytes, peer->now_mono_ns);
    peer_turn(peer);
}

static void frame_send(struct peer *peer, uint8_t type, uint8_t flags, uint32_t stream, struct bytes payload)
{
    uint8_t *frame = mem_alloc(9 + payload.len);
    const uint8_t head[9] = {
        (uint8_t)(payload.len >> 16), (uint8_t)(payload.len >> 8), (uint8_t)payload.len,   type,           flags,
        (uint8_t)(stream >> 24),      (uint8_t)(stream >> 16),     (uint8_t)(stream >> 8), (uint8_t)stream
    };
    memcpy(frame, head, 9);
    if (payload.len > 0) memcpy(frame + 9, payload.ptr, payload.len);
    peer_send(peer, bytes_from(frame, 9 + payload.len));
    free(frame);
}

static size_t literal_put(uint8_t *out, const char *name, const char *value)
{
    size_t name_len = strlen(name), value_len = strlen(value), at = 0;
    assert_true(name_len < 127 && value_len < 127);
    out[at++] = 0; /* literal, not indexed */
    out[at++] = (uint8_t)name_len;
    memcpy(out + at, name, name_len);
    at += name_len;
    out[at++] = (uint8_t)value_len;
    memcpy(out + at, value, value_len);
    return at + value_len;
}

static struct bytes request_block(uint8_t out[300])
{
    size_t at = literal_put(out, ":method", "POST");
    at += literal_put(out + at, ":scheme", "http");
    at += literal_put(out + at, ":path", "/echo");
    at += literal_put(out + at, ":authority", "x");
    at += literal_put(out + at, "content-type", "application/grpc");
    return bytes_from(out, at);
}

/* The head of a call; its stream. */
static uint32_t call_open(struct peer *peer)
{
    uint8_t block[300];
    peer->stream += peer->stream == 0 ? 1 : 2;
    frame_send(peer, HEADERS, END_HEADERS, peer->stream, request_block(block));
    return peer->stream;
}

static void call_whole(struct peer *peer)
{
    uint32_t stream = call_open(peer);
    frame_send(peer, DATA, END_STREAM, stream, BYTES("\0\0\0\0\2hi"));
}

static void peer_open(struct peer *peer)
{
    *peer = (struct peer){ .admission = admission_create(16 << 20) };
    struct grpc_options options = { .message_bytes_max = 1 << 20, .streams_max = STREAMS_MAX };
    peer->session = grpc_session_create(peer->admission, &options, NULL, 0);
    peer_send(peer, BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    frame_send(peer, SETTINGS, 0, 0, BYTES(""));
    frame_send(peer, SETTINGS, ACK, 0, BYTES(""));
}

static void peer_close(struct peer *peer)
{
    grpc_session_destroy(peer->session);
    while (peer->kept_count > 0) {
        struct grpc_request *request = peer->kept[--peer->kept_count];
        grpc_call_set_answer(request, NULL, BYTES("late"), 0);
        assert_null(grpc_call_apply(request));
    }
    assert_int_equal(peer->admission->requests, 0);
    assert_int_equal(peer->admission->bytes, 0);
    admission_release(peer->admission);
    free(peer->in);
}

static bool is_cut(const struct peer *peer)
{
    return peer->frame_count[GOAWAY] > 0;
}

/* ---- the floods ---- */

static void ping(struct peer *peer)
{
    frame_send(peer, PING, 0, 0, BYTES("12345678"));
}
static void ping_answer(struct peer *peer)
{
    frame_send(peer, PING, ACK, 0, BYTES("12345678"));
}
static void settings(struct peer *peer)
{
    frame_send(peer, SETTINGS, 0, 0, BYTES("\0\2\0\0\0\0"));
}
static void rapid_reset(struct peer *peer)
{
    frame_send(peer, RST_STREAM, 0, call_open(peer), BYTES("\0\0\0\x8"));
}
/* A window of more than 2^31 makes us reset the stream. */
static void made_reset(struct peer *peer)
{
    frame_send(peer, WINDOW_UPDATE, 0, call_open(peer), BYTES("\x7F\xFF\xFF\xFF"));
}
static void window_update(struct peer *peer)
{
    frame_send(peer, WINDOW_UPDATE, 0, 0, BYTES("\0\0\0\x10"));
}
static void priority(struct peer *peer)
{
    frame_send(peer, PRIORITY, 0, 1001, BYTES("\0\0\0\0\x10"));
}
static void unknown(struct peer *peer)
{
    frame_send(peer, 0x77, 0, 0, BYTES("what is this"));
}
static void empty_data(struct peer *peer)
{
    if (peer->stream == 0) (void)call_open(peer);
    frame_send(peer, DATA, 0, peer->stream, BYTES(""));
}
/* A message of 1 MiB, byte by byte. */
static void byte_data(struct peer *peer)
{
    if (peer->stream == 0) {
        (void)call_open(peer);
        frame_send(peer, DATA, 0, peer->stream, BYTES("\0\0\x10\0\0"));
    }
    frame_send(peer, DATA, 0, peer->stream, BYTES("x"));
}
static void continuation(struct peer *peer)
{
    if (peer->stream == 0) frame_send(peer, HEADERS, 0, peer->stream = 1, BYTES("\x83"));
    frame_send(peer, CONTINUATION, 0, 1, BYTES("\0\1a\1b"));
}
static void empty_continuation(struct peer *peer)
{
    if (peer->stream == 0) frame_send(peer, HEADERS, 0, peer->stream = 1, BYTES(""));
    frame_send(peer, CONTINUATION, 0, 1, BYTES(""));
}
static void large_block(struct peer *peer)
{
    static uint8_t block[100000];
    memset(block, 0x83, sizeof block); /* :method POST, over and over */
    frame_send(peer, HEADERS, END_HEADERS, peer->stream = 1, bytes_from(block, sizeof block));
}
/* 4 KB go into the dynamic table once, and are named 60,000 times by a byte. */
static void header_bomb(struct peer *peer)
{
    static uint8_t block[64000];
    uint8_t start[300];
    struct bytes request = request_block(start);
    memcpy(block, request.ptr, request.len);
    size_t at = request.len;
    block[at++] = 0x40; /* literal, into the table */
    block[at++] = 1;
    block[at++] = 'b';
    block[at++] = 0x7F; /* 127 + 3873: 4,000 bytes */
    block[at++] = 0x80 | (3873 & 0x7F);
    block[at++] = 3873 >> 7;
    memset(block + at, 'x', 4000);
    at += 4000;
    memset(block + at, 0x80 | 62, sizeof block - at);
    frame_send(peer, HEADERS, END_HEADERS, peer->stream = 1, bytes_from(block, sizeof block));
}
/* Blocks for streams that are refused are unfolded all the same: their bytes are counted. */
static void many_blocks(struct peer *peer)
{
    static uint8_t block[60000];
    uint8_t start[300];
    peer->keeps_calls = true;
    while (peer->kept_count < STREAMS_MAX) {
        call_whole(peer);
        frame_send(peer, RST_STREAM, 0, peer->stream, BYTES("\0\0\0\x8"));
    }
    struct bytes request = request_block(start);
    memcpy(block, request.ptr, request.len);
    memset(block + request.len, 0x80 | 16, sizeof block - request.len); /* accept-encoding, static */
    frame_send(peer, HEADERS, END_HEADERS, peer->stream += 2, bytes_from(block, sizeof block));
}

/* Goal: each flood ends by GOAWAY with its reason after a known number of frames, and not a frame is looked at after it.
 * Method: send until the GOAWAY; then a whole call, which must not arrive. */
static void test_floods(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*send)(struct peer *);
        uint32_t at_least, at_most;
        const char *text;
    } floods[] = {
        { "ping", ping, 1000, 1001, "too_many_pings" },
        { "ping acknowledged", ping_answer, 1000, 1001, "too_many_pings" },
        { "settings", settings, 90, 100, "too many SETTINGS frames" },
        { "rapid reset", rapid_reset, 1000, 1001, "too many streams were reset" },
        { "made reset", made_reset, 1000, 1002, "too many streams were reset" },
        { "window update", window_update, 5000, 5001, "too many WINDOW_UPDATE, PRIORITY or unknown frames" },
        { "priority", priority, 5000, 5001, "too many WINDOW_UPDATE, PRIORITY or unknown frames" },
        { "unknown frames", unknown, 5000, 5001, "too many WINDOW_UPDATE, PRIORITY or unknown frames" },
        { "empty DATA", empty_data, 1000, 1001, "too many empty frames" },
        { "one byte DATA", byte_data, 20000, 20001, "too many small DATA frames" },
        { "CONTINUATION", continuation, 9, 9, "too many CONTINUATION frames" },
        { "empty CONTINUATION", empty_continuation, 9, 9, "too many CONTINUATION frames" },
        { "large block", large_block, 1, 1, "the header block is too large" },
        { "header bomb", header_bomb, 1, 1, "the header list is too large" },
        { "many blocks", many_blocks, 60, 75, "too many bytes of headers" },
    };
    for (size_t i = 0; i < COUNT_OF(floods); i++) {
        struct peer peer;
        peer_open(&peer);
        uint32_t sent = 0;
        while (!is_cut(&peer) && sent <= floods[i].at_most) {
            floods[i].send(&peer);
            sent++;
        }
        if (sent < floods[i].at_least || sent > floods[i].at_most || strcmp(peer.goaway_text, floods[i].text) != 0)
            fail_msg("%s: %u frames, \"%s\"", floods[i].name, sent, peer.goaway_text);
        assert_int_equal(peer.goaway_code, ENHANCE_YOUR_CALM);
        assert_true(grpc_session_is_over(peer.session));
        uint32_t answered = peer.answered_count;
        peer.keeps_calls = false;
        call_whole(&peer);
        assert_int_equal(peer.answered_count, answered);
        peer_close(&peer);
    }
}

/* Goal: the reason is told as well when all frames of a flood come at once, before anything was sent.
 * Method: 3,000 PINGs, of which each wants an answer, in one piece. */
static void test_flood_in_one_piece(void **state)
{
    (void)state;
    static uint8_t frames[3000][17];
    for (size_t i = 0; i < COUNT_OF(frames); i++)
        memcpy(frames[i],
               "\0\0\x8\x6\0\0\0\0\0"
               "12345678",
               17);
    struct peer peer;
    peer_open(&peer);
    peer_send(&peer, bytes_from(frames, sizeof frames));
    assert_int_equal(peer.goaway_code, ENHANCE_YOUR_CALM);
    assert_string_equal(peer.goaway_text, "too_many_pings");
    peer_close(&peer);
}

/* Goal: who works with us may do all that floods are made of, for as long as it works; and a quiet connection may be kept
 * alive by a PING each 10 s for ever. Method: 20,000 calls, each with a PING, two window updates, a small frame for each
 * part, a reset now and then; then ten hours of silence with PINGs. */
static void test_honest_clients(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t stream = call_open(&peer);
        frame_send(&peer, DATA, 0, stream, BYTES("\0\0\0\0\2"));
        frame_send(&peer, DATA, 0, stream, BYTES("h"));
        frame_send(&peer, DATA, 0, stream, BYTES("i"));
        frame_send(&peer, DATA, END_STREAM, stream, BYTES(""));
        window_update(&peer);
        window_update(&peer);
        ping(&peer);
        if (i % 3 == 0) rapid_reset(&peer);
    }
    for (uint32_t i = 0; i < 3600; i++) {
        peer.now_mono_ns += 10 * SECOND_NS;
        ping(&peer);
        grpc_session_tick(peer.session, peer.now_mono_ns);
    }
    assert_string_equal(peer.goaway_text, "");
    assert_int_equal(peer.answered_count, 20000);
    assert_int_equal(peer.frame_count[PING], 20000 + 3600);
    peer_close(&peer);
}

/* Goal: calls that are reset while the handler has them count against the streams of their connection: a client cannot
 * have more work done than it may have streams (CVE-2023-44487). Method: reset each of 150 whole calls; answer them; go on. */
static void test_reset_calls_count(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    peer.keeps_calls = true;
    for (uint32_t i = 0; i < 150; i++) {
        call_whole(&peer);
        frame_send(&peer, RST_STREAM, 0, peer.stream, BYTES("\0\0\0\x8"));
    }
    assert_int_equal(peer.kept_count, STREAMS_MAX);
    assert_int_equal(peer.refused_count, 50);
    assert_false(is_cut(&peer));
    while (peer.kept_count > 0) {
        struct grpc_request *request = peer.kept[--peer.kept_count];
        grpc_call_set_answer(request, NULL, BYTES("done"), 0);
        assert_null(grpc_call_apply(request)); /* nobody waits for it */
    }
    assert_int_equal(peer.admission->requests, 0);
    peer.keeps_calls = false;
    call_whole(&peer);
    assert_int_equal(peer.answered_count, 1);
    peer_close(&peer);
}

/* Goal: a client that takes no answers holds them for a minute, not for ever. Method: windows of 0, 100 calls, 62 s. */
static void test_answers_that_are_not_taken(void **state)
{
    (void)state;
    struct peer peer;
    peer_open(&peer);
    frame_send(&peer, SETTINGS, 0, 0, BYTES("\0\4\0\0\0\0"));
    for (uint32_t i = 0; i < STREAMS_MAX; i++) call_whole(&peer);
    assert_int_equal(peer.answered_count, STREAMS_MAX);
    assert_int_equal(peer.data_bytes, 0);
    assert_int_equal(peer.admission->requests, STREAMS_MAX);
    for (int second = 0; second < 62; second++) {
        peer.now_mono_ns += SECOND_NS;
        grpc_session_tick(peer.session, peer.now_mono_ns);
        peer_turn(&peer);
        if (second < 59) assert_int_equal(peer.admission->requests, STREAMS_MAX);
    }
    assert_int_equal(peer.admission->requests, 0);
    assert_int_equal(peer.frame_count[RST_STREAM], STREAMS_MAX);
    peer_close(&peer);
}

/* Goal: a stream below one that was opened, and never used itself, is a protocol error; one that was used is a late frame.
 * Method: streams 1, 7, then 1 again (trailers, late), then 3. */
static void test_skipped_stream(void **state)
{
    (void)state;
    struct peer peer;
    uint8_t block[300];
    peer_open(&peer);
    frame_send(&peer, HEADERS, END_HEADERS, 1, request_block(block));
    frame_send(&peer, RST_STREAM, 0, 1, BYTES("\0\0\0\x8"));
    frame_send(&peer, HEADERS, END_HEADERS, 7, request_block(block));
    assert_false(is_cut(&peer));
    frame_send(&peer, HEADERS, END_HEADERS, 3, request_block(block));
    assert_true(is_cut(&peer));
    assert_int_equal(peer.goaway_code, PROTOCOL_ERROR);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_flood_in_one_piece),
        cmocka_unit_test(test_honest_clients),
        cmocka_unit_test(test_reset_calls_count),
        cmocka_unit_test(test_answers_that_are_not_taken),
        cmocka_unit_test(test_skipped_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
