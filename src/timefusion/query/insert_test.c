#include "timefusion/query/engine.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What the hook was given last. */
struct kept {
    struct query_rows rows;
    uint32_t count;
    bool refuses;
};

static bool keep(void *ctx, const struct query_rows *rows, struct err *err)
{
    struct kept *kept = ctx;
    if (kept->refuses) {
        free((void *)(uintptr_t)rows->batch.ptr);
        return err_set(err, ERR_OVERLOADED, "no room");
    }
    free((void *)(uintptr_t)kept->rows.batch.ptr);
    kept->rows = *rows;
    kept->count++;
    return true;
}

struct inserting {
    struct fixture fixture;
    struct kept kept;
};

static int setup(void **state)
{
    struct inserting *inserting = mem_calloc(1, sizeof *inserting);
    fixture_open(&inserting->fixture, 2, 50);
    inserting->fixture.engine->options.hooks.keep = keep;
    inserting->fixture.engine->options.hooks.ctx = &inserting->kept;
    *state = inserting;
    return 0;
}

static int teardown(void **state)
{
    struct inserting *inserting = *state;
    fixture_close(&inserting->fixture);
    free((void *)(uintptr_t)inserting->kept.rows.batch.ptr);
    free(inserting);
    return 0;
}

static bool run(struct inserting *inserting, const char *sql, const struct query_parameter *parameters, uint32_t count,
                char tag[64], struct err *err)
{
    struct query_statement *statement;
    struct query_cursor *cursor;
    *err = (struct err){ 0 };
    if (!query_prepare(inserting->fixture.session, bytes_of_text(sql), NULL, 0, &statement, err)) return false;
    bool ok = query_execute(statement, parameters, count, &cursor, err);
    if (ok) {
        query_statement_tag(statement, query_cursor_changed_rows(cursor), tag);
        query_cursor_close(cursor);
    }
    query_statement_close(statement);
    return ok;
}

static void insert_check(struct inserting *inserting, const char *sql, const char *expected_tag)
{
    struct err err;
    char tag[64];
    if (!run(inserting, sql, NULL, 0, tag, &err)) fail_msg("%s: %s: %s", sql, err_name(err.code), err.text);
    assert_string_equal(tag, expected_tag);
}

static void refuse_check(struct inserting *inserting, const char *sql, enum err_code code, const char *words)
{
    struct err err;
    char tag[64];
    uint32_t kept = inserting->kept.count;
    if (run(inserting, sql, NULL, 0, tag, &err)) fail_msg("%s: done", sql);
    if (err.code != code || !strstr(err.text, words)) fail_msg("%s: %s: %s", sql, err_name(err.code), err.text);
    assert_int_equal(inserting->kept.count, kept);
}

static struct batch_row row_read(const struct kept *kept, struct batch_reader *reader, uint32_t n)
{
    struct batch_row row;
    struct err err = { 0 };
    assert_true(batch_reader_init(reader, kept->rows.batch, &err));
    for (uint32_t i = 0; i <= n; i++)
        if (!batch_reader_next(reader, &row, &err)) fail_msg("row %u is not there: %s", n, err.text);
    return row;
}

static void text_is(const struct batch_row *row, uint32_t column, const char *text)
{
    const struct batch_value *value = batch_row_value(row, column);
    assert_non_null(value);
    if (!bytes_equal(value->text, bytes_of_text(text))) fail_msg("%.*s", (int)value->text.len, value->text.ptr);
}

#define NOW "now()"

/* Goal: values of VALUES, SELECT and parameters are those of the batch, of their columns and types; what is left out is not in
 * it, but for an id. Method: the batch that the hook gets. */
