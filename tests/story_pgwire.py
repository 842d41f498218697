# time_limit_s: 240, tries: 2
"""PostgreSQL's protocol against the whole server over TLS, by raw sockets and by libpq.

1. Startup: versions and unknown options are negotiated, TLS by request and at once, SCRAM with channel binding, long cancel keys;
   what is half, lies about its length or is no protocol is told and hurts nobody else.
2. Statements: pipelines with an error in the middle, portals with row limits, cursors, PREPARE, transactions with one snapshot,
   savepoints, timeouts, cancel by the right key only.
3. Types: the same expressions here and in PostgreSQL 15, in text and binary, as results and as parameters: the same bytes and OIDs.
4. COPY TO STDOUT in text, CSV and binary: the same bytes as PostgreSQL's.
5. Many rows stream in bounded memory, while a client that does not read, one that has sent half a message and 300 connections
   that come at once leave the others alone.
6. A revoked key ends its connections within a second: an idle one, and one whose query runs.
"""
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from psycopg import pq
from monoscope import BINARY, FULL, STORY_DIR, MemoryWatch, Server, check, wait_until
from pgwire import Wire, cancel, certificate, field
from postgres import Postgres

ROWS = 1_000_000 if FULL else 100_000
CONNECTIONS = 300
RSS_MIB_MORE = 300  # what streaming may add, whatever the count of rows


# -- startup ---------------------------------------------------------------------------------------------------------

def startup(server, tls):
    with Wire(server, tls) as wire:
        check(wire.start(version=0x0003_0000) == [] and len(wire.secret) == 4, "3.0 has a key of 4 bytes: %r" % wire.secret)
        check(wire.query("SELECT 1")[0] == [[b"1"]], "it asks")
    with Wire(server, tls) as wire:
        check(wire.start(version=0x0003_0002) == [] and len(wire.secret) == 32, "3.2 has a key of 32 bytes")
    for version, answer in ((0x0003_270F, 0x0003_0002), (0x0003_0005, 0x0003_0002)):
        with Wire(server, tls) as wire:
            check(wire.start(version=version) == [(answer, [])], "%x is answered by 3.2: %r" % (version, wire.negotiated))
    with Wire(server, tls) as wire:
        options = {"_pq_.later": "on", "_pq_.other": "x"}
        check(wire.start(version=0x0003_0000, **options) == [(0x0003_0000, ["_pq_.later", "_pq_.other"])], "unknown options are listed")
    with Wire(server, tls, direct=True) as wire:
        wire.start()
        check(wire.socket.selected_alpn_protocol() == "postgresql", "TLS at once, ALPN")
        check(wire.mechanisms == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], wire.mechanisms)
    try:
        Wire(server, tls, direct=True, alpn=None).start()
        check(False, "TLS at once without ALPN is let in")
    except (ConnectionError, ssl.SSLError, EOFError):
        pass
    with Wire(server, tls, gss=True) as wire:
        wire.start()
    for bad in (b"\x00\x00\x00\x03", b"\x00\x00\x00\x08\x00\x02\x00\x00", b"\x7f\xff\xff\xff\x00\x03\x00\x00", b"GET / HTTP/1.1\r\n\r\n",
                b"\x00\x00\x00\x09\x00\x03\x00\x00x"):
        with socket.create_connection(("127.0.0.1", server.pg_port), timeout=10) as raw:
            raw.sendall(bad)
            check(raw.recv(1) in (b"E", b""), "%r is refused" % bad)
    for conninfo in ("channel_binding=require", "sslnegotiation=direct channel_binding=require", "require_auth=scram-sha-256",
                     "max_protocol_version=3.2"):
        if conninfo.startswith(("sslneg", "max_")) and pq.version() < 180000:
            continue
        connection = pq.PGconn.connect(("host=localhost hostaddr=127.0.0.1 port=%d user=default dbname=x password=%s sslmode=verify-full sslrootcert=%s %s"
                                        % (server.pg_port, server.key, tls, conninfo)).encode())
        check(connection.status == pq.ConnStatus.OK, "%s: %s" % (conninfo, connection.error_message.decode()))
        connection.finish()
    refused = pq.PGconn.connect(("host=127.0.0.1 port=%d user=default dbname=x password=%s sslmode=require" % (server.pg_port, server.key[:-1] + "x")).encode())
    check(b"unknown API key" in refused.error_message, refused.error_message)
    nobody = pq.PGconn.connect(("host=127.0.0.1 port=%d user=no-such dbname=x password=%s sslmode=require" % (server.pg_port, server.key)).encode())
    check(b"unknown API key" in nobody.error_message, nobody.error_message)


