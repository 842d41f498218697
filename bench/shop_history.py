"""A day of the demo shop, made of some minutes of it: what its SDKs sent is kept as they send it, and whole visits of it are drawn again.

    with Recorder(server) as recorder:
        shop = Shop(recorder)                       # its SDKs send to the recorder, which hands on to the server
        recorder.keep(True); time.sleep(300); recorder.keep(False)
        history = History(recorder.kept, begin_s, end_s)     # of the visits that began then
        rows, points = history.send(server, from_s, to_s)    # as many as in those minutes, with old timestamps

A visit is all that has its session or one of its traces: spans, logs, of all services. Visits come by Poisson's law, at the measured rate
times a slow noise, each copy with traces of its own. Metrics: a gauge is one of the measured values, drawn for each minute; a counter grows at
its measured rate; histograms and summaries are left out, for detection does not look at them."""
import base64
import collections
import concurrent.futures
import gzip
import http.client
import http.server
import json
import math
import random
import struct
import threading
import time

import grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp import PATHS, field

REQUESTS = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest, "metrics": ExportMetricsServiceRequest}
METRIC_EVERY_S = 60
SLOW_NOISE, SLOW_NOISE_KEPT = 0.03, 0.98  # of a minute's rate: deviation, and what stays of it in the next minute
# What is a copy's own in a span and a log record, by field number: "time" is moved, "id" is made another one.
SPAN = {1: "id", 2: "id", 4: "id", 7: "time", 8: "time", 11: {1: "time"}, 13: {1: "id", 2: "id"}}
RECORD = {1: "time", 11: "time", 9: "id", 10: "id"}


# ---- what the shop sends ----

class Recorder:
    """Hands on all that is sent to it, OTLP over gRPC and what pages send over HTTP, to a server that may have been started anew since."""

    def __init__(self, server):
        self.server, self.kept, self.is_keeping = server, [], False
        self.key, self.key_create, self.web_port = server.key, server.key_create, server.web_port
        self.guard = threading.Lock()
        self.channel = self.channel_port = None
        self.grpc = grpc.server(concurrent.futures.ThreadPoolExecutor(16), handlers=[Calls(self)])
        self.grpc_port = self.grpc.add_insecure_port("127.0.0.1:0")
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.http.recorder, self.http.daemon_threads = self, True
        self.http.handle_error = lambda *_: None  # who asked has gone
        self.http_port = self.http.server_port

    def __enter__(self):
        self.grpc.start()
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.grpc.stop(1)
        self.http.shutdown()

    def keep(self, is_on):
        with self.guard:
            self.is_keeping = is_on

    def note(self, signal, request):
        with self.guard:
            if self.is_keeping:
                self.kept.append((signal, request))

    def to_server(self):
        with self.guard:
            if self.channel_port != self.server.grpc_port:
                self.channel_port = self.server.grpc_port
                self.channel = channel_to(self.channel_port)
            return self.channel


def channel_to(port):
    return grpc.insecure_channel("127.0.0.1:%d" % port, [("grpc.max_send_message_length", -1)])


