#define FIXTURE_KEPT_ROWS_MIN 1
#define FIXTURE_ROLLUPS       true
#define FIXTURE_STEP_US       7300000
#define FIXTURE_USER(n)       (!has_gaps || (n) / 500 % 3 != 1 || (n) % 4 != 1)
#include <stdbool.h>
static bool has_gaps; /* some files have rows without a user of their own */
#include "timefusion/query/cube.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/query_fixture.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__ /* many times as slow: the release build asks all */
enum { STATEMENTS = 120 };
#else
enum { STATEMENTS = 400 };
#endif
enum { BLOCKS = 16, ROWS = 500, SQL_BYTES = 4000 };

static void make(const struct fixture *fixture)
{
    struct err err = { 0 };
    fixture_check(cube_make(fixture->engine, fixture->project, NULL, &err), &err, "cubes");
}

/* The same from rows and from roll-ups; how many files the latter read, and how many there were to read. */
static void same(struct query_session *session, const char *sql, uint32_t *read, uint32_t *all)
{
    struct buf plain, cubed;
    buf_init(&plain, 16u << 20);
    buf_init(&cubed, 16u << 20);
    fixture_set(session, "SET monoscope.kept_parts = off");
    fixture_set(session, "SET monoscope.rollups = off");
    fixture_must(session, sql, &plain, all);
    fixture_set(session, "SET monoscope.rollups = on");
    fixture_must(session, sql, &cubed, read);
    if (strcmp((const char *)plain.ptr, (const char *)cubed.ptr) != 0)
        fail_msg("%s\nrows:\n%s\nroll-ups:\n%s", sql, (const char *)plain.ptr, (const char *)cubed.ptr);
    buf_deinit(&plain);
    buf_deinit(&cubed);
}

/* Every other block of rows is there at first; those between come late. */
static void open_stored(struct fixture *fixture)
{
    fixture_open(fixture, 0, 0);
    for (uint32_t b = 0; b < BLOCKS; b += 2)
        fixture_store(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, b * ROWS, ROWS, b == 0);
    fixture_store(fixture, fixture->project, SCHEMA_METRICS, 0, ROWS, false);
    fixture_store(fixture, fixture->other_project, SCHEMA_LOGS_AND_SPANS, 0, ROWS, false);
    fixture_publish(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, BLOCKS * ROWS, 50, 7); /* not yet flushed */
}

static uint64_t random_state = 7;
static uint32_t below(uint32_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % n;
}
#define ONE_OF(list)       (list)[below(COUNT_OF(list))]
#define MOSTLY(list, rare) (list)[below(COUNT_OF(list) - (below(5) ? (rare) : 0))] /* the last ones seldom */

static void times_put(char *sql)
{
    static const char *const forms[] = { "timestamp >= to_timestamp(%u) AND timestamp < to_timestamp(%u)",
                                         "timestamp > to_timestamp(%u) AND timestamp <= to_timestamp(%u)",
                                         "timestamp BETWEEN to_timestamp(%u) AND to_timestamp(%u)" };
    uint32_t span = (uint32_t)(BLOCKS * ROWS * (FIXTURE_STEP_US / 100000) / 10);
    uint32_t from = (uint32_t)(FIXTURE_START_US / 1000000) + below(span), to = from + below(span);
    if (below(3) == 0) from = from / 60 * 60;
    sprintf(sql + strlen(sql), ONE_OF(forms), from, to);
}

