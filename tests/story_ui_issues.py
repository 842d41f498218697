# time_limit_s: 240, tries: 2 (the first run installs the browser's driver)
"""The issues' pages in a real Chromium on errors that were really thrown here: tests/ui/issues.js says what is done. From the list to the
trace in few clicks; resolved and come again; merged and split; ignored, assigned, by keys and many at once; rules tried; every state
is the address; hostile text is text; axe finds no violation of WCAG AA; pages at three widths are kept in
build/stories/story_ui_issues.shots."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode, set_span_in_context
from shop import HOSTILE, STACK

MINUTE = 60 * 10**9
SCRIPT = "https://shop.example/assets/app-3f9a1c.js"
MINIFIED = "TypeError: Cannot read properties of undefined (reading 'total')\n    at t (%s:1:4412)\n    at HTMLButtonElement.n (%s:1:9120)" % (SCRIPT, SCRIPT)


class CheckoutFailed(Exception):
    pass


class OutOfStock(Exception):
    pass


def price_of(cart, item):
    return cart["prices"][item]


def place_order(number):
    try:
        return price_of({"prices": {}}, "sku-%d" % number)
    except KeyError as error:
        raise CheckoutFailed("order %d could not be placed" % number) from error


def reserve(number):
    raise OutOfStock("nothing is left of item %d" % number)


def release_hold(number):
    raise LookupError("hold %d is not there" % number)


def raised(run, number):
    try:
        run(number)
    except Exception as error:
        return error
    return None


class Program:
    """One release of a service in an environment, by OpenTelemetry's SDK, its times set back."""

    def __init__(self, server, name, release="1.4", stage="production"):
        exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:%d/v1/traces" % server.http_port, headers={"authorization": "Bearer " + server.key})
        self.provider = TracerProvider(shutdown_on_exit=False, resource=Resource.create({"service.name": name, "service.version": release, "deployment.environment.name": stage}))
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("story")

    def fail(self, at_ns, span_name, error, values=None):
        """A request with a failed step in it. error: what was thrown, or its attributes."""
        root = self.tracer.start_span("POST /" + span_name, start_time=at_ns, attributes=values or {})
        step = self.tracer.start_span(span_name, context=set_span_in_context(root), start_time=at_ns + 10**6, attributes=values or {})
        if isinstance(error, dict):
            step.add_event("exception", error, at_ns + 2 * 10**6)
        else:
            step.record_exception(error, timestamp=at_ns + 2 * 10**6)
        step.set_status(StatusCode.ERROR, "failed")
        step.end(at_ns + 3 * 10**6)
        root.end(at_ns + 4 * 10**6)

    def close(self):
        check(self.provider.force_flush(20000), "the SDK sends what it has")
        self.provider.shutdown()


def send(server):
    now_ns = time.time_ns()
    programs = {name: Program(server, name) for name in ("payments", "stock", "web", "mail")}
    checkout = [Program(server, "checkout"), Program(server, "checkout", "1.5"), Program(server, "checkout", "1.5", "staging")]
    for n in range(40):
        at_ns = now_ns - (50 - n) * MINUTE
        which = checkout[0] if n < 25 else checkout[2 if n % 5 == 0 else 1]
        which.fail(at_ns, "Checkout.place", raised(place_order, n), {"user.id": "u%d" % (n % 12), "session.id": "s%d" % (n % 12)})
    for n in range(25):
        programs["payments"].fail(now_ns - (n * 2 + 1) * MINUTE, "charge", {"exception.type": "java.net.SocketTimeoutException", "exception.message": "Read timed out", "exception.stacktrace": STACK}, {"user.id": "u%d" % n})
        if n % 2:
            programs["stock"].fail(now_ns - (n + 9) * MINUTE, "reserve", raised(reserve, n))
        if n % 3 == 0:
            programs["stock"].fail(now_ns - (n + 3) * MINUTE, "release", raised(release_hold, n))
        if n % 4 == 0:
            programs["web"].fail(now_ns - n * MINUTE, "click", {"exception.type": "TypeError", "exception.message": "Cannot read properties of undefined (reading 'total')", "exception.stacktrace": MINIFIED}, {"session.id": "b%d" % n})
    for n in range(14):
        kind = type("Mail%sError" % "ABCDEFGHIJKLMN"[n], (Exception,), {"__module__": "mail"})
        inside = {"kind": kind}
        exec("def deliver_%d(n):\n    raise kind('letter %%d came back' %% n)" % n, inside)
        for m in range(n % 5 + 1):
            programs["mail"].fail(now_ns - (m * 7 + n) * MINUTE, "deliver", raised(inside["deliver_%d" % n], m))
    large = {"exception.type": HOSTILE[0], "exception.message": " ".join(HOSTILE) + "x" * 1000000, "exception.stacktrace": "Error: %s\n    at %s (/app/%s.js:1:1)\n" % (HOSTILE[0], HOSTILE[1], HOSTILE[2])}
    programs["web"].fail(now_ns - 2 * MINUTE, "hostile", large)
    for program in list(programs.values()) + checkout:
        program.close()


def main():
    with Server(flush="1s") as server:
        admin = first_admin(server)
        admin.done("POST", "/projects", {"name": "empty"})
        send(server)
        wait_until(lambda: len([one for one in admin.done("GET", "/projects/default/issues?limit=100")["items"] if one["total_count"] > 0]) == 20, "each error has its issue", 60)
        issues = admin.done("GET", "/projects/default/issues?limit=100")["items"]
        number = {one["title"].split(".")[-1]: one["number"] for one in issues}
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "otlp": "http://127.0.0.1:%d" % server.http_port, "key": server.key, "email": "admin@localhost",
                 "password": PASSWORD, "shots": os.path.join(REPO, "build", "stories", "story_ui_issues.shots"), "issues": len(issues), "number": number}
        done = subprocess.run([NODE, "issues.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=200)
        check(done.returncode == 0, "the pages of issues are as they should be")


if __name__ == "__main__":
    main()
