#include "timefusion/query/catalog.h"
#include "timefusion/query/engine.h"
#include "timefusion/query/function_list.h"
#include "timefusion/query/gate_defect.h"
#include "timefusion/query/query_fixture.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the above */
#include <cmocka.h>

/* Two stores that are alike but for a neighbour, project B, whom only the first one has. Whatever project A asks must be answered
 * alike in both, errors too: then nothing of B shows, no row, name or count. Statements are made at random; those that must
 * be refused have a legal twin, the same with what is wrong replaced, that must be answered. */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* many times as slow: the release build asks all */
#define STATEMENTS 200
#else
#define STATEMENTS 5000
#endif
#define STATEMENTS_FULL 100000
#define SEED            14
#define DEFECT_MOST     3000 /* within so many statements a defect must be found */
#define SECRET          "the-neighbours-secret"

enum gate_defect gate_defect_now;
bool gate_defect_leaks;
struct uuid gate_defect_project;

/* -- chance ------------------------------------------------------------------------------------------------------ */

static uint64_t chance;

static uint32_t below(uint32_t count)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(chance >> 33) % count;
}
#define ONE_OF(list) (list)[below(COUNT_OF(list))]

/* -- statements -------------------------------------------------------------------------------------------------- */

struct made {
    char sql[4000], twin[4000]; /* twin: "" when sql itself is legal */
    bool is_refused;            /* must be */
    bool is_timed;              /* its answer tells how long it took */
};

static const char *const tables[] = { "otel_logs_and_spans", "otel_metrics", "telemetry" };
static const char *const names[] = { "otel_logs_and_spans",
                                     "otel_metrics",
                                     "telemetry",
                                     "public.otel_logs_and_spans",
                                     "\"otel_metrics\"",
                                     "public.\"telemetry\"",
                                     "\"public\".\"otel_logs_and_spans\"",
                                     "monoscope.public.otel_metrics",
                                     "public /* ; */ . otel_logs_and_spans",
                                     "OTEL_METRICS",
                                     "Public.Telemetry" };
static const char *const foreign[] = { "main.otel_logs_and_spans",
                                       "memory.main.otel_metrics",
                                       "other.otel_metrics",
                                       "\"OTEL_LOGS_AND_SPANS\"",
                                       "\"99999999-2222-4333-8444-555555555555\".otel_metrics",
                                       "temp.otel_metrics",
                                       "system.main.otel_metrics",
                                       "otel_logs_and_spans_all",
                                       "t1", /* what DuckDB calls the neighbour's temporary tables */
                                       "t2",
                                       "main.t2",
                                       "pg_temp.theirs",
                                       "theirs",
                                       "r1",
                                       "w1",
                                       "sqlite_master",
                                       "duckdb_tables",
                                       "pragma_database_list",
                                       "pg_authid",
                                       "pg_catalog.pg_shadow",
                                       "pg_catalog.pg_largeobject",
                                       "'/etc/passwd'",
                                       "\"/etc/passwd\"",
                                       "'mono://1/1.parquet'",
                                       "\"mono://*/*.parquet\"" };
