"""Any statement as a file: CSV, JSON, NDJSON and Parquet by one link hold the same rows, types and all, as psycopg and the API
see them; pyarrow and DuckDB read the Parquet. Names of files, refusals, what a link may not do; a million rows with a reader
that is slow, in bounded memory.
time_limit_s: 120, tries: 2
"""
import csv
import ctypes
import datetime
import decimal
import glob
import io
import json
import os
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pyarrow.compute as compute
import pyarrow.parquet as parquet

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin, user_with_role
from monoscope import STORY_DIR, Server, check
from nodeprogram import DEPS
from otlp import Sender
from samples import send_round

MB = 1 << 20
UTC = datetime.timezone.utc
# One of each type, lists, nulls, names that come twice or are empty.
TYPES = """SELECT 1::int2 AS small, 2::int4 AS middle, 9007199254740993::int8 AS large, 1.5::float4 AS real, 0.1::float8 AS double,
  12345678901234567890.123::numeric AS exact, -0.05::numeric(10,2) AS cents, true AS yes, 'ä"\n;=1+1'::text AS text, ''::text AS empty,
  NULL::text AS nothing, '\\x00ff'::bytea AS bytes, '0191e2c4-0000-7000-8000-0000000000aa'::uuid AS id, '{"a": [1, 2.50, null]}'::jsonb AS doc,
  '2026-02-28'::date AS day, '03:04:05.000006'::time AS clock, '2026-02-28 03:04:05.000006'::timestamp AS local,
  '2026-02-28 03:04:05.000006+02'::timestamptz AS moment, '1 mon 2 days'::interval AS span, ARRAY[1, NULL, 3]::int8[] AS numbers,
  ARRAY[]::text[] AS none, NULL::text[] AS no_list, ARRAY['a', 'ö,"'] AS words, 7 AS twice, 8 AS twice"""
WANTED = {
    "small": 1, "middle": 2, "large": 9007199254740993, "real": 1.5, "double": 0.1, "exact": decimal.Decimal("12345678901234567890.123"),
    "cents": decimal.Decimal("-0.05"), "yes": True, "text": 'ä"\n;=1+1', "empty": "", "nothing": None, "bytes": b"\x00\xff",
    "id": "0191e2c4-0000-7000-8000-0000000000aa", "doc": '{"a": [1, 2.50, null]}', "day": datetime.date(2026, 2, 28),
    "clock": datetime.time(3, 4, 5, 6), "local": datetime.datetime(2026, 2, 28, 3, 4, 5, 6),
    "moment": datetime.datetime(2026, 2, 28, 1, 4, 5, 6, UTC), "span": "1 mon 2 days", "numbers": [1, None, 3], "none": [], "no_list": None,
    "words": ["a", 'ö,"'], "twice": 7, "twice_2": 8}
PARQUET_TYPES = {
    "small": "int32", "middle": "int32", "large": "int64", "real": "float", "double": "double", "yes": "bool", "text": "string",
    "bytes": "binary", "id": "string", "doc": "extension<arrow.json>", "day": "date32[day]", "clock": "time64[us]", "local": "timestamp[us]",
    "moment": "timestamp[us, tz=UTC]", "span": "string", "numbers": "list<element: int64>", "words": "list<element: string>"}


def link(server, sql, form, name="a file"):
    return "http://127.0.0.1:%d/api/v1/projects/default/query?%s" % (
        server.web_port, urllib.parse.urlencode({"sql": sql, "format": form, "file": name}))


def get(caller, sql, form, name="a file"):
    """(status, bytes, headers)."""
    request = urllib.request.Request(link(caller.server, sql, form, name), headers={"authorization": "Bearer " + caller.token})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read(), refused.headers


def table_of(content):
    return parquet.read_table(io.BytesIO(content))


