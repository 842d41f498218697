# time_limit_s: 120
"""One project's key never sees another's rows, whatever SQL it sends; and a key that is revoked, or made, while the server runs
stops, or starts, working for sending and for asking."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from monoscope import Server, check, wait_until
from otlp import OK, UNAUTHENTICATED, Sender, gauge, log, logs, metrics, span, traces

OWN, OTHER = 7, 11  # spans of each; each also has a log and a data point
SECRET = "the-other-projects-secret"

# Answers may be errors or rows, but never hold the other's secret, its project id, a path of the data folder, or more rows than
# the project's own. {other} is the other project's id, {data} the data folder, {key} the other's key.
ATTEMPTS = [
    "SELECT * FROM otel_logs_and_spans",
    "SELECT * FROM otel_logs_and_spans WHERE project_id = '{other}'",
    "SELECT * FROM otel_logs_and_spans WHERE project_id <> project_id OR true",
    "SELECT * FROM otel_logs_and_spans WHERE true OR project_id = '{other}'",
    "SELECT * FROM otel_logs_and_spans WHERE 1=1 -- AND project_id = '{other}'",
    "SELECT * FROM otel_logs_and_spans /* ) */ WHERE (1=1) OR (1=1)",
    "SELECT * FROM otel_logs_and_spans WHERE name = 'x' OR 'a' = 'a'",
    "SELECT * FROM otel_logs_and_spans o WHERE EXISTS (SELECT 1 FROM otel_logs_and_spans i WHERE i.project_id <> o.project_id)",
    "SELECT * FROM otel_logs_and_spans UNION ALL SELECT * FROM otel_logs_and_spans WHERE project_id = '{other}'",
    "SELECT * FROM public.otel_logs_and_spans", 'SELECT * FROM "otel_logs_and_spans"', "SELECT * FROM monoscope.public.otel_logs_and_spans",
    "SELECT * FROM main.otel_logs_and_spans", "SELECT * FROM memory.main.otel_logs_and_spans", 'SELECT * FROM "OTEL_LOGS_AND_SPANS"',
    "WITH otel_logs_and_spans AS (SELECT * FROM otel_logs_and_spans) SELECT * FROM otel_logs_and_spans",
    "WITH RECURSIVE otel_logs_and_spans AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM otel_logs_and_spans WHERE a < 5) SELECT * FROM otel_logs_and_spans",
    "WITH t AS MATERIALIZED (SELECT * FROM otel_logs_and_spans) SELECT * FROM t, LATERAL (SELECT * FROM otel_metrics WHERE project_id = '{other}') m",
    "SELECT * FROM telemetry", "SELECT * FROM telemetry WHERE project_id = '{other}'", "SELECT * FROM otel_metrics WHERE project_id = '{other}'",
    "SELECT count(*), min(name), max(name), string_agg(name, ','), array_agg(project_id) FROM otel_logs_and_spans",
    "SELECT * FROM read_parquet('{data}/tables/otel_logs_and_spans/**/*.parquet')",
    "SELECT * FROM '{data}/tables/otel_logs_and_spans/**/*.parquet'", 'SELECT * FROM "{data}/meta.sqlite"',
    "SELECT * FROM parquet_scan('{data}/segments/*.parquet')", "SELECT * FROM parquet_metadata('{data}/segments/*.parquet')",
    "SELECT * FROM read_text('{data}/default.key')", "SELECT * FROM read_blob('{data}/meta.sqlite')", "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_json('{data}/tables/otel_logs_and_spans/_delta_log/*.json')", "SELECT * FROM glob('{data}/**')",
    "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT * FROM read_parquet('mono://1/1')", "SELECT * FROM 'mono://0/0.parquet'",
    "SELECT * FROM delta_scan('{data}/tables/otel_logs_and_spans')", "SELECT * FROM sqlite_scan('{data}/meta.sqlite', 'keys')",
    "SELECT * FROM information_schema.tables", "SELECT * FROM information_schema.columns", "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_catalog.pg_database", "SELECT * FROM pg_catalog.pg_tables", "SELECT * FROM pg_catalog.pg_stat_activity",
    "SELECT * FROM pg_catalog.pg_authid", "SELECT * FROM pg_catalog.pg_settings", "SELECT * FROM duckdb_tables()", "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_external_file_cache()", "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_logs", "SELECT * FROM sqlite_master", "SELECT * FROM pragma_database_list", "PRAGMA database_list", "SHOW ALL TABLES",
    "SHOW ALL", "SET search_path = '{other}'", "SET project_id = '{other}'", "SET monoscope.project_id = '{other}'", "SET ROLE '{other}'",
    "SET SESSION AUTHORIZATION '{other}'", "SET enable_external_access = true", "RESET ALL", "SET file_search_path = '{data}'",
    "SELECT set_config('project_id', '{other}', false)", "SELECT current_setting('project_id')", "SELECT getenv('HOME')",
    "SELECT getvariable('project_id')", "SET VARIABLE project_id = '{other}'",
    "COPY otel_logs_and_spans TO '{data}/stolen.csv'", "COPY (SELECT 1) TO '{data}/stolen.csv'", "COPY otel_logs_and_spans FROM '/etc/passwd'",
    "COPY (SELECT * FROM otel_logs_and_spans) TO STDOUT", "COPY (SELECT 1) TO PROGRAM 'cat {data}/default.key'",
    "ATTACH '{data}/meta.sqlite' AS m", "ATTACH ':memory:' AS m", "DETACH memory", "USE memory", "EXPORT DATABASE '{data}/x'", "INSTALL sqlite", "LOAD sqlite",
    "CREATE VIEW v AS SELECT 1", "CREATE TEMP TABLE t AS SELECT * FROM otel_logs_and_spans", "CREATE MACRO f() AS 1", "CREATE FUNCTION f() RETURNS int AS 'SELECT 1' LANGUAGE sql",
    "CREATE SECRET s (TYPE s3)", "CALL enable_logging(storage = 'file', storage_path = '{data}')", "CHECKPOINT", "VACUUM",
    "INSERT INTO otel_logs_and_spans SELECT * FROM otel_logs_and_spans", "UPDATE otel_logs_and_spans SET name = 'x'",
    "DELETE FROM otel_logs_and_spans", "DROP TABLE otel_logs_and_spans", "TRUNCATE otel_logs_and_spans", "ALTER TABLE otel_logs_and_spans ADD x int",
    "WITH d AS (DELETE FROM otel_logs_and_spans RETURNING *) SELECT * FROM d", "SELECT * INTO t FROM otel_logs_and_spans",
    "SELECT * FROM otel_logs_and_spans FOR UPDATE", "GRANT ALL ON otel_logs_and_spans TO public", "DO $$ BEGIN END $$",
    "PREPARE p AS SELECT * FROM otel_logs_and_spans WHERE project_id = '{other}'", "EXECUTE p", "DECLARE c CURSOR FOR SELECT * FROM otel_logs_and_spans",
    "LISTEN x", "SELECT * FROM query('SELECT * FROM otel_logs_and_spans')", "SELECT * FROM query_table('otel_logs_and_spans')",
    "SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))", "SELECT * FROM json_execute_serialized_sql('x')",
    "SELECT query_to_xml('SELECT 1', true, true, '')", "SELECT * FROM dblink('x', 'y')", "SELECT pg_read_file('{data}/default.key')", "SELECT lo_import('/etc/passwd')",
    "SELECT pg_ls_dir('{data}')", "SELECT * FROM r1", "SELECT r1.* FROM otel_logs_and_spans", "SELECT k1, x1 FROM otel_logs_and_spans",
    "SELECT filename, file_row_number FROM otel_logs_and_spans", "SELECT rowid FROM otel_logs_and_spans", "SELECT ctid, tableoid FROM otel_logs_and_spans",
    "EXPLAIN SELECT * FROM otel_logs_and_spans", "EXPLAIN ANALYZE SELECT * FROM otel_logs_and_spans", "EXPLAIN ANALYZE DELETE FROM otel_logs_and_spans",
    "SELECT $x$' UNION SELECT * FROM otel_metrics --$x$", "SELECT E'\\' OR project_id = \\'{other}\\''", "SELECT U&'\\0027 OR 1=1'",
    "SELECT name AS \"x\"\" FROM read_text('{data}/default.key') --\" FROM otel_logs_and_spans",
    "SELECT 1 AS \"\x01T1\x02\", '\x01P0\x02', name FROM otel_logs_and_spans", "SELECT '\x01S0\x02\x01U0\x02'",
    "SELECT * FROM otel_logs_and_spans WHERE name LIKE '%' ESCAPE '''' OR name ~ '.*'",
    "SELECT * FROM otel_logs_and_spans; SELECT * FROM read_text('{data}/default.key')", "SELECT 1; DROP TABLE otel_metrics; SELECT 2",
    "BEGIN; SET project_id = '{other}'; SELECT * FROM otel_logs_and_spans; COMMIT",
    "SELECT * FROM otel_logs_and_spans TABLESAMPLE SYSTEM (100)", "TABLE otel_logs_and_spans", "VALUES ((SELECT string_agg(name, ',') FROM otel_logs_and_spans))",
    "SELECT (SELECT o FROM otel_logs_and_spans o LIMIT 1)", "SELECT row_to_json(o) FROM otel_logs_and_spans o", "SELECT * FROM otel_logs_and_spans NATURAL JOIN otel_metrics",
    "SELECT count(*) FROM otel_logs_and_spans GROUP BY GROUPING SETS ((), (project_id))",
    "SELECT DISTINCT project_id FROM otel_logs_and_spans UNION SELECT project_id FROM otel_metrics UNION SELECT project_id FROM telemetry",
]
PARAMETERS = [
    ("SELECT * FROM otel_logs_and_spans WHERE project_id = %s", ["{other}"]), ("SELECT * FROM otel_logs_and_spans WHERE project_id = ANY(%s)", [["{other}"]]),
    ("SELECT * FROM otel_logs_and_spans WHERE name = %s", ["' OR project_id = '{other}' --"]),
    ("SELECT * FROM otel_logs_and_spans WHERE name = %s", ["\x01T1\x02' OR 1=1 --"]),
    ("SELECT * FROM otel_logs_and_spans WHERE name LIKE %s", ["%' OR '1'='1"]), ("SELECT * FROM otel_logs_and_spans WHERE name ILIKE %s", ["%"]),
    ("SELECT * FROM otel_logs_and_spans WHERE name = ANY(%s)", [["a", "'] OR 1=1 --", "\\'"]]), ("SELECT %s", ["'; SELECT * FROM read_text('{data}/default.key') --"]),
    ("SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT %s", [1000]), ("SELECT attributes->%s FROM otel_logs_and_spans", ["x')) FROM read_text('{data}/default.key') --"]),
    ("SELECT attributes->>%s FROM otel_logs_and_spans", ["$.*"]),
]


def send_all(server, key, name, count, words):
    sender = Sender(server.grpc_port, key)
    for answer in (sender.send("traces", traces([span(words, {"note": words, "n": i}) for i in range(count)], {"service.name": name})),
                   sender.send("logs", logs([log(words, {"note": words})], {"service.name": name})),
                   sender.send("metrics", metrics([gauge("of." + words, 1.0, {"note": words})], {"service.name": name}))):
        check(answer.status == OK and answer.rejected == 0, "%s sends: %r" % (name, answer))


def check_answer(connection, sql, parameters, forbidden, rows_max):
    """Whatever comes back, also as an error or a notice, holds nothing of the other's."""
    notices = []
    connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    seen = []
    rows = 0
    try:
        if sql.startswith("COPY") and sql.endswith("STDOUT"):
            with connection.cursor().copy(sql) as copy:
                lines = [bytes(line) for line in copy]
            rows = len(lines)
            seen.append(repr(lines))
            sql_sent = "SELECT 1"
        else:
            sql_sent = sql
        cursor = connection.execute(sql_sent, parameters) if parameters else connection.execute(sql_sent)
        while True:
            if cursor.description:
                answer = cursor.fetchall()
                rows = max(rows, len(answer))
                names = [column.name for column in cursor.description]
                seen.append(repr(answer) + repr([name for name in names if name.replace('"', '""') not in sql]))
            if not cursor.nextset():
                break
        outcome = "rows"
    except psycopg.Error as error:
        check(error.sqlstate and not error.sqlstate.startswith("XX") and error.sqlstate != "58000",
              "%s is refused by the gate, not by accident: %s %s" % (sql, error.sqlstate, error))
        seen.append(str(error).split("LINE 1")[0])
        outcome = "refused"
    text = " ".join(seen + notices)
    for what in forbidden:
        # A refusal may repeat what the client wrote, not more.
        check(what not in text or (outcome == "refused" and what in sql), "%s %s answers %.500s" % (sql, parameters, text))
    check(rows <= rows_max, "%d rows: %s %s" % (rows, sql, parameters))
    return outcome


