"""Makes otlp/*.pb and expected/*.txt: random requests of every field, written and read by OpenTelemetry's own Python
package. See README.md. The dump format is that of ../otlp_dump.h."""
import os
import random
import struct
import sys

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar, Metric, ResourceMetrics, ScopeMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

NOW = 1763800000000000000
R = random.Random(20251122)
WORDS = ["", "a", "service.name", "http.request.method", "GET", "größe", "データ", "👍 ok", "x" * 15, "y" * 16,
         "z" * 130, "line\nbreak", 'quote"', "host.name", "k8s.pod.name", "SELECT 1", "é" * 70]


def word():
    return R.choice(WORDS)


def u32():
    return R.choice([0, 1, 127, 128, 300, 2**31, 2**32 - 1])


def when():
    return NOW - R.randrange(10**15)


def number():
    return R.choice([0.0, -0.0, 1.5, -2.25, 1e308, 5e-324, float("inf"), R.random() * 1000])


def integer():
    return R.choice([0, 1, -1, 127, 128, 2**31, -(2**31), 2**63 - 1, -(2**63), R.randrange(10**6)])


def any_value(depth=0):
    value = AnyValue()
    kind = R.randrange(9 if depth < 3 else 6)
    if kind == 0:
        value.string_value = word()
    elif kind == 1:
        value.bool_value = R.random() < 0.5
    elif kind == 2:
        value.int_value = integer()
    elif kind == 3:
        value.double_value = number()
    elif kind == 4:
        value.bytes_value = R.randbytes(R.randrange(20))
    elif kind in (6, 7):
        value.array_value.SetInParent()
        for _ in range(R.randrange(4)):
            value.array_value.values.append(any_value(depth + 1))
    elif kind == 8:
        value.kvlist_value.SetInParent()
        for _ in range(R.randrange(4)):
            value.kvlist_value.values.append(pair(depth + 1))
    return value


def pair(depth=0):
    made = KeyValue(key=word())
    if R.random() < 0.9:
        made.value.CopyFrom(any_value(depth))
    return made


def pairs(most=6):
    return [pair() for _ in range(R.randrange(most))]


def ident(size):
    return R.randbytes(size - 1) + b"\1"


def span():
    made = Span(trace_id=ident(16), span_id=ident(8), trace_state=word(), name=word(), kind=R.randrange(6),
                start_time_unix_nano=when(), end_time_unix_nano=when(), attributes=pairs(25),
                dropped_attributes_count=u32(), dropped_events_count=u32(), dropped_links_count=u32(), flags=u32())
    made.parent_span_id = R.choice([b"", ident(8), bytes(8)])
    for _ in range(R.choice([0, 0, 1, 3])):
        made.events.add(time_unix_nano=when(), name=word(), attributes=pairs(), dropped_attributes_count=u32())
    for _ in range(R.choice([0, 0, 0, 0, 0, 0, 1, 70])):
        made.links.add(trace_id=ident(16), span_id=ident(8), trace_state=word(), attributes=pairs(3),
                       dropped_attributes_count=u32(), flags=u32())
    if R.random() < 0.7:
        made.status.code = R.randrange(3)
        made.status.message = word()
    return made


def log():
    made = LogRecord(time_unix_nano=R.choice([0, when()]), observed_time_unix_nano=R.choice([0, when()]),
                     severity_number=R.randrange(25), severity_text=word(), attributes=pairs(10),
                     dropped_attributes_count=u32(), flags=u32(), event_name=word(),
                     trace_id=R.choice([b"", ident(16)]), span_id=R.choice([b"", ident(8)]))
    if R.random() < 0.9:
        made.body.CopyFrom(any_value())
    return made


def exemplars():
    made = []
    for _ in range(R.choice([0, 0, 1, 3])):
        one = Exemplar(filtered_attributes=pairs(3), time_unix_nano=when(), trace_id=R.choice([b"", ident(16)]),
                       span_id=R.choice([b"", ident(8)]))
        if R.random() < 0.5:
            one.as_int = integer()
        else:
            one.as_double = number()
        made.append(one)
    return made


def counts():
    return [R.choice([0, 1, 127, 128, 2**40, 2**64 - 1]) for _ in range(R.randrange(12))]


