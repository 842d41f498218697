"""What a dashboard's statements take over 24 hours of 10 million spans, 5 % of them still in segments, and what DuckDB alone takes for
the same over the same files, by turns in one run. Everything has been asked before (warm); no answer is kept from one run to the next:
each has other times, by up to 20 minutes.

    BENCH_QUERY_SPANS=10000000  how many
    BENCH_QUERY_DATA=folder     keeps what was sent in a folder, or takes it from there (bench_ui's too); it is copied, not written into
    BENCH_QUERY_ONLY=trace,latest100
    BENCH_QUERY_RUNS=20

q_NAME_ms      p50 by the clock, with `SET monoscope.kept_parts = off`
q_NAME_kept_ms the same as a client has it: groups of files that do not change are kept (docs/sql.md, "Groups are kept")
q_NAME_cpu_ms  of the server, all threads, as q_NAME_ms; q_NAME_plain_cpu_ms of DuckDB's process. On a machine where others are at work
               these say more; half of it is the least time on two cores
q_NAME_ratio   q_NAME_ms : DuckDB's own, with two threads, explicit files and columns, footers kept, its plainest SQL
q_NAME_plan_ms, q_NAME_plan_cpu_ms   "Planning Time" and "Planning CPU" of EXPLAIN ANALYZE: all before the first row is read (gate, translation, choice of files,
               DuckDB's plan); q_plan_ms, q_plan_cpu_ms of all statements
q_percentiles, q_distinct_users         as TimescaleDB's users write them: approx_percentile, approx_count_distinct (within 0.8%, docs/sql.md)
q_..._exact    percentile_cont, count(DISTINCT x)"""
import ctypes
import datetime
import json
import os
import random
import shutil
import statistics
import subprocess
import time

import psycopg
from monoscope import LOAD, REPO, Server, check, wait_until

SPANS = int(os.environ.get("BENCH_QUERY_SPANS") or 10000000)
RUNS = int(os.environ.get("BENCH_QUERY_RUNS") or 20)
HOURS, CONNECTIONS, SPANS_EACH, OFFSET_S = 24, 4, 500, 1200
RARE = "quetzalcoatl"
LOGS = "otel_logs_and_spans"
TIMES = "timestamp >= %(from)s AND timestamp < %(to)s"
ROUTE = {"ours": "attributes___http___route", "plain": "attributes___http___route"}

# name: (hours back or None, ours, DuckDB's where it is another). {route} is the column when there is one.
STATEMENTS = {
    "count_5min_24h": (24, "SELECT time_bucket('5 minutes', timestamp) AS t, count(*) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1",
                       "SELECT time_bucket(INTERVAL '5 minutes', timestamp) AS t, count(*) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1"),
    "count_1h": (1, "SELECT time_bucket('5 minutes', timestamp) AS t, count(*) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1",
                 "SELECT time_bucket(INTERVAL '5 minutes', timestamp) AS t, count(*) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1"),
    "error_rate": (24, "SELECT resource___service___name, 100.0 * count(*) FILTER (WHERE status_code = 'ERROR') / count(*) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1", None),
    "percentiles": (24, "SELECT {route}, approx_percentile(0.5, percentile_agg(duration)), approx_percentile(0.95, percentile_agg(duration)), "
                        "approx_percentile(0.99, percentile_agg(duration)) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1",
                    "SELECT {route}, approx_quantile(duration, [0.5, 0.95, 0.99]) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1"),
    "percentiles_exact": (24, "SELECT {route}, percentile_cont(0.5) WITHIN GROUP (ORDER BY duration), percentile_cont(0.95) WITHIN GROUP (ORDER BY duration), "
                        "percentile_cont(0.99) WITHIN GROUP (ORDER BY duration) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1",
                    "SELECT {route}, quantile_cont(duration, [0.5, 0.95, 0.99]) FROM {table} WHERE {times} GROUP BY 1 ORDER BY 1"),
    "trace": (None, "SELECT * FROM {table} WHERE context___trace_id = '{trace}'", None),
    "latest100": (24, "SELECT timestamp, name, kind, level, duration, resource___service___name, context___trace_id, status_code FROM {table} WHERE {times} "
                      "ORDER BY timestamp DESC LIMIT 100", None),
    "text_rare": (24, "SELECT timestamp, name, status_message FROM {table} WHERE {times} AND (name ~* '{rare}' OR status_message ~* '{rare}' OR body::text ~* '{rare}') "
                      "ORDER BY timestamp DESC LIMIT 100",
                  "SELECT timestamp, name, status_message FROM {table} WHERE {times} AND (name ILIKE '%{rare}%' OR status_message ILIKE '%{rare}%' OR body ILIKE '%{rare}%') "
                  "ORDER BY timestamp DESC LIMIT 100"),
    "distinct_users": (24, "SELECT distinct_count(approx_count_distinct(attributes___user___id)) FROM {table} WHERE {times}",
                       "SELECT approx_count_distinct(attributes___user___id) FROM {table} WHERE {times}"),
    "distinct_users_exact": (24, "SELECT count(DISTINCT attributes___user___id) FROM {table} WHERE {times}", None),
}


