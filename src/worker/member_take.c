#include "base/clock.h"
#include "worker/member_inside.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { RETRY_MS_MIN = 200, RETRY_MS_MAX = 10000, TAIL_MS = 10000, TAIL_SPARE_S = 30, NEAR_S = 60 };

/* ---- the source of a partition's worker, on its flush thread ---- */

static bool seat_mark(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err)
{
    struct seat *seat = ctx;
    struct member *member = seat->member;
    (void)position;
    uint64_t *positions = mem_calloc(count, sizeof *positions);
    for (uint32_t f = 0; f < count; f++) positions[f] = failed[f].record.position;
    pthread_mutex_lock(&member->mover_lock);
    bool ok = kafka_mark(member->mover, seat->partition, atomic_load(&seat->position_committed), positions, count, err);
    pthread_mutex_unlock(&member->mover_lock);
    free(positions);
    /* Whose the partition is the tables say, or the group will; a commit amid a rebalance is refused too. */
    if (!ok && err->code == ERR_CONFLICT) err->code = ERR_BUSY;
    return ok;
}

static bool failed_move(struct seat *seat, uint64_t position, const struct worker_failed *failed, uint32_t count,
                        struct err *err)
{
    struct member *member = seat->member;
    struct kafka_moved *moved = mem_calloc(count, sizeof *moved);
    for (uint32_t f = 0; f < count; f++) {
        moved[f] = (struct kafka_moved){ .record = failed[f].record,
                                         .reason = failed[f].reason,
                                         .is_final = failed[f].is_final };
        assert(failed[f].note.len == 0 || failed[f].note.len == sizeof moved[f].retry);
        if (failed[f].note.len > 0) memcpy(&moved[f].retry, failed[f].note.ptr, sizeof moved[f].retry);
        log_warn(member->options.worker.log, "worker.record_failed", log_text("partition", seat->owner.app_id),
                 log_number("position", (int64_t)failed[f].record.position), log_text("err", failed[f].reason),
                 log_number("attempt", moved[f].retry.attempt));
    }
    pthread_mutex_lock(&member->mover_lock);
    bool ok = kafka_move(member->mover, seat->partition, position, moved, count, err);
    pthread_mutex_unlock(&member->mover_lock);
    free(moved);
    return ok;
}

static bool seat_release(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count,
                         struct err *err)
{
    struct seat *seat = ctx;
    bool ok = count > 0 ? failed_move(seat, position, failed, count, err)
                        : kafka_group_commit(seat->member->group, seat->partition, position, err);
    if (ok) {
        atomic_store(&seat->position_committed, position);
    } else if (err->code == ERR_CONFLICT) {
        err->code = ERR_BUSY; /* as above */
    }
    return ok;
}

static void seat_lost(void *ctx, const struct err *err)
{
    (void)err; /* told by the worker */
    struct seat *seat = ctx;
    atomic_store(&seat->is_fenced, true);
}

/* ---- taking over ---- */

static int64_t txn_last(const struct flush_owner *owner)
{
    int64_t last = -1;
    for (uint32_t t = 0; t < SCHEMA_TABLE_COUNT; t++)
        if (owner->txn[t] > last) last = owner->txn[t];
    return last;
}

/* Where its records begin for us: what was released, as far as the tables bear it out; the group's word alone may have been
 * set by hand. */
static bool start_find(struct seat *seat, const struct kafka_bounds *bounds, struct err *err)
{
    struct member *member = seat->member;
    int64_t last = txn_last(&seat->owner);
    uint64_t stored = last < 0 ? 0 : (uint64_t)last;
    if (stored > bounds->position_last)
        return err_set(err, ERR_CORRUPT,
                       "the tables hold partition %u of \"%.60s\" up to %" PRIu64 ", but it ends at %" PRIu64
                       ": Kafka lost acknowledged records or is an older copy; begin with a new topic, by "
                       "--kafka-topic-prefix and --new-buffer on",
                       seat->partition.number, kafka_topic_name(member->options.kafka, seat->partition.topic), stored,
                       bounds->position_last);
    uint64_t committed = bounds->has_committed ? bounds->position_committed : 0;
    seat->position_start = committed < stored ? committed : stored;
    if (committed > stored && seat->partition.topic == KAFKA_TELEMETRY)
        log_warn(member->options.worker.log, "worker.position_not_trusted", log_text("partition", seat->owner.app_id),
                 log_number("committed", (int64_t)committed), log_number("stored", (int64_t)stored));
    if (seat->partition.topic != KAFKA_TELEMETRY) seat->position_start = committed;
    atomic_store(&seat->position_committed, seat->position_start);

    uint64_t known = bounds->has_committed ? seat->position_start : stored;
    if (known > 0 && bounds->position_first > known + 1) {
        uint64_t lost = bounds->position_first - known - 1;
        log_error(member->options.worker.log, "worker.records_lost", log_text("partition", seat->owner.app_id),
                  log_number("records", (int64_t)lost), log_number("after_position", (int64_t)known),
                  log_text("why",
                           "the topic's retention removed them before a worker stored them; see --kafka-retention"));
        pthread_mutex_lock(&member->lock);
        member->records_lost += lost;
        pthread_mutex_unlock(&member->lock);
    }
    return true;
}