# -- both protocols --------------------------------------------------------------------------------------------------

def extended(wire):
    # An error in a pipeline: what follows is passed over up to Sync, what came before and after it counts.
    wire.send(wire.parse("a", "SELECT $1::int4 + 1", [23]) + wire.bind("", "a", [b"41"]) + wire.execute() +
              wire.parse("", "SELECT 1/'x'::int4") + wire.bind("", "") + wire.execute() + wire.bind("", "a", [b"1"]) + wire.execute() + wire.sync() +
              wire.bind("", "a", [b"6"]) + wire.execute() + wire.sync())
    kinds = wire.read_types(2)
    check(kinds[:4] == "12DC" and kinds.count("E") == 1 and kinds.endswith("EZ2DCZ"), kinds)
    # Row limits.
    wire.send(wire.query_message("BEGIN"))
    wire.read_types(1)
    wire.send(wire.parse("", "SELECT generate_series FROM generate_series(1, 10)") + wire.bind("p", "") + wire.describe("P", "p") + wire.execute("p", 4) +
              wire.execute("p", 4) + wire.execute("p", 4) + wire.sync())
    check(wire.read_types(1) == "12T" + "DDDDs" + "DDDDs" + "DDC" + "Z", "portals suspend")
    wire.send(wire.bind("q", "", [], [1]) + wire.execute("q", 1) + wire.sync() + wire.execute("q", 1) + wire.close("P", "q") + wire.execute("q") + wire.sync())
    check(wire.read_types(2) == "2DsZDs3EZ" and field(wire.last_error, "C") == "34000", "a portal lives in its transaction until it is closed")
    check(wire.status == "E", wire.status)
    wire.send(wire.parse("", "SELECT 1") + wire.sync())
    check(wire.read_types(1) == "EZ" and field(wire.last_error, "C") == "25P02", "a failed transaction takes no statement")
    rows, tags = wire.query("ROLLBACK")
    check(tags == ["ROLLBACK"] and wire.status == "I", tags)
    wire.send(wire.execute("p") + wire.sync())
    check(wire.read_types(1) == "EZ" and field(wire.last_error, "C") == "34000", "portals end with the transaction")
    wire.send(wire.parse("", "SELECT nothing_here") + wire.describe("S", "") + wire.flush())
    check(wire.read_types(0, until="E") == "E" and field(wire.last_error, "C") == "42703" and field(wire.last_error, "P") == "8", "position without Sync")
    wire.send(wire.sync())
    check(wire.read_types(1) == "Z", "then Sync")
    wire.send(b"F" + struct.pack("!I", 14) + struct.pack("!IHHH", 1, 0, 0, 0))
    check(wire.read_types(1) == "EZ" and field(wire.last_error, "C") == "0A000", "FunctionCall is refused")
    wire.send(wire.bind("", "nowhere") + wire.sync() + wire.describe("S", "nowhere") + wire.sync())
    check(wire.read_types(2) == "EZEZ" and field(wire.last_error, "C") == "26000", "no such statement")
    wire.send(wire.parse("", "") + wire.bind("", "") + wire.describe("P", "") + wire.execute() + wire.sync())
    check(wire.read_types(1) == "12nIZ", "an empty query")
    # A hundred statements at once.
    wire.send(b"".join(wire.bind("", "a", [b"%d" % n]) + wire.execute() for n in range(500)) + wire.sync())
    check(wire.read_types(1) == "2DC" * 500 + "Z", "a long pipeline")
    check(wire.query("")[1] == [None] and wire.query("SELECT 1; SELECT 2")[0] == [[b"1"], [b"2"]], "simple queries")