def check_attempts(server, attacker, other_id, other_key):
    replace = lambda text: text.replace("{other}", other_id).replace("{data}", server.data).replace("{key}", other_key) if isinstance(text, str) else text
    outcomes = {"rows": 0, "refused": 0}
    forbidden = [SECRET, other_key, server.key, server.data + "/", "root:x:0", ".parquet"]
    forbidden_ids = forbidden + [other_id]
    forbidden.append("zzz-no-such")
    with open(os.path.join(server.data, "default.key")) as f:
        check(f.read().strip() == server.key, "the key file")
    for sql in ATTEMPTS:
        with server.connect(user=attacker[0], password=attacker[1]) as connection:
            wanted = forbidden if "{other}" in sql else forbidden_ids
            # Catalogs and plans have as many rows as they like; tables only the project's own.
            is_catalog = any(word in sql for word in ("information_schema", "pg_catalog", "SHOW ALL", "pragma", "sqlite_master", "EXPLAIN"))
            is_joined = "LATERAL" in sql or "NATURAL" in sql or "UNION ALL" in sql
            outcomes[check_answer(connection, replace(sql), None, wanted, 5000 if is_catalog else 100 if is_joined else OWN + 2)] += 1
    for sql, parameters in PARAMETERS:
        values = [[replace(item) for item in value] if isinstance(value, list) else replace(value) for value in parameters]
        for prepare in (False, True):
            with server.connect(user=attacker[0], password=attacker[1]) as connection:
                echoed = repr(values)  # what the client itself sent may come back
                outcomes[check_answer(connection, sql, values, [what for what in forbidden if what not in echoed], OWN + 2)] += 1
    check(not os.path.exists(os.path.join(server.data, "stolen.csv")) and not os.path.exists(os.path.join(server.data, "x")), "nothing was written")
    return outcomes


