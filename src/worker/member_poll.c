#include "worker/member_inside.h"
#include <stdlib.h>

enum { POLL_MS = 20, POLL_PENDING_MS = 2 };

struct seat *member_seat(struct member *member, struct kafka_partition partition)
{
    for (uint32_t s = 0; s < member->seat_count; s++)
        if (kafka_partition_equal(member->seats[s]->partition, partition)) return member->seats[s];
    return NULL;
}

static void phase_set(struct seat *seat, enum member_phase phase)
{
    pthread_mutex_lock(&seat->member->lock);
    seat->phase = phase;
    pthread_mutex_unlock(&seat->member->lock);
}

static void seat_pause(struct seat *seat)
{
    if (!seat->is_paused) kafka_group_pause(seat->member->group, seat->partition);
    seat->is_paused = true;
}

static void seat_resume(struct seat *seat)
{
    struct err err = { 0 };
    if (seat->has_passed && !kafka_group_begin(seat->member->group, seat->partition, seat->position_offered, &err))
        log_warn(seat->member->options.worker.log, "worker.begin_failed", log_text("partition", seat->owner.app_id),
                 log_text("err", err.text)); /* then it is lost: the group says so */
    seat->has_passed = false;
    if (seat->is_paused) kafka_group_resume(seat->member->group, seat->partition);
    seat->is_paused = false;
}

/* Its records after position come from here on. */
static void seat_begin(struct seat *seat, uint64_t position)
{
    pthread_mutex_lock(&seat->member->lock);
    seat->position_offered = position;
    seat->phase = MEMBER_RUNNING;
    pthread_mutex_unlock(&seat->member->lock);
    free(seat->pending);
    seat->pending = NULL;
    seat->has_passed = true;
    seat_resume(seat);
}

static struct seat *seat_add(struct member *member, const struct kafka_bounds *bounds)
{
    struct seat *seat = mem_calloc(1, sizeof *seat);
    seat->member = member;
    seat->partition = bounds->partition;
    flush_app_id(kafka_buffer_id(member->options.kafka, bounds->partition.topic), bounds->partition.number,
                 seat->owner.app_id);
    pthread_mutex_lock(&member->lock);
    if (member->seat_count == member->seat_cap) {
        member->seat_cap = member->seat_cap ? member->seat_cap * 2 : 16;
        member->seats = mem_realloc(member->seats, member->seat_cap * sizeof(struct seat *));
    }
    member->seats[member->seat_count++] = seat;
    pthread_mutex_unlock(&member->lock);
    return seat;
}

static void seat_remove(struct member *member, struct seat *seat)
{
    pthread_mutex_lock(&member->lock);
    for (uint32_t s = 0; s < member->seat_count; s++)
        if (member->seats[s] == seat) member->seats[s--] = member->seats[--member->seat_count];
    member->repeats += seat->repeat_count;
    pthread_mutex_unlock(&member->lock);
    if (seat->has_repeats) repeats_deinit(&seat->repeats);
    free(seat->pending);
    free(seat);
}

/* ---- records ---- */

/* Of all that may wait, each partition has its share. */
static bool has_room(struct seat *seat, size_t len)
{
    struct member *member = seat->member;
    uint64_t queued = worker_queue_bytes(seat->worker),
             share = member->options.requests_bytes_max / member->running_count;
    if (seat->pending) share /= 2; /* once it was full it goes on when there is room for more than one */
    return queued == 0 || queued + len <= share;
}

/* False: there is no room now. */
static bool record_give(struct seat *seat, const struct buffer_record *record, const struct kafka_retry *retry,
                        const struct err *why)
{
    uint32_t second = (uint32_t)(record->received_unix_us / 1000000);
    bool is_telemetry = seat->partition.topic == KAFKA_TELEMETRY && why->code == ERR_OK;
    bool is_repeat = is_telemetry && repeats_has(&seat->repeats, record->hash, second);
    if (is_repeat) {
        worker_pass(seat->worker, record->position);
    } else {
        struct bytes note = retry->attempt > 0 ? bytes_from(retry, sizeof *retry) : (struct bytes){ 0 };
        if (!has_room(seat, record->body.len) ||
            !worker_offer(seat->worker, record, note, why->code == ERR_OK ? NULL : why))
            return false;
        if (is_telemetry) repeats_add(&seat->repeats, record->hash, second);
    }
    pthread_mutex_lock(&seat->member->lock);
    seat->position_offered = record->position;
    seat->repeat_count += is_repeat;
    pthread_mutex_unlock(&seat->member->lock);
    return true;
}

