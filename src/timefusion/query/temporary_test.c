#include "timefusion/query/engine.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    fixture_open(fixture, 2, 50);
    query_session_set_wire(fixture->session);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    return fixture_teardown(state);
}

static void rows_are(struct query_session *session, const char *sql, const char *expected)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    fixture_must(session, sql, &out, NULL);
    if (strcmp((const char *)out.ptr, expected) != 0) fail_msg("%s:\n%s\nexpected:\n%s", sql, out.ptr, expected);
    buf_deinit(&out);
}

static void done(struct query_session *session, const char *sql, const char *expected_tag)
{
    struct query_statement *statement;
    struct query_cursor *cursor;
    struct err err = { 0 };
    char tag[64];
    if (!query_prepare(session, bytes_of_text(sql), NULL, 0, &statement, &err) ||
        !query_execute(statement, NULL, 0, &cursor, &err))
        fail_msg("%s: %s: %s", sql, err_name(err.code), err.text);
    query_statement_tag(statement, query_cursor_changed_rows(cursor), tag);
    query_cursor_close(cursor);
    query_statement_close(statement);
    assert_string_equal(tag, expected_tag);
}

static void refused(struct query_session *session, const char *sql, enum err_code code, const char *words)
{
    struct err err;
    struct buf out;
    buf_init(&out, 1u << 20);
    if (fixture_run(session, sql, NULL, 0, &out, NULL, &err)) fail_msg("%s: done", sql);
    if (err.code != code || !strstr(err.text, words)) fail_msg("%s: %s: %s", sql, err_name(err.code), err.text);
    buf_deinit(&out);
}

/* Tables that DuckDB has, whoever made them. */
static void duckdb_has(struct fixture *fixture, int64_t tables)
{
    struct lane *lane;
    struct err err = { 0 };
    duckdb_result result;
    assert_true(lane_acquire(fixture->session, &lane, &err));
    assert_true(engine_query(lane->connection, "SELECT count(*) FROM duckdb_tables()", &result, &err));
    assert_int_equal(duckdb_value_int64(&result, 0, 0), tables);
    duckdb_destroy_result(&result);
    lane_release(fixture->session, lane);
}

/* Goal: a session's own table takes, changes and gives rows as PostgreSQL's does, with its types, defaults and rules, also together
 * with telemetry. Method: statements and what they answer. */
