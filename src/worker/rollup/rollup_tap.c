#include "worker/rollup/rollup.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fail.h"
#include "worker/rollup/rollup_delta.h"

#define BYTES_MAX      (512ull << 20) /* an hour of 100,000 series; and indexes of minutes fit their bits */
#define THOROUGH_EVERY 45             /* rounds of the job: a quarter of an hour */
#define JOB_MS         20000
#define WEIGH_EVERY    64 /* records */

struct rollups {
    struct rollups_options options;
    _Atomic int64_t bytes;
    _Atomic uint64_t stores, store_failures, rows_skipped;
    _Atomic uint64_t hours, days, edges, deleted, job_failures;
    atomic_bool is_failing;
    struct histogram store_times;
    pthread_t thread;
    bool thread_runs;
    pthread_mutex_t lock; /* guards stops */
    pthread_cond_t changed;
    bool stops;
};

struct rollup_tap {
    struct tap tap;
    struct rollups *rollups;
    char app_id[128];
    struct uuid owner;
    _Atomic uint64_t position; /* stored */

    /* the worker's thread's */
    struct rollup_delta *current;
    struct rollup_names *names;
    int64_t current_bytes; /* as counted in rollups->bytes */
    int64_t not_before_us;
    uint32_t records;
    uint64_t skipped;

    /* the flush thread's */
    struct rollup_delta *storing;
    uint64_t storing_position;

    pthread_mutex_t lock; /* guards what follows */
    struct rollup_delta *waiting, *spare;
    uint64_t waiting_position; /* 0: nothing waits */
    int64_t waiting_bytes, storing_bytes;
};

static struct rollup_tap *self_of(struct tap *tap)
{
    return (struct rollup_tap *)(void *)((uint8_t *)tap - offsetof(struct rollup_tap, tap));
}

static void bytes_set(struct rollups *rollups, int64_t *counted, int64_t bytes)
{
    atomic_fetch_add(&rollups->bytes, bytes - *counted);
    *counted = bytes;
}

static void current_weigh(struct rollup_tap *self)
{
    bytes_set(self->rollups, &self->current_bytes, (int64_t)rollup_delta_bytes(self->current));
    uint64_t skipped = rollup_delta_skipped(self->current);
    if (skipped > self->skipped) atomic_fetch_add(&self->rollups->rows_skipped, skipped - self->skipped);
    self->skipped = skipped;
}

static void tap_record_begin(struct tap *tap, uint64_t position, struct uuid project_id,
                             const struct otlp_request *request)
{
    struct rollup_tap *self = self_of(tap);
    (void)position;
    assert(position > atomic_load(&self->position));
    int64_t keep_us = self->rollups->options.keep.minutes_us, now_us = clock_unix_us();
    self->not_before_us = keep_us > 0 ? now_us - keep_us : INT64_MIN;
    rollup_delta_request_begin(self->current, self->names, now_us, project_id, request);
    tap->wants_attributes = rollup_delta_wants_attributes(self->current);
    if (++self->records % WEIGH_EVERY == 0) current_weigh(self);
}

static void tap_row(struct tap *tap, const struct rows_row *row)
{
    struct rollup_tap *self = self_of(tap);
    rollup_delta_row(self->current, row, self->not_before_us);
    tap->wants_attributes = rollup_delta_wants_attributes(self->current);
}

static void tap_cut(struct tap *tap, uint64_t position)
{
    struct rollup_tap *self = self_of(tap);
    if (position <= atomic_load(&self->position)) return; /* a replay that the tap has already */
    current_weigh(self);
    pthread_mutex_lock(&self->lock);
    if (self->waiting_position == 0) {
        struct rollup_delta *free_one = self->waiting ? self->waiting : self->spare;
        if (free_one == self->spare) self->spare = NULL;
        self->waiting = self->current;
        self->current = free_one ? free_one : rollup_delta_create();
    } else {
        rollup_delta_merge(self->waiting, self->current);
    }
    self->waiting_position = position;
    bytes_set(self->rollups, &self->waiting_bytes, (int64_t)rollup_delta_bytes(self->waiting));
    pthread_mutex_unlock(&self->lock);
    self->skipped = rollup_delta_skipped(self->current);
    current_weigh(self);
}

