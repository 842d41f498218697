# time_limit_s: 240, tries: 2
"""Rows that SQL writes: psql, psycopg, asyncpg, pgjdbc and SQLAlchemy insert and copy into both tables, and each sees its own rows with the answer. What
PostgreSQL would refuse is refused with its SQLSTATE, and nothing of it is kept. Counts of services and endpoints have the rows, as
those of OTLP. A key that may only ask writes nothing; what a project redacts is not kept of rows either. After kill -9 every row
that was answered is there once, a transaction as a whole or not at all. A log without room says so by 53000."""
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import goprogram
import javaprogram
import psycopg
import pythonhome
from apiclient import Caller
from authority import make_authority, path, sign
from monoscope import REPO, ROUNDS, Server, check, wait_until

METRIC = "INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (now(), %s, %s)"
REFUSED = [
    ("23502", "INSERT INTO otel_metrics (metric_name) VALUES ('x')"), ("23502", "INSERT INTO otel_metrics (timestamp) VALUES (now())"),
    ("23514", "INSERT INTO otel_logs_and_spans (timestamp, kind) VALUES (now(), 'x')"),
    ("22P02", "INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (now(), 'x', 'abc')"),
    ("22003", "INSERT INTO otel_metrics (timestamp, metric_name, exp_hist_scale) SELECT now(), 'x', 3000000000"),
    ("22008", "INSERT INTO otel_metrics (timestamp, metric_name) VALUES ('1990-01-01', 'x')"),
    ("42804", "INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (now(), 'x', true)"),
    ("42703", "INSERT INTO otel_metrics (timestamp, metric_name, nothing) VALUES (now(), 'x', 1)"), ("42P01", "INSERT INTO nothing VALUES (1)"),
    ("428C9", "INSERT INTO otel_logs_and_spans (timestamp, severity) VALUES (now(), '{}')"), ("42501", "INSERT INTO pg_catalog.pg_class VALUES (1)"),
    ("42501", "INSERT INTO otel_metrics (timestamp, metric_name, project_id) VALUES (now(), 'x', '00000000-0000-4000-8000-000000000001')"),
    ("42703", "INSERT INTO otel_metrics (timestamp, metric_name) VALUES (now(), 'x') RETURNING series_id"),
]


def state_of(server, sql, parameters=None, **login):
    try:
        with server.connect(**login) as connection:
            connection.execute(sql, parameters)
            return None
    except psycopg.Error as error:
        return error.sqlstate or str(error)  # one of the login has none


def check_refusals(server):
    for sqlstate, sql in REFUSED:
        got = state_of(server, sql)
        check(got == sqlstate, "%s gives %s, not %s" % (sql, got, sqlstate))
    check(server.one("SELECT count(*) FROM telemetry WHERE name = 'x'") == 0, "nothing of what was refused is kept")
    _, key = server.key_create("default", "asks", "--scopes", "query")
    wait_until(lambda: state_of(server, "SELECT count(*) FROM otel_metrics", password=key) is None, "a key that may only ask asks")
    got = state_of(server, METRIC, ["x", 1], password=key)
    check(got == "42501", "it writes nothing: %s" % got)


