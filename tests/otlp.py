"""OTLP by hand, for stories that send what no SDK would: messages built from the protocol's own definitions, and calls over
HTTP/2 with every byte in the caller's hands.

    sender = Sender(port, key)
    answer = sender.send("traces", traces([span("a")]))        # a message, or any bytes
    answer.status, answer.text, answer.retry_s, answer.rejected, answer.reason

One Sender is one connection, used again until it breaks, and for one thread."""
import base64
import os
import socket
import struct
import time
import urllib.parse
import zlib

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import pyarrow
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

PATHS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, UNAVAILABLE, UNAUTHENTICATED = 0, 3, 8, 12, 14, 16


def value(of):
    """An AnyValue of a Python value."""
    if isinstance(of, bool):
        return common_pb2.AnyValue(bool_value=of)
    if isinstance(of, int):
        return common_pb2.AnyValue(int_value=of)
    if isinstance(of, float):
        return common_pb2.AnyValue(double_value=of)
    if isinstance(of, str):
        return common_pb2.AnyValue(string_value=of)
    if isinstance(of, bytes):
        return common_pb2.AnyValue(bytes_value=of)
    if isinstance(of, (list, tuple)):
        return common_pb2.AnyValue(array_value=common_pb2.ArrayValue(values=[value(item) for item in of]))
    if isinstance(of, dict):
        return common_pb2.AnyValue(kvlist_value=common_pb2.KeyValueList(values=attributes(of)))
    return common_pb2.AnyValue()


def attributes(of):
    return [common_pb2.KeyValue(key=key, value=value(item)) for key, item in of.items()]


def span(name, attrs=None, at_ns=None, **more):
    at_ns = time.time_ns() if at_ns is None else at_ns
    made = trace_pb2.Span(name=name, trace_id=os.urandom(16), span_id=os.urandom(8), start_time_unix_nano=at_ns,
                          end_time_unix_nano=at_ns + 1000000, attributes=attributes(attrs or {}))
    for field, content in more.items():
        if isinstance(content, list):
            getattr(made, field).extend(content)
        else:
            setattr(made, field, content)
    return made


def log(body, attrs=None, at_ns=None, **more):
    return logs_pb2.LogRecord(body=value(body), time_unix_nano=time.time_ns() if at_ns is None else at_ns,
                              attributes=attributes(attrs or {}), **more)


def traces(spans, resource=None):
    request = trace_service_pb2.ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(attributes({"service.name": "story"} if resource is None else resource))
    of_resource.scope_spans.add(spans=spans).scope.name = "story"
    return request


def logs(records, resource=None):
    request = logs_service_pb2.ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(attributes({"service.name": "story"} if resource is None else resource))
    of_resource.scope_logs.add(log_records=records).scope.name = "story"
    return request


def metrics(metric_list, resource=None):
    request = metrics_service_pb2.ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.extend(attributes({"service.name": "story"} if resource is None else resource))
    of_resource.scope_metrics.add(metrics=metric_list).scope.name = "story"
    return request


def gauge(name, number, attrs=None, at_ns=None):
    point = metrics_pb2.NumberDataPoint(time_unix_nano=time.time_ns() if at_ns is None else at_ns, as_double=number,
                                        attributes=attributes(attrs or {}))
    return metrics_pb2.Metric(name=name, gauge=metrics_pb2.Gauge(data_points=[point]))


def summary(name, count, total, quantiles, at_ns=None):
    """quantiles: {0.5: 12.0}"""
    point = metrics_pb2.SummaryDataPoint(
        time_unix_nano=time.time_ns() if at_ns is None else at_ns, count=count, sum=total,
        quantile_values=[metrics_pb2.SummaryDataPoint.ValueAtQuantile(quantile=q, value=v) for q, v in quantiles.items()])
    return metrics_pb2.Metric(name=name, unit="ms", summary=metrics_pb2.Summary(data_points=[point]))


def gzip(raw, level=6):
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()


