#define FIXTURE_KEPT_ROWS_MIN 1
#include "timefusion/query/query_fixture.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__ /* many times as slow: the release build asks all */
enum { STATEMENTS = 80, ROUNDS = 40 };
#else
enum { STATEMENTS = 240, ROUNDS = 100 };
#endif
enum { FILES = 6, ROWS = 200, SQL_BYTES = 2000 };

/* The same whether nothing, some or all files' parts are there. Gives how many files the last time read, and how many there
 * were to read. */
static void same(struct query_session *session, const char *sql, uint32_t *read, uint32_t *all)
{
    struct buf plain, kept;
    buf_init(&plain, 16u << 20);
    buf_init(&kept, 16u << 20);
    fixture_set(session, "SET monoscope.kept_parts = off");
    fixture_must(session, sql, &plain, all);
    fixture_set(session, "SET monoscope.kept_parts = on");
    for (int again = 0; again < 2; again++) {
        fixture_must(session, sql, &kept, read);
        if (strcmp((const char *)plain.ptr, (const char *)kept.ptr) != 0)
            fail_msg("%s\nplain:\n%s\nkept:\n%s", sql, (const char *)plain.ptr, (const char *)kept.ptr);
    }
    buf_deinit(&plain);
    buf_deinit(&kept);
}

static void open_stored(struct fixture *fixture)
{
    fixture_open(fixture, 0, 0);
    for (uint32_t f = 0; f < FILES; f++)
        fixture_store(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, f * ROWS, ROWS, f == 0);
    fixture_store(fixture, fixture->project, SCHEMA_METRICS, 0, ROWS, false);
    fixture_store(fixture, fixture->other_project, SCHEMA_LOGS_AND_SPANS, 0, ROWS, false);
    fixture_publish(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, FILES * ROWS, 50, 7); /* not yet flushed */
}

static uint64_t random_state = 42;
static uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}

static void times_put(char *sql)
{
    static const char *const forms[] = { "timestamp >= to_timestamp(%u) AND timestamp < to_timestamp(%u)",
                                         "timestamp > to_timestamp(%u) AND timestamp <= to_timestamp(%u)",
                                         "timestamp BETWEEN to_timestamp(%u) AND to_timestamp(%u)",
                                         "to_timestamp(%u) <= timestamp AND to_timestamp(%u) > timestamp" };
    uint32_t start = (uint32_t)(FIXTURE_START_US / 1000000), from = start + below(FILES * ROWS) * 60;
    uint32_t to = from + below(FILES * ROWS) * 60;
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"");
    sprintf(sql + strlen(sql), forms[below(COUNT_OF(forms))], from, to);
    _Pragma("GCC diagnostic pop");
}

static void statement_make(char sql[SQL_BYTES])
{
    static const char *const keys[] = { "level",
                                        "kind",
                                        "coalesce(level, '')",
                                        "resource___service___name",
                                        "(extract(epoch FROM timestamp) * 1000000)::bigint / 3600000000",
                                        "time_bucket('90 minutes', timestamp)",
                                        "attributes->>'http.route'",
                                        "attributes___http___response___status_code",
                                        "duration > 500000",
                                        "timestamp::text LIKE '%7:00%'" };
    static const char *const values[] = { "count(*)",
                                          "count(duration)",
                                          "count(*) FILTER (WHERE status_code = 'ERROR')",
                                          "sum(duration)",
                                          "sum(duration) FILTER (WHERE level IS NULL)",
                                          "min(timestamp)",
                                          "max(name)",
                                          "max(duration)",
                                          "sum((attributes->>'n')::bigint)",
                                          "min(duration::double precision / 7)" };
    static const char *const conditions[] = { "",
                                              "kind = 'server'",
                                              "name ~* 'operation [1-3]'",
                                              "level IS NULL",
                                              "attributes->>'n' LIKE '%7'",
                                              "(level = 'ERROR' OR duration > 100000)",
                                              "resource___service___name IN ('cart', 'payment')",
                                              "duration > 1e12" };
    uint32_t key_count = below(4), value_count = 1 + below(3);
    bool has_sets = key_count > 1 && below(3) == 0;
    const char *chosen[4];
    strcpy(sql, "SELECT ");
    for (uint32_t k = 0; k < key_count; k++) {
        chosen[k] = keys[(below(3) + 3 * k) % COUNT_OF(keys)];
        sprintf(sql + strlen(sql), "%s AS k%u, ", chosen[k], k);
    }
    bool has_grouping = has_sets && below(2) == 0;
    if (has_grouping) sprintf(sql + strlen(sql), "grouping(%s, %s) AS g, ", chosen[0], chosen[1]);
    for (uint32_t v = 0; v < value_count; v++)
        sprintf(sql + strlen(sql), "%s%s AS v%u", v ? ", " : "", values[below(COUNT_OF(values))], v);
    strcat(sql, " FROM otel_logs_and_spans");
    const char *condition = conditions[below(COUNT_OF(conditions))];
    bool has_times = below(4) != 0;
    if (has_times || condition[0]) strcat(sql, " WHERE ");
    if (has_times) times_put(sql);
    if (condition[0]) sprintf(sql + strlen(sql), "%s(%s)", has_times ? " AND " : "", condition);
    if (key_count > 0) strcat(sql, " GROUP BY ");
    if (has_sets && key_count > 2)
        sprintf(sql + strlen(sql), "GROUPING SETS ((%s, %s, %s), (%s, %s), (k2))", chosen[0], chosen[1], chosen[2],
                chosen[1], chosen[2]);
    else if (has_sets)
        strcat(sql, "GROUPING SETS ((k0), (k1), ())");
    for (uint32_t k = 0; !has_sets && k < key_count; k++) sprintf(sql + strlen(sql), "%s%u", k ? ", " : "", k + 1);
    strcat(sql, " ORDER BY 1");
    for (uint32_t k = 1; k < key_count + has_grouping + value_count; k++) sprintf(sql + strlen(sql), ", %u", k + 1);
    if (below(5) == 0) strcat(sql, " LIMIT 7");
}

