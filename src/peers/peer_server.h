/* peer_server.h -- a worker process hands its segments out: the port that query processes follow.
 *
 *   GET  /peer/v1/changes?since=N&list=ID&wait=MS   feed.h: what has changed after N; answered at once when something has,
 *                                                   else when something does, or after the wait
 *   GET  /peer/v1/segment/ID?offset=N&bytes=N       bytes of a listed segment; 404 when it is listed no more
 *   POST /peer/v1/tail                              tail_feed.h: rows that fit a search, since the last time
 *   POST /peer/v1/flush?app_id=..&position=N&wait=MS   204 when the tables have it; 404 not ours; 504 not in time
 *
 * Every request has "authorization: Bearer <the cluster's key>", compared in constant time; else 401 and nothing more.
 * Thread: a loop of its own; one thread answers those that wait for changes, two read segments and tails, three flush.
 * Memory: an answer with changes is at most FEED_BYTES_MAX; one with a segment's bytes PEER_PIECE_BYTES_MAX.
 * Errors: ERR_IO, ERR_INPUT of the port. */
#pragma once
#include "base/err.h"
#include "base/log.h"
#include "timefusion/timefusion.h"

struct tls_context;
struct peer_server;
struct tails;

#define PEER_PIECE_BYTES_MAX (4u << 20)
#define PEER_WAIT_MS_MAX     30000

struct peer_server_options {
    const char *address; /* to listen on */
    uint16_t port;       /* 0: any free one */
    struct tls_context *tls;
    const char *key; /* not empty */
    struct timefusion *timefusion;
    struct tails *tails; /* whose rows are watched; NULL: nobody can */
    /* Puts what the partition has up to position into the tables: ERR_NOT_FOUND when it is not ours, ERR_TIMEOUT. Any
     * thread. NULL: nothing can be flushed here. */
    bool (*flush)(void *ctx, const char *app_id, uint64_t position, uint32_t timeout_ms, struct err *err);
    void *ctx;
    const struct log *log;
};
MUST_CHECK bool peer_server_open(struct peer_server **server, const struct peer_server_options *options,
                                 struct err *err);
uint16_t peer_server_port(const struct peer_server *server);
/* Answers those that wait; later ones meet a closed door. Any thread. */
void peer_server_drain(struct peer_server *server);
/* NULL is fine. */
void peer_server_close(struct peer_server *server);

struct peer_server_stats {
    uint64_t requests, refused, bytes; /* refused: without the key */
};
void peer_server_stats(struct peer_server *server, struct peer_server_stats *stats);