static void test_rows(void **state)
{
    struct inserting *inserting = *state;
    struct batch_reader reader;
    insert_check(inserting,
                 "insert into otel_logs_and_spans (name, timestamp, level, body, attributes, hashes, kind) values "
                 "('a', '2026-01-02 03:04:05.678901+01', 'Warn', '{\"x\": [1, 2]}', '{ \"k\" : \"v\" }', "
                 "array['h1', 'h2'], default), ('b', '2026-01-02 03:04', null, '\"text\"', null, '{}', 'SERVER')",
                 "INSERT 0 2");
    assert_int_equal(inserting->kept.rows.logs, 1);
    assert_int_equal(inserting->kept.rows.spans, 1);
    assert_true(uuid_equal(inserting->kept.rows.project_id, inserting->fixture.project));
    struct batch_row row = row_read(&inserting->kept, &reader, 0);
    assert_int_equal(row.timestamp_us, 1767319445678901);
    text_is(&row, LOGS_AND_SPANS_name, "a");
    text_is(&row, LOGS_AND_SPANS_level, "WARN");
    text_is(&row, LOGS_AND_SPANS_body, "{\"x\":[1,2]}");
    text_is(&row, LOGS_AND_SPANS_attributes, "{\"k\":\"v\"}");
    assert_int_equal(batch_row_value(&row, LOGS_AND_SPANS_hashes)->list.count, 2);
    assert_null(batch_row_value(&row, LOGS_AND_SPANS_kind));
    assert_int_equal(batch_row_value(&row, LOGS_AND_SPANS_id)->text.len, 36);
    assert_int_equal(row.value_count, 6);
    row = row_read(&inserting->kept, &reader, 1);
    text_is(&row, LOGS_AND_SPANS_kind, "server");
    assert_int_equal(batch_row_value(&row, LOGS_AND_SPANS_hashes)->list.count, 0);
    assert_null(batch_row_value(&row, LOGS_AND_SPANS_level));

    insert_check(
        inserting,
        "with x as (select n from generate_series(1, 3000) n) insert into public.otel_metrics "
        "(timestamp, metric_name, value, value_int, hist_bucket_counts, hist_explicit_bounds) "
        "select timestamptz '2026-01-01' + n * interval '1 second', 'm' || n, n / 2.0, n, array[n, 0], array[0.5] "
        "from x order by n",
        "INSERT 0 3000");
    assert_int_equal(inserting->kept.rows.points, 3000);
    row = row_read(&inserting->kept, &reader, 2999);
    text_is(&row, METRICS_metric_name, "m3000");
    assert_true(batch_row_value(&row, METRICS_value)->number == 1500);
    assert_int_equal(batch_row_value(&row, METRICS_value_int)->integer, 3000);
    assert_int_equal(batch_list_int(batch_row_value(&row, METRICS_hist_bucket_counts), 0), 3000);
    assert_true(batch_list_double(batch_row_value(&row, METRICS_hist_explicit_bounds), 0) == 0.5);

    struct err err;
    char tag[64];
    struct query_parameter parameters[] = { { .value = BYTES("2026-01-01") },
                                            { .value = BYTES("it's") },
                                            { .is_null = true } };
    if (!run(inserting, "insert into otel_metrics (timestamp, metric_name, value) values ($1, $2, $3)", parameters, 3,
             tag, &err))
        fail_msg("%s", err.text);
    row = row_read(&inserting->kept, &reader, 0);
    text_is(&row, METRICS_metric_name, "it's");
    assert_null(batch_row_value(&row, METRICS_value));
    /* Of the project's own rows, as any SELECT has them. */
    insert_check(inserting,
                 "insert into otel_logs_and_spans (timestamp, name, body) "
                 "select timestamp, name, body from otel_logs_and_spans",
                 "INSERT 0 100");
}

/* Goal: what PostgreSQL would refuse of such a table is refused with its code, and nothing is kept.
 * Method: a statement for each rule. */