def words(wire):
    """SQL's own words: (statement, tag or SQLSTATE, rows)."""
    steps = [
        ("PREPARE w(int4, text) AS SELECT $1 + 1, $2", "PREPARE", None), ("EXECUTE w(3, 'it''s')", "SELECT 1", [[b"4", b"it's"]]),
        ("PREPARE w AS SELECT 1", "42P05", None), ("EXECUTE w(1)", "42601", None), ("DEALLOCATE w", "DEALLOCATE", None), ("EXECUTE w(1, '')", "26000", None),
        ("PREPARE c AS COMMIT", "42601", None),
        ("DECLARE c CURSOR FOR SELECT 1", "25P01", None), ("SAVEPOINT s", "25P01", None), ("FETCH c", "34000", None),
        ("BEGIN", "BEGIN", None), ("DECLARE c CURSOR FOR SELECT generate_series FROM generate_series(1, 9)", "DECLARE CURSOR", None),
        ("FETCH 2 FROM c", "FETCH 2", [[b"1"], [b"2"]]), ("MOVE 3 IN c", "MOVE 3", []), ("FETCH c", "FETCH 1", [[b"6"]]),
        ("SAVEPOINT s", "SAVEPOINT", None), ("DECLARE d CURSOR FOR SELECT 1", "DECLARE CURSOR", None), ("FETCH PRIOR FROM c", "0A000", None),
        ("SELECT 1", "25P02", None), ("ROLLBACK TO nowhere", "3B001", None), ("ROLLBACK TO s", "ROLLBACK", None), ("FETCH d", "34000", None),
        ("ROLLBACK TO s", "ROLLBACK", None), ("FETCH ALL FROM c", "FETCH 3", [[b"7"], [b"8"], [b"9"]]), ("FETCH c", "FETCH 0", []),
        ("CLOSE c", "CLOSE CURSOR", None), ("DECLARE h CURSOR WITH HOLD FOR SELECT 1", "0A000", None), ("COMMIT", "ROLLBACK", None),
        ("DELETE FROM otel_metrics WHERE metric_name = 'x'", "DELETE 0", None), ("BEGIN", "BEGIN", None), ("DELETE FROM otel_metrics WHERE metric_name = 'x'", "0A000", None),
        ("ROLLBACK AND CHAIN", "ROLLBACK", None), ("COMMIT", "COMMIT", None), ("DISCARD ALL", "DISCARD ALL", None),
        ("COPY otel_metrics FROM PROGRAM 'id'", "42501", None), ("INSERT INTO otel_metrics DEFAULT VALUES", "0A000", None), ("INSERT INTO otel_metrics (metric_name) VALUES ('x')", "23502", None), ("COPY (SELECT 1) TO '/tmp/x'", "42501", None),
        ("COPY (SELECT 1) TO PROGRAM 'id'", "42501", None),
    ]
    for sql, wanted, rows in steps:
        got, tags = wire.query(sql)
        check((tags or [field(wire.last_error, "C")]) == [wanted] and (rows is None or got == rows), "%s: %r %r, wanted %r %r" % (sql, tags, got, wanted, rows))
    wire.query("COMMIT")
    check(field(wire.last_notice, "C") == "25P01", "COMMIT of nothing is a warning")
    wire.query("SET timezone = 'Europe/Berlin'")
    check(wire.parameters["TimeZone"] == "Europe/Berlin", wire.parameters)


def send(server, tls, text):
    sent = subprocess.run([BINARY, "send", "--port", str(server.grpc_port), "--key", server.key, "--tls", "--ca", tls, text], capture_output=True, text=True)
    check(sent.returncode == 0, sent.stderr)


