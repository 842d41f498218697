# time_limit_s: 300, tries: 2
"""Monoscope watched with Monoscope and with Prometheus' own reader: what it tells of itself is what happened, it can be
asked by SQL, an idle server stays idle, a second target gets the same, and none of it ever stands in the way."""
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import otlp
from monoscope import BINARY, REPO, STORY_DIR, Server, check, wait_until
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from prometheus_client.parser import text_string_to_metric_families

FAST = ["--telemetry-interval", "300ms"]


def get(server, path, method="GET"):
    """(status, content type, text)"""
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (server.web_port, path), method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get("content-type"), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("content-type"), error.read().decode()


def metrics(server):
    """{(name, labels): value}; families are read by Prometheus' own parser, which refuses what is not its format."""
    status, kind, text = get(server, "/metrics")
    check(status == 200 and kind.startswith("text/plain; version=0.0.4"), "/metrics: %s %s" % (status, kind))
    found = {}
    for family in text_string_to_metric_families(text):
        check(family.documentation and family.type in ("counter", "gauge", "histogram"), "family %s" % family)
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            check(key not in found, "%s is there once" % (key,))
            found[key] = sample.value
    return found


def value(found, name, **labels):
    return found.get((name, tuple(sorted(labels.items()))), 0)


def own(server, sql):
    with open(os.path.join(server.data, "monoscope.key")) as f:
        key = f.read().strip()
    with server.connect(user="monoscope", password=key) as connection:
        return connection.execute(sql).fetchall()