def check_psql(server):
    env = dict(os.environ, PGPASSWORD=server.key)
    ran = subprocess.run(["psql", "-X", "-h", "127.0.0.1", "-p", str(server.pg_port), "-U", "default", "-d", "monoscope", "-At", "-v", "ON_ERROR_STOP=1"], env=env,
                         input="INSERT INTO otel_logs_and_spans (timestamp, level, body, resource___service___name) VALUES (now(), 'error', '\"no room\"', 'psql');\n"
                               "SELECT level, body, kind, severity___severity_number, summary[2] FROM otel_logs_and_spans WHERE resource___service___name = 'psql';\n",
                         capture_output=True, text=True)
    check(ran.stdout == 'INSERT 0 1\nERROR|"no room"|log|17|message;text=>no room\n', "psql: %s%s" % (ran.stdout, ran.stderr))
    with open(path("rows.csv"), "w") as f:
        f.write('metric_name,timestamp,value,attributes\n')
        f.write("".join('psql.copy,2026-01-02 03:04:05+00,%d,"{""row"": %d}"\n' % (i, i) for i in range(50000)))
    with open(path("bad.csv"), "w") as f:
        f.write("psql.bad,2026-01-02,1\npsql.bad,2026-01-02,one\n")
    psql = ["psql", "-X", "-h", "127.0.0.1", "-p", str(server.pg_port), "-U", "default", "-d", "monoscope", "-At", "-c"]
    ran = subprocess.run(psql + ["\\copy otel_metrics (metric_name, timestamp, value, attributes) from '%s' csv header" % path("rows.csv")], env=env, capture_output=True, text=True)
    check(ran.stdout == "COPY 50000\n", "\\copy: %s%s" % (ran.stdout, ran.stderr))
    check(server.query("SELECT count(*), sum(value), sum((attributes->>'row')::int) FROM otel_metrics WHERE metric_name = 'psql.copy'") == [(50000, 1249975000, 1249975000)], "its rows")
    ran = subprocess.run(psql + ["\\copy otel_metrics (metric_name, timestamp, value) from '%s' csv" % path("bad.csv")], env=env, capture_output=True, text=True)
    check('line 2: column value: invalid input syntax for type double precision: "one"' in ran.stderr, "\\copy: %s%s" % (ran.stdout, ran.stderr))
    # What COPY TO writes, COPY FROM reads.
    columns = "timestamp, id, name, kind, body, level, duration, hashes, resource___service___name"
    copied = "COPY (SELECT %s FROM otel_logs_and_spans) TO STDOUT" % columns
    out = subprocess.run(psql + [copied], env=env, capture_output=True).stdout
    rows = server.one("SELECT count(*) FROM otel_logs_and_spans")
    back = subprocess.run(psql + ["\\copy otel_logs_and_spans (%s) from stdin" % columns], env=env, input=out, capture_output=True)
    check(back.stdout == b"COPY %d\n" % rows and server.one("SELECT count(*) - 2 * count(DISTINCT id) FROM otel_logs_and_spans") == 0, "what COPY writes it reads: %s" % back)


def check_drivers(server):
    python = os.path.join(pythonhome.install("clients/python"), "bin", "python")
    env = dict(os.environ, PGHOST="localhost", PGPORT=str(server.pg_port), PGUSER="default", PGPASSWORD=server.key, PGDATABASE="monoscope",
               PGSSLMODE="verify-full", PGSSLROOTCERT=path("ca.crt"))
    commands = [[python, os.path.join(REPO, "tests", "clients", "python", "writer.py"), driver] for driver in ("psycopg", "asyncpg", "sqlalchemy")]
    jars = os.path.join(goprogram.DEPS, "pgjdbc", "*")
    commands.append(["java", "-Xmx192m", "-cp", javaprogram.classes("clients/java", [jars]) + os.pathsep + jars, "Writer"])
    for command in commands:
        ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
        check(ran.returncode == 0, "%s:\n%s" % (command[-1], (ran.stdout + ran.stderr)[-3000:]))
        print(ran.stdout.strip(), flush=True)


def check_own_rows(server):
    """Many sessions at once, each of which must see its row with the answer."""
    failed = []

    def work(n):
        with server.connect() as connection:
            for i in range(30):
                connection.execute(METRIC, ["own.%d" % n, i])
                seen = connection.execute("SELECT count(*), max(value) FROM otel_metrics WHERE metric_name = %s", ["own.%d" % n]).fetchone()
                if seen != (i + 1, float(i)):
                    failed.append((n, i, seen))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    start = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    check(not failed, "own rows are there with the answer: %s" % failed[:3])
    print("8 sessions, 240 rows, each seen with its answer: %.1f ms each" % ((time.monotonic() - start) * 1000 / 30), flush=True)


def check_counted(server):
    with server.connect() as connection:
        connection.execute("INSERT INTO otel_logs_and_spans (timestamp, name, kind, duration, status_code, attributes, resource___service___name) "
                           "SELECT now() - n * interval '1 ms', 'GET /sql', 'server', 1000000, CASE WHEN n % 4 = 0 THEN 'ERROR' END, "
                           "'{\"http.request.method\": \"GET\", \"http.route\": \"/sql\"}', 'sql-writer' FROM generate_series(1, 100) n")
    server.execute("FLUSH")
    found = server.query("SELECT resource___service___name, count(*), count(*) FILTER (WHERE status_code = 'ERROR') FROM otel_logs_and_spans "
                         "WHERE resource___service___name = 'sql-writer' GROUP BY 1")
    check(found == [("sql-writer", 100, 25)], "rows of a SELECT: %s" % found)
    api = Caller(server, server.key)
    told = wait_until(lambda: [s for s in api.done("GET", "/projects/default/services?from=now-1h&limit=200")["items"] if s["name"] == "sql-writer"], "the service is counted")
    check((told[0]["spans"], told[0]["span_errors"], told[0]["requests"]) == (100, 25, 100), "the roll-ups count rows of SQL as others: %s" % told)