static bool seat_worker_open(struct seat *seat, const struct kafka_bounds *bounds, struct err *err)
{
    struct member *member = seat->member;
    struct worker_options options = member->options.worker;
    struct worker *worker;
    uint64_t marks[KAFKA_MARKS_MAX];
    pthread_mutex_lock(&member->mover_lock);
    bool ok = kafka_marks_read(member->mover, seat->partition, marks, &options.mark_count, err);
    pthread_mutex_unlock(&member->mover_lock);
    if (!ok) return false;
    options.partition = seat->owner;
    options.position_start = seat->position_start;
    options.marks = marks;
    options.source =
        (struct worker_source){ .mark = seat_mark, .release = seat_release, .lost = seat_lost, .ctx = seat };
    options.queue_bytes_max = member->options.requests_bytes_max;
    /* Retry topics are written in transactions, whose ends are positions too: what ends there never comes. */
    if (seat->partition.topic == KAFKA_TELEMETRY) options.position_end = WORKER_END_UNKNOWN;
    if (!worker_open(&worker, &options, err)) return false;
    if (!worker_start(worker, err)) {
        worker_close(worker);
        return false;
    }
    atomic_store(&seat->is_fenced, false);
    pthread_mutex_lock(&member->lock);
    seat->worker = worker;
    member->taken_over++;
    pthread_mutex_unlock(&member->lock);
    log_info(member->options.worker.log, "worker.partition_taken", log_text("partition", seat->owner.app_id),
             log_text("topic", kafka_topic_name(member->options.kafka, seat->partition.topic)),
             log_number("number", seat->partition.number), log_number("epoch", (int64_t)seat->owner.epoch),
             log_number("position", (int64_t)seat->position_start), log_number("last", (int64_t)bounds->position_last),
             log_number("marks", options.mark_count));
    return true;
}

static void worker_take_away(struct seat *seat)
{
    struct member *member = seat->member;
    pthread_mutex_lock(&member->lock);
    struct worker *worker = seat->worker;
    struct worker_stats stats;
    worker_stats(worker, &stats);
    member_counts_add(&member->gone, &stats);
    seat->worker = NULL;
    while (seat->worker_users > 0) pthread_cond_wait(&member->changed, &member->lock);
    pthread_mutex_unlock(&member->lock);
    worker_close(worker);
}

/* All of the job's seats that have no worker yet. False: to be tried again. */
static bool take_try(struct member *member, struct job *job, bool *is_fatal, struct err *err)
{
    struct flush_owner *owners = mem_calloc(job->seat_count + 1, sizeof *owners);
    struct kafka_bounds *bounds = mem_calloc(job->seat_count + 1, sizeof *bounds);
    struct seat **seats = mem_calloc(job->seat_count + 1, sizeof(struct seat *));
    uint32_t count = 0;
    for (uint32_t s = 0; s < job->seat_count; s++) {
        struct seat *seat = job->seats[s];
        if (seat->worker && !atomic_load(&seat->is_fenced)) continue;
        if (seat->worker) worker_take_away(seat);
        flush_app_id(kafka_buffer_id(member->options.kafka, seat->partition.topic), seat->partition.number,
                     owners[count].app_id);
        bounds[count].partition = seat->partition;
        seats[count++] = seat;
    }
    bool ok = flush_fence(member->options.worker.timefusion, owners, count, err) &&
              kafka_bounds(member->options.kafka, bounds, count, err);
    for (uint32_t s = 0; ok && s < count; s++) {
        seats[s]->owner = owners[s];
        seats[s]->fenced_ns = clock_mono_ns();
        *is_fatal = !start_find(seats[s], &bounds[s], err);
        ok = !*is_fatal && seat_worker_open(seats[s], &bounds[s], err);
    }
    free(owners);
    free(bounds);
    free(seats);
    return ok;
}

