/* grpc_session.h -- one connection's side of HTTP/2 and gRPC, without a socket: bytes in, calls and bytes out.
 *
 *   grpc_session_feed --> nghttp2 --> calls --grpc_session_next--> handler
 *   grpc_session_fill <-- nghttp2 <-- grpc_call_apply <------------'
 *
 * Thread: one owner for the session and its calls; only grpc_call_set_answer runs on other threads, on a call that was
 *         handed out.
 * Memory: a call is charged to the admission when its headers are whole and, with its message's stated length,
 *         when that is known: before the body is kept. The body itself grows as bytes arrive.
 * Errors: a client's mistakes end the call with a status, the connection with GOAWAY: grpc_session_is_over
 *         says so once what fill has was sent.
 * Repeated headers: the first authorization, x-api-key, grpc-encoding and content-type counts. */
#pragma once
#include "net/admission.h"
#include "net/grpc.h"

struct grpc_session;

struct grpc_session *grpc_session_create(struct admission *admission, const struct grpc_options *options,
                                         struct server_connection *owner, uint64_t now_mono_ns);
/* Calls that are handed out live on, apart from it, until they are applied or freed. */
void grpc_session_destroy(struct grpc_session *session);
struct server_connection *grpc_session_owner(const struct grpc_session *session);

/* Takes all of bytes. */
void grpc_session_feed(struct grpc_session *session, struct bytes bytes, uint64_t now_mono_ns);
/* The next whole call, the caller's until grpc_call_apply or _free; NULL when there is none. */
struct grpc_request *grpc_session_next(struct grpc_session *session);
/* Up to max bytes to send; 0 when there are none. */
size_t grpc_session_fill(struct grpc_session *session, uint8_t *out, size_t max);
/* Nothing more to read or to send: to be asked when fill answers 0. */
bool grpc_session_is_over(struct grpc_session *session);
/* Why it takes no more, when the client flooded it (net/http2_guard.h); else NULL. */
const char *grpc_session_cut_reason(const struct grpc_session *session);
/* Frames wait that the peer makes us send faster than it reads: stop feeding until they are sent. */
bool grpc_session_is_choked(struct grpc_session *session);
/* Ends calls whose body does not come or whose answer is not taken; to be called each second or so. */
void grpc_session_tick(struct grpc_session *session, uint64_t now_mono_ns);
/* No new calls: GOAWAY, at once or in two steps (net/http2_alive.h). */
void grpc_session_drain(struct grpc_session *session, bool at_once, uint64_t now_mono_ns);
bool grpc_session_is_idle(const struct grpc_session *session);   /* no call at all */
bool grpc_session_has_begun(const struct grpc_session *session); /* the client's first SETTINGS came */

/* As grpc_answer's arguments. Any thread; the call is not the caller's any more after the next step. */
void grpc_call_set_answer(struct grpc_request *request, const struct err *err, struct bytes message,
                          uint32_t retry_delay_ms);
/* Sends the answer if the client still waits for it, and ends the call. Returns its session, or NULL if it is gone. */
struct grpc_session *grpc_call_apply(struct grpc_request *request);
