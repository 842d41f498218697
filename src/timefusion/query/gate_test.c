#include "timefusion/query/engine.h"
#include "timefusion/query/query_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Goal: nothing but what is listed passes the gate, however it is written.
 * Method: a list of attacks and of things we do not have; each is refused by query_prepare, before DuckDB hears of it. */
static void test_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char *const attacks[] = {
        /* files */
        "select * from read_parquet('/etc/passwd')",
        "select * from READ_PARQUET('mono://1/1.parquet')",
        "select * from \"read_parquet\"('x')",
        "select * from pg_catalog.read_parquet('x')",
        "select * from main.read_csv('x')",
        "select read_blob('x')",
        "select read_text('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from glob('/*')",
        "select * from '/etc/passwd'",
        "select * from \"/etc/passwd\"",
        "select * from \"mono://1/1.parquet\"",
        "select * from parquet_metadata('x')",
        "select * from parquet_scan('x')",
        "select * from sniff_csv('x')",
        "select pg_read_file('x')",
        "select lo_import('x')",
        "copy otel_metrics to '/tmp/x'",
        "copy (select 1) to program 'id'",
        "copy otel_metrics from '/etc/passwd'",
        /* DuckDB's insides */
        "select * from duckdb_settings()",
        "select * from duckdb_tables()",
        "select * from duckdb_external_file_cache()",
        "select * from duckdb_logs()",
        "select * from duckdb_secrets()",
        "select * from duckdb_functions()",
        "select * from pragma_version()",
        "select * from query('select 1')",
        "select * from query_table('x')",
        "select json_execute_serialized_sql('x')",
        "select json_serialize_sql('select 1')",
        "select getenv('HOME')",
        "select getvariable('x')",
        "select current_query()",
        "select txid_current()",
        "select * from main.sqlite_master",
        "select * from sqlite_master",
        "select * from duckdb.main.x",
        "select * from system.information_schema.tables",
        "select * from r1",
        "select * from w1",
        "select r1.k1 from otel_metrics",
        "select k1 from otel_metrics",
        "select x30 from otel_logs_and_spans",
        "select s1 from otel_metrics",
        "select write_log('x')",
        "select mono_json_get('{}', 'a')",
        "select mono_object('a', null)",
        "select error('x')",
        "select set_config('timezone', 'x', false)",
        "select nextval('x')",
        "select pg_sleep(10)",
        "select dblink('x', 'y')",
        "select random()",
        "select uuid()",
        "select gen_random_uuid()",
        "select list_transform([1], x -> x)",
        "select array_to_json(array[1])",
        "select repeat_row(1)",
        "select histogram(1)",
        /* statements */
        "create table t (a int)",
        "create table t as select 1",
        "create view v as select 1",
        "create function f() returns int language sql as 'select 1'",
        "create extension x",
        "create schema s",
        "create role r",
        "drop table otel_metrics",
        "drop view telemetry",
        "alter table otel_metrics add a int",
        "insert into otel_metrics values (1)",
        "update otel_metrics set value = 1",
        "delete from otel_metrics",
        "truncate otel_metrics",
        "merge into otel_metrics using otel_metrics x on true when matched then delete",
        "with x as (delete from otel_metrics returning 1) select * from x",
        "with x as (insert into otel_metrics values (1) returning 1) select 1",
        "select 1 into t",
        "select * from otel_metrics for update",
        "select * from otel_metrics for share",
        "vacuum",
        "analyze",
        "checkpoint",
        "load 'x'",
        "listen x",
        "notify x",
        "lock table otel_metrics",
        "cluster",
        "reindex database x",
        "do $$ begin end $$",
        "call f()",
        "execute x",
        "prepare x as select 1",
        "declare c cursor for select 1",
        "fetch c",
        "grant select on otel_metrics to x",
        "set role x",
        "set session authorization x",
        "security label on table x is 'y'",
        "explain insert into otel_metrics values (1)",
        "explain create table t (a int)",
        "explain (format json) select 1",
        "prepare transaction 'x'",
        "select 1; select 2",
        "attach 'x'",
        "pragma database_list",
        "install httpfs",
        "from otel_metrics",
        "describe otel_metrics",
        "summarize otel_metrics",
        "export database 'x'",
        "use x",
        /* settings */
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set allowed_directories = '/'",
        "set memory_limit = '1TB'",
        "set threads = 100",
        "set temp_directory = '/tmp'",
        "reset enable_external_access",
        "show enable_external_access",
        "set \"TimeZone'; select 1 --\" = 'x'",
        /* other projects, other names */
        "select * from otel_logs_and_spans_all",
        "select * from other.otel_metrics",
        "select * from x.public.otel_metrics",
        "select * from otel_metrics tablesample system (1)",
        "select * from only otel_metrics, otel_metrics",
        "select otel_metrics from otel_metrics",
        "select otel_metrics.* is null from otel_metrics",
        "select (otel_metrics).value from otel_metrics",
        "select row(1,2)",
        "select ctid from otel_metrics",
        "select tableoid from otel_metrics",
        "select xmin from otel_metrics",
        "select rowid from otel_metrics",
        "select filename from otel_metrics",
        "select file_row_number from otel_metrics",
        "select \"value\"\"; select 1 --\" from otel_metrics",
        "select * from otel_metrics where value operator(public.=) 1",
        "select * from otel_metrics where value === 1",
        "select 'nope'::regclass",
        "select 1::nope",
        "select x::otel_metrics from otel_metrics x",
        "select * from xmltable('x' passing 'y' columns a int)",
        "select * from json_table('x', '$')",
        "select xmlelement(name a)",
        "select * from rows from (unnest(array[1]), unnest(array[2]))",
        "select sum(sum(value)) from otel_metrics",
        "select value from otel_metrics where count(*) > 1",
        "select row_number() from otel_metrics",
        "select lower(name) over () from otel_logs_and_spans",
        "select lower(distinct name) from otel_logs_and_spans",
        "select count() from otel_metrics",
        "select sum(*) from otel_metrics",
        "select * from otel_metrics fetch first 1 row with ties",
        "select array[[1,2]]",
        "select '{{1}}'::int[]",
        "select B'101'",
        "select name collate \"de_DE\" from otel_logs_and_spans",
        "values (1), (2, 3)",
        "select 1 union select 1, 2",
        "select * from otel_metrics limit value",
        "select $0",
        "select $70000",
        "select * from (select 1) t(a, b)",
        "select a.value from otel_metrics a, otel_metrics a",
        "select value from otel_metrics a, otel_metrics b",
        "select 1 order by 2",
        "select * ",
        "select '\\x0g'::bytea",
        "select 'x'::interval",
    };
    for (size_t i = 0; i < COUNT_OF(attacks); i++) {
        struct query_statement *statement;
        struct err err = { .code = ERR_OK };
        if (query_prepare(fixture->session, bytes_of_text(attacks[i]), NULL, 0, &statement, &err)) {
            fail_msg("passed the gate: %s\n%s", attacks[i], statement->plan->sql ? statement->plan->sql : "");
        }
        if (err.text[0] == '\0' || err.code == ERR_INTERNAL || strstr(err.text, fixture->dir))
            fail_msg("%s: %s %s", attacks[i], err_name(err.code), err.text);
    }
}