static const char *const conditions[] = {
    "true",
    "project_id = '99999999-2222-4333-8444-555555555555'",
    "project_id <> project_id OR 1 = 1",
    "project_id IN ('99999999-2222-4333-8444-555555555555', '11111111-2222-4333-8444-555555555555')",
    "NOT (project_id = '11111111-2222-4333-8444-555555555555')",
    "project_id::text LIKE '9%'",
    "1 = 1 -- AND project_id = '11111111-2222-4333-8444-555555555555'\n",
    "resource___service___name = '" SECRET "'",
    "resource___service___name > ''",
    "timestamp > '2000-01-01' /* ' OR 1=1 */",
    "attributes->>'note' = '" SECRET "'",
    "attributes ? 'n'",
    "date >= '2025-01-01' AND (true OR project_id IS NULL)",
    "project_id = ANY(ARRAY['99999999-2222-4333-8444-555555555555']::uuid[])",
    "coalesce(project_id, project_id) IS NOT NULL",
    "resource___service___name ~* '.*secret.*'",
    "resource___service___name ILIKE '%SECRET%' OR true",
    "CASE WHEN project_id = '99999999-2222-4333-8444-555555555555' THEN true ELSE true END",
};
static const char *const selections[] = {
    "count(*)",
    "count(DISTINCT project_id), min(resource___service___name), max(resource___service___name)",
    "string_agg(DISTINCT resource___service___name, ',' ORDER BY resource___service___name)",
    "array_agg(DISTINCT project_id::text ORDER BY project_id::text)",
    "max(timestamp), min(timestamp), count(*) FILTER (WHERE project_id IS NOT NULL)",
    "approx_count_distinct(id), sum(1), bool_or(resource___service___name = '" SECRET "')",
    "sum(jsonb_array_length(jsonb_build_array(resource___service___name))), max(length(resource___service___name))",
    "max(upper(resource___service___name)), count(id)",
};
/* What DuckDB and PostgreSQL have and nobody may call here. */
static const char *const bad_functions[] = {
    "pg_read_file('/etc/passwd')",
    "pg_ls_dir('/')",
    "lo_import('/etc/passwd')",
    "current_query()",
    "getvariable('x')",
    "pg_sleep(0)",
    "txid_current()",
    "nextval('x')",
    "query_to_xml('select 1', true, true, '')",
    "dblink('x', 'y')",
    "in_search_path('main', 'main')",
    "mono_json_get('{}', 'a')",
    "write_log('x')",
    "error('x')",
    "hash(1)",
    "list_transform([1], x -> x)",
    "stats(1)",
    "current_catalog()",
    "gen_random_uuid()",
    "set_config('timezone', 'Asia/Tokyo', false)",
    "set_config('threads', '50', false)",
    "json_execute_serialized_sql('x')",
    "pg_rotate_logfile()",
    "pg_reload_conf()",
    "current_schemas(1)",
    "vector_type(1)",
    "add_parquet_key('a', 'b')",
    "getenv('HOME')",
};
static const char *const good_functions[] = {
    "lower('x')",           "version()", "current_database()", "now() IS NULL", "to_regclass('pg_class')::text",
    "format_type(25, NULL)"
};
static const char *const bad_rows[] = {
    "read_parquet('mono://1/1.parquet')",
    "read_text('/etc/passwd')",
    "read_blob('/etc/passwd')",
    "read_csv('/etc/passwd')",
    "glob('/*')",
    "parquet_metadata('mono://1/1.parquet')",
    "sniff_csv('/etc/passwd')",
    "query('select 1')",
    "query_table('otel_metrics')",
    "duckdb_tables()",
    "duckdb_settings()",
    "duckdb_external_file_cache()",
    "duckdb_secrets()",
    "pragma_database_list()",
    "sqlite_scan('/x', 'y')",
    "delta_scan('/x')",
    "json_execute_serialized_sql('x')",
    "pg_ls_dir('/')",
    "parquet_scan('mono://1/*')",
    "duckdb_logs()",
    "which_secret('/x', 's3')",
};
static const char *const bad_statements[] = {
    "COPY otel_metrics TO '/tmp/isolation_test_stolen'",
    "COPY (SELECT 1) TO '/tmp/isolation_test_stolen'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/isolation_test_stolen'",
    "COPY otel_metrics FROM '/etc/passwd'",
    "COPY otel_metrics FROM PROGRAM 'id'",
    "DO $$ BEGIN END $$",
    "DO LANGUAGE plpgsql $x$ BEGIN PERFORM 1; END $x$",
    "ATTACH '/tmp/isolation_test_stolen' AS m",
    "DETACH memory",
    "INSTALL httpfs",
    "LOAD 'httpfs'",
    "EXPORT DATABASE '/tmp/isolation_test_stolen'",
    "PRAGMA database_list",
    "CREATE VIEW v AS SELECT * FROM otel_metrics",
    "CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql",
    "CREATE OR REPLACE MACRO f() AS 1",
    "CREATE SECRET s (TYPE s3)",
    "CREATE ROLE r SUPERUSER",
    "ALTER TABLE otel_metrics ADD x int",
    "ALTER SYSTEM SET jit = on",
    "DROP TABLE otel_metrics",
    "TRUNCATE otel_metrics",
    "GRANT ALL ON otel_metrics TO public",
    "SET ROLE other",
    "SET SESSION AUTHORIZATION 'other'",
    "SET project_id = '99999999-2222-4333-8444-555555555555'",
    "SET enable_external_access = true",
    "SET threads = 50",
    "SET memory_limit = '1TB'",
    "SET temp_directory = '/tmp/isolation_test_stolen'",
    "RESET enable_external_access",
    "SHOW enable_external_access",
    "LISTEN x",
    "CALL f()",
    "PREPARE TRANSACTION 'x'",
    "SELECT * INTO t FROM otel_metrics",
    "SELECT * FROM otel_metrics FOR UPDATE",
    "WITH d AS (DELETE FROM otel_metrics RETURNING *) SELECT * FROM d",
    "EXPLAIN ANALYZE INSERT INTO otel_metrics VALUES (1)",
    "SELECT 1; DROP TABLE otel_metrics",
};
static const char *const good_statements[] = { "SELECT 1", "SHOW timezone", "SHOW search_path", "VALUES (1), (2)",
                                               "SELECT count(*) FROM otel_metrics" };
