#include "worker/patterns/patterns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"
#include "meta/tap_position.h"
#include "worker/patterns/pattern_delta.h"

#define WEIGH_EVERY     64 /* records */
#define EXPIRE_EVERY_US INT64_C(600000000)

struct patterns {
    struct patterns_options options;
    _Atomic int64_t bytes, expire_at_us;
    _Atomic uint64_t stores, store_failures, rows_skipped, rows_rest, deleted;
    atomic_bool is_failing;
    struct histogram store_times;
};

struct pattern_tap {
    struct tap tap;
    struct patterns *patterns;
    char app_id[128];
    struct uuid owner;
    _Atomic uint64_t position; /* stored */

    /* the worker's thread's */
    struct pattern_delta *current;
    struct pattern_names *names;
    int64_t current_bytes; /* as counted in patterns->bytes */
    int64_t not_before_us;
    struct uuid project_id;
    uint32_t records;
    uint64_t skipped, rest; /* of current, as counted */

    /* the flush thread's */
    struct pattern_delta *storing;
    uint64_t storing_position;

    pthread_mutex_t lock; /* guards what follows */
    struct pattern_delta *waiting, *spare;
    uint64_t waiting_position; /* 0: nothing waits */
    int64_t waiting_bytes, storing_bytes;
};

static struct pattern_tap *self_of(struct tap *tap)
{
    return (struct pattern_tap *)(void *)((uint8_t *)tap - offsetof(struct pattern_tap, tap));
}

static void bytes_set(struct patterns *patterns, int64_t *counted, int64_t bytes)
{
    atomic_fetch_add(&patterns->bytes, bytes - *counted);
    *counted = bytes;
}

static void current_weigh(struct pattern_tap *self)
{
    uint64_t skipped = pattern_delta_skipped(self->current), rest = pattern_delta_rest(self->current);
    bytes_set(self->patterns, &self->current_bytes, (int64_t)pattern_delta_bytes(self->current));
    atomic_fetch_add(&self->patterns->rows_skipped, skipped - self->skipped);
    atomic_fetch_add(&self->patterns->rows_rest, rest - self->rest);
    self->skipped = skipped;
    self->rest = rest;
}

static void tap_record_begin(struct tap *tap, uint64_t position, struct uuid project_id,
                             const struct otlp_request *request)
{
    struct pattern_tap *self = self_of(tap);
    (void)request;
    assert(position > atomic_load(&self->position));
    int64_t now_us = clock_unix_us(), keep_us = self->patterns->options.keep_us;
    self->not_before_us = keep_us > 0 ? now_us - keep_us : INT64_MIN;
    self->project_id = project_id;
    pattern_names_begin(self->names, now_us);
    if (++self->records % WEIGH_EVERY == 0) current_weigh(self);
}

static void tap_row(struct tap *tap, const struct rows_row *row)
{
    struct pattern_tap *self = self_of(tap);
    pattern_delta_row(self->current, self->names, self->project_id, row, self->not_before_us);
}

static void tap_cut(struct tap *tap, uint64_t position)
{
    struct pattern_tap *self = self_of(tap);
    if (position <= atomic_load(&self->position)) return; /* a replay that the tap has already */
    current_weigh(self);
    pthread_mutex_lock(&self->lock);
    if (self->waiting_position == 0) {
        struct pattern_delta *free_one = self->waiting ? self->waiting : self->spare;
        if (free_one == self->spare) self->spare = NULL;
        self->waiting = self->current;
        self->current = free_one ? free_one : pattern_delta_create();
    } else {
        pattern_delta_merge(self->waiting, self->current);
    }
    self->waiting_position = position;
    bytes_set(self->patterns, &self->waiting_bytes, (int64_t)pattern_delta_bytes(self->waiting));
    pthread_mutex_unlock(&self->lock);
    self->skipped = self->rest = 0;
    current_weigh(self);
}

static bool tap_wants_cut(struct tap *tap)
{
    struct pattern_tap *self = self_of(tap);
    return (uint64_t)self->current_bytes > self->patterns->options.bytes_max / 2;
}

static bool tap_has_room(struct tap *tap)
{
    struct patterns *patterns = self_of(tap)->patterns;
    int64_t bytes = atomic_load(&patterns->bytes);
    return bytes <= 0 || (uint64_t)bytes <= patterns->options.bytes_max;
}

