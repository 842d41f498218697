#include "net/http2_guard.h"

enum { PREFACE_BYTES = 24 }; /* "PRI * HTTP/2.0 ...": nghttp2 checks it */
enum frame_type {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum error_code { PROTOCOL_ERROR = 0x1, ENHANCE_YOUR_CALM = 0xb };
enum frame_flag { END_STREAM = 0x1, END_HEADERS = 0x4 };
static const uint64_t SECOND_NS = 1000000000;

static const struct {
    uint32_t burst, a_second, an_answer;
    const char *reason;
} kinds[HTTP2_GUARD_KINDS] = {
    [HTTP2_GUARD_PING] = { 1000, 10, 4, "too_many_pings" }, /* the words that gRPC clients look for */
    [HTTP2_GUARD_SETTINGS] = { 100, 1, 0, "too many SETTINGS frames" },
    [HTTP2_GUARD_RESET] = { 1000, 50, 1, "too many streams were reset" },
    [HTTP2_GUARD_CONTROL] = { 5000, 100, 16, "too many WINDOW_UPDATE, PRIORITY or unknown frames" },
    [HTTP2_GUARD_EMPTY] = { 1000, 10, 4, "too many empty frames" },
    [HTTP2_GUARD_SMALL_DATA] = { 20000, 200, 16, "too many small DATA frames" },
    [HTTP2_GUARD_HEADER_BYTE] = { 4 << 20, 64 << 10, 32 << 10, "too many bytes of headers" },
};

void http2_guard_init(struct http2_guard *guard, uint64_t now_mono_ns)
{
    *guard = (struct http2_guard){
        .skip_bytes = PREFACE_BYTES,
        .settled_mono_ns = now_mono_ns,
        .now_mono_ns = now_mono_ns,
    };
    for (int i = 0; i < HTTP2_GUARD_KINDS; i++) guard->tokens[i] = kinds[i].burst;
}

/* Time and answers become tokens. */
static void settle(struct http2_guard *guard)
{
    uint64_t seconds = (guard->now_mono_ns - guard->settled_mono_ns) / SECOND_NS;
    guard->settled_mono_ns += seconds * SECOND_NS;
    if (seconds > UINT16_MAX) seconds = UINT16_MAX;
    for (int i = 0; i < HTTP2_GUARD_KINDS; i++) {
        uint64_t tokens =
            guard->tokens[i] + seconds * kinds[i].a_second + (uint64_t)guard->answers * kinds[i].an_answer;
        guard->tokens[i] = (uint32_t)(tokens < kinds[i].burst ? tokens : kinds[i].burst);
    }
    guard->answers = 0;
}

static bool refuse(struct http2_guard *guard, const char *reason)
{
    if (guard->reason != NULL) return false;
    guard->reason = reason;
    guard->code = ENHANCE_YOUR_CALM;
    return false;
}

static bool spend(struct http2_guard *guard, enum http2_guard_kind kind, uint32_t count)
{
    if (unlikely(guard->tokens[kind] < count)) {
        settle(guard);
        if (guard->tokens[kind] < count) return refuse(guard, kinds[kind].reason);
    }
    guard->tokens[kind] -= count;
    return true;
}

static bool block_add(struct http2_guard *guard, uint32_t bytes, uint8_t flags)
{
    bool is_end = (flags & END_HEADERS) != 0;
    guard->block_bytes += bytes; /* a frame has less than 2^24, and one over the limit is the last */
    if (guard->block_bytes > HTTP2_GUARD_BLOCK_BYTES_MAX) return refuse(guard, "the header block is too large");
    if (bytes == 0 && !is_end && !spend(guard, HTTP2_GUARD_EMPTY, 1)) return false;
    return spend(guard, HTTP2_GUARD_HEADER_BYTE, bytes);
}

/* RFC 9113, 5.1.1: the first use of a stream closes those below it that were not used. */
static bool headers_begin(struct http2_guard *guard, uint32_t stream)
{
    guard->block_bytes = guard->continuations = 0;
    if (stream > guard->stream_last) {
        if (stream > guard->stream_last + 2) {
            guard->skipped_first = guard->stream_last + 1;
            guard->skipped_last = stream - 2;
        }
        guard->stream_last = stream;
    } else if (stream >= guard->skipped_first && stream <= guard->skipped_last) {
        guard->reason = "a stream below one that was opened before";
        guard->code = PROTOCOL_ERROR;
        return false;
    }
    return true;
}

static bool frame_count(struct http2_guard *guard, const uint8_t head[9], uint32_t bytes)
{
    uint8_t type = head[3], flags = head[4];
    uint32_t stream = (uint32_t)(head[5] & 0x7F) << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
    switch (type) {
    case DATA:
        if (bytes >= HTTP2_GUARD_SMALL_BYTES) return true;
        if (bytes == 0 && (flags & END_STREAM) == 0) return spend(guard, HTTP2_GUARD_EMPTY, 1);
        return spend(guard, HTTP2_GUARD_SMALL_DATA, 1);
    case HEADERS: return headers_begin(guard, stream) && block_add(guard, bytes, flags);
    case CONTINUATION:
        if (++guard->continuations > HTTP2_GUARD_CONTINUATIONS_MAX)
            return refuse(guard, "too many CONTINUATION frames");
        return block_add(guard, bytes, flags);
    case RST_STREAM: return spend(guard, HTTP2_GUARD_RESET, 1);
    case SETTINGS: return spend(guard, HTTP2_GUARD_SETTINGS, 1);
    case PING: return spend(guard, HTTP2_GUARD_PING, 1);
    default: return spend(guard, HTTP2_GUARD_CONTROL, 1);
    }
}

size_t http2_guard_take(struct http2_guard *guard, struct bytes bytes, uint64_t now_mono_ns)
{
    size_t at = 0;
    guard->now_mono_ns = now_mono_ns;
    if (guard->reason != NULL) return 0;
    while (at < bytes.len) {
        size_t left = bytes.len - at;
        if (guard->skip_bytes > 0) {
            uint32_t skip = guard->skip_bytes < left ? guard->skip_bytes : (uint32_t)left;
            guard->skip_bytes -= skip;
            at += skip;
            continue;
        }
        size_t from = at, want = sizeof guard->head - guard->head_len;
        if (want > left) want = left;
        memcpy(guard->head + guard->head_len, bytes.ptr + at, want);
        guard->head_len = (uint8_t)(guard->head_len + want);
        at += want;
        if (guard->head_len < sizeof guard->head) break;
        guard->head_len = 0;
        const uint8_t *head = guard->head; /* 3 bytes of length, type, flags, 4 of stream */
        guard->skip_bytes = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
        if (!frame_count(guard, head, guard->skip_bytes)) return from;
    }
    return at;
}

bool http2_guard_reset(struct http2_guard *guard)
{
    return spend(guard, HTTP2_GUARD_RESET, 1);
}

void http2_guard_list_begin(struct http2_guard *guard)
{
    guard->list_bytes = 0;
}

bool http2_guard_list_add(struct http2_guard *guard, size_t name_len, size_t value_len)
{
    enum { FIELD_BYTES = 32 };
    size_t bytes = name_len + value_len + FIELD_BYTES;
    if (bytes > HTTP2_GUARD_LIST_BYTES_MAX - guard->list_bytes) return refuse(guard, "the header list is too large");
    guard->list_bytes += (uint32_t)bytes;
    return true;
}