static const char *const texts[] = {
    "' OR project_id = '99999999-2222-4333-8444-555555555555' --",
    "\x01T0\x02",
    "\x01P1\x02' OR 1=1 --",
    "'; SELECT * FROM read_text('/etc/passwd') --",
    "\\'; --",
    "$x$",
    "\"",
    "%' OR '1'='1",
};

static const char *quoted(const char *text, char room[200])
{
    char *at = room;
    *at++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') *at++ = '\'';
        *at++ = *text;
    }
    strcpy(at, "'");
    return room;
}

PRINTF_LIKE(3, 4) static void text_make(char *out, size_t room, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(out, room, fmt, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < room);
}

/* Where rows may be written, and where not. */
static const char *const targets[] = { "otel_metrics",
                                       "public.otel_metrics",
                                       "\"otel_metrics\"",
                                       "OTEL_METRICS",
                                       "monoscope.public.\"otel_metrics\"",
                                       "public /* ; */ . otel_metrics" };
static const char *const foreign_targets[] = { "other.otel_metrics",
                                               "main.otel_metrics",
                                               "telemetry",
                                               "pg_catalog.pg_class",
                                               "pg_class",
                                               "\"99999999-2222-4333-8444-555555555555\".otel_metrics",
                                               "\"OTEL_METRICS\"",
                                               "temp.otel_metrics",
                                               "r1",
                                               "information_schema.tables",
                                               "elsewhere.public.otel_metrics" };
static const char *const written[] = {
    /* Target, then what the rows come from. Ids are given, so that both stores are written alike. */
    "INSERT INTO %s (id, timestamp, metric_name, attributes) SELECT id, timestamp, coalesce(resource___service___name, "
    "'x'), "
    "jsonb_build_object('s', "
    "resource___service___name) FROM %s WHERE %s ORDER BY id",
    "INSERT INTO %s (timestamp, metric_name, id, project_id) SELECT max(timestamp), 'n', "
    "'00000000-0000-4000-8000-000000000001'::uuid, '11111111-2222-4333-8444-555555555555'::uuid FROM %s WHERE %s "
    "HAVING count(*) > 0",
    "WITH otel_metrics AS (SELECT id, timestamp, resource___service___name AS s FROM %2$s WHERE %3$s) INSERT INTO %1$s "
    "(id, timestamp, metric_name) SELECT id, timestamp, coalesce(s, 'none') FROM otel_metrics ORDER BY 1",
    "INSERT INTO %s (id, timestamp, metric_name, value) SELECT '00000000-0000-4000-8000-000000000001', "
    "'2026-01-01'::timestamptz, "
    "string_agg(DISTINCT resource___service___name, ','), count(*) FROM %s WHERE %s HAVING "
    "count(resource___service___name) > 0",
    "INSERT INTO %s (id, timestamp, metric_name) SELECT id, min(timestamp), 'c' FROM %s WHERE %s GROUP BY id ORDER BY "
    "id "
    "ON CONFLICT (id) DO NOTHING",
};