static void test_refused(void **state)
{
    struct inserting *inserting = *state;
    static const struct {
        const char *sql;
        enum err_code code;
        const char *words;
    } refused[] = {
        { "insert into otel_metrics (metric_name) values ('x')", ERR_NULL, "\"timestamp\"" },
        { "insert into otel_metrics (timestamp) values (" NOW ")", ERR_NULL, "\"metric_name\"" },
        { "insert into otel_metrics (timestamp, metric_name) values (" NOW ", null)", ERR_NULL, "\"metric_name\"" },
        { "insert into otel_metrics (timestamp, metric_name, value) values (" NOW ", 'x', 'abc')", ERR_VALUE, "abc" },
        { "insert into otel_metrics (timestamp, metric_name, value) values (" NOW ", 'x', true)", ERR_TYPE,
          "of type double precision but expression is of type boolean" },
        { "insert into otel_metrics (timestamp, metric_name, id) values (" NOW ", 'x', 7)", ERR_TYPE, "\"id\"" },
        { "insert into otel_metrics (timestamp, metric_name, exp_hist_scale) select " NOW ", 'x', 3000000000",
          ERR_RANGE, "" },
        { "insert into otel_metrics (timestamp, metric_name) values ('1999-12-31', 'x')", ERR_TIME, "2000-01-01" },
        { "insert into otel_metrics (timestamp, metric_name) values (" NOW " + interval '3 days', 'x')", ERR_TIME,
          "two days" },
        { "insert into otel_metrics (timestamp, metric_name, nothing) values (" NOW ", 'x', 1)", ERR_NO_COLUMN,
          "\"nothing\"" },
        { "insert into otel_metrics (timestamp, metric_name, metric_name) values (" NOW ", 'x', 'y')", ERR_COLUMN_TWICE,
          "more than once" },
        { "insert into otel_metrics (timestamp, metric_name) values (" NOW ")", ERR_SYNTAX, "more target columns" },
        { "insert into otel_metrics (timestamp) values (" NOW ", 'x')", ERR_SYNTAX, "more expressions" },
        { "insert into otel_metrics (timestamp, metric_name, metric_type) values (" NOW ", 'x', 'y')", ERR_CHECK,
          "gauge" },
        { "insert into otel_metrics (timestamp, metric_name, date) values ('2026-01-01', 'x', '2026-01-02')", ERR_CHECK,
          "2026-01-01" },
        { "insert into otel_metrics (timestamp, metric_name, attributes) values (" NOW ", 'x', '[]')", ERR_CHECK,
          "object" },
        { "insert into otel_metrics (timestamp, metric_name, project_id) values (" NOW ", 'x', "
          "'99999999-2222-4333-8444-555555555555')",
          ERR_FORBIDDEN, "credential" },
        { "insert into otel_logs_and_spans (timestamp, severity) values (" NOW ", '{}')", ERR_DERIVED, "severity___" },
        { "insert into otel_logs_and_spans (timestamp, duration) values (" NOW ", -1)", ERR_CHECK, "duration" },
        { "insert into otel_logs_and_spans (timestamp, kind) values (" NOW ", 'thing')", ERR_CHECK, "consumer" },
        { "insert into otel_logs_and_spans (timestamp, hashes) values (" NOW ", array['a', null])", ERR_NULL, "NULL" },
        { "insert into otel_logs_and_spans (timestamp, hashes[1]) values (" NOW ", 'a')", ERR_UNSUPPORTED, "whole" },
        { "insert into otel_logs_and_spans (timestamp) values (" NOW ") returning summary", ERR_NO_COLUMN, "summary" },
        { "insert into otel_logs_and_spans (timestamp) values (" NOW ") returning count(*)", ERR_SYNTAX, "aggregate" },
        { "insert into otel_logs_and_spans (timestamp) values (" NOW ") returning row_number() over ()", ERR_SYNTAX,
          "window" },
        { "insert into otel_logs_and_spans (timestamp) values (" NOW ") returning generate_series(1, 2)",
          ERR_UNSUPPORTED, "rows" },
        { "insert into otel_logs_and_spans (timestamp) values (" NOW ") on conflict (name) do nothing", ERR_UNSUPPORTED,
          "by id" },
        { "insert into otel_logs_and_spans (timestamp) values (" NOW ") on conflict (id) do update set name = 'x'",
          ERR_UNSUPPORTED, "DO UPDATE" },
        { "insert into otel_logs_and_spans default values", ERR_UNSUPPORTED, "timestamp" },
        { "insert into telemetry (timestamp) values (" NOW ")", ERR_UNSUPPORTED, "view" },
        { "insert into pg_catalog.pg_class values (1)", ERR_FORBIDDEN, "describes" },
        { "insert into elsewhere.otel_metrics (timestamp) values (" NOW ")", ERR_NO_TABLE, "elsewhere" },
        { "insert into nothing values (1)", ERR_NO_TABLE, "nothing" },
        { "insert into otel_metrics (timestamp, metric_name) select " NOW ", name from nothing", ERR_NO_TABLE,
          "nothing" },
        { "insert into otel_metrics (timestamp, metric_name) select " NOW ", pg_read_file('/etc/passwd')",
          ERR_NO_FUNCTION, "pg_read_file" },
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        refuse_check(inserting, refused[i].sql, refused[i].code, refused[i].words);
    query_session_set_read_only(inserting->fixture.session, "this API key has scope query alone");
    refuse_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'x')", ERR_FORBIDDEN,
                 "scope query alone");
    query_session_set_read_only(inserting->fixture.session, NULL);
    query_session_set_times(inserting->fixture.session, 1, 2);
    refuse_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'x')", ERR_FORBIDDEN,
                 "range of time");
    query_session_set_times(inserting->fixture.session, 0, 0);
    inserting->kept.refuses = true;
    refuse_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'x')", ERR_OVERLOADED,
                 "no room");
    inserting->kept.refuses = false;
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'x')", "INSERT 0 1");
    insert_check(inserting,
                 "insert into otel_logs_and_spans (timestamp, id) values (" NOW
                 ", 'a0000000-0000-0000-0000-000000000001'), "
                 "(" NOW ", 'b0000000-0000-4000-8000-000000000001'), (" NOW
                 ", 'B0000000-0000-4000-8000-000000000001'), "
                 "(" NOW ", default) on conflict (id) do nothing",
                 "INSERT 0 2"); /* the first is the fixture's, the third the second once more */
    /* The id is of the other table, and of another project: no conflict. */
    insert_check(inserting,
                 "insert into otel_metrics (timestamp, metric_name, id) values (" NOW ", 'x', "
                 "'a0000000-0000-0000-0000-000000000001') on conflict do nothing",
                 "INSERT 0 1");
    /* A statement of which a later row is wrong writes none. */
    refuse_check(inserting,
                 "insert into otel_metrics (timestamp, metric_name) select " NOW
                 ", case when n < 2500 then 'x' end from generate_series(1, 2600) n",
                 ERR_NULL, "metric_name");
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) select " NOW ", 'x' where false",
                 "INSERT 0 0");
}

