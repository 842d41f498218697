#include "timefusion/query/query_fixture.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FILES 6
#define ROWS  200

/* Spans and logs 0 to 1199 in six files, points 0 to 399 in two, ten rows of another project. */
static void open_stored(struct fixture *fixture)
{
    fixture_open(fixture, 0, 0);
    for (uint32_t f = 0; f < FILES; f++)
        fixture_store(fixture, fixture->project, SCHEMA_LOGS_AND_SPANS, f * ROWS, ROWS, f == 0);
    for (uint32_t f = 0; f < 2; f++) fixture_store(fixture, fixture->project, SCHEMA_METRICS, f * ROWS, ROWS, false);
    fixture_store(fixture, fixture->other_project, SCHEMA_LOGS_AND_SPANS, 0, ROWS, false);
}

static void ask(struct query_session *session, const char *sql, const char *expected)
{
    struct buf out;
    buf_init(&out, 4u << 20);
    fixture_must(session, sql, &out, NULL);
    if (strcmp((const char *)out.ptr, expected) != 0) fail_msg("%s:\n%s", sql, (const char *)out.ptr);
    buf_deinit(&out);
}

static void ask_number(struct query_session *session, const char *sql, uint64_t expected)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64 "\n", expected);
    ask(session, sql, text);
}

/* Runs a change; its tag and its notices, joined. */
static bool change(struct query_session *session, const char *sql, const struct query_parameter *parameters,
                   uint32_t count, char tag[64], char notices[2000], struct err *err)
{
    struct query_statement *statement;
    struct query_cursor *cursor;
    const struct query_chunk *chunk;
    const struct query_column *columns;
    *err = (struct err){ .code = ERR_OK };
    if (!query_prepare(session, bytes_of_text(sql), NULL, 0, &statement, err)) return false;
    assert_int_equal(query_statement_columns(statement, &columns), 0);
    assert_true(query_statement_is_final(statement));
    bool ok = query_execute(statement, parameters, count, &cursor, err);
    if (ok) {
        const char *const *texts;
        uint32_t text_count = query_cursor_notices(cursor, &texts);
        notices[0] = '\0';
        for (uint32_t t = 0; t < text_count; t++)
            snprintf(notices + strlen(notices), 2000 - strlen(notices), "%s\n", texts[t]);
        query_statement_tag(statement, query_cursor_changed_rows(cursor), tag);
        assert_true(query_fetch(cursor, &chunk, err));
        assert_null(chunk);
        query_cursor_close(cursor);
    }
    query_statement_close(statement);
    return ok;
}

static void change_check(struct query_session *session, const char *sql, const char *expected_tag)
{
    struct err err;
    char tag[64], notices[2000];
    if (!change(session, sql, NULL, 0, tag, notices, &err)) fail_msg("%s: %s", sql, err.text);
    if (strcmp(tag, expected_tag) != 0) fail_msg("%s: %s", sql, tag);
}

static void refuse_check(struct query_session *session, const char *sql, enum err_code code, const char *words)
{
    struct err err;
    char tag[64], notices[2000];
    if (change(session, sql, NULL, 0, tag, notices, &err)) fail_msg("%s: done", sql);
    if (err.code != code || !strstr(err.text, words)) fail_msg("%s: %s: %s", sql, err_name(err.code), err.text);
}

static uint64_t version_of(struct fixture *fixture, enum schema_table_id id)
{
    struct delta_snapshot *snapshot = delta_snapshot_acquire(timefusion_delta(fixture->timefusion, id));
    uint64_t version = snapshot->version;
    delta_snapshot_release(snapshot);
    return version;
}

/* Of all kinds. */
static const char *const conditions[] = {
    "attributes->>'n' = '42'",
    "id = 'a0000000-0000-0000-0000-00000000002a'",
    "context___trace_id = '0000000000000000000000000000002a'",
    "timestamp < '2025-11-22 03:00:00+00' and kind = 'log'",
    "not (kind = 'log')",
    "duration > 500000 or duration is null",
    "attributes->>'http.route' = '/pay'",
    "'err:7' = any(hashes)",
    "hashes && array['err:1', 'err:2']",
    "resource___service___name in ('cart', 'checkout') and timestamp >= '2025-11-22 10:00:00+00'",
    "duration = 123456789",
    "attributes___user___id = 'nobody'",
    "name like 'operation 1%'",
    "body->>'x' is null and level = 'ERROR'",
    "id in (select id from otel_logs_and_spans where status_code = 'ERROR' and timestamp < '2025-11-22 12:00+00')",
    "context___trace_id in (select context___trace_id from otel_logs_and_spans where level = 'ERROR')",
    "exists (select 1 from otel_metrics m where m.timestamp = o.timestamp and m.value = 5)",
    "timestamp > (select avg(duration) * interval '0 s' + timestamptz '2025-11-22 15:00+00' from "
    "otel_logs_and_spans)",
    "true",
};

