/* grpc.h -- a gRPC server: HTTP/2 by nghttp2 on a port of net/server.h.
 *
 *   socket --> HTTP/2 frames --> whole message --handler.call--> [other threads] --grpc_answer--> loop --> socket
 *
 * Thread: one loop thread owns the server and its connections; handler.call runs on it and must not block.
 *         grpc_answer may be called from any thread, exactly once for each request.
 * Memory: bodies count against the admission from their first frame until grpc_answer; over its limit a new
 *         call is answered UNAVAILABLE with RetryInfo before its body is read into memory.
 * Errors: a client's mistakes become gRPC statuses, never the end of the process; a message over
 *         message_bytes_max is RESOURCE_EXHAUSTED without RetryInfo.
 * Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md), google.rpc.Status and RetryInfo in grpc-status-details-bin. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "net/server.h"
struct admission;
struct loop;
struct tls_context;
struct grpc_server;

enum grpc_encoding { GRPC_ENCODING_IDENTITY, GRPC_ENCODING_GZIP, GRPC_ENCODING_ZSTD, GRPC_ENCODING_UNKNOWN };

struct grpc_request {
    struct bytes path;          /* "/opentelemetry.proto.collector.trace.v1.TraceService/Export" */
    struct bytes authorization; /* header values; empty when absent */
    struct bytes x_api_key, user_agent;
    enum grpc_encoding encoding; /* of the body: identity unless the message's compressed flag is set */
    struct bytes encoding_name;  /* as the client wrote it, for the error text */
    struct bytes body;           /* the message without its 5-byte prefix; lives until grpc_answer, or is taken */
    uint64_t received_unix_us;
    struct server_request out; /* the server's */
};

struct grpc_handler {
    /* Takes the request; answers it by grpc_answer, at once or later. On the loop thread. */
    void (*call)(void *ctx, struct grpc_request *request);
    void *ctx;
    /* The server has refused a call before the handler could (too large, no memory for it): to be counted, not answered.
     * On the loop thread; request for the call. NULL: nobody is told. */
    void (*refused)(void *ctx, const struct grpc_request *request, const struct err *why);
};

/* A call whose messages are answered one by one, while it goes on. Of the session; gone once it is finished. */
struct grpc_stream {
    struct bytes method; /* "Watch" */
    uint64_t number;     /* the service's own; 0 at first */
};

/* A service whose answers are at hand: each message is answered as it comes by none, one or many, on the loop thread. For
 * health checks and the like, which anyone may call; what takes time, or a key, is a unary call for the handler.
 * Messages have at most 64 KiB; 1 MiB of answers may wait for a slow reader. */
struct grpc_service {
    const char *name; /* "grpc.health.v1.Health": calls to "/grpc.health.v1.Health/..." are its own */
    void (*message)(void *ctx, struct grpc_stream *stream, struct bytes message); /* borrowed */
    void (*half_closed)(void *ctx, struct grpc_stream *stream);                   /* no more messages will come */
    void (*tick)(void *ctx, struct grpc_stream *stream); /* each second, and before its connection ends; may be NULL */
    void *ctx;
};

struct grpc_options {
    const char *address;         /* "127.0.0.1" */
    uint16_t port;               /* 0: any free one, see grpc_server_port */
    uint32_t message_bytes_max;  /* on the wire */
    struct admission *admission; /* bytes of all requests in flight; may be shared with other servers */
    uint32_t streams_max;        /* at once on a connection */
    struct tls_context *tls;     /* NULL: in the clear */
    uint32_t age_ms_max;         /* of a connection, as in server.h; 0: 30 minutes */
    struct grpc_handler handler;
    const struct grpc_service *services; /* they come before the handler; borrowed while the server lives */
    uint32_t service_count;
    const struct log *log;
};

MUST_CHECK bool grpc_server_open(struct grpc_server **server, struct loop *loop, const struct grpc_options *options,
                                 struct err *err);
uint16_t grpc_server_port(const struct grpc_server *server);
/* Any thread. message is copied. err NULL or ERR_OK: status 0 with message. Else the status, err->text as
 * grpc-message and, when the code is retryable, RetryInfo with retry_delay_ms. Ends the request. */
void grpc_answer(struct grpc_request *request, const struct err *err, struct bytes message, uint32_t retry_delay_ms);
/* The body becomes the caller's, to free(); request->body is empty from then on. ptr is NULL for an empty one. It counts
 * as in flight until grpc_answer all the same. By whom the request was handed to, before grpc_answer; any thread. */
struct bytes grpc_request_take_body(struct grpc_request *request);
/* Copies message. Without effect once the call is finished. For services, on the loop thread. */
void grpc_stream_send(struct grpc_stream *stream, struct bytes message);
/* Ends the call after what was sent; err NULL: status 0. The same. */
void grpc_stream_finish(struct grpc_stream *stream, const struct err *err);
/* Stops listening and sends GOAWAY; calls in flight are still answered. Any thread. */
void grpc_server_drain(struct grpc_server *server);
/* After drain: true when nothing that the admission counts is in flight. Any thread. */
bool grpc_server_is_idle(struct grpc_server *server);
void grpc_server_stats(const struct grpc_server *server, struct server_stats *stats); /* any thread */
/* Closes all connections. The loop must have been stopped. NULL is fine. */
void grpc_server_close(struct grpc_server *server);