/* Most can be answered by roll-ups; some cannot and must not. */
static void statement_make(char sql[SQL_BYTES])
{
    static const char *const keys[] = { "level",
                                        "kind",
                                        "coalesce(level, '')",
                                        "resource___service___name",
                                        "status_code",
                                        "upper(kind) || coalesce(status_code, '-')",
                                        "level IN ('ERROR', 'FATAL')",
                                        "attributes___http___response___status_code",
                                        "name",
                                        "attributes___http___request___method",
                                        "attributes->>'http.route'",
                                        "log_step(duration)" };
    static const char *const times[] = {
        "(extract(epoch FROM timestamp) * 1000000)::bigint / 60000000",
        "(extract(epoch FROM timestamp) * 1000000)::bigint / 600000000",
        "(extract(epoch FROM timestamp) * 1000000)::bigint / 1800000000",
        "(extract(epoch FROM timestamp) * 1000000)::bigint / 5400000000",
        "(extract(epoch FROM timestamp) * 1000000)::bigint / 21600000000",
        "time_bucket('6 hours', timestamp)",
        "time_bucket('12 hours', timestamp)",
        "to_timestamp((extract(epoch FROM timestamp) * 1000000)::bigint / 300000000 * 300)",
        "time_bucket('5 minutes', timestamp)",
        "time_bucket('90 minutes', timestamp)",
        "date_trunc('hour', timestamp)",
        "date_trunc('minute', timestamp)",
        "date_trunc('second', timestamp)",
        "(extract(epoch FROM timestamp) * 1000000)::bigint / 90000000",
        "time_bucket('30 seconds', timestamp)"
    };
    static const char *const values[] = {
        "count(*)",
        "count(duration)",
        "count(level)",
        "count(*) FILTER (WHERE status_code = 'ERROR' OR level IN ('ERROR', 'FATAL'))",
        "count(level) FILTER (WHERE kind = 'log')",
        "100.0 * count(*) FILTER (WHERE status_code = 'ERROR') / nullif(count(*), 0)",
        "sum(duration)",
        "sum(duration) FILTER (WHERE status_code = 'ERROR')",
        "avg(duration)::text",
        "(avg(duration) FILTER (WHERE kind = 'client') / 1e6)::text",
        "min(duration)",
        "max(duration)",
        "max(level)",
        "count(DISTINCT resource___service___name)",
        "bool_or(kind = 'log')",
        "count(*) OVER ()",
        "sum(count(*)) OVER ()",
        "max(duration) - min(duration)",
        "approx_percentile(0.95, percentile_agg(duration))",
        "approx_percentile(0.5, percentile_agg(duration)) FILTER (WHERE kind = 'server')",
        "ARRAY[approx_percentile(0.5, percentile_agg(duration)), approx_percentile(0.99, "
        "percentile_agg(duration))]::text",
        "approx_count_distinct(context___trace_id)",
        "approx_count_distinct(attributes___user___id)",
        "distinct_count(hyperloglog(4096, attributes___session___id))",
        "approx_count_distinct(context___trace_id) FILTER (WHERE resource___service___name = 'cart')",
        "approx_count_distinct(name)",
        "approx_count_distinct(DISTINCT coalesce(level, kind))",
        "max(timestamp)",
        "count(*) FILTER (WHERE duration > 1000000)"
    };
    static const char *const conditions[] = { "",
                                              "",
                                              "kind = 'server'",
                                              "kind <> 'log' AND status_code = 'ERROR'",
                                              "level IS NULL",
                                              "name ~* 'operation [1-3]'",
                                              "(level = 'ERROR' OR status_code = 'ERROR')",
                                              "resource___service___name IN ('cart', 'payment')",
                                              "attributes___http___response___status_code >= '500'",
                                              "name <> 'it''s r1.k1'",
                                              "duration > 1000000",
                                              "duration IS NOT NULL",
                                              "attributes->>'n' LIKE '%7'" };
    uint32_t key_count = below(4), value_count = 1 + below(4);
    bool has_sets = key_count > 1 && below(4) == 0, has_time = !has_sets && below(2) == 0;
    strcpy(sql, "SELECT ");
    for (uint32_t k = 0; k < key_count; k++)
        sprintf(sql + strlen(sql), "%s AS k%u, ",
                has_time && k == 0 ? MOSTLY(times, 3) : MOSTLY(keys, has_time ? 3 : 1), k);
    char list[SQL_BYTES];
    list[0] = '\0';
    for (uint32_t v = 0; v < value_count; v++) {
        const char *value = MOSTLY(values, 2);
        if (key_count == 0 && strstr(value, "OVER")) value = "count(*)";
        sprintf(list + strlen(list), "%s%s AS v%u", v ? ", " : "", value, v);
    }
    strcat(sql, list);
    strcat(sql, " FROM otel_logs_and_spans");
    const char *condition = MOSTLY(conditions, 2);
    bool has_times = below(5) != 0;
    if (has_times || condition[0]) strcat(sql, " WHERE ");
    if (has_times) times_put(sql);
    if (condition[0]) sprintf(sql + strlen(sql), "%s(%s)", has_times ? " AND " : "", condition);
    if (key_count > 0) strcat(sql, " GROUP BY ");
    if (has_sets) strcat(sql, key_count > 2 ? "GROUPING SETS ((k0, k1), (k2), ())" : "GROUPING SETS ((k0), (k1), ())");
    for (uint32_t k = 0; !has_sets && k < key_count; k++) sprintf(sql + strlen(sql), "%s%u", k ? ", " : "", k + 1);
    if (below(4) == 0) strcat(sql, " HAVING count(*) > 3");
    strcat(sql, " ORDER BY 1");
    for (uint32_t k = 1; k < key_count + value_count; k++) sprintf(sql + strlen(sql), ", %u", k + 1);
    if (below(5) == 0) strcat(sql, " LIMIT 7");
    if (below(6) == 0) {
        char inner[SQL_BYTES - 100];
        strcpy(inner, sql);
        sprintf(sql, "WITH r AS (%s) SELECT v0, count(*) FROM r GROUP BY 1 ORDER BY 1, 2", inner);
    }
}