static bool tap_wants_cut(struct tap *tap)
{
    struct rollup_tap *self = self_of(tap);
    return (uint64_t)self->current_bytes > self->rollups->options.bytes_max / 2;
}

static bool tap_has_room(struct tap *tap)
{
    struct rollups *rollups = self_of(tap)->rollups;
    int64_t bytes = atomic_load(&rollups->bytes);
    return bytes <= 0 || (uint64_t)bytes <= rollups->options.bytes_max;
}

/* What waits becomes what is being stored; what failed before is tried again as it was: its commit may have been done. */
static bool storing_begin(struct rollup_tap *self)
{
    if (self->storing_position != 0) return true;
    pthread_mutex_lock(&self->lock);
    if (self->waiting_position != 0) {
        struct rollup_delta *free_one = self->storing;
        self->storing = self->waiting;
        self->storing_position = self->waiting_position;
        self->waiting = free_one;
        self->waiting_position = 0;
        self->storing_bytes = self->waiting_bytes;
        self->waiting_bytes = 0;
    }
    pthread_mutex_unlock(&self->lock);
    return self->storing_position != 0;
}

static void storing_end(struct rollup_tap *self)
{
    rollup_delta_reset(self->storing);
    atomic_store(&self->position, self->storing_position);
    self->storing_position = 0;
    pthread_mutex_lock(&self->lock);
    bytes_set(self->rollups, &self->storing_bytes, 0);
    if (self->spare == NULL) {
        self->spare = self->storing;
        self->storing = NULL;
    }
    pthread_mutex_unlock(&self->lock);
}

static bool tap_store(struct tap *tap, struct err *err)
{
    struct rollup_tap *self = self_of(tap);
    struct rollups *rollups = self->rollups;
    while (storing_begin(self)) {
        struct rollup_changes changes = { .app_id = self->app_id,
                                          .owner = self->owner,
                                          .position_before = atomic_load(&self->position),
                                          .position = self->storing_position };
        uint64_t begin_ns = clock_mono_ns();
        rollup_delta_changes(self->storing, &changes);
        fail_point("rollups.before_store");
        if (!rollup_store(rollups->options.db, &changes, clock_unix_us(), err)) {
            atomic_fetch_add(&rollups->store_failures, 1);
            if (!atomic_exchange(&rollups->is_failing, true))
                log_error(rollups->options.log, "rollups.store_failed", log_text("err", err->text),
                          log_text("then", "counts wait in memory, records in the log; trying again"));
            return false;
        }
        fail_point("rollups.after_store");
        histogram_add_ns(&rollups->store_times, clock_mono_ns() - begin_ns);
        atomic_fetch_add(&rollups->stores, 1);
        if (atomic_exchange(&rollups->is_failing, false)) log_info(rollups->options.log, "rollups.store_recovered");
        storing_end(self);
    }
    return true;
}

static uint64_t tap_position(struct tap *tap)
{
    return atomic_load(&self_of(tap)->position);
}