def snapshots(server, tls):
    """BEGIN: what comes later is not seen, now() stands still."""
    with server.connect() as connection:
        connection.execute("BEGIN")
        first = connection.execute("SELECT count(*), now() FROM otel_logs_and_spans").fetchone()
        send(server, tls, "later")
        wait_until(lambda: server.one("SELECT count(*) FROM otel_logs_and_spans") > first[0], "others see new rows")
        check(connection.execute("SELECT count(*), now() FROM otel_logs_and_spans").fetchone() == first, "one snapshot, one now()")
        check(connection.execute("SELECT count(*) FROM telemetry").fetchone()[0] >= first[0], "all tables")
        connection.execute("COMMIT")
        check(connection.execute("SELECT count(*) FROM otel_logs_and_spans").fetchone()[0] > first[0], "after it the new rows are there")


SLOW = "SELECT count(*) FROM generate_series(1, 4000000000) AS a(n) WHERE n % 7 = 3"


def limits(server, tls):
    for setting, sqlstate in (("statement_timeout", "57014"), ("transaction_timeout", "25P04")):
        with Wire(server, tls) as wire:
            wire.start()
            wire.query("SET %s = 200" % setting)
            wire.query("BEGIN")
            wire.query(SLOW, may_end=True)
            check(field(wire.last_error, "C") == sqlstate, "%s: %r" % (setting, wire.last_error))
    for setting, first, sqlstate in (("idle_session_timeout", "SELECT 1", "57P05"), ("idle_in_transaction_session_timeout", "BEGIN", "25P03"),
                                     ("transaction_timeout", "BEGIN", "25P04")):
        with Wire(server, tls) as wire:
            wire.start()
            wire.query("SET %s = '100ms'" % setting)
            wire.query(first)
            wire.read_end()
            check(field(wire.last_error, "C") == sqlstate and field(wire.last_error, "S") == "FATAL", "%s: %r" % (setting, wire.last_error))
    # Cancel: a wrong secret does nothing; the right one ends the statement and not the connection.
    with Wire(server, tls) as wire:
        wire.start(version=0x0003_0002)
        wire.send(wire.query_message(SLOW))
        for secret in (b"\0" * 32, wire.secret[:4], wire.secret[:31] + bytes([wire.secret[31] ^ 1]), b""):
            cancel(server, wire.pid, secret)
        wire.socket.settimeout(0.5)
        try:
            wire.socket.recv(1)
            check(False, "a wrong secret cancels")
        except TimeoutError:
            wire.socket.settimeout(30)
        cancel(server, wire.pid, wire.secret)
        check(wire.read_types(1) == "TEZ" and field(wire.last_error, "C") == "57014", wire.last_error)
        check(wire.query("SELECT 1")[0] == [[b"1"]], "the connection goes on")


# -- types -----------------------------------------------------------------------------------------------------------

