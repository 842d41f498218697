"""Telemetry with values of every type, for stories that compare what readers find.

    send_round(sender, number, project, now_ns)     # 40 spans, 30 logs, 10 metrics over two days"""
import os

from monoscope import check
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import OK, attributes, gauge, log, logs, metrics, span, summary, traces

DAY_NS = 86400 * 10 ** 9


def send_round(sender, number, project, now_ns):
    """All signals, today and yesterday, with values of every type; None of a kind sometimes."""
    resource = {"service.name": "s%d" % (number % 3), "service.version": "1.%d" % number, "host.name": "größe-%d" % number, "cpus": 4}
    for at_ns in (now_ns, now_ns - DAY_NS):
        spans = []
        for i in range(20):
            attrs = {"http.request.method": "GET", "http.response.status_code": 200 + i, "user.id": "u%d" % i, "client.port": 1000 + i,
                     "text": "日本 \"%d\" \\ \n" % i, "ratio": i / 8, "whole": float(i), "big": 2 ** 62 + i, "list": [1, "zwei", 3.5, None],
                     "is_last": i == 19, "deep.er.one": i, "deep.er.two": {"inner": [i]}, "session.id": 77 + i}
            spans.append(span("op %d" % (i % 5), attrs if i % 7 else {}, at_ns + i * 1000123, kind=i % 6,
                              parent_span_id=b"" if i % 2 else os.urandom(8),
                              events=[trace_pb2.Span.Event(name="e", time_unix_nano=at_ns, attributes=attributes({"k": i}))] if i % 3 == 0 else [],
                              links=[trace_pb2.Span.Link(trace_id=os.urandom(16), span_id=os.urandom(8))] if i % 4 == 0 else []))
        lines = [log(("plain %d" % i, {"message": "kv", "n": i}, '{"json": [1, 2.50, %d]}' % i, i, None)[i % 5], {"line": i, "project": project},
                     at_ns + i * 1001, severity_number=i % 25) for i in range(15)]
        histogram = metrics_pb2.HistogramDataPoint(time_unix_nano=at_ns, start_time_unix_nano=at_ns - 10 ** 9, count=6, sum=12.5, min=0.5, max=9,
                                                   bucket_counts=[1, 2, 3], explicit_bounds=[1.5, 2.5], attributes=attributes({"n": number}))
        exponential = metrics_pb2.ExponentialHistogramDataPoint(
            time_unix_nano=at_ns, count=7, sum=-3.25, scale=-2, zero_count=1, zero_threshold=0.01, attributes=attributes({"n": number}),
            positive=metrics_pb2.ExponentialHistogramDataPoint.Buckets(offset=-3, bucket_counts=[1, 0, 2]),
            negative=metrics_pb2.ExponentialHistogramDataPoint.Buckets(offset=4, bucket_counts=[3]))
        points = [gauge("temperature", number / 3, {"room": "r%d" % number}, at_ns), summary("calls", 5, 10.0, {0.5: 1.0, 0.9: 4.5}, at_ns),
                  metrics_pb2.Metric(name="latency", unit="ms", histogram=metrics_pb2.Histogram(data_points=[histogram], aggregation_temporality=1)),
                  metrics_pb2.Metric(name="sizes", exponential_histogram=metrics_pb2.ExponentialHistogram(data_points=[exponential], aggregation_temporality=2)),
                  metrics_pb2.Metric(name="total", sum=metrics_pb2.Sum(is_monotonic=True, aggregation_temporality=2, data_points=[
                      metrics_pb2.NumberDataPoint(time_unix_nano=at_ns, as_int=2 ** 60 + number)]))]
        for answer in (sender.send("traces", traces(spans, resource)), sender.send("logs", logs(lines, resource), "gzip"),
                       sender.send("metrics", metrics(points, resource), "zstd")):
            check(answer.status == OK and answer.rejected == 0, "all is taken: %r" % answer)
