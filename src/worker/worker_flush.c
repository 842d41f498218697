#include "base/clock.h"
#include "worker/worker_inside.h"
#include <stdlib.h>
#include <time.h>

#define BEHIND_RETRY_MS     1000 /* doubled up to the second */
#define BEHIND_RETRY_MS_MAX 16000

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
    struct cut *cut = mem_calloc(1, sizeof *cut);
    struct flush *flush = &cut->flush;
    flush->owner = &worker->partition;
    flush->position = worker->position;
    flush->groups = mem_calloc(filled ? filled : 1, sizeof *flush->groups);
    worker->visible_at_cut = worker_visible_up_to(worker);
    worker_groups_each(worker, cut_one, flush);
    worker_taps_cut(worker, worker->position);
    groups_forget_empty(worker);
    cut->failed = worker->failed;
    worker->failed = (struct failed_list){ 0 };
    flush->must_commit = cut->failed.count > 0;
    worker->position_cut = worker->position;
    worker->cut_mono_ns = clock_mono_ns();
    worker->flush_wanted = worker->has_loud = false;
    pthread_mutex_lock(&worker->lock);
    assert(!worker->cut);
    worker->cut = cut;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

void worker_cut_if_due(struct worker *worker, uint64_t now_ns)
{
    pthread_mutex_lock(&worker->lock);
    bool is_idle = worker->cut == NULL;
    bool is_asked = worker->flush_asked > worker->position_flushed && worker->position >= worker->flush_asked;
    bool is_settled = worker->position >= worker->position_end;
    worker->position_worked = worker->position;
    pthread_mutex_unlock(&worker->lock);
    if (!is_idle) return;
    bool is_time = now_ns >= worker->flush_due_ns;
    bool is_due = worker->flush_wanted || (is_settled && (is_time || is_asked));
    if (!is_due) return;
    uint32_t filled = worker_groups_filled(worker, false), loud = worker_groups_filled(worker, true);
    worker->flush_due_ns = now_ns + worker->options.flush_ms * 1000000ull * (1 + filled / FLUSH_FILES_MAX);
    if (loud == 0 && !worker->has_loud && filled > 0 && !worker->flush_wanted && !is_asked &&
        worker->failed.count == 0 && now_ns < worker->quiet_flush_due_ns)
        return;
    worker->quiet_flush_due_ns = now_ns + worker->options.quiet_flush_ms * 1000000ull;
    if (worker->position > worker->position_cut) cut_begin(worker, filled);
}

/* Tells the source what it may forget, and sends on their way the records that failed and are in no table. False: later may
 * work (is_behind), or ERR_CONFLICT. */
static bool release_try(struct worker *worker, struct err *err)
{
    const struct worker_source *source = &worker->options.source;
    uint64_t position;
    worker->is_behind = true;
    if (!worker_taps_store(worker, &position, err)) return false;
    if (position > worker->position_released || worker->held.count > 0) {
        if (position < worker->position_released) position = worker->position_released;
        if (!source->release(source->ctx, position, worker->held.at, worker->held.count, err))
            return err_within(err, "could not release what is stored");
        worker_failed_deinit(&worker->held);
        worker->position_released = position;
    }
    worker->is_behind = worker->position_released < worker->position_stored;
    return true;
}

static void lost_tell(struct worker *worker, const struct err *err)
{
    worker->is_behind = false;
    worker->options.source.lost(worker->options.source.ctx, err);
}

/* What failed is remembered, the tables get the rows: each step again until it has worked. */
static bool cut_try(struct worker *worker, struct parquet_writer *writer, struct cut *cut, struct err *err)
{
    const struct worker_source *source = &worker->options.source;
    const struct failed_list *failed = &cut->failed;
    if (failed->count > 0 && !cut->is_marked) {
        if (worker->held.count > 0 && !release_try(worker, err)) return false;
        if (!source->mark(source->ctx, cut->flush.position, failed->at, failed->count, err))
            return err_within(err, "could not note what failed");
        cut->is_marked = true;
    }
    if (!flush_run(&cut->flush, worker->options.timefusion, writer, worker->options.log, err)) return false;
    worker->position_stored = cut->flush.position;
    if (failed->count > 0) {
        assert(worker->held.count == 0);
        worker->held = cut->failed;
        cut->failed = (struct failed_list){ 0 };
    }
    return true;
}

