#include "timefusion/query/command.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct command parsed(const char *sql)
{
    struct plan *plan;
    struct err err = { 0 };
    if (!plan_make(&plan, bytes_of_text(sql), NULL, 0, NULL, &err)) fail_msg("%s: %s", sql, err.text);
    assert_int_equal(plan->kind, PLAN_COMMAND);
    struct command command = *plan->command;
    plan_release(plan);
    return command;
}

/* Goal: what an operator writes is what is done, however it is spaced, cased and quoted.
 * Method: statements in several spellings, and each field of what they became. */
static void test_spellings(void **state)
{
    (void)state;
    assert_int_equal(parsed("FLUSH").kind, COMMAND_FLUSH);
    assert_int_equal(parsed(" /* now */ flush ; -- please").kind, COMMAND_FLUSH);

    struct command optimize = parsed("optimize otel_metrics");
    assert_int_equal(optimize.kind, COMMAND_OPTIMIZE);
    assert_int_equal(optimize.table->id, SCHEMA_METRICS);
    assert_int_equal(optimize.day_first, INT32_MIN);
    assert_int_equal(optimize.day_last, INT32_MAX);
    optimize = parsed("OPTIMIZE public.\"otel_logs_and_spans\" WHERE date = DATE '1970-01-03'");
    assert_int_equal(optimize.table->id, SCHEMA_LOGS_AND_SPANS);
    assert_int_equal(optimize.day_first, 2);
    assert_int_equal(optimize.day_last, 2);
    optimize = parsed("OPTIMIZE otel_metrics WHERE date > '1970-01-03' AND date<'1970-01-08' and date >= '1970-01-02'");
    assert_int_equal(optimize.day_first, 3);
    assert_int_equal(optimize.day_last, 6);
    optimize = parsed("OPTIMIZE otel_metrics WHERE date BETWEEN '1970-01-03' AND '1970-01-05'");
    assert_int_equal(optimize.day_first, 2);
    assert_int_equal(optimize.day_last, 4);

    struct command vacuum = parsed("VACUUM otel_metrics");
    assert_int_equal(vacuum.retain_hours, -1);
    assert_false(vacuum.is_dry_run);
    vacuum = parsed("vacuum otel_metrics retain 168 hours dry run");
    assert_int_equal(vacuum.retain_hours, 168);
    assert_true(vacuum.is_dry_run);

    assert_int_equal(parsed("DESCRIBE HISTORY otel_metrics").limit, 20);
    assert_int_equal(parsed("desc history otel_metrics limit 3").limit, 3);
}

/* Goal: what is not understood is refused, with a word for what was wanted and where. */
static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *words;
        int position;
    } cases[] = {
        { "FLUSH otel_metrics", "should end here", 7 },
        { "OPTIMIZE", "name of a table", 9 },
        { "OPTIMIZE nothing", "there are otel_logs_and_spans and otel_metrics", 10 },
        { "OPTIMIZE otel_metrics WHERE level = 'x'", "date is wanted", 29 },
        { "OPTIMIZE otel_metrics WHERE date = '2026-02-3'", "a date such as", 36 },
        { "OPTIMIZE otel_metrics WHERE date = 2026", "a date such as", 36 },
        { "OPTIMIZE otel_metrics WHERE date ~ '2026-02-03'", "compared by", 34 },
        { "OPTIMIZE otel_metrics WHERE date = '2026-02-03", NULL, 0 }, /* as PostgreSQL's lexer would not, we take it */
        { "VACUUM otel_metrics RETAIN 999999999999 HOURS", "a number in its bounds", 28 },
        { "VACUUM otel_metrics RETAIN 5 MINUTES", "hours is wanted", 30 },
        { "VACUUM otel_metrics DRY", "run is wanted", 24 },
        { "DESCRIBE otel_metrics", "history is wanted", 10 },
        { "DESCRIBE HISTORY otel_metrics LIMIT -1", "a number in its bounds", 37 },
        { "VACUUM otel_metrics; SELECT 1", "should end here", 22 },
    };
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct plan *plan;
        struct err err = { 0 };
        if (!cases[c].words) {
            assert_true(plan_make(&plan, bytes_of_text(cases[c].sql), NULL, 0, NULL, &err));
            plan_release(plan);
            continue;
        }
        assert_false(plan_make(&plan, bytes_of_text(cases[c].sql), NULL, 0, NULL, &err));
        if (!strstr(err.text, cases[c].words)) fail_msg("%s: %s", cases[c].sql, err.text);
        assert_int_equal(err.position, cases[c].position);
    }
}

/* Goal: commands stand beside SELECT in one text of the simple protocol, as they would in psql -c.
 * Method: texts are split; the statements are the ones between the semicolons. */