/* Goal: answers from roll-ups are those from rows. Method: random selects, times, conditions, each asked of rows and of whatever
 * roll-ups there are, while rows come, late ones come between those that are there, rows are deleted, and roll-ups are made only
 * now and then. */
static void test_random(void **state)
{
    (void)state;
    struct fixture fixture;
    char sql[SQL_BYTES];
    uint32_t read, all, spared = 0, late = 1, stored = (BLOCKS + 1) * ROWS;
    has_gaps = true;
    open_stored(&fixture);
    make(&fixture);
    for (uint32_t s = 0; s < STATEMENTS; s++) {
        statement_make(sql);
        same(fixture.session, sql, &read, &all);
        spared += read < all;
        if (s % 40 == 39 && late < BLOCKS) {
            fixture_store(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, late * ROWS, ROWS, false);
            late += 2;
        }
        if (s % 70 == 69) {
            fixture_store(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, stored, ROWS, false);
            stored += ROWS;
        }
        if (s % 50 == 49) {
            snprintf(sql, sizeof sql, "DELETE FROM otel_logs_and_spans WHERE name = 'operation %u' AND duration > %u",
                     s / 50 % 10, 500000 * below(8));
            fixture_set(fixture.session, sql);
        }
        if (s % 30 == 29) make(&fixture);
    }
    assert_true(spared > STATEMENTS / 6); /* those that count users by a name cannot be */
    fixture_close(&fixture);
    has_gaps = false;
}

/* Goal: what charts, tables, facets and questions ask is answered from roll-ups, and nothing that needs rows.
 * Method: whole times over files that all have roll-ups: the first read what is not flushed alone, the others all files. */
