#include "timefusion/query/engine.h"
#include "timefusion/query/query_fixture.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct drafting {
    struct fixture fixture;
    struct query_session *other; /* of the same project */
    uint32_t made, kept;
    size_t bytes_max; /* of a draft so far */
    bool fails;
};

/* What is written becomes a file as it stands: nothing follows from it here. */
static bool draft(void *ctx, const struct query_draft *draft, struct query_drafted *drafted, struct err *err)
{
    struct drafting *drafting = ctx;
    struct timefusion *timefusion = drafting->fixture.timefusion;
    struct columns *columns = columns_create(schema_table(SCHEMA_METRICS));
    struct batch_reader reader;
    struct batch_row row;
    struct bytes bytes;
    struct file *segment;
    if (draft->batch.len > drafting->bytes_max) drafting->bytes_max = draft->batch.len;
    bool ok = batch_reader_init(&reader, draft->batch, err);
    while (ok && batch_reader_next(&reader, &row, err)) {
        columns_row_begin(columns, row.timestamp_us);
        for (uint32_t v = 0; v < row.value_count; v++) {
            const struct batch_value *value = &row.values[v];
            if (value->type == SCHEMA_TYPE_DOUBLE)
                columns_put_double(columns, value->column, value->number);
            else
                columns_put_text(columns, value->column, value->text);
        }
        fixture_int(columns, "ingested_at", draft->received_unix_us);
        fixture_int(columns, "flags", 0);
        fixture_int(columns, "dropped_attributes_count", 0);
        fixture_int(columns, "message_size_bytes", 0);
        fixture_put(columns, "series_id", BYTES("e0000000-0000-4000-8000-000000000001"));
        columns_row_end(columns);
    }
    ok = ok && err->code == ERR_OK && !drafting->fails;
    ok = ok &&
         parquet_write(drafting->fixture.writer, columns, 0, columns_row_count(columns), PARQUET_CODEC_NONE, &bytes,
                       err) &&
         segment_write(timefusion_segments(timefusion), schema_table(SCHEMA_METRICS),
                       (int32_t)(columns_timestamp_min_us(columns, 0, 1) / 86400000000), bytes,
                       (struct segment_range){ 0 }, &segment, err);
    columns_destroy(columns);
    free((void *)(uintptr_t)draft->batch.ptr);
    if (!ok) return err_set(err, ERR_IO, "the disk is full");
    file_doom(segment);
    drafted->files[SCHEMA_METRICS] = mem_alloc(sizeof(struct timefusion_file *));
    drafted->files[SCHEMA_METRICS][0] = &segment->shown;
    drafted->file_count[SCHEMA_METRICS] = 1;
    drafting->made++;
    return true;
}

static bool keep(void *ctx, const struct query_rows *rows, struct err *err)
{
    (void)err;
    ((struct drafting *)ctx)->kept++;
    free((void *)(uintptr_t)rows->batch.ptr);
    return true;
}

static int setup(void **state)
{
    struct drafting *drafting = mem_calloc(1, sizeof *drafting);
    struct err err = { 0 };
    fixture_open(&drafting->fixture, 2, 50);
    struct query_hooks *hooks = &drafting->fixture.engine->options.hooks;
    hooks->keep = keep;
    hooks->draft = draft;
    hooks->ctx = drafting;
    hooks->flush = NULL;
    fixture_check(query_session_open(&drafting->other, drafting->fixture.engine, drafting->fixture.project, "other",
                                     &err),
                  &err, "session");
    *state = drafting;
    return 0;
}

static int teardown(void **state)
{
    struct drafting *drafting = *state;
    query_session_close(drafting->other);
    fixture_close(&drafting->fixture);
    free(drafting);
    return 0;
}

static void answer_is(struct query_session *session, const char *sql, const char *expected)
{
    struct buf out;
    buf_init(&out, 1u << 20);
    fixture_must(session, sql, &out, NULL);
    if (strcmp((const char *)out.ptr, expected) != 0) fail_msg("%s:\n%s", sql, (const char *)out.ptr);
    buf_deinit(&out);
}

