/* http.h -- an HTTP/1.1 server for whole requests, answered whole or in pieces, on a port of net/server.h.
 *
 *   socket --> llhttp --> whole request --handler.call--> [other threads] --http_answer--> loop --> socket
 *                '------ body not read --handler.refuse----------^
 *
 * Keep-alive and pipelining: a connection's answers go out in the order of its requests, whoever is answered first.
 * Thread: one loop thread owns the server and its connections; the handler runs on it and must not block.
 *         http_answer may be called from any thread, exactly once for each request; or a stream in its place.
 * Memory: a request counts against the admission with its headers and its body until it is answered; a body is charged
 *         before it is kept. Over the admission a request is refused with 503 and Retry-After, its body is not kept.
 * Errors: what is not HTTP, or could be read in two ways (RFC 9112, 11.2), is answered 400 and ends the connection.
 *         Before the body: 411 without a length, 413 over body_bytes_max (no Retry-After), 417. Slow ones: 408.
 * Source: RFC 9110, RFC 9112. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "net/server.h"
struct admission;
struct http_server;
struct loop;
struct tls_context;

struct http_header {
    struct bytes name, value;
};

/* All of it lives until http_answer; the body, unless it was taken. */
struct http_request {
    struct bytes method;               /* "POST" */
    struct bytes path;                 /* "/v1/traces", as it was sent: not percent-decoded; "*" of OPTIONS * */
    struct bytes query;                /* without the "?"; empty when there is none */
    const struct http_header *headers; /* names in lower case, values without blanks around; no trailers */
    uint32_t header_count;
    struct bytes body;
    uint64_t received_unix_us;
    uint32_t marks;            /* the handler's own; 0 at first */
    struct server_request out; /* the server's */
};
/* The value of the first header of that name (in lower case); empty when absent. */
struct bytes http_request_header(const struct http_request *request, const char *name);
struct bytes http_trimmed(struct bytes text);                 /* without blanks and tabs around */
bool http_text_is(struct bytes text, const char *lower_case); /* in any case */
/* The address of the client's end of the connection, "192.0.2.7": a proxy's when one is between. On the loop thread. */
void http_request_peer(const struct http_request *request, char *out, size_t out_bytes);
/* The body becomes the caller's, to free(); request->body is empty from then on. ptr is NULL for an empty one. It counts
 * against the admission until http_answer all the same. By whom the request was handed to, before http_answer. */
struct bytes http_request_take_body(struct http_request *request);

/* Date, Content-Length and Connection are the server's to write. An answer to HEAD is sent without its body. */
struct http_response {
    int status;
    const struct http_header *headers;
    uint32_t header_count;
    struct bytes body;
};
/* Any thread. All of response is copied. Ends the request. */
void http_answer(struct http_request *request, const struct http_response *response);
/* The same with text/plain: text and a line end. */
void http_answer_text(struct http_request *request, int status, const char *text);

/* ---- a long answer, in pieces ----
 *
 *   http_stream_begin, http_stream_write ... http_stream_end       once, in place of http_answer
 *
 * Chunked; to HTTP/1.0 until the connection's end. What a client has not read yet is at most HTTP_STREAM_BYTES_MAX twice:
 * then the writer waits. Any one thread, but not the loop's. A client that has ended its side is taken to be gone. */
#define HTTP_STREAM_BYTES_MAX (256u << 10)
/* The head; head->body is empty. It is copied. */
void http_stream_begin(struct http_request *request, const struct http_response *head);
/* bytes are copied. Waits for room for up to timeout_ms (-1: for ever, 0: not at all). ERR_TIMEOUT: nothing of it is
 * taken; ERR_CANCELLED: the client is gone, end it. At most HTTP_STREAM_BYTES_MAX at once. */
MUST_CHECK bool http_stream_write(struct http_request *request, struct bytes bytes, int timeout_ms, struct err *err);
/* Ends the request. Not whole: the client sees that the answer is cut; the connection ends. */
void http_stream_end(struct http_request *request, bool is_whole);
/* The client has gone, or ended its side, before the answer. Any thread, before the answer's end. */
bool http_request_is_gone(const struct http_request *request);

/* A request that the server does not take: only its headers are there. */
struct http_refusal {
    int status;             /* 408, 411, 413, 417 or 503; 400 of a broken body */
    const char *text;       /* for a person */
    uint32_t retry_after_s; /* 0: trying again does not help */
};
struct http_handler {
    /* Takes the request; answers it by http_answer, at once or later. On the loop thread. */
    void (*call)(void *ctx, struct http_request *request);
    /* Answers it as told, in the handler's own form, at once or later. NULL: the text as text/plain. */
    void (*refuse)(void *ctx, struct http_request *request, const struct http_refusal *refusal);
    /* How large the body of this one may be, of which only the head is there. On the loop thread. NULL: body_bytes_max. */
    uint32_t (*body_bytes_max)(void *ctx, const struct http_request *request);
    void *ctx;
};

struct http_options {
    const char *address;         /* "127.0.0.1" */
    uint16_t port;               /* 0: any free one, see http_server_port */
    uint32_t body_bytes_max;     /* on the wire */
    struct admission *admission; /* shared with other servers of the same loop; outlives the server */
    struct tls_context *tls;     /* NULL: in the clear */
    uint32_t age_ms_max;         /* of a connection, as in server.h; 0: 30 minutes */
    struct http_handler handler;
    const struct log *log;
};
MUST_CHECK bool http_server_open(struct http_server **server, struct loop *loop, const struct http_options *options,
                                 struct err *err);
uint16_t http_server_port(const struct http_server *server);
/* Stops listening; requests in flight are still answered, with "connection: close". Any thread. */
void http_server_drain(struct http_server *server);
/* After drain: true when nothing that the admission counts is in flight. Any thread. */
bool http_server_is_idle(struct http_server *server);
void http_server_stats(const struct http_server *server, struct server_stats *stats); /* any thread */
/* Closes all connections. The loop must have been stopped. NULL is fine. */
void http_server_close(struct http_server *server);
