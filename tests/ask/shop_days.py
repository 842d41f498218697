"""The data set of the questions: eleven days of the demo shop, the same at each run, sent as OTLP to a real server.

    page (shop-page) -> web -> stock -> PostgreSQL            NOW is the moment that the questions are asked at: a Tuesday afternoon,
                            -> payments -> PostgreSQL, Redis  two days after Berlin's clocks went back (2026-10-25, 01:00 UTC).

Faults, in production: `payments-timeout` (2026-10-26, 13:00 to 14:30 UTC: half of the charges end after 1.5 s with 504),
`slow-stock` (2026-10-25: queries for ap-south take 0.9 s and more), `bad-release` (web 1.5.0 from 2026-10-26 09:00 UTC: orders with
a coupon break it, 500 and TypeError), `old-links` (2026-10-24: 404 of /offers)."""
import datetime
import random

from opentelemetry.proto.trace.v1 import trace_pb2

from otlp import Sender, log, logs, span, traces

UTC = datetime.timezone.utc
NOW = datetime.datetime(2026, 10, 27, 14, 37, tzinfo=UTC)
FIRST = datetime.datetime(2026, 10, 17, tzinfo=UTC)
VISITS_AN_HOUR = 15
SERVER, CLIENT, INTERNAL = trace_pb2.Span.SPAN_KIND_SERVER, trace_pb2.Span.SPAN_KIND_CLIENT, trace_pb2.Span.SPAN_KIND_INTERNAL
LEVELS = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
REGIONS = ["eu-west", "us-east", "ap-south"]
COUPONS = ["SPRING10", "BLACKFRIDAY", "WELCOME"]
PROVIDERS = ["visa", "mastercard", "paypal"]