static void tap_close(struct tap *tap)
{
    struct rollup_tap *self = self_of(tap);
    bytes_set(self->rollups, &self->current_bytes, 0);
    bytes_set(self->rollups, &self->waiting_bytes, 0);
    bytes_set(self->rollups, &self->storing_bytes, 0);
    rollup_names_destroy(self->names);
    rollup_delta_destroy(self->current);
    rollup_delta_destroy(self->waiting);
    rollup_delta_destroy(self->storing);
    rollup_delta_destroy(self->spare);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct tap_ops tap_ops = {
    .record_begin = tap_record_begin,
    .row = tap_row,
    .cut = tap_cut,
    .wants_cut = tap_wants_cut,
    .has_room = tap_has_room,
    .store = tap_store,
    .position = tap_position,
    .close = tap_close,
};

static bool source_open(void *ctx, const char *app_id, struct tap **tap, struct err *err)
{
    struct rollups *rollups = ctx;
    uint64_t position;
    struct uuid owner = uuid_random();
    if (!rollup_take(rollups->options.db, app_id, owner, clock_unix_us(), &position, err))
        return err_within(err, "roll-ups");
    struct rollup_tap *self = mem_calloc(1, sizeof *self);
    self->tap = (struct tap){ .ops = &tap_ops, .name = ROLLUP_TAP };
    self->rollups = rollups;
    self->owner = owner;
    assert(strlen(app_id) < sizeof self->app_id);
    strcpy(self->app_id, app_id);
    atomic_store(&self->position, position);
    self->current = rollup_delta_create();
    self->names = rollup_names_create();
    pthread_mutex_init(&self->lock, NULL);
    *tap = &self->tap;
    return true;
}

struct tap_source rollups_source(struct rollups *rollups)
{
    return (struct tap_source){ .open = source_open, .ctx = rollups };
}

/* ---- the job ---- */

static void job_round(struct rollups *rollups, bool is_thorough)
{
    struct rollup_job_stats stats = { 0 };
    struct err err = { 0 };
    bool ok = rollup_job(rollups->options.db, &rollups->options.keep, clock_unix_us(), is_thorough, &stats, &err);
    atomic_fetch_add(&rollups->hours, stats.hours);
    atomic_fetch_add(&rollups->days, stats.days);
    atomic_fetch_add(&rollups->edges, stats.edges);
    atomic_fetch_add(&rollups->deleted, stats.deleted);
    if (ok) return;
    /* Counted, and told where the database being away is told: nothing is lost by doing it later. */
    if (atomic_fetch_add(&rollups->job_failures, 1) % 60 == 0)
        log_warn(rollups->options.log, "rollups.job_failed", log_text("err", err.text));
}

static void *job_main(void *arg)
{
    struct rollups *rollups = arg;
    pthread_setname_np(pthread_self(), "rollups");
    uint32_t round = 0;
    uint32_t every_ms = rollups->options.job_ms ? rollups->options.job_ms : JOB_MS;
    pthread_mutex_lock(&rollups->lock);
    while (!rollups->stops) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += every_ms / 1000;
        until.tv_nsec += (long)(every_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        int timed_out = 0;
        while (!rollups->stops && timed_out == 0)
            timed_out = pthread_cond_timedwait(&rollups->changed, &rollups->lock, &until);
        if (rollups->stops) break;
        pthread_mutex_unlock(&rollups->lock);
        job_round(rollups, round++ % THOROUGH_EVERY == 0);
        pthread_mutex_lock(&rollups->lock);
    }
    pthread_mutex_unlock(&rollups->lock);
    return NULL;
}

bool rollups_open(struct rollups **out, const struct rollups_options *options, struct err *err)
{
    *out = NULL;
    if (!rollup_prepare(options->db, &options->keep, options->log, err)) return err_within(err, "roll-ups");
    struct rollups *rollups = mem_calloc(1, sizeof *rollups);
    rollups->options = *options;
    if (options->bytes_max > BYTES_MAX) rollups->options.bytes_max = BYTES_MAX;
    pthread_mutex_init(&rollups->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&rollups->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int failed = options->does_jobs ? pthread_create(&rollups->thread, NULL, job_main, rollups) : 0;
    if (failed) {
        errno = failed;
        rollups_close(rollups);
        return err_os(err, "could not start the thread of the roll-ups");
    }
    rollups->thread_runs = options->does_jobs;
    *out = rollups;
    return true;
}

void rollups_stats(struct rollups *rollups, struct rollups_stats *stats)
{
    int64_t bytes = atomic_load(&rollups->bytes);
    *stats = (struct rollups_stats){ .bytes = bytes > 0 ? (uint64_t)bytes : 0,
                                     .stores = atomic_load(&rollups->stores),
                                     .store_failures = atomic_load(&rollups->store_failures),
                                     .rows_skipped = atomic_load(&rollups->rows_skipped),
                                     .hours = atomic_load(&rollups->hours),
                                     .days = atomic_load(&rollups->days),
                                     .edges = atomic_load(&rollups->edges),
                                     .deleted = atomic_load(&rollups->deleted),
                                     .job_failures = atomic_load(&rollups->job_failures),
                                     .is_storing_failing = atomic_load(&rollups->is_failing) };
    histogram_read(&rollups->store_times, &stats->store_times);
}

void rollups_close(struct rollups *rollups)
{
    if (!rollups) return;
    pthread_mutex_lock(&rollups->lock);
    rollups->stops = true;
    pthread_cond_broadcast(&rollups->changed);
    pthread_mutex_unlock(&rollups->lock);
    if (rollups->thread_runs) pthread_join(rollups->thread, NULL);
    pthread_cond_destroy(&rollups->changed);
    pthread_mutex_destroy(&rollups->lock);
    free(rollups);
}