def check_returning(server):
    """RETURNING as drivers and ORMs ask it: by the simple and the extended protocol, with tags, also where rows are held."""
    insert = "INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (now(), %s, %s), (now(), %s, %s) RETURNING id, metric_name AS name, value * 2 AS twice"
    with server.connect() as connection:
        cursor = connection.execute(insert, ["ret.a", 1, "ret.b", 2.5])
        given = cursor.fetchall()
        check([row[1:] for row in given] == [("ret.a", 2.0), ("ret.b", 5.0)] and cursor.statusmessage == "INSERT 0 2", "%s %s" % (given, cursor.statusmessage))
        check([column.name for column in cursor.description] == ["id", "name", "twice"], "its columns have names")
        stored = dict(connection.execute("SELECT metric_name, id FROM otel_metrics WHERE metric_name LIKE 'ret.%'").fetchall())
        check(stored == {row[1]: row[0] for row in given}, "the ids are those that are kept: %s, %s" % (stored, given))
    with server.connect(autocommit=False) as connection:
        held = connection.execute(insert, ["ret.c", 1, "ret.d", 2]).fetchall()
        check(len(held) == 2 and server.one("SELECT count(*) FROM otel_metrics WHERE metric_name LIKE 'ret.%'") == 2, "inside BEGIN it gives what is held")
        connection.commit()
        check(server.one("SELECT count(*) FROM otel_metrics WHERE id = ANY(%s)", [[row[0] for row in held]]) == 2, "and COMMIT keeps those ids")
    run = subprocess.run(["psql", "-X", "-h", "127.0.0.1", "-p", str(server.pg_port), "-U", "default", "-d", "monoscope", "-At"], env=dict(os.environ, PGPASSWORD=server.key),
                         input="INSERT INTO otel_logs_and_spans (timestamp, name, kind) VALUES (now(), 'ret', 'server') RETURNING name, kind;\n"
                               "UPDATE otel_logs_and_spans SET hashes = array['mine'] WHERE name = 'ret' RETURNING hashes, summary IS NOT NULL;\n"
                               "DELETE FROM otel_logs_and_spans WHERE name = 'ret' RETURNING name, hashes;\n"
                               "DELETE FROM otel_logs_and_spans WHERE name = 'ret' RETURNING name;\n", capture_output=True, text=True)
    check(run.stdout == "ret|server\nINSERT 0 1\n{mine}|t\nUPDATE 1\nret|{mine}\nDELETE 1\nDELETE 0\n", "psql: %s%s" % (run.stdout, run.stderr))
    told = Caller(server, server.key).done("POST", "/projects/default/query", {"sql": "DELETE FROM otel_metrics WHERE metric_name LIKE 'ret.%' RETURNING metric_name"})
    check(sorted(row[0] for row in told["rows"]) == ["ret.a", "ret.b", "ret.c", "ret.d"] and told["tag"] == "DELETE 4", "by REST: %s" % told)
    with server.connect() as connection:
        connection.execute("CREATE TEMP TABLE kept (id int, name text DEFAULT 'x')")
        check(connection.execute("INSERT INTO kept (id) VALUES (%s), (%s) RETURNING *", [1, 2]).fetchall() == [(1, "x"), (2, "x")], "of a table of its own")
        cursor = connection.execute("UPDATE kept SET name = %s WHERE id = 2 RETURNING id, name", ["y"])
        check(cursor.fetchall() == [(2, "y")] and cursor.statusmessage == "UPDATE 1", "with its new value: " + cursor.statusmessage)