static void record_hold(struct seat *seat, const struct kafka_event *event)
{
    struct pending *pending = mem_alloc(sizeof *pending + event->record.body.len);
    pending->record = event->record;
    pending->retry = event->retry;
    pending->why = event->error;
    if (event->record.body.len > 0) memcpy(pending->body, event->record.body.ptr, event->record.body.len);
    pending->record.body = bytes_from(pending->body, event->record.body.len);
    seat->pending = pending;
    seat_pause(seat);
}

/* The record waits until the job is done. */
static void record_wait(struct seat *seat, enum job_kind kind, const struct kafka_event *event)
{
    record_hold(seat, event);
    phase_set(seat, MEMBER_TAKING);
    member_job_add(seat->member, kind, &seat, 1);
}

static void on_record(struct member *member, const struct kafka_event *event)
{
    struct seat *seat = member_seat(member, event->partition);
    if (!seat || event->record.position <= seat->position_offered) return;
    if (seat->phase != MEMBER_RUNNING || seat->pending) {
        seat->has_passed = true; /* though it was paused: it is asked for again */
    } else if (!seat->worker) {
        record_wait(seat, JOB_TAKE, event);
    } else if (seat->partition.topic == KAFKA_TELEMETRY && !seat->has_repeats && event->error.code == ERR_OK) {
        seat->first_position = event->record.position;
        seat->first_received_unix_us = event->record.received_unix_us;
        record_wait(seat, JOB_TAIL, event);
    } else if (!record_give(seat, &event->record, &event->retry, &event->error)) {
        record_hold(seat, event);
    }
}

/* True: some still wait for room. */
static bool pending_give(struct member *member)
{
    bool some_wait = false;
    for (uint32_t s = 0; s < member->seat_count; s++) {
        struct seat *seat = member->seats[s];
        if (!seat->pending || seat->phase != MEMBER_RUNNING) continue;
        if (record_give(seat, &seat->pending->record, &seat->pending->retry, &seat->pending->why)) {
            free(seat->pending);
            seat->pending = NULL;
            seat_resume(seat);
        } else {
            some_wait = true;
        }
    }
    return some_wait;
}

/* ---- partitions ---- */

static void seats_take(struct member *member, const struct kafka_bounds *bounds, uint32_t bounds_count)
{
    struct seat **seats = mem_calloc(bounds_count + 1, sizeof(struct seat *));
    uint32_t count = 0;
    for (uint32_t p = 0; p < bounds_count; p++) {
        if (bounds[p].partition.topic == KAFKA_PARKED) continue;
        struct seat *seat = member_seat(member, bounds[p].partition);
        if (seat) { /* lost, and given to us again before we were through with it */
            seat->is_given_back = seat->phase == MEMBER_ENDING;
            seat->back = bounds[p];
            continue;
        }
        seat = seat_add(member, &bounds[p]);
        if (bounds[p].partition.topic == KAFKA_TELEMETRY) {
            seats[count++] = seat;
        } else {
            seat_begin(seat, bounds[p].has_committed ? bounds[p].position_committed : 0);
        }
    }
    if (count > 0) member_job_add(member, JOB_TAKE, seats, count);
    free(seats);
}

static void on_gone(struct member *member, const struct kafka_event *event)
{
    struct seat **seats = mem_calloc(event->partition_count + 1, sizeof(struct seat *));
    uint32_t count = 0;
    for (uint32_t p = 0; p < event->partition_count; p++) {
        struct seat *seat = member_seat(member, event->partitions[p].partition);
        if (!seat) continue;
        seat->is_given_back = false;
        if (seat->phase == MEMBER_ENDING) continue;
        phase_set(seat, MEMBER_ENDING);
        seats[count++] = seat;
    }
    if (event->kind == KAFKA_REVOKED) member->has_revoked = true;
    member_job_add(member, event->kind == KAFKA_REVOKED ? JOB_END : JOB_DROP, seats, count);
    free(seats);
}