VALUES = {
    "bool": ["true", "false"], "int2": ["-32768", "7", "32767"], "int4": ["-2147483648", "0", "2147483647"],
    "int8": ["-9223372036854775808", "9223372036854775807"], "float4": ["1.5", "-0.1", "1e10", "NaN", "Infinity", "3.4028235e38"],
    "float8": ["0.1", "-1e-300", "1e15", "1e16", "123456789.125", "NaN", "-Infinity", "1.7976931348623157e308"],
    "numeric(20,4)": ["0", "1.5", "-12345678.0001", "9999.9999", "0.0001", "10000"], "text": ["", "a", "ünï→", "NULL", "a\"b\\c"],
    "varchar": ["x"], "bytea": ["\\x", "\\x00ff5c27"], "uuid": ["00112233-4455-6677-8899-aabbccddeeff"],
    "date": ["1970-01-01", "2000-01-01", "2026-11-27", "0001-01-01", "1999-12-31", "9999-12-31"], "time": ["00:00:00", "23:59:59.999999"],
    "timestamp": ["2000-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2026-02-28 12:34:56.5"],
    "timestamptz": ["2000-01-01 00:00:00+00", "1969-12-31 23:59:59.000001+00", "2026-02-28 12:34:56.123+00"],
    "interval": ["1 year 2 mons 3 days 04:05:06.7", "-1 days", "-00:00:00.5", "00:00:00", "1 mon -1 days +02:00:00", "100:00:00"],
    "jsonb": ["{}", "[1,2]", "\"x\"", "null"],
    "bool[]": ["{t,f,NULL}"], "int2[]": ["{1,-2}"], "int4[]": ["{}", "{1,NULL,3}"], "int8[]": ["{9223372036854775807}"], "float4[]": ["{1.5,NaN}"],
    "float8[]": ["{0.1,Infinity}"], "numeric(38,10)[]": ["{1.5000000000,-2.2500000000,NULL}"], "text[]": ["{a,\"\",\"NULL\",NULL,\"x y\",\"q\\\"\\\\\",\"{}\"}"], "bytea[]": ["{\"\\\\x00ff\"}"],
    "uuid[]": ["{00112233-4455-6677-8899-aabbccddeeff}"], "date[]": ["{2026-11-27,1999-12-31}"], "timestamp[]": ["{\"2026-02-28 12:34:56.5\"}"],
    "timestamptz[]": ["{\"2026-02-28 12:34:56+00\"}"], "interval[]": ["{\"1 day\",-00:00:01}"],
}


def answer(connection, sql, values=None, types=None, formats=None, result=0):
    got = connection.exec_params(sql.encode(), values, types, formats, result) if values else connection.exec_params(sql.encode(), None, result_format=result)
    check(got.status == pq.ExecStatus.TUPLES_OK, "%s %r: %s" % (sql, values, (got.error_message or b"").decode()))
    return got.get_value(0, 0), got.ftype(0), got.fsize(0)


def types(server, tls, postgres):
    theirs = pq.PGconn.connect(("host=127.0.0.1 port=%d user=monoscope password=story-password dbname=monoscope" % postgres.port).encode())
    ours = pq.PGconn.connect(("host=127.0.0.1 port=%d user=default dbname=x password=%s sslmode=require" % (server.pg_port, server.key)).encode())
    theirs.exec_(b"SET timezone = 'UTC'")
    checked = 0
    for name, texts in VALUES.items():
        for text in texts:
            literal = "SELECT " + "'" + text.replace("'", "''") + "'::" + name
            for result in (0, 1):
                wanted, oid, size = answer(theirs, literal, result=result)
                got = answer(ours, literal, result=result)
                check(got[0] == wanted and got[1] == oid, "%s, format %d: %r, PostgreSQL %r" % (literal, result, got, (wanted, oid, size)))
                check(got[2] == size, "the size of %s: %d, PostgreSQL %d" % (name, got[2], size))
                # What PostgreSQL sends is taken as a parameter, in both formats, and comes back.
                for way in (0, 1):
                    sent = answer(theirs, literal, result=way)[0]
                    back = answer(ours, "SELECT $1::" + name, [sent], [oid], [way], result)[0]
                    check(back == wanted, "%s as a parameter in format %d: %r, PostgreSQL %r" % (literal, way, back, wanted))
                    checked += 1
        null = ours.exec_params(("SELECT $1::" + name).encode(), [None])
        check(null.status == pq.ExecStatus.TUPLES_OK and null.get_value(0, 0) is None, "NULL of " + name)
    for bad in ([b"\0\0"], [b""]):
        got = ours.exec_params(b"SELECT $1::int4", bad, [23], [1])
        check(got.status == pq.ExecStatus.FATAL_ERROR and got.error_field(pq.DiagnosticField.SQLSTATE).startswith((b"22", b"08")), "a bad binary int4: %r" % got.error_message)
    print("%d values of %d types are PostgreSQL's, in text and binary, as results and parameters" % (checked, len(VALUES)), flush=True)
    return ours, theirs