/* Rows into a table: from anywhere that may be read; a target that is none, or another project's id, is refused. */
static void writing_make(struct made *made)
{
    const char *source = ONE_OF(names), *condition = ONE_OF(conditions), *form = ONE_OF(written);
    static const char named[] = "INSERT INTO %s (timestamp, metric_name, project_id) VALUES ('2026-01-01', 'x', '%s')";
    size_t room = sizeof made->sql;
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"");
    _Pragma("GCC diagnostic ignored \"-Wformat-security\"");
    switch (below(4)) {
    case 0:
        snprintf(made->sql, room, form, ONE_OF(foreign_targets), source, condition);
        snprintf(made->twin, room, form, ONE_OF(targets), source, condition);
        break;
    case 1:
        snprintf(made->sql, room, named, ONE_OF(targets), "99999999-2222-4333-8444-555555555555");
        snprintf(made->twin, room, named, ONE_OF(targets), "11111111-2222-4333-8444-555555555555");
        break;
    default: snprintf(made->sql, room, form, ONE_OF(targets), source, condition);
    }
    _Pragma("GCC diagnostic pop");
}

/* A legal select of one column, not yet in brackets. */
static void query_make(char *sql, size_t room, int depth)
{
    char inner[1500], text[200];
    switch (depth > 2 ? below(3) : below(8)) {
    case 0: text_make(sql, room, "SELECT count(*) FROM %s WHERE %s", ONE_OF(names), ONE_OF(conditions)); break;
    case 1:
        text_make(sql, room, "SELECT max(resource___service___name) FROM %s t WHERE %s", ONE_OF(names),
                  ONE_OF(conditions));
        break;
    case 2: text_make(sql, room, "SELECT %s AS x", quoted(ONE_OF(texts), text)); break;
    case 3:
        query_make(inner, sizeof inner, depth + 1);
        text_make(sql, room, "SELECT (%s) FROM %s ORDER BY 1 LIMIT 1", inner, ONE_OF(names));
        break;
    case 4:
        query_make(inner, sizeof inner, depth + 1);
        text_make(sql, room, "SELECT count(*) FROM (%s) AS \"otel_metrics\"", inner);
        break;
    case 5:
        text_make(sql, room,
                  "SELECT count(*) FROM %s a WHERE EXISTS (SELECT 1 FROM %s b WHERE b.project_id <> a.project_id)",
                  ONE_OF(names), ONE_OF(names));
        break;
    case 6:
        text_make(sql, room,
                  "SELECT sum(n) FROM (SELECT count(*) AS n FROM %s GROUP BY GROUPING SETS ((), (project_id))) x",
                  ONE_OF(names));
        break;
    default:
        text_make(
            sql, room,
            "SELECT max(m.n) FROM %s o, LATERAL (SELECT count(*) AS n FROM %s i WHERE i.timestamp >= o.timestamp) m",
            ONE_OF(names), ONE_OF(names));
    }
}

/* All of them rarely: planning a hundred columns is most of the test's time. */
static const char *some_columns(void)
{
    return below(40) == 0 ? "*" : "id, project_id, timestamp, resource___service___name";
}

static const char *catalog_make(void)
{
    static char sql[300];
    const struct catalog_definition *definition = catalog_definition(below(catalog_definition_count()));
    bool has_own_times = strcmp(definition->name, "pg_stat_activity") == 0; /* and pids, which are drawn at random */
    text_make(sql, sizeof sql,
              below(2) == 0   ? "SELECT count(*) FROM %s.%s"
              : has_own_times ? "SELECT usename, application_name, client_addr, state, query FROM %s.%s ORDER BY 1"
                              : "SELECT * FROM %s.%s ORDER BY 1",
              definition->schema, definition->name);
    return sql;
}

/* A temporary table of a legal select: all of it is the answer. */
#define HELD "CREATE TEMP TABLE held AS "
static void temporary_make(struct made *made, const char *inner)
{
    size_t room = sizeof made->sql;
    switch (below(3)) {
    case 0:
        text_make(made->sql, room, HELD "SELECT %s AS a FROM %s WHERE %s", ONE_OF(selections), ONE_OF(names),
                  ONE_OF(conditions));
        break;
    case 1: text_make(made->sql, room, HELD "SELECT (%s) AS a, id, project_id FROM %s", inner, ONE_OF(names)); break;
    default:
        text_make(made->sql, room, HELD "SELECT * FROM %s AS t", ONE_OF(foreign));
        text_make(made->twin, room, HELD "SELECT * FROM %s AS t", ONE_OF(names));
    }
}