class Calls(grpc.GenericRpcHandler):
    """Messages as bytes: nothing is lost or added on the way."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.signals = {path: signal for signal, path in PATHS.items()}

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self.call(details.method, request, context))

    def call(self, method, request, context):
        metadata = [(key, value) for key, value in context.invocation_metadata() if key == "authorization"]
        try:
            answer = self.recorder.to_server().unary_unary(method)(request, metadata=metadata, timeout=10)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
        if method in self.signals:
            self.recorder.note(self.signals[method], request)
        return answer


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        recorder = self.server.recorder
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "content-length")}
        connection = http.client.HTTPConnection("127.0.0.1", recorder.server.http_port, timeout=20)
        try:
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            return self.send_error(503)
        finally:
            connection.close()
        signal = self.path.rsplit("/", 1)[-1]
        if self.command == "POST" and signal in REQUESTS and answer.status == 200:
            packed = self.headers.get("content-encoding") == "gzip"
            recorder.note(signal, from_json(signal, json.loads(gzip.decompress(body) if packed else body)))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_OPTIONS = pass_on

    def log_message(self, *_):
        pass


def from_json(signal, body):
    """OTLP's JSON has ids in hex, where protobuf's has base64."""
    def walk(one):
        if isinstance(one, list):
            return [walk(each) for each in one]
        if not isinstance(one, dict):
            return one
        return {key: base64.b64encode(bytes.fromhex(value)).decode() if key in ("traceId", "spanId", "parentSpanId") else walk(value) for key, value in one.items()}
    return json_format.ParseDict(walk(body), REQUESTS[signal](), ignore_unknown_fields=True).SerializeToString()


# ---- and once more ----

def varint_at(raw, at):
    number = shift = 0
    while True:
        byte = raw[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def words_of(raw, spec, at, end, found):
    """found: (offset, "time", 0) and (offset, "id", which of a copy's three keys) of the 8 bytes each that are a copy's own."""
    while at < end:
        tag, at = varint_at(raw, at)
        what, wire = spec.get(tag >> 3), tag & 7
        if wire == 0:
            _, at = varint_at(raw, at)
        elif wire == 1:
            if what == "time" and raw[at:at + 8] != bytes(8):
                found.append((at, "time", 0))
            at += 8
        elif wire == 5:
            at += 4
        else:
            size, at = varint_at(raw, at)
            if isinstance(what, dict):
                words_of(raw, what, at, at + size, found)
            elif what == "id" and size == 16:
                found.extend([(at, "id", 0), (at + 8, "id", 1)])
            elif what == "id" and size == 8:
                found.append((at, "id", 2))
            at += size
    return found


class Part:
    """What a visit has in one stream: records as they are framed in their scope."""

    def __init__(self):
        self.raw, self.times, self.ids, self.rows = b"", [], [], 0

    def add(self, record, spec):
        framed = field(2, record)
        shift = len(self.raw) + len(framed) - len(record)
        for at, what, which in words_of(record, spec, 0, len(record), []):
            number = struct.unpack_from("<Q", record, at)[0]
            (self.times if what == "time" else self.ids).append((at + shift, number) if what == "time" else (at + shift, number, which))
        self.raw += framed
        self.rows += 1

    def copy(self, shift_ns, keys, put=struct.Struct("<Q").pack_into):
        made = bytearray(self.raw)
        for at, number in self.times:
            put(made, at, number + shift_ns)
        for at, number, which in self.ids:
            put(made, at, number ^ keys[which])
        return made


class Visit:
    def __init__(self):
        self.first_ns, self.parts = 1 << 63, collections.defaultdict(Part)


def text_of(attributes, name):
    return next((one.value.string_value for one in attributes if one.key == name), "")


class History:
    def __init__(self, kept, begin_s, end_s):
        self.minutes = (end_s - begin_s) / 60
        self.visits = [one for one in self.visits_of(kept).values() if begin_s * 1e9 <= one.first_ns < end_s * 1e9]
        self.series = self.series_of(kept)
        self.rows = sum(part.rows for visit in self.visits for part in visit.parts.values())

    @staticmethod
    def visits_of(kept):
        """{session, else trace, else number: Visit}"""
        records, session_of = [], {}
        for signal, raw in kept:
            if signal == "metrics":
                continue
            request = REQUESTS[signal].FromString(raw)
            for of_resource in request.resource_spans if signal == "traces" else request.resource_logs:
                for of_scope in of_resource.scope_spans if signal == "traces" else of_resource.scope_logs:
                    stream = (signal, of_resource.resource.SerializeToString(), of_scope.scope.SerializeToString())
                    for one in of_scope.spans if signal == "traces" else of_scope.log_records:
                        session = text_of(one.attributes, "session.id")
                        if session and one.trace_id:
                            session_of[one.trace_id] = session
                        records.append((stream, session, one))
        visits = collections.defaultdict(Visit)
        for number, (stream, session, one) in enumerate(records):
            visit = visits[session or session_of.get(one.trace_id) or one.trace_id or number]
            at_ns = one.start_time_unix_nano if stream[0] == "traces" else one.time_unix_nano or one.observed_time_unix_nano
            visit.first_ns = min(visit.first_ns, at_ns)
            visit.parts[stream].add(one.SerializeToString(), SPAN if stream[0] == "traces" else RECORD)
        return visits

    @staticmethod
    def series_of(kept):
        """{(resource, name, attributes): (resource message, metric without points, kind, [(time, value)], a point)} of gauges and sums."""
        series = {}
        for signal, raw in kept:
            if signal != "metrics":
                continue
            for of_resource in REQUESTS["metrics"].FromString(raw).resource_metrics:
                resource = of_resource.resource.SerializeToString()
                for metric in (metric for of_scope in of_resource.scope_metrics for metric in of_scope.metrics):
                    kind = metric.WhichOneof("data")
                    if kind not in ("gauge", "sum"):
                        continue
                    for point in getattr(metric, kind).data_points:
                        attributes = b"".join(sorted(one.SerializeToString() for one in point.attributes))
                        one = series.setdefault((resource, metric.name, attributes), {"resource": of_resource.resource, "metric": metric, "kind": kind, "point": point, "values": []})
                        one["values"].append((point.time_unix_nano, getattr(point, point.WhichOneof("value"))))
        return list(series.values())

    def rate(self):
        """Visits a minute."""
        return len(self.visits) / self.minutes

    def send(self, server, from_s, to_s, seed=11):
        """(rows, points) sent. In time's order, a minute a request."""
        dice, channel, noise = random.Random(seed), channel_to(server.grpc_port), 0.0
        rows, minutes = 0, int((to_s - from_s) // 60)
        points = self.send_metrics(channel, server.key, dice, from_s, to_s)
        for minute in range(minutes):
            noise = SLOW_NOISE_KEPT * noise + dice.gauss(0, SLOW_NOISE * math.sqrt(1 - SLOW_NOISE_KEPT ** 2))
            streams = collections.defaultdict(list)
            for at_s in arrivals(dice, self.rate() * math.exp(noise)):
                visit = dice.choice(self.visits)
                shift_ns = int((from_s + 60 * minute + at_s) * 1e9) - visit.first_ns
                keys = [dice.getrandbits(64) for _ in range(3)]
                for stream, part in visit.parts.items():
                    streams[stream].append(part.copy(shift_ns, keys))
                    rows += part.rows
            for signal in ("traces", "logs"):
                call(channel, server.key, signal, b"".join(
                    field(1, field(1, resource) + field(2, field(1, scope) + b"".join(parts))) for (of, resource, scope), parts in streams.items() if of == signal))
        return rows, points

    def send_metrics(self, channel, key, dice, from_s, to_s):
        """An hour of all series a request."""
        sent, start_ns = 0, int(from_s * 1e9)
        for hour_s in range(int(from_s), int(to_s), 3600):
            request = ExportMetricsServiceRequest()
            for one in self.series:
                of_resource = request.resource_metrics.add(resource=one["resource"])
                metric = of_resource.scope_metrics.add().metrics.add()
                metric.CopyFrom(one["metric"])
                data = getattr(metric, one["kind"])
                del data.data_points[:]
                for at_s in range(hour_s, min(hour_s + 3600, int(to_s)), METRIC_EVERY_S):
                    data.data_points.append(self.point(one, at_s, start_ns, dice))
                    sent += 1
            call(channel, key, "metrics", request.SerializeToString())
        return sent

    @staticmethod
    def point(one, at_s, start_ns, dice):
        point, values = type(one["point"])(), one["values"]
        point.CopyFrom(one["point"])
        point.ClearField("exemplars")
        point.time_unix_nano = at_ns = int(at_s * 1e9)
        value = dice.choice(values)[1]
        if one["kind"] == "sum" and one["metric"].sum.is_monotonic:
            (first_ns, first), (last_ns, last) = min(values), max(values)
            grown = (last - first) / (last_ns - first_ns) if last_ns > first_ns else 0
            value, point.start_time_unix_nano = max(0, grown) * (at_ns - start_ns), start_ns
        setattr(point, point.WhichOneof("value"), int(value) if point.WhichOneof("value") == "as_int" else float(value))
        return point


def arrivals(dice, a_minute):
    """Seconds within a minute, by Poisson's law."""
    at_s = dice.expovariate(a_minute / 60) if a_minute > 0 else 60
    while at_s < 60:
        yield at_s
        at_s += dice.expovariate(a_minute / 60)


def call(channel, key, signal, request):
    while True:
        try:
            return channel.unary_unary(PATHS[signal])(request, metadata=[("authorization", "Bearer " + key)], timeout=60)
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
                raise
            time.sleep(0.2)  # it is told to wait