/* Goal: exactly the rows that SELECT would give are gone, in one commit, and the others are as they were.
 * Method: conditions of all kinds, each over a fresh store: the count of SELECT before is the tag's; a hash of the rest before
 * is the hash of all after. */
static void test_delete_by_any_condition(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(conditions); i++) {
        struct fixture fixture;
        struct err err;
        char sql[600], tag[64], expected[64], notices[2000];
        struct buf count, rest;
        buf_init(&count, 1u << 20), buf_init(&rest, 8u << 20);
        open_stored(&fixture);
        snprintf(sql, sizeof sql, "select count(*) from otel_logs_and_spans o where %s", conditions[i]);
        if (!fixture_run(fixture.session, sql, NULL, 0, &count, NULL, &err)) fail_msg("%s: %s", sql, err.text);
        snprintf(sql, sizeof sql, "select * from otel_logs_and_spans o where (%s) is not true order by id",
                 conditions[i]);
        if (!fixture_run(fixture.session, sql, NULL, 0, &rest, NULL, &err)) fail_msg("%s: %s", sql, err.text);
        uint64_t version = version_of(&fixture, SCHEMA_LOGS_AND_SPANS);

        snprintf(sql, sizeof sql, "delete from otel_logs_and_spans o where %s", conditions[i]);
        if (!change(fixture.session, sql, NULL, 0, tag, notices, &err)) fail_msg("%s: %s", sql, err.text);
        snprintf(expected, sizeof expected, "DELETE %d", atoi((const char *)count.ptr));
        if (strcmp(tag, expected) != 0) fail_msg("%s: %s, not %s", sql, tag, expected);
        bool is_any = strcmp(tag, "DELETE 0") != 0;
        assert_int_equal(version_of(&fixture, SCHEMA_LOGS_AND_SPANS), version + is_any);
        if (is_any && !strstr(notices, "until VACUUM")) fail_msg("%s", notices);
        if (!is_any) assert_string_equal(notices, "");
        ask(fixture.session, "select * from otel_logs_and_spans order by id", (const char *)rest.ptr);
        ask_number(fixture.session, "select count(*) from otel_metrics", 2 * ROWS);
        buf_deinit(&count), buf_deinit(&rest);
        fixture_close(&fixture);
    }
}

/* Goal: another project's rows and what came after the flush stay; the same for points and for both at once.
 * Method: the other project has the same rows; segments hold newer ones. */
static void test_delete_touches_nothing_else(void **state)
{
    (void)state;
    struct fixture fixture;
    struct query_session *other;
    struct err err;
    open_stored(&fixture);
    fixture_publish(&fixture, fixture.project, SCHEMA_LOGS_AND_SPANS, FILES * ROWS, 50, 90);
    fixture_check(query_session_open(&other, fixture.engine, fixture.other_project, "other", &err), &err, "session");
    change_check(fixture.session, "delete from otel_logs_and_spans where true", "DELETE 1200");
    ask_number(fixture.session, "select count(*) from otel_logs_and_spans", 50);
    ask_number(other, "select count(*) from otel_logs_and_spans", ROWS + 10); /* ten are in a segment */
    change_check(fixture.session, "delete from otel_logs_and_spans where true", "DELETE 0");
    change_check(fixture.session, "delete from otel_metrics where metric_name = 'metric.1'", "DELETE 100");
    ask_number(fixture.session, "select count(*) from otel_metrics", 300);
    change_check(other, "delete from telemetry where timestamp < '2025-11-22 00:10+00'", "DELETE 10");
    change_check(fixture.session, "delete from telemetry where name = 'metric.2'", "DELETE 100");
    change_check(fixture.session, "delete from otel_logs_and_spans where kind = 'metric' and name = 'metric.3'",
                 "DELETE 100");
    ask(fixture.session, "select metric_name, count(*) from otel_metrics group by 1", "metric.0|100\n");
    ask_number(other, "select count(*) from otel_logs_and_spans", ROWS);
    query_session_close(other);
    fixture_close(&fixture);
}

