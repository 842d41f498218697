#!/usr/bin/env python3
# time_limit_s: 240
"""Sessions and what they are told: the hint as a field of its own; pg_stat_activity, pg_cancel_backend() and pg_terminate_backend() of
the own project's sessions; type modifiers in RowDescription, and casts that honour them as PostgreSQL 15 does."""
import threading

import psycopg
from psycopg import pq

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


def main():
    with Postgres() as postgres, Server() as server:
        hints(server)
        forms(server, postgres)
        sessions(server)
        server.stop()


main()
