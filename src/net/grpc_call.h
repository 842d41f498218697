/* grpc_call.h -- a call inside its session: what grpc_session, grpc_call, grpc_answer and grpc_stream share.
 *
 *   grpc_session.c  HTTP/2: headers, frames, floods, time
 *   grpc_call.c     a call's memory and the message that comes in
 *   grpc_answer.c   what goes out: answers, refusals, words for who does not speak gRPC
 *   grpc_stream.c   calls of a struct grpc_service: many messages in, many out
 *
 * For these files alone. Thread: the session's owner. */
#pragma once
#include <nghttp2/nghttp2.h>

#include "net/admission.h"
#include "net/grpc_session.h"
#include "net/http2_alive.h"
#include "net/http2_guard.h"

enum {
    GRPC_PREFIX_BYTES = 5, /* compressed flag, length of the message */
    GRPC_RETRY_DELAY_MS = 1000,
    GRPC_HEADER_LIST_BYTES_MAX = 16 << 10, /* as RFC 9113, 6.5.2 counts: name, value and 32 */
};

enum call_state {
    CALL_OPEN,      /* its headers or its body are coming */
    CALL_STREAMING, /* of a struct grpc_service, and not finished */
    CALL_REJECTED,  /* not gRPC: answered when its body is over, as HTTP clients like it */
    CALL_WHOLE,     /* waits for grpc_session_next */
    CALL_HANDLED,   /* handed out */
    CALL_ANSWERED,  /* the response is nghttp2's; lives until the stream closes */
};

struct grpc_call {
    struct grpc_request request;     /* first: grpc_request * is grpc_call * */
    struct grpc_session *session;    /* NULL once the stream or the session is gone */
    struct grpc_call *older, *newer; /* in the session */
    struct grpc_call *next;          /* of the whole ones */
    enum call_state state;
    bool is_lent;       /* with the handler: lives until grpc_call_apply, whatever becomes of the stream */
    bool is_lost;       /* the stream is gone */
    bool is_text_reply; /* plain HTTP: without prefix and trailers */
    int32_t stream_id;
    uint64_t since_mono_ns;    /* opened, or answered */
    uint64_t deadline_mono_ns; /* of grpc-timeout; 0: none */
    /* of the headers */
    size_t header_list_bytes;
    char *path, *authorization, *x_api_key, *user_agent, *encoding_name; /* NULL until seen */
    bool is_post, is_head, has_content_type, is_grpc, is_header_list_too_large;
    const char *http_status; /* of a rejected one */
    /* of the body */
    uint8_t prefix[GRPC_PREFIX_BYTES];
    size_t prefix_len, message_bytes;
    struct admitted body;
    /* of the answer */
    struct err answer; /* ERR_OK: reply counts */
    uint32_t retry_delay_ms;
    uint8_t *reply; /* prefix and message; of a stream those that are not sent yet */
    size_t reply_len, reply_sent, reply_cap;
    bool is_finished; /* the reply is whole: trailers follow */
    /* of a stream */
    struct grpc_stream stream;
    const struct grpc_service *service;
    bool is_half_closed, has_headers_sent;
};

struct grpc_session {
    nghttp2_session *http;
    struct admission *admission;
    struct server_connection *owner;
    struct grpc_options options;
    uint32_t call_count;  /* also those whose stream is gone while the handler works on them */
    uint64_t now_mono_ns; /* of the last feed or tick */
    struct http2_guard guard;
    struct http2_alive alive;
    struct grpc_call *oldest, *newest;
    struct grpc_call *whole_first, **whole_last;
    const uint8_t *piece; /* of nghttp2's output, not yet copied */
    size_t piece_len;
    bool has_heard; /* a first byte: nothing is sent before, for it may not be HTTP/2 */
    bool has_begun, is_broken, is_draining;
    bool is_cut; /* takes no more bytes: the last that it sends says why */
};

/* grpc_call.c */
struct grpc_call *grpc_call_create(struct grpc_session *session, int32_t stream_id);
void grpc_call_lose(struct grpc_call *call);      /* the stream is gone */
void grpc_call_detach(struct grpc_call *call);    /* from its session: nobody waits for its answer */
void grpc_call_free(struct grpc_call *call);      /* a detached one */
void grpc_call_free_body(struct grpc_call *call); /* and all that was charged */
void grpc_call_read(struct grpc_call *call, struct bytes bytes);
void grpc_call_read_end(struct grpc_call *call);
/* Some of bytes; true once the prefix is there. */
MUST_CHECK bool grpc_call_read_prefix(struct grpc_call *call, struct bytes *bytes);

/* grpc_answer.c */
void grpc_call_refuse(struct grpc_call *call, enum err_code code, const char *text); /* before the handler saw it */
void grpc_call_refuse_full(struct grpc_call *call);
void grpc_call_reject(struct grpc_call *call, const char *http_status,
                      const char *text);             /* to be told when it is over */
void grpc_call_respond_text(struct grpc_call *call); /* what reject was given */
void grpc_call_respond_error(struct grpc_call *call, const struct err *err, uint32_t retry_delay_ms);
void grpc_call_respond_reply(struct grpc_call *call); /* and the trailers, once is_finished */
void grpc_call_respond_overdue(struct grpc_call *call);
bool grpc_call_is_overdue(const struct grpc_call *call);

/* grpc_stream.c */
/* True: the call is of one of the session's services, and a stream from now on. */
bool grpc_stream_begin(struct grpc_call *call);
void grpc_stream_read(struct grpc_call *call, struct bytes bytes);
void grpc_stream_read_end(struct grpc_call *call);
void grpc_stream_tick(struct grpc_call *call);
void grpc_stream_drain(struct grpc_call *call);
