/* The tap in a real worker, with real tables and databases: what is stored when, and what holds up what. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/disk.h"
#include "meta/db_fixture.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"
#include "worker/rollup/rollup.h"
#include "worker/worker.h"

#define SPANS 50

struct world {
    struct db_fixture *database;
    struct object_store *store;
    struct timefusion *timefusion;
    struct rollups *rollups;
    struct worker *worker;
    struct tap_source tap;
    struct uuid buffer_id, project_id;
    struct worker_memory memory;
    uint64_t bytes_max, position;
    atomic_uint_fast64_t released;
};

static bool on_mark(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count, struct err *err)
{
    (void)ctx, (void)position, (void)failed, (void)count;
    return err_set(err, ERR_INTERNAL, "nothing fails here");
}
static bool on_release(void *ctx, uint64_t position, const struct worker_failed *failed, uint32_t count,
                       struct err *err)
{
    (void)failed, (void)count, (void)err;
    atomic_store(&((struct world *)ctx)->released, position);
    return true;
}
static void on_lost(void *ctx, const struct err *err)
{
    (void)ctx;
    fail_msg("%s", err->text);
}

static void parts_open(struct world *world)
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
    struct rollups_options rollups = { .db = world->database->db,
                                       .bytes_max = world->bytes_max,
                                       .does_jobs = true,
                                       .job_ms = 20,
                                       .log = &db_fixture_log };
    if (!rollups_open(&world->rollups, &rollups, &err)) fail_msg("%s", err.text);
    world->tap = rollups_source(world->rollups);
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

static void parts_close(struct world *world)
{
    worker_close(world->worker);
    rollups_close(world->rollups);
    timefusion_close(world->timefusion);
    object_store_close(world->store);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world->database = db_fixture_setup(state);
    db_fixture_open(world->database);
    world->buffer_id = uuid_random();
    world->project_id = uuid_random();
    world->bytes_max = 32 << 20;
    *state = world;
    return 0;
}
static int teardown(void **state)
{
    struct world *world = *state;
    db_fixture_teardown(world->database);
    free(world);
    return 0;
}

/* SPANS server spans of a service; every tenth failed. */
static struct buf record_body(uint64_t position, const char *service)
{
    struct buf request = message(), resource_spans = message(), scope_spans = message(), resource = message();
    put_attribute_text(&resource, 1, "service.name", service);
    put_message(&resource_spans, 1, &resource);
    for (uint32_t s = 0; s < SPANS; s++) {
        struct buf span = message(), status = message();
        uint64_t start_ns = 1795744800000000000u + position * 1000000 + s,
                 ids[3] = { position, s + 1, position * 1000 + s + 1 };
        put_bytes(&span, 1, ids, 16);
        put_bytes(&span, 2, &ids[2], 8);
        put_text(&span, 5, "GET /");
        put_varint(&span, 6, 2);
        put_fixed64(&span, 7, start_ns);
        put_fixed64(&span, 8, start_ns + 500000);
        put_varint(&status, 3, s % 10 == 0 ? 2 : 0);
        put_message(&span, 15, &status);
        put_message(&scope_spans, 2, &span);
    }
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    return request;
}

static struct buffer_record record_of(const struct world *world, uint64_t position, const struct buf *body)
{
    return (struct buffer_record){ .position = position,
                                   .signal = BUFFER_SIGNAL_TRACES,
                                   .project_id = world->project_id,
                                   .received_unix_us = clock_unix_us(),
                                   .body = buf_bytes(body) };
}

static void records_push(struct world *world, uint32_t count, const char *service)
{
    for (uint32_t r = 0; r < count; r++) {
        struct err err = { 0 };
        struct inbound *inbound;
        char name[32];
        snprintf(name, sizeof name, service, ++world->position);
        struct buf body = record_body(world->position, name);
        struct buffer_record record = record_of(world, world->position, &body);
        assert_true(inbound_from_record(&record, &inbound, &err));
        worker_push(world->worker, &record, inbound);
        buf_deinit(&body);
    }
}

static void records_replay(struct world *world)
{
    for (uint64_t position = 1; position <= world->position; position++) {
        struct err err = { 0 };
        struct buf body = record_body(position, "cart");
        struct buffer_record record = record_of(world, position, &body);
        if (!worker_replay(world->worker, &record, &err)) fail_msg("%s", err.text);
        buf_deinit(&body);
    }
}

static void flush(struct world *world)
{
    struct err err = { 0 };
    if (!worker_flush(world->worker, NULL, 60000, &err)) fail_msg("%s", err.text);
}

