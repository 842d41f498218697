# time_limit_s: 300, tries: 2
"""An app with the OpenTelemetry Go SDK sends traces, logs and metrics, plain and gzipped, and asks for them by pgx as Go
programs do: extended protocol, statement cache, binary values. tests/go is that app; here its answers are compared."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from goprogram import build
from monoscope import Server, check


def equal(got, wanted, words):
    check(got == wanted, "%s is %r, wanted %r" % (words, got, wanted))


def check_spans(sent, read):
    root, child = read["spans"]
    equal([root[key] for key in ("name", "kind", "span_id", "parent_id", "status_code", "status_message", "start_us")],
          ["POST /orders", "server", sent["root_id"], None, "UNSET", None, sent["root_start_us"]], "the root span")
    equal(root["attributes"]["order"], {"items": ["tea", "Öl"], "total": 12.5, "is_gift": True, "big": 2 ** 50}, "its attributes")
    equal(root["attributes"]["http"], {"request": {"method": "POST"}, "response": {"status_code": 201}}, "its http attributes")
    check(sent["trace_id"] in root["hashes"], "hashes hold the trace id: %r" % root["hashes"])
    equal([child[key] for key in ("name", "kind", "span_id", "parent_id", "status_code", "status_message")],
          ["publish", "producer", sent["child_id"], sent["root_id"], "ERROR", "slow"], "the child span")
    equal([event["name"] for event in child["events"]], ["queued", "exception"], "the child's events")
    check(root["duration"] >= child["duration"] > 0, "durations: %d, %d" % (root["duration"], child["duration"]))


def check_log(sent, read):
    equal(read["body"], {"message": "order refused", "order": 7, "why": ["stock", False, 0.5], "raw": "AP8="}, "the log's body")
    equal((read["level"], read["log_us"], read["log_tries"]), ("ERROR", sent["log_us"], "3"), "the log")


def check_metrics(read):
    points = {point["name"]: {key: value for key, value in point.items() if value is not None} for point in read["metrics"]}
    for name, wanted in {
            "go.orders": {"type": "sum", "unit": "{order}", "value": 5, "value_int": 5, "is_monotonic": True},
            "go.open": {"type": "sum", "value": -2, "value_int": -2, "is_monotonic": False},
            "go.temperature": {"type": "gauge", "unit": "Cel", "value": -3.5},
            "go.latency": {"type": "histogram", "unit": "ms", "count": 4, "sum": 551, "buckets": [1, 2, 1], "bounds": [10, 100]},
            "go.sizes": {"type": "exponential_histogram", "count": 5, "sum": 3, "scale": 3, "zero_count": 1, "pos_offset": -1,
                         "neg_offset": 15, "neg_buckets": [1]}}.items():
        for key, value in wanted.items():
            equal(points[name].get(key), value, "%s's %s" % (name, key))
    buckets = points["go.sizes"]["pos_buckets"]
    equal([(i, count) for i, count in enumerate(buckets) if count], [(0, 1), (8, 1), (16, 1)], "exponential buckets")


def main():
    program = build("go")
    with Server() as server:
        for number, compression in enumerate(("none", "gzip")):
            if number:
                server.stop()
                server = Server(data=server.data + "-2")
                server.start()
            url = "postgres://default:%s@127.0.0.1:%d/monoscope?sslmode=disable" % (server.key, server.pg_port)
            environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:%d" % server.grpc_port,
                               OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer %s" % server.key, MONOSCOPE_PG_URL=url,
                               OTEL_EXPORTER_OTLP_COMPRESSION=compression, OTEL_SERVICE_NAME="shop-go")
            result = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=90)
            check(result.returncode == 0, "the Go app sends and asks (%s): %s" % (compression, result.stderr))
            told = json.loads(result.stdout)
            sent, read = told["sent"], told["read"]
            check_spans(sent, read)
            check_log(sent, read)
            check_metrics(read)
            equal(read["counts"][0], 2, "spans with a duration")
            equal(read["batch"], list(range(3, 13)), "a batch of ten")
            check(read["p50"] > 0 and read["bucket"].endswith(":00:00Z"), "percentile_cont and time_bucket: %r %r" % (read["p50"], read["bucket"]))
            equal((read["sqlstate"], read["cancelled"]), ("42703", "57014"), "SQLSTATEs of a wrong column and of a cancel")
            check(read["cancel_took_ms"] < 8000, "cancel takes %d ms" % read["cancel_took_ms"])
            print("Go SDK (%s): 2 spans, a log, 5 points read by pgx; cancel took %d ms" % (compression, read["cancel_took_ms"]), flush=True)
        server.kill()


main()