def check_transactions(server):
    with server.connect(autocommit=False) as connection:
        connection.execute(METRIC, ["tx", 1])
        connection.execute("INSERT INTO otel_logs_and_spans (timestamp, name) VALUES (now(), 'tx')")
        check(server.one("SELECT count(*) FROM telemetry WHERE name = 'tx'") == 0, "others see nothing before COMMIT")
        connection.commit()
        check(server.one("SELECT count(*) FROM telemetry WHERE name = 'tx'") == 2, "COMMIT shows both tables' rows")
        connection.execute(METRIC, ["tx", 2])
        connection.rollback()
        check(connection.execute("SELECT count(*) FROM telemetry WHERE name = 'tx'").fetchone() == (2,), "ROLLBACK throws away")
        connection.rollback()
        for fails in (False, True):
            connection.execute("SAVEPOINT a")
            connection.execute(METRIC, ["tx.gone", 1])
            if fails:
                try:
                    connection.execute("INSERT INTO otel_metrics (timestamp) VALUES (now())")
                except psycopg.Error:
                    pass
            connection.execute("ROLLBACK TO a")
            connection.execute(METRIC, ["tx.kept", 1])
        connection.commit()
        names = server.query("SELECT metric_name, count(*) FROM otel_metrics WHERE metric_name LIKE 'tx.%' GROUP BY 1")
        check(names == [("tx.kept", 2)], "ROLLBACK TO throws away what came since: %s" % names)
    check_held(server)
    identifier = "01234567-89ab-4cde-8f01-23456789abcd"
    sql = "INSERT INTO otel_logs_and_spans (timestamp, name, id) VALUES (now(), 'twice', %s) ON CONFLICT (id) DO NOTHING"
    tags = [server.execute(sql, [identifier]) for _ in range(2)]
    server.execute("FLUSH")
    tags.append(server.execute(sql, [identifier]))
    check(tags == ["INSERT 0 1", "INSERT 0 0", "INSERT 0 0"], "an id is written once: %s" % tags)


def check_held(server):
    """Rows that a transaction holds: all of what they will be is seen by its own statements, and by nobody else's, also where they come
    and are asked for again and again, by COPY, over many days and in many MB."""
    columns = "id, timestamp, date, kind, name, level, duration, end_time, hashes, summary, resource___service___name, attributes, attributes___http___route"
    rows = ("SELECT %s FROM otel_logs_and_spans WHERE resource___service___name = 'held' ORDER BY id" % columns,
            "SELECT id, metric_name, value, series_id, metric_type, attributes FROM otel_metrics WHERE metric_name LIKE 'held.%' ORDER BY id")
    with server.connect(autocommit=False) as one, server.connect() as other:
        one.execute("INSERT INTO otel_logs_and_spans (timestamp, name, kind, duration, resource___service___name, attributes) VALUES (now(), 'GET /held', 'server', 7000, 'held', "
                    "'{\"http.route\": \"/held\", \"n\": 1}'), (now() - interval '3 days', NULL, NULL, NULL, 'held', NULL)")
        check(len(one.execute(rows[0]).fetchall()) == 2, "both are seen")
        for n in range(40):
            one.execute("INSERT INTO otel_metrics (timestamp, metric_name, value, attributes) VALUES (now() - %s * interval '1 hour', %s, %s, '{\"k\": \"v\"}')", [n, "held.%d" % (n % 3), n])
            check(one.execute("SELECT count(*), max(value) FROM otel_metrics WHERE metric_name LIKE 'held.%'").fetchone() == (n + 1, n), "%d of them" % (n + 1))
        with one.cursor().copy("COPY otel_metrics (timestamp, metric_name, value, metric_description) FROM STDIN") as copy:
            for n in range(60000):
                copy.write_row(("2026-01-%02d 00:00:00+00" % (n % 20 + 1), "held.copy", n, "d" * 200))
        counted = one.execute("SELECT count(*), count(DISTINCT date), sum(value) FROM otel_metrics WHERE metric_name = 'held.copy'").fetchone()
        check(counted == (60000, 20, 60000 * 59999 / 2), "COPY's rows are seen: %s" % (counted,))
        declared = one.cursor(name="walks")
        declared.execute("SELECT value FROM otel_metrics WHERE metric_name = 'held.copy'")
        first = declared.fetchmany(10)
        one.execute("INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES ('2026-01-01', 'held.copy', -1)")
        rest = declared.fetchall()
        check(len(first) + len(rest) == 60000 and (-1.0,) not in rest, "a cursor sees what was there when it was opened: %d" % (len(first) + len(rest)))
        declared.close()
        identifier = one.execute("SELECT id FROM otel_metrics WHERE metric_name = 'held.0' LIMIT 1").fetchone()[0]
        again = "INSERT INTO otel_metrics (timestamp, metric_name, id) VALUES (now(), 'held.again', %s), (now(), 'held.again', %s) ON CONFLICT (id) DO NOTHING"
        new = "01234567-89ab-4cde-8f01-2345678900aa"
        check(one.execute(again, [identifier, new]).statusmessage == "INSERT 0 1" and one.execute(again, [identifier, new]).statusmessage == "INSERT 0 0", "an id that it holds is there")
        plans = one.execute("EXPLAIN SELECT count(*) FROM otel_metrics WHERE metric_name = 'held.copy'").fetchall()
        check(plans[0][0].startswith("Files: "), "%s" % plans[:1])
        seen = [one.execute(sql).fetchall() for sql in rows]
        for sql in rows + ("SELECT 1 FROM telemetry WHERE name LIKE 'held.%'",):
            check(other.execute(sql).fetchall() == [], "nobody else sees them: %s" % sql)
        one.commit()
        for sql, before in zip(rows, seen):
            after = one.execute(sql).fetchall()
            check(len(before) > 1 and before == after, "after COMMIT they are what they were: %s\n%s" % (before[:2], after[:2]))
            one.rollback()
            check(other.execute(sql).fetchall() == before, "and others see them then")
        one.execute("INSERT INTO otel_metrics (timestamp, metric_name) VALUES (now(), 'held.gone')")
        check(one.execute("SELECT count(*) FROM otel_metrics WHERE metric_name = 'held.gone'").fetchone() == (1,), "one more")
        one.rollback()
        check(one.execute("SELECT count(*) FROM otel_metrics WHERE metric_name = 'held.gone'").fetchone() == (0,), "ROLLBACK throws it away")
        one.rollback()


