#include "meta/meta_inside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

enum { FOLLOW_MS = 250 };

/* What is said once, until it is otherwise. The pool tells when the database goes and comes. */
struct said {
    bool failed, over;
};

static void state_say(struct meta *meta, bool ok, const struct err *err, struct said *said)
{
    if (!ok && !said->failed && err->code != ERR_BUSY)
        log_warn(meta->log, "meta.refresh_failed", log_text("err", err->text));
    said->failed = !ok && err->code != ERR_BUSY;
    bool is_over = !meta_is_current(meta);
    if (is_over && !said->over)
        log_error(meta->log, "meta.grace_over", log_text("database", db_name(meta->db)),
                  log_number("grace_ms", (int64_t)(meta->grace_ns / 1000000)),
                  log_text("then", "who sends and asks is told to wait until it is back"));
    if (!is_over && said->over) log_info(meta->log, "meta.grace_back", log_text("database", db_name(meta->db)));
    said->over = is_over;
}

static void *follow(void *ctx)
{
    struct meta *meta = ctx;
    struct said said = { 0 };
    do {
        struct err err = { 0 };
        bool ok = meta_refresh(meta, &err);
        state_say(meta, ok, &err, &said);
    } while (ticker_rest(&meta->follow_ticker, FOLLOW_MS));
    return NULL;
}

bool meta_follow(struct meta *meta, uint64_t grace_ms, struct err *err)
{
    meta->grace_ns = grace_ms * 1000000ull;
    meta->is_followed = true;
    errno = pthread_create(&meta->follower, NULL, follow, meta);
    if (errno == 0) return true;
    meta->is_followed = false;
    return err_os(err, "could not start the thread that follows the metadata");
}

void follow_stop(struct meta *meta)
{
    if (!meta->is_followed) return;
    ticker_stop(&meta->follow_ticker);
    pthread_join(meta->follower, NULL);
}

bool meta_is_current(const struct meta *meta)
{
    if (!meta->is_followed || meta->grace_ns == 0) return true;
    uint64_t current_ns = atomic_load_explicit(&meta->current_mono_ns, memory_order_relaxed);
    return clock_mono_ns() - current_ns <= meta->grace_ns;
}

bool meta_check_current(const struct meta *meta, struct err *err)
{
    return meta_is_current(meta) ||
           err_set(err, ERR_BUSY,
                   "API keys cannot be checked: the database of the metadata has been away for too long");
}
