/* http_call.h -- one request of an HTTP session, from its head to its sent answer: its memory, what that is charged, and
 * the answer that is waiting to be sent. For http_session.c alone.
 *
 * Thread: the session's owner; http_call_set_answer and the writer's side of a stream run on any thread. */
#pragma once
#include <stdatomic.h>

#include "net/admission.h"
#include "net/http_session.h"

enum http_call_state {
    CALL_READING, /* its body is coming */
    CALL_WHOLE,   /* or refused; waits for http_session_next */
    CALL_HANDLED, /* with the handler; lives until http_call_apply, whatever becomes of the session. A stream is sent */
    CALL_ANSWERED, /* lives until the answer is sent */
};

struct http_call {
    struct http_request request;     /* first: http_request * is http_call * */
    struct server_connection *owner; /* the session's */
    bool is_orphan;                  /* the session is gone: nobody waits for the answer */
    struct http_call *next;          /* in the session: the request after this one */
    enum http_call_state state;
    bool is_head, is_1_0, wants_continue;
    struct http_refusal refusal;
    struct admitted body;
    size_t body_bytes; /* as stated; 0 when it was not */
    /* of the answer */
    struct http_response response; /* its headers and body are in the block */
    uint8_t *answer;
    struct buf head;
    bool is_head_sent;
    struct http_stream *stream; /* made by the writer; the session looks at it once is_streaming */
    bool is_streaming;
    atomic_bool is_gone;                      /* nobody reads the answer, or so it seems */
    _Alignas(struct http_header) char text[]; /* the request's headers, then the text they point into */
};

/* Room for text_bytes of headers and what they point into. */
struct http_call *http_call_create(struct admission *admission, struct server_connection *owner, size_t text_bytes);
void http_call_free(struct http_call *call);
/* The session is gone: who writes to a stream is to hear it. The call is freed by http_call_apply. */
void http_call_orphan(struct http_call *call);
void http_call_drop_body(struct http_call *call); /* and all that is charged */
/* False: bytes of no stated length, and there is no room for them. */
MUST_CHECK bool http_call_add_body(struct http_call *call, struct bytes bytes, size_t body_bytes_max);