static void statement_make(struct made *made)
{
    char inner[1500], other[1500], text[200];
    *made = (struct made){ .sql = "" };
    size_t room = sizeof made->sql;
    query_make(inner, sizeof inner, 0);
    query_make(other, sizeof other, 1);
    switch (below(19)) {
    case 0:
    case 1: text_make(made->sql, room, "%s", inner); break;
    case 2:
        text_make(
            made->sql, room,
            "SELECT id, kind, resource___service___name FROM %s WHERE %s %s%s SELECT id, name, project_id::text FROM "
            "telemetry WHERE %s ORDER BY 1, 2, 3",
            tables[below(2) * 2], "kind IS NOT NULL", below(2) ? "UNION" : "EXCEPT", below(2) ? " ALL" : "",
            ONE_OF(conditions));
        break;
    case 3: { /* a WITH that takes a table's name */
        const char *name = ONE_OF(tables);
        text_make(made->sql, room, "WITH %s AS (SELECT %s FROM %s WHERE %s) SELECT %s FROM %s", name, some_columns(),
                  name, ONE_OF(conditions), ONE_OF(selections), name);
        break;
    }
    case 4:
        text_make(made->sql, room,
                  "WITH RECURSIVE %s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM %s WHERE n < 5) SELECT sum(n) FROM %s",
                  tables[0], tables[0], tables[0]);
        break;
    case 5:
        text_make(made->sql, room, "SELECT %s FROM %s WHERE %s", ONE_OF(selections), ONE_OF(names), ONE_OF(conditions));
        break;
    case 6:
        text_make(made->sql, room, "SELECT %s FROM %s WHERE %s ORDER BY timestamp, id LIMIT 5", some_columns(),
                  ONE_OF(names), ONE_OF(conditions));
        break;
    case 7: text_make(made->sql, room, "%s", catalog_make()); break;
    case 8:
        text_make(made->sql, room, "EXPLAIN %s%s", below(4) ? "" : "ANALYZE ", inner);
        made->is_timed = strstr(made->sql, "ANALYZE") != NULL;
        break;
    case 9:
        text_make(made->sql, room, "SELECT count(*) FROM %s WHERE id::text = %s OR resource___service___name LIKE %s",
                  ONE_OF(names), quoted(ONE_OF(texts), text), quoted(ONE_OF(texts), inner));
        break;
    case 10: /* a table that is not there */
        text_make(made->sql, room, "SELECT count(*) FROM %s AS t", ONE_OF(foreign));
        text_make(made->twin, room, "SELECT count(*) FROM %s AS t", ONE_OF(names));
        break;
    case 11: /* a function that is not */
        text_make(made->sql, room, "SELECT %s%s", ONE_OF(bad_functions), below(2) ? "" : " FROM otel_metrics LIMIT 1");
        text_make(made->twin, room, "SELECT %s FROM otel_metrics LIMIT 1", ONE_OF(good_functions));
        break;
    case 12:
        text_make(made->sql, room, "SELECT * FROM %s AS f", ONE_OF(bad_rows));
        text_make(made->twin, room, "SELECT * FROM generate_series(1, 3) AS f");
        break;
    case 13:
        text_make(made->sql, room, "%s", ONE_OF(bad_statements));
        text_make(made->twin, room, "%s", ONE_OF(good_statements));
        break;
    case 14: /* our own names behind the gate */
        text_make(made->sql, room, "SELECT %s FROM otel_logs_and_spans",
                  (const char *const[]){ "r1.k1", "k3", "x30", "s1", "filename", "file_row_number", "rowid", "ctid",
                                         "tableoid" }[below(9)]);
        text_make(made->twin, room, "SELECT id FROM otel_logs_and_spans");
        break;
    case 15:
    case 16: writing_make(made); break;
    case 17: temporary_make(made, inner); break;
    default: /* wrong behind something right */
        text_make(made->sql, room, "SELECT (%s), (SELECT count(*) FROM %s)", inner, ONE_OF(foreign));
        text_make(made->twin, room, "SELECT (%s), (SELECT count(*) FROM %s)", inner, ONE_OF(names));
        if (strncmp(inner, "SELECT (", 8) == 0) text_make(made->sql, room, "SELECT count(*) FROM %s", ONE_OF(foreign));
    }
    made->is_refused = made->twin[0] != '\0';
    if (strncmp(made->twin, "SELECT (SELECT (", 16) == 0) text_make(made->twin, room, "SELECT 1");
}