def check_temporary(server):
    """A session's own tables: made, filled by COPY and SELECT, joined with telemetry, rolled back, gone with the connection."""
    kinds = "SELECT kind, count(*) FROM otel_logs_and_spans GROUP BY kind ORDER BY 1"
    with server.connect() as one, server.connect() as other:
        one.execute("CREATE TEMPORARY TABLE wanted (id int PRIMARY KEY, kind text NOT NULL, price numeric(8,2), tags text[], at timestamptz DEFAULT now())")
        with one.cursor().copy("COPY wanted (id, kind, price, tags) FROM STDIN") as copy:
            for n in range(5000):
                copy.write_row((n, ["log", "server", "it's"][n % 3], None if n % 7 == 0 else n / 4, ["a", "b,c"]))
        got = one.execute("SELECT count(*), count(price), sum(price), max(tags[2]), bool_and(at > now() - interval '1 minute') FROM wanted").fetchone()
        prices = [round(n / 4, 2) for n in range(5000) if n % 7]
        check(got[:2] == (5000, len(prices)) and float(got[2]) == sum(prices) and got[3:] == ("b,c", True), "COPY fills a temporary table: %s" % (got,))
        all_kinds = dict(one.execute(kinds).fetchall())
        got = dict(one.execute("SELECT kind, count(*) FROM otel_logs_and_spans WHERE kind IN (SELECT kind FROM wanted) GROUP BY kind").fetchall())
        check(got == {k: n for k, n in all_kinds.items() if k in ("log", "server")} and got, "telemetry is chosen by it: %s of %s" % (got, all_kinds))
        one.execute("CREATE TEMP TABLE kinds AS " + kinds)
        check(dict(one.execute("SELECT * FROM kinds").fetchall()) == all_kinds, "CREATE TABLE AS keeps what the SELECT gives")
        for _ in range(8):  # prepared by the driver after five times, over a table that is another each time
            one.execute("DROP TABLE IF EXISTS again")
            one.execute("CREATE TEMP TABLE again (a int)")
            one.execute("INSERT INTO again VALUES (%s), (%s)", (1, 2))
            check(one.execute("SELECT sum(a) FROM again WHERE a > %s", (0,)).fetchone() == (3,), "a table made again is the new one")
        for sqlstate, sql in [("23505", "INSERT INTO wanted (id, kind) VALUES (7, 'x')"), ("23502", "INSERT INTO wanted (id) VALUES (9999)"),
                              ("42P07", None), ("42501", "CREATE TABLE lasting (a int)"), ("54000", "INSERT INTO again SELECT n FROM generate_series(1, 5000000) n")]:
            try:
                one.execute(sql or "CREATE TEMP TABLE wanted (a int)")
                check(False, "%s is refused" % sql)
            except psycopg.Error as error:
                check(error.sqlstate == sqlstate, "%s gives %s" % (sql, error.sqlstate))
        try:
            with one.transaction():
                one.execute("DELETE FROM wanted")
                one.execute("CREATE TEMP TABLE inside (a int) ON COMMIT DROP")
                check(one.execute("SELECT count(*) FROM wanted").fetchone() == (0,), "a transaction sees what it has done")
                raise RuntimeError
        except RuntimeError:
            pass
        with one.transaction():
            one.execute("UPDATE wanted SET price = 1 WHERE id < 10")
            try:
                with one.transaction():
                    one.execute("TRUNCATE wanted")
                    raise RuntimeError
            except RuntimeError:
                pass
        check(one.execute("SELECT count(*), count(*) FILTER (WHERE price = 1) FROM wanted").fetchone()[0] == 5000, "ROLLBACK and ROLLBACK TO bring back what was there")
        for sql in ("SELECT * FROM wanted", "SELECT * FROM pg_temp.wanted", "SELECT * FROM inside"):
            try:
                other.execute(sql)
                check(False, "%s is another session's" % sql)
            except psycopg.Error as error:
                check(error.sqlstate == "42P01", "%s gives %s to another session" % (sql, error.sqlstate))
        # What tools see of them: psql's words, and its own tables alone.
        script = ("CREATE TEMP TABLE seen (id int NOT NULL, name varchar(7));\n\\pset format unaligned\n\\dt\n\\d seen\n\\d wanted\n"
                  "PREPARE own AS SELECT count(*) FROM pg_class WHERE relpersistence = 't';\nEXECUTE own;\nDROP TABLE seen;\nEXECUTE own;\n")
        told = subprocess.run(["psql", "-X", "-h", "127.0.0.1", "-p", str(server.pg_port), "-U", "default", "-d", "monoscope", "-q"], env=dict(os.environ, PGPASSWORD=server.key),
                              input=script, capture_output=True, text=True)
        lines = [line.strip() for line in told.stdout.splitlines()]
        check(lines[2:6][0].startswith("pg_temp_") and lines[2].endswith("|seen|table|monoscope") and lines[3].startswith("public|"), "psql lists its own table: %s" % told.stdout)
        check("id|integer||not null|" in lines and "name|character varying(7)|||" in lines, "and describes it: %s" % told.stdout)
        check("wanted" not in told.stdout, "but no other session's: %s%s" % (told.stdout, told.stderr))
        check(lines[-6:] == ["count", "1", "(1 row)", "count", "0", "(1 row)"], "a prepared question of the catalog is of now: %s" % told.stdout)
        named = one.execute("SELECT relname FROM pg_class WHERE oid = %s::regclass", ["wanted"]).fetchone()
        check(named == ("wanted",) and other.execute("SELECT to_regclass('wanted'), to_regclass('pg_temp.wanted')").fetchone() == (None, None), "a name is found where it is: %s" % (named,))
        oid = one.execute("SELECT 'wanted'::regclass::oid").fetchone()[0]
        check(one.execute("SELECT %s::oid::regclass::text", [oid]).fetchone() == ("wanted",) and other.execute("SELECT %s::oid::regclass::text", [oid]).fetchone() == (str(oid),), "and so is its oid")
        counts = "SELECT (SELECT count(*) FROM pg_class WHERE relpersistence = 't'), (SELECT count(*) FROM pg_attribute WHERE attrelid = %s), (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pg\\_temp%%'), " \
                 "(SELECT count(*) FROM information_schema.tables WHERE table_type LIKE 'LOCAL%%'), (SELECT count(*) FROM information_schema.columns WHERE table_name = 'wanted')"
        check(other.execute(counts, [oid]).fetchone() == (0, 0, 0, 0, 0) and one.execute(counts, [oid]).fetchone() == (3, 5, 1, 3, 5), "the catalog of another session has none of it: %s" % (one.execute(counts, [oid]).fetchone(),))
        one.execute("DISCARD ALL") if one.info.transaction_status == 0 else None