/* What waits becomes what is being stored; what failed before is tried again as it was: its commit may have been done. */
static bool storing_begin(struct pattern_tap *self)
{
    if (self->storing_position != 0) return true;
    pthread_mutex_lock(&self->lock);
    if (self->waiting_position != 0) {
        struct pattern_delta *free_one = self->storing;
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

static void storing_end(struct pattern_tap *self)
{
    pattern_delta_reset(self->storing);
    atomic_store(&self->position, self->storing_position);
    self->storing_position = 0;
    pthread_mutex_lock(&self->lock);
    bytes_set(self->patterns, &self->storing_bytes, 0);
    if (self->spare == NULL) {
        self->spare = self->storing;
        self->storing = NULL;
    }
    pthread_mutex_unlock(&self->lock);
}

/* What is past its time, now and then, a part of it: nothing waits for it, and what fails is tried the next time. */
static void expire(struct patterns *patterns, int64_t now_us)
{
    uint64_t deleted = 0;
    struct err err = { 0 };
    int64_t due_us = atomic_load(&patterns->expire_at_us);
    if (now_us < due_us || !atomic_compare_exchange_strong(&patterns->expire_at_us, &due_us, now_us + EXPIRE_EVERY_US))
        return;
    if (!pattern_expire(patterns->options.db, patterns->options.keep_us, now_us, &deleted, &err))
        log_warn(patterns->options.log, "patterns.expire_failed", log_text("err", err.text));
    atomic_fetch_add(&patterns->deleted, deleted);
    if (deleted > 0) atomic_store(&patterns->expire_at_us, now_us); /* there may be more */
}

static bool tap_store(struct tap *tap, struct err *err)
{
    struct pattern_tap *self = self_of(tap);
    struct patterns *patterns = self->patterns;
    while (storing_begin(self)) {
        struct pattern_changes changes = { .app_id = self->app_id,
                                           .owner = self->owner,
                                           .position_before = atomic_load(&self->position),
                                           .position = self->storing_position };
        uint64_t begin_ns = clock_mono_ns();
        pattern_delta_changes(self->storing, &changes);
        fail_point("patterns.before_store");
        if (!pattern_store(patterns->options.db, &changes, clock_unix_us(), err)) {
            atomic_fetch_add(&patterns->store_failures, 1);
            if (!atomic_exchange(&patterns->is_failing, true))
                log_error(patterns->options.log, "patterns.store_failed", log_text("err", err->text),
                          log_text("then", "counts wait in memory, records in the log; trying again"));
            return false;
        }
        fail_point("patterns.after_store");
        histogram_add_ns(&patterns->store_times, clock_mono_ns() - begin_ns);
        atomic_fetch_add(&patterns->stores, 1);
        if (atomic_exchange(&patterns->is_failing, false)) log_info(patterns->options.log, "patterns.store_recovered");
        storing_end(self);
    }
    expire(patterns, clock_unix_us());
    return true;
}

static uint64_t tap_position(struct tap *tap)
{
    return atomic_load(&self_of(tap)->position);
}

static void tap_close(struct tap *tap)
{
    struct pattern_tap *self = self_of(tap);
    bytes_set(self->patterns, &self->current_bytes, 0);
    bytes_set(self->patterns, &self->waiting_bytes, 0);
    bytes_set(self->patterns, &self->storing_bytes, 0);
    pattern_names_destroy(self->names);
    pattern_delta_destroy(self->current);
    pattern_delta_destroy(self->waiting);
    pattern_delta_destroy(self->storing);
    pattern_delta_destroy(self->spare);
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
    struct patterns *patterns = ctx;
    uint64_t position;
    struct uuid owner = uuid_random();
    if (!tap_position_take(patterns->options.db, PATTERN_TAP, app_id, owner, clock_unix_us(), &position, err))
        return err_within(err, "log patterns");
    struct pattern_tap *self = mem_calloc(1, sizeof *self);
    self->tap = (struct tap){ .ops = &tap_ops, .name = PATTERN_TAP };
    self->patterns = patterns;
    self->owner = owner;
    assert(strlen(app_id) < sizeof self->app_id);
    strcpy(self->app_id, app_id);
    atomic_store(&self->position, position);
    self->current = pattern_delta_create();
    self->names = pattern_names_create();
    pthread_mutex_init(&self->lock, NULL);
    *tap = &self->tap;
    return true;
}

struct tap_source patterns_source(struct patterns *patterns)
{
    return (struct tap_source){ .open = source_open, .ctx = patterns };
}

struct patterns *patterns_open(const struct patterns_options *options)
{
    struct patterns *patterns = mem_calloc(1, sizeof *patterns);
    patterns->options = *options;
    return patterns;
}

void patterns_stats(struct patterns *patterns, struct patterns_stats *stats)
{
    int64_t bytes = atomic_load(&patterns->bytes);
    *stats = (struct patterns_stats){ .bytes = bytes > 0 ? (uint64_t)bytes : 0,
                                      .stores = atomic_load(&patterns->stores),
                                      .store_failures = atomic_load(&patterns->store_failures),
                                      .deleted = atomic_load(&patterns->deleted),
                                      .rows_skipped = atomic_load(&patterns->rows_skipped),
                                      .rows_rest = atomic_load(&patterns->rows_rest),
                                      .is_storing_failing = atomic_load(&patterns->is_failing) };
    histogram_read(&patterns->store_times, &stats->store_times);
}

void patterns_close(struct patterns *patterns)
{
    free(patterns);
}
