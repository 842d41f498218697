# time_limit_s: 120, tries: 2
"""An app with the OpenTelemetry Python SDK sends traces, logs and metrics, plain and gzipped; psycopg 3 reads every kind of value
back in text and in binary, from segments, from Delta and after a restart. Then what clients do beside SELECT: parameters of
every type, prepared statements, Describe before Bind, pipelines, errors with their SQLSTATE, cancel and time-outs."""
import datetime
import json
import os
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from monoscope import Server, check, wait_until

UTC = datetime.timezone.utc
SHOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python", "shop.py")
SPANS = 4
LOGS = 4
POINTS = 6


def equal(got, wanted, words):
    check(got == wanted and type(got) is type(wanted), "%s is %r (%s), wanted %r" % (words, got, type(got).__name__, wanted))


def time_of(unix_ns):
    return datetime.datetime.fromtimestamp(unix_ns // 1000000000, UTC) + datetime.timedelta(microseconds=unix_ns // 1000 % 1000000)


def run_shop(server, name, compression):
    environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:%d" % server.grpc_port,
                       OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer %s" % server.key,
                       OTEL_SERVICE_NAME=name, OTEL_RESOURCE_ATTRIBUTES="service.version=1.2.3,service.namespace=story,"
                       "deployment.environment.name=ci,host.name=h1,team=größe")
    if compression:
        environment["OTEL_EXPORTER_OTLP_COMPRESSION"] = compression
    result = subprocess.run([sys.executable, SHOP], env=environment, capture_output=True, text=True, timeout=60)
    check(result.returncode == 0, "the app sends all: %s%s" % (result.stdout, result.stderr))
    check("error" not in result.stderr.lower(), "the SDK complains: " + result.stderr)
    return json.loads(result.stdout)


class Asker:
    """One row as a dictionary, asked with binary or text results."""

    def __init__(self, connection, is_binary):
        self.connection = connection
        self.is_binary = is_binary
        self.values = 0

    def row(self, sql, parameters=None):
        rows = self.rows(sql, parameters)
        check(len(rows) == 1, "%d rows, wanted one: %s %s" % (len(rows), sql, parameters))
        return rows[0]

    def rows(self, sql, parameters=None):
        with self.connection.cursor(binary=self.is_binary, row_factory=psycopg.rows.dict_row) as cursor:
            rows = cursor.execute(sql, parameters).fetchall()
        self.values += sum(len(row) for row in rows)
        return rows


def check_root(asker, told, service):
    row = asker.row("SELECT * FROM otel_logs_and_spans WHERE context___span_id = %s AND kind <> 'log'", (told["root"]["span_id"],))
    start = time_of(told["root_start_ns"])
    for column, wanted in {
            "timestamp": start, "start_time": start, "end_time": time_of(told["root_end_ns"]), "date": start.date(),
            "duration": told["root_end_ns"] - told["root_start_ns"], "observed_timestamp": None, "parent_id": None,
            "name": "GET /cart/{id}", "kind": "server", "status_code": "UNSET", "status_message": None, "level": None, "body": None,
            "context___trace_id": told["root"]["trace_id"], "context___span_id": told["root"]["span_id"],
            "attributes___http___request___method": "GET", "attributes___http___response___status_code": "500",
            "attributes___url___path": "/cart/42", "attributes___user___id": "user-7", "attributes___session___id": "session-9",
            "attributes___client___address": "203.0.113.7", "attributes___client___port": 50123,
            "resource___service___name": service, "resource___service___version": "1.2.3",
            "resource___service___namespace": "story", "resource___deployment___environment___name": "ci",
            "resource___telemetry___sdk___language": "python", "resource___telemetry___sdk___name": "opentelemetry",
            "resource___telemetry___sdk___version": "1.45.2", "errors": None, "events": None}.items():
        equal(row[column], wanted, "root span's " + column)
    check(isinstance(row["id"], uuid.UUID) and row["id"].version == 5, "id is a UUID of version 5: %r" % row["id"])
    check(isinstance(row["project_id"], uuid.UUID), "project_id is a UUID: %r" % row["project_id"])
    check(row["message_size_bytes"] > 300, "message_size_bytes is %r" % row["message_size_bytes"])
    check(isinstance(row["hashes"], list) and told["root"]["trace_id"] in row["hashes"] and len(row["hashes"]) == 2,
          "hashes are the trace and the endpoint: %r" % row["hashes"])
    check(isinstance(row["summary"], list) and "status;badge-5xx=>500" in row["summary"], "summary: %r" % row["summary"])
    attributes = row["attributes"]
    equal(attributes["http"], {"request": {"method": "GET"}, "route": "/cart/{id}", "response": {"status_code": 500}}, "attributes.http")
    cart = attributes["cart"]
    equal(cart, {"tags": ["new", "größe"], "counts": [1, 2, 3], "ratio": 0.25, "whole": 3.0, "is_guest": True, "big": 2 ** 53 + 1,
                 "note": "日本語 \"quoted\" \\ and\nnew line"}, "attributes.cart")
    check(isinstance(cart["whole"], float), "a double stays one: %r" % cart["whole"])
    equal(attributes["otel"]["scope"], {"name": "shop.tracer", "version": "1.4.0"}, "attributes.otel.scope")
    resource = row["resource"]
    equal((resource["service"]["name"], resource["host"]["name"], resource["team"]), (service, "h1", "größe"), "resource")
    context = row["context"]
    equal((context["trace_id"], context["span_id"]), (told["root"]["trace_id"], told["root"]["span_id"]), "context")
    links = json.loads(row["links"])
    equal(links, [{"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331", "flags": 768,
                   "attributes": {"why": "retry"}}], "links")


