"""Two hours of a shop as its services see them, the same each time: an hour in which all is well, and one in which something is wrong.

    caller -> web -> checkout -> payments -> postgresql/shop        checkout fails since half an hour ago, with release 1.5
                 '-> search  -> opensearch/products                 search is slow
                 '-> cart    -> redis/carts
       checkout -> kafka/orders -> mailer                           legacy serves nothing any more; batch never served anything

    sent = ServicesShop(server).send()      # .begin_ns: where the second hour begins; .failed: a trace that failed"""
import random
import time

from monoscope import check
from otlp import OK, Sender, log, logs, span, traces

MINUTE_NS = 60 * 10 ** 9
MS = 10 ** 6
SERVER, CLIENT, PRODUCER, CONSUMER, INTERNAL = 2, 3, 4, 5, 1
ERROR = 2


class ServicesShop:
    def __init__(self, server, per_minute=12, seed=11):
        self.server, self.per_minute, self.rng = server, per_minute, random.Random(seed)
        self.begin_ns = int(time.time() * 1e9) // MINUTE_NS * MINUTE_NS - 60 * MINUTE_NS
        self.spans, self.lines, self.failed = {}, {}, None

    def id(self, size):
        return self.rng.getrandbits(8 * size).to_bytes(size, "big")

    def add(self, service, trace, parent, kind, name, at_ns, length_ns, attrs, is_failed=False, release="1.4", stage="production", events=None):
        one = span(name, attrs, at_ns, trace_id=trace, span_id=self.id(8), kind=kind)
        one.end_time_unix_nano = at_ns + length_ns
        if parent is not None:
            one.parent_span_id = parent.span_id
        if is_failed:
            one.status.code = ERROR
            one.status.message = "it failed"
        if events:
            event = one.events.add(name="exception", time_unix_nano=at_ns + length_ns // 2)
            for key, text in events.items():
                event.attributes.add(key=key).value.string_value = text
        pod = self.rng.randrange(2)
        self.spans.setdefault((service, release, stage, pod), []).append(one)
        return one

    def order(self, at_ns, is_second):
        rng, trace = self.rng, self.id(16)
        stage = "staging" if rng.random() < 0.15 else "production"
        is_released = at_ns >= self.begin_ns + 30 * MINUTE_NS
        release = "1.5" if is_released else "1.4"
        is_bad = is_second and is_released and rng.random() < 0.35
        length = int(rng.lognormvariate(3.4, 0.4) * MS)
        of = dict(stage=stage)

        def http(route, method="GET"):
            return {"http.request.method": method, "http.route": route, "url.path": route, "http.response.status_code": 500 if is_bad and route == "/checkout" else 200}
        kind = rng.random()
        if kind < 0.5:
            route = "/checkout"
            web = self.add("web", trace, None, SERVER, "POST " + route, at_ns, length * 3, http(route, "POST"), is_bad, **of)
            call = self.add("web", trace, web, CLIENT, "POST", at_ns + MS, length * 2, {"http.request.method": "POST", "server.address": "checkout"}, is_bad, **of)
            place = self.add("checkout", trace, call, SERVER, "POST /orders", at_ns + 2 * MS, length * 2 - 2 * MS, http("/orders", "POST"), is_bad, release, **of,
                             events={"exception.type": "CardDeclined", "exception.message": "card was declined by the bank", "exception.stacktrace": "CardDeclined: declined\n    at charge (/app/charge.js:12:3)"} if is_bad else None)
            self.lines.setdefault(("checkout", release, stage, 0), []).append(
                log("order failed" if is_bad else "order placed", {}, at_ns + 3 * MS, trace_id=trace, span_id=place.span_id, severity_number=17 if is_bad else 9))
            pay = self.add("checkout", trace, place, CLIENT, "POST", at_ns + 3 * MS, length, {"http.request.method": "POST", "server.address": "payments"}, False, release, **of)
            charge = self.add("payments", trace, pay, SERVER, "POST /charge", at_ns + 4 * MS, max(MS, length - 2 * MS), http("/charge", "POST"), **of)
            self.add("payments", trace, charge, CLIENT, "INSERT charges", at_ns + 5 * MS, max(MS, length // 3), {"db.system.name": "postgresql", "db.namespace": "shop"}, **of)
            queue = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
            self.add("checkout", trace, place, PRODUCER, "send orders", at_ns + 4 * MS, 2 * MS, queue, False, release, **of)
            self.add("mailer", trace, place, CONSUMER, "process orders", at_ns + 30 * MS, length // 2, queue, **of)
            if is_bad:
                self.failed = trace.hex()
        elif kind < 0.8:
            slow = 6 if is_second else 1
            web = self.add("web", trace, None, SERVER, "GET /search", at_ns, length * slow + 4 * MS, http("/search"), **of)
            call = self.add("web", trace, web, CLIENT, "GET", at_ns + MS, length * slow + 2 * MS, {"http.request.method": "GET", "server.address": "search"}, **of)
            find = self.add("search", trace, call, SERVER, "GET /find", at_ns + 2 * MS, length * slow, http("/find"), **of)
            self.add("search", trace, find, CLIENT, "search", at_ns + 3 * MS, max(MS, length * slow - 3 * MS), {"db.system.name": "opensearch", "db.namespace": "products"}, **of)
        else:
            web = self.add("web", trace, None, SERVER, "GET /cart/{id}", at_ns, length, http("/cart/{id}"), **of)
            call = self.add("web", trace, web, CLIENT, "GET", at_ns + MS, max(MS, length - 2 * MS), {"http.request.method": "GET", "server.address": "cart"}, **of)
            held = self.add("cart", trace, call, SERVER, "GET /carts/{id}", at_ns + 2 * MS, max(MS, length - 4 * MS), http("/carts/{id}"), **of)
            self.add("cart", trace, held, CLIENT, "GET", at_ns + 3 * MS, MS, {"db.system.name": "redis", "db.namespace": "carts"}, **of)
        if not is_second:
            self.add("legacy", self.id(16), None, SERVER, "GET /old", at_ns, 8 * MS, http("/old"), **of)
        if rng.random() < 0.2:
            self.add("batch", self.id(16), None, INTERNAL, "nightly sums", at_ns, 40 * MS, {}, **of)

    def send(self):
        now_ns = time.time_ns()
        for minute in range(-60, 60):
            for _ in range(self.per_minute):
                at_ns = self.begin_ns + minute * MINUTE_NS + int(self.rng.random() * MINUTE_NS)
                if at_ns < now_ns - 5 * 10 ** 9:
                    self.order(at_ns, minute >= 0)
        sender = Sender(self.server.grpc_port, self.server.key)
        for kept, make, signal in ((self.spans, traces, "traces"), (self.lines, logs, "logs")):
            for (service, release, stage, pod), items in kept.items():
                resource = {"service.name": service, "service.version": release, "deployment.environment.name": stage,
                            "service.instance.id": "%s-%d" % (service, pod), "host.name": "host-%d" % pod, "k8s.pod.name": "%s-7d9f-%d" % (service, pod)}
                for begin in range(0, len(items), 500):
                    answer = sender.send(signal, make(items[begin:begin + 500], resource))
                    check(answer.status == OK and not answer.rejected, "%s of %s are taken: %r" % (signal, service, answer))
        self.server.wait_count("SELECT count(*) FROM otel_logs_and_spans", sum(len(items) for kept in (self.spans, self.lines) for items in kept.values()))
        return self


def many_services(server, key, begin_ns, count=200, calls=250):
    """`count` services that call each other in one hour, each met by a trace at least; their names."""
    rng, per, names = random.Random(5), {}, ["%s-%s-%03d" % (("cart", "order", "user", "stock", "price", "mail")[n % 6], ("api", "worker", "gateway")[n % 3], n) for n in range(count)]
    targets = {n: sorted({min(count - 1, n + 1 + rng.randrange(30)) for _ in range(1 + rng.randrange(3))}) for n in range(count - 1)}

    def one(name, kind, trace, parent, at_ns, attrs):
        made = span("GET /x", attrs, at_ns, trace_id=trace, span_id=rng.getrandbits(64).to_bytes(8, "big"), kind=kind)
        if parent is not None:
            made.parent_span_id = parent.span_id
        per.setdefault(name, []).append(made)
        return made

    def serve(n, trace, parent, at_ns, depth):
        me = one(names[n], SERVER, trace, parent, at_ns, {"http.request.method": "GET", "http.route": "/x"})
        if n % 10 == 0:
            one(names[n], CLIENT, trace, me, at_ns, {"db.system.name": "postgresql", "db.namespace": "db%d" % (n // 20)})
        for target in targets.get(n, [])[:2] if depth < 4 else []:
            serve(target, trace, one(names[n], CLIENT, trace, me, at_ns, {"server.address": names[target]}), at_ns + MS, depth + 1)
    for number in range(calls):
        serve(number % count, rng.getrandbits(128).to_bytes(16, "big"), None, begin_ns + int(rng.random() * 50 * MINUTE_NS), 0)
    sender = Sender(server.grpc_port, key)
    for name, spans in per.items():
        answer = sender.send("traces", traces(spans, {"service.name": name}))
        check(answer.status == OK and not answer.rejected, "spans of %s are taken: %r" % (name, answer))
    return names