static void start(struct world *world)
{
    struct err err = { 0 };
    if (!worker_start(world->worker, &err)) fail_msg("%s", err.text);
}

static void wait_released(struct world *world, uint64_t position)
{
    uint64_t until_ns = clock_mono_ns() + 60000000000ull;
    while (atomic_load(&world->released) < position && clock_mono_ns() < until_ns) clock_sleep_ms(5);
    assert_int_equal(atomic_load(&world->released), position);
}

#define SERVER_ROWS                                                                                       \
    "SELECT CAST(COALESCE(SUM(m.row_count), 0) AS bigint) FROM rollup_minutes m JOIN rollup_series s ON " \
    "s.project_id = m.project_id AND s.id = m.series_id WHERE s.kind = 'server'"

static void counted_check(struct world *world, uint64_t records)
{
    assert_int_equal(db_fixture_number(world->database->db, SERVER_ROWS), records * SPANS);
    assert_int_equal(db_fixture_number(world->database->db,
                                       "SELECT CAST(SUM(error_count) AS bigint) FROM rollup_minutes m "
                                       "JOIN rollup_series s ON s.project_id = m.project_id AND s.id "
                                       "= m.series_id WHERE s.kind = 'server'"),
                     records * SPANS / 10);
}

static uint64_t rows_in_tables(struct world *world)
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

/* Goal: counts are stored with each flush and nothing is counted twice by replays; a database that fails holds up the release,
 * not the flush, and all is there when it is well; what the tables hold and the tap lost is counted anew.
 * Method: flushes, a table that is hidden for a while, a restart with a replay of all, one after the counts were deleted. */
static void test_stored_with_the_flush(void **state)
{
    struct world *world = *state;
    struct db *db = world->database->db;
    struct rollups_stats stats;
    parts_open(world);
    start(world);
    records_push(world, 20, "cart");
    flush(world);
    wait_released(world, 20);
    counted_check(world, 20);

    db_fixture_run(db, "ALTER TABLE rollup_minutes RENAME TO hidden");
    for (int part = 0; part < 3; part++) {
        records_push(world, 5, "cart");
        flush(world);
        assert_int_equal(rows_in_tables(world), world->position * SPANS);
        assert_int_equal(atomic_load(&world->released), 20);
    }
    rollups_stats(world->rollups, &stats);
    assert_true(stats.is_storing_failing && stats.store_failures > 0 && stats.bytes > 0);
    db_fixture_run(db, "ALTER TABLE hidden RENAME TO rollup_minutes");
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

    static const char *const tables[] = { "tap_positions", "rollup_series", "rollup_minutes", "rollup_minute_buckets" };
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[t]);
        db_fixture_run(db, sql);
    }
    parts_open(world);
    records_replay(world);
    assert_int_equal(rows_in_tables(world), 36 * SPANS);
    start(world);
    flush(world);
    counted_check(world, 36);
    assert_int_equal(rows_in_tables(world), 36 * SPANS);
    parts_close(world);
}

/* Goal: counts that cannot be stored need no more memory than they may; then the worker waits, and goes on when they can.
 * Method: a service for each record, far more than fit, while a table is hidden. */
static void test_out_of_room(void **state)
{
    enum { RECORDS = 3000 };
    struct world *world = *state;
    struct rollups_stats stats;
    struct worker_stats worker;
    world->bytes_max = 1 << 20;
    parts_open(world);
    start(world);
    db_fixture_run(world->database->db, "ALTER TABLE rollup_minutes RENAME TO hidden");
    records_push(world, RECORDS, "service-%lu");
    uint64_t until_ns = clock_mono_ns() + 60000000000ull;
    do {
        clock_sleep_ms(100);
        rollups_stats(world->rollups, &stats);
    } while (stats.bytes <= world->bytes_max && clock_mono_ns() < until_ns);
    clock_sleep_ms(300);
    rollups_stats(world->rollups, &stats);
    worker_stats(world->worker, &worker);
    assert_true(worker.records < RECORDS);
    assert_true(worker.queue_bytes > 0);
    assert_true(stats.bytes < 2 * world->bytes_max);
    db_fixture_run(world->database->db, "ALTER TABLE hidden RENAME TO rollup_minutes");
    flush(world);
    wait_released(world, RECORDS);
    counted_check(world, RECORDS);
    parts_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_stored_with_the_flush, setup, teardown),
                                        { "test_out_of_room", test_out_of_room, setup, teardown,
                                          &db_fixture_kinds[0] } };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