/* -- answers ----------------------------------------------------------------------------------------------------- */

struct answer {
    struct query_rows kept; /* what was written; its batch is ours */
    bool ok;
    enum err_code code;
    char text[512]; /* of an error, and what came with it */
    struct buf rows;
};

static struct fixture with_b, alone;
static struct query_session *neighbour; /* of B, with temporary tables */

static bool keep(void *ctx, const struct query_rows *rows, struct err *err)
{
    struct query_rows **kept = ctx;
    (void)err;
    **kept = *rows;
    return true;
}

/* Where keep puts what it is given: of the answer at hand. */
static struct query_rows *kept_now;

static void kept_drop(struct answer *answer)
{
    free((void *)(uintptr_t)answer->kept.batch.ptr);
    answer->kept = (struct query_rows){ 0 };
}

/* All rows of the temporary table, in an order that their values make. */
static void held_show(struct fixture *fixture, struct buf *rows)
{
    const struct temporary *held = temporaries_find(&fixture->session->temporaries, "held");
    char sql[2000];
    size_t used = (size_t)snprintf(sql, sizeof sql, "SELECT * FROM held ORDER BY 1");
    for (uint32_t c = 1; c < held->table.column_count; c++)
        used += (size_t)snprintf(sql + used, sizeof sql - used, ", %u", c + 1);
    fixture_must(fixture->session, sql, rows, NULL);
    fixture_set(fixture->session, "DROP TABLE held");
}

static void ask(struct fixture *fixture, const char *sql, struct answer *answer)
{
    struct err err;
    gate_defect_leaks = false;
    gate_defect_project = fixture->other_project;
    kept_drop(answer);
    kept_now = &answer->kept;
    answer->ok = fixture_run(fixture->session, sql, NULL, 0, &answer->rows, NULL, &err);
    if (answer->ok && strncmp(sql, HELD, strlen(HELD)) == 0) held_show(fixture, &answer->rows);
    answer->code = answer->ok ? ERR_OK : err.code;
    snprintf(answer->text, sizeof answer->text, "%s", answer->ok ? "" : err.text);
    if (!answer->ok) answer->rows.len = 0;
}

/* What no answer may hold, whatever was asked: a refusal may say again what the client wrote. */
static const char *forbidden_in(const struct answer *answer, const char *sql)
{
    static const char *const words[] = { "duckdb_", "sqlite_master", "pragma_", ".parquet", "mono://", "root:x:0" };
    const char *rows = answer->rows.len > 0 ? (const char *)answer->rows.ptr : "";
    struct bytes batch = answer->kept.batch;
    if (batch.len > 0 && !uuid_equal(answer->kept.project_id, with_b.project)) return "rows for another project";
    if (batch.len > 0 && memmem(batch.ptr, batch.len, SECRET, strlen(SECRET)) && !strstr(sql, SECRET)) return SECRET;
    if (strstr(rows, SECRET) && !strstr(sql, SECRET)) return SECRET;
    if (strstr(answer->text, with_b.dir) || strstr(rows, with_b.dir) || strstr(answer->text, alone.dir))
        return "a path";
    for (size_t w = 0; w < COUNT_OF(words); w++) {
        if (strstr(sql, words[w])) continue;
        if (strstr(rows, words[w]) || strstr(answer->text, words[w])) return words[w];
    }
    return NULL;
}

/* NULL: as it should be; else what is wrong. */
static const char *statement_check(const struct made *made, struct answer *first, struct answer *second)
{
    ask(&with_b, made->sql, first);
    ask(&alone, made->sql, second);
    const char *word = forbidden_in(first, made->sql);
    if (word) return word;
    if (made->is_refused && first->ok) return "it is answered";
    if (!first->ok && (first->code == ERR_INTERNAL || first->code == ERR_CORRUPT || first->text[0] == '\0'))
        return "it is refused by accident";
    if (first->ok != second->ok || first->code != second->code || strcmp(first->text, second->text) != 0)
        return "errors differ by the neighbour";
    if (!made->is_timed && !bytes_equal(buf_bytes(&first->rows), buf_bytes(&second->rows)))
        return "rows differ by the neighbour";
    if (!bytes_equal(first->kept.batch, second->kept.batch)) return "what is written differs by the neighbour";
    if (!made->is_refused && !first->ok) return "it is legal, and refused";
    if (!made->is_refused) return NULL;
    ask(&with_b, made->twin, first);
    return first->ok ? NULL : "its legal twin is refused";
}

