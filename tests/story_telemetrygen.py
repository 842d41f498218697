# time_limit_s: 240, tries: 2
"""The OpenTelemetry project's own load generator, telemetrygen, sends traces, logs and every kind of metric, two workers at a
given rate. Its exports all succeed, and the rows are exactly as many as it says it generated."""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from goprogram import build
from monoscope import Server, check

WORKERS, EACH, CHILDREN = 2, 500, 3
RATE = 5000  # a second and worker: without a rate it drops by itself what its own queue cannot hold
METRIC_TYPES = {"Gauge": "gauge", "Sum": "sum", "Histogram": "histogram", "ExponentialHistogram": "exponential_histogram"}


def generate(program, server, protocol, signal, service, *more):
    """Runs it; how many it says it generated."""
    port = server.grpc_port if protocol == "grpc" else server.http_port
    command = [program, signal, "--" + signal, str(EACH), "--workers", str(WORKERS), "--rate", str(RATE), "--service", service,
               "--otlp-insecure", "--otlp-endpoint", "127.0.0.1:%d" % port, "--otlp-header", 'authorization="Bearer %s"' % server.key]
    command += (["--otlp-http"] if protocol == "http" else []) + list(more)
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    said = [int(count) for count in re.findall(r'"%s": (\d+)\}' % signal, result.stdout + result.stderr)]
    check(result.returncode == 0 and len(said) == WORKERS, "telemetrygen %s by %s: exit code %d\n%s" %
          (signal, protocol, result.returncode, (result.stdout + result.stderr)[-3000:]))
    return sum(said)


def check_traces(program, server, protocol):
    service = "traces-" + protocol
    said = generate(program, server, protocol, "traces", service, "--child-spans", str(CHILDREN), "--status-code", "Error",
                    "--otlp-attributes", 'deployment.environment.name="story"', "--telemetry-attributes", 'user.id="u1"')
    wanted = [("client", said, said, said, 0), ("server", said * CHILDREN, said * CHILDREN, said, said * CHILDREN)]
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = '%s'" % service, said * (1 + CHILDREN))
    rows = server.query("""SELECT kind, count(*), count(DISTINCT context___span_id), count(DISTINCT context___trace_id), count(parent_id)
                           FROM otel_logs_and_spans WHERE resource___service___name = %s AND status_code = 'ERROR'
                           AND attributes___user___id = 'u1' AND resource___deployment___environment___name = 'story'
                           GROUP BY 1 ORDER BY 1""", (service,))
    check(rows == wanted, "spans by kind: %r, wanted %r" % (rows, wanted))
    return said * (1 + CHILDREN)


def check_logs(program, server, protocol):
    service = "logs-" + protocol
    said = generate(program, server, protocol, "logs", service, "--severity-number", "17", "--severity-text", "Error", "--body", "the disk is full",
                    "--trace-id", "0af7651916cd43dd8448eb211c80319c", "--span-id", "b7ad6b7169203331")
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = '%s'" % service, said)
    rows = server.query("""SELECT level, severity___severity_number, body #>> '{}', context___trace_id, context___span_id, count(*)
                           FROM otel_logs_and_spans WHERE resource___service___name = %s GROUP BY 1, 2, 3, 4, 5""", (service,))
    check(rows == [("ERROR", 17, "the disk is full", "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", said)], "logs: %r" % rows)
    return said


def check_metrics(program, server, protocol):
    total = 0
    for told, kind in METRIC_TYPES.items():
        service = "%s-%s" % (kind, protocol)
        said = generate(program, server, protocol, "metrics", service, "--metric-type", told, "--otlp-metric-name", "story." + kind,
                        "--aggregation-temporality", "delta")
        server.wait_count("SELECT count(*) FROM otel_metrics WHERE resource___service___name = '%s'" % service, said)
        rows = server.query("""SELECT metric_name, metric_type, count(*), count(distribution_count) FROM otel_metrics
                               WHERE resource___service___name = %s GROUP BY 1, 2""", (service,))
        check(rows == [("story." + kind, kind, said, said if "histogram" in kind else 0)], "points: %r" % rows)
        total += said
    return total


def main():
    program = build("telemetrygen", "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen")
    with Server() as server:
        for protocol in ("grpc", "http"):
            start = time.monotonic()
            counts = check_traces(program, server, protocol), check_logs(program, server, protocol), check_metrics(program, server, protocol)
            print("telemetrygen by %s: %d spans, %d log records, %d points, as many as it says, in %.1f s" %
                  ((protocol,) + counts + (time.monotonic() - start,)), flush=True)
        server.stop()


main()
