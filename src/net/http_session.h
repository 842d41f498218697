/* http_session.h -- one connection's side of HTTP/1.1, without a socket: bytes in, requests and bytes out.
 *
 *   http_session_feed --> llhttp --> requests --http_session_next--> handler
 *   http_session_fill <-- answers in the order of the requests <-- http_call_apply <--'
 *
 * Thread: one owner for the session, its calls and the admission; only http_call_set_answer runs on other threads,
 *         on a call that was delivered.
 * Memory: while headers arrive, up to HTTP_HEAD_BYTES_MAX and HTTP_TARGET_BYTES_MAX in the session. A call is charged to
 *         the admission with its headers when these are whole and, before the body is kept, with the length that was
 *         stated, or piece by piece when none was. The body itself grows as bytes arrive.
 * Errors: a request that is refused before its body is read is answered at once; the rest of its body is then read and
 *         dropped, so that a client that sends all before it listens hears the answer too. After 413, after a refusal
 *         of "Expect: 100-continue" and after anything that breaks HTTP the connection ends.
 * Guards: both lengths, one length twice, lengths and chunk sizes that are no numbers, folded headers, bare line feeds,
 *         blanks before a colon, transfer codings other than chunked, no Host or two: 400 (501, 505) and the end. */
#pragma once
#include "net/http.h"

enum {
    HTTP_TARGET_BYTES_MAX = 8 << 10,
    HTTP_HEAD_BYTES_MAX = 16 << 10, /* names and values, trailers too */
    HTTP_HEADERS_MAX = 100,
    HTTP_PIPELINE_MAX = 64, /* requests waiting for answers; beyond, the session is choked */
};

struct http_session;

struct http_session *http_session_create(struct admission *admission, const struct http_options *options,
                                         struct server_connection *owner, uint64_t now_mono_ns);
/* Calls that were handed out live on, apart from it, until they are applied. */
void http_session_destroy(struct http_session *session);

/* Takes all of bytes. */
void http_session_feed(struct http_session *session, struct bytes bytes, uint64_t now_mono_ns);
/* The client sends no more. True: something is still to be sent to it. */
bool http_session_end(struct http_session *session);
/* The next request for the handler, whole or to be refused; NULL when there is none. It ends by http_call_apply. */
struct http_request *http_session_next(struct http_session *session);
/* What the handler is to refuse it with; NULL: it is whole. */
const struct http_refusal *http_call_refusal(const struct http_request *request);
/* Up to max bytes to send; 0 when there are none. */
size_t http_session_fill(struct http_session *session, uint8_t *out, size_t max);
/* Nothing more to read or to send: to be asked when fill answers 0. */
bool http_session_is_over(const struct http_session *session);
/* So many requests wait that no more should be read. */
bool http_session_is_choked(const struct http_session *session);
/* Ends what comes too slowly; to be called each second or so. */
void http_session_tick(struct http_session *session, uint64_t now_mono_ns);
/* What has begun to arrive is still answered; then the session is over. at_once: an idle one is over now, else in
 * DRAIN_SECONDS_MAX, unless a request that is on its way comes first. */
void http_session_drain(struct http_session *session, bool at_once, uint64_t now_mono_ns);
bool http_session_is_idle(const struct http_session *session);   /* no request at all, whole or in part */
bool http_session_has_begun(const struct http_session *session); /* a request's first byte came */

/* As http_answer. Any thread; the call is not the caller's any more after the next step. */
void http_call_set_answer(struct http_request *request, const struct http_response *response);
/* As http_stream_begin, _write, _end; http_call_apply follows the last. Any thread, as http_call_set_answer. */
void http_call_set_stream(struct http_request *request, const struct http_response *head);
MUST_CHECK bool http_call_add_piece(struct http_request *request, struct bytes bytes, int timeout_ms, struct err *err);
void http_call_end_stream(struct http_request *request, bool is_whole);
/* There is more to be sent. Returns as http_call_apply. */
struct server_connection *http_call_poked(struct http_request *request);
/* Puts the answer in its place, or ends the call when nobody waits for it. Returns its session's owner, or NULL. */
struct server_connection *http_call_apply(struct http_request *request);