/* Goal: inside a transaction nothing is kept before its end, and then all of it at once; a statement that failed adds none.
 * Method: two tables, a failure between, both ends. */
static void test_transactions(void **state)
{
    struct inserting *inserting = *state;
    struct query_session *session = inserting->fixture.session;
    struct err err = { 0 };
    const char *notice;
    query_session_begin(session);
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'x')", "INSERT 0 1");
    refuse_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'y'), (" NOW ", null)",
                 ERR_NULL, "metric_name");
    insert_check(inserting, "insert into otel_logs_and_spans (timestamp) values (" NOW "), (" NOW ")", "INSERT 0 2");
    assert_int_equal(inserting->kept.count, 0);
    assert_true(query_session_commit(session, &notice, &err));
    query_session_end(session);
    assert_int_equal(inserting->kept.count, 1);
    assert_int_equal(inserting->kept.rows.points, 1);
    assert_int_equal(inserting->kept.rows.logs, 2);
    query_session_begin(session);
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'x')", "INSERT 0 1");
    query_session_end(session);
    query_session_begin(session);
    assert_true(query_session_commit(session, &notice, &err));
    query_session_end(session);
    assert_int_equal(inserting->kept.count, 1);
    /* Back to a savepoint: what came since is gone, what was there before is not. */
    query_session_begin(session);
    query_session_savepoint(session);
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'gone')", "INSERT 0 1");
    query_session_savepoint_back(session, 0);
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'stays')",
                 "INSERT 0 1");
    query_session_savepoint(session);
    query_session_savepoint(session);
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'gone')", "INSERT 0 1");
    query_session_savepoint_back(session, 1);
    query_session_savepoints_keep(session, 1);
    insert_check(inserting, "insert into otel_metrics (timestamp, metric_name) values (" NOW ", 'too')", "INSERT 0 1");
    assert_true(query_session_commit(session, &notice, &err));
    query_session_end(session);
    assert_int_equal(inserting->kept.count, 2);
    assert_int_equal(inserting->kept.rows.points, 2);
    struct batch_reader reader;
    struct batch_row row = row_read(&inserting->kept, &reader, 0);
    text_is(&row, METRICS_metric_name, "stays");
    row = row_read(&inserting->kept, &reader, 1);
    text_is(&row, METRICS_metric_name, "too");
    assert_int_equal(atomic_load(&inserting->fixture.engine->written_bytes), 0);
    /* All sessions together hold no more than they may. */
    inserting->fixture.engine->options.write_bytes_max = 100000;
    refuse_check(inserting,
                 "insert into otel_metrics (timestamp, metric_name) select " NOW
                 ", repeat('x', 1000) from generate_series(1, 1000)",
                 ERR_MEMORY, "fewer at once");
    assert_int_equal(atomic_load(&inserting->fixture.engine->written_bytes), 0);
}