static void seat_ended(struct member *member, struct seat *seat)
{
    struct kafka_bounds back = seat->back;
    bool is_given_back = seat->is_given_back;
    seat_remove(member, seat);
    if (is_given_back) seats_take(member, &back, 1);
}

/* With a record that waits its partition goes on behind it, once that has found its place. */
static void wait_done(struct seat *seat)
{
    if (seat->phase != MEMBER_TAKING) return;
    if (seat->pending) {
        phase_set(seat, MEMBER_RUNNING);
    } else {
        seat_begin(seat, seat->position_start);
    }
}

static void running_count(struct member *member)
{
    uint32_t count = 0;
    pthread_mutex_lock(&member->lock); /* those that end are the other thread's */
    for (uint32_t s = 0; s < member->seat_count; s++)
        count += member->seats[s]->worker != NULL && member->seats[s]->phase == MEMBER_RUNNING;
    pthread_mutex_unlock(&member->lock);
    member->running_count = count > 0 ? count : 1;
}

static void jobs_finish(struct member *member)
{
    pthread_mutex_lock(&member->lock);
    struct job *job = member->done;
    member->done = NULL;
    pthread_mutex_unlock(&member->lock);
    for (struct job *next; job; job = next) {
        next = job->next;
        for (uint32_t s = 0; s < job->seat_count; s++) {
            struct seat *seat = job->seats[s];
            switch (job->kind) {
            case JOB_TAKE:
            case JOB_TAIL: wait_done(seat); break;
            case JOB_END:
            case JOB_DROP: seat_ended(member, seat); break;
            }
        }
        if (job->kind == JOB_END && member->has_revoked) {
            kafka_group_let_go(member->group);
            member->has_revoked = false;
        }
        member_job_free(job);
    }
    running_count(member);
}

/* The tables have another owner, and the group says we are: the tables are asked again, as the group's word is the later. */
static void fenced_retake(struct member *member)
{
    for (uint32_t s = 0; s < member->seat_count; s++) {
        struct seat *seat = member->seats[s];
        if (!atomic_load(&seat->is_fenced) || seat->phase != MEMBER_RUNNING) continue;
        pthread_mutex_lock(&member->lock);
        member->fenced++;
        pthread_mutex_unlock(&member->lock);
        log_warn(member->options.worker.log, "worker.partition_fenced", log_text("partition", seat->owner.app_id),
                 log_number("epoch", (int64_t)seat->owner.epoch),
                 log_text("then", "it is taken over anew, unless the group gives it to another"));
        if (seat->has_repeats) repeats_deinit(&seat->repeats);
        seat->has_repeats = false;
        free(seat->pending);
        seat->pending = NULL;
        phase_set(seat, MEMBER_TAKING);
        seat_pause(seat);
        member_job_add(member, JOB_TAKE, &seat, 1);
    }
}

void *member_poll_main(void *arg)
{
    struct member *member = arg;
    pthread_setname_np(pthread_self(), "kafka");
    while (!atomic_load(&member->stops)) {
        struct kafka_event event;
        jobs_finish(member);
        fenced_retake(member);
        bool some_wait = pending_give(member);
        kafka_group_poll(member->group, some_wait ? POLL_PENDING_MS : POLL_MS, &event);
        switch (event.kind) {
        case KAFKA_NOTHING: break;
        case KAFKA_RECORD: on_record(member, &event); break;
        case KAFKA_ASSIGNED: seats_take(member, event.partitions, event.partition_count); break;
        case KAFKA_REVOKED:
        case KAFKA_LOST: on_gone(member, &event); break;
        case KAFKA_FATAL:
            member->options.failed(member->options.ctx, &event.error);
            atomic_store(&member->stops, true);
            break;
        }
    }
    return NULL;
}
