/* http2_guard.h -- counts a client's HTTP/2 frames before they are looked at, and says when it is too much.
 *
 *   socket --bytes--> http2_guard_take --the same bytes--> nghttp2
 *                           '--> reason: no byte more; the connection is to end with ENHANCE_YOUR_CALM
 *
 * A few bytes of HTTP/2 can make a server work: a reset undoes a call that is under way, a PING asks for an answer, an
 * indexed header of one byte unfolds to kilobytes. Each such kind has a bucket of tokens, full at first, that fills up
 * again by time and by the answers we gave: who works with us may do all of it, who only makes us work runs dry.
 *
 *   kind          what costs a token                                     bucket   a second   an answer
 *   PING          PING, also an acknowledged one                          1,000         10           4
 *   SETTINGS      SETTINGS                                                  100          1           0
 *   RESET         a stream reset by the client, or by us for its errors   1,000         50           1
 *   CONTROL       WINDOW_UPDATE, PRIORITY, GOAWAY, unknown frames         5,000        100          16
 *   EMPTY         DATA or part of a header block without a byte           1,000         10           4
 *   SMALL_DATA    DATA of less than 256 bytes                            20,000        200          16
 *   HEADER_BYTE   a byte of a header block, as it was compressed          4 MiB     64 KiB      32 KiB
 *
 * One header block may have 64 KiB and 8 CONTINUATION frames; unfolded 256 KiB (as RFC 9113, 6.5.2 counts).
 * A stream that was skipped over (3, when 5 came after 1) cannot be opened any more: nghttp2 leaves that to us.
 * nghttp2 has some of these limits too; ours come first, are told in words, and do not depend on its version.
 *
 * Thread: the owner's. Memory: none but the struct. Errors: reason.
 * Source: RFC 9113, 4.1 and 10.5; CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671. */
#pragma once
#include "base/bytes.h"

enum http2_guard_kind {
    HTTP2_GUARD_PING,
    HTTP2_GUARD_SETTINGS,
    HTTP2_GUARD_RESET,
    HTTP2_GUARD_CONTROL,
    HTTP2_GUARD_EMPTY,
    HTTP2_GUARD_SMALL_DATA,
    HTTP2_GUARD_HEADER_BYTE,
    HTTP2_GUARD_KINDS
};
enum {
    HTTP2_GUARD_CONTINUATIONS_MAX = 8,
    HTTP2_GUARD_BLOCK_BYTES_MAX = 64 << 10,
    HTTP2_GUARD_LIST_BYTES_MAX = 256 << 10,
    HTTP2_GUARD_SMALL_BYTES = 256,
};

struct http2_guard {
    const char *reason; /* NULL: all is well. Static; goes into GOAWAY, with code */
    uint32_t code;      /* of HTTP/2: ENHANCE_YOUR_CALM, or PROTOCOL_ERROR */
    uint32_t tokens[HTTP2_GUARD_KINDS];
    uint32_t answers; /* not yet turned into tokens */
    uint64_t settled_mono_ns, now_mono_ns;
    uint32_t skip_bytes; /* of the preface, then of a frame's payload */
    uint8_t head[9];     /* of the next frame */
    uint8_t head_len;
    uint32_t block_bytes, continuations; /* of the header block under way */
    uint32_t list_bytes;                 /* of the one that nghttp2 unfolds */
    uint32_t stream_last, skipped_first, skipped_last;
};

void http2_guard_init(struct http2_guard *guard, uint64_t now_mono_ns);
/* How many of the bytes may be handed on: all, or when reason gets set those before the frame that is too much. */
size_t http2_guard_take(struct http2_guard *guard, struct bytes bytes, uint64_t now_mono_ns);
/* What frames' heads do not tell; false: too much, reason is set. A stream that we reset for an error of the client: */
bool http2_guard_reset(struct http2_guard *guard);
/* ... a header block begins to be unfolded, and a field of it was: */
void http2_guard_list_begin(struct http2_guard *guard);
bool http2_guard_list_add(struct http2_guard *guard, size_t name_len, size_t value_len);
/* A call was answered, and the client was still there for it. */
static inline void http2_guard_answered(struct http2_guard *guard)
{
    guard->answers += guard->answers < UINT16_MAX;
}