/* The first statement of the seed with which something is wrong; -1: there is none among so many. */
static int64_t search(uint64_t seed, int64_t most, struct made *made, const char **what, char text[512],
                      uint64_t *refused)
{
    struct answer first = { 0 }, second = { 0 };
    buf_init(&first.rows, 8u << 20);
    buf_init(&second.rows, 8u << 20);
    chance = seed;
    int64_t found = -1;
    for (int64_t n = 0; n < most && found < 0; n++) {
        statement_make(made);
        *what = statement_check(made, &first, &second);
        *refused += made->is_refused;
        if (!*what) continue;
        found = n;
        snprintf(text, 512, "%s", first.text);
    }
    kept_drop(&first);
    kept_drop(&second);
    buf_deinit(&first.rows);
    buf_deinit(&second.rows);
    return found;
}

/* -- what may not change ----------------------------------------------------------------------------------------- */

static uint32_t files_under(const char *dir)
{
    char path[512];
    uint32_t count = 0;
    DIR *open = opendir(dir);
    for (struct dirent *entry; open && (entry = readdir(open));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        count++;
        if (entry->d_type != DT_DIR) continue;
        snprintf(path, sizeof path, "%.250s/%.250s", dir, entry->d_name);
        count += files_under(path);
    }
    if (open) closedir(open);
    return count;
}

static void settings_show(struct buf *out)
{
    struct err err;
    assert_true(fixture_run(with_b.session, "SHOW ALL", NULL, 0, out, NULL, &err));
    duckdb_connection connection;
    duckdb_result result;
    assert_int_equal(duckdb_connect(with_b.engine->database, &connection), DuckDBSuccess);
    assert_int_equal(duckdb_query(connection,
                                  "SELECT name || '=' || coalesce(value, '') FROM duckdb_settings() ORDER BY 1",
                                  &result),
                     DuckDBSuccess);
    for (idx_t row = 0; row < duckdb_row_count(&result); row++) {
        char *setting = duckdb_value_varchar(&result, 0, row);
        assert_true(buf_printf(out, "%s\n", setting ? setting : ""));
        duckdb_free(setting);
    }
    duckdb_destroy_result(&result);
    duckdb_disconnect(&connection);
}

/* Goal: project A sees not one row, name or count of B, writes no file and changes no setting, whatever it asks.
 * Method: the statements above, in a store with B and in one without. */
static void test_nothing_of_the_neighbour(void **state)
{
    (void)state;
    bool is_full = getenv("MONO_FULL") && strcmp(getenv("MONO_FULL"), "1") == 0;
    const char *wanted = getenv("ISOLATION_SEED"), *what = NULL;
    uint64_t seed = wanted ? strtoull(wanted, NULL, 10) : SEED, refused = 0;
    int64_t count = is_full ? STATEMENTS_FULL : STATEMENTS;
    struct buf before, after;
    struct made made;
    char text[512];
    buf_init(&before, 1u << 20);
    buf_init(&after, 1u << 20);
    settings_show(&before);
    uint32_t files = files_under(with_b.dir);
    print_message("ISOLATION_SEED=%" PRIu64 "\n", seed);
    int64_t found = search(seed, count, &made, &what, text, &refused);
    if (found >= 0) fail_msg("statement %" PRId64 ": %s (%s)\n%s\ntwin: %s", found, what, text, made.sql, made.twin);
    settings_show(&after);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    assert_int_equal(files_under(with_b.dir), files);
    assert_int_not_equal(access("/tmp/isolation_test_stolen", F_OK), 0);
    assert_true(refused > (uint64_t)count / 5 && refused < (uint64_t)count * 4 / 5);
    print_message("%" PRId64 " statements, %" PRIu64 " of them refused, each with a legal twin\n", count, refused);
    buf_deinit(&before);
    buf_deinit(&after);
}

/* Goal: the test above can fail.
 * Method: each of nine holes is made in the gate; the same statements find it. */