static void test_which(void **state)
{
    (void)state;
#define OF " FROM otel_logs_and_spans WHERE timestamp >= '2025-11-21' AND timestamp < '2025-12-21' "
    static const char *const answered[] = {
        "SELECT count(*)" OF,
        "WITH r AS (SELECT (extract(epoch FROM timestamp) * 1000000)::bigint / 600000000 AS b, "
        "coalesce((level)::text, '') AS g0, count(*) AS n" OF "GROUP BY 1, 2) SELECT to_timestamp(b * 600.0) AS t, g0, "
        "sum(n) AS value FROM r GROUP BY GROUPING SETS ((b, g0), (g0)) ORDER BY 1, 2",
        "SELECT time_bucket('5 minutes', timestamp) AS t, resource___service___name, count(*) FILTER (WHERE "
        "status_code "
        "= 'ERROR' OR level IN ('ERROR', 'FATAL'))" OF "GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT date_trunc('minute', timestamp) AS t, avg(duration)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT date_trunc('day', timestamp) AS t, sum(duration)" OF "AND kind <> 'log' GROUP BY 1 ORDER BY 1",
        "SELECT (level)::text AS f0, (name)::text AS f1, (attributes___http___request___method)::text AS f2, "
        "grouping(level, "
        "name, attributes___http___request___method) AS g, count(*)" OF
        "GROUP BY GROUPING SETS ((f0), (f1), (f2)) ORDER BY 4, 1, 2, 3",
        "SELECT attributes___http___route, 100.0 * count(*) FILTER (WHERE status_code = 'ERROR') / nullif(count(*), 0) "
        "AS "
        "error_rate_percent" OF
        "AND kind IN ('server', 'consumer') AND ((resource___service___name) = 'cart') GROUP BY 1 "
        "HAVING (attributes___http___route) IS NOT NULL ORDER BY 2 DESC NULLS LAST, 1 LIMIT 5",
        "SELECT resource___service___name, avg(duration) / 1e6, max(duration) / 1e6" OF "GROUP BY 1 ORDER BY 1",
        "SELECT time_bucket('3 hours', timestamp), name, count(*)" OF "GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT approx_count_distinct(attributes___user___id), approx_count_distinct(context___trace_id), count(*), "
        "max(duration)" OF,
        "SELECT attributes___http___route, approx_percentile(0.5, percentile_agg(duration))" OF
        "AND kind = 'server' GROUP BY 1 ORDER BY 1",
        "SELECT time_bucket('10 minutes', timestamp), distinct_count(hyperloglog(32768, attributes___user___id))" OF
        "GROUP BY 1 ORDER BY 1",
        "SELECT resource___service___name, approx_count_distinct(attributes___user___id)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT time_bucket('6 hours', timestamp), approx_count_distinct(attributes___user___id) FILTER (WHERE "
        "resource___service___name = 'cart')" OF "GROUP BY 1 ORDER BY 1",
        "SELECT approx_count_distinct(name), approx_count_distinct(upper(level))" OF,
        "SELECT attributes___http___response___status_code AS c, count(*)" OF
        "AND attributes___http___response___status_code "
        ">= '500' GROUP BY 1 ORDER BY 1",
    };
    static const char *const raw[] = {
        "SELECT max(timestamp)" OF,
        "SELECT count(*)" OF "AND duration > 1000",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration)" OF,
        "SELECT sum(duration * 2)" OF,
        "SELECT count(*)" OF "AND random() < 2",
        "SELECT context___trace_id, count(*)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT attributes->>'n', count(*)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT time_bucket('90 seconds', timestamp), count(*)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT time_bucket('5 minutes', timestamp, '2000-01-01 00:00:30+00'::timestamptz), count(*)" OF
        "GROUP BY 1 ORDER BY 1",
        "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint / 90000000, count(*)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT time_bucket('5 minutes', timestamp), name, count(*)" OF "GROUP BY 1, 2 ORDER BY 1, 2",
        "SELECT count(*) FILTER (WHERE timestamp > '2025-11-22 01:00:00')" OF,
        "SELECT attributes___user___id, count(*)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT count(DISTINCT attributes___user___id)" OF,
        "SELECT approx_count_distinct(upper(attributes___user___id))" OF,
        "SELECT approx_count_distinct(attributes___user___id)" OF "AND attributes___user___id <> 'u7'",
        "SELECT time_bucket('5 minutes', timestamp), approx_count_distinct(attributes___user___id)" OF
        "GROUP BY 1 ORDER BY 1",
        "SELECT name, approx_count_distinct(attributes___user___id)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT resource___service___name, approx_count_distinct(context___trace_id)" OF "GROUP BY 1 ORDER BY 1",
        "SELECT approx_count_distinct(id)" OF,
        "SELECT string_agg(level, ',' ORDER BY level)" OF,
        "SELECT stddev(length(level))" OF,
    };
    struct fixture fixture;
    uint32_t read, all;
    open_stored(&fixture);
    make(&fixture);
    for (size_t s = 0; s < COUNT_OF(answered); s++) {
        same(fixture.session, answered[s], &read, &all);
        if (read != 1) fail_msg("%u files of %u are read: %s", read, all, answered[s]);
    }
    for (size_t s = 0; s < COUNT_OF(raw); s++) {
        if (!strstr(raw[s], "random")) same(fixture.session, raw[s], &read, &all);
        if (read != all) fail_msg("%u files of %u are read: %s", read, all, raw[s]);
    }
    static const struct {
        const char *from, *to;
        uint32_t read;
    } cuts[] = {
        { "2025-11-22 00:10:00", "2025-11-22 08:20:00", 0 }, /* within files, at whole minutes */
        { "2025-11-22 00:10:01", "2025-11-22 08:20:00", 1 },
        { "2025-11-22 00:10:30", "2025-11-22 08:20:59.5", 2 },
        { "2025-11-22 00:10:30", "2025-11-22 00:10:50", 1 }, /* no whole minute */
    };
    for (size_t c = 0; c < COUNT_OF(cuts); c++) {
        char sql[400];
        snprintf(sql, sizeof sql,
                 "SELECT count(*), sum(duration) FROM otel_logs_and_spans WHERE timestamp >= '%s' AND timestamp < '%s'",
                 cuts[c].from, cuts[c].to);
        same(fixture.session, sql, &read, &all);
        if (read != cuts[c].read) fail_msg("%u files of %u are read: %s", read, all, sql);
    }
    fixture_close(&fixture);
}