def check_children(asker, told):
    query = asker.row("SELECT * FROM otel_logs_and_spans WHERE context___span_id = %s", (told["query"]["span_id"],))
    for column, wanted in {
            "parent_id": told["root"]["span_id"], "context___trace_id": told["root"]["trace_id"], "kind": "client",
            "status_code": "ERROR", "status_message": "broken cart", "attributes___db___system___name": "postgresql",
            "attributes___db___query___text": "SELECT * FROM carts WHERE id = $1", "attributes___db___operation___name": "SELECT",
            "attributes___db___collection___name": "carts", "attributes___server___address": "db1",
            "attributes___server___port": 5432}.items():
        equal(query[column], wanted, "query span's " + column)
    events = query["events"]
    equal([event["name"] for event in events], ["cache.miss", "exception"], "events")
    equal(events[0]["attributes"], {"cache.key": "cart:42", "cache.tries": 2}, "the first event's attributes")
    check(events[0]["time"].endswith("Z") and len(events[0]["time"]) == 30, "an event's time: %r" % events[0]["time"])
    error = query["errors"][0]
    equal((error["type"], error["message"]), ("ValueError", "cart 42 is broken"), "errors")
    check("Traceback" in error["stacktrace"], "the stack trace is there")
    check("err:" + error["fingerprint"] in query["hashes"], "the error is in hashes: %r" % query["hashes"])
    publish = asker.row("SELECT * FROM otel_logs_and_spans WHERE context___span_id = %s", (told["publish"]["span_id"],))
    equal((publish["kind"], publish["status_code"], publish["attributes"]["messaging"]["system"]), ("producer", "OK", "kafka"), "publish")
    tree = asker.rows("""SELECT c.name AS child, p.name AS parent FROM otel_logs_and_spans c JOIN otel_logs_and_spans p
                         ON c.parent_id = p.context___span_id AND c.context___trace_id = p.context___trace_id
                         WHERE c.context___trace_id = %s AND c.kind <> 'log' AND p.kind <> 'log' ORDER BY 1""", (told["root"]["trace_id"],))
    equal(tree, [{"child": "SELECT carts", "parent": "GET /cart/{id}"}, {"child": "orders publish", "parent": "GET /cart/{id}"}], "the tree")


