/* server_inside.h -- what server.c (the port, the answers) and server_connection.c (one connection) share.
 * Thread: the loop's, but for what says otherwise. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "net/loop_uv.h"
#include "net/server.h"

enum {
    SERVER_READ_BYTES = 256 << 10, /* larger ones fall out of the second-level cache: measured */
    SERVER_WRITE_BYTES = 64 << 10,
    SERVER_CONNECTIONS_MAX = 1024,
};

struct server_connection {
    uv_tcp_t socket;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct server *server;
    void *session; /* the protocol's; NULL once it is closing */
    struct server_connection *prev, *next;
    struct server_connection *next_dirty;
    uint8_t *unsent; /* of the write under way */
    uint64_t accepted_mono_ns, heard_mono_ns, write_mono_ns, linger_mono_ns;
    bool is_reading, is_writing, is_dirty, is_ended, is_lingering, is_closing;
};

struct server {
    struct loop *loop;
    struct server_options options; /* address is not ours to keep: NULL */
    const struct server_protocol *protocol;
    uint16_t port;
    _Atomic uint32_t sends;        /* answers and writes on their way from a session to the kernel */
    _Atomic uint32_t requests_out; /* with a handler, or answered and not yet applied */
    _Atomic uint64_t open_count, accepted_count, refused_count;

    uv_tcp_t listener;
    uv_timer_t ticker;
    uint32_t handles; /* not yet closed */
    struct server_connection *connections, *dirty;
    bool is_draining, is_settling;
    uint8_t *read_bytes, *write_bytes;

    pthread_mutex_t lock;           /* guards the rest */
    struct server_request *answers; /* latest first */
    bool is_closed, is_released;    /* answers are freed on the spot; the last one frees the server */
};

/* Hands what was answered up to now to the sessions, and marks their connections dirty. */
void server_apply(struct server *server);
/* Applies, delivers and sends until there is nothing more to do now. */
void server_settle(struct server *server);

void connection_accept(struct server *server);
void connection_mark_dirty(struct server_connection *connection);
/* Hands its whole requests to the protocol, sends what it has to send, ends it when it is over. */
void connection_serve(struct server_connection *connection);
void connection_tick(struct server_connection *connection, uint64_t now_ns);
void connection_drain(struct server_connection *connection, uint64_t now_ns);
void connection_close(struct server_connection *connection);