def at(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


class Days:
    """rows of each resource, gathered: {(service, environment, version, host): ([spans], [logs])}."""

    def __init__(self):
        self.rng, self.rows, self.row_count = random.Random(10), {}, 0

    def id(self, size):
        return self.rng.getrandbits(8 * size).to_bytes(size, "big")

    def of(self, service, environment, when):
        bad = environment == "production" and when >= at("2026-10-26T09:00")
        version = {"web": "1.5.0" if bad else "1.4.2", "stock": "2.1.0" if when >= at("2026-10-22T00:00") else "2.0.3",
                   "payments": "3.2.0", "shop-page": "1.4.2"}[service]
        host = {"web": "web-%d" % self.rng.randint(1, 2), "stock": "stock-1", "payments": "pay-1", "shop-page": "browser"}[service]
        key = (service, environment, version, host)
        return self.rows.setdefault(key, ([], []))

    def span(self, service, environment, trace, parent, name, kind, when, ms, values, error=None, exception=None):
        start = int(when.timestamp() * 1e6) * 1000
        made = span(name, values, at_ns=start, trace_id=trace, span_id=self.id(8), kind=kind)
        made.end_time_unix_nano = start + int(ms * 1000) * 1000
        if parent:
            made.parent_span_id = parent
        if error:
            made.status.code, made.status.message = trace_pb2.Status.STATUS_CODE_ERROR, error
        self.of(service, environment, when)[0].append(made)
        self.row_count += 1
        return made.span_id

    def log(self, service, environment, level, body, when, values, trace=None, parent=None):
        made = log(body, values, at_ns=int(when.timestamp() * 1e6) * 1000, severity_number=LEVELS[level], severity_text=level)
        if trace:
            made.trace_id, made.span_id = trace, parent
        self.of(service, environment, when)[1].append(made)
        self.row_count += 1

    def ms(self, usual):
        return round(self.rng.lognormvariate(0, 0.5) * usual, 3)

    def visit(self, when):
        rng = self.rng
        environment = "staging" if rng.random() < 0.2 else "production"
        number = min(int(rng.expovariate(0.08)), 59)
        who = {"user.id": "u%d" % (100 + number), "session.id": "s%d-%d" % (100 + number, when.toordinal() % 1000), "cloud.region": REGIONS[number % 3]}
        if number == 0:
            who["user.email"] = "ada@example.com"
        at_page = when
        for page in rng.sample(["GET /", "GET /search", "GET /products/{id}", "POST /cart", "POST /orders", "GET /orders/{id}"], rng.randint(1, 3)):
            self.request(environment, page, at_page, who)
            at_page += datetime.timedelta(seconds=rng.randint(3, 40))
        if at_page.date() == at("2026-10-24T00:00").date() and rng.random() < 0.5:
            trace = self.id(16)
            top = self.span("web", environment, trace, None, "GET /offers", SERVER, at_page, self.ms(3),
                            dict(who, **{"http.request.method": "GET", "http.route": "/offers", "url.path": "/offers", "http.response.status_code": 404}))
            self.log("web", environment, "WARN", "no such page: /offers", at_page, {"http.route": "/offers"}, trace, top)

    def request(self, environment, page, when, who):
        rng, trace = self.rng, self.id(16)
        method, route = page.split(" ")
        path = route.replace("{id}", str(rng.randint(1, 40)))
        values = dict(who, **{"http.request.method": method, "http.route": route, "url.path": path, "http.response.status_code": 200})
        later = lambda ms: when + datetime.timedelta(milliseconds=ms)
        children, total, error = [], self.ms(12), None
        top_id = self.id(8)
        if route in ("/search", "/products/{id}", "/orders"):
            total += self.stock(environment, trace, top_id, route, later(3), who)
        if method == "POST" and route == "/orders":
            values["order.items"] = rng.randint(1, 6)
            if rng.random() < 0.3:
                values["order.coupon"] = rng.choice(COUPONS)
            status, took = self.charge(environment, trace, top_id, later(30), who)
            total += took
            if "order.coupon" in values and environment == "production" and when >= at("2026-10-26T09:00"):
                error = "Cannot read properties of undefined (reading 'percent')"
                values["http.response.status_code"] = 500
                self.log("web", environment, "ERROR", "POST /orders failed: " + error, later(total), {"http.route": route, "exception.type": "TypeError", "exception.message": error,
                         "order.coupon": values["order.coupon"]}, trace, top_id)
            elif status == 504:
                error = "payments timed out"
                values["http.response.status_code"] = 502
                self.log("web", environment, "ERROR", "POST /orders failed: payments timed out", later(total), {"http.route": route}, trace, top_id)
            elif status == 402:
                values["http.response.status_code"] = 402
                self.log("web", environment, "WARN", "card declined", later(total), {"http.route": route}, trace, top_id)
            else:
                self.log("web", environment, "INFO", "order placed", later(total), {"http.route": route, "order.items": values["order.items"]}, trace, top_id)
        elif method == "POST":
            self.log("web", environment, "INFO", "added to cart", later(total), {"http.route": route}, trace, top_id)
        page_span = None
        if rng.random() < 0.25:
            page_span = self.span("shop-page", environment, trace, None, "click", INTERNAL, later(-20), total + 45, who)
        made = self.span("web", environment, trace, page_span, page, SERVER, when, total, values, error)
        spans = self.of_last(made)
        spans.span_id = top_id

    def of_last(self, span_id):
        for spans, _ in self.rows.values():
            if spans and spans[-1].span_id == span_id:
                return spans[-1]
        raise LookupError(span_id)

    def stock(self, environment, trace, parent, route, when, who):
        rng = self.rng
        method, stock_route = ("POST", "/reserve") if route == "/orders" else ("GET", "/search") if route == "/search" else ("GET", "/stock/{sku}")
        query_ms = self.ms(6)
        if environment == "production" and who["cloud.region"] == "ap-south" and when.date() == at("2026-10-25T00:00").date():
            query_ms = 900 + self.ms(200)
        total = query_ms + self.ms(4)
        later = lambda ms: when + datetime.timedelta(milliseconds=ms)
        values = dict(who, **{"http.request.method": method, "http.route": stock_route, "http.response.status_code": 200})
        client = self.span("web", environment, trace, parent, method, CLIENT, when, total + 1, {"http.request.method": method, "server.address": "stock", "http.response.status_code": 200})
        top = self.span("stock", environment, trace, client, "%s %s" % (method, stock_route), SERVER, later(0.5), total, values)
        table = "reservations" if method == "POST" else "products"
        operation = "INSERT" if method == "POST" else "SELECT"
        self.span("stock", environment, trace, top, "%s %s" % (operation, table), CLIENT, later(1), query_ms,
                  {"db.system.name": "postgresql", "db.namespace": "stockdb", "db.collection.name": table, "db.operation.name": operation,
                   "db.query.text": "SELECT * FROM products WHERE sku = $1" if operation == "SELECT" else "INSERT INTO reservations VALUES($1, $2)"})
        if query_ms > 800:
            self.log("stock", environment, "WARN", "slow query: waited for a lock", later(query_ms), {"cloud.region": who["cloud.region"]}, trace, top)
        elif rng.random() < 0.3:
            self.log("stock", environment, "DEBUG", "cache miss", later(1), {"cloud.region": who["cloud.region"]}, trace, top)
        return total + 2

    def charge(self, environment, trace, parent, when, who):
        rng, provider = self.rng, self.rng.choice(PROVIDERS)
        later = lambda ms: when + datetime.timedelta(milliseconds=ms)
        status, ms, error, typed = 200, self.ms(80), None, None
        if environment == "production" and at("2026-10-26T13:00") <= when < at("2026-10-26T14:30") and rng.random() < 0.5:
            status, ms, error, typed = 504, 1500 + self.ms(5), "the gateway did not answer", "HttpTimeoutException"
        elif rng.random() < 0.06:
            status = 402
        elif rng.random() < 0.02:
            status, error, typed = 500, "could not write to the ledger", "SQLException"
        client = self.span("web", environment, trace, parent, "POST", CLIENT, when, ms + 2, {"http.request.method": "POST", "server.address": "payments", "http.response.status_code": status},
                           error)
        top = self.span("payments", environment, trace, client, "POST /charge", SERVER, later(1), ms,
                        dict(who, **{"http.request.method": "POST", "http.route": "/charge", "http.response.status_code": status, "payment.provider": provider}), error)
        self.span("payments", environment, trace, top, "GET session", CLIENT, later(1.5), self.ms(0.8), {"db.system.name": "redis", "db.operation.name": "GET"})
        self.span("payments", environment, trace, top, "INSERT charges", CLIENT, later(4), self.ms(4),
                  {"db.system.name": "postgresql", "db.namespace": "ledger", "db.collection.name": "charges", "db.operation.name": "INSERT"}, error if status == 500 else None)
        if typed:
            self.log("payments", environment, "ERROR", "charge failed: " + error, later(ms), {"exception.type": typed, "exception.message": error, "payment.provider": provider}, trace, top)
            if status == 500:
                self.log("payments", environment, "FATAL", "ledger out of balance", later(ms), {"payment.provider": provider}, trace, top)
        elif status == 402:
            self.log("payments", environment, "WARN", "card declined", later(ms), {"payment.provider": provider}, trace, top)
        else:
            self.log("payments", environment, "INFO", "charge accepted", later(ms), {"payment.provider": provider}, trace, top)
        return (504 if status in (504, 500) else status), ms + 3

    def make(self):
        when = FIRST
        while when < NOW:
            hour = when.hour
            busy = 1.6 if 8 <= hour < 20 else 0.5
            when += datetime.timedelta(seconds=self.rng.expovariate(VISITS_AN_HOUR * busy / 3600), microseconds=self.rng.randint(0, 999))
            if when < NOW - datetime.timedelta(minutes=2):
                self.visit(when)
        return self


def send(server, key, batch=2000):
    """Rows that were sent. A flush after each request: the catalog of attributes is a sample of what is between two of them."""
    days, sender = Days().make(), Sender(server.grpc_port, key)
    for (service, environment, version, host), (spans, records) in sorted(days.rows.items()):
        resource = {"service.name": service, "service.version": version, "deployment.environment.name": environment, "host.name": host}
        for signal, make, rows in (("traces", traces, spans), ("logs", logs, records)):
            for first in range(0, len(rows), batch):
                answer = sender.send(signal, make(rows[first:first + batch], resource))
                if answer.status != 0 or answer.rejected:
                    raise RuntimeError("%s of %s are not taken: %s %s" % (signal, service, answer.text, answer.reason))
            server.connect().execute("FLUSH")
    return days.row_count
