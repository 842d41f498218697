#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "worker/counting/counting.h"

#define WEIGH_EVERY     64 /* records */
#define EXPIRE_EVERY_US INT64_C(600000000)

struct counting {
    struct counting_options options;
    _Atomic int64_t bytes;
    _Atomic uint64_t stores, store_failures, rows_skipped, rows_rest;
    atomic_bool is_failing;
    _Atomic int64_t expire_at_us;
    struct histogram store_times;
};

struct counting_tap {
    struct tap tap;
    struct counting *counting;
    const struct counting_ops *ops;
    char app_id[128];
    struct uuid owner;
    _Atomic uint64_t position; /* stored */

    /* the worker's thread's */
    void *current, *names;
    int64_t current_bytes; /* as counted in counting->bytes */
    int64_t not_before_us;
    struct uuid project_id;
    uint32_t records;
    uint64_t skipped, rest; /* of current, as counted */

    /* the flush thread's */
    void *storing;
    uint64_t storing_position;

    pthread_mutex_t lock; /* guards what follows */
    void *waiting, *spare;
    uint64_t waiting_position; /* 0: nothing waits */
    int64_t waiting_bytes, storing_bytes;
};

static struct counting_tap *self_of(struct tap *tap)
{
    return (struct counting_tap *)(void *)((uint8_t *)tap - offsetof(struct counting_tap, tap));
}

static void bytes_set(struct counting *counting, int64_t *counted, size_t bytes)
{
    atomic_fetch_add(&counting->bytes, (int64_t)bytes - *counted);
    *counted = (int64_t)bytes;
}

static void current_weigh(struct counting_tap *self)
{
    struct counting_weight weight = { 0 };
    self->ops->delta_weigh(self->current, &weight);
    bytes_set(self->counting, &self->current_bytes, weight.bytes);
    atomic_fetch_add(&self->counting->rows_skipped, weight.skipped - self->skipped);
    atomic_fetch_add(&self->counting->rows_rest, weight.rest - self->rest);
    self->skipped = weight.skipped;
    self->rest = weight.rest;
}

static void tap_record_begin(struct tap *tap, uint64_t position, struct uuid project_id,
                             const struct otlp_request *request)
{
    struct counting_tap *self = self_of(tap);
    (void)position;
    assert(position > atomic_load(&self->position));
    int64_t now_us = clock_unix_us(), keep_us = self->counting->options.keep_us;
    self->not_before_us = keep_us > 0 ? now_us - keep_us : INT64_MIN;
    self->project_id = project_id;
    tap->wants_attributes = self->ops->record_begin(self->current, self->names, now_us, project_id, request);
    if (++self->records % (self->ops->weigh_every ? self->ops->weigh_every : WEIGH_EVERY) == 0) current_weigh(self);
}

static void tap_row(struct tap *tap, const struct rows_row *row)
{
    struct counting_tap *self = self_of(tap);
    tap->wants_attributes = self->ops->row(self->current, self->names, self->project_id, row, self->not_before_us);
}

static void tap_cut(struct tap *tap, uint64_t position)
{
    struct counting_tap *self = self_of(tap);
    const struct counting_ops *ops = self->ops;
    struct counting_weight weight = { 0 };
    if (position <= atomic_load(&self->position)) return; /* a replay that the tap has already */
    current_weigh(self);
    pthread_mutex_lock(&self->lock);
    if (self->waiting_position == 0) {
        void *free_one = self->waiting ? self->waiting : self->spare;
        if (free_one == self->spare) self->spare = NULL;
        self->waiting = self->current;
        self->current = free_one ? free_one : ops->delta_create();
    } else {
        ops->delta_merge(self->waiting, self->current);
    }
    self->waiting_position = position;
    ops->delta_weigh(self->waiting, &weight);
    bytes_set(self->counting, &self->waiting_bytes, weight.bytes);
    pthread_mutex_unlock(&self->lock);
    ops->delta_weigh(self->current, &weight);
    self->skipped = weight.skipped; /* of this one, before */
    self->rest = weight.rest;
    current_weigh(self);
}

static bool tap_wants_cut(struct tap *tap)
{
    struct counting_tap *self = self_of(tap);
    return (uint64_t)self->current_bytes > self->counting->options.bytes_max / 2;
}

static bool tap_has_room(struct tap *tap)
{
    struct counting *counting = self_of(tap)->counting;
    int64_t bytes = atomic_load(&counting->bytes);
    return bytes <= 0 || (uint64_t)bytes <= counting->options.bytes_max;
}

