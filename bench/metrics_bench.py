"""What POST /metrics/query costs: 100,000 points of 100 series, each 10 s, read from the table; CPU of the whole server."""
import os
import subprocess
import time
import urllib.request

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

SERIES, POINTS, SENT_EACH_S = 100, 1000, 10
BOUNDS = [2.0 ** (b - 8) for b in range(15)]
RUNS = 7


def add_point(metric, kind, attributes, begin_ns, number, counts):
    point = getattr(metric, kind).data_points.add()
    point.start_time_unix_nano, point.time_unix_nano = begin_ns, begin_ns + number * SENT_EACH_S * 10**9
    for key, value in attributes.items():
        attribute = point.attributes.add()
        attribute.key, attribute.value.string_value = key, value
    if kind in ("sum", "gauge"):
        point.as_double = number * 3.0
        return
    point.count, point.sum = number, number * 0.2
    if kind == "histogram":
        point.explicit_bounds.extend(BOUNDS)
        point.bucket_counts.extend(counts[:16])
    else:
        point.scale, point.positive.offset = 3, -80
        point.positive.bucket_counts.extend(counts)


def send(server, kind, begin_ns):
    for series in range(SERIES):
        request = ExportMetricsServiceRequest()
        resource = request.resource_metrics.add()
        attribute = resource.resource.attributes.add()
        attribute.key, attribute.value.string_value = "service.name", "service-%d" % (series % 10)
        metric = resource.scope_metrics.add().metrics.add()
        metric.name, metric.unit = "bench." + kind, "s"
        if kind != "gauge":
            getattr(metric, kind).aggregation_temporality = 2
        if kind == "sum":
            metric.sum.is_monotonic = True
        counts = [0] * 160
        for number in range(1, POINTS + 1):
            counts[(number * 7 + series) % (16 if kind == "histogram" else 160)] += 1
            add_point(metric, kind, {"http.route": "/route/%d" % (series // 10)}, begin_ns, number, counts)
        call = urllib.request.Request("http://127.0.0.1:%d/v1/metrics" % server.http_port, request.SerializeToString(),
                                      {"content-type": "application/x-protobuf", "authorization": "Bearer " + server.key})
        urllib.request.urlopen(call, timeout=60).read()


def bench_metrics(figure):
    from apiclient import first_admin
    from monoscope import BINARY, Server
    subprocess.run([os.path.join(os.path.dirname(BINARY), "bench", "metrics_bench")], check=True)
    with Server() as server:
        admin = first_admin(server)
        begin_s = int(time.time()) // 60 * 60 - POINTS * SENT_EACH_S
        kinds = {"gauge": "avg", "sum": "rate", "histogram": "quantile", "exponential_histogram": "quantile"}
        for kind in kinds:
            send(server, kind, begin_s * 10**9)
        server.wait_count("SELECT count(*) FROM otel_metrics", len(kinds) * SERIES * POINTS, 120)
        server.execute("FLUSH")
        for kind, aggregate in kinds.items():
            for by in ([], ["http.route"]):
                body = {"name": "bench." + kind, "from": "now-4h", "step_s": 60, "aggregate": aggregate, "by": by}
                took, cpu = [], []
                for _ in range(RUNS):
                    before, begin = server.cpu_ms(), time.monotonic()
                    answer = admin.done("POST", "/projects/default/metrics/query", body)
                    took.append(time.monotonic() - begin)
                    cpu.append(server.cpu_ms() - before)
                name = "metrics_query_%s%s" % (kind, "_by_route" if by else "")
                figure(name + "_cpu_ms", sorted(cpu)[RUNS // 2], "ms")
                figure(name + "_ms", sorted(took)[RUNS // 2] * 1000, "ms of %d points" % answer["rows_read"])
