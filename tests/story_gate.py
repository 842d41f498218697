#!/usr/bin/env python3
# time_limit_s: 240, tries: 2
"""Sessions and what they are told: the hint as a field of its own; pg_stat_activity, pg_cancel_backend() and pg_terminate_backend() of
the own project's sessions; type modifiers in RowDescription, and casts that honour them as PostgreSQL 15 does. Limits of a project's
statements; the fair queue: one that floods does not keep another's light statement waiting."""
import json
import threading
import time

import psycopg
from psycopg import pq

from apiclient import Caller, first_admin
from monoscope import Server, check, wait_until
from postgres import Postgres

# As PostgreSQL 15 gives them: value, type, modifier.
FORMS = """numeric(10,2): 1.005, -1.005, 12345678.994, 0, 1e3 | numeric(5): 12345.5, -0.5 | numeric(20,15): 1.123456789012345
varchar(3): abc, abcdef, äöüß, a | char(5): ab, abcdefg, ab   x, äö | char: xyz | varchar: abc | timestamp(3): 2026-11-28 01:02:03.4565, 2026-11-28 01:02:03.456499
timestamp(0): 2026-11-28 23:59:59.5, 1999-12-31 23:59:59.5, 1969-07-20 20:17:40.4999, infinity, -infinity | timestamp(6): 2026-11-28 01:02:03.456789
timestamptz(3): 2026-11-28 01:02:03.4565+02, 1969-12-31 23:59:59.9995+00 | time(1): 01:02:03.45, 23:00:00.04 | time(0): 12:34:56.5
numeric(4,1)[]: {1.25,NULL,-1.25} | varchar(2)[]: {abc,NULL,x} | char(3)[]: {a,NULL,abcd} | timestamp(1)[]: {"2026-11-28 01:02:03.45"} | timestamptz(0)[]: {}"""
EXPRESSIONS = [
    "SELECT length('ab'::char(5)), 'ab'::char(5) || 'x', 'ab '::char(5) = 'ab'::char(9), upper('ab'::char(3))",
    "SELECT x FROM (SELECT 'abc'::varchar(2) AS x) AS t", "WITH t AS (SELECT 1.239::numeric(6,2) AS x) SELECT x, x + 1, max(x) OVER () FROM t",
    "SELECT 1::numeric(10,2) UNION ALL SELECT 2.5::numeric(10,2)", "SELECT 'a'::varchar(3) UNION ALL SELECT 'b'::varchar(4)",
    "SELECT '1.239'::text::numeric(6,2), 7::int::numeric(6,2), 1.005::float8::numeric(6,2), 2.5::float8::numeric(6)",
    "SELECT ('a'::varchar(3))::text, cast('2026-11-28 01:02:03.9' AS timestamp(0))::timestamp",
]
REFUSED = ["SELECT 'a'::varchar(0)", "SELECT 1::numeric(0)", "SELECT 1::int(3)", "SELECT 'x'::text(3)", "SELECT 123456::numeric(5,2)", "SELECT 'a'::varchar(99999999)"]


def described(connection, sql, result):
    got = connection.exec_params(sql.encode(), None, result_format=result)
    check(got.status == pq.ExecStatus.TUPLES_OK, "%s: %s" % (sql, (got.error_message or b"").decode()))
    return [[(got.get_value(r, c), got.ftype(c), got.fmod(c), got.fsize(c)) for c in range(got.nfields)] for r in range(got.ntuples)]


def forms(server, postgres):
    theirs = pq.PGconn.connect(("host=127.0.0.1 port=%d user=monoscope password=story-password dbname=monoscope" % postgres.port).encode())
    ours = pq.PGconn.connect(("host=127.0.0.1 port=%d user=default dbname=x password=%s" % (server.pg_port, server.key)).encode())
    theirs.exec_(b"SET timezone = 'UTC'")
    checked = 0
    asked = ["SELECT '%s'::%s" % (value.strip(" "), name) for line in FORMS.replace("\n", " | ").split(" | ") for name, values in [line.split(": ", 1)]
             for value in (values.split(", ") if "[]" not in name else [values])]
    for sql in asked + EXPRESSIONS:
        for result in (0, 1):
            if result == 1 and sql in EXPRESSIONS:
                continue  # avg and its kin are doubles here: docs/sql.md
            wanted, got = described(theirs, sql, result), described(ours, sql, result)
            check(got == wanted, "%s in format %d: %r, PostgreSQL %r" % (sql, result, got, wanted))
            checked += 1
    for sql in REFUSED:
        for connection in (theirs, ours):
            check(connection.exec_(sql.encode()).status == pq.ExecStatus.FATAL_ERROR, "%s is refused" % sql)
    check(ours.exec_(b"SELECT format_type(1700, 655366), format_type(1043, 24)").get_value(0, 0) == b"numeric(10,2)", "format_type")
    print("%d casts with modifiers are PostgreSQL's in value, type and modifier; %d are refused by both" % (checked, len(REFUSED)), flush=True)


