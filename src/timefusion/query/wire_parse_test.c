/* Statements of the conversation as the gate reads them: what stands in them, and what is refused in which words. */
#include "timefusion/query/plan.h"
#include "timefusion/query/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct plan *made(const char *sql)
{
    struct plan *plan;
    struct err err = { .code = ERR_OK };
    if (!plan_make(&plan, bytes_of_text(sql), NULL, 0, NULL, &err)) fail_msg("%s: %s", sql, err.text);
    return plan;
}

static void expect_refused(const char *sql, enum err_code code, const char *words)
{
    struct plan *plan;
    struct err err = { .code = ERR_OK };
    if (plan_make(&plan, bytes_of_text(sql), NULL, 0, NULL, &err)) fail_msg("%s is let in", sql);
    if (err.code != code || !strstr(err.text, words)) fail_msg("%s: %s %s", sql, err_name(err.code), err.text);
}

static void test_copy(void **state)
{
    (void)state;
    struct plan *plan =
        made("COPY otel_metrics (id, metric_name) TO STDOUT (FORMAT csv, HEADER, DELIMITER ';', FORCE_QUOTE (id))");
    const struct wire_copy *copy = &plan->wire->copy;
    assert_true(plan->wire->kind == WIRE_COPY && plan->kind == PLAN_SELECT && plan->column_count == 2);
    assert_true(copy->format == WIRE_CSV && copy->has_header && copy->delimiter == ';' && copy->escape == '"');
    assert_true(copy->quotes[0] && !copy->quotes[1]);
    assert_string_equal(plan->columns[1].name, "metric_name");
    plan_release(plan);
    plan = made("COPY (SELECT 1 AS a UNION ALL SELECT 2) TO STDOUT");
    assert_true(plan->wire->copy.format == WIRE_TEXT && plan->wire->copy.delimiter == '\t');
    plan_release(plan);
    expect_refused("COPY otel_metrics TO '/tmp/x'", ERR_FORBIDDEN, "to a file");
    expect_refused("COPY otel_metrics TO PROGRAM 'id'", ERR_FORBIDDEN, "program");
    expect_refused("COPY secrets TO STDOUT", ERR_NO_TABLE, "secrets");
    expect_refused("COPY (SELECT * FROM secrets) TO STDOUT", ERR_NO_TABLE, "secrets");
    expect_refused("COPY (DELETE FROM otel_metrics RETURNING id) TO STDOUT", ERR_UNSUPPORTED, "SELECT");
    expect_refused("COPY otel_metrics (nothing) TO STDOUT", ERR_NO_COLUMN, "nothing");
}

static void test_cursors(void **state)
{
    (void)state;
    struct plan *plan = made("DECLARE c BINARY NO SCROLL CURSOR FOR SELECT 1");
    assert_true(plan->wire->kind == WIRE_DECLARE && plan->wire->is_binary && strcmp(plan->wire->name, "c") == 0);
    plan_release(plan);
    static const struct {
        const char *sql;
        uint64_t count;
        bool is_move;
    } fetches[] = { { "FETCH c", 1, false },
                    { "FETCH NEXT FROM c", 1, false },
                    { "FETCH 7 IN c", 7, false },
                    { "FETCH FORWARD 3 FROM c", 3, false },
                    { "FETCH ALL c", UINT64_MAX, false },
                    { "MOVE FORWARD ALL IN c", UINT64_MAX, true } };
    for (size_t f = 0; f < COUNT_OF(fetches); f++) {
        plan = made(fetches[f].sql);
        assert_true(plan->wire->kind == WIRE_FETCH && plan->wire->row_count == fetches[f].count);
        assert_true(plan->wire->is_move == fetches[f].is_move);
        plan_release(plan);
    }
    expect_refused("DECLARE c SCROLL CURSOR FOR SELECT 1", ERR_UNSUPPORTED, "forward");
    expect_refused("DECLARE c CURSOR WITH HOLD FOR SELECT 1", ERR_UNSUPPORTED, "WITH HOLD");
    expect_refused("DECLARE c CURSOR FOR SELECT * FROM secrets", ERR_NO_TABLE, "secrets");
    static const char *const backward[] = { "FETCH PRIOR c", "FETCH BACKWARD 2 FROM c", "FETCH -1 FROM c",
                                            "FETCH LAST c",  "FETCH RELATIVE 2 FROM c", "MOVE 0 IN c" };
    for (size_t b = 0; b < COUNT_OF(backward); b++) expect_refused(backward[b], ERR_UNSUPPORTED, "forward");
}

static void test_prepare(void **state)
{
    (void)state;
    struct plan *plan = made("PREPARE \"a b\" (int4, text) AS SELECT $1 AS x, $2");
    const struct query_wire *wire = plan->wire;
    assert_true(wire->kind == WIRE_PREPARE && wire->count == 2 && strcmp(wire->name, "a b") == 0);
    assert_true(wire->types[0] == QUERY_TYPE_INT4 && wire->types[1] == QUERY_TYPE_TEXT);
    assert_true(bytes_equal(wire->sql, BYTES(" SELECT $1 AS x, $2")) && wire->sql_at == 29);
    plan_release(plan);
    plan = made("EXECUTE p(1, -2.5, 'it''s', NULL, true, '7'::int, ARRAY['a', NULL, 'q\"'])");
    static const char *const values[] = { "1", "-2.5", "it's", NULL, "true", "7", "{\"a\",NULL,\"q\\\"\"}" };
    assert_int_equal(plan->wire->count, COUNT_OF(values));
    for (size_t v = 0; v < COUNT_OF(values); v++) {
        const struct query_parameter *value = &plan->wire->parameters[v];
        assert_int_equal(value->is_null, values[v] == NULL);
        if (values[v]) assert_true(bytes_equal(value->value, bytes_of_text(values[v])));
    }
    plan_release(plan);
    expect_refused("EXECUTE p(now())", ERR_UNSUPPORTED, "constants");
    expect_refused("EXECUTE p((SELECT 1))", ERR_UNSUPPORTED, "constants");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy), cmocka_unit_test(test_cursors),
                                        cmocka_unit_test(test_prepare) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