static void user_row(struct columns *columns, uint64_t n, const char *user)
{
    char text[64], id[UUID_TEXT_BYTES + 1];
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * 1000000);
    uuid_to_text(fixture_id(n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "context___trace_id", fixture_text(text, sizeof text, "%032" PRIx64, n / 3));
    if (user) fixture_put(columns, "attributes___user___id", bytes_of_text(user));
    columns_put_text_list(columns, LOGS_AND_SPANS_summary, NULL, 0);
    columns_row_end(columns);
}

/* Goal: whose a row is decides as it does in SELECT: rows of the trace that were sent without a user go with it.
 * Method: traces of three rows in two files; the user stands on one row of each trace. */
static void test_delete_by_identity(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err = { 0 };
    fixture_open(&fixture, 0, 0);
    for (uint64_t f = 0; f < 2; f++) {
        struct columns *columns = columns_create(schema_table(SCHEMA_LOGS_AND_SPANS));
        for (uint64_t n = f; n < 60; n += 2) user_row(columns, n, n % 3 != 0 ? NULL : n % 2 == 0 ? "ann" : "bob");
        struct file_builder *builder =
            file_builder_create(&(struct file_builder_options){ .timefusion = fixture.timefusion,
                                                                .table = schema_table(SCHEMA_LOGS_AND_SPANS),
                                                                .project_id = fixture.project,
                                                                .day = FIXTURE_DAY });
        struct delta_change commit = { .data_change = true };
        uint64_t version;
        fixture_check(file_builder_add(builder, columns, &err) &&
                          file_builder_finish(builder, &commit.adds, &commit.add_count, &err) &&
                          delta_commit(timefusion_delta(fixture.timefusion, SCHEMA_LOGS_AND_SPANS), &commit, &version,
                                       &err),
                      &err, "store");
        file_builder_close(builder, true);
        columns_destroy(columns);
    }
    ask(fixture.session, "select attributes___user___id, count(*) from otel_logs_and_spans group by 1 order by 1",
        "ann|30\nbob|30\n");
    change_check(fixture.session, "delete from otel_logs_and_spans where attributes___user___id = 'ann'", "DELETE 30");
    ask(fixture.session, "select attributes___user___id, count(*) from otel_logs_and_spans group by 1 order by 1",
        "bob|30\n");
    change_check(fixture.session, "delete from otel_logs_and_spans where attributes___user___id <> 'ann'", "DELETE 30");
    fixture_close(&fixture);
}

/* Goal: UPDATE sets derived columns of the matching rows and nothing else.
 * Method: values, expressions over the row, parameters, NULL; all other columns are compared. */
static void test_update(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    struct buf before;
    char tag[64], notices[2000];
    const char *others =
        "select id, timestamp, name, kind, attributes, resource, duration, summary, context___trace_id, "
        "level, body from otel_logs_and_spans order by id";
    buf_init(&before, 8u << 20);
    open_stored(&fixture);
    if (!fixture_run(fixture.session, others, NULL, 0, &before, NULL, &err)) fail_msg("%s", err.text);
    change_check(fixture.session,
                 "update otel_logs_and_spans set hashes = array_append(hashes, 'tag:' || name) where level = 'ERROR'",
                 "UPDATE 150");
    ask_number(fixture.session, "select count(*) from otel_logs_and_spans where 'tag:operation 7' = any(hashes)", 30);
    ask(fixture.session, "select hashes from otel_logs_and_spans where id = 'a0000000-0000-0000-0000-000000000007'",
        "{err:7,pat:all,tag:operation 7}\n");
    ask(fixture.session, "select hashes from otel_logs_and_spans where id = 'a0000000-0000-0000-0000-000000000008'",
        "{err:8,pat:all}\n");
    struct query_parameter parameters[2] = { { .value = BYTES("{a,b}") }, { .value = BYTES("42") } };
    if (!change(fixture.session, "update otel_logs_and_spans set hashes = $1 where attributes->>'n' = $2", parameters,
                2, tag, notices, &err))
        fail_msg("%s", err.text);
    assert_string_equal(tag, "UPDATE 1");
    change_check(fixture.session,
                 "update otel_logs_and_spans set hashes = null, errors = '[{\"type\": \"x\"}]' where "
                 "attributes->>'n' = '43'",
                 "UPDATE 1");
    ask(fixture.session,
        "select hashes, errors from otel_logs_and_spans where attributes->>'n' in ('42', '43') order by id",
        "{a,b}|NULL\nNULL|[{\"type\":\"x\"}]\n");
    ask(fixture.session, others, (const char *)before.ptr);
    refuse_check(fixture.session, "update otel_logs_and_spans set summary = null where attributes->>'n' = '43'",
                 ERR_UNSUPPORTED, "column \"summary\" holds NULL");
    refuse_check(fixture.session,
                 "update otel_logs_and_spans set hashes = array['x', null] where attributes->>'n' = '43'",
                 ERR_UNSUPPORTED, "a list in column \"hashes\" holds NULL");
    buf_deinit(&before);
    fixture_close(&fixture);
}