def check_logs(asker, told, service):
    slow = asker.row("SELECT * FROM otel_logs_and_spans WHERE kind = 'log' AND context___trace_id = %s", (told["root"]["trace_id"],))
    for column, wanted in {"level": "WARN", "severity___severity_text": "WARN", "severity___severity_number": 13,
                           "context___span_id": told["root"]["span_id"], "body": "cart 42 is slow",
                           "resource___service___name": service, "attributes___code___function___name": "send_trace",
                           "duration": None, "summary": ["level;badge-warning=>WARN", "message;text=>cart 42 is slow"]}.items():
        equal(slow[column], wanted, "log's " + column)
    check(slow["hashes"][0] == told["root"]["trace_id"] and slow["hashes"][1].startswith("pat:"), "log's hashes: %r" % slow["hashes"])
    equal(slow["attributes"]["cart"], {"id": 42}, "log's attributes.cart")
    check(isinstance(slow["attributes___code___line___number"], int), "code line: %r" % slow["attributes___code___line___number"])
    equal(slow["severity"], {"severity_text": "WARN", "severity_number": 13}, "severity")
    check(slow["observed_timestamp"] >= slow["timestamp"], "observed after it happened")
    logs = asker.rows("""SELECT timestamp, observed_timestamp, name, level, body, attributes, attributes___user___email AS email
                         FROM otel_logs_and_spans WHERE kind = 'log' AND context___trace_id = %s ORDER BY timestamp""",
                      (told["nightly"]["trace_id"],))
    equal(len(logs), 2, "logs of the nightly span")
    equal((logs[0]["timestamp"], logs[0]["observed_timestamp"]), (time_of(told["log_ns"]), time_of(told["log_ns"] + 5000)), "log's times")
    equal((logs[0]["name"], logs[0]["level"], logs[0]["email"]), ("cart.summed", "FATAL", "a@example.org"), "structured log")
    equal(logs[0]["body"], {"message": "summed", "carts": [1, 2.5, "three", None, True], "inner": {"deep": {"er": 7}}}, "structured body")
    equal(logs[0]["attributes"]["batch"], {"size": 10, "ok": False}, "structured log's attributes")
    equal(logs[1]["body"], {"msg": "as json", "n": 5}, "a text that is JSON is parsed")
    bare = asker.row("""SELECT timestamp, observed_timestamp, level, context___trace_id AS trace FROM otel_logs_and_spans
                        WHERE resource___service___name = %s AND body = '"no time, no level"'""", (service,))
    equal(bare, {"timestamp": time_of(told["log_ns"] + 9000), "observed_timestamp": time_of(told["log_ns"] + 9000), "level": None,
                 "trace": None}, "a log without time has the observed one")
    deep = asker.row("""SELECT body->'inner'->'deep'->>'er' AS er, body->>'message' AS message FROM otel_logs_and_spans
                        WHERE name = 'cart.summed' AND resource___service___name = %s""", (service,))
    equal(deep, {"er": "7", "message": "summed"}, "paths into a body")