def hints(server):
    with server.connect() as connection:
        for sql, text, hint in (("SELECT nam FROM otel_logs_and_spans", 'column "nam" does not exist', 'perhaps you mean "name"'),
                                ("SELECT tdigest(1)", "function tdigest() does not exist here", "use approx_percentile(q, percentile_agg(x))"),
                                ("SELECT lowr('A')", "function lowr() does not exist here", "the nearest by its name is lower()")):
            try:
                connection.execute(sql)
                check(False, "%s is refused" % sql)
            except psycopg.Error as e:
                check((e.diag.message_primary, e.diag.message_hint) == (text, hint), "%s: %r" % (sql, (e.diag.message_primary, e.diag.message_hint)))
    print("hints are a field of their own", flush=True)


# Some seconds of work, without a table.
LONG = "SELECT count(*) FROM generate_series(1, 3000000000) AS g(n) WHERE n % 7 = 3"


def connect_as(server, project, key):
    return psycopg.connect(host="127.0.0.1", port=server.pg_port, user=project, password=key, dbname="x", autocommit=True, application_name="of " + project)


def knows(server, project, key):
    try:
        return connect_as(server, project, key)
    except psycopg.OperationalError:
        return None


def runs(connection, sql, ended):
    try:
        connection.execute(sql)
        ended.append("done")
    except psycopg.Error as e:
        ended.append(e.sqlstate or "closed")