def check_kill(server):
    """Rows one by one and transactions of 50 in both tables while the server is killed, again and again."""
    answered, begun = {"one": 0}, {"one": 0}
    for round_number in range(ROUNDS):
        stops = threading.Event()

        def ones():
            try:
                with server.connect() as connection:
                    while not stops.is_set():
                        begun["one"] += 1
                        connection.execute(METRIC, ["kill.one", begun["one"]])
                        answered["one"] = begun["one"]
            except psycopg.Error:
                pass

        def transactions():
            name = None
            try:
                with server.connect(autocommit=False) as connection:
                    for n in range(100000):
                        name = "kill.tx.%d.%d" % (round_number, n)
                        begun[name] = 1
                        connection.cursor().executemany(METRIC, [(name, i) for i in range(25)])
                        connection.cursor().executemany("INSERT INTO otel_logs_and_spans (timestamp, name) VALUES (now(), %s)", [(name,)] * 25)
                        connection.commit()
                        answered[name] = 1
            except psycopg.Error:
                pass
        threads = [threading.Thread(target=ones), threading.Thread(target=transactions)]
        [thread.start() for thread in threads]
        time.sleep(random.uniform(0.3, 1.5))
        server.kill()
        stops.set()
        [thread.join() for thread in threads]
        server.start()
    values = {int(value) for value, in server.query("SELECT value FROM otel_metrics WHERE metric_name = 'kill.one'")}
    count = server.one("SELECT count(*) FROM otel_metrics WHERE metric_name = 'kill.one'")
    check(count == len(values), "no row twice")
    check(len(values) >= begun["one"] - ROUNDS, "%d rows of %d begun, of which at most %d were not answered" % (len(values), begun["one"], ROUNDS))
    found = dict(server.query("SELECT name, count(*) FROM telemetry WHERE name LIKE 'kill.tx.%' GROUP BY 1"))
    partly = {name: rows for name, rows in found.items() if rows != 50}
    check(not partly, "a transaction is there as a whole: %s" % partly)
    missing = [name for name in answered if name != "one" and name not in found]
    check(not missing, "what was committed is there: %s" % missing[:3])
    print("%d kills: %d rows, %d transactions of %d begun" % (ROUNDS, len(values), len(found), len(begun) - 1), flush=True)


