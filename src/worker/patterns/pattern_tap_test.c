/* The tap in a real worker, with real tables and databases: what is stored when, and what holds up what. */
#include "worker/counting/counting_fixture.h"
#include "worker/patterns/patterns.h"

#define LINES 50

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

static void patterns_check(struct db *db, uint64_t records)
{
    static const char *const tables[] = { "pattern_minutes", "pattern_hours" };
    for (size_t t = 0; t < COUNT_OF(tables); t++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT CAST(COALESCE(SUM(row_count), 0) AS bigint) FROM %s", tables[t]);
        assert_int_equal(db_fixture_number(db, sql), records * LINES);
        snprintf(sql, sizeof sql, "SELECT CAST(COALESCE(SUM(row_count), 0) AS bigint) FROM %s WHERE level = 5",
                 tables[t]);
        assert_int_equal(db_fixture_number(db, sql), records * LINES / 5);
    }
    assert_int_equal(
        db_fixture_number(db, "SELECT COUNT(*) FROM pattern_templates WHERE template = 'item <*> of <*> was paid'"), 1);
}

static void *taps_open(struct db *db, uint64_t bytes_max, struct tap_source *source)
{
    struct patterns_options options = { .db = db, .bytes_max = bytes_max, .log = &db_fixture_log };
    struct patterns *patterns = patterns_open(&options);
    *source = patterns_source(patterns);
    return patterns;
}

static void taps_stats(void *taps, struct counting_stats *stats)
{
    patterns_stats(taps, stats);
}

static void taps_close(void *taps)
{
    patterns_close(taps);
}

static const struct counting_kind kind = {
    .signal = BUFFER_SIGNAL_LOGS,
    .rows = LINES,
    .body = record_body,
    .open = taps_open,
    .stats = taps_stats,
    .close = taps_close,
    .counted_check = patterns_check,
    .hidden = "pattern_minutes",
    .tables = { "tap_positions", "pattern_templates", "pattern_minutes", "pattern_hours" },
};

static int setup(void **state)
{
    return counting_setup(state, &kind);
}

int main(void)
{
    const struct CMUnitTest tests[] = { DB_BOTH(test_stored_with_the_flush, setup, counting_teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
