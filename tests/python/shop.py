"""A small shop as its programmers would write it: the OpenTelemetry Python SDK, set up by the usual variables alone
(OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _COMPRESSION, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES).

Sends one trace, some logs and one collection of metrics, then prints what it knows about them as one JSON object."""
import json
import logging
import sys
import time

from opentelemetry import metrics, trace
from opentelemetry._logs import LogRecord, SeverityNumber, set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

LINKED = SpanContext(trace_id=0x0af7651916cd43dd8448eb211c80319c, span_id=0xb7ad6b7169203331, is_remote=True,
                     trace_flags=TraceFlags(1))


def hex_ids(span):
    context = span.get_span_context()
    return {"trace_id": "%032x" % context.trace_id, "span_id": "%016x" % context.span_id}


def send_trace(tracer, told):
    with tracer.start_as_current_span("GET /cart/{id}", kind=SpanKind.SERVER, links=[Link(LINKED, {"why": "retry"})], attributes={
            "http.request.method": "GET", "http.route": "/cart/{id}", "url.path": "/cart/42", "http.response.status_code": 500,
            "user.id": "user-7", "session.id": "session-9", "client.address": "203.0.113.7", "client.port": 50123,
            "cart.tags": ["new", "größe"], "cart.counts": [1, 2, 3], "cart.ratio": 0.25, "cart.whole": 3.0, "cart.is_guest": True,
            "cart.big": 2 ** 53 + 1, "cart.note": "日本語 \"quoted\" \\ and\nnew line"}) as root:
        told["root"] = hex_ids(root)
        told["root_start_ns"] = root.start_time
        logging.getLogger("shop").warning("cart %d is slow", 42, extra={"cart.id": 42})
        with tracer.start_as_current_span("SELECT carts", kind=SpanKind.CLIENT, attributes={
                "db.system": "postgresql", "db.statement": "SELECT * FROM carts WHERE id = $1", "db.operation.name": "SELECT",
                "db.collection.name": "carts", "net.peer.name": "db1", "net.peer.port": 5432}) as query:
            told["query"] = hex_ids(query)
            query.add_event("cache.miss", {"cache.key": "cart:42", "cache.tries": 2})
            time.sleep(0.002)
            try:
                raise ValueError("cart 42 is broken")
            except ValueError as error:
                query.record_exception(error)
                query.set_status(Status(StatusCode.ERROR, "broken cart"))
        with tracer.start_as_current_span("orders publish", kind=SpanKind.PRODUCER, attributes={
                "messaging.system": "kafka", "messaging.destination.name": "orders"}) as publish:
            told["publish"] = hex_ids(publish)
            publish.set_status(Status(StatusCode.OK))
    told["root_end_ns"] = root.end_time


def send_logs(logger, tracer, told):
    with tracer.start_as_current_span("nightly") as span:
        told["nightly"] = hex_ids(span)
        told["log_ns"] = time.time_ns()
        logger.emit(LogRecord(timestamp=told["log_ns"], observed_timestamp=told["log_ns"] + 5000, event_name="cart.summed",
                              severity_number=SeverityNumber.FATAL, severity_text="CRITICAL",
                              body={"message": "summed", "carts": [1, 2.5, "three", None, True], "inner": {"deep": {"er": 7}}},
                              attributes={"batch.size": 10, "batch.ok": False, "user.email": "a@example.org"}))
        logger.emit(LogRecord(timestamp=told["log_ns"] + 1000, severity_number=SeverityNumber.INFO, body='{"msg": "as json", "n": 5}'))
    logger.emit(LogRecord(observed_timestamp=told["log_ns"] + 9000, body="no time, no level"))


def send_metrics(meter):
    orders = meter.create_counter("shop.orders", "{order}", "orders taken")
    orders.add(2, {"shop.plan": "team", "http.request.method": "POST"})
    orders.add(3, {"shop.plan": "team", "http.request.method": "POST"})
    meter.create_up_down_counter("shop.carts.open", "{cart}").add(-4)
    meter.create_gauge("shop.temperature", "Cel").set(21.5, {"room": "a"})
    meter.create_observable_gauge("shop.queue", [lambda _: [Observation(7, {"queue": "mail"})]])
    latency = meter.create_histogram("shop.latency", "ms", "time to answer", explicit_bucket_boundaries_advisory=[10, 100, 1000])
    sizes = meter.create_histogram("shop.sizes", "By")
    for value in (5, 50, 60, 500, 5000):
        latency.record(value, {"http.route": "/cart/{id}"})
    for value in (0, 1, 2, 4, 4):
        sizes.record(value)


def main():
    told = {}
    tracing = TracerProvider()
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracing)
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(logs)
    logging.getLogger("shop").addHandler(LoggingHandler(level=logging.INFO, logger_provider=logs))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=3600000)
    views = [View(instrument_name="shop.sizes", aggregation=ExponentialBucketHistogramAggregation(max_size=20, max_scale=3))]
    measuring = MeterProvider(metric_readers=[reader], views=views, shutdown_on_exit=False)
    metrics.set_meter_provider(measuring)

    tracer = trace.get_tracer("shop.tracer", "1.4.0")
    send_trace(tracer, told)
    send_logs(logs.get_logger("shop.logger", "2.0"), tracer, told)
    send_metrics(metrics.get_meter("shop.meter", "3.1"))
    is_sent = tracing.force_flush(10000) and logs.force_flush(10000) and measuring.force_flush(10000)
    tracing.shutdown()
    logs.shutdown()
    print(json.dumps(told))
    return 0 if is_sent else 1


sys.exit(main())
