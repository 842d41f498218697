#include "base/clock.h"
#include "worker/worker_inside.h"
#include <stdlib.h>
#include <time.h>

#define TAPS_RETRY_MS     1000 /* doubled up to the second */
#define TAPS_RETRY_MS_MAX 16000

static bool cut_one(struct worker *worker, struct group *group, void *ctx)
{
    struct flush *flush = ctx;
    (void)worker;
    if (!group_is_empty(group)) group_cut(group, &flush->groups[flush->group_count++]);
    return true;
}

/* Groups of days past or of projects gone quiet are forgotten once Delta has all of theirs. */
static void groups_forget_empty(struct worker *worker)
{
    for (uint32_t p = 0; p < worker->project_cap; p++) {
        struct project *project = worker->projects[p];
        uint32_t kept = 0;
        for (uint32_t g = 0; project && g < project->group_count; g++) {
            if (group_is_empty(project->groups[g])) {
                group_destroy(project->groups[g]);
            } else {
                project->groups[kept++] = project->groups[g];
            }
        }
        if (project) project->group_count = kept;
    }
}

static void cut_begin(struct worker *worker, uint32_t filled)
{
    struct flush *flush = mem_calloc(1, sizeof *flush);
    flush->owner = &worker->partition;
    flush->position = worker->position;
    flush->groups = mem_calloc(filled ? filled : 1, sizeof *flush->groups);
    worker->visible_at_cut = worker_visible_up_to(worker);
    worker_groups_each(worker, cut_one, flush);
    worker_taps_cut(worker, worker->position);
    groups_forget_empty(worker);
    worker->position_cut = worker->position;
    worker->flush_wanted = false;
    pthread_mutex_lock(&worker->lock);
    assert(!worker->flush);
    worker->flush = flush;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_cut_if_due(struct worker *worker, uint64_t now_ns)
{
    pthread_mutex_lock(&worker->lock);
    bool is_idle = worker->flush == NULL;
    bool is_asked = worker->flush_asked > worker->position_flushed && worker->position >= worker->flush_asked;
    pthread_mutex_unlock(&worker->lock);
    if (!is_idle) return;
    bool is_due = worker->flush_wanted || now_ns >= worker->flush_due_ns || is_asked;
    if (!is_due) return;
    uint32_t filled = worker_groups_filled(worker, false), loud = worker_groups_filled(worker, true);
    worker->flush_due_ns = now_ns + worker->options.flush_ms * 1000000ull * (1 + filled / FLUSH_FILES_MAX);
    if (loud == 0 && filled > 0 && !worker->flush_wanted && !is_asked && now_ns < worker->quiet_flush_due_ns) return;
    worker->quiet_flush_due_ns = now_ns + worker->options.quiet_flush_ms * 1000000ull;
    if (worker->position > worker->position_cut) cut_begin(worker, filled);
}

/* Tries until it works, we stop, or the partition is another's. */
static void flush_work(struct worker *worker, struct parquet_writer *writer, struct flush *flush)
{
    for (uint32_t delay_ms = 500;; delay_ms = delay_ms < 30000 ? delay_ms * 2 : delay_ms) {
        struct err err = { 0 };
        struct span span;
        uint64_t begin_ns = clock_mono_ns();
        span_begin(&span, worker->options.log, NULL, SPAN_INTERNAL, "flush");
        flush->span = &span;
        bool is_done = flush_run(flush, worker->options.timefusion, writer, worker->options.log, &err);
        span_end(&span, worker->options.log, is_done ? NULL : err_name(err.code),
                 LOG_FIELDS(log_number("position", (int64_t)flush->position),
                            log_number("groups", flush->group_count)));
        if (is_done) {
            histogram_add_ns(&worker->flush_times, clock_mono_ns() - begin_ns);
            worker->position_stored = flush->position;
            worker_taps_store(worker);
            pthread_mutex_lock(&worker->lock);
            worker->position_flushed = flush->position;
            worker->stats.flushes++;
            pthread_mutex_unlock(&worker->lock);
            return;
        }
        pthread_mutex_lock(&worker->lock);
        worker->stats.flush_failures++;
        pthread_mutex_unlock(&worker->lock);
        log_error(worker->options.log, "worker.flush_failed", log_text("err", err.text),
                  log_number("retry_ms", err.code == ERR_CONFLICT ? -1 : (int64_t)delay_ms));
        if (err.code == ERR_CONFLICT) {
            worker->options.lost(worker->options.ctx, &err);
            return;
        }
        for (uint32_t slept = 0; slept < delay_ms; slept += 50) {
            if (atomic_load(&worker->stops)) return;
            clock_sleep_ms(50);
        }
    }
}

/* Until there is a flush to do; taps that could not store are tried meanwhile. Called and answers with the lock held. */
static void flush_wait(struct worker *worker)
{
    uint32_t delay_ms = TAPS_RETRY_MS;
    while (!worker->flush && !atomic_load(&worker->stops)) {
        if (!worker->taps_are_behind) {
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += delay_ms / 1000;
        if (pthread_cond_timedwait(&worker->changed, &worker->lock, &until) == 0) continue;
        pthread_mutex_unlock(&worker->lock);
        worker_taps_store(worker);
        pthread_mutex_lock(&worker->lock);
        if (delay_ms < TAPS_RETRY_MS_MAX) delay_ms *= 2;
    }
}

void *worker_flush_main(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), "flush");
    struct parquet_writer *writer = parquet_writer_create();
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        flush_wait(worker);
        if (!worker->flush) break;
        struct flush *flush = worker->flush;
        pthread_mutex_unlock(&worker->lock);
        flush_work(worker, writer, flush);
        flush_deinit(flush);
        free(flush);
        pthread_mutex_lock(&worker->lock);
        worker->flush = NULL;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    parquet_writer_destroy(writer);
    return NULL;
}