static bool cut_try_in_span(struct worker *worker, struct parquet_writer *writer, struct cut *cut, struct err *err)
{
    struct span span;
    uint64_t begin_ns = clock_mono_ns();
    span_begin(&span, worker->options.log, NULL, SPAN_INTERNAL, "flush");
    cut->flush.span = &span;
    bool is_done = cut_try(worker, writer, cut, err);
    span_end(&span, worker->options.log, is_done ? NULL : err_name(err->code),
             LOG_FIELDS(log_number("position", (int64_t)cut->flush.position),
                        log_number("groups", cut->flush.group_count), log_number("failed", cut->failed.count)));
    if (is_done) histogram_add_ns(&worker->flush_times, clock_mono_ns() - begin_ns);
    return is_done;
}

/* Tries until it works, we stop, or the partition is another's. */
static void cut_work(struct worker *worker, struct parquet_writer *writer, struct cut *cut)
{
    for (uint32_t delay_ms = 500;; delay_ms = delay_ms < 30000 ? delay_ms * 2 : delay_ms) {
        struct err err = { 0 };
        if (cut_try_in_span(worker, writer, cut, &err)) {
            if (!release_try(worker, &err)) {
                log_warn(worker->options.log, "worker.release_failed", log_text("partition", worker->partition.app_id),
                         log_text("err", err.text));
                if (err.code == ERR_CONFLICT) {
                    lost_tell(worker, &err);
                    return;
                }
            }
            pthread_mutex_lock(&worker->lock);
            worker->position_flushed = cut->flush.position;
            worker->stats.flushes++;
            pthread_mutex_unlock(&worker->lock);
            return;
        }
        pthread_mutex_lock(&worker->lock);
        worker->stats.flush_failures++;
        pthread_mutex_unlock(&worker->lock);
        log_error(worker->options.log, "worker.flush_failed", log_text("partition", worker->partition.app_id),
                  log_text("err", err.text), log_number("retry_ms", err.code == ERR_CONFLICT ? -1 : (int64_t)delay_ms));
        if (err.code == ERR_CONFLICT) {
            lost_tell(worker, &err);
            return;
        }
        for (uint32_t slept = 0; slept < delay_ms; slept += 50) {
            if (atomic_load(&worker->stops)) return;
            clock_sleep_ms(50);
        }
    }
}

/* Until there is a cut to work on; what is behind is tried meanwhile. Called and answers with the lock held. */
static void cut_wait(struct worker *worker)
{
    uint32_t delay_ms = BEHIND_RETRY_MS;
    while (!worker->cut && !atomic_load(&worker->stops)) {
        if (!worker->is_behind) {
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += delay_ms / 1000;
        if (pthread_cond_timedwait(&worker->changed, &worker->lock, &until) == 0) continue;
        struct err err = { 0 };
        pthread_mutex_unlock(&worker->lock);
        if (!release_try(worker, &err) && err.code == ERR_CONFLICT) lost_tell(worker, &err);
        pthread_mutex_lock(&worker->lock);
        if (delay_ms < BEHIND_RETRY_MS_MAX) delay_ms *= 2;
    }
}

void *worker_flush_main(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), "flush");
    struct parquet_writer *writer = parquet_writer_create();
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        cut_wait(worker);
        if (!worker->cut) break;
        struct cut *cut = worker->cut;
        pthread_mutex_unlock(&worker->lock);
        cut_work(worker, writer, cut);
        flush_deinit(&cut->flush);
        worker_failed_deinit(&cut->failed);
        free(cut);
        pthread_mutex_lock(&worker->lock);
        worker->cut = NULL;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    parquet_writer_destroy(writer);
    return NULL;
}
