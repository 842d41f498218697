/* counting_fixture.h -- for tests of taps that count: one in a real worker, with real tables and databases.
 *
 *   records_push, records_replay: records of kind->body --> worker --> tap of kind->open --> kind->counted_check
 *                                                             '--> tables: rows_in_tables
 *   test_stored_with_the_flush: what each of them must keep to */
#pragma once
#include <stdatomic.h>

#include "base/clock.h"
#include "base/disk.h"
#include "meta/db_fixture.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include "worker/counting/counting.h"
#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"
#include "worker/worker.h"

/* The tap under test. Each record is of `rows` rows. */
struct counting_kind {
    enum buffer_signal signal;
    uint32_t rows;
    struct buf (*body)(uint64_t position, const char *service);
    void *(*open)(struct db *db, uint64_t bytes_max, struct tap_source *source);
    void (*stats)(void *taps, struct counting_stats *stats);
    void (*close)(void *taps);
    void (*counted_check)(struct db *db, uint64_t records);
    const char *hidden;    /* a table without which nothing is stored */
    const char *tables[8]; /* what the tap keeps; up to the first NULL */
};

struct counting_fixture {
    const struct counting_kind *kind;
    struct db_fixture *database;
    struct object_store *store;
    struct timefusion *timefusion;
    void *taps;
    struct worker *worker;
    struct tap_source tap;
    struct uuid buffer_id, project_id;
    struct worker_memory memory;
    uint64_t bytes_max, position;
    atomic_uint_fast64_t released;
};

static inline bool on_mark(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count,
                           struct err *err)
{
    (void)ctx, (void)position, (void)failed, (void)count;
    return err_set(err, ERR_INTERNAL, "nothing fails here");
}
static inline bool on_release(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count,
                              struct err *err)
{
    (void)failed, (void)count, (void)err;
    atomic_store(&((struct counting_fixture *)ctx)->released, position);
    return true;
}
static inline void on_lost(void *ctx, const struct err *err)
{
    (void)ctx;
    fail_msg("%s", err->text);
}

static inline void parts_open(struct counting_fixture *world)
{
    struct err err = { 0 };
    char tables[100];
    snprintf(tables, sizeof tables, "%s/tables", world->database->dir);
    assert_true(object_store_open_folder(&world->store, tables, &disk_real, &err));
    struct timefusion_options options = { .dir = world->database->dir,
                                          .store = world->store,
                                          .disk = &disk_real,
                                          .footer_bytes_max = 1 << 20,
                                          .log = &db_fixture_log };
    if (!timefusion_open(&world->timefusion, &options, &err)) fail_msg("%s", err.text);
    world->taps = world->kind->open(world->database->db, world->bytes_max, &world->tap);
    struct flush_owner partition = { 0 };
    flush_app_id(world->buffer_id, 0, partition.app_id);
    flush_owner_read(world->timefusion, &partition);
    world->memory = (struct worker_memory){ .columns_bytes_max = 64 << 20 };
    struct worker_options worker = {
        .timefusion = world->timefusion,
        .partition = partition,
        .source = { .mark = on_mark, .release = on_release, .lost = on_lost, .ctx = world },
        .memory = &world->memory,
        .queue_bytes_max = 64 << 20,
        .attribute_keys_max = 1000,
        .publish_ms = 20,
        .flush_ms = 3600000,
        .taps = &world->tap,
        .tap_count = 1,
        .log = &db_fixture_log
    };
    if (!worker_open(&world->worker, &worker, &err)) fail_msg("%s", err.text);
}

static inline void parts_close(struct counting_fixture *world)
{
    worker_close(world->worker);
    world->kind->close(world->taps);
    timefusion_close(world->timefusion);
    object_store_close(world->store);
}

static inline int counting_setup(void **state, const struct counting_kind *kind)
{
    struct counting_fixture *world = calloc(1, sizeof *world);
    world->kind = kind;
    world->database = db_fixture_setup(state);
    db_fixture_open(world->database);
    world->buffer_id = uuid_random();
    world->project_id = uuid_random();
    world->bytes_max = 32 << 20;
    *state = world;
    return 0;
}
static inline int counting_teardown(void **state)
{
    struct counting_fixture *world = *state;
    db_fixture_teardown(world->database);
    free(world);
    return 0;
}

static inline struct buffer_record record_of(const struct counting_fixture *world, uint64_t position,
                                             const struct buf *body)
{
    return (struct buffer_record){ .position = position,
                                   .signal = world->kind->signal,
                                   .project_id = world->project_id,
                                   .received_unix_us = clock_unix_us(),
                                   .body = buf_bytes(body) };
}