static void test_statements(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *session = fixture->session;
    done(session,
         "CREATE TEMP TABLE t (id int PRIMARY KEY, name varchar(5) NOT NULL DEFAULT 'x', price numeric(6,2), at "
         "timestamptz DEFAULT now(), tags text[], doc jsonb, u uuid)",
         "CREATE TABLE");
    done(session,
         "INSERT INTO t (id, price, tags, doc, u) VALUES (1, 2.345, array['a','b'], '{\"k\": [1, 2]}', "
         "'0190a3c0-0000-7000-8000-000000000001'), (2, default, null, null, null)",
         "INSERT 0 2");
    rows_are(session,
             "SELECT id, name, price, tags, doc->'k'->>1, u, at > now() - interval '1 minute' FROM t ORDER BY id",
             "1|x|2.35|{a,b}|2|0190a3c0-0000-7000-8000-000000000001|t\n2|x|NULL|NULL|NULL|NULL|t\n");
    refused(session, "INSERT INTO t (id) VALUES (2)", ERR_UNIQUE, "relation \"t\" (column \"id\")");
    refused(session, "INSERT INTO t (id, name) VALUES (3, NULL)", ERR_NULL, "column \"name\"");
    refused(session, "INSERT INTO t (id, name) VALUES (3, 'longer')", ERR_RANGE, "too long");
    refused(session, "INSERT INTO t (id, name) VALUES ('three', 'y')", ERR_VALUE, "three");
    refused(session, "INSERT INTO t (nope) VALUES (1)", ERR_NO_COLUMN, "\"nope\" of relation \"t\"");
    refused(session, "INSERT INTO t (id, id) VALUES (1, 2)", ERR_COLUMN_TWICE, "more than once");
    done(session, "INSERT INTO t (id) VALUES (2), (3) ON CONFLICT DO NOTHING", "INSERT 0 1");
    done(session, "UPDATE t SET name = 'u' || id, price = price * 2 WHERE id < 3", "UPDATE 2");
    rows_are(session, "SELECT id, name, price FROM t ORDER BY 1", "1|u1|4.70\n2|u2|NULL\n3|x|NULL\n");
    done(session, "DELETE FROM t WHERE id IN (SELECT id FROM t WHERE price IS NULL)", "DELETE 2");
    done(session, "INSERT INTO t (id, name) SELECT id + 10, 'z' FROM t", "INSERT 0 1");
    rows_are(session, "SELECT id FROM pg_temp.t ORDER BY id DESC", "11\n1\n");
    rows_are(session, "INSERT INTO t AS n (id) VALUES (20), (21) RETURNING n.id, name || '!' AS loud, tags, n.price",
             "20|x!|NULL|NULL\n21|x!|NULL|NULL\n");
    rows_are(session, "INSERT INTO t (id) VALUES (21), (22) ON CONFLICT DO NOTHING RETURNING id", "22\n");
    rows_are(session, "UPDATE t AS n SET name = 'up' WHERE id > 20 RETURNING n.id * 2, name", "42|up\n44|up\n");
    rows_are(session, "DELETE FROM t WHERE id > 19 RETURNING id, name IS NULL", "20|f\n21|f\n22|f\n");
    refused(session, "DELETE FROM t WHERE true RETURNING (SELECT 1)", ERR_UNSUPPORTED, "subqueries");
    refused(session, "DELETE FROM t WHERE true RETURNING nope", ERR_NO_COLUMN, "nope");
    rows_are(session, "SELECT count(*) FROM t", "2\n");
    done(session,
         "CREATE TEMP TABLE named AS SELECT name, count(*) AS n, sum(duration) AS total, max(timestamp) AS last FROM "
         "otel_logs_and_spans GROUP BY name",
         "SELECT 10");
    struct buf telemetry;
    buf_init(&telemetry, 1u << 20);
    fixture_must(
        session,
        "SELECT name, count(*), sum(duration), max(timestamp) FROM otel_logs_and_spans GROUP BY name ORDER BY name",
        &telemetry, NULL);
    rows_are(session, "SELECT name, n, total, last FROM named ORDER BY name", (const char *)telemetry.ptr);
    fixture_must(session, "SELECT count(*) FROM otel_logs_and_spans", &telemetry, NULL);
    rows_are(session, "SELECT count(*) FROM otel_logs_and_spans o JOIN named USING (name)",
             (const char *)telemetry.ptr);
    rows_are(session, "SELECT count(*) FROM otel_logs_and_spans WHERE name IN (SELECT name FROM named)",
             (const char *)telemetry.ptr);
    buf_deinit(&telemetry);
    done(session, "SELECT 1 AS a, 'b' AS b INTO TEMP made", "SELECT 1");
    done(session, "CREATE TEMP TABLE hollow (x, y) AS SELECT 1, 'b'::text WITH NO DATA", "CREATE TABLE AS");
    rows_are(session, "SELECT count(*), max(y) FROM hollow", "0|NULL\n");
    rows_are(session, "SELECT a + 1, b FROM made", "2|b\n");
    done(session, "TRUNCATE named, made", "TRUNCATE TABLE");
    rows_are(session, "SELECT (SELECT count(*) FROM named) + (SELECT count(*) FROM made)", "0\n");
    refused(session, "CREATE TEMP TABLE t (a int)", ERR_TABLE_EXISTS, "already exists");
    done(session, "CREATE TEMP TABLE IF NOT EXISTS t (a int)", "CREATE TABLE");
    done(session, "DROP TABLE IF EXISTS nothing, made", "DROP TABLE");
    refused(session, "SELECT * FROM made", ERR_NO_TABLE, "made");
    duckdb_has(fixture, 3);
    done(session, "DISCARD TEMP", "DISCARD TEMP");
    duckdb_has(fixture, 0);
    assert_int_equal(atomic_load(&fixture->engine->temporary_bytes), 0);
}

