/* The tap in a real worker, with real tables and databases: what is stored when, and what holds up what. */
#include "worker/counting/counting_fixture.h"
#include "worker/rollup/rollup.h"

#define SPANS 50

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

#define SERVER_ROWS                                                                                       \
    "SELECT CAST(COALESCE(SUM(m.row_count), 0) AS bigint) FROM rollup_minutes m JOIN rollup_series s ON " \
    "s.project_id = m.project_id AND s.id = m.series_id WHERE s.kind = 'server'"

static void rollups_check(struct db *db, uint64_t records)
{
    assert_int_equal(db_fixture_number(db, SERVER_ROWS), records * SPANS);
    assert_int_equal(db_fixture_number(db, "SELECT CAST(SUM(error_count) AS bigint) FROM rollup_minutes m "
                                           "JOIN rollup_series s ON s.project_id = m.project_id AND s.id "
                                           "= m.series_id WHERE s.kind = 'server'"),
                     records * SPANS / 10);
}

static void *taps_open(struct db *db, uint64_t bytes_max, struct tap_source *source)
{
    struct err err = { 0 };
    struct rollups *rollups;
    struct rollups_options options = {
        .db = db, .bytes_max = bytes_max, .does_jobs = true, .job_ms = 20, .log = &db_fixture_log
    };
    if (!rollups_open(&rollups, &options, &err)) fail_msg("%s", err.text);
    *source = rollups_source(rollups);
    return rollups;
}

static void taps_stats(void *taps, struct counting_stats *stats)
{
    struct rollups_stats all;
    rollups_stats(taps, &all);
    *stats = all.counting;
}

static void taps_close(void *taps)
{
    rollups_close(taps);
}

static const struct counting_kind kind = {
    .signal = BUFFER_SIGNAL_TRACES,
    .rows = SPANS,
    .body = record_body,
    .open = taps_open,
    .stats = taps_stats,
    .close = taps_close,
    .counted_check = rollups_check,
    .hidden = "rollup_minutes",
    .tables = { "tap_positions", "rollup_series", "rollup_minutes", "rollup_minute_buckets" },
};

static int setup(void **state)
{
    return counting_setup(state, &kind);
}

/* Goal: counts that cannot be stored need no more memory than they may; then the worker waits, and goes on when they can.
 * Method: a service for each record, far more than fit, while a table is hidden. */
static void test_out_of_room(void **state)
{
    enum { RECORDS = 3000 };
    struct counting_fixture *world = *state;
    struct counting_stats stats;
    struct worker_stats worker;
    world->bytes_max = 1 << 20;
    parts_open(world);
    start(world);
    hidden_set(world, true);
    records_push(world, RECORDS, "service-%lu");
    uint64_t until_ns = clock_mono_ns() + 60000000000ull;
    do {
        clock_sleep_ms(100);
        world->kind->stats(world->taps, &stats);
    } while (stats.bytes <= world->bytes_max && clock_mono_ns() < until_ns);
    clock_sleep_ms(300);
    world->kind->stats(world->taps, &stats);
    worker_stats(world->worker, &worker);
    assert_true(worker.records < RECORDS);
    assert_true(worker.queue_bytes > 0);
    assert_true(stats.bytes < 2 * world->bytes_max);
    hidden_set(world, false);
    flush(world);
    wait_released(world, RECORDS);
    counted_check(world, RECORDS);
    parts_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_stored_with_the_flush, setup, counting_teardown),
                                        { "test_out_of_room", test_out_of_room, setup, counting_teardown,
                                          &db_fixture_kinds[0] } };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
