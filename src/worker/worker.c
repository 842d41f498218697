#include "base/clock.h"
#include "worker/worker_inside.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void stats_share(struct worker *worker)
{
    worker->counted.projects = worker->project_count;
    worker->counted.is_disk_failing = worker->failing_since_ns != 0;
    pthread_mutex_lock(&worker->lock);
    worker->counted.flushes = worker->stats.flushes;
    worker->counted.flush_failures = worker->stats.flush_failures;
    worker->stats = worker->counted;
    pthread_mutex_unlock(&worker->lock);
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    pthread_setname_np(pthread_self(), "worker");
    struct item *items[64];
    bool closed = false;
    while (!closed && !atomic_load(&worker->stops)) {
        uint64_t now_ns = clock_mono_ns();
        int timeout_ms = now_ns >= worker->publish_due_ns ? 0 : (int)((worker->publish_due_ns - now_ns) / 1000000) + 1;
        /* What taps cannot store any more must wait where it is safe: the queue fills, and senders are told to wait. */
        bool has_room = worker_taps_have_room(worker);
        uint32_t count = 0;
        if (has_room) {
            count = queue_pop(worker->queue, (void **)items, COUNT_OF(items), timeout_ms, &closed);
        } else {
            worker->flush_wanted = true;
            clock_sleep_ms((uint32_t)timeout_ms < RETRY_MS ? (uint32_t)timeout_ms : RETRY_MS);
        }
        for (uint32_t i = 0; i < count; i++) {
            worker_item_work(worker, items[i]);
            now_ns = clock_mono_ns();
            worker_publish_if_due(worker, now_ns);
            if (worker->flush_wanted) worker_cut_if_due(worker, now_ns);
        }
        worker_publish_if_asked(worker);
        now_ns = clock_mono_ns();
        worker_publish_if_due(worker, now_ns);
        worker_cut_if_due(worker, now_ns);
        stats_share(worker);
    }
    return NULL;
}

static const uint64_t *marks_copy(const struct worker_options *options)
{
    uint64_t *marks = mem_calloc(options->mark_count + 1, sizeof *marks);
    if (options->mark_count > 0) memcpy(marks, options->marks, options->mark_count * sizeof *marks);
    return marks;
}