/* Goal: what is no table of the session's own cannot be made, named or dropped, nor read by another session. */
static void test_walls(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *session = fixture->session, *other;
    struct err err = { 0 };
    refused(session, "CREATE TABLE t (a int)", ERR_FORBIDDEN, "session's own");
    refused(session, "CREATE TEMP TABLE otel_metrics (a int)", ERR_TABLE_EXISTS, "another name");
    refused(session, "CREATE TEMP TABLE pg_class (a int)", ERR_TABLE_EXISTS, "another name");
    refused(session, "CREATE TEMP TABLE public.t (a int)", ERR_UNSUPPORTED, "schema");
    refused(session, "CREATE TEMP TABLE t (a serial)", ERR_NOT_FOUND, "serial");
    refused(session, "CREATE TEMP TABLE t (a int CHECK (a > 1))", ERR_UNSUPPORTED, "NOT NULL, PRIMARY KEY");
    refused(session, "CREATE TEMP TABLE t (a int DEFAULT (SELECT 1))", ERR_UNSUPPORTED, "constant");
    refused(session, "CREATE TEMP TABLE t (a int, a text)", ERR_COLUMN_TWICE, "more than once");
    refused(session, "CREATE TEMP VIEW v AS SELECT 1", ERR_FORBIDDEN, "not permitted");
    refused(session, "DROP TABLE otel_metrics", ERR_FORBIDDEN, "temporary");
    refused(session, "DROP TABLE IF EXISTS public.otel_metrics", ERR_FORBIDDEN, "temporary");
    refused(session, "TRUNCATE otel_metrics", ERR_FORBIDDEN, "temporary tables");
    refused(session, "DROP TABLE t", ERR_NO_TABLE, "does not exist");
    done(session, "CREATE TEMP TABLE t AS SELECT 42 AS a", "SELECT 1");
    assert_true(query_session_open(&other, fixture->engine, fixture->project, "b", &err));
    refused(other, "CREATE TEMP TABLE t (a int)", ERR_FORBIDDEN, "PostgreSQL protocol");
    query_session_set_wire(other);
    refused(other, "SELECT * FROM t", ERR_NO_TABLE, "\"t\" does not exist");
    refused(other, "SELECT * FROM pg_temp.t", ERR_NO_TABLE, "does not exist");
    refused(other, "SELECT * FROM t1", ERR_NO_TABLE, "does not exist");
    refused(other, "SELECT * FROM main.t1", ERR_NO_TABLE, "does not exist");
    done(other, "CREATE TEMP TABLE t AS SELECT 7 AS b", "SELECT 1");
    rows_are(other, "SELECT * FROM t", "7\n");
    rows_are(session, "SELECT * FROM t", "42\n");
    query_session_close(other);
    duckdb_has(fixture, 1);
    /* More than a session may hold is not there afterwards. */
    refused(session, "INSERT INTO t SELECT n FROM generate_series(1, 4000000) n", ERR_TOO_LARGE, "64 MiB");
    refused(session, "CREATE TEMP TABLE big AS SELECT repeat('x', 10000) AS x FROM generate_series(1, 7000) n",
            ERR_TOO_LARGE, "64 MiB");
    rows_are(session, "SELECT count(*) FROM t", "1\n");
    duckdb_has(fixture, 1);
    done(session, "CREATE TEMP TABLE wide AS SELECT repeat('x', 10000) AS x FROM generate_series(1, 4000) n",
         "SELECT 4000");
    for (int i = 0; i < 3; i++) done(session, "UPDATE wide SET x = x", "UPDATE 4000"); /* no more than before */
    refused(session, "INSERT INTO wide SELECT * FROM wide", ERR_TOO_LARGE, "64 MiB");
    done(session, "DELETE FROM wide", "DELETE 4000");
    done(session, "INSERT INTO wide SELECT repeat('x', 10000) FROM generate_series(1, 4000) n", "INSERT 0 4000");
}