def check_redaction(server):
    _, admin = server.key_create("default", "redacts", "--scopes", "admin,query")
    wait_until(lambda: Caller(server, admin).ask("GET", "/projects/default/redaction-rules")[0] == 200, "the key counts")
    Caller(server, admin).done("POST", "/projects/default/redaction-rules", {"name": "mail", "finds": "attribute", "pattern": "user.email", "does": "mask"})
    time.sleep(1)
    server.execute("INSERT INTO otel_logs_and_spans (timestamp, name, attributes___user___email, attributes) VALUES (now(), 'redacted', 'ann@example.com', "
                   "'{\"user.email\": \"bob@example.com\", \"kept\": \"yes\"}')")
    mail, kept = server.query("SELECT attributes___user___email, attributes->>'kept' FROM otel_logs_and_spans WHERE name = 'redacted'")[0]
    check(mail == "[redacted]" and kept == "yes", "what is not to be kept is not: %s %s" % (mail, kept))
    texts = server.one("SELECT string_agg(attributes::text, '') FROM otel_logs_and_spans WHERE name = 'redacted'")
    check("example.com" not in texts, "nor in the JSON: %s" % texts)


def main():
    make_authority("ca")
    sign("ca", "server")
    with Server() as server:
        check_refusals(server)
        check_psql(server)
        check_own_rows(server)
        check_returning(server)
        check_transactions(server)
        check_counted(server)
        check_temporary(server)
        check_redaction(server)
        check_kill(server)
        server.stop()
        server.options = ["--tls-cert", path("server.crt"), "--tls-key", path("server.key")]
        server.start()
        check_drivers(server)
        server.stop()


main()