def answers_of_the_port(server):
    check(get(server, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n"), "/healthz: %s" % (get(server, "/healthz"),))
    status, kind, text = get(server, "/readyz")
    check(status == 200 and kind == "application/json" and json.loads(text)["ready"], "/readyz: %s %s" % (status, text))
    check([part["name"] for part in json.loads(text)["parts"]] == ["start", "log", "metadata", "intake"], "its parts: " + text)
    status, _, text = get(server, "/nothing")
    check(status == 404 and "/metrics" in text, "elsewhere: %s %s" % (status, text))
    check(get(server, "/metrics", "POST")[0] == 405, "POST is refused")


def what_it_counts_is_what_was_sent(server):
    _, _, key = server.project_create("shop")
    wait_until(lambda: otlp.Sender(server.grpc_port, key).send("logs", otlp.logs([otlp.log("a")])).status == 0, "the key works")
    sender = otlp.Sender(server.grpc_port, key)
    for _ in range(3):
        check(sender.send("traces", otlp.traces([otlp.span("s") for _ in range(50)])).status == 0, "spans are taken")
    check(sender.send("metrics", otlp.metrics([otlp.gauge("g", 1.5) for _ in range(7)])).status == 0, "points are taken")
    again = otlp.traces([otlp.span("twice")])
    check([sender.send("traces", again).status for _ in range(2)] == [0, 0], "a repeat is a success")
    check(sender.send("traces", again, key="mono_wrong").status == otlp.UNAUTHENTICATED, "a wrong key is refused")
    check(sender.send("traces", b"\xff\xff").status == otlp.INVALID_ARGUMENT, "bytes that are no message are refused")
    server.load(1, requests=20, connections=2, spans=100)

    def counted():
        found = metrics(server)
        return (value(found, "monoscope_ingest_records_total", project="shop", signal="logs"),
                value(found, "monoscope_ingest_records_total", project="shop", signal="traces"),
                value(found, "monoscope_ingest_records_total", project="shop", signal="metrics"),
                value(found, "monoscope_ingest_records_total", project="default", signal="traces"),
                value(found, "monoscope_ingest_refused_total", error_type="ERR_UNAUTHENTICATED") >= 1,
                value(found, "monoscope_ingest_refused_total", error_type="ERR_INPUT"),
                value(found, "monoscope_ingest_repeats_total"))
    wanted = (1, 151, 7, 4000, True, 1, 1)
    wait_until(lambda: counted() == wanted, "what was sent is counted: %s, wanted %s" % (counted(), wanted))
    found = metrics(server)
    check(value(found, "monoscope_ingest_records_total", project="monoscope", signal="metrics") == 0,
          "its own records are not counted as taken in")
    buckets = {float(labels[0][1]): count for (name, labels), count in found.items()
               if name == "monoscope_ingest_duration_seconds_bucket"}
    counts = [buckets[bound] for bound in sorted(buckets)]
    check(counts == sorted(counts) and counts[-1] == value(found, "monoscope_ingest_duration_seconds_count") >= 46,
          "answers are timed: %s" % counts)
    check(value(found, "process_cpu_time_seconds_total", cpu_mode="user") > 0 and
          value(found, "process_memory_usage_bytes") > 1 << 20, "the process is measured")
    with open(os.path.join(REPO, "docs", "self.md")) as f:
        page = f.read()
    _, _, text = get(server, "/metrics")
    names = re.findall(r"^# TYPE (\S+)", text, re.M)
    for name in names:
        check("`%s`" % name in page, "docs/self.md tells what %s is" % name)
    for name in re.findall(r"\b(?:monoscope|process)_[a-z_]+", "".join(re.findall(r"```yaml(.*?)```", page, re.S))):
        if name.startswith("monoscope_kafka_"):  # there with brokers alone
            check("`%s`" % name in page, "the alerts of docs/self.md ask for what it tells of: %s" % name)
            continue
        check(re.sub("_bucket$", "", name) in names, "the alerts of docs/self.md ask for what there is: %s" % name)
    for sql in re.findall(r"```sql\n(.*?)```", page, re.S):
        for statement in re.sub(r"^--.*$", "", sql, flags=re.M).split(";"):
            if statement.strip():
                own(server, statement)


def asked_by_sql(server):
    wait_until(lambda: own(server, """SELECT max(value) FROM otel_metrics WHERE metric_name = 'monoscope.ingest.records'
               AND attributes->>'project' = 'shop' AND attributes->>'signal' = 'traces'""")[0][0] == 151, "the metric is a row")
    points = own(server, """SELECT DISTINCT metric_name, metric_unit, metric_type, is_monotonic, aggregation_temporality
                            FROM otel_metrics WHERE metric_name IN ('process.cpu.time', 'monoscope.ingest.duration',
                            'process.uptime') ORDER BY 1""")
    check(points == [("monoscope.ingest.duration", "s", "histogram", None, "cumulative"),
                     ("process.cpu.time", "s", "sum", True, "cumulative"), ("process.uptime", "s", "gauge", None, None)],
          "metrics have their kinds: %s" % points)
    wait_until(lambda: own(server, "SELECT level FROM otel_logs_and_spans WHERE kind = 'log' AND body = '\"app.ready\"'"),
               "its events are rows")
    check(own(server, "SELECT DISTINCT resource___service___name FROM telemetry") == [("monoscope",)], "under its own name")

    secret = "very secret words"
    server.query("SELECT 7 AS n, '%s' AS words" % secret)
    try:
        server.query("SELECT nothing FROM otel_metrics WHERE metric_name = '%s'" % secret)
        check(False, "a column that is not there is refused")
    except Exception as error:
        check("nothing" in str(error), "a column that is not there is refused: %s" % error)
    query = """SELECT name, status_code, attributes FROM otel_logs_and_spans
               WHERE kind = 'server' AND attributes->'db'->'system'->>'name' = 'postgresql'
               AND attributes->>'monoscope.project.id' = '%s'""" % server.project
    spans = wait_until(lambda: (lambda rows: rows if {row[1] for row in rows} >= {"ERROR", "UNSET"} else None)(own(server, query)),
                       "statements are spans")
    failed = [row for row in spans if row[1] == "ERROR"]
    check(failed[0][2]["error"]["type"] == "42703", "with their SQLSTATE: %s" % failed)
    check(any(row[0] == "SELECT" and row[2]["db"]["response"]["returned_rows"] == 1 for row in spans), "and rows: %s" % spans)
    for table in ("otel_logs_and_spans", "otel_metrics"):
        for row in own(server, "SELECT * FROM %s" % table):
            check(secret not in str(row), "no text of a statement is told: %s" % (row,))
    check(not server.query("SELECT 1 FROM otel_logs_and_spans WHERE resource___service___name = 'monoscope'"),
          "other projects do not see it")


def one_trace_of_a_flush(server):
    def flushed():
        return own(server, """SELECT a.name, b.name FROM otel_logs_and_spans a JOIN otel_logs_and_spans b
                              ON b.context___trace_id = a.context___trace_id AND b.parent_id = a.context___span_id
                              WHERE a.name = 'flush'""")
    rows = wait_until(flushed, "a flush and its commits are one trace")
    check(set(rows) == {("flush", "flush.table")}, "of these spans: %s" % rows)
    check(own(server, "SELECT count(*) FROM otel_logs_and_spans WHERE name = 'start'")[0][0] == 1, "the start is a span")


def watched_story():
    with Server(options=FAST, flush="1s") as server:
        answers_of_the_port(server)
        what_it_counts_is_what_was_sent(server)
        asked_by_sql(server)
        one_trace_of_a_flush(server)
        refused = subprocess.run([BINARY, "project", "create", "monoscope", "--data", server.data], capture_output=True, text=True)
        check(refused.returncode == 1 and "own" in refused.stderr, "the project's name is taken: %s" % refused)
        stops_with_a_call_in_flight(server)
        server.start()
        check(server.ready["replayed_records"] == 0, "a clean stop leaves nothing to replay")
        check(own(server, "SELECT count(*) FROM otel_logs_and_spans WHERE name = 'start'")[0][0] == 1, "what was told is kept")
        took = server.stop()
        check(took < 15, "an idle server stops fast: %.1f s" % took)
    print("watched: /metrics, SQL, spans, no statement's text; ok")


def stops_with_a_call_in_flight(server):
    """A call whose body is still on its way keeps the ports draining: /readyz says so, /healthz goes on."""
    body = otlp.traces([otlp.span("slow")]).SerializeToString()
    half = socket.create_connection(("127.0.0.1", server.http_port))
    half.sendall(b"POST /v1/traces HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-type: application/x-protobuf\r\n"
                 b"content-length: %d\r\n\r\n" % (server.key.encode(), len(body)) + body[:10])
    time.sleep(0.3)
    server.process.terminate()

    def not_ready():
        status, _, text = get(server, "/readyz")
        return text if status == 503 else None
    text = wait_until(not_ready, "/readyz turns 503", 2)
    parts = {part["name"]: part for part in json.loads(text)["parts"]}
    check(not json.loads(text)["ready"] and parts["log"]["ready"] and "stopping" in parts["intake"]["why"], "it says why: " + text)
    check(get(server, "/healthz")[0] == 200 and get(server, "/metrics")[0] == 200, "health and metrics go on")
    half.sendall(body[10:])
    answer = half.recv(1000)
    check(answer.startswith(b"HTTP/1.1 200"), "the call in flight is answered: %r" % answer)
    check(server.process.wait(15) == 0, "it ends well")
    half.close()


class Idle(threading.Thread):
    """A minute without senders, beside the other parts of this story: own rows come, no table version, next to no CPU."""
    seconds = 60

    def __init__(self):
        super().__init__(daemon=True)
        self.server = Server(data=os.path.join(STORY_DIR, "idle"), flush="2s")
        self.server.start()
        self.before = self.after = None
        self.start()

    def run(self):
        time.sleep(12)  # what the start has to tell is stored
        self.before = metrics(self.server)
        time.sleep(self.seconds)
        self.after = metrics(self.server)

    def verify(self):
        self.join()
        server, before, after = self.server, self.before, self.after
        check(after is not None, "the idle server can be asked")
        check(not server.events("flush.committed"), "an idle server commits nothing")
        for table in ("otel_metrics", "otel_logs_and_spans"):
            check(value(after, "monoscope_delta_version", table=table) == 0, "%s has no new version" % table)
        stored = value(after, "monoscope_telemetry_records_total", signal="metrics")
        check(stored > 50, "yet its own metrics come: %d" % stored)
        told = sum(value(after, "monoscope_telemetry_records_total", signal=signal) for signal in ("logs", "traces"))
        cpu = sum(value(after, "process_cpu_time_seconds_total", cpu_mode=mode) -
                  value(before, "process_cpu_time_seconds_total", cpu_mode=mode) for mode in ("user", "system"))
        check(cpu < 3, "an idle server is idle: %.2f s of CPU in %d s" % (cpu, self.seconds))
        check(told < 20, "it does not feed itself: %d events and spans" % told)
        server.kill()
        server.start()
        check(own(server, "SELECT count(*) FROM otel_metrics")[0][0] >= stored, "nothing of it is lost by a kill")
        server.kill()
        print("idle for %d s: no commit, %.3f s of CPU (%.2f %%), %d own points, %d events and spans" %
              (self.seconds, cpu, 100 * cpu / self.seconds, stored, told))


def replay_story():
    """While a long log is replayed the port is open and says so."""
    with Server(data=os.path.join(STORY_DIR, "replay"), options=["--telemetry", "off"]) as server:
        sent = server.load(60, requests=1200, connections=4, spans=500)
        server.kill()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server.web_port = free.getsockname()[1]
        server.options += ["--web-port", str(server.web_port)]
        server.start(wait=False)
        seen = []

        def ready():
            try:
                status, _, text = get(server, "/readyz")
            except OSError:
                return False
            if status != 200:
                seen.append(json.loads(text)["parts"])
            return status == 200
        wait_until(ready, "it becomes ready", 60)
        replaying = [parts for parts in seen if not parts[0]["ready"] and "log" in parts[0]["why"]]
        check(replaying and {part["name"]: part["ready"] for part in replaying[-1]}["intake"] is False, "/readyz says that the log is replayed: %s" % seen)
        check(server.wait_ready() and server.ready["replayed_records"] > 10, "it was: %s" % server.ready)
        check(server.one("SELECT count(*) FROM otel_logs_and_spans") == sent["spans"], "and all is there")
    print("replay: /readyz was asked %d times before it said yes; ok" % len(seen))


class Sink(http.server.BaseHTTPRequestHandler):
    """An OTLP/HTTP server; refuse: statuses to answer first."""
    protocol_version = "HTTP/1.1"
    kinds = {"/v1/logs": logs_service_pb2.ExportLogsServiceRequest, "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
             "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.refuse.pop(0) if self.server.refuse else 200
        if status == 200:
            self.server.got.append((self.path, self.headers.get("x-team"), self.kinds[self.path].FromString(body)))
        self.send_response(status)
        if status == 503:
            self.send_header("retry-after", "1")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def second_target_story():
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    sink.got, sink.refuse = [], [503]
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    options = FAST + ["--telemetry-endpoint", "http://127.0.0.1:%d/" % sink.server_address[1], "--telemetry-headers",
                      "x-team=night shift"]
    with Server(data=os.path.join(STORY_DIR, "second"), options=options + ["--telemetry", "off"]) as server:
        wait_until(lambda: {path for path, _, _ in sink.got} == set(Sink.kinds), "all three signals come")
        check({team for _, team, _ in sink.got} == {"night shift"}, "with the headers: %s" % sink.got[0][1])
        names = {metric.name for path, _, request in sink.got if path == "/v1/metrics"
                 for metric in request.resource_metrics[0].scope_metrics[0].metrics}
        check({"process.cpu.time", "monoscope.ingest.duration"} <= names, "metrics come: %s" % names)
        found = metrics(server)
        check(value(found, "monoscope_telemetry_export_failures_total") >= 1, "the refusal is counted")
        check(not os.path.exists(os.path.join(server.data, "monoscope.key")), "with --telemetry off no project is made")
        server.stop()
        bodies = [record.body.string_value for path, _, request in sink.got if path == "/v1/logs"
                  for record in request.resource_logs[0].scope_logs[0].log_records]
        check({"app.ready", "app.stopped"} <= set(bodies), "up to its last event: %s" % bodies)
    sink.shutdown()
    sink.server_close()

    with Server(data=os.path.join(STORY_DIR, "receiver")) as receiver:
        options = FAST + ["--telemetry-endpoint", "http://127.0.0.1:%d" % receiver.http_port, "--telemetry-headers",
                          "authorization=Bearer " + receiver.key]
        with Server(data=os.path.join(STORY_DIR, "sender"), options=options) as server:
            wait_until(lambda: receiver.one("SELECT count(*) FROM otel_metrics WHERE metric_name = 'process.cpu.time'") > 2 and
                       receiver.one("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'start'") == 1,
                       "another Monoscope is a second target")
            receiver.kill()
            wait_until(lambda: server.events("telemetry.export_failing"), "a target that is down is told")
            before = value(metrics(server), "monoscope_telemetry_records_total", signal="metrics")
            sent = server.load(2, requests=50, connections=2, spans=100)
            check(sent["failed"] == 0 and sent["refused"] == 0, "senders do not notice: %s" % sent)
            wait_until(lambda: value(metrics(server), "monoscope_telemetry_records_total", signal="metrics") > before + 50,
                       "the own project goes on")
            time.sleep(1)
            check(len(server.events("telemetry.export_failing")) == 1, "it is told once")
            took = server.stop()
            check(took < 16, "a target that is down holds no stop up: %.1f s" % took)
    refused = subprocess.run([BINARY, "run", "--data", os.path.join(STORY_DIR, "x"), "--telemetry-endpoint", "collector:4318"],
                             capture_output=True, text=True, timeout=20)
    check(refused.returncode == 1 and "--telemetry-endpoint" in refused.stderr and "http://" in refused.stderr,
          "an endpoint that is none is refused: %s" % refused)
    print("second target: Python sink after a 503, another Monoscope, one that is down; ok")


idle = Idle()
watched_story()
second_target_story()
replay_story()
idle.verify()