static uint32_t segments_on_disk(const struct drafting *drafting)
{
    char path[128];
    uint32_t count = 0;
    snprintf(path, sizeof path, "%s/local/segments", drafting->fixture.dir);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) count += strstr(entry->d_name, ".parquet") != NULL;
    closedir(dir);
    return count;
}

/* timestamp, name, value: what the columns of a metric need. */
#define ROW(name, value)                                                                         \
    "insert into otel_metrics (timestamp, metric_name, metric_type, metric_unit, value) values " \
    "('2026-01-02T00:00:00Z', '" name "', 'gauge', '', " value ")"
#define HELD  "select count(*), coalesce(sum(value), 0) from otel_metrics where metric_name like 'held%'"
#define NEWER "select count(*) from otel_metrics where timestamp >= '2026-01-01'"

/* Goal: a transaction's statements see what those before them wrote; other sessions, and the session after ROLLBACK, do not.
 * Method: two sessions of one project, by times, by names, by a LIMIT, by a sum. */
static void test_own_alone(void **state)
{
    struct drafting *drafting = *state;
    struct query_session *session = drafting->fixture.session;
    uint32_t before = segments_on_disk(drafting);
    query_session_begin(session);
    answer_is(session, HELD, "0|0\n");
    fixture_set(session, ROW("held a", "1"));
    answer_is(session, HELD, "1|1\n");
    fixture_set(session, ROW("held b", "2"));
    answer_is(session, HELD, "2|3\n");
    answer_is(session, NEWER, "2\n");
    answer_is(session, "select date from otel_metrics order by timestamp desc limit 1", "20455\n");
    answer_is(session, "select count(*) from telemetry where name = 'held a' and kind = 'metric'", "1\n");
    answer_is(session,
              "select count(*) from otel_metrics a join otel_metrics b using (id) where a.metric_name = 'held b'",
              "1\n");
    /* The rows of the statement itself are not there for it. */
    fixture_set(session, "insert into otel_metrics (timestamp, metric_name, metric_type, metric_unit, value) select "
                         "timestamp, metric_name || '!', 'gauge', '', value from otel_metrics where value < 10 and "
                         "metric_name like 'held%'");
    answer_is(session, HELD, "4|6\n");
    answer_is(drafting->other, HELD, "0|0\n");
    answer_is(drafting->other, NEWER, "0\n");
    query_session_begin(drafting->other);
    answer_is(drafting->other, NEWER, "0\n");
    fixture_set(drafting->other, ROW("held", "100"));
    answer_is(drafting->other, HELD, "1|100\n");
    answer_is(session, HELD, "4|6\n");
    query_session_end(drafting->other);
    assert_true(segments_on_disk(drafting) > before);
    query_session_end(session);
    answer_is(session, HELD, "0|0\n");
    assert_int_equal(segments_on_disk(drafting), before);
    /* What is kept is the store's to show, and no draft any more. */
    struct err err = { 0 };
    const char *notice;
    query_session_begin(session);
    fixture_set(session, ROW("held", "1"));
    answer_is(session, HELD, "1|1\n");
    assert_true(query_session_commit(session, &notice, &err));
    query_session_end(session);
    assert_int_equal(drafting->kept, 1);
    answer_is(session, HELD, "0|0\n");
    assert_int_equal(segments_on_disk(drafting), before);
}

/* Goal: back to a savepoint is back to what was seen then; ids of the transaction's own are conflicts; what fails adds nothing.
 * Method: the same questions after each step. */
