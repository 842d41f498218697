#!/usr/bin/env python3
# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""The pages of metrics in a real Chromium on an hour of metrics by OpenTelemetry's Python SDK (metricshop.py): tests/ui/metrics.js says
what is done. Numbers of the page equal those that are reckoned here from the measurements; every state is the address; an exemplar opens
its trace; axe finds no violation of WCAG AA; pages at three widths, light and dark, are kept in
build/stories/story_ui_metrics.shots."""
import bisect
import json
import math
import os
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from metricshop import BOUNDS, GAP_FROM_S, GAP_TO_S, MINUTES, RESTART_S, MetricShop, iso
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install


def by_minute(shop, name, service):
    """Values of each minute; None in cart's gap."""
    minutes = [[] for _ in range(MINUTES)]
    for event in shop.events[name]:
        if event.service == service and event.is_told:
            minutes[int((event.at_s - shop.begin_s) // 60)].append(event.value)
    return [None if service == "cart" and GAP_FROM_S <= minute * 60 < GAP_TO_S else values for minute, values in enumerate(minutes)]


def quantile_between(values, q, bounds):
    """The bucket that the exact quantile lies in."""
    exact = sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
    edge = bisect.bisect_left(bounds, exact)
    return [([0] + bounds)[edge], (bounds + [1e9])[edge]]


def span_send(server, trace_id, span_id, at_ms):
    """What an exemplar's ids are of."""
    begin_ns = int(at_ms * 1e6)
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]}, "scopeSpans": [{"spans": [{
        "traceId": trace_id, "spanId": span_id, "name": "GET /cart", "kind": 2, "startTimeUnixNano": str(begin_ns), "endTimeUnixNano": str(begin_ns + 10 ** 8)}]}]}]}
    request = urllib.request.Request("http://127.0.0.1:%d/v1/traces" % server.http_port, json.dumps(body).encode(),
                                     {"content-type": "application/json", "authorization": "Bearer " + server.key})
    check(urllib.request.urlopen(request, timeout=20).status == 200, "the span is taken")


def main():
    with Server() as server:
        admin = first_admin(server)
        shop = MetricShop(server)
        shop.send()
        server.execute("FLUSH")
        admin.done("POST", "/projects", {"name": "empty"})
        begin, end = iso(shop.begin_s), iso(shop.begin_s + MINUTES * 60)
        names = lambda: admin.done("GET", "/projects/default/metrics?from=%s&to=%s" % (begin, end))["items"]
        wait_until(lambda: len(names()) == 5, "five metrics are in the catalog", 60)
        asked = {"name": "http.server.request.duration", "from": begin, "to": end, "search": "service:checkout", "limit": 1, "step_s": 3600}
        largest = admin.done("POST", "/projects/default/metrics/exemplars", asked)["items"][0]
        span_send(server, largest["trace_id"], largest["span_id"], largest["at_ms"])
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 1)
        orders = {service: [None if values is None else sum(values) for values in by_minute(shop, "shop.orders", service)] for service in BOUNDS}
        p95 = [quantile_between(values, 0.95, BOUNDS["checkout"]) for values in by_minute(shop, "http.server.request.duration", "checkout")]
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "from": begin, "to": end,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_metrics.shots"), "orders": orders, "p95": p95,
                 "payments": sum(len(values or []) for service in BOUNDS for values in by_minute(shop, "shop.payment.duration", service)),
                 "restart": iso(shop.begin_s + RESTART_S + 15), "exemplar": largest["trace_id"]}
        done = subprocess.run([NODE, "metrics.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=280)
        check(done.returncode == 0, "the pages of metrics are as they should be")


main()