def check_metrics(asker, service):
    points = {row["metric_name"]: row for row in
              asker.rows("SELECT * FROM otel_metrics WHERE resource___service___name = %s", (service,))}
    equal(sorted(points), ["shop.carts.open", "shop.latency", "shop.orders", "shop.queue", "shop.sizes", "shop.temperature"], "metrics")
    for metric, wanted in {
            "shop.orders": {"metric_type": "sum", "metric_unit": "{order}", "metric_description": "orders taken", "is_monotonic": True,
                            "aggregation_temporality": "cumulative", "value": 5.0, "value_int": 5, "value_double": None,
                            "attributes___http___request___method": "POST", "scope_name": "shop.meter", "scope_version": "3.1"},
            "shop.carts.open": {"metric_type": "sum", "is_monotonic": False, "value": -4.0, "value_int": -4},
            "shop.temperature": {"metric_type": "gauge", "value": 21.5, "value_double": 21.5, "value_int": None, "metric_unit": "Cel",
                                 "is_monotonic": None, "aggregation_temporality": None},
            "shop.queue": {"metric_type": "gauge", "value": 7.0, "value_int": 7},
            "shop.latency": {"metric_type": "histogram", "distribution_count": 5, "distribution_sum": 5615.0, "distribution_min": 5.0,
                             "distribution_max": 5000.0, "hist_bucket_counts": [1, 2, 1, 1], "hist_explicit_bounds": [10.0, 100.0, 1000.0],
                             "value": 1123.0, "attributes___http___route": "/cart/{id}", "exp_hist_scale": None},
            "shop.sizes": {"metric_type": "exponential_histogram", "distribution_count": 5, "distribution_sum": 11.0,
                           "exp_hist_scale": 3, "exp_hist_zero_count": 1, "exp_hist_pos_offset": -1, "value": 2.2,
                           "hist_bucket_counts": None}}.items():
        for column, value in wanted.items():
            equal(points[metric][column], value, "%s's %s" % (metric, column))
    buckets = points["shop.sizes"]["exp_hist_pos_buckets"]
    # Bucket i of scale 3 holds (2^((i-1)/8), 2^(i/8)]: 1, 2, 4 are 8 apart, the offset is -1.
    equal([(i, count) for i, count in enumerate(buckets) if count], [(0, 1), (8, 1), (16, 2)], "exponential buckets")
    for row in points.values():
        check(isinstance(row["id"], uuid.UUID) and isinstance(row["series_id"], uuid.UUID), "ids of a point are UUIDs")
        check(isinstance(row["timestamp"], datetime.datetime) and row["timestamp"].tzinfo, "a point's time: %r" % row["timestamp"])
        equal((row["flags"], row["dropped_attributes_count"]), (0, 0), "flags and dropped attributes")
    equal(points["shop.orders"]["attributes"]["shop"], {"plan": "team"}, "attributes of a point")
    metric = asker.row("""SELECT kind, name, timestamp FROM telemetry WHERE kind = 'metric' AND name = 'shop.orders'
                          AND resource___service___name = %s""", (service,))
    equal((metric["kind"], metric["name"], metric["timestamp"]), ("metric", "shop.orders", points["shop.orders"]["timestamp"]), "telemetry view")


def check_all(server, runs):
    values = 0
    for is_binary in (False, True):
        with server.connect() as connection:
            asker = Asker(connection, is_binary)
            for service, told in runs.items():
                check_root(asker, told, service)
                check_children(asker, told)
                check_logs(asker, told, service)
                check_metrics(asker, service)
            values += asker.values
    return values


def check_parameters(server, told):
    start = time_of(told["root_start_ns"])
    hour = datetime.timedelta(hours=1)
    trace = told["root"]["trace_id"]
    with server.connect() as connection:
        root_id = connection.execute("SELECT id FROM otel_logs_and_spans WHERE context___span_id = %s AND kind = 'server'",
                                     (told["root"]["span_id"],)).fetchone()[0]
        cases = [
            ("timestamp = {}", start, 1), ("timestamp BETWEEN {} AND {}", (start - hour, start + hour), 2 * (SPANS + LOGS)),
            ("timestamp > {}", start + hour, 0), ("date = {}", start.date(), None), ("id = {}", root_id, 1),
            ("id = ANY({})", [root_id, uuid.uuid4()], 1), ("duration > {}", 2 ** 40, 0), ("duration >= {}", 0, 2 * SPANS),
            ("attributes___client___port = {}", 50123, 2), ("name = {}", "GET /cart/{id}", 2), ("kind = ANY({})", ["server", "producer"], 4),
            ("attributes___client___port = ANY({})", [1, 50123], 2), ("{} = ANY(hashes)", trace, 4), ("attributes->'cart'->>'id' = {}", "42", 2),
            ("(attributes->'cart'->>'ratio')::float8 > {}", 0.2, 2), ("name = {} OR {}", ("no such name", False), 0),
            ("kind = 'server' AND {}", True, 2), ("name LIKE {}", "GET%", 2), ("context___is_remote = {}", True, 0), ("name IS NOT DISTINCT FROM {}", None, None)]
        checked = 0
        for mark in ("%s", "%t", "%b"):
            for prepare in (False, True):
                for condition, parameters, wanted in cases:
                    if mark == "%t" and isinstance(parameters, (list,)):
                        continue
                    if parameters is None and mark != "%s":
                        continue
                    sql = "SELECT count(*) FROM otel_logs_and_spans WHERE " + condition.replace("{id}", "\0").replace("{}", mark).replace("\0", "{id}")
                    values = parameters if isinstance(parameters, tuple) else (parameters,)
                    for _ in range(2):
                        count = connection.execute(sql, values, prepare=prepare).fetchone()[0]
                        check(wanted is None or count == wanted, "%d rows, wanted %s: %s %r" % (count, wanted, sql, values))
                        checked += 1
        limited = connection.execute("SELECT timestamp FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT %s OFFSET %s", (3, 1)).fetchall()
        check(len(limited) == 3 and limited == sorted(limited, reverse=True), "LIMIT and OFFSET as parameters: %s" % limited)
        with connection.pipeline():
            cursors = [connection.execute("SELECT count(*), %s::text FROM otel_logs_and_spans WHERE kind = %s", (str(i), "server")) for i in range(10)]
        equal([cursor.fetchone() for cursor in cursors], [(2, str(i)) for i in range(10)], "a pipeline of ten")
    return checked