COPIED = """SELECT n, CASE n WHEN 0 THEN 'tab\there' WHEN 1 THEN E'line\\nend\\r' WHEN 2 THEN 'quo"te,comma' WHEN 3 THEN NULL WHEN 4 THEN '' WHEN 5 THEN '\\.' WHEN 6 THEN '\\N'
            ELSE E'\\b\\f\\v\\\\' END AS t, (n * 1.5)::float8 AS "odd,name" FROM generate_series(0, 7) AS g(n)"""
COPIES = ["", "(FORMAT csv)", "(FORMAT csv, HEADER)", "(FORMAT csv, DELIMITER ';', NULL 'nix', QUOTE '''', ESCAPE '\\')", "(FORMAT csv, FORCE_QUOTE *)",
          "(FORMAT csv, FORCE_QUOTE (t), NULL '-')", "(DELIMITER '|', NULL '')", "(FORMAT binary)", "(HEADER)", "WITH CSV HEADER", "BINARY"]
COPIES_BAD = ["(FORMAT xml)", "(DELIMITER 'ab')", "(QUOTE 'x')", "(FORMAT csv, DELIMITER '\"')", "(FORMAT binary, HEADER)", "(NULL E'a\\nb')", "(DELIMITER 'a')",
              "(FORMAT csv, FORCE_QUOTE (none))", "(BOGUS 1)"]


def copy_bytes(connection, sql):
    started = connection.exec_(sql.encode())
    if started.status != pq.ExecStatus.COPY_OUT:
        return started.error_field(pq.DiagnosticField.SQLSTATE)
    pieces = []
    while True:
        size, data = connection.get_copy_data(0)
        if size < 0:
            break
        pieces.append(bytes(data))
    ended = connection.get_result()
    check(ended.command_status is not None and ended.command_status.startswith(b"COPY "), "COPY ends: %r" % ended.command_status)
    while connection.get_result():
        pass
    return pieces, ended.command_status, [started.fformat(c) for c in range(started.nfields)]


def copies(ours, theirs):
    for options in COPIES:
        for source in (COPIED, "SELECT 1 AS n, 'x' AS t WHERE false", "SELECT '\\.' AS t"):
            if "FORCE_QUOTE (t)" in options and "AS t" not in source:
                continue
            sql = "COPY (%s) TO STDOUT %s" % (source, options)
            got, wanted = copy_bytes(ours, sql), copy_bytes(theirs, sql)
            check(got == wanted, "%s:\n%r\nPostgreSQL\n%r" % (sql, got, wanted))
    for options in COPIES_BAD:
        sql = "COPY (SELECT 1 AS t) TO STDOUT " + options
        got, wanted = copy_bytes(ours, sql), copy_bytes(theirs, sql)
        check(isinstance(got, bytes) and isinstance(wanted, bytes), "%s is refused: %r, PostgreSQL %r" % (sql, got, wanted))
    columns = copy_bytes(ours, "COPY otel_metrics (id, metric_name) TO STDOUT CSV HEADER")
    check(columns[0][0] == b"id,metric_name\n", columns[0][:1])
    check(copy_bytes(ours, "COPY otel_metrics (id, nothing) TO STDOUT") == b"42703" and copy_bytes(ours, "COPY pg_nothing TO STDOUT") == b"42P01", "of a table")
    print("%d kinds of COPY are PostgreSQL's, byte by byte" % len(COPIES), flush=True)


# -- many rows, many clients -----------------------------------------------------------------------------------------

