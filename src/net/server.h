/* server.h -- a listening port on a loop (net/loop.h): connections, TLS, time limits and draining, for any protocol whose
 * session is bytes in, requests and bytes out, and does no I/O of its own.
 *
 *   socket --[TLS]--feed--> protocol's session --next--> call --> handler --> [other threads] --server_answer--.
 *   socket <-[TLS]--fill--- protocol's session <------------------ apply (on the loop, a batch at a time) <-----'
 *
 * A protocol (grpc_server.c, http_server.c) is a constant table of functions, struct server_protocol. A request of it
 * embeds a struct server_request, by which the server hands it about; the protocol finds its own by offsetof.
 *
 * Thread: one loop thread owns the server, its connections and their sessions; only server_answer, _port, _stats, _drain
 *         and _is_idle are for any thread. Nothing that runs on the loop may block.
 * Memory: a connection and its session; what a slow reader leaves unsent is at most WRITE_BYTES of server_connection.c.
 *         The server lives until server_close was called and the last request was answered; then released(ctx) is called.
 * Errors: of one connection end that connection. ERR_IO when the port cannot be had, ERR_INPUT for its address. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
struct loop;
struct server;
struct tls_context;
struct server_connection;

/* In each request; the server's from next to apply. */
struct server_request {
    struct server *server;
    struct server_request *next;
    struct server_request *next_poked;
    bool is_poked; /* by the server's lock */
};

/* All but server_answer's half run on the loop thread. `session` is what create made. */
struct server_protocol {
    const char *name;   /* "grpc": log events are "grpc.connection_refused" and so on */
    const char *speaks; /* "gRPC": for people who came to the wrong port */
    const char *alpn;   /* "h2": what TLS clients must offer, if they offer anything */

    /* A connection came. owner is to be kept, for apply. What fill has at once is sent (a server's SETTINGS). */
    void *(*create)(void *ctx, struct server_connection *owner, uint64_t now_mono_ns);
    /* The connection is gone. Requests that were handed out live on, apart from it, until they are applied. */
    void (*destroy)(void *session);

    /* Takes all of bytes; a client's mistake shows in what fill has, and in is_over. */
    void (*feed)(void *session, struct bytes bytes, uint64_t now_mono_ns);
    /* The client has ended its side and will send no more, but may still read. True: something is still to be sent to it,
     * now or once it is answered; the connection stays until is_over. NULL or false: the connection is closed. */
    bool (*end)(void *session);
    /* The next whole request, handed out; NULL when there is none. Asked after each feed, apply and tick. */
    struct server_request *(*next)(void *session);
    /* Gives it to whoever answers it by server_answer: at once, or later from any thread. Must not block. */
    void (*call)(void *ctx, struct server_request *request);
    /* Its answer was set: hands it to its session, or frees it when the session is gone (then, after server_close, on
     * whatever thread answered). Returns the session's owner, whose connection is flushed next, or NULL. */
    struct server_connection *(*apply)(struct server_request *request);
    /* server_poke was called for it, and its answer is not applied yet. Returns as apply does. NULL: nobody pokes. */
    struct server_connection *(*poked)(struct server_request *request);
    /* Up to max bytes to send; 0 when there are none now. */
    size_t (*fill)(void *session, uint8_t *out, size_t max);

    /* Nothing more to read or to send: asked when fill has answered 0. The connection is then closed, gently. */
    bool (*is_over)(void *session);
    /* It is over because the client asked for too much work, in words; else NULL. NULL: the protocol has no such limits. */
    const char *(*cut_reason)(const void *session);
    /* The peer makes us send faster than it reads, or has asked for more than we answer: it is not read until that has
     * changed, by a fill or an apply. */
    bool (*is_choked)(void *session);
    bool (*is_idle)(const void *session);   /* no request, not even part of one */
    bool (*has_begun)(const void *session); /* the client has shown that it speaks the protocol */

    /* Each second or so, or more often: the session's own time limits. */
    void (*tick)(void *session, uint64_t now_mono_ns);
    /* No new requests; what is in flight is answered, then is_over (gRPC: GOAWAY, HTTP/1.1: connection: close).
     * at_once: the server ends. Else the connection is old or idle, and the client should meet no error: requests that
     * are on their way to us may still be taken. May be called twice. */
    void (*drain)(void *session, bool at_once, uint64_t now_mono_ns);
};

struct server_options {
    const char *address; /* "127.0.0.1" */
    uint16_t port;       /* 0: any free one, see server_port */
    const struct server_protocol *protocol;
    struct tls_context *tls;     /* NULL: in the clear. Outlives the server */
    uint32_t age_ms_max;         /* a connection older than this, give or take a tenth, is drained; 0: 30 minutes */
    uint32_t grace_ms_max;       /* after which a drained connection is closed; 0: 2 minutes */
    uint32_t begin_ms_max;       /* to shake hands and to show that the client speaks the protocol; 0: 10 seconds */
    uint32_t connections_max;    /* more are closed at once; 0: 1,024 */
    uint32_t idle_ms_max;        /* a connection without a request for so long is drained; 0: 10 minutes */
    void *ctx;                   /* the protocol's, for create and call */
    void (*released)(void *ctx); /* NULL: nothing to do */
    const struct log *log;
};

struct server_stats {
    uint64_t connections;          /* open now */
    uint64_t connections_accepted; /* since the start */
    uint64_t connections_refused;  /* there were too many */
    uint64_t connections_drained;  /* for their age, or idle */
    uint64_t tls_failed;           /* hands were not shaken: no trust, nothing in common, bytes that are not TLS */
    uint64_t tls_missing;          /* came in the clear to a port with TLS */
    uint64_t tls_unexpected;       /* came with TLS to a port in the clear */
    uint64_t not_understood;       /* ended without a word of our protocol */
    uint64_t cut_off;              /* asked for too much work: floods of frames */
};

MUST_CHECK bool server_open(struct server **server, struct loop *loop, const struct server_options *options,
                            struct err *err);
uint16_t server_port(const struct server *server);
/* Any thread, exactly once for each request that call was given. The answer itself was put into the request before. */
void server_answer(struct server_request *request);
/* More of a request's answer is there to be sent. Any thread, before server_answer. */
void server_poke(struct server_request *request);
/* Stops listening and drains the connections at once; requests in flight are still answered. Any thread. */
void server_drain(struct server *server);
/* After drain: true when no request is with a handler and no answer on its way to the kernel. Any thread. */
bool server_is_idle(const struct server *server);
/* The address of its other end; empty when it is gone. On the loop thread. */
void server_connection_peer(const struct server_connection *connection, char *out, size_t out_bytes);
void server_stats(const struct server *server, struct server_stats *stats); /* any thread */
/* Closes all connections. The loop must have been stopped. NULL is fine. */
void server_close(struct server *server);