def check_describe(server):
    with server.connect() as connection:
        pg = connection.pgconn
        prepared = pg.prepare(b"d1", b"SELECT timestamp, id, duration, hashes, attributes, count(*) OVER () FROM otel_logs_and_spans "
                              b"WHERE timestamp > $1 AND id = $2 AND duration < $3 AND name = $4 AND kind = ANY($5)")
        check(prepared.status == psycopg.pq.ExecStatus.COMMAND_OK, "Parse works: " + prepared.error_message.decode())
        described = pg.describe_prepared(b"d1")
        equal([described.param_type(i) for i in range(described.nparams)], [1184, 2950, 20, 25, 1009], "parameter types told before Bind")
        equal([described.fname(i) for i in range(described.nfields)],
              [b"timestamp", b"id", b"duration", b"hashes", b"attributes", b"count"], "column names told before Bind")
        equal([described.ftype(i) for i in range(described.nfields)], [1184, 2950, 20, 1009, 3802, 20], "column types told before Bind")
        ran = pg.exec_prepared(b"d1", [b"2000-01-01 00:00:00+00", str(uuid.uuid4()).encode(), b"5", b"x", b"{server,client}"])
        check(ran.status == psycopg.pq.ExecStatus.TUPLES_OK and ran.ntuples == 0, "Bind after Describe: " + ran.error_message.decode())


def check_errors(server):
    expected = [
        ("SELEC 1", "42601"), ("SELECT 1 FROM", "42601"), ("SELECT * FROM carts", "42P01"), ("SELECT nope FROM otel_metrics", "42703"),
        ("SELECT nope(1)", "42883"), ("SELECT 'x'::int", "22P02"),
        ("SELECT count(*) FROM otel_metrics WHERE id = 'no uuid'", "22P02"),
        ("SELECT count(*) FROM otel_metrics WHERE timestamp > 'yesteryear'", ("22007", "22P02")),
        ("DELETE FROM otel_metrics", ("0A000", "42501")), ("CREATE TABLE t (a int)", ("0A000", "42501")),
        ("COPY otel_metrics TO '/tmp/x'", ("0A000", "42501"))]
    with server.connect() as connection:
        for sql, states in expected:
            try:
                connection.execute(sql)
                check(False, "no error: " + sql)
            except psycopg.Error as error:
                states = (states,) if isinstance(states, str) else states
                check(error.sqlstate in states, "%s gives %s %s, wanted %s" % (sql, error.sqlstate, error, states))
                check(error.diag.severity == "ERROR" and error.diag.message_primary, "an error has severity and words: %s" % sql)
        try:
            connection.execute("SELECT nope FROM otel_metrics")
        except psycopg.errors.UndefinedColumn as error:
            equal(error.diag.statement_position, "8", "the position of the wrong name")
        equal(connection.execute("SELECT 1").fetchone()[0], 1, "the connection lives on")
    with server.connect() as connection:
        connection.autocommit = False
        connection.execute("SELECT 1")
        try:
            connection.execute("SELECT nope")
        except psycopg.Error:
            pass
        try:
            connection.execute("SELECT 1")
            check(False, "a failed transaction takes no more")
        except psycopg.errors.InFailedSqlTransaction:
            pass
        connection.rollback()
        equal(connection.execute("SELECT 2").fetchone()[0], 2, "after ROLLBACK it goes on")
        connection.commit()
    return len(expected)