class DuckDB:
    """The engine alone, by its C API: the library that the server has, two threads."""

    def __init__(self):
        home = os.environ.get("MONO_DEPS_DIR") or os.path.join(REPO, ".deps")
        self.lib = ctypes.CDLL(os.path.join(home, "duckdb", "lib", "libduckdb.so"))
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        self.lib.duckdb_value_varchar.restype = ctypes.c_void_p
        self.lib.duckdb_value_varchar.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
        self.lib.duckdb_row_count.restype = ctypes.c_uint64
        self.database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        check(self.lib.duckdb_open(None, ctypes.byref(self.database)) == 0, "DuckDB opens")
        check(self.lib.duckdb_connect(self.database, ctypes.byref(self.connection)) == 0, "DuckDB connects")
        for setting in ("threads=2", "memory_limit='2GiB'", "parquet_metadata_cache=true", "preserve_insertion_order=false", "late_materialization_max_rows=1000",
                        "TimeZone='UTC'", "enable_external_file_cache=false"):
            self.run("SET GLOBAL " + setting)

    def run(self, sql):
        """(rows, text of the first value)"""
        result = ctypes.create_string_buffer(128)
        failed = self.lib.duckdb_query(self.connection, sql.encode(), result) != 0
        check(not failed, "DuckDB answers: %s: %s" % (sql[:300], self.lib.duckdb_result_error(result)))
        rows = self.lib.duckdb_row_count(result)
        value = self.lib.duckdb_value_varchar(result, 0, 0) if rows else None
        text = ctypes.string_at(value).decode() if value else None
        self.lib.duckdb_destroy_result(result)
        return rows, text


def fill(server):
    requests = SPANS * 95 // 100 // (CONNECTIONS * SPANS_EACH)
    end = time.time()
    spans = send(server, requests, HOURS * 3600, end)
    wait_until(lambda: server.one("SELECT count(*) FROM %s" % LOGS) >= spans, "they are there", 600)
    server.connect().execute("FLUSH")
    return {"end": end, "spans": spans}