static void test_each_hole_is_found(void **state)
{
    (void)state;
    static const char *const names_of[] = { "",
                                            "rows of another project",
                                            "a view's rows unchecked",
                                            "a WITH that takes a table's name",
                                            "a table named with its schema",
                                            "functions that are not listed",
                                            "DuckDB's own catalog",
                                            "rows written into another project",
                                            "rows written into the project that they name",
                                            "temporary tables of other sessions" };
    static_assert(COUNT_OF(names_of) == GATE_DEFECT_COUNT, "a name each");
    for (int defect = 1; defect < GATE_DEFECT_COUNT; defect++) {
        struct made made;
        const char *what = NULL;
        char text[512];
        uint64_t refused = 0;
        gate_defect_now = (enum gate_defect)defect;
        int64_t found = search(SEED + (uint64_t)defect, DEFECT_MOST, &made, &what, text, &refused);
        gate_defect_now = GATE_DEFECT_NONE;
        if (found < 0) fail_msg("%s: not found by %d statements", names_of[defect], DEFECT_MOST);
        print_message("%s: found by statement %" PRId64 ": %s: %.120s\n", names_of[defect], found, what, made.sql);
    }
}

static void neighbour_row(struct columns *columns, uint64_t n)
{
    char id[UUID_TEXT_BYTES + 1];
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US / 2);
    uuid_to_text(fixture_id(1u << 24 | n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    fixture_put(columns, "name", BYTES(SECRET));
    fixture_put(columns, "kind", BYTES("server"));
    fixture_put(columns, "resource___service___name", BYTES(SECRET));
    fixture_put(columns, "attributes", BYTES("{\"note\":\"" SECRET "\",\"n\":1}"));
    struct bytes summary[1] = { BYTES(SECRET) };
    columns_put_text_list(columns, (uint32_t)schema_column_index(columns_table(columns), BYTES("summary")), summary, 1);
    columns_row_end(columns);
}

static void neighbour_point(struct columns *columns, uint64_t n)
{
    char id[UUID_TEXT_BYTES + 1];
    columns_row_begin(columns, FIXTURE_START_US + (int64_t)n * FIXTURE_STEP_US / 2);
    uuid_to_text(fixture_id(1u << 25 | n), id);
    fixture_put(columns, "id", bytes_of_text(id));
    uuid_to_text(fixture_id(n % 4), id);
    fixture_put(columns, "series_id", bytes_of_text(id));
    fixture_int(columns, "ingested_at", FIXTURE_START_US);
    fixture_int(columns, "flags", 0);
    fixture_int(columns, "dropped_attributes_count", 0);
    fixture_int(columns, "message_size_bytes", 100);
    fixture_put(columns, "metric_name", BYTES(SECRET));
    fixture_put(columns, "metric_unit", BYTES("1"));
    fixture_put(columns, "metric_type", BYTES("gauge"));
    fixture_put(columns, "resource___service___name", BYTES(SECRET));
    fixture_put(columns, "attributes", BYTES("{\"note\":\"" SECRET "\"}"));
    columns_put_double(columns, METRICS_value, 1);
    columns_row_end(columns);
}

static int setup(void **state)
{
    (void)state;
    fixture_open(&with_b, 2, 12);
    fixture_open(&alone, 2, 12);
    for (size_t f = 0; f < 2; f++) {
        struct query_hooks *hooks = &(f ? &alone : &with_b)->engine->options.hooks;
        hooks->keep = keep;
        hooks->ctx = &kept_now;
    }
    fixture_publish_rows(&with_b, with_b.other_project, SCHEMA_LOGS_AND_SPANS, 0, 333, 1, neighbour_row);
    fixture_publish_rows(&with_b, with_b.other_project, SCHEMA_METRICS, 0, 77, 1, neighbour_point);
    struct err err = { 0 };
    query_session_set_wire(with_b.session);
    query_session_set_wire(alone.session);
    if (!query_session_open(&neighbour, with_b.engine, with_b.other_project, "b", &err)) return -1;
    query_session_set_wire(neighbour);
    fixture_set(neighbour, "CREATE TEMP TABLE theirs AS SELECT '" SECRET "' AS name");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    query_session_close(neighbour);
    fixture_close(&alone);
    fixture_close(&with_b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing_of_the_neighbour),
                                        cmocka_unit_test(test_each_hole_is_found) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