static void test_steps_back(void **state)
{
    struct drafting *drafting = *state;
    struct query_session *session = drafting->fixture.session;
    struct buf out;
    struct err err;
    buf_init(&out, 1000);
    query_session_begin(session);
    fixture_set(session, ROW("held", "1"));
    query_session_savepoint(session); /* inside of what becomes one file */
    fixture_set(session, ROW("held", "2"));
    answer_is(session, HELD, "2|3\n");
    query_session_savepoint_back(session, 0);
    answer_is(session, HELD, "1|1\n");
    fixture_set(session, ROW("held", "4"));
    answer_is(session, HELD, "2|5\n");
    assert_false(fixture_run(session,
                             "insert into otel_metrics (timestamp, metric_name, value) values "
                             "('2026-01-02T00:00:00Z', 'held', 8), ('2026-01-02T00:00:00Z', null, 8)",
                             NULL, 0, &out, NULL, &err));
    assert_int_equal(err.code, ERR_NULL);
    answer_is(session, HELD, "2|5\n");
    fixture_set(session,
                "insert into otel_metrics (timestamp, metric_name, metric_type, metric_unit, value, id) values "
                "('2026-01-02T00:00:00Z', 'held', 'gauge', '', 16, 'c0000000-0000-4000-8000-000000000001')");
    fixture_set(session,
                "insert into otel_metrics (timestamp, metric_name, metric_type, metric_unit, value, id) values "
                "('2026-01-02T00:00:00Z', 'held', 'gauge', '', 32, 'c0000000-0000-4000-8000-000000000001'), "
                "('2026-01-02T00:00:00Z', 'held', 'gauge', '', 64, 'c0000000-0000-4000-8000-000000000002') "
                "on conflict (id) do nothing");
    answer_is(session, HELD, "4|85\n");
    /* A disk that fails is told, and the rows are not lost by it. */
    fixture_set(session, ROW("held", "128"));
    drafting->fails = true;
    assert_false(fixture_run(session, HELD, NULL, 0, &out, NULL, &err));
    assert_int_equal(err.code, ERR_IO);
    drafting->fails = false;
    answer_is(session, HELD, "5|213\n");
    query_session_end(session);
    buf_deinit(&out);
}

/* Goal: however often a transaction writes and asks, its files are few, and each row is made into one few times; a cursor goes on
 * with what it began with. Method: rows one by one; then as many bytes as are several drafts. */
static void test_few_files(void **state)
{
    struct drafting *drafting = *state;
    struct query_session *session = drafting->fixture.session;
    struct query_statement *statement;
    struct query_cursor *cursor;
    const struct query_chunk *chunk;
    struct err err = { 0 };
    char expected[64];
    uint32_t before = segments_on_disk(drafting);
    query_session_begin(session);
    for (int n = 1; n <= 200; n++) {
        fixture_set(session, ROW("held", "1"));
        snprintf(expected, sizeof expected, "%d|%d\n", n, n);
        answer_is(session, HELD, expected);
        assert_true(session->drafts.count <= 9);
    }
    assert_true(query_prepare(session, bytes_of_text("select value from otel_metrics where metric_name = 'held'"), NULL,
                              0, &statement, &err));
    assert_true(query_execute(statement, NULL, 0, &cursor, &err));
    fixture_set(session, "insert into otel_metrics (timestamp, metric_name, metric_type, metric_unit, value, "
                         "metric_description) select '2026-01-02T00:00:00Z'::timestamptz, 'held', 'gauge', '', 1, "
                         "repeat('x', 1000) from generate_series(1, 20000)");
    answer_is(session, HELD, "20200|20200\n");
    uint32_t rows = 0;
    while (query_fetch(cursor, &chunk, &err) && chunk) rows += query_chunk_rows(chunk);
    assert_int_equal(err.code, ERR_OK);
    assert_int_equal(rows, 200);
    query_cursor_close(cursor);
    query_statement_close(statement);
    assert_true(drafting->bytes_max <= (8u << 20) + BATCH_HEAD_BYTES);
    assert_true(drafting->made >= 200 + 3);
    query_session_end(session);
    assert_int_equal(segments_on_disk(drafting), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_own_alone, setup, teardown),
                                        cmocka_unit_test_setup_teardown(test_steps_back, setup, teardown),
                                        cmocka_unit_test_setup_teardown(test_few_files, setup, teardown) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
