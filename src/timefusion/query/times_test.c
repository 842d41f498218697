/* query_session_set_times: a session that may see one range of time only. */
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
    FILES = 8,
    FILE_ROWS = 50,
    FIRST = 120,
    END = 260
}; /* rows [FIRST, END): from within a file to within another */

/* Traces of ten rows; each tenth row names its user, and the session's edges cut traces in two. */
static void row_put(struct columns *columns, uint64_t n)
{
    char text[64], id[UUID_TEXT_BYTES + 1];
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US);
    uuid_to_text(fixture_id(n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "name", fixture_text(text, sizeof text, "row %" PRIu64, n));
    fixture_put(columns, "kind", bytes_of_text(n % 3 ? "server" : "log"));
    fixture_put(columns, "resource___service___name", bytes_of_text(n % 2 ? "cart" : "web"));
    fixture_put(columns, "context___trace_id", fixture_text(text, sizeof text, "%032" PRIx64, (n + 5) / 10));
    if (n % 10 == 1) fixture_put(columns, "attributes___user___id", fixture_text(text, sizeof text, "u%" PRIu64, n));
    fixture_put(columns, "attributes", fixture_text(text, sizeof text, "{\"n\":%" PRIu64 "}", n));
    struct bytes summary[1] = { BYTES("kind;neutral=>row") };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

struct two {
    struct fixture fixture;
    struct query_session *few; /* of a project in which there are no other rows */
};

static int setup(void **state)
{
    struct two *two = mem_calloc(1, sizeof *two);
    struct fixture *fixture = &two->fixture;
    struct err err = { 0 };
    fixture_open(fixture, 0, 0);
    for (uint32_t f = 0; f < FILES; f++) {
        uint64_t from = f * FILE_ROWS, end = from + FILE_ROWS;
        fixture_publish_rows(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, from, FILE_ROWS, f, row_put);
        fixture_publish(fixture, fixture->project, SCHEMA_METRICS, from, FILE_ROWS, f);
        if (from < FIRST) from = FIRST;
        if (end > END) end = END;
        if (from >= end) continue;
        struct uuid few = { .bytes = { 7 } };
        fixture_publish_rows(fixture, few, SCHEMA_LOGS_AND_SPANS, from, (uint32_t)(end - from), f, row_put);
        fixture_publish(fixture, few, SCHEMA_METRICS, from, (uint32_t)(end - from), f);
    }
    fixture_check(query_session_open(&two->few, fixture->engine, (struct uuid){ .bytes = { 7 } }, "tester", &err), &err,
                  "session");
    query_session_set_times(fixture->session, FIXTURE_START_US + FIRST * (int64_t)FIXTURE_STEP_US,
                            FIXTURE_START_US + END * (int64_t)FIXTURE_STEP_US);
    *state = two;
    return 0;
}

static int teardown(void **state)
{
    struct two *two = *state;
    query_session_close(two->few);
    fixture_close(&two->fixture);
    free(two);
    return 0;
}

static char *ask(struct query_session *session, const char *sql)
{
    struct buf out;
    buf_init(&out, 64u << 20);
    fixture_must(session, sql, &out, NULL);
    return (char *)out.ptr;
}

/* Goal: no statement sees a row of another time, nor a user that only such a row names.
 * Method: the same statements in a project that has no other rows give the same answers. */
static void test_as_if_there_were_no_others(void **state)
{
    static const char *const statements[] = {
        "SELECT count(*), min(timestamp), max(timestamp) FROM otel_logs_and_spans",
        "SELECT count(*), min(timestamp), max(timestamp) FROM otel_metrics",
        "SELECT count(*), min(timestamp), max(timestamp) FROM telemetry",
        "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp > '1970-01-01' OR true",
        "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp < '2100-01-01' AND timestamp > '1970-01-01'",
        "SELECT count(*) FROM otel_logs_and_spans WHERE date >= '1970-01-01'",
        "SELECT name FROM otel_logs_and_spans WHERE timestamp < (SELECT min(timestamp) FROM otel_logs_and_spans)",
        "SELECT name FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 5",
        "SELECT name FROM otel_logs_and_spans ORDER BY timestamp LIMIT 5",
        "SELECT name FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 1000",
        "SELECT name, attributes___user___id FROM otel_logs_and_spans ORDER BY timestamp LIMIT 12",
        "SELECT name, attributes___user___id FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 12",
        "SELECT name, attributes___user___id FROM otel_logs_and_spans ORDER BY id",
        "SELECT name FROM otel_logs_and_spans WHERE attributes___user___id = 'u121' ORDER BY id",
        "SELECT name FROM otel_logs_and_spans WHERE attributes___user___id = 'u261' ORDER BY id",
        "SELECT name FROM otel_logs_and_spans WHERE attributes___user___id = 'u111' ORDER BY id",
        "SELECT name, attributes___user___id FROM otel_logs_and_spans"
        " WHERE context___trace_id = '0000000000000000000000000000000c' ORDER BY id",
        "SELECT name FROM otel_logs_and_spans WHERE id = 'a0000000-0000-0000-0000-000000000000'",
        "SELECT count(*) FROM (SELECT * FROM otel_logs_and_spans UNION ALL SELECT * FROM otel_logs_and_spans) x",
        "WITH t AS (SELECT * FROM otel_logs_and_spans) SELECT count(*) FROM t a JOIN t b ON a.id = b.id",
        "WITH t AS MATERIALIZED (SELECT * FROM otel_logs_and_spans) SELECT count(*), min(timestamp) FROM t",
        "SELECT count(*) FROM otel_logs_and_spans a WHERE EXISTS (SELECT 1 FROM otel_metrics m WHERE m.timestamp ="
        " a.timestamp)",
        "SELECT a.name, m.metric_name FROM otel_logs_and_spans a LEFT JOIN otel_metrics m"
        " ON m.timestamp = a.timestamp - interval '1 minute' ORDER BY a.id",
        "SELECT a.name, b.name FROM otel_logs_and_spans a, LATERAL (SELECT name FROM otel_logs_and_spans b"
        " WHERE b.timestamp < a.timestamp ORDER BY timestamp DESC LIMIT 1) b ORDER BY a.id",
        "SELECT date_trunc('minute', timestamp) AS t, count(*) FROM otel_logs_and_spans GROUP BY 1 ORDER BY 1",
        "SELECT name, lag(name) OVER (ORDER BY timestamp), lead(name) OVER (ORDER BY timestamp)"
        " FROM otel_logs_and_spans ORDER BY timestamp",
        "(SELECT name FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1) UNION"
        " (SELECT metric_name FROM otel_metrics ORDER BY timestamp LIMIT 1) ORDER BY 1",
        "SELECT count(*) FROM telemetry WHERE kind = 'metric'",
        "SELECT (SELECT count(*) FROM telemetry) + (SELECT count(*) FROM otel_metrics) AS n",
    };
    struct two *two = *state;
    for (size_t s = 0; s < COUNT_OF(statements); s++) {
        char *seen = ask(two->fixture.session, statements[s]), *wanted = ask(two->few, statements[s]);
        if (strcmp(seen, wanted) != 0) fail_msg("%s\nshows\n%.2000s\ninstead of\n%.2000s", statements[s], seen, wanted);
        free(seen);
        free(wanted);
    }
}

/* Goal: the range is as it was set, both ends; without one all is there again. */
static void test_ends(void **state)
{
    struct two *two = *state;
    static const char sql[] = "SELECT count(*) FROM otel_logs_and_spans";
    const int64_t at = FIXTURE_START_US + 7 * (int64_t)FIXTURE_STEP_US;
    static const struct {
        int64_t from, to;
        const char *count;
    } ranges[] = { { 0, 1, "1\n" }, { 1, FIXTURE_STEP_US, "0\n" }, { 1, FIXTURE_STEP_US + 1, "1\n" } };
    for (size_t r = 0; r < COUNT_OF(ranges); r++) {
        query_session_set_times(two->fixture.session, at + ranges[r].from, at + ranges[r].to);
        char *seen = ask(two->fixture.session, sql);
        assert_string_equal(seen, ranges[r].count);
        free(seen);
    }
    query_session_set_times(two->fixture.session, 0, 0);
    char *seen = ask(two->fixture.session, sql);
    assert_string_equal(seen, "400\n");
    free(seen);
}

/* Goal: what tells of other times in other words than rows is refused, settings are not. */
static void test_refused(void **state)
{
    struct two *two = *state;
    static const char *const refused[] = {
        "EXPLAIN SELECT * FROM otel_logs_and_spans",
        "EXPLAIN ANALYZE SELECT * FROM otel_logs_and_spans",
        "DESCRIBE HISTORY otel_logs_and_spans",
        "SELECT * FROM timefusion_stats",
        "DELETE FROM otel_logs_and_spans WHERE name = 'row 1'",
        "FLUSH",
        "OPTIMIZE otel_logs_and_spans",
        "VACUUM otel_logs_and_spans",
    };
    struct buf out;
    struct err err;
    buf_init(&out, 1u << 20);
    for (size_t s = 0; s < COUNT_OF(refused); s++) {
        if (fixture_run(two->fixture.session, refused[s], NULL, 0, &out, NULL, &err))
            fail_msg("%s is answered: %s", refused[s], (const char *)out.ptr);
        if (err.code != ERR_FORBIDDEN) fail_msg("%s: %s", refused[s], err.text);
    }
    assert_true(fixture_run(two->fixture.session, "SET TimeZone = 'UTC'", NULL, 0, &out, NULL, &err));
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_as_if_there_were_no_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