/* Goal: no text can make the parser or us run out of stack or time.
 * Method: deep and long statements of several shapes end with an error or an answer. */
static void test_deep_and_long(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *start, *piece, *end;
        int counts[3];
    } shapes[] = {
        { "select 1", "+1", "", { 300, 4000, 300000 } },
        { "select ", "(", "", { 300, 4000, 300000 } },
        { "select ", "-", "1", { 1, 1, 1 } },
        { "select ", "- ", "1", { 300, 4000, 300000 } },
        { "select not ", "not ", "true", { 300, 4000, 200000 } },
        { "select 1", "::int", "", { 300, 2000, 150000 } },
        { "select 1", " union select 1", "", { 100, 2000, 50000 } },
        { "select * from otel_metrics", " join otel_metrics using (value)", "", { 3, 500, 20000 } },
        { "select '{}'::jsonb", "->'a'", "", { 100, 2000, 100000 } },
        { "select array[1]", "[1]", "", { 1, 2000, 100000 } },
        { "select 1 --'\n", "+1", "", { 300, 4000, 300000 } },
        { "select 1 /*'*/ ", "+1", "", { 300, 4000, 300000 } },
        { "select E'\\'' || 'a'", "||'a'", "", { 300, 2000, 200000 } },
        { "select $$'$$ || 'a'", "||'a'", "", { 300, 2000, 200000 } },
        { "select U&'\\0061' uescape '!'", "||'a'", "", { 300, 2000, 200000 } },
        { "select case when true then ", "case when true then ", "1", { 100, 1000, 50000 } },
        { "select ", "(select ", "1", { 50, 1000, 100000 } },
        { "with ", "with ", "", { 10, 1000, 100000 } },
    };
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        for (int c = 0; c < 3; c++) {
            struct buf sql;
            buf_init(&sql, 16u << 20);
            bool ok = buf_printf(&sql, "%s", shapes[i].start);
            for (int n = 0; ok && n < shapes[i].counts[c]; n++) ok = buf_printf(&sql, "%s", shapes[i].piece);
            ok = ok && buf_printf(&sql, "%s", shapes[i].end);
            assert_true(ok);
            struct query_statement *statement;
            struct err err = { .code = ERR_OK };
            if (query_prepare(fixture->session, buf_bytes(&sql), NULL, 0, &statement, &err))
                query_statement_close(statement);
            else
                assert_int_not_equal(err.code, ERR_INTERNAL);
            buf_deinit(&sql);
        }
    }
    /* Long lists are not deep: they pass. */
    struct buf sql;
    buf_init(&sql, 1u << 20);
    bool ok = buf_printf(&sql, "select count(*) from otel_logs_and_spans where context___trace_id in ('x'");
    for (int n = 0; ok && n < 8000; n++) ok = buf_printf(&sql, ",'%032x'", n);
    assert_true(ok && buf_add(&sql, ")", 2));
    struct buf out;
    struct err err;
    buf_init(&out, 1u << 20);
    if (!fixture_run(fixture->session, (const char *)sql.ptr, NULL, 0, &out, NULL, &err)) fail_msg("%s", err.text);
    assert_string_equal((const char *)out.ptr, "100\n");
    buf_deinit(&out);
    buf_deinit(&sql);
}

