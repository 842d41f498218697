#include "timefusion/refresh.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { WAIT_MS_MAX = 60000 };
#define SOON_NS_MIN UINT64_C(200000000)

struct refreshed {
    struct delta_table *table;
    uint64_t due_mono_ns, begun_mono_ns; /* of the next look, and of the last */
    _Atomic uint64_t looked_mono_ns;
    uint32_t wait_ms; /* the interval; longer after errors */
    bool has_failed;
};
struct refresh {
    uint32_t interval_ms, table_count;
    const struct log *log;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_closing, is_wanted; /* under the lock */
    struct refreshed tables[];
};

static void table_refresh(struct refresh *refresh, struct refreshed *it)
{
    struct err err = { 0 };
    uint64_t begin_ns = it->begun_mono_ns = clock_mono_ns();
    bool ok = delta_refresh(it->table, &err);
    if (ok) atomic_store(&it->looked_mono_ns, begin_ns);
    if (!ok && !it->has_failed) log_warn(refresh->log, "delta.refresh_failed", log_text("err", err.text));
    if (ok && it->has_failed) log_info(refresh->log, "delta.refreshed", log_text("table", delta_prefix(it->table)));
    it->has_failed = !ok;
    it->wait_ms = ok ? refresh->interval_ms : it->wait_ms < WAIT_MS_MAX / 2 ? it->wait_ms * 2 : WAIT_MS_MAX;
    it->due_mono_ns = clock_mono_ns() + it->wait_ms * UINT64_C(1000000);
}

/* False: it is time to end. *is_wanted: somebody cannot wait. */
static bool wait_until(struct refresh *refresh, uint64_t due_mono_ns, bool *is_wanted)
{
    const struct timespec due = { .tv_sec = (time_t)(due_mono_ns / 1000000000),
                                  .tv_nsec = (long)(due_mono_ns % 1000000000) };
    pthread_mutex_lock(&refresh->lock);
    while (!refresh->is_closing && !refresh->is_wanted && clock_mono_ns() < due_mono_ns)
        (void)pthread_cond_timedwait(&refresh->wake, &refresh->lock, &due);
    bool goes_on = !refresh->is_closing;
    *is_wanted = refresh->is_wanted;
    refresh->is_wanted = false;
    pthread_mutex_unlock(&refresh->lock);
    return goes_on;
}

static void *refresh_run(void *ctx)
{
    struct refresh *refresh = ctx;
    pthread_setname_np(pthread_self(), "refresh");
    for (;;) {
        struct refreshed *next = &refresh->tables[0];
        for (uint32_t t = 1; t < refresh->table_count; t++) {
            if (refresh->tables[t].due_mono_ns < next->due_mono_ns) next = &refresh->tables[t];
        }
        bool is_wanted;
        if (!wait_until(refresh, next->due_mono_ns, &is_wanted)) return NULL;
        if (!is_wanted) {
            table_refresh(refresh, next);
            continue;
        }
        for (uint32_t t = 0; t < refresh->table_count; t++) {
            struct refreshed *it = &refresh->tables[t];
            if (clock_mono_ns() - it->begun_mono_ns > SOON_NS_MIN) table_refresh(refresh, it);
        }
    }
}

bool refresh_open(struct refresh **out, const struct refresh_options *options, struct err *err)
{
    assert(options->table_count > 0 && options->interval_ms > 0);
    struct refresh *refresh = mem_calloc(1, sizeof *refresh + options->table_count * sizeof *refresh->tables);
    pthread_condattr_t monotonic;
    *out = NULL;
    refresh->interval_ms = options->interval_ms;
    refresh->table_count = options->table_count;
    refresh->log = options->log;
    for (uint32_t t = 0; t < options->table_count; t++) {
        struct refreshed *it = &refresh->tables[t];
        it->table = options->tables[t];
        it->wait_ms = options->interval_ms;
        it->due_mono_ns = clock_mono_ns() + options->interval_ms * UINT64_C(1000000);
        atomic_init(&it->looked_mono_ns, 0);
    }
    pthread_mutex_init(&refresh->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&refresh->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    errno = pthread_create(&refresh->thread, NULL, refresh_run, refresh);
    if (errno != 0) {
        err_os(err, "could not start the thread that follows the tables");
        pthread_cond_destroy(&refresh->wake);
        pthread_mutex_destroy(&refresh->lock);
        free(refresh);
        return false;
    }
    *out = refresh;
    return true;
}

uint64_t refresh_looked_mono_ns(struct refresh *refresh)
{
    uint64_t oldest_ns = UINT64_MAX;
    for (uint32_t t = 0; refresh != NULL && t < refresh->table_count; t++) {
        uint64_t looked_ns = atomic_load(&refresh->tables[t].looked_mono_ns);
        if (looked_ns < oldest_ns) oldest_ns = looked_ns;
    }
    return refresh == NULL ? 0 : oldest_ns;
}

void refresh_soon(struct refresh *refresh)
{
    if (refresh == NULL) return;
    pthread_mutex_lock(&refresh->lock);
    refresh->is_wanted = true;
    pthread_cond_signal(&refresh->wake);
    pthread_mutex_unlock(&refresh->lock);
}

void refresh_close(struct refresh *refresh)
{
    if (refresh == NULL) return;
    pthread_mutex_lock(&refresh->lock);
    refresh->is_closing = true;
    pthread_cond_signal(&refresh->wake);
    pthread_mutex_unlock(&refresh->lock);
    pthread_join(refresh->thread, NULL);
    pthread_cond_destroy(&refresh->wake);
    pthread_mutex_destroy(&refresh->lock);
    free(refresh);
}
