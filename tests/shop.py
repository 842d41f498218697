"""An hour of a small shop by OpenTelemetry's Python SDK, its times set back: web -> checkout -> stock, payments, with failures and slow
spots that can be found, the same each time. (The shop of demo/ is the live one.)

    shop = Shop(server)              # a seed makes it the same each time
    shop.send(traces=400)            # .traces: ids; .failed: (trace id, span id) of charges that failed
    shop.hostile()                   # one log and one span with what should never be more than text
    shop.trace(20000)                # one trace of so many spans; its id"""
import json
import random
import time
import urllib.request

from monoscope import check
from opentelemetry import trace as tracing
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

LEVELS = {"DEBUG": SeverityNumber.DEBUG, "INFO": SeverityNumber.INFO, "WARN": SeverityNumber.WARN, "ERROR": SeverityNumber.ERROR}
MS = 1000000
STACK = ("java.net.SocketTimeoutException: Read timed out\n\tat shop.payments.Gateway.charge(Gateway.java:88)\n"
         "\tat shop.payments.PaymentService.pay(PaymentService.java:41)\n\tat java.base/java.lang.Thread.run(Thread.java:840)")
HOSTILE = ['<script>window.stolen = 1</script><img src=x onerror="window.stolen = 1">', "\u202Eright to left\u202C \u2066isolated",
           "control \u0001\u0008\u001b[31m bell\u0007", "'\"; DROP TABLE otel_logs_and_spans; --", "{{7*7}}${7*7}", "javascript:alert(1)"]


def attributes(values):
    """As OTLP/JSON, for what is written by hand."""
    def value(one):
        if isinstance(one, bool):
            return {"boolValue": one}
        if isinstance(one, int):
            return {"intValue": str(one)}
        return {"doubleValue": one} if isinstance(one, float) else {"stringValue": str(one)}
    return [{"key": key, "value": value(one)} for key, one in values.items()]


class Ids(IdGenerator):
    """Gives the ids that were put into it."""
    trace = span = 0

    def generate_trace_id(self):
        return self.trace

    def generate_span_id(self):
        return self.span


class Service:
    """One SDK: what it would send is kept until the shop flushes."""

    def __init__(self, name):
        resource = Resource.create({"service.name": name, "service.version": "1.4", "deployment.environment.name": "production"})
        self.ids, self.spans, self.logs = Ids(), InMemorySpanExporter(), InMemoryLogRecordExporter()
        spans = TracerProvider(resource=resource, id_generator=self.ids, shutdown_on_exit=False)
        spans.add_span_processor(SimpleSpanProcessor(self.spans))
        logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        self.tracer, self.logger = spans.get_tracer("shop"), logs.get_logger("shop")


def context_of(trace, span):
    """As it comes in by traceparent."""
    return tracing.set_span_in_context(tracing.NonRecordingSpan(tracing.SpanContext(int(trace, 16), int(span, 16), True, tracing.TraceFlags(1))))