static bool raw(duckdb_connection connection, const char *sql)
{
    struct err err = { .code = ERR_OK };
    return engine_query(connection, sql, NULL, &err);
}

/* Goal: the second wall: even raw SQL on one of our connections reads and writes no file but those of held snapshots, and
 * cannot take the wall down.
 * Method: attacks on a connection of the engine's instance; then the instance still works. */
static void test_second_wall(void **state)
{
    struct fixture *fixture = *state;
    duckdb_connection connection;
    assert_int_equal(duckdb_connect(fixture->engine->database, &connection), DuckDBSuccess);
    static const char *const attacks[] = {
        "select * from read_blob('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/*')",
        "select * from glob('mono://*')",
        "select * from glob('mono://1/*')",
        "select * from read_parquet('mono://*/1.parquet')",
        "select * from read_parquet('mono://-/1.parquet')",
        "select * from read_parquet('mono://999999/1.parquet')",
        "select * from read_parquet('mono://1/../1.parquet')",
        "select * from read_text('mono://../../../etc/passwd')",
        "select * from read_text('MONO://1/x')",
        "select * from read_text('file:///etc/passwd')",
        "copy (select 1) to '/tmp/evil.csv'",
        "copy (select 1) to 'mono://1/x.parquet'",
        "copy (select 1) to 'mono://x'",
        "copy (select 1 a, 2 b) to 'mono://1/d' (format parquet, partition_by (a))",
        "copy (select 1) to '/dev/stdout'",
        "attach '/tmp/x.db'",
        "attach 'mono://1/x.db'",
        "install httpfs",
        "load '/tmp/x.duckdb_extension'",
        "load 'mono://1/1.parquet'",
        "export database '/tmp/x'",
        "import database '/tmp/x'",
        "create secret (type s3)",
        "set enable_external_access=true",
        "set global enable_external_access=true",
        "set allowed_directories=['/']",
        "set lock_configuration=false",
        "set memory_limit='100GB'",
        "set temp_directory='/tmp'",
        "set threads=50",
        "set allowed_configs=['threads']",
        "reset enable_external_access",
        "pragma memory_limit='20GB'",
        "set disabled_filesystems=''",
        "set custom_extension_repository='x'",
        "set home_directory='/'",
        "select * from read_parquet('s3://b/x.parquet')",
        "select * from read_parquet('https://x/x.parquet')",
    };
    for (size_t i = 0; i < COUNT_OF(attacks); i++)
        if (raw(connection, attacks[i])) fail_msg("passed the second wall: %s", attacks[i]);
    assert_true(raw(connection, "select 1"));
    assert_int_not_equal(access("/tmp/evil.csv", F_OK), 0);
    duckdb_disconnect(&connection);
    struct buf out;
    struct err err;
    buf_init(&out, 1u << 20);
    assert_true(fixture_run(fixture->session, "select count(*) from otel_logs_and_spans", NULL, 0, &out, NULL, &err));
    assert_string_equal((const char *)out.ptr, "100\n");
    buf_deinit(&out);
}

/* Goal: what passes the gate holds no name and no text of the client's but in quotes.
 * Method: statements with odd names; the template is searched for them. */
static void test_names_do_not_pass(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[] = {
        "select value as \"evil\" from otel_metrics \"evil\" where \"evil\".value > 1 order by \"evil\"",
        "with \"evil\" as (select 1 as \"evil\") select \"evil\".\"evil\" from \"evil\"",
        "select * from (values (1)) as \"evil\"(\"evil\")",
        "select \"evil\" from unnest(array[1]) as \"evil\"",
        "select sum(value) over \"evil\" from otel_metrics window \"evil\" as (order by value)",
        "select a.value from otel_metrics a join (select value as \"evil\" from otel_metrics) b on a.value = "
        "b.\"evil\"",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct query_statement *statement;
        struct err err = { .code = ERR_OK };
        if (!query_prepare(fixture->session, bytes_of_text(cases[i]), NULL, 0, &statement, &err))
            fail_msg("%s: %s", cases[i], err.text);
        if (strstr(statement->plan->sql, "evil")) fail_msg("%s\n%s", cases[i], statement->plan->sql);
        query_statement_close(statement);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_refused), cmocka_unit_test(test_deep_and_long),
                                        cmocka_unit_test(test_second_wall), cmocka_unit_test(test_names_do_not_pass) };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