def check_psql(server, told):
    """What a person at psql sees, and a script that uses it."""
    start = time_of(told["root_start_ns"]).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".") + "+00"
    for sql, wanted in (
            ("SELECT timestamp, name, kind, attributes___client___port, parent_id, attributes->'cart'->'tags' FROM otel_logs_and_spans "
             "WHERE context___span_id = :'span' AND kind = 'server'",
             "%s|GET /cart/{id}|server|50123||[\"new\",\"größe\"]\n" % start),
            ("SELECT hist_bucket_counts, hist_explicit_bounds, is_monotonic, value FROM otel_metrics WHERE metric_name = 'shop.latency' LIMIT 1",
             "{1,2,1,1}|{10,100,1000}||1123\n"),
            ("SELECT 1 AS one; SELECT 'two' AS two;", "1\ntwo\n"), ("BEGIN; SELECT 3; COMMIT;", "BEGIN\n3\nCOMMIT\n")):
        ran = subprocess.run(["psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-v", "span=" + told["root"]["span_id"], "-h", "127.0.0.1", "-p",
                              str(server.pg_port), "-U", "default", "-d", "monoscope"], input=sql + "\n", capture_output=True, text=True,
                             env=dict(os.environ, PGPASSWORD=server.key, PGTZ="UTC"))
        check(ran.returncode == 0 and ran.stdout == wanted, "psql: %s gives %r %s, wanted %r" % (sql, ran.stdout, ran.stderr, wanted))


def check_cancel(server):
    endless = "SELECT count(*) FROM generate_series(1, 3000000) a, generate_series(1, 3000000) b WHERE a + b = 7"
    with server.connect() as connection:
        seconds = {}

        def ask():
            try:
                connection.execute(endless)
            except psycopg.errors.QueryCanceled:
                seconds["ended"] = time.monotonic()
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.5)
        cancelled = time.monotonic()
        connection.cancel_safe()
        thread.join(10)
        check(not thread.is_alive() and "ended" in seconds, "cancel ends a running query with 57014")
        took = seconds["ended"] - cancelled
        check(took < 8, "cancel takes %.2f s" % took)
        equal(connection.execute("SELECT 1").fetchone()[0], 1, "the connection lives on after a cancel")
        connection.execute("SET statement_timeout = '300ms'")
        start = time.monotonic()
        try:
            connection.execute(endless)
            check(False, "statement_timeout ends a query")
        except psycopg.errors.QueryCanceled:
            check(time.monotonic() - start < 10, "statement_timeout takes %.1f s" % (time.monotonic() - start))
        connection.execute("RESET statement_timeout")
    return took


def main():
    with Server(flush="3s") as server:
        runs = {"shop-plain": run_shop(server, "shop-plain", None), "shop-gzip": run_shop(server, "shop-gzip", "gzip")}
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 2 * (SPANS + LOGS), 60)
        server.wait_count("SELECT count(*) FROM otel_metrics", 2 * POINTS, 60)
        server.wait_count("SELECT count(*) FROM telemetry", 2 * (SPANS + LOGS + POINTS), 60)
        values = check_all(server, runs)
        wait_until(lambda: server.events("flush.committed"), "rows are in Delta", 60)
        time.sleep(3.5)
        values += check_all(server, runs)
        server.stop()
        server.start()
        values += check_all(server, runs)
        print("%d values read as sent, in text and binary, before and after the flush and a restart" % values)
        print("%d parametrised queries" % check_parameters(server, runs["shop-plain"]))
        check_describe(server)
        check_psql(server, runs["shop-plain"])
        print("%d kinds of errors, each with its SQLSTATE; cancel took %.0f ms" % (check_errors(server), check_cancel(server) * 1000))


main()
