"""A shop's three hours: the same rows sent to a Monoscope by OTLP and put into a PostgreSQL, so that one can be asked what the
other should answer.

    send(server)                        # 300 spans and logs, 120 data points; returns when SQL shows them
    fill(postgres.connect(), server)    # tables otel_logs_and_spans and otel_metrics with all their columns

What a row must become is reckoned here from the message, not read from the server: PostgreSQL is right, or this file is wrong.
Only `hashes`, which the server makes, are read from it. Columns that are not named below are NULL."""
import datetime
import json
import os

from monoscope import REPO, check
from otlp import OK, Sender, gauge, log, logs, metrics, span, traces
from rows import columns_of

START_NS = 1772445600 * 10 ** 9  # 2026-03-02 10:00:00 UTC
SPANS, POINTS = 300, 120
SERVICES = ["cart", "checkout", "payment"]
ROUTES = ["/cart", "/cart/{id}", "/pay", "/search"]
KINDS = {1: "internal", 2: "server", 3: "client"}
EVENT_COLUMNS = [
    ("timestamp", "timestamptz"), ("name", "text"), ("kind", "text"), ("status_code", "text"), ("level", "text"),
    ("duration", "bigint"), ("body", "jsonb"), ("context___trace_id", "text"), ("context___span_id", "text"), ("parent_id", "text"),
    ("severity___severity_number", "integer"), ("resource___service___name", "text"), ("attributes", "jsonb"),
    ("attributes___http___request___method", "text"), ("attributes___http___response___status_code", "text"),
    ("attributes___url___path", "text"), ("attributes___db___system___name", "text"), ("attributes___server___port", "integer"),
]
POINT_COLUMNS = [("timestamp", "timestamptz"), ("metric_name", "text"), ("metric_unit", "text"), ("value", "double precision"),
                 ("resource___service___name", "text"), ("attributes", "jsonb")]


def at_ns(n):
    """Unevenly, so that some buckets are empty: every third group of 20 rows comes half an hour later."""
    return START_NS + n * 23 * 10 ** 9 + n // 60 * 1800 * 10 ** 9 + n % 7 * 1000