def types_are_kept(caller):
    status, content, headers = get(caller, TYPES, "parquet", "Ärger/../x y.1")
    check(status == 200 and headers["content-type"] == "application/vnd.apache.parquet", "Parquet comes: %s %s" % (status, content[:300]))
    check(headers["content-disposition"] == 'attachment; filename="__rger_.._x_y.1.parquet"', "a harmless name: " + headers["content-disposition"])
    table = table_of(content)
    row = table.to_pylist()[0]
    check(list(row) == list(WANTED), "columns as asked: %s" % list(row))
    for name, wanted in WANTED.items():
        got = json.loads(row[name]) if name == "doc" else row[name]
        wanted = json.loads(wanted) if name == "doc" else wanted
        check(got == wanted and type(got) is type(wanted), "%s is %r: %r" % (name, wanted, got))
    types = {field.name: str(field.type) for field in table.schema}
    for name, wanted in PARQUET_TYPES.items():
        check(types[name] == wanted, "%s is of type %s: %s" % (name, wanted, types[name]))
    check(types["exact"].startswith("decimal128(38, ") and types["cents"].startswith("decimal128(38, "), "numerics are decimals: %s" % types)
    file = parquet.ParquetFile(io.BytesIO(content))
    check("JSON" in str(file.schema.column(list(WANTED).index("doc")).logical_type), "jsonb is told to be JSON")
    rows = list(csv.reader(io.StringIO(get(caller, TYPES, "csv")[1].decode(), newline="")))
    check(len(rows) == 2 and rows[1][list(WANTED).index("text")] == WANTED["text"], "CSV brings any text back: %s" % rows)
    check(b'\xc3\xa4""\n;=1+1"' in get(caller, TYPES, "csv")[1], "a text is quoted, not changed")
    duckdb_reads(content)
    status, content, _ = get(caller, "SELECT 1 AS a WHERE false", "parquet")
    check(status == 200 and table_of(content).num_rows == 0 and table_of(content).schema.names == ["a"], "no rows are a file too")
    print("types: %d columns, equal in value and type" % len(WANTED))


def duckdb_reads(content):
    """The engine itself, by its C interface: another reader's view of the types."""
    path = os.path.join(STORY_DIR, "types.parquet")
    with open(path, "wb") as out:
        out.write(content)
    engine = ctypes.CDLL(glob.glob(os.path.join(DEPS, "duckdb", "**", "libduckdb.so"), recursive=True)[0])
    database, connection, result = ctypes.c_void_p(), ctypes.c_void_p(), (ctypes.c_byte * 256)()
    engine.duckdb_value_varchar.restype = ctypes.c_char_p
    engine.duckdb_value_varchar.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
    engine.duckdb_open(None, ctypes.byref(database))
    engine.duckdb_connect(database, ctypes.byref(connection))
    names = ["small", "exact", "doc", "clock", "local", "moment", "numbers", "words", "no_list"]
    sql = "SELECT %s, %s FROM '%s'" % (", ".join("typeof(%s)" % name for name in names), ", ".join("%s::text" % name for name in names), path)
    check(engine.duckdb_query(connection, sql.encode(), result) == 0, "DuckDB reads the Parquet")
    told = [engine.duckdb_value_varchar(ctypes.addressof(result), column, 0) for column in range(2 * len(names))]
    check([one.decode() for one in told[:len(names)]] == ["INTEGER", "DECIMAL(38,3)", "JSON", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BIGINT[]",
                                                          "VARCHAR[]", "VARCHAR[]"], "with its types: %s" % told)
    check([told[len(names) + at] for at in (0, 1, 6, 8)] == [b"1", b"12345678901234567890.123", b"[1, NULL, 3]", None], "and values: %s" % told)
    engine.duckdb_destroy_result(result)
    engine.duckdb_disconnect(ctypes.byref(connection))
    engine.duckdb_close(ctypes.byref(database))


def rows_are_the_same(server, caller):
    sql = "SELECT * FROM otel_logs_and_spans ORDER BY timestamp, id"
    by_pg = server.query("SELECT id::text, timestamp, duration, hashes, body::text, attributes::text, resource___service___name FROM otel_logs_and_spans ORDER BY timestamp, id")
    _, content, _ = get(caller, sql, "parquet")
    table = table_of(content)
    for at, name in enumerate(("id", "timestamp", "duration", "hashes", "body", "attributes", "resource___service___name")):
        got, wanted = table.column(name).to_pylist(), [row[at] for row in by_pg]
        check(got == wanted, "column %s of Parquet is psycopg's: %s" % (name, [pair for pair in zip(got, wanted) if pair[0] != pair[1]][:2]))
    whole = json.loads(get(caller, sql, "json")[1])
    names = [column["name"] for column in whole["columns"]]
    lines = [json.loads(line) for line in get(caller, sql, "ndjson")[1].splitlines()]
    check([dict(zip(names, row)) for row in whole["rows"]] == lines, "NDJSON has the rows of JSON")
    check(whole["row_count"] == len(by_pg) == table.num_rows and not whole["is_cut"], "all rows: %d" % whole["row_count"])
    rows = list(csv.DictReader(io.StringIO(get(caller, sql, "csv")[1].decode(), newline="")))
    for name in ("id", "body", "resource___service___name", "duration"):
        wanted = ["" if line[name] is None else line[name] if isinstance(line[name], str) else json.dumps(line[name], ensure_ascii=False) for line in lines]
        got = [row[name] for row in rows]
        if name == "body":
            got, wanted = [json.loads(one) if one else None for one in got], [line[name] for line in lines]
        check(got == wanted, "column %s of CSV is that of JSON: %s" % (name, [pair for pair in zip(got, wanted) if pair[0] != pair[1]][:2]))
    print("rows: %d of %d columns the same in four forms" % (len(by_pg), len(names)))


