"""Random OTLP requests of every field, and their JSON as the specification has it; for story_property.

    messages = Messages(seed)
    request = messages.traces(number)      # an ExportTraceServiceRequest; logs(), metrics() too
    text = to_json(request, random)        # OTLP/JSON: hex ids, enums as numbers, 64-bit integers as text or numbers

Keys clash and repeat, are empty or of dots alone; values nest; ids, times and numbers are at their edges. Each request names its
number in its resources, so that no two are the same bytes."""
import base64
import json
import math
import random
import time

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WORDS = ["", "a", "GET", "größe", "データ", "👍 ok", "x" * 15, "y" * 16, "z" * 130, "line\nbreak", 'quote"\\', "\t\x01\x7f", "/é/" * 40,
         "200", "-7", "08", "1e3", "9223372036854775807", "null", "{}", "</script>", "a.b", "\u2028"]
KEYS = ["a", "a.b", "a.b.c", "a.b.d", "b", "b.", ".b", "c..d", "", ".", "é", "x.y.z", "x.y", "user.tier", "tenant.plan",
        "http.request.method", "http.route", "http.response.status_code", "url.path", "url.full", "server.address", "server.port",
        "client.port", "db.system.name", "db.query.text", "db.operation.name", "network.peer.port", "code.line.number", "error.type",
        "http.request.body.size", "rpc.service", "rpc.method", "messaging.system", "messaging.destination.name", "url.query",
        "network.local.address", "db.operation.batch.size"]
OLD_KEYS = ["http.method", "http.status_code", "http.target", "http.host", "net.peer.name", "net.peer.port", "db.statement",
            "code.function", "code.namespace", "http.url"]
RESOURCE_KEYS = ["service.name", "service.version", "service.namespace", "service.instance.id", "deployment.environment.name",
                 "telemetry.sdk.language", "telemetry.sdk.name", "host.name", "k8s.pod.name", "container.name", "cloud.region",
                 "cloud.availability_zone", "k8s.namespace.name", "os.type", "a", "a.b", ""]
BODIES = [('{"message":"a b","n":1}', True), (' {"msg" : "x" , "deep":{"a":[1,2,{"b":null}]}} ', True), ('{"e":1e3,"u":"\\u00e9\\ud83d\\ude00"}', True),
          ("{}", True), ('{"a":1', False), ("[1,2]", False), ('{"a":NaN}', False), ('{"a":01}', False), ("{'a':1}", False), ("plain text", False),
          ('"quoted"', False), ("{" * 70 + "}" * 70, False), ('{"a":1}x', False), ('{"a":"\\ud800"}', False)]
