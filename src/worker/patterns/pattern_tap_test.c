/* The tap in a real worker, with real tables and databases: what is stored when, and what holds up what. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/disk.h"
#include "meta/db_fixture.h"
#include "timefusion/flush.h"
#include "timefusion/timefusion.h"
#include "worker/otlp/inbound.h"
#include "worker/otlp/otlp_encode.h"
#include "worker/patterns/patterns.h"
#include "worker/worker.h"

#define LINES 50

struct world {
    struct db_fixture *database;
    struct object_store *store;
    struct timefusion *timefusion;
    struct patterns *patterns;
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
    struct patterns_options patterns = { .db = world->database->db,
                                         .bytes_max = world->bytes_max,
                                         .log = &db_fixture_log };
    world->patterns = patterns_open(&patterns);
    world->tap = patterns_source(world->patterns);
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
    patterns_close(world->patterns);
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

/* LINES log lines of a service, each fifth an error; what they say differs in a number, every tenth in a word too. */
static struct buf record_body(uint64_t position, const char *service)
{
    struct buf request = message(), resource_logs = message(), scope_logs = message(), resource = message();
    put_attribute_text(&resource, 1, "service.name", service);
    put_message(&resource_logs, 1, &resource);
    for (uint32_t l = 0; l < LINES; l++) {
        struct buf log = message(), body = message();
        char text[100];
        if (l % 10 == 0)
            snprintf(text, sizeof text, "user %c%c%c left after %u s", 'a' + (char)(position % 26),
                     'a' + (char)(l % 26), 'a' + (char)(position / 26 % 26), l);
        else
            snprintf(text, sizeof text, "item %lu of %u was paid", position, l);
        put_fixed64(&log, 1, 1795744800000000000u + position * 1000000 + l);
        put_varint(&log, 2, l % 5 == 0 ? 17 : 9);
        put_text(&body, 1, text);
        put_message(&log, 5, &body);
        put_message(&scope_logs, 2, &log);
    }
    put_message(&resource_logs, 2, &scope_logs);
    put_message(&request, 1, &resource_logs);
    return request;
}

static struct buffer_record record_of(const struct world *world, uint64_t position, const struct buf *body)
{
    return (struct buffer_record){ .position = position,
                                   .signal = BUFFER_SIGNAL_LOGS,
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

static void counted_check(struct world *world, uint64_t records)
{
    static const char *const tables[] = { "pattern_minutes", "pattern_hours" };
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT CAST(COALESCE(SUM(row_count), 0) AS bigint) FROM %s", tables[t]);
        assert_int_equal(db_fixture_number(world->database->db, sql), records * LINES);
        snprintf(sql, sizeof sql, "SELECT CAST(COALESCE(SUM(row_count), 0) AS bigint) FROM %s WHERE level = 5",
                 tables[t]);
        assert_int_equal(db_fixture_number(world->database->db, sql), records * LINES / 5);
    }
    assert_int_equal(
        db_fixture_number(world->database->db,
                          "SELECT COUNT(*) FROM pattern_templates WHERE template = 'item <*> of <*> was paid'"),
        1);
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
    struct patterns_stats stats;
    parts_open(world);
    start(world);
    records_push(world, 20, "cart");
    flush(world);
    wait_released(world, 20);
    counted_check(world, 20);

    db_fixture_run(db, "ALTER TABLE pattern_minutes RENAME TO hidden");
    for (int part = 0; part < 3; part++) {
        records_push(world, 5, "cart");
        flush(world);
        assert_int_equal(rows_in_tables(world), world->position * LINES);
        assert_int_equal(atomic_load(&world->released), 20);
    }
    patterns_stats(world->patterns, &stats);
    assert_true(stats.is_storing_failing && stats.store_failures > 0 && stats.bytes > 0);
    db_fixture_run(db, "ALTER TABLE hidden RENAME TO pattern_minutes");
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

    static const char *const tables[] = { "tap_positions", "pattern_templates", "pattern_minutes", "pattern_hours" };
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        char sql[64];
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[t]);
        db_fixture_run(db, sql);
    }
    parts_open(world);
    records_replay(world);
    assert_int_equal(rows_in_tables(world), 36 * LINES);
    start(world);
    flush(world);
    counted_check(world, 36);
    assert_int_equal(rows_in_tables(world), 36 * LINES);
    parts_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_stored_with_the_flush, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
