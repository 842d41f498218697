#include "timefusion/query/catalog.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Goal: each table of the catalog can be read, with the columns that pg_attribute says it has.
 * Method: all of them, and their columns counted twice. */
static void test_every_table(void **state)
{
    struct fixture *fixture = *state;
    struct buf out;
    buf_init(&out, 8u << 20);
    for (uint32_t d = 0; d < catalog_definition_count(); d++) {
        const struct catalog_definition *definition = catalog_definition(d);
        struct err err;
        char sql[300];
        snprintf(sql, sizeof sql, "SELECT * FROM %s.%s", definition->schema, definition->name);
        if (!fixture_run(fixture->session, sql, NULL, 0, &out, NULL, &err)) fail_msg("%s: %s", sql, err.text);
        uint32_t columns = 0;
        struct catalog_column column;
        for (const char *at = definition->columns; catalog_column_next(&at, &column);) columns++;
        snprintf(sql, sizeof sql,
                 "SELECT relnatts = %u, (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid) = %u "
                 "FROM pg_class c WHERE oid = '%s.%s'::regclass",
                 columns, columns, definition->schema, definition->name);
        if (!fixture_run(fixture->session, sql, NULL, 0, &out, NULL, &err)) fail_msg("%s: %s", sql, err.text);
        if (strcmp((const char *)out.ptr, "t|t\n") != 0) fail_msg("%s: %s", sql, (const char *)out.ptr);
    }
    buf_deinit(&out);
}

/* Goal: names, oids and types of the catalog are PostgreSQL's, where it has them.
 * Method: statements with their answers. */
static void test_answers(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *sql, *answer;
    } answers[] = {
        { "select 'pg_class'::regclass::oid, 'otel_metrics'::regclass::oid, 16386::regclass::text, "
          "'public.telemetry'::text"
          "::regclass::oid, to_regclass('nope'), 'int4[]'::regtype::oid, 'array_recv'::regproc::oid = typreceive "
          "from pg_type where typname = '_text'",
          "1259|16385|telemetry|16386|NULL|1007|t\n" },
        { "select format_type(atttypid, atttypmod), attnotnull from pg_catalog.pg_attribute where attrelid = "
          "'otel_metrics'::regclass and attname operator(pg_catalog.~) '^(value|timestamp)$' collate "
          "pg_catalog.default "
          "order by 1",
          "double precision|f\ntimestamp with time zone|t\n" },
        { "select quote_ident('otel_metrics'), quote_ident('A b'), quote_ident('user'), parse_ident('a.\"B c\"'), "
          "has_table_privilege('otel_metrics', 'SELECT'), has_table_privilege('otel_metrics', 'INSERT')",
          "otel_metrics|\"A b\"|\"user\"|{a,B c}|t|f\n" },
        { "with recursive t(n) as (select 1 union all select n + 1 from t where n < 4) select sum(n), max(n) from t",
          "10|4\n" },
        { "select (information_schema._pg_expandarray(array[7, 8])).n, (information_schema._pg_expandarray(array[7, "
          "8])).x",
          "1|7\n2|8\n" },
        { "select set_config('jit', 'off', false), current_setting(name) from pg_settings where name = 'jit'",
          "off|off\n" },
        { "select oid, typarray from pg_type where typname = 'text'", "25|1009\n" },
        { "select table_name, table_type from information_schema.tables where table_schema = 'public' order by 1",
          "otel_logs_and_spans|BASE TABLE\notel_metrics|BASE TABLE\ntelemetry|VIEW\n" },
        { "select data_type, is_nullable from information_schema.columns where table_name = 'otel_metrics' and "
          "column_name in ('value', 'timestamp') order by 1",
          "double precision|YES\ntimestamp with time zone|NO\n" },
        { "select count(*) from (select oid from pg_class union all select oid from pg_type union all select oid from "
          "pg_proc) x group by oid having count(*) > 1",
          "" },
        { "select proname, pg_get_function_result(oid), pronamespace::regnamespace::text from pg_proc where proname in "
          "('lower', 'time_bucket') order by 1",
          "lower|text|pg_catalog\ntime_bucket|timestamp with time zone|public\n" },
        { "select count(*) from pg_attribute a left join pg_type t on t.oid = a.atttypid where t.oid is null", "0\n" },
        { "select count(*) from information_schema.columns where table_name = 'otel_metrics' and data_type = 'ARRAY' "
          "and "
          "udt_name not like '\\_%'",
          "0\n" },
        { "select rolname from pg_roles where rolname = current_user", "tester\n" },
        { "select setting from pg_settings where name = 'TimeZone'", "UTC\n" },
    };
    struct buf out;
    buf_init(&out, 1u << 20);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct err err;
        if (!fixture_run(fixture->session, answers[i].sql, NULL, 0, &out, NULL, &err))
            fail_msg("%s: %s", answers[i].sql, err.text);
        if (strcmp((const char *)out.ptr, answers[i].answer) != 0)
            fail_msg("%s\ngave %swanted %s", answers[i].sql, (const char *)out.ptr, answers[i].answer);
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_table), cmocka_unit_test(test_answers) };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