/* Goal: groups put together from parts are the groups. Method: random selects of all that can be put together, over stored
 * files, segments and nothing, each asked as written, then with parts to make, then with all parts there; in between rows
 * come and go, and files are made anew. */
static void test_random(void **state)
{
    (void)state;
    struct fixture fixture;
    char sql[SQL_BYTES];
    uint32_t read, all, spared = 0, stored = FILES * ROWS + 50;
    open_stored(&fixture);
    for (uint32_t s = 0; s < STATEMENTS; s++) {
        statement_make(sql);
        same(fixture.session, sql, &read, &all);
        spared += read < all;
        if (s % 80 == 79) {
            fixture_store(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, stored, ROWS, false);
            stored += ROWS;
        }
        if (s % 60 == 59) {
            struct buf out;
            buf_init(&out, 1000);
            snprintf(sql, sizeof sql, "DELETE FROM otel_logs_and_spans WHERE name = 'operation %u'", s / 60);
            fixture_must(fixture.session, sql, &out, NULL);
            buf_deinit(&out);
        }
    }
    assert_true(spared > STATEMENTS / 4);
    fixture_close(&fixture);
}

/* Goal: a part is only of what asked for it, and what cannot be put together is not.
 * Method: the same text from another project and in another time zone; selects with something in them that depends on when they are asked, on other rows, or on
 * all rows at once: these read all files each time. */
static void test_apart(void **state)
{
    (void)state;
    static const char *const whole[] = {
        "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp < now() AND observed_timestamp IS DISTINCT FROM "
        "now()",
        "SELECT attributes___user___id, count(*) FROM otel_logs_and_spans GROUP BY 1 ORDER BY 1",
        "SELECT count(*) FROM otel_logs_and_spans WHERE attributes___session___id IS NULL",
        "SELECT level, count(*) FROM otel_logs_and_spans GROUP BY 1 HAVING count(*) > 1 ORDER BY 1",
        "SELECT count(DISTINCT name) FROM otel_logs_and_spans",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration) FROM otel_logs_and_spans",
        "SELECT avg(duration) FROM otel_logs_and_spans",
        "SELECT count(*) + 1 FROM otel_logs_and_spans",
        "SELECT level, count(*) OVER () FROM otel_logs_and_spans GROUP BY level ORDER BY 1",
        "SELECT (SELECT count(*) FROM otel_logs_and_spans b WHERE b.name = a.name) FROM otel_logs_and_spans a ORDER BY "
        "1 LIMIT 3",
        "SELECT count(*) FROM otel_logs_and_spans a JOIN otel_metrics m ON a.timestamp = m.timestamp",
        "SELECT count(*) FROM otel_logs_and_spans WHERE timestamp = to_timestamp(1763769660)",
    };
    struct fixture fixture;
    uint32_t read, all;
    struct err err;
    open_stored(&fixture);
    for (size_t s = 0; s < COUNT_OF(whole) - 1; s++) {
        same(fixture.session, whole[s], &read, &all);
        assert_int_equal(read, all);
    }
    same(fixture.session, whole[COUNT_OF(whole) - 1], &read, &all);
    struct query_session *other;
    struct buf a, b;
    buf_init(&a, 1u << 20);
    buf_init(&b, 1u << 20);
    fixture_check(query_session_open(&other, fixture.engine, fixture.other_project, "other", &err), &err, "session");
    static const char *const sql =
        "SELECT date_part('hour', timestamp) AS h, count(*) FROM otel_logs_and_spans GROUP BY 1 ORDER BY 1";
    same(fixture.session, sql, &read, &all);
    assert_true(read < all);
    same(other, sql, &read, &all);
    fixture_must(fixture.session, sql, &a, NULL);
    fixture_must(other, sql, &b, NULL);
    assert_string_not_equal((const char *)a.ptr, (const char *)b.ptr);
    fixture_must(fixture.session, "SET timezone = 'Asia/Tokyo'", &b, NULL);
    same(fixture.session, sql, &read, &all);
    fixture_must(fixture.session, sql, &b, NULL);
    assert_string_not_equal((const char *)a.ptr, (const char *)b.ptr);
    query_session_set_times(fixture.session, FIXTURE_START_US, FIXTURE_START_US + 3600 * 1000000ll);
    fixture_must(fixture.session, "SELECT count(*) FROM otel_logs_and_spans", &a,
                 NULL); /* of a share link: its times alone */
    assert_string_equal((const char *)a.ptr, "60\n");
    query_session_close(other);
    buf_deinit(&a);
    buf_deinit(&b);
    fixture_close(&fixture);
}

