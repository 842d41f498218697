"""Random rows of the kinds that a search can tell apart, and random searches over them: for the live tail, which must find what SQL finds.
(Who a user is SQL also learns from other spans of a trace, docs/identity.md: no row here says it.)

    batch = Rows(rng, "batch-1")      batch.post(shop) sends them; every row has the attribute batch=batch-1
    search(rng)                       'service:(cart pay) -level:>=warn "Timed out"'
"""
import time

from shop import attributes

SERVICES = ["cart", "pay", "Cart", "pay-ments", "köln", "a_b", "100%"]
WORDS = ["timeout", "Timed out", "STRASSE", "straße", "\u212Aelvin", "kelvin", "a.b(c)", "50% off", "x_y", 'say "hi"', "tab\there", "日本語", "back\\slash",
         "line\nbreak", "it's"]
ENVIRONMENTS = ["prod", "stage", None]
NUMBERS = ["200", "404", "500", "0404", " 404 ", "4e2", "404.5", "404.4", "-1", "abc", "", "1e400", "99999999999999999999"]
FREE = ["order.id", "http.route", "free", "nested.key", "nested", "list", "flag", "big", "none"]
VALUES = {"order.id": [1, 2, 10, -3, 2.5, "7", "08", "x", "1.50"], "http.route": ["/cart", "/api/v1", "/api/*", "/API/v1"], "free": WORDS,
          "nested.key": ["deep", 4], "nested": [{"key": "inner", "other": 1}, "flat"], "list": [["a", "b"], [1, 2.0]], "flag": [True, False],
          "big": [9007199254740993, 1e300, 0.1, -0.0], "none": []}