LEVELS = ["", "INFO", "warn", "Error", "DEBUG", "trace", "FATAL", "Information", "no level at all", "critical", " notice ", "INFO2"]
INTEGERS = [0, 1, -1, 127, 128, 200, 404, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63)]
NUMBERS = [0.0, -0.0, 1.0, 1.5, -2.25, 3e100, 1e308, 5e-324, 0.1, 123456789.125, float("inf"), float("-inf"), float("nan"), 1e21, 1e-7]
COUNTS = [0, 1, 2, 7, 127, 128, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


class Messages:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.now_ns = time.time_ns() - 10**12

    def one_in(self, n):
        return self.random.randrange(n) == 0

    def word(self):
        return self.random.choice(WORDS)

    def when(self):
        return self.now_ns - self.random.randrange(10**14) * 7

    def u32(self):
        return self.random.choice([0, 0, 1, 127, 128, 2**31, 2**32 - 1])

    def value(self, value, depth=0):
        kind = self.random.randrange(10 if depth < 4 else 6)
        if kind in (0, 1):
            value.string_value = self.word()
        elif kind == 2:
            value.bool_value = self.one_in(2)
        elif kind == 3:
            value.int_value = self.random.choice(INTEGERS)
        elif kind == 4:
            value.double_value = self.random.choice(NUMBERS)
        elif kind == 5:
            value.bytes_value = self.random.randbytes(self.random.randrange(6))
        elif kind in (6, 7):
            value.array_value.SetInParent()
            for _ in range(self.random.randrange(4)):
                self.value(value.array_value.values.add(), depth + 1)
        elif kind == 8:
            value.kvlist_value.SetInParent()
            # Each key once: common.proto forbids more, and JSON readers differ in which one they take.
            for key in self.random.sample(KEYS[:10], self.random.randrange(4)):
                entry = value.kvlist_value.values.add()
                entry.key = key
                self.value(entry.value, depth + 1)
        # 9: a value that is not set

    def attributes(self, to, keys=KEYS, most=8):
        for _ in range(self.random.randrange(most)):
            attribute = to.add()
            attribute.key = self.random.choice(keys)
            if not self.one_in(20):  # else an attribute without a value
                attribute.value.SetInParent()
                self.value(attribute.value)

    def keys(self):
        return KEYS + OLD_KEYS if self.one_in(3) else KEYS

    def resource(self, records, number):
        records.resource.SetInParent()
        self.attributes(records.resource.attributes, RESOURCE_KEYS)
        seq = records.resource.attributes.add()
        seq.key = "test.seq"
        seq.value.int_value = number
        if self.one_in(4):
            records.resource.dropped_attributes_count = self.u32()
        if self.one_in(4):
            records.schema_url = "https://opentelemetry.io/schemas/1.27.0"

    def scope(self, records):
        if self.one_in(5):
            return
        records.scope.name = self.random.choice(["", "lib", "io.opentelemetry.tomcat-10.0"])
        records.scope.version = self.random.choice(["", "1.0"])
        if self.one_in(3):
            self.attributes(records.scope.attributes, KEYS, 4)
        if self.one_in(4):
            records.schema_url = self.word()

    def trace_id(self):
        return self.random.randbytes(15) + b"\x01"

    def span_id(self):
        return self.random.randbytes(7) + b"\x02"

    def span(self, span):
        span.trace_id = self.trace_id() if not self.one_in(50) else self.random.choice([b"", bytes(16), b"short"])
        span.span_id = self.span_id()
        span.parent_span_id = self.random.choice([b"", b"", bytes(8), self.span_id()])
        span.name = self.random.choice(["GET /cart", "", self.word()])
        span.kind = self.random.choice([0, 1, 2, 2, 3, 4, 5])
        span.start_time_unix_nano = self.when() if not self.one_in(60) else self.random.choice([0, 1, 2**63])
        span.end_time_unix_nano = self.random.choice([0, span.start_time_unix_nano, span.start_time_unix_nano + self.random.randrange(10**10),
                                                      max(span.start_time_unix_nano - 5000, 0)])
        span.trace_state = self.random.choice(["", "", "a=1,b=2"])
        span.flags = self.random.choice([0, 1, 0x101, 0x301, 0x300, 0xFF, 2])
        self.attributes(span.attributes, self.keys(), 14)
        span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count = self.u32(), self.u32(), self.u32()
        if self.one_in(2):
            span.status.code = self.random.choice([0, 1, 2])
            span.status.message = self.random.choice(["", "went wrong"])
        for _ in range(self.random.choice([0, 0, 1, 3])):
            event = span.events.add()
            event.time_unix_nano = self.random.choice([0, self.when(), 2**64 - 1])
            event.name = self.random.choice(["exception", "", "message"])
            self.attributes(event.attributes, self.random.choice([KEYS, ["exception.type", "exception.message", "exception.stacktrace"]]), 5)
            event.dropped_attributes_count = self.u32()
        for _ in range(self.random.choice([0, 0, 0, 2])):
            link = span.links.add()
            link.trace_id, link.span_id = self.random.choice([(self.trace_id(), self.span_id()), (bytes(16), bytes(8)), (b"", b"")])
            link.trace_state = self.random.choice(["", "c=3"])
            self.attributes(link.attributes, KEYS, 3)
            link.dropped_attributes_count, link.flags = self.u32(), self.u32()

    def log(self, log):
        log.time_unix_nano = self.random.choice([0, self.when(), self.when()]) if not self.one_in(60) else 2**63
        log.observed_time_unix_nano = self.random.choice([0, self.when()])
        log.severity_number = self.random.choice([0, 0, 1, 5, 9, 13, 17, 21, 24])
        log.severity_text = self.random.choice(LEVELS)
        if self.one_in(3):
            log.body.string_value = self.random.choice(BODIES)[0]
        elif not self.one_in(5):
            log.body.SetInParent()
            self.value(log.body)
        self.attributes(log.attributes, self.keys(), 8)
        log.dropped_attributes_count, log.flags = self.u32(), self.random.choice([0, 1, 0xFF])
        log.trace_id = self.random.choice([b"", bytes(16), self.trace_id()])
        log.span_id = self.random.choice([b"", bytes(8), self.span_id()]) if not self.one_in(60) else b"short"
        log.event_name = self.random.choice(["", "", "device.app.lifecycle"])

    def point(self, point):
        point.time_unix_nano = self.when() if not self.one_in(60) else 1
        point.start_time_unix_nano = self.random.choice([0, self.when()])
        point.flags = self.random.choice([0, 0, 0, 1, 2])
        self.attributes(point.attributes, self.keys(), 8)
        if hasattr(point, "exemplars"):
            for _ in range(self.random.choice([0, 0, 0, 2])):
                exemplar = point.exemplars.add()
                exemplar.time_unix_nano = self.when()
                kind = self.random.randrange(3)
                if kind == 0:
                    exemplar.as_int = self.random.choice(INTEGERS)
                elif kind == 1:
                    exemplar.as_double = self.random.choice(NUMBERS)
                exemplar.trace_id, exemplar.span_id = self.random.choice([(b"", b""), (self.trace_id(), self.span_id())])
                self.attributes(exemplar.filtered_attributes, KEYS, 3)

    def distribution(self, point):
        point.count = self.random.choice(COUNTS)
        for name in ("sum", "min", "max"):
            if not self.one_in(3):
                setattr(point, name, self.random.choice(NUMBERS))

    def metric(self, metric):
        metric.name = self.random.choice(["http.server.request.duration", "jobs", self.word()])
        metric.unit = self.random.choice(["", "s", "{request}"])
        metric.description = self.random.choice(["", "how many", self.word()])
        kind = self.random.randrange(6)
        count = self.random.choice([0, 1, 1, 2])
        if kind in (0, 1):
            data = metric.gauge if kind == 0 else metric.sum
            data.SetInParent()
            for _ in range(count):
                point = data.data_points.add()
                self.point(point)
                which = self.random.randrange(5)
                if which < 2:
                    point.as_int = self.random.choice(INTEGERS)
                elif which < 4:
                    point.as_double = self.random.choice(NUMBERS)
            if kind == 1:
                metric.sum.is_monotonic = self.one_in(2)
                metric.sum.aggregation_temporality = self.random.choice([0, 1, 2])
        elif kind == 2:
            metric.histogram.aggregation_temporality = self.random.choice([0, 1, 2])
            for _ in range(count):
                point = metric.histogram.data_points.add()
                self.point(point)
                self.distribution(point)
                bounds = self.random.randrange(6)
                if not self.one_in(6):
                    point.explicit_bounds.extend(sorted(self.random.random() * 1000 for _ in range(bounds)))
                    point.bucket_counts.extend(self.random.choice(COUNTS) for _ in range(bounds + (1 if not self.one_in(30) else 2)))
        elif kind in (3, 4):
            metric.exponential_histogram.aggregation_temporality = self.random.choice([0, 1, 2])
            for _ in range(count):
                point = metric.exponential_histogram.data_points.add()
                self.point(point)
                self.distribution(point)
                point.scale = self.random.choice([0, 20, -10, 3])
                point.zero_count = self.random.choice(COUNTS)
                point.zero_threshold = self.random.choice([0.0, 0.0, 1e-9, 2.5])
                for buckets in (point.positive, point.negative):
                    if self.one_in(4):
                        continue
                    buckets.offset = self.random.choice([0, -5, 17, -(2**31)])
                    buckets.bucket_counts.extend(self.random.choice(COUNTS) for _ in range(self.random.randrange(6)))
        else:
            metric.summary.SetInParent()
            for _ in range(count):
                point = metric.summary.data_points.add()
                self.point(point)
                point.count, point.sum = self.random.choice(COUNTS), self.random.choice(NUMBERS)
                for _ in range(self.random.randrange(4)):
                    quantile = point.quantile_values.add()
                    quantile.quantile, quantile.value = self.random.random(), self.random.choice(NUMBERS)

    def fill(self, resources, number, scopes, records, one):
        for _ in range(self.random.choice([1, 1, 1, 2])):
            resource = resources.add()
            self.resource(resource, number)
            for _ in range(self.random.choice([1, 1, 1, 0, 2])):
                scope = getattr(resource, scopes).add()
                self.scope(scope)
                for _ in range(self.random.choice([1, 1, 2, 0, 4])):
                    record = getattr(scope, records).add()
                    one(record)
                    if self.one_in(12):  # twice the same in one request
                        getattr(scope, records).add().CopyFrom(record)

    def traces(self, number):
        request = ExportTraceServiceRequest()
        self.fill(request.resource_spans, number, "scope_spans", "spans", self.span)
        return request

    def logs(self, number):
        request = ExportLogsServiceRequest()
        self.fill(request.resource_logs, number, "scope_logs", "log_records", self.log)
        return request

    def metrics(self, number):
        request = ExportMetricsServiceRequest()
        self.fill(request.resource_metrics, number, "scope_metrics", "metrics", self.metric)
        return request


HEX = {"trace_id", "span_id", "parent_span_id"}
WIDE = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64}
FLOATING = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}


def scalar_json(field, value, rand):
    if field.type == FieldDescriptor.TYPE_BYTES:
        if field.name in HEX:
            return value.hex() if rand.random() < 0.7 else value.hex().upper()
        return base64.b64encode(value).decode()
    if field.type in WIDE:
        return str(value) if rand.random() < 0.7 else value
    if field.type in FLOATING and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def message_json(message, rand):
    fields = []
    for field, value in message.ListFields():
        if field.is_repeated if hasattr(field, "is_repeated") else field.label == FieldDescriptor.LABEL_REPEATED:
            of = [message_json(item, rand) if field.message_type else scalar_json(field, item, rand) for item in value]
        else:
            of = message_json(value, rand) if field.message_type else scalar_json(field, value, rand)
        fields.append((field.json_name, of))
    if rand.random() < 0.05:
        fields.append(("someFieldOfTheFuture", rand.choice([1, "x", None, [1, {"a": []}], {"b": {"c": "d"}}])))
    if rand.random() < 0.05:
        rand.shuffle(fields)
    return dict(fields)


def to_json(message, rand):
    return json.dumps(message_json(message, rand), ensure_ascii=rand.random() < 0.5, separators=rand.choice([(",", ":"), (", ", ": ")])).encode()