def metric():
    made = Metric(name=word(), description=word(), unit=word(), metadata=pairs(3))
    kind = R.randrange(5)
    for _ in range(R.randrange(1, 4)):
        base = dict(attributes=pairs(), start_time_unix_nano=R.choice([0, when()]), time_unix_nano=when(), flags=R.randrange(2))
        if kind in (0, 1):
            point = (made.gauge if kind == 0 else made.sum).data_points.add(exemplars=exemplars(), **base)
            if R.random() < 0.5:
                point.as_int = integer()
            elif R.random() < 0.9:
                point.as_double = number()
        elif kind == 4:
            point = made.summary.data_points.add(count=R.randrange(10**6), sum=number(), **base)
            for _ in range(R.randrange(5)):
                point.quantile_values.add(quantile=R.random(), value=number())
        else:
            data = made.histogram if kind == 2 else made.exponential_histogram
            point = data.data_points.add(count=R.randrange(10**6), exemplars=exemplars(), **base)
            for name in ("sum", "min", "max"):
                if R.random() < 0.7:
                    setattr(point, name, number())
            if kind == 2:
                point.bucket_counts.extend(counts())
                if point.bucket_counts:
                    point.explicit_bounds.extend(number() for _ in range(len(point.bucket_counts) - 1))
            else:
                point.scale, point.zero_count, point.zero_threshold = R.randrange(-10, 21), R.randrange(100), R.random()
                point.positive.offset, point.negative.offset = R.randrange(-50, 50), R.randrange(-50, 50)
                point.positive.bucket_counts.extend(counts())
                point.negative.bucket_counts.extend(counts())
    if kind == 1:
        made.sum.is_monotonic = R.random() < 0.5
    if kind in (1, 2, 3):
        (made.sum, made.histogram, made.exponential_histogram)[kind - 1].aggregation_temporality = R.randrange(3)
    return made


def shuffled(make, **parts):
    """One message, encoded in pieces of a field each, in any order: protobuf merges what is put behind each other."""
    pieces = []
    for name, value in parts.items():
        for one in value if isinstance(value, list) else [value]:
            pieces.append(make(**{name: [one] if isinstance(value, list) else one}).SerializeToString())
    R.shuffle(pieces)
    return b"".join(pieces)


def length_delimited(field, body):
    out, size = bytes([field << 3 | 2]), len(body)
    while size > 127:
        out, size = out + bytes([size & 127 | 128]), size >> 7
    return out + bytes([size]) + body


def scope():
    return InstrumentationScope(name=word(), version=word(), attributes=pairs(3), dropped_attributes_count=u32())


def resource():
    return Resource(attributes=pairs(8), dropped_attributes_count=u32())


def request(resource_type, scope_type, records, record, mixed):
    body = b""
    for _ in range(R.randrange(1, 3)):
        scopes = []
        for _ in range(R.randrange(1, 3)):
            made = [record() for _ in range(R.randrange(1, 4))]
            if mixed:
                scopes.append(shuffled(scope_type, scope=scope(), schema_url=word(), **{records: made})
                              + scope_type(scope=scope()).SerializeToString())
            else:
                scopes.append(scope_type(scope=scope(), schema_url=word(), **{records: made}).SerializeToString())
        head = [resource_type(resource=resource()).SerializeToString(), resource_type(schema_url=word()).SerializeToString()]
        if mixed:
            head += [resource_type(resource=resource()).SerializeToString()]
        parts = head + [length_delimited(2, one) for one in scopes]
        if mixed:
            R.shuffle(parts)
        body += length_delimited(1, b"".join(parts))
    return body


# ---- the dump ----
def hexed(value):
    return (value.encode() if isinstance(value, str) else value).hex()


def bits(value):
    return struct.pack(">d", value).hex()