/* Goal: approx_count_distinct is as near to count(DISTINCT) as docs/sql.md says, of texts, numbers, times and JSON, and exact up to 3,072 values.
 * Method: all columns' values by several keys, over rows and over roll-ups, and where there are no rows. */
static void test_distinct(void **state)
{
    (void)state;
    static const char *const values[] = { "id::text",
                                          "attributes___user___id",
                                          "attributes___session___id",
                                          "duration",
                                          "timestamp",
                                          "attributes",
                                          "id",
                                          "duration / 3.0",
                                          "hashes",
                                          "context___trace_id" };
    static const char *const keys[] = { "kind", "()", "(extract(epoch FROM timestamp) * 1000000)::bigint / 60000000" };
    struct fixture fixture;
    struct buf out;
    char sql[1000];
    buf_init(&out, 4u << 20);
    has_gaps = true;
    open_stored(&fixture);
    make(&fixture);
    for (size_t v = 0; v < COUNT_OF(values); v++)
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            snprintf(
                sql, sizeof sql,
                "SELECT count(*), max(e), count(*) FILTER (WHERE abs(a - e) > CASE WHEN e > 3072 THEN 5 * 0.0081 * "
                "e ELSE 1 END) FROM (SELECT approx_count_distinct(%s) AS a, count(DISTINCT %s) AS e FROM "
                "otel_logs_and_spans GROUP BY %s) x",
                values[v], values[v], keys[k]);
            fixture_must(fixture.session, sql, &out, NULL);
            uint64_t groups = 0, most = 0, wrong = 1;
            assert_int_equal(sscanf((const char *)out.ptr, "%" SCNu64 "|%" SCNu64 "|%" SCNu64, &groups, &most, &wrong),
                             3);
            if (wrong > 0 || groups == 0 || most == 0) fail_msg("%s: %s", sql, (const char *)out.ptr);
        }
    fixture_must(fixture.session,
                 "SELECT approx_count_distinct(id), approx_count_distinct(attributes___user___id), "
                 "approx_count_distinct(name) FILTER (WHERE false) FROM otel_logs_and_spans WHERE timestamp < "
                 "'2001-01-01'",
                 &out, NULL);
    assert_string_equal((const char *)out.ptr, "0|0|0\n");
    fixture_must(fixture.session,
                 "SELECT DISTINCT approx_count_distinct(kind) OVER (PARTITION BY resource___service___name) FROM "
                 "otel_logs_and_spans",
                 &out, NULL);
    assert_string_equal((const char *)out.ptr, "3\n");
    fixture_close(&fixture);
    has_gaps = false;
    buf_deinit(&out);
}

/* Goal: whose a trace is, is not asked where all rows of its files have a user of their own, and is where some lack one.
 * Method: EXPLAIN of a trace in a file of each; and EXPLAIN ANALYZE says what planning took. */
static void test_whose(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf out;
    char sql[300];
    static const uint32_t rows[] = { 10, 4 * ROWS + 10 }; /* of blocks without and with gaps */
    buf_init(&out, 1u << 20);
    has_gaps = true;
    open_stored(&fixture);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        snprintf(sql, sizeof sql,
                 "EXPLAIN SELECT attributes___user___id, attributes___user___email FROM otel_logs_and_spans WHERE "
                 "context___trace_id = '%032x'",
                 rows[i] / 5);
        fixture_must(fixture.session, sql, &out, NULL);
        assert_int_equal(strstr((const char *)out.ptr, "Files that may say whose a trace is") != NULL, i == 1);
        assert_null(strstr((const char *)out.ptr, "Planning Time: "));
    }
    fixture_must(fixture.session, "EXPLAIN ANALYZE SELECT count(*) FROM otel_logs_and_spans", &out, NULL);
    double time_ms = 0, cpu_ms = 0;
    const char *line = strstr((const char *)out.ptr, "Planning Time: ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "Planning Time: %lf ms\nPlanning CPU: %lf ms", &time_ms, &cpu_ms), 2);
    assert_true(cpu_ms > 0.01 && cpu_ms <= time_ms + 1 && time_ms < 60000);
    fixture_close(&fixture);
    has_gaps = false;
    buf_deinit(&out);
}