def moment(ns):
    return datetime.datetime.fromtimestamp(ns // 10 ** 9, datetime.timezone.utc) + datetime.timedelta(microseconds=ns % 10 ** 9 // 1000)


def event(n):
    """What row n says: (service, is it a log, its attributes)."""
    attributes = {"shop.n": n, "shop.half": n / 2, "shop.is_even": n % 2 == 0, "shop.tags": ["t%d" % (n % 3), "all"]}
    if n % 5 == 0:
        attributes["shop.note"] = ["it's", "100%", "a_b", "Grüße", "x\\y"][n // 5 % 5]
    if n % 5 != 4:
        attributes["url.path"] = ROUTES[n % 4]
        attributes["http.request.method"] = "POST" if n % 3 == 0 else "GET"
        attributes["http.response.status_code"] = 500 if n % 11 == 0 else 404 if n % 13 == 0 else 200
        attributes["server.port"] = 8000 + n % 3
    elif n % 2 == 0:
        attributes["db.system.name"] = "redis" if n % 4 == 0 else "postgresql"
    return SERVICES[n % 3], n % 10 == 9, attributes


def nested(flat):
    whole = {}
    for key, content in flat.items():
        *folders, last = key.split(".")
        at = whole
        for folder in folders:
            at = at.setdefault(folder, {})
        at[last] = content
    return whole


def duration_ns(n):
    return 1000000 * (n * 7919 % 997) + 1500 * n


def events():
    """Rows in the order of EVENT_COLUMNS."""
    for n in range(SPANS):
        service, is_log, attributes = event(n)
        kind = 1 + n % 3
        level = ["INFO", "WARN", "ERROR"][n // 10 % 3] if is_log else None
        status = attributes.get("http.response.status_code")
        yield (moment(at_ns(n)), None if is_log else "op %d" % (n % 8), "log" if is_log else KINDS[kind],
               None if is_log else "ERROR" if n % 11 == 0 else "OK" if n % 2 else "UNSET", level, None if is_log else duration_ns(n),
               json.dumps("line %d of the log" % n) if is_log else None, trace_id(n).hex(), span_id(n).hex(),
               None if is_log or n % 6 == 0 else span_id(n - 1).hex(), {"INFO": 9, "WARN": 13, "ERROR": 17}.get(level), service,
               json.dumps(nested(attributes)), attributes.get("http.request.method"), None if status is None else str(status),
               attributes.get("url.path"), attributes.get("db.system.name"), attributes.get("server.port"))


def trace_id(n):
    return (0xABC << 64 | n // 6 + 1).to_bytes(16, "big")


def span_id(n):
    return (0xDE << 32 | n + 1).to_bytes(8, "big")


def points():
    for n in range(POINTS):
        yield (moment(START_NS + n * 90 * 10 ** 9), ["cpu.utilization", "memory.used"][n % 2], "", n * n % 101 / 8, SERVICES[n % 3],
               json.dumps({"zone": "ab"[n % 4 // 2], "cpu": n % 4}))


def messages():
    for service in SERVICES:
        spans, lines, gauges = [], [], []
        for n in range(SPANS):
            its_service, is_log, attributes = event(n)
            if its_service != service:
                continue
            if is_log:
                lines.append(log("line %d of the log" % n, attributes, at_ns(n), trace_id=trace_id(n), span_id=span_id(n),
                                 severity_number={"INFO": 9, "WARN": 13, "ERROR": 17}[["INFO", "WARN", "ERROR"][n // 10 % 3]]))
                continue
            made = span("op %d" % (n % 8), attributes, at_ns(n), trace_id=trace_id(n), span_id=span_id(n), kind=1 + n % 3)
            made.end_time_unix_nano = made.start_time_unix_nano + duration_ns(n)
            made.status.code = 2 if n % 11 == 0 else 1 if n % 2 else 0
            if n % 6:
                made.parent_span_id = span_id(n - 1)
            spans.append(made)
        for n, row in enumerate(points()):
            if row[4] == service:
                gauges.append(gauge(row[1], row[3], json.loads(row[5]), START_NS + n * 90 * 10 ** 9))
        yield "traces", traces(spans, {"service.name": service})
        yield "logs", logs(lines, {"service.name": service})
        yield "metrics", metrics(gauges, {"service.name": service})


def send(server):
    sender = Sender(server.grpc_port, server.key)
    for signal, message in messages():
        answer = sender.send(signal, message)
        check(answer.status == OK and not answer.rejected, "%s are taken: %r" % (signal, answer))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans", SPANS)
    server.wait_count("SELECT count(*) FROM otel_metrics", POINTS)


def fill(connection, server):
    """The statements of stand_ins.sql too: what of TimescaleDB's the tests ask for."""
    with open(os.path.join(REPO, "tests", "slt", "stand_ins.sql")) as stand_ins:
        connection.execute(stand_ins.read())
    types = {"json": "jsonb", "double": "double precision", "double[]": "double precision[]"}
    for table, columns, rows in (("otel_logs_and_spans", EVENT_COLUMNS, events()), ("otel_metrics", POINT_COLUMNS, points())):
        connection.execute("CREATE TABLE %s (%s)" % (table, ", ".join(
            "%s %s" % (name, types.get(kind, kind)) + (" DEFAULT '%s'" % server.project if name == "project_id" else "")
            for name, kind, _ in columns_of(table))))
        with connection.cursor().copy("COPY %s (%s) FROM STDIN" % (table, ", ".join(name for name, _ in columns))) as copy:
            for row in rows:
                copy.write_row(row)
    made = server.query("SELECT timestamp, hashes FROM otel_logs_and_spans WHERE hashes IS NOT NULL")
    connection.cursor().executemany("UPDATE otel_logs_and_spans SET hashes = %s WHERE timestamp = %s", [(hashes, at) for at, hashes in made])
    connection.execute("UPDATE otel_logs_and_spans SET date = (timestamp AT TIME ZONE 'UTC')::date")