class Shop:
    def __init__(self, server, seed=7):
        self.server, self.rng = server, random.Random(seed)
        self.now_ns = int(time.time() * 1e9)
        self.services, self.traces, self.failed = {}, [], []

    def id(self, digits):
        return "%0*x" % (digits, self.rng.getrandbits(4 * digits))

    def service(self, name):
        if name not in self.services:
            self.services[name] = Service(name)
        return self.services[name]

    def span(self, service, trace, span, parent, name, kind, start, length, values=None, error=None, events=()):
        """events: (name, attributes, time)."""
        sdk = self.service(service)
        sdk.ids.trace, sdk.ids.span = int(trace, 16), int(span, 16)
        one = sdk.tracer.start_span(name, context_of(trace, parent) if parent else None, tracing.SpanKind[kind.upper()], values or {}, start_time=start)
        for event, attributes, at in events:
            one.add_event(event, attributes, at)
        if error:
            one.set_status(tracing.StatusCode.ERROR, error)
        one.end(start + length)

    def log(self, service, time_ns, level, body, values=None, trace=None, span=None):
        self.service(service).logger.emit(LogRecord(timestamp=time_ns, context=context_of(trace, span) if trace else None, body=body,
                                                    severity_number=LEVELS[level], severity_text=level, attributes=values or {}))

    def post(self, signal, body):
        """OTLP/JSON that no SDK would write."""
        request = urllib.request.Request("http://127.0.0.1:%d/v1/%s" % (self.server.http_port, signal), json.dumps(body).encode(),
                                         {"content-type": "application/json", "authorization": "Bearer " + self.server.key})
        urllib.request.urlopen(request, timeout=60).read()

    def flush(self):
        to = {"headers": {"authorization": "Bearer " + self.server.key}, "timeout": 60}
        span_exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:%d/v1/traces" % self.server.http_port, **to)
        log_exporter = OTLPLogExporter(endpoint="http://127.0.0.1:%d/v1/logs" % self.server.http_port, **to)
        for service in self.services.values():
            for kept, exporter in ((service.spans, span_exporter), (service.logs, log_exporter)):
                batch = kept.get_finished_spans() if kept is service.spans else kept.get_finished_logs()
                if batch:
                    check(exporter.export(batch).name == "SUCCESS", "the SDK's exporter sends %d" % len(batch))
                kept.clear()

    def send(self, traces):
        for number in range(traces):
            self.order(number)
            if number % 300 == 299:
                self.flush()
        self.flush()

    def order(self, number):
        rng = self.rng
        start = self.now_ns - int(rng.random() * 3500e9) - 20 * 10**9
        trace, root, place, stock, charge = self.id(32), self.id(16), self.id(16), self.id(16), self.id(16)
        is_bad, is_slow = number % 17 == 3, number % 12 == 5
        region = "ap-south" if is_slow else rng.choice(["eu-west", "us-east", "ap-south"])
        length = int((rng.lognormvariate(4, 0.5) + (1800 if is_slow else 0)) * MS)
        route, user = rng.choice(["/checkout", "/cart", "/product/{id}", "/search"]), "u%d" % rng.randint(1, 60)
        failed = "payment failed" if is_bad else None
        self.span("web", trace, root, None, "GET " + route, "server", start, length,
                  {"http.request.method": "GET", "http.route": route, "http.response.status_code": 500 if is_bad else 200,
                   "user.id": user, "cloud.region": region}, failed)
        self.span("checkout", trace, place, root, "Checkout.Place", "internal", start + 2 * MS, length - 5 * MS,
                  {"cart.items": rng.randint(1, 9), "cloud.region": region}, failed)
        self.span("stock", trace, stock, place, "SELECT stock", "client", start + 4 * MS, max(MS, length // 4),
                  {"db.system.name": "postgresql", "db.query.text": "SELECT * FROM stock WHERE sku = $1"})
        events = [("exception", {"exception.type": "java.net.SocketTimeoutException", "exception.message": "Read timed out after 1500 ms",
                                 "exception.stacktrace": STACK}, start + length // 2)] if is_bad else []
        self.span("payments", trace, charge, place, "POST /charge", "client", start + 4 * MS + length // 4, max(MS, length // 2),
                  {"http.request.method": "POST", "server.address": "gateway.example", "http.response.status_code": 504 if is_bad else 200},
                  "Read timed out" if is_bad else None, events)
        self.log("checkout", start + 5 * MS, "INFO", "order %d placed for %s" % (number, user), {"order.id": number}, trace, place)
        if is_bad:
            self.log("payments", start + length // 2 + MS, "ERROR", "charge of order %d failed: Read timed out after 1500 ms" % number,
                     {"order.id": number}, trace, charge)
            self.failed.append((trace, charge))
        self.traces.append(trace)

    def hostile(self):
        """Each text in every place; one value of a megabyte."""
        trace, span, at = self.id(32), self.id(16), self.now_ns - 5 * 10**9
        values = {"text.%d" % number: text for number, text in enumerate(HOSTILE)}
        values.update({text: text for text in HOSTILE}, **{"large": "x" * 1000000})
        everything = " ".join(HOSTILE)
        self.span(everything, trace, span, None, everything, "server", at, 50 * MS, values, everything,
                  [(everything, {"exception.type": HOSTILE[0], "exception.message": everything, "exception.stacktrace": everything}, at)])
        self.log(everything, at, "ERROR", everything, values, trace, span)
        self.flush()
        return trace

    def trace(self, spans):
        trace, ids, places = self.id(32), [self.id(16)], [(self.now_ns - 600 * 10**9, 60000 * MS)]
        self.span("web", trace, ids[0], None, "GET /big", "server", *places[0])
        for number in range(1, spans):
            up = max(0, (number - 1) // self.rng.randint(3, 14))
            start = places[up][0] + int(self.rng.random() * places[up][1] * 0.5)
            length = max(1000, int((places[up][0] + places[up][1] - start) * self.rng.random() * 0.9))
            ids.append(self.id(16))
            places.append((start, length))
            self.span(self.rng.choice(["web", "checkout", "payments", "stock", "mail"]), trace, ids[-1], ids[up], "work %d" % (number % 37),
                      "internal", start, length, None, "failed" if number % 97 == 0 else None)
            if number % 5000 == 0:
                self.flush()
        self.flush()
        return trace