/* Goal: many groups are not kept, and are right. Method: a group a row, twice; then few again. */
static void test_many_groups(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t read, all;
    fixture_open(&fixture, 0, 0);
    for (uint32_t f = 0; f < 3; f++)
        fixture_store(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, f * 15000, 15000, false);
    same(fixture.session, "SELECT id, count(*) FROM otel_logs_and_spans GROUP BY 1 ORDER BY 1", &read, &all);
    assert_int_equal(read, all);
    same(fixture.session, "SELECT level, count(*) FROM otel_logs_and_spans GROUP BY 1 ORDER BY 1", &read, &all);
    assert_int_equal(read, 0);
    fixture_close(&fixture);
}

struct asker {
    struct fixture *fixture;
    pthread_t thread;
    pthread_barrier_t *together;
    uint32_t number;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    struct query_session *session;
    struct buf out;
    struct err err;
    char sql[200];
    buf_init(&out, 1u << 20);
    fixture_check(query_session_open(&session, asker->fixture->engine, asker->fixture->project, "t", &err), &err,
                  "session");
    for (uint32_t round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(asker->together);
        snprintf(sql, sizeof sql, "SELECT count(*), sum(duration) FROM otel_logs_and_spans WHERE duration > %u", round);
        bool ok = fixture_run(session, sql, NULL, 0, &out, NULL, &err);
        fixture_check(ok, &err, sql);
        if (strncmp((const char *)out.ptr, "937|", 4) != 0) abort();
        if (asker->number == 0 && round % 10 == 9 &&
            !fixture_run(session, "DELETE FROM otel_logs_and_spans WHERE id IS NULL", NULL, 0, &out, NULL, &err))
            abort();
    }
    query_session_close(session);
    buf_deinit(&out);
    return NULL;
}

/* Goal: sessions that ask the same at once all get it. Method: four threads, each with the same hundred statements, begun together. */
static void test_side_by_side(void **state)
{
    (void)state;
    struct fixture fixture;
    struct asker askers[4];
    pthread_barrier_t together;
    open_stored(&fixture);
    pthread_barrier_init(&together, NULL, COUNT_OF(askers));
    for (uint32_t a = 0; a < COUNT_OF(askers); a++) {
        askers[a] = (struct asker){ .fixture = &fixture, .together = &together, .number = a };
        assert_int_equal(pthread_create(&askers[a].thread, NULL, ask, &askers[a]), 0);
    }
    for (uint32_t a = 0; a < COUNT_OF(askers); a++) pthread_join(askers[a].thread, NULL);
    pthread_barrier_destroy(&together);
    fixture_close(&fixture);
}

/* Goal: who waits for parts that another makes can be cancelled, and runs out of time. Method: a statement_timeout of one
 * millisecond among sessions that ask the same: it ends in time or with its own error. */
static void test_waiting_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf out;
    struct err err;
    open_stored(&fixture);
    buf_init(&out, 1u << 20);
    fixture_must(fixture.session, "SET statement_timeout = 1", &out, NULL);
    for (uint32_t round = 0; round < 20; round++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM otel_logs_and_spans WHERE duration > %u", round);
        if (!fixture_run(fixture.session, sql, NULL, 0, &out, NULL, &err)) assert_int_equal(err.code, ERR_TIMEOUT);
    }
    fixture_must(fixture.session, "RESET statement_timeout", &out, NULL);
    uint32_t read, all;
    same(fixture.session, "SELECT count(*) FROM otel_logs_and_spans WHERE duration > 3", &read, &all);
    buf_deinit(&out);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_apart),
                                        cmocka_unit_test(test_many_groups), cmocka_unit_test(test_side_by_side),
                                        cmocka_unit_test(test_waiting_ends) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
