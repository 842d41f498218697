# time_limit_s: 400
"""The OpenTelemetry Collector stands before the server (tests/collector) and sends on by gRPC and by HTTP, compressing by gzip and
by zstd. Everything sent to it arrives once, summaries too; and while the server is killed and started again, at random and between
its disk and its answer, the Collector tries again: nothing is lost, nothing is there twice. The same for a sender that repeats
itself after a restart."""
import os
import random
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from goprogram import build
from monoscope import ROUNDS, STORY_DIR, Server, check, free_port, wait_until
from otlp import Broken, Sender, gauge, log, logs, metrics, span, summary, traces

CONFIG = """
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:%(port)d
processors:
  batch:
    timeout: 50ms
    send_batch_size: 400
exporters:
  %(exporter)s
    compression: %(compression)s
    headers:
      authorization: Bearer %(key)s
    timeout: 5s
    sending_queue:
      enabled: true
      queue_size: 10000
    retry_on_failure:
      enabled: true
      initial_interval: 100ms
      max_interval: 500ms
      max_elapsed_time: 0s
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [%(name)s]}
    metrics: {receivers: [otlp], processors: [batch], exporters: [%(name)s]}
    logs: {receivers: [otlp], processors: [batch], exporters: [%(name)s]}
"""
GRPC = """otlp:
    endpoint: 127.0.0.1:%(grpc)d
    tls: { insecure: true }"""
HTTP = """otlphttp:
    endpoint: http://127.0.0.1:%(http)d
    encoding: %(encoding)s"""
# name: (exporter, encoding, compression); each is killed MONO_ROUNDS times, so gRPC and HTTP ten times
WAYS = {
    "grpc-gzip": (GRPC, "proto", "gzip"),
    "grpc-zstd": (GRPC, "proto", "zstd"),
    "http-proto-gzip": (HTTP, "proto", "gzip"),
    "http-json-zstd": (HTTP, "json", "zstd"),
}
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)


class Collector:
    def __init__(self, binary, server, way):
        exporter, encoding, compression = WAYS[way]
        exporter = exporter % {"grpc": server.grpc_port, "http": server.http_port, "encoding": encoding}
        self.port = free_port()
        path = os.path.join(STORY_DIR, "collector-%s.yaml" % way)
        with open(path, "w") as f:
            f.write(CONFIG % {"port": self.port, "exporter": exporter, "name": exporter.split(":")[0], "compression": compression,
                              "key": server.key})
        self.log_path = path + ".log"
        self.process = subprocess.Popen([binary, "--config", "file:" + path], stdout=open(self.log_path, "wb"), stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL)
        wait_until(self.is_ready, "the Collector starts", 30)

    def is_ready(self):
        check(self.process.poll() is None, "the Collector runs\n" + self.log_text())
        return "Everything is ready" in self.log_text()

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def stop(self):
        self.process.terminate()
        check(self.process.wait(20) == 0, "the Collector ends by itself\n" + self.log_text()[-3000:])