bool worker_open(struct worker **out, const struct worker_options *options, struct err *err)
{
    struct worker *worker = mem_calloc(1, sizeof *worker);
    worker->options = *options;
    worker->partition = options->partition;
    worker->options.marks = marks_copy(options);
    worker->position = worker->position_cut = worker->visible_at_cut = options->position_start;
    worker->position_pushed = worker->position_flushed = options->position_start;
    worker->position_stored = worker->position_released = options->position_start;
    worker->position_worked = options->position_start;
    worker->position_end = options->position_end;
    atomic_fetch_add(&options->memory->worker_count, 1);
    worker->reader = inbound_reader_create();
    worker->queue = queue_create(QUEUE_ITEMS_MAX, options->queue_bytes_max);
    worker->rows = rows_create(&(struct rows_options){ .attribute_keys_max = options->attribute_keys_max,
                                                       .attribute_keys_of = options->attribute_keys_of,
                                                       .ctx = options->attribute_keys_ctx,
                                                       .rules = options->rules,
                                                       .stacks = options->stacks });
    worker->writer = parquet_writer_create();
    pthread_mutex_init(&worker->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    memcpy(worker->txn, worker->partition.txn, sizeof worker->txn);
    if (!worker_taps_open(worker, err)) {
        worker_close(worker);
        *out = NULL;
        return false;
    }
    struct owner_options owner = { .app_id = worker->partition.app_id, .epoch = worker->partition.epoch };
    memcpy(owner.stored, worker->txn, sizeof owner.stored);
    if (!owner_open(timefusion_segments(options->timefusion), &owner, &worker->owner, err)) {
        worker_close(worker);
        *out = NULL;
        return false;
    }
    worker->flush_due_ns = clock_mono_ns() + options->flush_ms * 1000000ull;
    worker->quiet_flush_due_ns = clock_mono_ns() + options->quiet_flush_ms * 1000000ull;
    int failed = pthread_create(&worker->flush_thread, NULL, worker_flush_main, worker);
    if (failed) {
        errno = failed;
        worker_close(worker);
        *out = NULL;
        return err_os(err, "could not start the flush thread");
    }
    worker->flush_thread_runs = true;
    *out = worker;
    return true;
}

bool worker_start(struct worker *worker, struct err *err)
{
    /* What was replayed is visible before anyone can ask. A disk that refuses is tried again by the thread. */
    worker_publish_all(worker);
    int failed = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (failed) {
        errno = failed;
        return err_os(err, "could not start the worker thread");
    }
    worker->thread_runs = true;
    return true;
}

static struct timespec time_after(uint32_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

bool worker_show(struct worker *worker, struct uuid project_id, uint64_t position, uint32_t timeout_ms, struct err *err)
{
    struct timespec until = time_after(timeout_ms);
    struct showing self = { .project_id = project_id, .position = position };
    struct item *item = mem_calloc(1, sizeof *item);
    pthread_mutex_lock(&worker->lock);
    self.next = worker->showings;
    worker->showings = &self;
    pthread_mutex_unlock(&worker->lock);
    if (!queue_push(worker->queue, item, 0)) worker_item_free(item); /* full: it wakes up anyway */
    int failed = 0;
    pthread_mutex_lock(&worker->lock);
    while (!self.is_done && failed == 0) failed = pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
    struct showing **at = &worker->showings;
    while (*at != &self) at = &(*at)->next;
    *at = self.next;
    pthread_mutex_unlock(&worker->lock);
    return self.is_done ||
           err_set(err, ERR_TIMEOUT, "rows up to position %" PRIu64 " cannot be asked for yet", position);
}

bool worker_flush(struct worker *worker, uint64_t *position, uint32_t timeout_ms, struct err *err)
{
    struct timespec until = time_after(timeout_ms);
    pthread_mutex_lock(&worker->lock);
    uint64_t wanted = position && *position != 0 ? *position : worker->position_pushed;
    if (position) *position = wanted;
    if (worker->flush_asked < wanted) worker->flush_asked = wanted;
    int failed = 0;
    while (worker->position_flushed < wanted && failed == 0)
        failed = pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
    bool ok = worker->position_flushed >= wanted;
    pthread_mutex_unlock(&worker->lock);
    if (!ok)
        return err_set(err, ERR_TIMEOUT, "rows up to position %" PRIu64 " were not stored within %u ms", wanted,
                       timeout_ms);
    return true;
}

void worker_stats(struct worker *worker, struct worker_stats *stats)
{
    pthread_mutex_lock(&worker->lock);
    *stats = worker->stats;
    stats->position_pushed = worker->position_pushed;
    stats->position_flushed = worker->position_flushed;
    pthread_mutex_unlock(&worker->lock);
    stats->queue_bytes = queue_weight(worker->queue);
    histogram_read(&worker->visible, &stats->visible);
    histogram_read(&worker->flush_times, &stats->flush_times);
}

void worker_settle(struct worker *worker, uint64_t position_end)
{
    pthread_mutex_lock(&worker->lock);
    if (worker->position_end == WORKER_END_UNKNOWN) worker->position_end = position_end;
    pthread_mutex_unlock(&worker->lock);
}

bool worker_is_settled(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool is_settled = worker->position_worked >= worker->position_end;
    pthread_mutex_unlock(&worker->lock);
    return is_settled;
}

void worker_close(struct worker *worker)
{
    if (!worker) return;
    atomic_store(&worker->stops, true);
    queue_close(worker->queue);
    pthread_mutex_lock(&worker->lock);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    if (worker->thread_runs) pthread_join(worker->thread, NULL);
    if (worker->flush_thread_runs) pthread_join(worker->flush_thread, NULL);
    struct item *item;
    bool closed = false;
    while (queue_pop(worker->queue, (void **)&item, 1, 0, &closed) == 1) worker_item_free(item);
    queue_destroy(worker->queue);
    worker_failed_deinit(&worker->failed);
    worker_failed_deinit(&worker->held);
    worker_projects_destroy(worker);
    worker_memory_leave(worker);
    owner_close(timefusion_segments(worker->options.timefusion), worker->owner);
    worker_taps_close(worker);
    columns_destroy(worker->nowhere);
    rows_destroy(worker->rows);
    inbound_reader_destroy(worker->reader);
    written_destroy(worker->written);
    free((uint64_t *)(uintptr_t)worker->options.marks);
    parquet_writer_destroy(worker->writer);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
