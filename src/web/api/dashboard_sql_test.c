/* threads: none */
/* $name in the SQL of panels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "web/api/dashboard_content.h"

static const char variables_json[] = "[{\"name\":\"service\"},{\"name\":\"xx\"}]";

/* Goal: what is a variable's becomes a parameter of as many characters; what only looks like one is left alone. */
static void test_names(void **state)
{
    static const struct {
        const char *sql, *wanted;
        uint32_t count;
    } cases[] = {
        { "SELECT $service, $from, $service, $xx", "SELECT $1      , $2   , $1      , $3 ", 3 },
        { "a>=$from AND a<$to", "a>=$1    AND a<$2 ", 2 },
        { "SELECT $none, $services, $1, $, $Service", "SELECT $none, $services, $1, $, $Service", 0 },
        { "SELECT '$service', \"$service\" -- $service\n, $service",
          "SELECT '$service', \"$service\" -- $service\n, $1      ", 1 },
        { "/* $xx /* */ $xx */ $xx", "/* $xx /* */ $xx */ $1 ", 1 },
        { "'it''s $xx' E'\\' $xx' $xx", "'it''s $xx' E'\\' $xx' $1 ", 1 },
        { "$xx$ $xx $xx$", "$xx$ $1  $xx$", 1 },
        { "a$xx", "a$xx", 0 },
        { "'$xx", "'$xx", 0 },
        { "/* $xx", "/* $xx", 0 },
        { "$environment IS NULL OR a = $environment", "$1           IS NULL OR a = $1          ", 1 },
        { "$xx", "$1 ", 1 },
        { "", "", 0 },
    };
    yyjson_doc *doc = yyjson_read(variables_json, sizeof variables_json - 1, 0);
    yyjson_mut_doc *mut = yyjson_doc_mut_copy(doc, NULL);
    struct arena arena;
    (void)state;
    arena_init(&arena, 0);
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        struct dashboard_sql sql =
            dashboard_sql_read(&arena, bytes_of_text(cases[c].sql), yyjson_mut_doc_get_root(mut));
        if (!bytes_equal(sql.sql, bytes_of_text(cases[c].wanted)))
            fail_msg("%s becomes %.*s", cases[c].sql, (int)sql.sql.len, sql.sql.ptr);
        assert_int_equal(sql.count, cases[c].count);
    }
    struct dashboard_sql sql = dashboard_sql_read(&arena, BYTES("$xx $step $to"), yyjson_mut_doc_get_root(mut));
    assert_int_equal(sql.types[0], QUERY_TYPE_UNKNOWN);
    assert_int_equal(sql.types[1], QUERY_TYPE_INTERVAL);
    assert_int_equal(sql.types[2], QUERY_TYPE_TIMESTAMPTZ);
    /* What no page asks (a monitor) has no environment. */
    assert_int_equal(dashboard_sql_read(&arena, BYTES("$environment $to"), NULL).count, 1);
    arena_deinit(&arena);
    yyjson_mut_doc_free(mut);
    yyjson_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