def send(server, requests, over_s, until_s):
    sent = subprocess.run([LOAD, "--port", str(server.grpc_port), "--key", server.key, "--seconds", "3600", "--connections", str(CONNECTIONS), "--spans", str(SPANS_EACH),
                           "--requests", str(requests), "--over", str(over_s), "--until", "%.3f" % until_s, "--rate", "100000", "--seed", str(int(until_s) % 100000)],
                          capture_output=True, text=True)
    told = json.loads(sent.stdout or "{}")
    check(told.get("failed", requests) <= requests // 100, "the spans are sent, but for what a busy machine refuses: %s%s" % (sent.stdout, sent.stderr))
    return told["spans"]


def send_rare(server, at_s):
    import grpc
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = int(at_s * 1e9)
    record.body.string_value = "the feather of %s is out of stock" % RARE
    LogsServiceStub(grpc.insecure_channel("127.0.0.1:%d" % server.grpc_port)).Export(request, metadata=[("authorization", "Bearer " + server.key)])


def copied(data, folder):
    """What does not change is linked, the rest copied: the data that was given stays as it is."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, _, names in os.walk(data):
        at = os.path.join(folder, os.path.relpath(path, data))
        os.makedirs(at, exist_ok=True)
        for name in names:
            is_fixed = name.endswith(".parquet") and "/tables/" in path + "/"
            (os.link if is_fixed else shutil.copy2)(os.path.join(path, name), os.path.join(at, name))
    return folder


def files_of(server):
    """The project's live files in the Delta table, and links to the segments that are not in it: those are joined meanwhile."""
    import pyarrow.parquet
    from deltalake import DeltaTable
    delta = [uri.replace("file://", "") for uri in DeltaTable(os.path.join(server.delta_tables(), LOGS)).file_uris() if "project_id=" + server.project in uri]
    folder = os.path.join(server.data, "segments")
    links = server.data + ".segments"
    shutil.rmtree(links, ignore_errors=True)
    os.mkdir(links)
    segments = []
    for name in os.listdir(folder):
        at = os.path.join(links, name)
        if name.endswith(".parquet"):
            os.link(os.path.join(folder, name), at)
            if "metric_name" not in pyarrow.parquet.read_schema(at).names:
                segments.append(at)
    return delta, segments


def rolled_up_wait(server):
    """Roll-ups are made while nothing is asked, once: nobody's first statement is measured."""
    folder = os.path.join(server.data, "rollups", server.project)
    server.one("SELECT count(*) FROM %s" % LOGS)
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 40:
        count = len(os.listdir(folder)) if os.path.isdir(folder) else 0
        if count != seen:
            seen, since = count, time.monotonic()
        time.sleep(1)


def planning_ms(connection, sql):
    """(time, CPU)"""
    lines = [row[0] for row in connection.execute("EXPLAIN ANALYZE " + sql).fetchall()]
    return [float(next(line for line in lines if line.startswith(word)).split()[2]) for word in ("Planning Time: ", "Planning CPU: ")]


def plain_table(files, columns):
    schema = ", ".join("'%s': {name: '%s', type: '%s', default_value: NULL}" % (name, name, kind) for name, kind in columns)
    return "read_parquet([%s], schema=MAP{%s})" % (", ".join("'%s'" % name for name in files), schema)


def columns_of(sql, types):
    if "SELECT *" in sql:
        return sorted(types.items())
    return [(name, kind) for name, kind in sorted(types.items()) if name in sql]


def iso(at_s):
    return datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f+00")


def bench_query(figure):
    data = os.environ.get("BENCH_QUERY_DATA") or os.path.join(os.environ["STORY_DIR"], "query")
    note = os.path.join(data, "query_bench.json")
    if os.path.exists(os.path.join(data, "ui_bench.json")):
        note = os.path.join(data, "ui_bench.json")
    if not os.path.exists(note):
        begin = time.monotonic()
        with Server(data=data, flush="20s") as server:
            filled = fill(server)
            server.stop(60)
        with open(note, "w") as f:
            json.dump(filled, f)
        figure("q_fill_s", time.monotonic() - begin, "s")
    with open(note) as f:
        filled = json.load(f)
    folder = copied(data, os.path.join(os.environ["STORY_DIR"] if not os.environ.get("BENCH_QUERY_DATA") else data + ".run", "query.run"))
    try:
        with Server(data=folder, flush="1h", options=["--telemetry", "off"]) as server:
            measure(figure, server, filled)
    finally:
        for path in (folder, folder + ".segments"):
            shutil.rmtree(path, ignore_errors=True)


def measure(figure, server, filled):
    end = filled["end"]
    whole = "SELECT count(*) FROM %s" % LOGS
    before = server.one(whole)
    requests = SPANS * 5 // 100 // (CONNECTIONS * SPANS_EACH)
    rows = before + send(server, requests, HOURS * 3600 * 0.05, end) + 1
    send_rare(server, end - 7000)
    wait_until(lambda: server.one(whole) == rows, "all rows are there", 120)
    time.sleep(5)  # small segments are joined
    rolled_up_wait(server)
    plain = DuckDB()
    connection = server.connect()
    delta, segments = files_of(server)
    types = plain_types(plain, delta)
    route = "attributes___http___route" if "attributes___http___route" in types else "attributes->>'http.route'"
    plain_route = route if "->" not in route else "json_extract_string(attributes, '$.\"http.route\"')"
    at = {"rare": RARE, "trace": server.one("SELECT context___trace_id FROM %s WHERE timestamp < to_timestamp(%f) ORDER BY timestamp DESC LIMIT 1" % (LOGS, end - 40000))}
    check(plain.run("SELECT count(*) FROM " + plain_table(delta + segments, [("timestamp", "TIMESTAMPTZ")]))[1] == str(rows), "DuckDB has the same rows: %d" % rows)
    figure("q_rows", rows, "rows")
    figure("q_rows_in_segments_percent", 100.0 * (rows - before) / rows, "%")
    figure("q_files", len(delta), "files")
    figure("q_segments", len(segments), "files")
    chance = random.Random(7)
    plans = []
    for name in (os.environ.get("BENCH_QUERY_ONLY") or ",".join(STATEMENTS)).split(","):
        hours, ours, theirs = STATEMENTS[name]
        theirs = theirs or ours
        took = {"off": [], "on": [], "plain": []}
        cpu = {"off": [], "on": [], "plain": []}
        planned, problem = [], None
        for run in range(RUNS + 1):
            to = end - chance.uniform(0, OFFSET_S)
            times = "" if hours is None else "timestamp >= '%s' AND timestamp < '%s'" % (iso(to - hours * 3600), iso(to))
            sql = ours.format(table=LOGS, times=times, route=route, **at)
            for way in ("off", "on"):
                connection.execute("SET monoscope.kept_parts = '%s'" % way)
                begin, cpu_begin = time.monotonic(), server.cpu_ms()
                try:
                    got = connection.execute(sql).fetchall()
                except psycopg.Error as error:
                    problem = str(error).splitlines()[0]
                    break
                took[way].append((time.monotonic() - begin) * 1000)
                cpu[way].append(server.cpu_ms() - cpu_begin)
            if problem:
                break
            if not name.endswith("_exact"):
                planned.append(planning_ms(connection, sql))
            sql = theirs.format(table=plain_table(delta + segments, columns_of(theirs.format(table="", times="timestamp", route=plain_route, **at), types)), times=times,
                                route=plain_route, **at)
            begin, cpu_begin = time.monotonic(), time.process_time()
            count, first = plain.run(sql)
            took["plain"].append((time.monotonic() - begin) * 1000)
            cpu["plain"].append((time.process_time() - cpu_begin) * 1000)
            check(count == len(got), "%s: as many rows as DuckDB has: %d, %d" % (name, len(got), count))
            if count == 1 and name == "distinct_users_exact":
                check(first == str(got[0][0]), "%s: as DuckDB counts: %s, %s" % (name, got[0][0], first))
        if problem:
            print("# q_%s: %s" % (name, problem), flush=True)
            continue
        p50 = {way: statistics.median(times[1:]) for way, times in took.items()}
        figure("q_%s_ms" % name, p50["off"], "ms")
        figure("q_%s_kept_ms" % name, p50["on"], "ms")
        figure("q_%s_plain_ms" % name, p50["plain"], "ms")
        for way, word in (("off", ""), ("on", "_kept"), ("plain", "_plain")):
            figure("q_%s%s_cpu_ms" % (name, word), statistics.median(cpu[way][1:]), "ms")
        figure("q_%s_ratio" % name, p50["off"] / p50["plain"], "1")
        plans += planned[1:]
        for n, word in enumerate(("plan_ms", "plan_cpu_ms")):
            if planned[1:]:
                figure("q_%s_%s" % (name, word), statistics.median(plan[n] for plan in planned[1:]), "ms")
    for n, word in enumerate(("plan_ms", "plan_cpu_ms")):
        if plans:
            figure("q_" + word, statistics.median(plan[n] for plan in plans), "ms")


def plain_types(plain, delta):
    """Names and types as DuckDB reads them in the largest file; a text that is JSON stays text."""
    import pyarrow.parquet
    largest = max(delta, key=os.path.getsize)
    kinds = {"int64": "BIGINT", "int32": "INTEGER", "string": "VARCHAR", "double": "DOUBLE", "bool": "BOOLEAN", "date32[day]": "DATE", "binary": "BLOB"}
    types = {}
    for field in pyarrow.parquet.read_schema(largest):
        text = str(field.type)
        if text.startswith("timestamp"):
            types[field.name] = "TIMESTAMPTZ"
        elif text.startswith("list<"):
            inner = text[text.index(":") + 1:].strip(" >").split(" ")[0]
            types[field.name] = kinds.get(inner, "VARCHAR") + "[]"
        else:
            types[field.name] = kinds.get(text, "VARCHAR")
    return types
