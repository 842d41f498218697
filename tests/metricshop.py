"""An hour of metrics by OpenTelemetry's Python SDK on a clock of its own: what is measured is kept too, so that a story can reckon
from the measurements what charts should show.

    shop = MetricShop(server)
    shop.send()
    shop.events["shop.orders"]      # [Event(at_s, service, attributes, value, is_told)]: not told where a process died before it sent
    shop.begin_s                    # a whole minute; the hour is 60 minutes from it

cart sends totals (cumulative), checkout what was added (delta), both each 30 s. cart's process dies in minute 20, 15 s after it has
sent, and begins anew at once; from minute 40 to 52 nothing of it comes through, though it works on. Bounds and scales of the two differ."""
import collections
import datetime
import random
import time

from monoscope import check
from opentelemetry import trace as tracing
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import (Counter, Histogram, MeterProvider, ObservableGauge, UpDownCounter)
from opentelemetry.sdk.metrics import _internal as sdk
from opentelemetry.sdk.metrics._internal import _view_instrument_match, instrument, measurement_consumer, metric_reader_storage
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

MINUTES, SENT_EACH_S = 60, 30
RESTART_S, GAP_FROM_S, GAP_TO_S = 20 * 60 + 15, 40 * 60, 52 * 60
BOUNDS = {"cart": [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5], "checkout": [0.02, 0.1, 0.3, 1]}
MAX_SIZES = {"cart": 160, "checkout": 20}
Event = collections.namedtuple("Event", "at_s service attributes value is_told")


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    now_ns = 0

    def __call__(self):
        return self.now_ns


def clock_set(clock):
    """Of the SDK's metrics alone."""
    for module in (sdk, _view_instrument_match, instrument, measurement_consumer, metric_reader_storage):
        check(hasattr(module, "time_ns"), "the SDK's %s asks for the time" % module.__name__)
        module.time_ns = clock


def span_context(trace, span):
    return tracing.set_span_in_context(tracing.NonRecordingSpan(
        tracing.SpanContext(trace, span, True, tracing.TraceFlags(tracing.TraceFlags.SAMPLED))))


class Process:
    """One run of a service: its meters, and the queue that its gauge looks at."""

    def __init__(self, shop, service):
        self.shop, self.service, self.depth = shop, service, 0
        kind = AggregationTemporality.DELTA if service == "checkout" else AggregationTemporality.CUMULATIVE
        preferred = {Counter: kind, Histogram: kind, UpDownCounter: AggregationTemporality.CUMULATIVE, ObservableGauge: kind}
        self.reader = InMemoryMetricReader(preferred_temporality=preferred)
        views = [View(instrument_name="http.server.request.duration", aggregation=ExplicitBucketHistogramAggregation(BOUNDS[service])),
                 View(instrument_name="shop.payment.duration",
                      aggregation=ExponentialBucketHistogramAggregation(max_size=MAX_SIZES[service]))]
        resource = Resource.create({"service.name": service, "deployment.environment.name": "production"})
        provider = MeterProvider([self.reader], resource=resource, views=views, shutdown_on_exit=False)
        meter = provider.get_meter("shop")
        self.orders = meter.create_counter("shop.orders", "{order}", "Orders that were placed")
        self.carts = meter.create_up_down_counter("shop.carts.open", "{cart}", "Carts that somebody fills")
        self.requests = meter.create_histogram("http.server.request.duration", "s", "How long answers take")
        self.payments = meter.create_histogram("shop.payment.duration", "s", "How long payments take")
        meter.create_observable_gauge("shop.queue.depth", [lambda options: [Observation(self.depth, {"queue.name": "mail"})]], "{message}",
                                      "Messages that wait")


class MetricShop:
    def __init__(self, server, seed=11):
        self.server, self.rng, self.clock = server, random.Random(seed), Clock()
        self.begin_s = int(time.time()) // 60 * 60 - MINUTES * 60
        self.events = collections.defaultdict(list)
        self.points = 0
        self.exporter = OTLPMetricExporter("http://127.0.0.1:%d/v1/metrics" % server.http_port,
                                           headers={"authorization": "Bearer " + server.key})

    def tell(self, name, at_s, service, attributes, value):
        is_lost = service == "cart" and RESTART_S - 15 <= at_s - self.begin_s < RESTART_S
        self.events[name].append(Event(at_s, service, attributes, value, not is_lost))

    def slowness(self, at_s):
        """Payments, and what waits for them, are slow from minute 30 to 35."""
        return 12 if 1800 <= at_s - self.begin_s < 2100 else 1

    def work(self, process, at_s):
        """What a second brings."""
        rng, service = self.rng, process.service
        for _ in range(rng.randrange(3)):
            self.clock.now_ns = int((at_s + rng.random()) * 1e9)
            at = self.clock.now_ns / 1e9
            attributes = {"shop.tier": rng.choice(["gold", "plain", "plain"])}
            count = rng.randrange(1, 4)
            process.orders.add(count, attributes)
            self.tell("shop.orders", at, service, attributes, count)
            change = rng.choice([-1, 1, 1])
            process.carts.add(change)
            self.tell("shop.carts.open", at, service, {}, change)
            attributes = {"http.request.method": rng.choice(["GET", "POST"]), "http.route": rng.choice(["/cart", "/cart/{id}"])}
            seconds = rng.lognormvariate(-3, 1.1)
            trace, span = rng.getrandbits(128) | 1, rng.getrandbits(64) | 1
            process.requests.record(seconds, attributes, span_context(trace, span))
            self.tell("http.server.request.duration", at, service, dict(attributes, trace="%032x" % trace), seconds)
            seconds = rng.lognormvariate(-2, 1.5) * self.slowness(at)
            process.payments.record(seconds)
            self.tell("shop.payment.duration", at, service, {}, seconds)
        process.depth = max(0, process.depth + rng.choice([-2, -1, 1, 2]) + (3 if self.slowness(at_s) > 1 else 0) - (process.depth > 60) * 4)

    def collect(self, process, at_s, is_sent):
        self.clock.now_ns = int(at_s * 1e9)
        data = process.reader.get_metrics_data()
        if not is_sent:
            return
        self.tell("shop.queue.depth", at_s, process.service, {"queue.name": "mail"}, process.depth)
        self.points += sum(len(metric.data.data_points) for resource in data.resource_metrics for scope in resource.scope_metrics
                           for metric in scope.metrics)
        result = self.exporter.export(data)
        check(result.name == "SUCCESS", "the exporter sends: %s" % result)

    def send(self):
        clock_set(self.clock)
        self.clock.now_ns = self.begin_s * 10**9
        running = {service: Process(self, service) for service in BOUNDS}
        for second in range(MINUTES * 60):
            at_s = self.begin_s + second
            for service in BOUNDS:
                if service == "cart" and second == RESTART_S:
                    self.clock.now_ns = at_s * 10**9
                    running[service] = Process(self, service)
                self.work(running[service], at_s)
                if (second + 1) % SENT_EACH_S == 0:
                    is_sent = not (service == "cart" and GAP_FROM_S < second + 1 < GAP_TO_S)
                    self.collect(running[service], at_s + 1, is_sent)
        self.server.wait_count("SELECT count(*) FROM otel_metrics", self.points)
