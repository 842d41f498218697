# time_limit_s: 300, tries: 2
"""What operators ask the gRPC port without a key: health, by grpcio's own client (Check, Watch) and by grpcurl, from the start to
the drain; and reflection, by grpcurl and by grpcio's own client: it lists, describes and calls Export with no .proto file."""
import base64
import json
import os
import subprocess
import sys
import threading
import time

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from goprogram import build
from monoscope import Server, check, wait_until
from otlp import span, traces

OTLP = ["opentelemetry.proto.collector.%s" % name for name in
        ("logs.v1.LogsService", "metrics.v1.MetricsService", "trace.v1.TraceService")]
OTHERS = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3


class Watch(threading.Thread):
    """What Watch says until its end, and the end."""

    def __init__(self, channel, service):
        super().__init__(daemon=True)
        self.call = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))
        self.seen, self.code = [], None
        self.start()

    def run(self):
        try:
            for answer in self.call:
                self.seen.append(answer.status)
        except grpc.RpcError as error:
            self.code = error.code()


def check_health(server, channel):
    stub = health_pb2_grpc.HealthStub(channel)
    for service in [""] + OTLP:
        status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5).status
        check(status == SERVING, "%r is serving: %s" % (service, status))
    try:
        stub.Check(health_pb2.HealthCheckRequest(service="no.Such"), timeout=5)
        check(False, "a service that we do not have is not known")
    except grpc.RpcError as error:
        check(error.code() == grpc.StatusCode.NOT_FOUND, "and its check says NOT_FOUND: %s" % error)
    listed = stub.List(health_pb2.HealthListRequest(), timeout=5).statuses
    check({name: answer.status for name, answer in listed.items()} == dict.fromkeys([""] + OTLP, SERVING), "List: %r" % listed)
    try:
        for _ in stub.Watch(health_pb2.HealthCheckRequest(), timeout=1.5):
            pass
        check(False, "Watch goes on until its deadline")
    except grpc.RpcError as error:
        check(error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, "and ends by that: %s" % error)
    print("health: Check, List and Watch by grpcio's client")


class Grpcurl:
    def __init__(self, server):
        self.binary = build("grpcurl", "github.com/fullstorydev/grpcurl/cmd/grpcurl")
        self.address = "127.0.0.1:%d" % server.grpc_port

    def __call__(self, *words, options=()):
        result = subprocess.run([self.binary, "-plaintext", *options, self.address, *words], capture_output=True, text=True, timeout=60)
        check(result.returncode == 0, "grpcurl %s: %s" % (" ".join(words), result.stderr))
        return result.stdout


def check_grpcurl(server):
    grpcurl = Grpcurl(server)
    check(sorted(grpcurl("list").split()) == sorted(OTLP + OTHERS), "list: " + grpcurl("list"))
    for service in OTLP:
        check(grpcurl("list", service).split() == [service + ".Export"], "its method: " + grpcurl("list", service))
    for symbol, wanted in (("opentelemetry.proto.trace.v1.Span", "bytes trace_id = 1;"),
                           ("opentelemetry.proto.trace.v1.Span.Event", "fixed64 time_unix_nano = 1;"),
                           ("opentelemetry.proto.trace.v1.Span.SpanKind", "SPAN_KIND_SERVER = 2;"),
                           ("opentelemetry.proto.trace.v1.Span.trace_id", "bytes trace_id = 1;"),
                           ("opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint", "Buckets positive = 8;"),
                           ("opentelemetry.proto.collector.logs.v1.LogsService.Export", "rpc Export"),
                           ("grpc.health.v1.HealthCheckResponse.ServingStatus", "NOT_SERVING = 2;")):
        described = grpcurl("describe", symbol)
        check(wanted in described, "describe %s: %s" % (symbol, described))
    check(json.loads(grpcurl("grpc.health.v1.Health/Check")) == {"status": "SERVING"}, "health by grpcurl")
    sent = {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": base64.b64encode(os.urandom(16)).decode(), "spanId": base64.b64encode(os.urandom(8)).decode(),
        "name": "by grpcurl", "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns() + 1000)}]}]}]}
    answer = grpcurl("opentelemetry.proto.collector.trace.v1.TraceService/Export",
                     options=["-H", "authorization: Bearer " + server.key, "-d", json.dumps(sent)])
    check(json.loads(answer) == {}, "Export by grpcurl: " + answer)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'by grpcurl'", 1)
    print("reflection: grpcurl lists %d services, describes, and calls Export" % len(OTLP + OTHERS))


def check_reflection_client(server, channel):
    """grpcio's own client, by v1alpha: the messages it gets by reflection take what the real ones write."""
    database = ProtoReflectionDescriptorDatabase(channel)
    check(sorted(database.get_services()) == sorted(OTLP + OTHERS), "services: %r" % (database.get_services(),))
    pool = DescriptorPool(database)
    method = pool.FindServiceByName(OTLP[2]).FindMethodByName("Export")
    request = GetMessageClass(method.input_type).FromString(traces([span("by reflection", {"n": 1})]).SerializeToString())
    check(request.resource_spans[0].scope_spans[0].spans[0].name == "by reflection", "a message of a class got by reflection")
    export = channel.unary_unary("/%s/Export" % OTLP[2], request_serializer=lambda message: message.SerializeToString(),
                                 response_deserializer=GetMessageClass(method.output_type).FromString)
    check(not export(request, timeout=10, metadata=[("authorization", "Bearer " + server.key)]).HasField("partial_success"), "it is taken")
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'by reflection'", 1)
    ours = pool.FindFileByName("opentelemetry/proto/metrics/v1/metrics.proto")
    theirs = metrics_service_pb2.DESCRIPTOR.pool.FindFileByName("opentelemetry/proto/metrics/v1/metrics.proto")
    check(ours.serialized_pb == theirs.serialized_pb, "the descriptors are those of opentelemetry-proto")
    try:
        database.FindFileContainingSymbol("opentelemetry.proto.NoSuch")
        check(False, "what there is not is not found")
    except KeyError:
        pass
    print("reflection: grpcio's client builds OTLP's messages from it")


def main():
    with Server() as server:
        with grpc.insecure_channel("127.0.0.1:%d" % server.grpc_port) as channel:
            check_health(server, channel)
            check_reflection_client(server, channel)
            check_grpcurl(server)
            watches = [Watch(channel, service) for service in ["", OTLP[0], "no.Such"]]
            wait_until(lambda: all(watch.seen for watch in watches), "each Watch has its first answer")
            server.stop()
            for watch in watches:
                watch.join(10)
                check(watch.code == grpc.StatusCode.UNAVAILABLE, "a Watch ends with its connection: %s" % watch.code)
            seen = [watch.seen for watch in watches]
            check(seen == [[SERVING, NOT_SERVING], [SERVING, NOT_SERVING], [SERVICE_UNKNOWN]], "what Watch saw: %r" % seen)
    print("health: who watches hears NOT_SERVING before the server ends")


main()
