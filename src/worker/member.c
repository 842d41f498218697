#include "base/clock.h"
#include "worker/member_inside.h"
#include <errno.h>
#include <stdlib.h>

#define FLUSH_MS_DEFAULT 15000
#define FLUSH_SLICE_MS   200

static bool thread_start(pthread_t *thread, void *(*main)(void *), struct member *member, bool *runs, struct err *err)
{
    errno = pthread_create(thread, NULL, main, member);
    *runs = errno == 0;
    return *runs || err_os(err, "could not start a thread of the group's member");
}

bool member_open(struct member **out, const struct member_options *options, struct err *err)
{
    struct member *member = mem_calloc(1, sizeof *member);
    pthread_condattr_t monotonic;
    member->options = *options;
    member->name = mem_strdup(options->name);
    member->options.name = member->name;
    atomic_store(&member->flush_ms, options->flush_ms_max ? options->flush_ms_max : FLUSH_MS_DEFAULT);
    pthread_mutex_init(&member->lock, NULL);
    pthread_mutex_init(&member->mover_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&member->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    struct kafka_group_options group = {
        .kafka = options->kafka,
        .name = member->name,
        .session_ms = options->session_ms,
        .fetch_bytes_max = options->requests_bytes_max / 2,
    };
    bool ok = kafka_group_open(&member->group, &group, err) &&
              kafka_mover_open(&member->mover, options->kafka, member->group, member->name, err) &&
              thread_start(&member->take_thread, member_take_main, member, &member->take_runs, err) &&
              thread_start(&member->poll_thread, member_poll_main, member, &member->poll_runs, err);
    if (!ok) {
        member_close(member, 0);
        member = NULL;
    }
    *out = member;
    return ok;
}

static struct worker *worker_hold(struct seat *seat)
{
    if (seat->worker) seat->worker_users++;
    return seat->worker;
}

static struct seat *seat_of(struct member *member, const char *app_id)
{
    for (uint32_t s = 0; s < member->seat_count; s++)
        if (strcmp(member->seats[s]->owner.app_id, app_id) == 0) return member->seats[s];
    return NULL;
}

bool member_flush(struct member *member, const char *app_id, uint64_t position, uint32_t timeout_ms, struct err *err)
{
    uint64_t until_ns = clock_mono_ns() + timeout_ms * 1000000ull;
    for (;;) {
        uint64_t now_ns = clock_mono_ns();
        uint32_t left_ms = now_ns < until_ns ? (uint32_t)((until_ns - now_ns) / 1000000) : 0;
        pthread_mutex_lock(&member->lock);
        struct seat *seat = seat_of(member, app_id);
        struct worker *worker = seat ? worker_hold(seat) : NULL;
        pthread_mutex_unlock(&member->lock);
        if (!seat) return err_set(err, ERR_NOT_FOUND, "partition \"%s\" is not ours", app_id);
        bool ok = false;
        if (worker) {
            *err = (struct err){ 0 };
            ok = worker_flush(worker, &position, left_ms < FLUSH_SLICE_MS ? left_ms : FLUSH_SLICE_MS, err);
            pthread_mutex_lock(&member->lock);
            seat->worker_users--;
            pthread_cond_broadcast(&member->changed);
            pthread_mutex_unlock(&member->lock);
        } else if (left_ms > 0) {
            clock_sleep_ms(20);
        }
        if (ok) return true;
        if (left_ms == 0)
            return err_set(err, ERR_TIMEOUT, "partition \"%s\" is not stored up to %llu yet", app_id,
                           (unsigned long long)position);
    }
}

uint32_t member_partitions(struct member *member, struct member_partition *partitions, uint32_t cap)
{
    pthread_mutex_lock(&member->lock);
    uint32_t count = member->seat_count;
    for (uint32_t s = 0; s < count && s < cap; s++) {
        struct seat *seat = member->seats[s];
        partitions[s] = (struct member_partition){ .partition = seat->partition,
                                                   .phase = seat->phase,
                                                   .position = atomic_load(&seat->position_committed),
                                                   .position_offered = seat->position_offered,
                                                   .position_last = seat->position_last,
                                                   .repeats = seat->repeat_count };
        if (!seat->worker) continue;
        partitions[s].epoch = seat->owner.epoch;
        worker_stats(seat->worker, &partitions[s].worker);
    }
    pthread_mutex_unlock(&member->lock);
    return count;
}

bool member_look(struct member *member, struct err *err)
{
    pthread_mutex_lock(&member->lock);
    uint32_t count = member->seat_count;
    uint64_t begin_ns = clock_mono_ns();
    struct kafka_bounds *bounds = mem_calloc(count + 1, sizeof *bounds);
    for (uint32_t s = 0; s < count; s++) bounds[s].partition = member->seats[s]->partition;
    pthread_mutex_unlock(&member->lock);
    bool ok = count == 0 || kafka_bounds(member->options.kafka, bounds, count, err);
    pthread_mutex_lock(&member->lock);
    for (uint32_t b = 0; ok && b < count; b++) {
        struct seat *seat = member_seat(member, bounds[b].partition);
        if (!seat) continue;
        seat->position_last = bounds[b].position_last;
        if (seat->worker && begin_ns - seat->fenced_ns >= OWNER_SETTLE_MS * 1000000ull)
            worker_settle(seat->worker, bounds[b].position_last);
    }
    pthread_mutex_unlock(&member->lock);
    free(bounds);
    return ok;
}

static void histogram_sum(struct histogram_counts *sum, const struct histogram_counts *one)
{
    sum->count += one->count;
    sum->sum_s += one->sum_s;
    for (uint32_t b = 0; b < COUNT_OF(sum->counts); b++) sum->counts[b] += one->counts[b];
}

void member_counts_add(struct worker_stats *sum, const struct worker_stats *one)
{
    sum->records += one->records;
    sum->failed += one->failed;
    sum->rows += one->rows;
    sum->published += one->published;
    sum->sealed += one->sealed;
    sum->flushes += one->flushes;
    sum->flush_failures += one->flush_failures;
    histogram_sum(&sum->visible, &one->visible);
    histogram_sum(&sum->flush_times, &one->flush_times);
}

void member_stats(struct member *member, struct member_stats *stats)
{
    struct kafka_mover_stats moved;
    *stats = (struct member_stats){ 0 };
    kafka_group_stats(member->group, &stats->group);
    kafka_mover_stats(member->mover, &moved);
    stats->retried = moved.retried;
    stats->parked = moved.parked;
    pthread_mutex_lock(&member->lock);
    stats->repeats = member->repeats;
    stats->records_lost = member->records_lost;
    stats->taken_over = member->taken_over;
    stats->fenced = member->fenced;
    stats->partitions = member->seat_count;
    stats->workers = member->gone;
    for (uint32_t s = 0; s < member->seat_count; s++) {
        stats->repeats += member->seats[s]->repeat_count;
        if (!member->seats[s]->worker) continue;
        struct worker_stats one;
        worker_stats(member->seats[s]->worker, &one);
        member_counts_add(&stats->workers, &one);
        stats->workers.columns_bytes += one.columns_bytes;
        stats->workers.queue_bytes += one.queue_bytes;
        stats->workers.is_disk_failing |= one.is_disk_failing;
    }
    pthread_mutex_unlock(&member->lock);
}

static void jobs_free(struct job *job)
{
    for (struct job *next; job; job = next) {
        next = job->next;
        member_job_free(job);
    }
}

void member_close(struct member *member, uint32_t flush_ms)
{
    if (!member) return;
    atomic_store(&member->flush_ms, flush_ms);
    atomic_store(&member->stops, true);
    if (member->poll_runs) pthread_join(member->poll_thread, NULL);
    pthread_mutex_lock(&member->lock);
    atomic_store(&member->take_stops, true);
    pthread_cond_broadcast(&member->changed);
    pthread_mutex_unlock(&member->lock);
    if (member->take_runs) pthread_join(member->take_thread, NULL);
    member_seats_end(member, member->seats, member->seat_count, flush_ms == 0);
    for (uint32_t s = 0; s < member->seat_count; s++) {
        if (member->seats[s]->has_repeats) repeats_deinit(&member->seats[s]->repeats);
        free(member->seats[s]->pending);
        free(member->seats[s]);
    }
    free(member->seats);
    jobs_free(member->jobs);
    jobs_free(member->done);
    kafka_mover_close(member->mover);
    kafka_group_close(member->group);
    pthread_cond_destroy(&member->changed);
    pthread_mutex_destroy(&member->mover_lock);
    pthread_mutex_destroy(&member->lock);
    free(member->name);
    free(member);
}