/* What waits becomes what is being stored; what failed before is tried again as it was: its commit may have been done. */
static bool storing_begin(struct counting_tap *self)
{
    if (self->storing_position != 0) return true;
    pthread_mutex_lock(&self->lock);
    if (self->waiting_position != 0) {
        void *free_one = self->storing;
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

static void storing_end(struct counting_tap *self)
{
    self->ops->delta_reset(self->storing);
    atomic_store(&self->position, self->storing_position);
    self->storing_position = 0;
    pthread_mutex_lock(&self->lock);
    bytes_set(self->counting, &self->storing_bytes, 0);
    if (self->spare == NULL) {
        self->spare = self->storing;
        self->storing = NULL;
    }
    pthread_mutex_unlock(&self->lock);
}

/* Of all partitions one at a time. */
static void expire(struct counting *counting)
{
    const struct counting_options *options = &counting->options;
    uint64_t deleted = 0;
    struct err err = { 0 };
    int64_t now_us = clock_unix_us(), due_us = atomic_load(&counting->expire_at_us);
    if (now_us < due_us || !atomic_compare_exchange_strong(&counting->expire_at_us, &due_us, now_us + EXPIRE_EVERY_US))
        return;
    if (!options->ops->expire(options->ctx, now_us, &deleted, &err))
        log_warn(options->log, options->ops->event_expire_failed, log_text("err", err.text));
    if (deleted > 0) atomic_store(&counting->expire_at_us, now_us); /* there may be more */
}

static bool tap_store(struct tap *tap, struct err *err)
{
    struct counting_tap *self = self_of(tap);
    struct counting *counting = self->counting;
    const struct counting_options *options = &counting->options;
    while (storing_begin(self)) {
        struct tap_move move = { .tap = self->ops->tap,
                                 .app_id = self->app_id,
                                 .owner = self->owner,
                                 .before = atomic_load(&self->position),
                                 .position = self->storing_position };
        uint64_t begin_ns = clock_mono_ns();
        if (!self->ops->store(options->ctx, self->storing, &move, err)) {
            atomic_fetch_add(&counting->store_failures, 1);
            if (!atomic_exchange(&counting->is_failing, true))
                log_error(options->log, self->ops->event_store_failed, log_text("err", err->text),
                          log_text("then", "counts wait in memory, records in the log; trying again"));
            return false;
        }
        histogram_add_ns(&counting->store_times, clock_mono_ns() - begin_ns);
        atomic_fetch_add(&counting->stores, 1);
        if (atomic_exchange(&counting->is_failing, false)) log_info(options->log, self->ops->event_store_recovered);
        storing_end(self);
    }
    if (self->ops->expire) expire(counting);
    return true;
}

static uint64_t tap_position(struct tap *tap)
{
    return atomic_load(&self_of(tap)->position);
}

static void tap_close(struct tap *tap)
{
    struct counting_tap *self = self_of(tap);
    bytes_set(self->counting, &self->current_bytes, 0);
    bytes_set(self->counting, &self->waiting_bytes, 0);
    bytes_set(self->counting, &self->storing_bytes, 0);
    if (self->names) self->ops->names_destroy(self->names);
    self->ops->delta_destroy(self->current);
    self->ops->delta_destroy(self->waiting);
    self->ops->delta_destroy(self->storing);
    self->ops->delta_destroy(self->spare);
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
    struct counting *counting = ctx;
    const struct counting_ops *ops = counting->options.ops;
    uint64_t position;
    struct uuid owner = uuid_random();
    if (!tap_position_take(counting->options.db, ops->tap, app_id, owner, clock_unix_us(), &position, err))
        return err_within(err, "%s", ops->what);
    struct counting_tap *self = mem_calloc(1, sizeof *self);
    self->tap = (struct tap){ .ops = &tap_ops, .name = ops->tap, .takes_no_rows = ops->row == NULL };
    self->counting = counting;
    self->ops = ops;
    self->owner = owner;
    assert(strlen(app_id) < sizeof self->app_id);
    strcpy(self->app_id, app_id);
    atomic_store(&self->position, position);
    self->current = ops->delta_create();
    if (ops->names_create) self->names = ops->names_create(counting->options.ctx);
    pthread_mutex_init(&self->lock, NULL);
    *tap = &self->tap;
    return true;
}

struct tap_source counting_source(struct counting *counting)
{
    return (struct tap_source){ .open = source_open, .ctx = counting };
}

struct counting *counting_open(const struct counting_options *options)
{
    struct counting *counting = mem_calloc(1, sizeof *counting);
    counting->options = *options;
    return counting;
}

void counting_stats(struct counting *counting, struct counting_stats *stats)
{
    int64_t bytes = atomic_load(&counting->bytes);
    *stats = (struct counting_stats){ .bytes = bytes > 0 ? (uint64_t)bytes : 0,
                                      .stores = atomic_load(&counting->stores),
                                      .store_failures = atomic_load(&counting->store_failures),
                                      .rows_skipped = atomic_load(&counting->rows_skipped),
                                      .rows_rest = atomic_load(&counting->rows_rest),
                                      .is_storing_failing = atomic_load(&counting->is_failing) };
    histogram_read(&counting->store_times, &stats->store_times);
}

void counting_close(struct counting *counting)
{
    free(counting);
}