struct canceller {
    struct query_session *session;
    uint32_t after_us;
};

static void *cancel_run(void *ctx)
{
    const struct canceller *canceller = ctx;
    usleep(canceller->after_us);
    query_cancel(canceller->session);
    return NULL;
}

/* Goal: a DELETE that is cancelled has changed nothing, one that is not has changed all of it, and says which.
 * Method: cancelled after times that grow until it is too late; the rows are counted after each. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of an answer, in order. */
static void lines_sort(struct buf *out)
{
    struct buf sorted;
    char *copy = mem_strdup((const char *)out->ptr), *lines[2000];
    uint32_t count = 0;
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(count < COUNT_OF(lines));
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, by_text);
    buf_init(&sorted, out->bytes_max);
    for (uint32_t l = 0; l < count; l++) assert_true(buf_printf(&sorted, "%s\n", lines[l]));
    assert_true(buf_add(&sorted, "", 1));
    buf_deinit(out);
    *out = sorted;
    free(copy);
}

/* Goal: RETURNING of DELETE gives the very rows that SELECT gave before, that of UPDATE the same rows with their new values; and they are
 * changed. Method: each condition over a fresh store. */
static void test_returning(void **state)
{
    (void)state;
    static const char list[] =
        "id, name as n, upper(level), attributes___user___id, attributes->>'n', duration + 1, hashes";
    for (size_t i = 0; i < COUNT_OF(conditions); i++) {
        struct fixture fixture;
        char sql[800];
        struct buf wanted, given;
        buf_init(&wanted, 8u << 20), buf_init(&given, 8u << 20);
        open_stored(&fixture);
        snprintf(sql, sizeof sql, "select %s from otel_logs_and_spans o where %s", list, conditions[i]);
        fixture_must(fixture.session, sql, &wanted, NULL);
        snprintf(sql, sizeof sql, "delete from otel_logs_and_spans o where %s returning %s", conditions[i], list);
        fixture_must(fixture.session, sql, &given, NULL);
        lines_sort(&wanted), lines_sort(&given);
        if (strcmp((const char *)wanted.ptr, (const char *)given.ptr) != 0)
            fail_msg("%s:\n%s\nof\n%s", sql, (const char *)given.ptr, (const char *)wanted.ptr);
        snprintf(sql, sizeof sql, "select count(*) from otel_logs_and_spans o where %s", conditions[i]);
        if (!strstr(sql, "(select")) ask_number(fixture.session, sql, 0);
        buf_deinit(&wanted), buf_deinit(&given);
        fixture_close(&fixture);
    }
    struct fixture fixture;
    open_stored(&fixture);
    ask(fixture.session,
        "update otel_logs_and_spans o set hashes = array['was ' || name] where id = "
        "'a0000000-0000-0000-0000-00000000002a' returning o.id, hashes, name, hashes[1] || '!'",
        "a0000000-0000-0000-0000-00000000002a|{was operation 2}|operation 2|was operation 2!\n");
    ask(fixture.session, "select hashes from otel_logs_and_spans where id = 'a0000000-0000-0000-0000-00000000002a'",
        "{was operation 2}\n");
    ask(fixture.session, "update otel_logs_and_spans set hashes = null where false returning 1", "");
    fixture_close(&fixture);
}