def streams(server, tls):
    many = "SELECT n, md5(n::text) AS hash, 'padding padding padding padding' AS more FROM generate_series(1, %d) AS g(n)" % ROWS
    stuck = Wire(server, tls)  # asks for much and reads nothing
    stuck.start()
    stuck.send(stuck.query_message("SELECT repeat('x', 1000) FROM generate_series(1, 100000000)"))
    half = Wire(server, tls)
    half.start()
    half.send(b"Q\x00\x80\x00\x00SELECT")
    before = server.memory_kib()["VmRSS"] // 1024
    watch = MemoryWatch(server)
    with server.connect() as connection:
        digest, count = hashlib.md5(), 0
        with connection.cursor().copy("COPY (%s) TO STDOUT" % many) as copy:
            for piece in copy:
                count += bytes(piece).count(b"\n")
        check(count == ROWS, "%d rows by COPY" % count)
        sent = 0
        with connection.cursor() as cursor:
            for row in cursor.stream(many):
                sent += 1
        check(sent == ROWS, "%d rows as they come" % sent)
        with connection.transaction(), connection.cursor("many") as cursor:
            cursor.itersize = 5000
            check(sum(1 for _ in cursor.execute(many)) == ROWS, "by a cursor")
    peak = watch.stop()["VmRSS"]
    check(peak - before < RSS_MIB_MORE, "memory goes from %d to %d MiB" % (before, peak))
    print("%d rows by COPY, as they come and by a cursor, beside one that reads nothing and one with half a message: memory from %d to %d MiB"
          % (ROWS, before, peak), flush=True)
    stuck.socket.close()
    half.socket.close()


def herd(server):
    """300 at once, twice: each is let in and asks."""
    failures, lock = [], threading.Lock()
    everyone = threading.Barrier(CONNECTIONS // 10)

    def come(n):
        try:
            everyone.wait()
            held = [server.connect(sslmode="require") for _ in range(10)]
            for connection in held:
                check(connection.execute("SELECT %s::int4", [n]).fetchone() == (n,), "its own answer")
            everyone.wait()
            for connection in held:
                connection.close()
        except Exception as error:  # told below, by the thread that can end the story
            with lock:
                failures.append(repr(error))
            everyone.abort()
    begin = time.monotonic()
    threads = [threading.Thread(target=come, args=(n,)) for n in range(CONNECTIONS // 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not failures, failures[:3])
    check(server.one("SELECT 1") == 1, "others are served")
    print("%d connections at once in %.1f s" % (CONNECTIONS, time.monotonic() - begin), flush=True)


def revoked(server, tls):
    took = []
    key_id, key = server.key_create("default", "short")
    holds = lambda: pq.PGconn.connect(("host=127.0.0.1 port=%d user=default dbname=x password=%s" % (server.pg_port, key)).encode()).status == pq.ConnStatus.OK
    wait_until(holds, "the key is known", 60)
    idle, busy, reading_not = (Wire(server, tls, key=key) for _ in range(3))
    for wire in (idle, busy, reading_not):
        wire.start()
    busy.send(busy.query_message(SLOW))
    reading_not.send(reading_not.query_message("SELECT repeat('x', 1000) FROM generate_series(1, 100000000)"))
    server.command("key", "revoke", key_id)
    begin = time.monotonic()
    for wire in (idle, busy):
        wire.read_end()
        took.append(time.monotonic() - begin)
        check(field(wire.last_error, "C") == "28P01" or wire is busy, "told why: %r" % wire.last_error)
        check(field(wire.last_error, "S") == "FATAL" and "revoked" in field(wire.last_error, "M"), wire.last_error)
    wait_until(lambda: server.one("SELECT 1") == 1, "others go on")
    print("revoked: the idle connection ended after %.2f s, the one with a query after %.2f s" % tuple(took), flush=True)
    check(max(took) < 6, "within a second, and five for a busy machine: %r" % took)
    reading_not.socket.close()


def main():
    cert, key = certificate(STORY_DIR)
    with Postgres() as postgres, Server(options=["--tls-cert", cert, "--tls-key", key, "--pg-connections", "400"]) as server:
        send(server, cert, "first")
        wait_until(lambda: server.one("SELECT count(*) FROM otel_logs_and_spans") > 0, "rows")
        startup(server, cert)
        with Wire(server, cert) as wire:
            wire.start()
            extended(wire)
            words(wire)
        snapshots(server, cert)
        limits(server, cert)
        ours, theirs = types(server, cert, postgres)
        copies(ours, theirs)
        streams(server, cert)
        herd(server)
        revoked(server, cert)
        server.stop()


main()