static void test_split(void **state)
{
    (void)state;
    struct bytes statements[4];
    uint32_t count;
    struct err err = { 0 };
    assert_true(
        query_split(BYTES("flush; select ';' ; vacuum otel_metrics retain 1 hours"), statements, 4, &count, &err));
    assert_int_equal(count, 3);
    assert_true(command_is(statements[0]));
    assert_false(command_is(statements[1]));
    assert_true(command_is(statements[2]));
    assert_false(query_split(BYTES("select 1; selec 2"), statements, 4, &count, &err));
    assert_int_equal(err.code, ERR_SYNTAX);
}

struct flushes {
    uint32_t calls, timeouts;
};

static bool flush_slowly(void *ctx, uint64_t *ticket, uint32_t timeout_ms, struct err *err)
{
    struct flushes *flushes = ctx;
    if (flushes->calls++ == 0) *ticket = 7;
    assert_int_equal(*ticket, 7);
    assert_true(timeout_ms <= 1000);
    return flushes->calls > flushes->timeouts || err_set(err, ERR_TIMEOUT, "not yet");
}

/* Goal: FLUSH waits for as long as it takes, and a process without a worker says so. */
static void test_flush(void **state)
{
    struct fixture *fixture = *state;
    struct flushes flushes = { .timeouts = 3 };
    struct buf out;
    struct err err;
    buf_init(&out, 1 << 20);
    fixture->engine->options.hooks = (struct query_hooks){ 0 };
    assert_false(fixture_run(fixture->session, "flush", NULL, 0, &out, NULL, &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    fixture->engine->options.hooks = (struct query_hooks){ .flush = flush_slowly, .ctx = &flushes };
    if (!fixture_run(fixture->session, "flush", NULL, 0, &out, NULL, &err)) fail_msg("%s", err.text);
    assert_int_equal(flushes.calls, 4);
    flushes = (struct flushes){ .timeouts = UINT32_MAX };
    assert_true(fixture_run(fixture->session, "set statement_timeout = 100", NULL, 0, &out, NULL, &err));
    assert_false(fixture_run(fixture->session, "flush", NULL, 0, &out, NULL, &err));
    assert_int_equal(err.code, ERR_TIMEOUT);
    buf_deinit(&out);
}

static bool some_stats(void *ctx, struct buf *lines)
{
    (void)ctx;
    return buf_printf(lines, "cache|hits{tier=memory}|42|{hit}|it's there\nodd|text|abc|1|\n");
}

/* Goal: timefusion_stats is a table like any other; what is of all projects is for an operator.
 * Method: the fixture's project, as itself and as an operator, asks with WHERE and aggregates. */
static void test_stats(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    struct err err;
    buf_init(&out, 1 << 20);
    fixture->engine->options.hooks = (struct query_hooks){ .stats = some_stats };
    assert_true(fixture_run(fixture->session,
                            "select key, value from timefusion_stats where component = 'table' and key like "
                            "'otel_metrics.%' order by key",
                            NULL, 0, &out, NULL, &err));
    assert_string_equal((char *)out.ptr, "otel_metrics.bytes|0\notel_metrics.files|0\notel_metrics.rows|0\n"
                                         "otel_metrics.version|0\n");
    static const char sql[] = "select key, value, unit, description from timefusion_stats where component <> 'table' "
                              "order by 1";
    assert_true(fixture_run(fixture->session, sql, NULL, 0, &out, NULL, &err));
    assert_string_equal((char *)out.ptr, "");
    query_session_set_operator(fixture->session, true);
    assert_true(fixture_run(fixture->session, sql, NULL, 0, &out, NULL, &err));
    assert_string_equal((char *)out.ptr, "hits{tier=memory}|42|{hit}|it's there\ntext|NULL|1|\n");
    buf_deinit(&out);
}

/* Goal: DESCRIBE HISTORY lists the commits, newest first, and keeps what was done with whose data for an operator. */
static void test_history(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    struct err err;
    buf_init(&out, 1 << 20);
    assert_true(fixture_run(fixture->session, "describe history otel_metrics", NULL, 0, &out, NULL, &err));
    assert_non_null(strstr((char *)out.ptr, "|CREATE TABLE|NULL|NULL|monoscope/"));
    assert_int_equal(out.ptr[0], '0');
    query_session_set_operator(fixture->session, true);
    assert_true(fixture_run(fixture->session, "describe history otel_metrics", NULL, 0, &out, NULL, &err));
    assert_non_null(strstr((char *)out.ptr, "|CREATE TABLE|{"));
    assert_true(fixture_run(fixture->session, "describe history otel_metrics limit 0", NULL, 0, &out, NULL, &err));
    assert_string_equal((char *)out.ptr, "");
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_split),
        cmocka_unit_test_setup_teardown(test_flush, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stats, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_history, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