def check_all_signals(server, collector, name):
    sender = Sender(collector.port)
    at_ns = time.time_ns()
    resource = {"service.name": name}
    for answer in (
            sender.send("traces", traces([span("s%d" % i, {"n": i}) for i in range(1000)], resource)),
            sender.send("logs", logs([log("line %d" % i, {"n": i}) for i in range(500)], resource)),
            sender.send("metrics", metrics([gauge("g", 1.5, {"n": i}) for i in range(100)] +
                                           [summary("latency", 40, 1000.0, {0.5: 20.0, 0.99: 95.5}, at_ns)], resource))):
        check(answer.status == 0 and answer.rejected == 0, "the Collector takes all: %r" % answer)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = '%s'" % name, 1500, 30)
    server.wait_count("SELECT count(*) FROM otel_metrics WHERE resource___service___name = '%s'" % name, 101, 30)
    point = server.query("""SELECT metric_type, metric_unit, distribution_count, distribution_sum, summary_quantiles, summary_values, value,
                            (extract(epoch FROM timestamp) * 1000000)::bigint, hist_bucket_counts FROM otel_metrics
                            WHERE metric_type = 'summary' AND resource___service___name = %s""", (name,))
    check(point == [("summary", "ms", 40, 1000.0, [0.5, 0.99], [20.0, 95.5], 25.0, at_ns // 1000, None)], "the summary: %r" % point)
    kinds = server.query("""SELECT count(*) FILTER (WHERE kind = 'log'), count(DISTINCT id), sum((attributes->>'n')::int)
                            FROM otel_logs_and_spans WHERE resource___service___name = %s""", (name,))[0]
    check(tuple(map(int, kinds)) == (500, 1500, 999 * 500 + 499 * 250), "logs, ids and numbers: %r" % (kinds,))


class Numbers(threading.Thread):
    """Sends numbered spans to the Collector until told to stop; the Collector has taken what `sent` says."""

    def __init__(self, port, sender):
        super().__init__()
        self.port, self.sender, self.sent, self.is_over = port, sender, 0, False

    def run(self):
        sender = Sender(self.port)
        while not self.is_over:
            spans = [span("numbered", {"sender": self.sender, "seq": self.sent + i}) for i in range(50)]
            answer = sender.send("traces", traces(spans))
            check(answer.status == 0, "the Collector takes spans: %r" % answer)
            self.sent += 50
            time.sleep(0.01)


def check_numbers(server, numbers, words):
    sql = """SELECT count(*), count(DISTINCT (attributes->>'seq')::bigint), min((attributes->>'seq')::bigint), max((attributes->>'seq')::bigint)
             FROM otel_logs_and_spans WHERE attributes->>'sender' = %s"""
    seen = [None]

    def arrived():
        seen[0] = server.query(sql, (numbers.sender,))[0]
        return seen[0][1] >= numbers.sent
    end = time.monotonic() + 30
    while not arrived() and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)  # whatever comes twice comes now
    arrived()
    check(seen[0] == (numbers.sent, numbers.sent, 0, numbers.sent - 1), "%s: %d were sent, there are (rows, numbers, first, last) %r" %
          (words, numbers.sent, seen[0]))


def check_kills(server, collector, name):
    """Random kills, and kills where the request is on disk and the answer is not out: what is sent again then is a repeat."""
    places = [None, "wal.before_done", "wal.after_sync", "flush.after_commit"]
    repeats = 0
    for number in range(ROUNDS):
        place = places[number % len(places)]
        environment = {"MONOSCOPE_FAIL_POINT": "%s:%d" % (place, rng.choice([1, 2, 4]))} if place else {}
        server.stop()
        server.start(environment=environment)
        numbers = Numbers(collector.port, "%s.%d" % (name, number))
        numbers.start()
        end = time.monotonic() + (rng.uniform(0.5, 2.0) if not place else 4.0)
        while time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.01)
        was_inside = server.process.poll() is not None
        server.kill()
        time.sleep(rng.uniform(0, 0.7))
        server.start()
        time.sleep(0.5)
        numbers.is_over = True
        numbers.join()
        check_numbers(server, numbers, "%s, killed %s %s" % (name, "inside" if was_inside else "outside", place or "at random"))
        repeats += was_inside
        print("%s: killed %s, %d spans there once" % (name, "inside " + place if was_inside else "at random", numbers.sent), flush=True)
    return repeats


def check_same_bytes(server):
    request = traces([span("same", {"n": i}) for i in range(10)]).SerializeToString()
    sql = "SELECT count(*) FROM otel_logs_and_spans WHERE name = 'same'"
    for step in ("at once", "packed otherwise", "after a flush and a clean stop", "after a kill"):
        if step.startswith("after"):
            server.stop() if "clean" in step else server.kill()
            server.start()
        sender = Sender(server.grpc_port, server.key)
        for encoding in (None, "gzip", "zstd"):
            try:
                answer = sender.send("traces", request, encoding)
            except Broken as error:
                check(False, "the server answers a repeat: %s" % error)
            check(answer.status == 0 and answer.rejected == 0, "a repeat is a success: %r" % answer)
        server.wait_count(sql, 10, 60)
        time.sleep(0.6)
        check(server.one(sql) == 10, "a request sent again %s is stored once: %d" % (step, server.one(sql)))
    other = traces([span("same", {"n": 10})])
    check(Sender(server.grpc_port, server.key).send("traces", other).status == 0, "another request")
    server.wait_count(sql, 11, 60)


def main():
    print("seed", seed)
    binary = build("collector")
    with Server(flush="700ms", options=["--publish-interval", "50ms"]) as server:
        server.options += ["--otlp-grpc-port", str(server.grpc_port), "--otlp-http-port", str(server.http_port)]
        for way in WAYS:
            collector = Collector(binary, server, way)
            check_all_signals(server, collector, "through-" + way)
            inside = check_kills(server, collector, way)
            collector.stop()
            check("Dropping data" not in collector.log_text(), "the Collector drops nothing\n" + collector.log_text()[-3000:])
            print("Collector by %s: all signals, %d kills, %d of them between disk and answer" % (way, ROUNDS, inside), flush=True)
        check_same_bytes(server)
        print("a request sent 12 times, over two restarts, is stored once")
        server.stop()


main()