def zstd(raw):
    return pyarrow.compress(raw, codec="zstd", asbytes=True)


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """A length-delimited protobuf field of any bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


class Answer:
    def __init__(self, headers, message, reset=None):
        self.headers = headers
        self.reset = reset  # an HTTP/2 error code, when the server gave the stream up
        self.status = int(headers.get("grpc-status", "-1"))
        self.text = urllib.parse.unquote(headers.get("grpc-message", ""))
        self.message = message
        self.rejected = 0
        self.reason = ""
        if self.status == 0 and message:
            response = trace_service_pb2.ExportTraceServiceResponse.FromString(message)  # the three are the same on the wire
            self.rejected = response.partial_success.rejected_spans
            self.reason = response.partial_success.error_message
        self.retry_s = None
        details = headers.get("grpc-status-details-bin")
        if details:
            self.retry_s = retry_seconds(base64.b64decode(details + "=" * (-len(details) % 4)))

    def __repr__(self):
        return "status %d %r, rejected %d %r, retry %s, reset %s" % (self.status, self.text, self.rejected, self.reason, self.retry_s,
                                                                    self.reset)


def retry_seconds(status):
    """google.rpc.Status -> details -> RetryInfo.retry_delay in seconds; None when there is none."""
    from google.rpc import error_details_pb2, status_pb2
    for detail in status_pb2.Status.FromString(status).details:
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    return None


class Broken(Exception):
    """The connection ended without an answer."""


class Sender:
    def __init__(self, port, key=None, timeout_s=60):
        self.port = port
        self.key = key
        self.timeout_s = timeout_s
        self.socket = None

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8",
                                                                         validate_outbound_headers=False))
        self.http.initiate_connection()
        self.socket.sendall(self.http.data_to_send())

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def send(self, signal, message, encoding=None, **more):
        """message: a protobuf message or bytes; encoding packs it: None, "gzip" or "zstd"."""
        raw = message if isinstance(message, bytes) else message.SerializeToString()
        body = {None: lambda b: b, "gzip": gzip, "zstd": zstd}[encoding](raw)
        return self.call(PATHS.get(signal, signal), body, encoding=encoding, flag=0 if encoding is None else 1, **more)

    def call(self, path, body, encoding=None, flag=0, length=None, headers=(), key=None):
        """body: the message as it goes over the wire; flag and length: the frame prefix, length a lie if given."""
        frame = struct.pack(">BI", flag, len(body) if length is None else length) + body
        key = self.key if key is None else key
        sent = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "127.0.0.1:%d" % self.port),
                ("te", "trailers"), ("content-type", "application/grpc")]
        if key:
            sent.append(("authorization", "Bearer " + key))
        if encoding:
            sent.append(("grpc-encoding", encoding))
        sent.extend(headers)
        for attempt in (0, 1):
            if self.socket is None:
                self.connect()
            try:
                return self.exchange(sent, frame)
            except Broken:
                self.close()
                if attempt == 1:
                    raise
            except (OSError, h2.exceptions.H2Error) as error:
                self.close()
                if attempt == 1:
                    raise Broken(str(error)) from error

    def exchange(self, headers, frame):
        stream = self.http.get_next_available_stream_id()
        self.http.send_headers(stream, headers)
        state = {"headers": {}, "data": b"", "done": False, "reset": None}
        at = 0
        is_ended = False
        while not state["done"]:
            while not is_ended and not state["done"]:
                room = min(self.http.local_flow_control_window(stream), self.http.max_outbound_frame_size)
                if room == 0:
                    break
                piece = frame[at:at + room]
                at += len(piece)
                is_ended = at >= len(frame)
                self.http.send_data(stream, piece, end_stream=is_ended)
                if at % (1 << 20) < room:
                    self.socket.sendall(self.http.data_to_send())
            self.socket.sendall(self.http.data_to_send())
            received = self.socket.recv(1 << 16)
            if not received:
                raise Broken("the server closed the connection")
            for event in self.http.receive_data(received):
                self.take(event, stream, state)
        self.socket.sendall(self.http.data_to_send())
        return Answer(state["headers"], state["data"][5:], state["reset"])

    def take(self, event, stream, state):
        if isinstance(event, h2.events.ConnectionTerminated):
            raise Broken("GOAWAY %s" % event.error_code)
        if getattr(event, "stream_id", None) != stream:
            return
        if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
            state["headers"].update(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            state["data"] += event.data
            self.http.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.StreamReset):
            state["reset"] = int(event.error_code)
            state["done"] = True
        elif isinstance(event, h2.events.StreamEnded):
            # The answer may come before all is sent (a refusal): the rest of the body is not sent then.
            state["done"] = True