/* Goal: a statement that was prepared goes on over a table that was dropped and made again, as drivers do; of other types it says so. */
static void test_prepared(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *session = fixture->session;
    struct query_statement *insert, *select;
    struct query_cursor *cursor;
    struct err err = { 0 };
    done(session, "CREATE TEMP TABLE t (a int)", "CREATE TABLE");
    assert_true(query_prepare(session, bytes_of_text("INSERT INTO t VALUES ($1)"), NULL, 0, &insert, &err));
    assert_true(query_prepare(session, bytes_of_text("SELECT a FROM t"), NULL, 0, &select, &err));
    for (int i = 0; i < 4; i++) {
        const struct query_parameter value = { .value = bytes_of_text("5") };
        if (!query_execute(insert, &value, 1, &cursor, &err)) fail_msg("%s", err.text);
        assert_int_equal(query_cursor_changed_rows(cursor), 1);
        query_cursor_close(cursor);
        if (!query_execute(select, NULL, 0, &cursor, &err)) fail_msg("%s", err.text);
        query_cursor_close(cursor);
        rows_are(session, "SELECT * FROM t", "5\n");
        done(session, "DROP TABLE t", "DROP TABLE");
        assert_false(query_execute(select, NULL, 0, &cursor, &err));
        assert_int_equal(err.code, ERR_NO_TABLE);
        done(session, i < 3 ? "CREATE TEMP TABLE t (a int)" : "CREATE TEMP TABLE t (a text)", "CREATE TABLE");
    }
    assert_false(query_execute(select, NULL, 0, &cursor, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    query_statement_close(insert);
    query_statement_close(select);
    /* Who reads when the table goes has all of it. */
    done(session, "DROP TABLE t; ", "DROP TABLE");
    done(session, "CREATE TEMP TABLE t AS SELECT n FROM generate_series(1, 100000) n", "SELECT 100000");
    assert_true(query_prepare(session, bytes_of_text("SELECT n FROM t"), NULL, 0, &select, &err));
    assert_true(query_execute(select, NULL, 0, &cursor, &err));
    done(session, "TRUNCATE t", "TRUNCATE TABLE");
    done(session, "DROP TABLE t", "DROP TABLE");
    uint64_t count = 0;
    for (const struct query_chunk *chunk;;) {
        if (!query_fetch(cursor, &chunk, &err)) fail_msg("%s", err.text);
        if (!chunk) break;
        count += query_chunk_rows(chunk);
    }
    assert_int_equal(count, 100000);
    query_cursor_close(cursor);
    query_statement_close(select);
}

/* Goal: ROLLBACK and ROLLBACK TO take back what was done to tables and their rows, COMMIT keeps it, ON COMMIT is done; nothing is left over.
 * Method: 3,000 random steps on three tables beside a model that copies everything. */
struct model {
    bool is_there[3];
    uint32_t rows[3];
};

static void models_equal(struct query_session *session, const struct model *model)
{
    for (int t = 0; t < 3; t++) {
        char sql[64], expected[32];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM t%d", t);
        snprintf(expected, sizeof expected, "%u\n", model->rows[t]);
        if (model->is_there[t])
            rows_are(session, sql, expected);
        else
            refused(session, sql, ERR_NO_TABLE, "does not exist");
    }
}

static void step(struct query_session *session, struct model *model, uint32_t random)
{
    int t = (int)(random % 3);
    char sql[128], tag[32];
    uint32_t more = 1 + random / 64 % 5;
    if (!model->is_there[t]) {
        snprintf(sql, sizeof sql,
                 t == 2   ? "CREATE TEMP TABLE t%d (a int PRIMARY KEY) ON COMMIT DELETE ROWS"
                 : t == 1 ? "CREATE TEMP TABLE t%d (a int) ON COMMIT DROP"
                          : "CREATE TEMP TABLE t%d (a int)",
                 t);
        done(session, sql, "CREATE TABLE");
        model->is_there[t] = true;
        model->rows[t] = 0;
        return;
    }
    switch (random / 8 % 6) {
    case 0:
        snprintf(sql, sizeof sql, "DROP TABLE t%d", t);
        done(session, sql, "DROP TABLE");
        model->is_there[t] = false;
        break;
    case 1:
        snprintf(sql, sizeof sql, "TRUNCATE t%d", t);
        done(session, sql, "TRUNCATE TABLE");
        model->rows[t] = 0;
        break;
    case 2:
        snprintf(sql, sizeof sql, "DELETE FROM t%d", t);
        snprintf(tag, sizeof tag, "DELETE %u", model->rows[t]);
        done(session, sql, tag);
        model->rows[t] = 0;
        break;
    case 3: /* fails: nothing of it is there */
        snprintf(
            sql, sizeof sql,
            "INSERT INTO t%d SELECT CASE WHEN n < 3 THEN '1000000' ELSE 'x' || n END::int FROM generate_series(1, 5) n",
            t);
        refused(session, sql, ERR_VALUE, "x3");
        break;
    default:
        snprintf(sql, sizeof sql,
                 "INSERT INTO t%d SELECT n + (SELECT coalesce(max(a), 0) FROM t%d) FROM generate_series(1, %u) n", t, t,
                 more);
        snprintf(tag, sizeof tag, "INSERT 0 %u", more);
        done(session, sql, tag);
        model->rows[t] += more;
    }
}

static void test_transactions(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *session = fixture->session;
    struct model now = { 0 }, before = { 0 }, saved[4];
    uint32_t savepoints = 0;
    bool is_open = false;
    uint64_t random = 20261128;
    for (int i = 0; i < 3000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t draw = (uint32_t)(random >> 33);
        if (!is_open) {
            is_open = true;
            before = now;
            savepoints = 0;
            query_session_begin(session);
        } else if (draw % 11 == 0) {
            const char *notice;
            struct err err = { 0 };
            bool commits = draw / 11 % 2;
            if (commits) assert_true(query_session_commit(session, &notice, &err));
            query_session_end(session);
            is_open = false;
            if (!commits) now = before;
            now.is_there[1] = false; /* ON COMMIT DROP */
            now.rows[2] = 0;         /* ON COMMIT DELETE ROWS */
            models_equal(session, &now);
        } else if (draw % 11 == 1 && savepoints < 4) {
            query_session_savepoint(session);
            saved[savepoints++] = now;
        } else if (draw % 11 == 2 && savepoints > 0) {
            savepoints = 1 + draw / 11 % savepoints;
            query_session_savepoint_back(session, savepoints - 1);
            now = saved[savepoints - 1];
            models_equal(session, &now);
        } else {
            step(session, &now, draw / 11);
        }
    }
    if (is_open) query_session_end(session);
    done(session, "DISCARD TEMP", "DISCARD TEMP");
    duckdb_has(fixture, 0);
    assert_int_equal(session->temporary_bytes, 0);
    assert_int_equal(atomic_load(&fixture->engine->temporary_bytes), 0);
}

/* Goal: COPY puts rows of any number, all or none, in text and binary, also NULLs and named columns. */
static void test_copy(void **state)
{
    struct fixture *fixture = *state;
    struct query_session *session = fixture->session;
    struct query_statement *statement;
    struct err err = { 0 };
    done(session, "CREATE TEMP TABLE t (a int, \"b\"\"c\" text, d int8 DEFAULT 7)", "CREATE TABLE");
    done(session, "INSERT INTO t (a) VALUES (-1)", "INSERT 0 1");
    assert_true(query_prepare(session, bytes_of_text("COPY t (\"b\"\"c\", a) FROM STDIN"), NULL, 0, &statement, &err));
    for (int fails = 1; fails >= 0; fails--) {
        struct query_copy *copy;
        const char *notice;
        uint64_t rows;
        if (!query_copy_begin(statement, &copy, &err)) fail_msg("%s", err.text);
        bool ok = true;
        for (int i = 0; ok && i < 1000; i++) {
            char number[16];
            const uint8_t binary[4] = { 0, 0, (uint8_t)(i >> 8), (uint8_t)i };
            snprintf(number, sizeof number, fails && i == 700 ? "x%d" : "%d", i);
            const struct query_field fields[] = {
                { .value = bytes_of_text(i % 3 ? "it's" : ""), .is_null = i % 3 == 0 },
                { .value = i % 2 && !fails ? bytes_from(binary, 4) : bytes_of_text(number),
                  .is_binary = i % 2 && !fails }
            };
            ok = query_copy_row(copy, fields, &err);
        }
        ok = ok && query_copy_end(copy, &rows, &notice, &err);
        assert_int_equal(ok, !fails);
        if (fails) assert_int_equal(err.code, ERR_VALUE);
        query_copy_close(copy);
        err = (struct err){ 0 };
        rows_are(session, "SELECT count(*), count(\"b\"\"c\"), sum(a), min(d), max(d) FROM t",
                 fails ? "1|0|-1|7|7\n" : "1001|666|499499|7|7\n");
    }
    query_statement_close(statement);
    refused(session, "COPY t (nope) FROM STDIN", ERR_NO_COLUMN, "nope");
    done(session, "DROP TABLE t", "DROP TABLE");
    duckdb_has(fixture, 0);
    assert_int_equal(atomic_load(&fixture->engine->temporary_bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_statements, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prepared, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
