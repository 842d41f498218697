/* server_inside.h -- what server.c (the port, the answers), server_connection.c (one connection, its socket) and
 * server_stream.c (the bytes between socket and session: TLS, clients of another kind) share.
 * Thread: the loop's, but for what says otherwise. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "net/loop_uv.h"
#include "net/server.h"
#include "net/tls.h"

enum {
    SERVER_READ_BYTES = 256 << 10, /* larger ones fall out of the second-level cache: measured */
    SERVER_WRITE_BYTES = 64 << 10,
};

/* What clients do wrong, counted; the log hears of each kind once a minute at most. */
enum server_mishap {
    SERVER_REFUSED,
    SERVER_TLS_FAILED,
    SERVER_TLS_MISSING,
    SERVER_TLS_UNEXPECTED,
    SERVER_NOT_UNDERSTOOD,
    SERVER_CUT_OFF,
    SERVER_MISHAPS
};

struct server_connection {
    uv_tcp_t socket;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct server *server;
    void *session;           /* the protocol's; NULL once it is closing */
    struct tls_session *tls; /* NULL: in the clear */
    char *words;             /* to a client of another kind, in place of a session's; NULL: none */
    size_t words_len, words_sent;
    struct server_connection *prev, *next;
    struct server_connection *next_dirty;
    uint8_t *unsent; /* of the write under way */
    uint64_t accepted_mono_ns, heard_mono_ns, busy_mono_ns, write_mono_ns, linger_mono_ns;
    uint64_t old_mono_ns;     /* from then on it is too old */
    uint64_t drained_mono_ns; /* 0: not drained yet */
    bool is_reading, is_writing, is_dirty, is_ended, is_lingering, is_closing;
    /* server_stream.c's */
    bool has_come;        /* its first byte */
    bool is_foreign;      /* it does not speak our protocol, or breaks TLS: nothing is fed to the session any more */
    bool has_said_end;    /* TLS's close_notify */
    bool has_peer_closed; /* the peer's */
};

struct server {
    struct loop *loop;
    struct server_options options; /* address is not ours to keep: NULL */
    const struct server_protocol *protocol;
    uint16_t port;
    _Atomic uint32_t sends;        /* answers and writes on their way from a session to the kernel */
    _Atomic uint32_t requests_out; /* with a handler, or answered and not yet applied */
    _Atomic uint64_t open_count, accepted_count, drained_count;
    _Atomic uint64_t mishaps[SERVER_MISHAPS];
    uint64_t told_mono_ns[SERVER_MISHAPS];

    uv_tcp_t listener;
    uv_timer_t ticker;
    uint32_t handles; /* not yet closed */
    struct server_connection *connections, *dirty;
    bool is_draining, is_settling;
    uint8_t *read_bytes, *write_bytes;
    uint8_t *clear_bytes; /* SERVER_READ_BYTES inside TLS; NULL without */

    pthread_mutex_t lock;           /* guards the rest */
    struct server_request *answers; /* latest first */
    struct server_request *pokes;   /* each once, and never behind its answer */
    bool is_closed, is_released;    /* answers are freed on the spot; the last one frees the server */
};

/* Hands what was answered up to now to the sessions, and marks their connections dirty. */
void server_apply(struct server *server);
/* Applies, delivers and sends until there is nothing more to do now. */
void server_settle(struct server *server);

/* Counts it, and tells the log: detail in words; NULL: none. */
void server_mishap(struct server *server, enum server_mishap mishap, const struct server_connection *connection,
                   const char *detail);

void stream_open(struct server_connection *connection);
void stream_close(struct server_connection *connection);
/* What came from the socket. */
void stream_take(struct server_connection *connection, struct bytes bytes, uint64_t now_mono_ns);
/* Up to SERVER_WRITE_BYTES for the socket; 0 when there are none now. */
size_t stream_fill(struct server_connection *connection, uint8_t *out);
bool stream_is_over(const struct server_connection *connection);
bool stream_is_choked(const struct server_connection *connection);

void connection_accept(struct server *server);
void connection_mark_dirty(struct server_connection *connection);
/* Hands its whole requests to the protocol, sends what it has to send, ends it when it is over. */
void connection_serve(struct server_connection *connection);
void connection_tick(struct server_connection *connection, uint64_t now_ns);
void connection_drain(struct server_connection *connection, bool at_once, uint64_t now_ns);
void connection_close(struct server_connection *connection);