def links_change_nothing(server, admin):
    status, answer, _ = get(admin, "DELETE FROM otel_logs_and_spans WHERE timestamp < now()", "json")
    check(status == 403, "a link deletes nothing: %s %s" % (status, answer))
    status, answer, _ = admin.ask("POST", "/projects/default/query", {"sql": "DELETE FROM otel_logs_and_spans WHERE timestamp < now()", "read_only": True})
    check(status == 403 and "read_only" in answer["detail"], "nor does one who says so: %s %s" % (status, answer))
    status, answer, _ = get(admin, "/* ä */ SELECT lvel FROM otel_logs_and_spans", "csv")
    problem = json.loads(answer)
    check(status == 400 and problem["position"] == 16, "errors come as the API's, with their place in characters: %s" % problem)
    status, answer, _ = get(admin, "SET timezone = 'UTC'", "parquet")
    check(status == 400, "no columns, no file: %s %s" % (status, answer))
    status, answer, _ = admin.ask("GET", "/projects/default/query?format=csv")
    check(status == 400 and answer["pointer"] == "?sql", "the statement must be there: %s" % answer)
    request = urllib.request.Request(link(server, "SELECT 1", "csv"))
    try:
        urllib.request.urlopen(request, timeout=20)
        check(False, "nobody gets a file")
    except urllib.error.HTTPError as refused:
        check(refused.code == 401, "nobody gets a file: %s" % refused.code)
    stranger = user_with_role(admin, "stranger@example.com", "default", None)
    check(get(stranger, "SELECT 1", "csv")[0] == 404, "who has no role gets none either")


def is_bounded(server, caller):
    """A million rows, read slowly at first: the server waits, and holds no more than it is allowed."""
    sql = "SELECT i AS n, repeat(md5(i::text), 4) AS text, i / 7.0 AS part, ARRAY[i, i + 1] AS list FROM generate_series(1, 1000000) AS t(i)"
    before = server.memory_kib()["RssAnon"]
    grown = 0
    with socket.create_connection(("127.0.0.1", server.web_port)) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        path = link(server, sql, "csv").split("%d" % server.web_port, 1)[1]
        one.sendall(("GET %s HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\r\n" % (path, caller.token)).encode())
        one.recv(1000)
    request = urllib.request.Request(link(server, sql, "parquet"), headers={"authorization": "Bearer " + caller.token})
    path = os.path.join(STORY_DIR, "million.parquet")
    with urllib.request.urlopen(request, timeout=100) as answer, open(path, "wb") as out:
        while True:
            piece = answer.read(1 << 20)
            if not piece:
                break
            out.write(piece)
            grown = max(grown, server.memory_kib()["RssAnon"] - before)
    check(grown < 400 << 10, "memory grew by %d KiB" % grown)
    file = parquet.ParquetFile(path)
    check(file.metadata.num_rows == 1000000 and file.metadata.num_row_groups > 5, "a million rows in groups: %s" % file.metadata)
    numbers = file.read(columns=["n"]).column("n")
    check(compute.sum(numbers).as_py() == 1000000 * 1000001 // 2, "each once")
    print("a million rows: %.1f MB of Parquet, %d row groups; memory +%.0f MB" % (
        os.path.getsize(path) / MB, file.metadata.num_row_groups, grown / 1024))


def main():
    with Server() as server:
        admin = first_admin(server)
        sender = Sender(server.grpc_port, server.key)
        send_round(sender, 0, "default", time.time_ns() // 1000 * 1000)
        sender.close()
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 70)
        types_are_kept(admin)
        rows_are_the_same(server, admin)
        links_change_nothing(server, admin)
        is_bounded(server, admin)


main()