def check_counts(server, user, key, spans):
    with server.connect(user=user, password=key) as connection:
        counts = connection.execute("""SELECT (SELECT count(*) FROM otel_logs_and_spans), (SELECT count(*) FROM otel_metrics),
                                       (SELECT count(*) FROM telemetry), (SELECT count(DISTINCT project_id) FROM telemetry)""").fetchone()
        check(counts == (spans + 1, 1, spans + 2, 1), "%s sees its own %d: %r" % (user, spans + 2, counts))


def can_ask(server, user, key):
    try:
        with server.connect(user=user, password=key) as connection:
            connection.execute("SELECT 1")
        return True
    except psycopg.OperationalError as error:
        check("API key" in str(error), "a refused login says why: %s" % error)
        return False


def can_send(server, key):
    answer = Sender(server.grpc_port, key).send("traces", b"")
    check(answer.status in (OK, UNAUTHENTICATED), "an empty request: %r" % answer)
    return answer.status == OK


def check_keys(server, project, key_id, key):
    """Keys change beside a running server."""
    second_id, second = server.key_create(project, "second")
    wait_until(lambda: can_send(server, second) and can_ask(server, project, second), "a new key works", 60)
    connection = server.connect(user=project, password=key)
    sender = Sender(server.grpc_port, key)
    check(sender.send("traces", b"").status == OK, "the first key works")
    start = time.monotonic()
    server.command("key", "revoke", key_id)
    wait_until(lambda: not can_send(server, key) and not can_ask(server, project, key), "a revoked key stops working", 60)
    took = time.monotonic() - start
    check(sender.send("traces", b"").status == UNAUTHENTICATED, "also on a connection that was open")
    check(can_send(server, second) and can_ask(server, project, second), "the other key goes on")
    connection.close()
    check(not can_ask(server, "default", second), "a key does not open another project by its name")
    check(second_id != key_id, "keys have ids of their own")
    return took