/* ---- the tail: requests that came lately ---- */

struct tail {
    struct tail_entry {
        struct hash128 hash;
        int64_t received_unix_us;
    } * at;
    uint32_t count, cap;
    uint64_t first_position;
};

static void tail_found(void *ctx, struct hash128 hash, int64_t received_unix_us, uint64_t position)
{
    struct tail *tail = ctx;
    if (tail->first_position == 0) tail->first_position = position;
    if (tail->count == REPEATS_MAX) return;
    if (tail->count == tail->cap) {
        tail->cap = tail->cap ? tail->cap * 2 : 1024;
        tail->at = mem_realloc(tail->at, tail->cap * sizeof *tail->at);
    }
    tail->at[tail->count++] = (struct tail_entry){ hash, received_unix_us };
}

static void repeats_take(struct repeats *repeats, const struct tail *tail)
{
    for (uint32_t i = 0; i < tail->count; i++)
        repeats_add(repeats, tail->at[i].hash, (uint32_t)(tail->at[i].received_unix_us / 1000000));
}

/* The last minute first, for that is when senders come again; then what was before it, as far as there is time. */
static bool tail_try(struct member *member, struct seat *seat, struct err *err)
{
    struct tail near = { 0 }, far = { 0 };
    bool is_complete = true, ok = true;
    int64_t first_ms = seat->first_received_unix_us / 1000;
    int64_t near_ms = first_ms - NEAR_S * 1000, far_ms = first_ms - (REPEATS_WINDOW_S + TAIL_SPARE_S) * 1000;
    uint64_t last = seat->first_position - 1, far_last = last;
    uint64_t begin_ns = clock_mono_ns();
    if (last > 0)
        ok = kafka_tail_read(member->options.kafka, seat->partition, near_ms, last, TAIL_MS, tail_found, &near,
                             &is_complete, err);
    if (near.first_position > 0) far_last = near.first_position - 1;
    if (ok && is_complete && far_last > 0)
        ok = kafka_tail_read(member->options.kafka, seat->partition, far_ms, far_last, TAIL_MS, tail_found, &far,
                             &is_complete, err);
    if (ok) {
        repeats_init(&seat->repeats, REPEATS_MAX, REPEATS_WINDOW_S);
        repeats_take(&seat->repeats, &far);
        repeats_take(&seat->repeats, &near);
        seat->has_repeats = true;
        log_info(member->options.worker.log, "worker.tail_read", log_text("partition", seat->owner.app_id),
                 log_number("requests", (int64_t)near.count + far.count), log_number("complete", is_complete),
                 log_number("ms", (int64_t)((clock_mono_ns() - begin_ns) / 1000000)));
    }
    free(near.at);
    free(far.at);
    return ok;
}

/* ---- ending ---- */

void member_seats_end(struct member *member, struct seat *const *seats, uint32_t seat_count, bool is_dropped)
{
    uint64_t until_ns = clock_mono_ns() + atomic_load(&member->flush_ms) * 1000000ull;
    struct err err = { 0 };
    /* All of them are asked before the first is waited for. */
    for (uint32_t s = 0; !is_dropped && s < seat_count; s++)
        if (seats[s]->worker && worker_is_settled(seats[s]->worker))
            (void)!worker_flush(seats[s]->worker, NULL, 0, &err);
    for (uint32_t s = 0; s < seat_count; s++) {
        struct seat *seat = seats[s];
        uint64_t now_ns = clock_mono_ns();
        uint32_t left_ms = now_ns < until_ns ? (uint32_t)((until_ns - now_ns) / 1000000) : 0;
        if (!seat->worker) continue;
        bool is_stored = !is_dropped && !atomic_load(&seat->is_fenced) && worker_is_settled(seat->worker) &&
                         worker_flush(seat->worker, NULL, left_ms, &err);
        worker_take_away(seat);
        log_info(member->options.worker.log, "worker.partition_left", log_text("partition", seat->owner.app_id),
                 log_number("epoch", (int64_t)seat->owner.epoch),
                 log_number("position", (int64_t)atomic_load(&seat->position_committed)),
                 log_text("rest", is_stored    ? "none"
                                  : is_dropped ? "lost to another owner, who reads it from Kafka"
                                               : "left for the next owner to read from Kafka"));
    }
}