def sessions(server):
    other_key = server.project_create("other")[2]
    wait_until(lambda: knows(server, "other", other_key), "the key is known")
    asks, works, neighbour = connect_as(server, "default", server.key), connect_as(server, "default", server.key), connect_as(server, "other", other_key)
    pid, works_pid, neighbour_pid = [c.execute("SELECT pg_backend_pid()").fetchone()[0] for c in (asks, works, neighbour)]
    check([pid, works_pid] == [asks.info.backend_pid, works.info.backend_pid] and len({pid, works_pid, neighbour_pid}) == 3, "the pid is that of BackendKeyData")
    ended = []
    thread = threading.Thread(target=runs, args=(works, LONG, ended))
    thread.start()
    seen = wait_until(lambda: asks.execute("SELECT usename, application_name, client_addr, query, query_start <= now() AND backend_start < query_start FROM pg_stat_activity WHERE pid = %s AND state = 'active'",
                                           [works_pid]).fetchall(), "the statement is seen")
    check(seen[0][:2] == ("default", "of default") and seen[0][2].startswith("127.0.0.1") and seen[0][3] == LONG and seen[0][4], "pg_stat_activity: %r" % (seen,))
    pids = {row[0] for row in asks.execute("SELECT pid FROM pg_stat_activity").fetchall()}
    check({pid, works_pid} <= pids and neighbour_pid not in pids, "own sessions alone: %r" % pids)
    check(asks.execute("SELECT state, query LIKE 'SELECT state%%' FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchall() == [("active", True)], "one's own")
    # The neighbour reaches nobody, and planning a statement stops nobody.
    check(neighbour.execute("SELECT pg_cancel_backend(%s), pg_terminate_backend(%s)" % (works_pid, works_pid)).fetchone() == (False, False), "another project's")
    asks.execute("PREPARE p AS SELECT pg_terminate_backend(%d)" % works_pid)
    check(not ended, "still running")
    check(asks.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%3000000000%' AND pid <> pg_backend_pid()").fetchall() == [(True,)], "cancelled")
    thread.join()
    check(ended == ["57014"] and works.execute("SELECT 1").fetchone() == (1,), "57014 and the session goes on: %r" % ended)
    for sql in ("SELECT 1", LONG):  # idle, and at work
        victim, said = connect_as(server, "default", server.key), []
        if sql is LONG:
            thread = threading.Thread(target=runs, args=(victim, LONG, said))
            thread.start()
            wait_until(lambda: asks.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %d AND state = 'active'" % victim.info.backend_pid).fetchall(), "it runs")
        check(asks.execute("SELECT pg_terminate_backend(%d)" % victim.info.backend_pid).fetchone() == (True,), "terminated")
        if sql is LONG:
            thread.join()
        else:
            runs(victim, sql, said)
        check(said == ["57P01"], "57P01: %r" % said)
        wait_until(lambda: asks.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %d" % victim.info.backend_pid).fetchone() == (0,), "it is gone")
    check(asks.execute("SELECT pg_cancel_backend(1), pg_cancel_backend(NULL)").fetchone() == (False, None), "nobody's pid")
    for connection in (asks, works, neighbour):
        connection.close()
    print("sessions of the own project are seen, cancelled and ended; another's are not", flush=True)
    return other_key


# Some tenths of a second of work each; and a light one, of a table.
HEAVY = "SELECT count(*) FROM generate_series(1, %d) AS g(n) WHERE n %% 7 = 3"
LIGHT = "SELECT count(*), max(duration) FROM otel_logs_and_spans WHERE timestamp > now() - interval '1 hour'"


def times(count, ask):
    taken = []
    for _ in range(count):
        begin = time.monotonic()
        ask()
        taken.append(1000 * (time.monotonic() - begin))
    return sorted(taken)


def p95(taken):
    return taken[max(0, -(-95 * len(taken) // 100) - 1)]


def asks_by_http(caller, project, sql):
    status, answer, _ = caller.ask("POST", "/projects/%s/query" % project, {"sql": sql})
    return status, answer


def flood(count, work):
    """Threads that work until they are told not to."""
    ends = threading.Event()

    def go():
        while not ends.is_set():
            work()
    threads = [threading.Thread(target=go, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()

    def stop():
        ends.set()
        for thread in threads:
            thread.join()
    return stop


def fair(server, key):
    """Project default floods; project other's light statement must not wait behind it."""
    with connect_as(server, "default", server.key) as warm:
        for n in (1000000, 10000000, 100000000):  # as many as keep it busy for some tenths of a second, on whatever machine
            if times(1, lambda: warm.execute(HEAVY % n))[0] > 150:
                break
    light = connect_as(server, "other", key)
    alone = p95(times(40, lambda: light.execute(LIGHT).fetchone()))
    connections = [connect_as(server, "default", server.key) for _ in range(50)]
    notices, free = [], list(connections)
    for connection in connections:
        connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))

    def heavy():
        connection = free.pop()
        connection.execute(HEAVY % n)
        free.append(connection)
    stop = flood(50, heavy)
    time.sleep(2)
    flooded = p95(times(40, lambda: light.execute(LIGHT).fetchone()))
    own = connect_as(server, "default", server.key)  # looks at what happens though its project's turns are all taken
    states = own.execute("SELECT wait_event, count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() GROUP BY 1 ORDER BY 2").fetchall()
    at_work, waiting = [sum(n for event, n in states if (event == "Turn") == turn) for turn in (False, True)]
    check(1 <= at_work <= 4 and waiting >= 40, "3 at work, the others wait for their turn: %s" % states)
    stop()
    check(any("waits for its turn" in text for text in notices), "a notice tells that it waits: %s" % notices[:3])
    check(flooded < max(10 * alone, 1500), "p95 of the light one beside 50 heavy ones: %.0f ms, alone %.0f ms" % (flooded, alone))
    print("50 connections of heavy statements: %d at work, %d wait; p95 of another project's light one: %.0f ms, alone %.0f ms" % (at_work, waiting, flooded, alone), flush=True)
    by_http = lambda: asks_by_http(Caller(server, key), "other", LIGHT)
    alone = p95(times(20, by_http))
    codes = []
    stop = flood(30, lambda: codes.append(asks_by_http(Caller(server, server.key), "default", HEAVY % n)[0]))
    time.sleep(2)
    flooded = p95(times(20, by_http))
    check(by_http()[0] == 200, "the light one is answered")
    stop()
    check(set(codes) == {200, 429}, "heavy ones wait, and beyond the bound are told: %s" % set(codes))
    check(flooded < max(10 * alone, 1500), "p95 of the light one over HTTP beside 30 heavy ones: %.0f ms, alone %.0f ms" % (flooded, alone))
    print("the same over HTTP, 30 at once: %.0f ms, alone %.0f ms; %d of %d were told to come again" % (flooded, alone, codes.count(429), len(codes)), flush=True)
    for connection in connections + [light, own]:
        connection.close()


def refused(connection, sql):
    try:
        connection.execute(sql)
    except psycopg.Error as e:
        check(e.diag.message_hint, "%s: a hint with %s" % (sql, e))
        return e.sqlstate, e.diag.message_primary
    return None


def said_of(name, told):
    """A limit that was lifted counts for a quarter of a second more."""
    return told if told and name in told[1] else None


def limits(server):
    admin = first_admin(server)
    server.load(seconds=1, rate=4000)
    server.wait_count("SELECT count(*) >= 3000 FROM otel_logs_and_spans", True)
    server.execute("FLUSH")
    connection = connect_as(server, "default", server.key)

    def limit(name, value):
        admin.done("PUT", "/projects/default/limits/" + name, {"value": value})
    for name, value, sql, sqlstate in (("query_seconds", 1, LONG.replace("3000000000", "400000000"), "57014"), ("query_rows", 1000, "SELECT * FROM otel_logs_and_spans", "54000"),
                                       ("query_bytes", 5000, "SELECT name, attributes, id FROM otel_logs_and_spans", "54000")):
        limit(name, value)
        told = wait_until(lambda: said_of(name, refused(connection, sql)), "%s is refused" % name, 60)
        check(told[0] == sqlstate, "%s: %r" % (name, told))
        check(connection.execute("SELECT count(*) FROM generate_series(1, 10)").fetchone() == (10,), "the session goes on")
        limit(name, 0)
        wait_until(lambda: name == "query_seconds" or refused(connection, sql) is None, "%s is lifted" % name)
    limit("queries", 2)
    others = [connect_as(server, "default", server.key) for _ in range(2)]
    threads = [threading.Thread(target=runs, args=(other, LONG, [])) for other in others]
    for thread in threads:
        thread.start()
    told = wait_until(lambda: refused(connection, "SELECT count(*) FROM otel_metrics"), "the third is refused")
    check(told[0] == "53400" and "queries" in told[1], "queries: %r" % (told,))
    for other in others:
        check(connection.execute("SELECT pg_cancel_backend(%d)" % other.info.backend_pid).fetchone() == (True,), "cancelled though the limit is reached")
    for thread in threads:
        thread.join()
    limit("queries", 0)
    print("limits of time, rows, bytes read and statements at once are refused with what to do", flush=True)
    return admin


def statement_log(server, admin, other_key):
    """Who asked what: without its literals, whatever came of it, and nothing of another project."""
    connection = connect_as(server, "default", server.key)
    pid = connection.info.backend_pid
    connection.execute("SELECT name FROM otel_logs_and_spans WHERE name <> 'a secret' AND timestamp > now() - interval '1 hour' LIMIT 7").fetchall()
    connection.execute("SELECT count(*) FROM otel_logs_and_spans WHERE name = %s", ["a secret"])
    check(refused(connection, "SELECT nam FROM otel_logs_and_spans WHERE name = 'a secret'"), "refused")
    check(asks_by_http(Caller(server, server.key), "default", "SELECT 1 + 41 AS a_secret FROM otel_metrics")[0] == 200, "over HTTP")
    with connect_as(server, "other", other_key) as other:
        other.execute("SELECT count(*) FROM otel_metrics")

    def logged():
        rows = [row for row in admin.done("GET", "/projects/default/statements?limit=50")["items"] if row["session"] == pid or "a_secret" in row["statement"]]
        return rows if len(rows) == 4 else None
    http, bad, bound, first = wait_until(logged, "four statements in the log")
    check((first["operation"], first["rows"], first["sqlstate"], first["via"], first["actor_kind"]) == ("SELECT", 7, "00000", "sql", "key"), first)
    check(first["statement"] == "SELECT name FROM otel_logs_and_spans WHERE name <> $1 AND timestamp > now() - interval $2 LIMIT $3", first["statement"])
    check(first["files_read"] >= 1 and first["bytes"] > 0 and first["ms"] > 0, first)
    check(bound["rows"] == 1 and bad["sqlstate"] == "42703" and bad["operation"] == "" and http["via"] == "http" and "$1" in http["statement"], (bound, bad, http))
    check("a secret" not in json.dumps(admin.done("GET", "/projects/default/statements?limit=200")), "no literal and no value of a parameter")
    check([row["number"] for row in admin.done("GET", "/projects/default/statements?failed=true&operation=")["items"]].count(bad["number"]) == 1, "those that failed")
    check(all("otel_metrics" in row["statement"] or row["session"] != pid for row in admin.done("GET", "/projects/other/statements")["items"]), "the other's own")
    taken = times(300, lambda: connection.execute("SELECT 1 FROM otel_metrics").fetchall())
    print("the log of statements: who, what without literals, how long, rows, bytes, files, outcome; a statement takes %.1f ms (p50) with it" % taken[150], flush=True)
    connection.close()


def main():
    with Postgres() as postgres, Server() as server:
        hints(server)
        forms(server, postgres)
        other_key = sessions(server)
        admin = limits(server)
        statement_log(server, admin, other_key)
        fair(server, other_key)
        server.stop()


main()