def value(one):
    if isinstance(one, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": value(inner)} for key, inner in one.items()]}}
    if isinstance(one, list):
        return {"arrayValue": {"values": [value(inner) for inner in one]}}
    return attributes({"x": one})[0]["value"]


class Rows:
    """50 logs and 50 spans, one resource each service."""

    def __init__(self, rng, batch, count=50):
        self.rng, self.batch, self.logs, self.spans = rng, batch, [], []
        self.at_ns = time.time_ns()
        for _ in range(count):
            self.logs.append((self.resource(), self.log()))
            self.spans.append((self.resource(), self.span()))

    def attributes(self, more):
        found = dict(more)
        for name, values in VALUES.items():
            if values and self.rng.random() < 0.3:
                found[name] = self.rng.choice(values)
        if self.rng.random() < 0.3:
            found["client.address"] = self.rng.choice(["u1", "u2", 3])
        if self.rng.random() < 0.2:
            found["server.port"] = self.rng.choice([80, 443, "8080", "x"])
        if self.rng.random() < 0.2:
            found["exception.type"] = "E"
            found["exception.message"] = self.rng.choice(WORDS)
        if self.rng.random() < 0.5:
            found["http.response.status_code"] = self.rng.choice(NUMBERS + [200, 404, 503])
        return [{"key": key, "value": value(one)} for key, one in found.items()] + [{"key": "batch", "value": {"stringValue": self.batch}}]

    def resource(self):
        found = {"service.name": self.rng.choice(SERVICES)} if self.rng.random() < 0.9 else {}
        environment = self.rng.choice(ENVIRONMENTS)
        if environment:
            found["deployment.environment.name"] = environment
        if self.rng.random() < 0.3:
            found["free"] = "of the resource"
        if self.rng.random() < 0.3:
            found["host.name"] = self.rng.choice(["box-1", "box-2"])
        return [{"key": key, "value": value(one)} for key, one in found.items()]

    def time(self):
        self.at_ns += 1000 * self.rng.randrange(1, 1000)
        return self.at_ns

    def log(self):
        body = self.rng.choice([self.rng.choice(WORDS), {"msg": self.rng.choice(WORDS), "n": 3}, 17, None])
        one = {"timeUnixNano": str(self.time()), "attributes": self.attributes({}), "severityNumber": self.rng.choice([0, 1, 5, 9, 13, 17, 21])}
        if body is not None:
            one["body"] = value(body)
        if self.rng.random() < 0.5:
            one.update(traceId="%032x" % self.rng.choice([0xabc, 0xdef]), spanId="%016x" % self.rng.choice([1, 2]))
        return one

    def span(self):
        start = self.time()
        one = {"traceId": "%032x" % self.rng.choice([0xabc, 0xdef]), "spanId": "%016x" % self.rng.getrandbits(60), "kind": self.rng.randrange(6),
               "name": self.rng.choice(["GET /cart", "SELECT order", "timeout", "a*b", "GET /cart/1"]), "startTimeUnixNano": str(start),
               "endTimeUnixNano": str(start + self.rng.choice([0, 999999, 1000000, 1500000000])), "attributes": self.attributes({}),
               "status": {"code": self.rng.randrange(3), "message": self.rng.choice(WORDS)} if self.rng.random() < 0.5 else {}}
        if self.rng.random() < 0.5:
            one["parentSpanId"] = "%016x" % self.rng.choice([1, 2])
        return one

    def post(self, shop):
        shop.post("logs", {"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": [log]}]} for resource, log in self.logs]})
        shop.post("traces", {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": [span]}]} for resource, span in self.spans]})


def quoted(word):
    return '"%s"' % word.replace("\\", "\\\\").replace('"', '\\"')


def part(rng, word):
    """The word, a piece of it, or it with a wildcard."""
    word = str(word)
    if len(word) > 2 and rng.random() < 0.5:
        begin = rng.randrange(len(word) - 1)
        word = word[begin:begin + rng.randrange(1, len(word))]
    return word


def pattern(rng, word):
    plain = "".join("\\" + one if one in '*\\()" \t\n' else one for one in part(rng, word))
    return rng.choice(["*%s", "%s*", "*%s*", "%s"]) % plain if plain.strip() else "*"


def term(rng):
    def order():
        return rng.choice([">", ">=", "<", "<=", "", "!="])
    name, values = rng.choice([
        ("service", SERVICES), ("env", ["prod", "stage", "dev"]), ("name", ["GET /cart", "a*b", "timeout"]), ("free", WORDS), ("http.route", VALUES["http.route"]),
        ("nested.key", ["deep", "inner", "4"]), ("list", ['["a","b"]', "[1,2.0]"]), ("flag", ["true", "false"]), ("client.address", ["u1", "3"]), ("exception.message", WORDS),
        ("status_message", WORDS), ("host.name", ["box-1"]), ("order.id", ["1", "7", "08", "1.50", "2.5"]), ("version", ["1"])])
    kind = rng.random()
    if kind < 0.2:
        word = rng.choice(WORDS)
        word = part(rng, word) if rng.random() < 0.7 else word
        return quoted(word.swapcase() if rng.random() < 0.3 else word) if word.strip() else "timeout"
    if kind < 0.45:
        return "%s:%s" % (name, rng.choice([quoted(str(rng.choice(values))), pattern(rng, rng.choice(values)), "*"]))
    if kind < 0.55:
        return "level:%s%s" % (order(), rng.choice(["trace", "debug", "info", "warn", "error", "fatal"]))
    if kind < 0.65:
        return "%s:%s%s" % (rng.choice(["code", "order.id", "server.port", "big", "severity_number", "severity___severity_number"]), order(),
                            rng.choice(["404", "400", "2.5", "-1", "80", "9007199254740993", "0.1", "13"]))
    if kind < 0.72:
        return "duration:%s%s" % (order(), rng.choice(["1ms", "1.5s", "0ms", "999999ns", "2m"]))
    if kind < 0.8:
        return rng.choice(["kind:span", "kind:log", "kind:server", "kind:s*", "status:error", "status:404", "status:>=400", "status:400..500", "has:exception", "has:client.address",
                           "has:nested", "has:none", "has:free", "severity:warn", "context:abc", "has:severity", "has:context"])
    if kind < 0.9:
        return "body:%s" % rng.choice([quoted(rng.choice(WORDS)), pattern(rng, rng.choice(WORDS)), "msg", "17", "*"])
    return rng.choice(["trace:%032X" % 0xabc, "parent:%016x" % 1, "span:*", "pattern:pat*", "hashes:%032x" % 0xdef, "summary:*cart*", "message:n", "project_id:*", "date:*"])


def search(rng, depth=0):
    kind = rng.random()
    if depth > 3 or kind < 0.45:
        return term(rng)
    if kind < 0.6:
        return rng.choice(["-%s", "NOT %s"]) % search_in_brackets(rng, depth)
    return rng.choice([" ", " AND ", " OR "]).join(search_in_brackets(rng, depth) for _ in range(rng.randrange(2, 4)))


def search_in_brackets(rng, depth):
    inner = search(rng, depth + 1)
    return "(%s)" % inner if " " in inner else inner