def value_text(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return "-"
    if kind == "string_value":
        return "t" + hexed(value.string_value)
    if kind == "bytes_value":
        return "y" + hexed(value.bytes_value)
    if kind == "bool_value":
        return "b%d" % value.bool_value
    if kind == "int_value":
        return "i%d" % value.int_value
    if kind == "double_value":
        return "d" + bits(value.double_value)
    if kind == "array_value":
        return "[" + "".join(value_text(one) + "," for one in value.array_value.values) + "]"
    return "{" + "".join(hexed(one.key) + "=" + value_text(one.value) + "," for one in value.kvlist_value.values) + "}"


def pairs_text(attributes):
    return " (" + "".join(hexed(one.key) + "=" + value_text(one.value) + "," for one in attributes) + ")"


def scope_text(of, inside):
    return (" resource:" + pairs_text(of.resource.attributes) + " dropped=%d" % of.resource.dropped_attributes_count
            + " schema=" + hexed(of.schema_url) + " scope=" + hexed(inside.scope.name) + " version="
            + hexed(inside.scope.version) + pairs_text(inside.scope.attributes) + " schema=" + hexed(inside.schema_url) + "\n")


def span_text(s):
    text = "span trace=%s id=%s parent=%s state=%s name=%s kind=%d start=%d end=%d status=%d message=%s" % (
        s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex() if any(s.parent_span_id) else "", hexed(s.trace_state),
        hexed(s.name), s.kind, s.start_time_unix_nano, s.end_time_unix_nano, s.status.code, hexed(s.status.message))
    text += " flags=%d dropped=%d,%d,%d" % (s.flags, s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count)
    text += pairs_text(s.attributes)
    for e in s.events:
        text += " event:%d dropped=%d name=%s" % (e.time_unix_nano, e.dropped_attributes_count, hexed(e.name)) + pairs_text(e.attributes)
    for k in s.links:
        text += " link: dropped=%d flags=%d trace=%s id=%s state=%s" % (
            k.dropped_attributes_count, k.flags, k.trace_id.hex(), k.span_id.hex(), hexed(k.trace_state)) + pairs_text(k.attributes)
    return text


def log_text(r):
    return ("log time=%d observed=%d severity=%d text=%s body=%s" % (
        r.time_unix_nano, r.observed_time_unix_nano, r.severity_number, hexed(r.severity_text), value_text(r.body))
        + pairs_text(r.attributes) + " dropped=%d flags=%d trace=%s id=%s event=%s" % (
        r.dropped_attributes_count, r.flags, r.trace_id.hex(), r.span_id.hex(), hexed(r.event_name)))


def number_text(point):
    kind = point.WhichOneof("value")
    return " value=" + ("" if kind is None else "i%d" % point.as_int if kind == "as_int" else " d=" + bits(point.as_double))


def optional(name, has, value):
    return " %s=%s" % (name, bits(value) if has else "")


def point_text(m, p):
    kinds = ["gauge", "sum", "histogram", "exponential_histogram", "summary"]
    kind = m.WhichOneof("data")
    data = getattr(m, kind)
    text = "point type=%d name=%s description=%s unit=%s temporality=%d monotonic=%d" % (
        kinds.index(kind) + 1, hexed(m.name), hexed(m.description), hexed(m.unit),
        getattr(data, "aggregation_temporality", 0), getattr(data, "is_monotonic", 0)) + pairs_text(m.metadata)
    text += " flags=%d start=%d time=%d" % (p.flags, p.start_time_unix_nano, p.time_unix_nano) + pairs_text(p.attributes)
    text += number_text(p) if kind in ("gauge", "sum") else " value="
    text += " count=%d" % getattr(p, "count", 0)
    is_histogram = kind in ("histogram", "exponential_histogram")
    for name in ("sum", "min", "max"):
        if kind == "summary" and name == "sum":
            text += optional(name, p.sum != 0, p.sum)
        else:
            text += optional(name, is_histogram and p.HasField(name), getattr(p, name, 0.0))
    exponential = kind == "exponential_histogram"
    buckets = p.bucket_counts if kind == "histogram" else p.positive.bucket_counts if exponential else []
    text += " buckets=" + "".join("%d," % one for one in buckets)
    text += " bounds=" + "".join(bits(one) + "," for one in (p.explicit_bounds if kind == "histogram" else []))
    if exponential:
        text += " scale=%d offsets=%d,%d zero=%d" % (p.scale, p.positive.offset, p.negative.offset, p.zero_count)
        text += optional("threshold", p.zero_threshold != 0, p.zero_threshold)
        text += " negative=" + "".join("%d," % one for one in p.negative.bucket_counts)
    else:
        text += " scale=0 offsets=0,0 zero=0 threshold= negative="
    quantiles = p.quantile_values if kind == "summary" else []
    text += " quantiles=" + "".join(bits(one.quantile) + "," for one in quantiles)
    text += " values=" + "".join(bits(one.value) + "," for one in quantiles)
    for e in getattr(p, "exemplars", []):
        text += " exemplar:%d" % e.time_unix_nano + number_text(e) + " trace=%s id=%s" % (e.trace_id.hex(), e.span_id.hex())
        text += pairs_text(e.filtered_attributes)
    return text


def expected(signal, body):
    text = ""
    if signal == "traces":
        for of in ExportTraceServiceRequest.FromString(body).resource_spans:
            for inside in of.scope_spans:
                for one in inside.spans:
                    text += span_text(one) + scope_text(of, inside)
    elif signal == "logs":
        for of in ExportLogsServiceRequest.FromString(body).resource_logs:
            for inside in of.scope_logs:
                for one in inside.log_records:
                    text += log_text(one) + scope_text(of, inside)
    else:
        for of in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for inside in of.scope_metrics:
                for one in inside.metrics:
                    kind = one.WhichOneof("data")
                    for point in getattr(one, kind).data_points if kind else []:
                        text += point_text(one, point) + scope_text(of, inside)
    return text


def main(folder):
    kinds = {
        "traces": (ResourceSpans, ScopeSpans, "spans", span),
        "logs": (ResourceLogs, ScopeLogs, "log_records", log),
        "metrics": (ResourceMetrics, ScopeMetrics, "metrics", metric),
    }
    for signal, (resource_type, scope_type, records, record) in kinds.items():
        for i in range(6):
            body = request(resource_type, scope_type, records, record, mixed=i >= 3)
            name = "%s_%d" % (signal, i)
            with open(os.path.join(folder, "otlp", name + ".pb"), "wb") as out:
                out.write(body)
            with open(os.path.join(folder, "expected", name + ".txt"), "w") as out:
                out.write(expected(signal, body))


main(os.path.dirname(os.path.abspath(sys.argv[0])))
