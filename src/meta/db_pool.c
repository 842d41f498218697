#include "meta/db_pool.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { BACKOFF_MS_MIN = 25, BACKOFF_MS_MAX = 1000 };

void pool_init(struct db_pool *pool, const struct db_backend *backend, const struct db_target *target, const char *name,
               uint32_t connections_max, const struct log *log)
{
    *pool = (struct db_pool){ .backend = backend,
                              .target = *target,
                              .name = name,
                              .connections_max = connections_max,
                              .log = log,
                              .free = mem_calloc(connections_max, sizeof *pool->free) };
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->is_free, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void pool_deinit(struct db_pool *pool)
{
    assert(pool->free_count == pool->count);
    for (uint32_t c = 0; c < pool->free_count; c++) pool->backend->close(pool->free[c]);
    free(pool->free);
    pthread_cond_destroy(&pool->is_free);
    pthread_mutex_destroy(&pool->lock);
}

static void wait_until(struct db_pool *pool, uint64_t mono_ns)
{
    struct timespec until = { .tv_sec = (time_t)(mono_ns / 1000000000ull), .tv_nsec = (long)(mono_ns % 1000000000ull) };
    pthread_cond_timedwait(&pool->is_free, &pool->lock, &until);
}

static bool away_say(struct db_pool *pool, struct err *err)
{
    *err = pool->away_err;
    return false;
}

/* With the lock held, which is let go meanwhile. */
static bool connection_make(struct db_pool *pool, struct db_connection **connection, struct err *err)
{
    pool->count++;
    pthread_mutex_unlock(&pool->lock);
    bool ok = pool->backend->connect(&pool->target, connection, err);
    pthread_mutex_lock(&pool->lock);
    if (ok) {
        if (pool->is_away)
            log_info(pool->log, "meta.database_back", log_text("database", pool->name),
                     log_number("away_ms", (int64_t)((clock_mono_ns() - pool->away_since_ns) / 1000000)));
        pool->is_away = false;
        pool->backoff_ms = 0;
        pthread_cond_broadcast(&pool->is_free); /* those who waited for the next try */
        return true;
    }
    pool->count--;
    uint64_t now_ns = clock_mono_ns();
    if (!pool->is_away) {
        pool->away_since_ns = now_ns;
        log_warn(pool->log, "meta.database_away", log_text("database", pool->name), log_text("err", err->text));
    }
    pool->is_away = true;
    pool->backoff_ms = pool->backoff_ms == 0 ? BACKOFF_MS_MIN : pool->backoff_ms * 2;
    if (pool->backoff_ms > BACKOFF_MS_MAX) pool->backoff_ms = BACKOFF_MS_MAX;
    pool->next_try_ns = now_ns + pool->backoff_ms * 1000000ull;
    pool->away_err = *err;
    return false;
}

bool pool_take(struct db_pool *pool, struct db_connection **connection, struct err *err)
{
    const uint64_t wait_ns = pool->target.wait_ms_max * 1000000ull, deadline_ns = clock_mono_ns() + wait_ns;
    bool ok = false;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        uint64_t now_ns = clock_mono_ns();
        if (pool->free_count > 0) {
            *connection = pool->free[--pool->free_count];
            ok = true;
            break;
        }
        if (pool->count == pool->connections_max) {
            if (now_ns >= deadline_ns) {
                err_set(err, ERR_BUSY, "could not reach %s: all %u connections to it are in use", pool->name,
                        pool->connections_max);
                break;
            }
            wait_until(pool, deadline_ns);
        } else if (pool->is_away && now_ns < pool->next_try_ns) {
            if (now_ns >= deadline_ns || now_ns - pool->away_since_ns > wait_ns) {
                away_say(pool, err);
                break;
            }
            wait_until(pool, pool->next_try_ns < deadline_ns ? pool->next_try_ns : deadline_ns);
        } else {
            if (pool->is_away) pool->next_try_ns = UINT64_MAX / 2; /* one try at a time */
            ok = connection_make(pool, connection, err);
            /* What no retry will help (a file that is no database) is told at once. */
            if (ok || clock_mono_ns() >= deadline_ns || err->code != ERR_BUSY) break;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return ok;
}

void pool_give(struct db_pool *pool, struct db_connection *connection)
{
    struct db_connection *dead = NULL;
    uint32_t dead_count = 0;
    struct db_connection **all = NULL;
    pthread_mutex_lock(&pool->lock);
    if (connection->is_dead) {
        dead = connection;
        dead_count = pool->free_count;
        all = mem_alloc((dead_count + 1) * sizeof *all);
        if (dead_count > 0) memcpy(all, pool->free, dead_count * sizeof *all);
        pool->count -= dead_count + 1;
        pool->free_count = 0;
        pool->reconnects++;
    } else {
        pool->free[pool->free_count++] = connection;
    }
    pthread_cond_signal(&pool->is_free);
    pthread_mutex_unlock(&pool->lock);
    if (!dead) return;
    pool->backend->close(dead);
    for (uint32_t c = 0; c < dead_count; c++) pool->backend->close(all[c]);
    free(all);
}