static void test_cancel(void **state)
{
    (void)state;
    struct fixture fixture;
    struct err err;
    char tag[64], notices[2000];
    uint32_t rows = FILES * ROWS, cancelled = 0;
    open_stored(&fixture);
    for (uint32_t round = 0; round < 40; round++) {
        struct canceller canceller = { fixture.session, round * 1000 };
        char sql[200];
        pthread_t thread;
        snprintf(sql, sizeof sql, "delete from otel_logs_and_spans where (attributes->>'n')::bigint %% 40 = %u", round);
        assert_int_equal(pthread_create(&thread, NULL, cancel_run, &canceller), 0);
        bool ok = change(fixture.session, sql, NULL, 0, tag, notices, &err);
        pthread_join(thread, NULL);
        if (ok) {
            assert_string_equal(tag, "DELETE 30");
            rows -= 30;
        } else {
            if (err.code != ERR_CANCELLED) fail_msg("%s", err.text);
            cancelled++;
        }
        ask_number(fixture.session, "select count(*) from otel_logs_and_spans", rows);
    }
    assert_true(cancelled > 0);
    fixture_close(&fixture);
}

static void test_refusals(void **state)
{
    (void)state;
    struct fixture fixture;
    open_stored(&fixture);
    struct query_session *s = fixture.session;
    refuse_check(s, "delete from otel_logs_and_spans", ERR_UNSUPPORTED, "write DELETE ... WHERE true");
    refuse_check(s, "update otel_logs_and_spans set hashes = null", ERR_UNSUPPORTED, "write UPDATE ... WHERE true");
    refuse_check(s, "update otel_logs_and_spans set name = 'x' where true", ERR_FORBIDDEN,
                 "column \"name\" cannot be changed: it is what was sent");
    refuse_check(s, "update otel_metrics set value = 1 where true", ERR_FORBIDDEN,
                 "column \"value\" cannot be changed");
    refuse_check(s, "update otel_logs_and_spans set project_id = null where true", ERR_FORBIDDEN, "\"project_id\"");
    refuse_check(s, "update otel_logs_and_spans set colour = null where true", ERR_NO_COLUMN, "\"colour\"");
    refuse_check(s, "update otel_logs_and_spans set hashes = 7 where true", ERR_TYPE, "is of type text[]");
    refuse_check(s, "update otel_logs_and_spans set hashes[1] = 'x' where true", ERR_UNSUPPORTED, "the whole");
    refuse_check(s, "update otel_logs_and_spans set hashes = default where true", ERR_UNSUPPORTED, "DEFAULT");
    refuse_check(s, "update otel_logs_and_spans set hashes = null, hashes = null where true", ERR_SYNTAX, "multiple");
    refuse_check(s, "update telemetry set hashes = null where true", ERR_UNSUPPORTED, "UPDATE otel_logs_and_spans");
    refuse_check(s, "delete from otel_logs_and_spans where 7", ERR_TYPE, "must be type boolean");
    refuse_check(s, "delete from otel_logs_and_spans where count(*) > 1", ERR_SYNTAX, "aggregate");
    refuse_check(s, "delete from otel_logs_and_spans where nothing = 1", ERR_NO_COLUMN, "\"nothing\"");
    refuse_check(s, "delete from pg_class where true", ERR_FORBIDDEN, "describes tables");
    refuse_check(s, "delete from nowhere where true", ERR_NO_TABLE, "nowhere");
    refuse_check(s, "delete from otel_metrics where true returning nothing", ERR_NO_COLUMN, "\"nothing\"");
    refuse_check(s, "delete from otel_metrics where true returning count(*)", ERR_SYNTAX, "aggregate");
    refuse_check(s, "delete from otel_metrics using otel_logs_and_spans where true", ERR_UNSUPPORTED, "USING");
    refuse_check(s, "with x as (select 1) delete from otel_metrics where true", ERR_UNSUPPORTED, "WITH");
    refuse_check(s, "truncate otel_metrics", ERR_FORBIDDEN, "DELETE");
    refuse_check(s, "delete from otel_logs_and_spans where duration / name = 1", ERR_NO_FUNCTION, "");
    ask_number(s, "select count(*) from otel_logs_and_spans", FILES * ROWS);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delete_by_any_condition),
        cmocka_unit_test(test_delete_touches_nothing_else),
        cmocka_unit_test(test_delete_by_identity),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_returning),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