/* Calls entry for the file of each roll-up of the project. */
static uint32_t each_file(const struct fixture *fixture, void (*entry)(const char *path))
{
    char dir[200], path[600], project[UUID_TEXT_BYTES + 1];
    uint32_t count = 0;
    uuid_to_text(fixture->project, project);
    snprintf(dir, sizeof dir, "%s/rollups/%s", fixture->dir, project);
    DIR *open = opendir(dir);
    for (struct dirent *one; open && (one = readdir(open));) {
        if (one->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", dir, one->d_name);
        if (entry) entry(path);
        count++;
    }
    if (open) closedir(open);
    return count;
}

static void damage(const char *path)
{
    FILE *file = fopen(path, "r+b");
    if (!file || fseek(file, 40, SEEK_SET) != 0 || fputc('!', file) == EOF || fclose(file) != 0) abort();
}

static void cut(const char *path)
{
    if (truncate(path, 30) != 0) abort();
}

static void reopen(struct fixture *fixture)
{
    struct err err = { 0 };
    char temp[128], rollups[128];
    static const struct log log = { .fd = -1, .level_min = LOG_ERROR };
    snprintf(temp, sizeof temp, "%s/temp", fixture->dir);
    snprintf(rollups, sizeof rollups, "%s/rollups", fixture->dir);
    struct query_options options = { .timefusion = fixture->timefusion,
                                     .hooks = { .flush = fixture_flush },
                                     .memory_bytes_max = FIXTURE_MEMORY_BYTES,
                                     .threads = 2,
                                     .kept_file_rows_min = FIXTURE_KEPT_ROWS_MIN,
                                     .temp_dir = temp,
                                     .rollup_dir = rollups,
                                     .cubes_by_hand = true,
                                     .log = &log };
    query_session_close(fixture->session);
    query_engine_close(fixture->engine);
    fixture_check(query_engine_open(&fixture->engine, &options, &err), &err, "engine");
    fixture_check(query_session_open(&fixture->session, fixture->engine, fixture->project, "tester", &err), &err,
                  "session");
}

/* Goal: roll-ups outlive the process; one that is damaged is left out and made anew; what DELETE took, and files that are no
 * more, leave nothing on the disk. Method: by hand, between two openings and beneath an open one. */
static void test_disk(void **state)
{
    (void)state;
    static const char sql[] =
        "SELECT kind, name, count(*), sum(duration) FROM otel_logs_and_spans GROUP BY 1, 2 ORDER BY 1, 2";
    struct fixture fixture;
    uint32_t read, all;
    open_stored(&fixture);
    make(&fixture);
    reopen(&fixture);
    same(fixture.session, sql, &read, &all);
    assert_int_equal(read, 1);
    reopen(&fixture);
    uint32_t count = each_file(&fixture, damage);
    assert_int_equal(count, 12 * BLOCKS / 2); /* a family each */
    same(fixture.session, sql, &read, &all);
    assert_int_equal(read, all);
    make(&fixture);
    same(fixture.session, sql, &read, &all);
    assert_int_equal(read, 1);
    each_file(&fixture, cut); /* of those that are open */
    same(fixture.session, sql, &read, &all);
    make(&fixture);
    same(fixture.session, sql, &read, &all);
    assert_int_equal(read, 1);
    assert_int_equal(each_file(&fixture, NULL), count);
    fixture_set(fixture.session, "DELETE FROM otel_logs_and_spans WHERE name = 'operation 3'");
    assert_int_equal(each_file(&fixture, NULL), 0);
    same(fixture.session, sql, &read, &all);
    make(&fixture);
    same(fixture.session, sql, &read, &all);
    assert_int_equal(read, 1);
    fixture_close(&fixture);
}

/* Goal: rows that hold a text are found in whatever file they are, and few files are read for a rare one. Method: texts of rows that
 * there are and of some that there are not, by every operator and place, from all files and from those that words leave. */
static void test_words(void **state)
{
    (void)state;
    static const char *const conditions[] = {
        "body::text ~* 'MESSAGE %u it'",
        "body::text ~ 'message %u it'",
        "body::text LIKE '%%message %u it''s%%'",
        "body::text ILIKE '\"MESSAGE %u it%%done%%'",
        "body::text LIKE '%%_essage\\ %u %%100\\%%%%'",
        "(name ~* 'operation' OR body::text ~* 'message %u it')",
        "(name ~* 'message %u it' OR body::text ~* 'message %u it' OR status_message ILIKE '%%message %u it%%')",
        "body::text ~* 'message %u it' AND body::text ~* 'done'",
        "body::text ~* 'message %u it' AND NOT body::text ~* 'nothing of it'",
        "NOT body::text ~* 'message %u it'",
        "(body::text ~* 'message %u it' OR level = 'FATAL')",
        "body::text ~* 'message %u it|operation'",
        "body->>'message %u it' IS NULL",
        "name = 'operation %u'",
    };
    static const char *const lists[] = {
        "SELECT count(*), min(id::text), sum(duration) FROM otel_logs_and_spans WHERE %s",
        "SELECT id, body FROM otel_logs_and_spans WHERE %s ORDER BY timestamp DESC, id LIMIT 5",
        "SELECT name, count(*) FROM otel_logs_and_spans WHERE %s GROUP BY 1 ORDER BY 1",
        "SELECT count(*) FROM telemetry WHERE %s",
    };
    struct fixture fixture;
    uint32_t read, all, rare = 0, rare_read = 0, stored = BLOCKS / 2;
    open_stored(&fixture);
    make(&fixture);
    for (uint32_t s = 0; s < STATEMENTS; s++) {
        char condition[1000], sql[SQL_BYTES];
        uint32_t n = below(BLOCKS * ROWS + 500), place = below(COUNT_OF(conditions));
        sprintf(condition, conditions[place], n, n, n);
        sprintf(sql, ONE_OF(lists), condition);
        same(fixture.session, sql, &read, &all);
        if (place < 5 || place == 6 || place == 7) {
            rare++;
            rare_read += read;
        }
    }
    assert_true(rare > 20);
    print_message("%u rare texts: %.1f files read for each of %u and those not yet counted\n", rare,
                  (double)rare_read / rare, stored);
    assert_true(rare_read < rare * (stored / 2));
    /* Damaged ones leave nothing out, go, and are made again. */
    static const char sql[] = "SELECT count(*) FROM otel_logs_and_spans WHERE body::text ~* 'message 4 it'";
    reopen(&fixture);
    each_file(&fixture, damage);
    same(fixture.session, sql, &read, &all);
    assert_int_equal(read, all);
    make(&fixture);
    same(fixture.session, sql, &read, &all);
    assert_true(read < all);
    fixture_close(&fixture);
}

/* Goal: that a file has no cube of a kind is known after a restart too, until the file is gone. */
static void test_refusal(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = { 0 };
    open_stored(&fixture);
    const struct hash128 file = { 1, 2 };
    const struct cube_name name = { fixture.project, file, &cube_kinds[3], 0 };
    assert_true(cube_put(fixture.engine->cubes, &name, (struct bytes){ 0 }, &err));
    assert_int_equal(cube_state(fixture.engine->cubes, file, name.kind), CUBE_REFUSED);
    reopen(&fixture);
    assert_int_equal(cube_state(fixture.engine->cubes, file, name.kind), CUBE_REFUSED);
    assert_int_equal(cube_state(fixture.engine->cubes, file, &cube_kinds[4]), CUBE_MISSING);
    make(&fixture);
    assert_int_equal(cube_state(fixture.engine->cubes, file, name.kind), CUBE_MISSING);
    uint32_t files = each_file(&fixture, NULL);
    reopen(&fixture);
    assert_int_equal(cube_state(fixture.engine->cubes, file, name.kind), CUBE_MISSING);
    assert_int_equal(each_file(&fixture, NULL), files);
    fixture_close(&fixture);
}

/* Goal: a share link's times hold for roll-ups too. Method: a session of some hours, which begin within a file. */
static void test_session_times(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t read, all;
    open_stored(&fixture);
    make(&fixture);
    query_session_set_times(fixture.session, FIXTURE_START_US + 250 * (int64_t)FIXTURE_STEP_US,
                            FIXTURE_START_US + 3250 * (int64_t)FIXTURE_STEP_US);
    same(fixture.session, "SELECT count(*), max(duration) FROM otel_logs_and_spans", &read, &all);
    assert_int_equal(all, 4);
    assert_int_equal(read, 2); /* those that the times cut */
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random),   cmocka_unit_test(test_which),
                                        cmocka_unit_test(test_distinct), cmocka_unit_test(test_whose),
                                        cmocka_unit_test(test_disk),     cmocka_unit_test(test_words),
                                        cmocka_unit_test(test_refusal),  cmocka_unit_test(test_session_times) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