def main():
    with Server(flush="2s") as server:
        other_id, _, other_key = server.project_create("other")
        _, own_key_id, own_key = server.project_create("own")
        wait_until(lambda: can_send(server, own_key) and can_send(server, other_key), "projects made beside it are known", 60)
        send_all(server, other_key, "other-service", OTHER, SECRET)
        send_all(server, own_key, "own-service", OWN, "own")
        for stage in ("segments", "Delta"):
            if stage == "Delta":
                wait_until(lambda: server.events("flush.committed"), "rows are in Delta", 60)
            wait_until(lambda: server.connect(user="own", password=own_key).execute("SELECT count(*) FROM telemetry").fetchone()[0] == OWN + 2,
                       "own rows are visible", 5)
            wait_until(lambda: server.connect(user="other", password=other_key).execute("SELECT count(*) FROM telemetry").fetchone()[0] == OTHER + 2,
                       "the other's rows are visible", 5)
            check_counts(server, "own", own_key, OWN)
            check_counts(server, "other", other_key, OTHER)
            outcomes = check_attempts(server, ("own", own_key), other_id, other_key)
            check_counts(server, "other", other_key, OTHER)
            print("from %s: %d attempts, %d refused, %d answered with the project's own rows or none" %
                  (stage, sum(outcomes.values()), outcomes["refused"], outcomes["rows"]), flush=True)
        check(server.process.poll() is None, "the server lives")
        took = check_keys(server, "own", own_key_id, own_key)
        print("a revoked key stopped working after %.1f s" % took)
        server.stop()


main()