/* ---- jobs ---- */

void member_job_free(struct job *job)
{
    free(job->seats);
    free(job);
}

void member_job_add(struct member *member, enum job_kind kind, struct seat *const *seats, uint32_t seat_count)
{
    struct job *job = mem_calloc(1, sizeof *job);
    job->kind = kind;
    job->seats = mem_alloc((seat_count + 1) * sizeof(struct seat *));
    memcpy(job->seats, seats, seat_count * sizeof(struct seat *));
    job->seat_count = seat_count;
    job->delay_ms = RETRY_MS_MIN;
    pthread_mutex_lock(&member->lock);
    if (kind == JOB_END || kind == JOB_DROP) { /* what they waited for they wait for no more */
        for (struct job *other = member->jobs; other; other = other->next)
            for (uint32_t s = 0; s < seat_count; s++)
                for (uint32_t o = 0; o < other->seat_count; o++)
                    if (other->seats[o] == seats[s]) other->seats[o--] = other->seats[--other->seat_count];
    }
    struct job **last = &member->jobs;
    while (*last) last = &(*last)->next;
    *last = job;
    pthread_cond_broadcast(&member->changed);
    pthread_mutex_unlock(&member->lock);
}

/* The next job that is due, out of the list; NULL when we stop. */
static struct job *job_wait(struct member *member)
{
    struct job *found = NULL;
    pthread_mutex_lock(&member->lock);
    while (!found && !atomic_load(&member->take_stops)) {
        uint64_t now_ns = clock_mono_ns(), next_ns = now_ns + 1000000000ull;
        for (struct job **at = &member->jobs; *at && !found; at = found ? at : &(*at)->next) {
            if ((*at)->due_ns <= now_ns) {
                found = *at;
                *at = found->next;
                found->next = NULL;
            } else if ((*at)->due_ns < next_ns) {
                next_ns = (*at)->due_ns;
            }
        }
        if (found) break;
        struct timespec until = { .tv_sec = (time_t)(next_ns / 1000000000), .tv_nsec = (long)(next_ns % 1000000000) };
        pthread_cond_timedwait(&member->changed, &member->lock, &until);
    }
    pthread_mutex_unlock(&member->lock);
    return found;
}

static bool job_try(struct member *member, struct job *job, bool *is_fatal, struct err *err)
{
    *is_fatal = false;
    switch (job->kind) {
    case JOB_TAKE: return take_try(member, job, is_fatal, err);
    case JOB_TAIL: return job->seat_count == 0 || tail_try(member, job->seats[0], err);
    case JOB_END:
    case JOB_DROP: member_seats_end(member, job->seats, job->seat_count, job->kind == JOB_DROP); break;
    }
    return true;
}

void *member_take_main(void *arg)
{
    struct member *member = arg;
    pthread_setname_np(pthread_self(), "partitions");
    for (struct job *job; (job = job_wait(member)) != NULL;) {
        struct err err = { 0 };
        bool is_fatal, is_done = job_try(member, job, &is_fatal, &err);
        if (is_fatal) member->options.failed(member->options.ctx, &err);
        if (!is_done)
            log_warn(member->options.worker.log, is_fatal ? "worker.partition_refused" : "worker.partition_waits",
                     log_text("err", err.text), log_number("retry_ms", is_fatal ? -1 : (int64_t)job->delay_ms));
        pthread_mutex_lock(&member->lock);
        struct job **list = is_done ? &member->done : &member->jobs;
        if (!is_done) {
            /* Those that were taken from us meanwhile are another job's. */
            for (uint32_t s = 0; s < job->seat_count; s++)
                if (job->seats[s]->phase == MEMBER_ENDING) job->seats[s--] = job->seats[--job->seat_count];
            job->due_ns = is_fatal ? UINT64_MAX : clock_mono_ns() + job->delay_ms * 1000000ull;
            job->delay_ms = job->delay_ms * 2 < RETRY_MS_MAX ? job->delay_ms * 2 : RETRY_MS_MAX;
        }
        while (*list) list = &(*list)->next;
        *list = job;
        pthread_mutex_unlock(&member->lock);
    }
    return NULL;
}
