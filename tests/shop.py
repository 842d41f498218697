"""An hour of a small shop, as OTLP/JSON: web -> checkout -> stock, payments, with failures and slow spots that can be found.

    shop = Shop(server)              # a seed makes it the same each time
    shop.send(traces=400)            # .traces: ids; .failed: (trace id, span id) of charges that failed
    shop.hostile()                   # one log and one span with what should never be more than text
    shop.trace(20000)                # one trace of so many spans; its id"""
import json
import random
import time
import urllib.request

KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
LEVELS = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}
MS = 1000000
STACK = ("java.net.SocketTimeoutException: Read timed out\n\tat shop.payments.Gateway.charge(Gateway.java:88)\n"
         "\tat shop.payments.PaymentService.pay(PaymentService.java:41)\n\tat java.base/java.lang.Thread.run(Thread.java:840)")
HOSTILE = ['<script>window.stolen = 1</script><img src=x onerror="window.stolen = 1">', "\u202Eright to left\u202C \u2066isolated",
           "control \u0001\u0008\u001b[31m bell\u0007", "'\"; DROP TABLE otel_logs_and_spans; --", "{{7*7}}${7*7}", "javascript:alert(1)"]


def attributes(values):
    def value(one):
        if isinstance(one, bool):
            return {"boolValue": one}
        if isinstance(one, int):
            return {"intValue": str(one)}
        return {"doubleValue": one} if isinstance(one, float) else {"stringValue": str(one)}
    return [{"key": key, "value": value(one)} for key, one in values.items()]


class Shop:
    def __init__(self, server, seed=7):
        self.server, self.rng = server, random.Random(seed)
        self.now_ns = int(time.time() * 1e9)
        self.spans, self.logs, self.traces, self.failed = {}, {}, [], []

    def id(self, digits):
        return "%0*x" % (digits, self.rng.getrandbits(4 * digits))

    def span(self, service, trace, span, parent, name, kind, start, length, values=None, error=None, events=None):
        one = {"traceId": trace, "spanId": span, "name": name, "kind": KINDS[kind], "startTimeUnixNano": str(start),
               "endTimeUnixNano": str(start + length), "attributes": attributes(values or {}), "events": events or []}
        if parent:
            one["parentSpanId"] = parent
        if error:
            one["status"] = {"code": 2, "message": error}
        self.spans.setdefault(service, []).append(one)

    def log(self, service, time_ns, level, body, values=None, trace=None, span=None):
        one = {"timeUnixNano": str(time_ns), "severityNumber": LEVELS[level], "severityText": level,
               "body": {"stringValue": body}, "attributes": attributes(values or {})}
        if trace:
            one.update(traceId=trace, spanId=span)
        self.logs.setdefault(service, []).append(one)

    def post(self, signal, body):
        request = urllib.request.Request("http://127.0.0.1:%d/v1/%s" % (self.server.http_port, signal), json.dumps(body).encode(),
                                         {"content-type": "application/json", "authorization": "Bearer " + self.server.key})
        urllib.request.urlopen(request, timeout=60).read()

    def flush(self):
        resource = lambda service: {"attributes": attributes({"service.name": service, "service.version": "1.4",
                                                              "deployment.environment.name": "production"})}
        if self.spans:
            self.post("traces", {"resourceSpans": [{"resource": resource(service), "scopeSpans": [{"scope": {"name": "shop"}, "spans": spans}]}
                                                   for service, spans in self.spans.items()]})
        if self.logs:
            self.post("logs", {"resourceLogs": [{"resource": resource(service), "scopeLogs": [{"scope": {"name": "shop"}, "logRecords": logs}]}
                                                for service, logs in self.logs.items()]})
        self.spans, self.logs = {}, {}

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
        events = [{"timeUnixNano": str(start + length // 2), "name": "exception", "attributes": attributes({
            "exception.type": "java.net.SocketTimeoutException", "exception.message": "Read timed out after 1500 ms",
            "exception.stacktrace": STACK})}] if is_bad else []
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
                  [{"timeUnixNano": str(at), "name": everything, "attributes": attributes({"exception.type": HOSTILE[0],
                    "exception.message": everything, "exception.stacktrace": everything})}])
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