static void returned_is(struct inserting *inserting, const char *sql, const char *expected)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    fixture_must(inserting->fixture.session, sql, &out, NULL);
    if (strcmp((const char *)out.ptr, expected) != 0) fail_msg("%s:\n%s", sql, (const char *)out.ptr);
    buf_deinit(&out);
}

/* Goal: RETURNING gives the rows that are written, in their order, of all types, with the id that they get; also where rows are held,
 * and of those alone that ON CONFLICT leaves. Method: the answers, and the batch that the hook gets. */
static void test_returning(void **state)
{
    struct inserting *inserting = *state;
    struct query_session *session = inserting->fixture.session;
    struct batch_reader reader;
    struct batch_row row;
    struct buf out;
    char text[64];
    returned_is(inserting,
                "insert into otel_logs_and_spans (timestamp, name, level, hashes, attributes, duration) values "
                "('2025-11-26T10:00:00.5Z', 'it''s', 'warn', array['a', 'b''c'], '{\"x\": 1}', 7), "
                "('1969-12-31T23:00:00Z'::timestamptz + interval '40 years', null, 'info', null, null, null) "
                "returning name, upper(level) as loud, timestamp, hashes, attributes->>'x', date, duration * 2",
                "it's|WARN|1764151200500000|{a,b'c}|1|20418|14\nNULL|INFO|1262300400000000|NULL|NULL|14609|NULL\n");
    assert_int_equal(batch_row_count(&session->rows.batch), 0);
    returned_is(inserting,
                "insert into otel_metrics as m (timestamp, metric_name, value) select '2025-11-26T10:00:00Z', 'x' || "
                "i, i / 2.0 "
                "from generate_series(1, 3) as s(i) returning m.metric_name, value, (select count(*) from otel_metrics "
                "where false)",
                "x1|0.5|0\nx2|1|0\nx3|1.5|0\n");
    buf_init(&out, 1u << 20);
    fixture_must(session, "insert into otel_metrics (timestamp, metric_name) values (now(), 'y') returning id", &out,
                 NULL);
    row = row_read(&inserting->kept, &reader, 0);
    snprintf(text, sizeof text, "%.*s", (int)out.len - 1, (const char *)out.ptr);
    text_is(&row, schema_table(SCHEMA_METRICS)->row_id, text);
    buf_deinit(&out);
    returned_is(inserting,
                "insert into otel_metrics (timestamp, metric_name, id) values "
                "('2025-11-26T10:00:00Z', 'a', 'b0000000-0000-0000-0000-000000000001'), "
                "('2025-11-26T10:00:00Z', 'b', 'b0000000-0000-0000-0000-000000000001') "
                "on conflict (id) do nothing returning *",
                "11111111-2222-4333-8444-555555555555|1764151200000000|20418|b0000000-0000-0000-0000-000000000001|a\n");
    uint32_t kept = inserting->kept.count;
    query_session_begin(session);
    returned_is(inserting,
                "insert into otel_metrics (timestamp, metric_name) values (now(), 'a') returning metric_name", "a\n");
    returned_is(inserting,
                "insert into otel_metrics (timestamp, metric_name) values (now(), 'b') returning metric_name", "b\n");
    assert_int_equal(inserting->kept.count, kept);
    assert_int_equal(batch_row_count(&session->rows.batch), 2);
    query_session_end(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
                                        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                                        cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
                                        cmocka_unit_test_setup_teardown(test_returning, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
