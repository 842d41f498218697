/* db_pool.h -- connections that are kept for the next call. For db.c.
 *
 *   pool_take: a free one | a new one | ERR_BUSY after wait_ms_max           pool_give: back, or closed when dead
 *
 * While the database is away one try at a time is made, at growing distances; calls within a first wait_ms_max wait for it,
 * later ones are told at once.
 * Thread: any. Memory: connections_max connections. */
#pragma once
#include "meta/db_backend.h"
#include <pthread.h>

struct db_pool {
    const struct db_backend *backend;
    struct db_target target;
    const char *name; /* for messages */
    uint32_t connections_max;
    const struct log *log;
    pthread_mutex_t lock;
    pthread_cond_t is_free;
    struct db_connection **free;
    uint32_t free_count, count; /* count: all, also those in use or being made */
    bool is_away;
    uint64_t away_since_ns, next_try_ns;
    uint32_t backoff_ms;
    struct err away_err;
    uint64_t reconnects;
};
void pool_init(struct db_pool *pool, const struct db_backend *backend, const struct db_target *target, const char *name,
               uint32_t connections_max, const struct log *log);
void pool_deinit(struct db_pool *pool);
MUST_CHECK bool pool_take(struct db_pool *pool, struct db_connection **connection, struct err *err);
/* A dead one is closed, and those that wait for work with it: they were made before whatever happened. */
void pool_give(struct db_pool *pool, struct db_connection *connection);