static inline void records_push(struct counting_fixture *world, uint32_t count, const char *service)
{
    for (uint32_t r = 0; r < count; r++) {
        struct err err = { 0 };
        struct inbound *inbound;
        char name[32];
        snprintf(name, sizeof name, service, ++world->position);
        struct buf body = world->kind->body(world->position, name);
        struct buffer_record record = record_of(world, world->position, &body);
        assert_true(inbound_from_record(&record, &inbound, &err));
        worker_push(world->worker, &record, inbound);
        buf_deinit(&body);
    }
}

static inline void records_replay(struct counting_fixture *world)
{
    for (uint64_t position = 1; position <= world->position; position++) {
        struct err err = { 0 };
        struct buf body = world->kind->body(position, "cart");
        struct buffer_record record = record_of(world, position, &body);
        if (!worker_replay(world->worker, &record, &err)) fail_msg("%s", err.text);
        buf_deinit(&body);
    }
}

static inline void flush(struct counting_fixture *world)
{
    struct err err = { 0 };
    if (!worker_flush(world->worker, NULL, 60000, &err)) fail_msg("%s", err.text);
}

static inline void start(struct counting_fixture *world)
{
    struct err err = { 0 };
    if (!worker_start(world->worker, &err)) fail_msg("%s", err.text);
}

static inline void wait_released(struct counting_fixture *world, uint64_t position)
{
    uint64_t until_ns = clock_mono_ns() + 60000000000ull;
    while (atomic_load(&world->released) < position && clock_mono_ns() < until_ns) clock_sleep_ms(5);
    assert_int_equal(atomic_load(&world->released), position);
}

static inline uint64_t rows_in_tables(struct counting_fixture *world)
{
    struct err err = { 0 };
    struct timefusion_snapshot *snapshot;
    uint64_t rows = 0;
    assert_true(
        timefusion_snapshot_acquire(world->timefusion, SCHEMA_LOGS_AND_SPANS, world->project_id, &snapshot, &err));
    for (uint32_t f = 0; f < snapshot->file_count; f++) rows += snapshot->files[f]->row_count;
    timefusion_snapshot_release(snapshot);
    return rows;
}

static inline void hidden_set(struct counting_fixture *world, bool is_hidden)
{
    char sql[128];
    snprintf(sql, sizeof sql, "ALTER TABLE %s RENAME TO %s", is_hidden ? world->kind->hidden : "hidden",
             is_hidden ? "hidden" : world->kind->hidden);
    db_fixture_run(world->database->db, sql);
}

static inline void counted_check(struct counting_fixture *world, uint64_t records)
{
    world->kind->counted_check(world->database->db, records);
}

/* Goal: counts are stored with each flush and nothing is counted twice by replays; a database that fails holds up the release,
 * not the flush, and all is there when it is well; what the tables hold and the tap lost is counted anew.
 * Method: flushes, a table that is hidden for a while, a restart with a replay of all, one after the counts were deleted. */
static inline void test_stored_with_the_flush(void **state)
{
    struct counting_fixture *world = *state;
    struct counting_stats stats;
    parts_open(world);
    start(world);
    records_push(world, 20, "cart");
    flush(world);
    wait_released(world, 20);
    counted_check(world, 20);

    hidden_set(world, true);
    for (int part = 0; part < 3; part++) {
        records_push(world, 5, "cart");
        flush(world);
        assert_int_equal(rows_in_tables(world), world->position * world->kind->rows);
        assert_int_equal(atomic_load(&world->released), 20);
    }
    world->kind->stats(world->taps, &stats);
    assert_true(stats.is_storing_failing && stats.store_failures > 0 && stats.bytes > 0);
    hidden_set(world, false);
    wait_released(world, 35);
    counted_check(world, 35);
    parts_close(world);

    parts_open(world);
    records_replay(world);
    start(world);
    records_push(world, 1, "cart");
    flush(world);
    wait_released(world, 36);
    counted_check(world, 36);
    parts_close(world);

    for (size_t t = 0; t < COUNT_OF(world->kind->tables) && world->kind->tables[t]; t++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM %s", world->kind->tables[t]);
        db_fixture_run(world->database->db, sql);
    }
    parts_open(world);
    records_replay(world);
    assert_int_equal(rows_in_tables(world), 36 * world->kind->rows);
    start(world);
    flush(world);
    counted_check(world, 36);
    assert_int_equal(rows_in_tables(world), 36 * world->kind->rows);
    parts_close(world);
}
