# time_limit_s: 240, tries: 2
"""Detection, of rows that were sent: a day of three services as usual, and then errors of one. It is found with the moment it began, is a
part of an incident, its statement gives the numbers that it says, and the pages show it; nothing is found before. Its cause is the release of that
service at once, and then the host, too; the error that came with it is found as new. After kill -9 nothing is found twice."""
import datetime
import json
import os
import random
import subprocess
import time

from apiclient import PASSWORD, Caller, first_admin
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import Sender, attributes

HOURS, RATE, SERVICES = 27, 40, ("cart", "payments", "search")
FAULT_MINUTES_AGO, FAULT_SHARE = 14, 0.4


def span_of(name, kind, begin_s, dice, is_error, trace_id, parent=b""):
    start = int((begin_s + 60 * dice.random()) * 1e9)
    given = {"http.route": "/" + name, "http.request.method": "GET"} if kind == 2 else {"server.address": name}
    return trace_pb2.Span(trace_id=trace_id, span_id=dice.randbytes(8), parent_span_id=parent, name="GET /%s" % name, kind=kind, start_time_unix_nano=start,
                          end_time_unix_nano=start + int(dice.lognormvariate(17, 0.3)), attributes=attributes(given), status=trace_pb2.Status(code=2 if is_error else 0))


def minute_of(begin_s, dice, is_ill):
    """A minute's requests, with about one error in a hundred. cart calls payments, and does without it where it fails. The fault is a release of
    payments, and of its three hosts mostly the third's."""
    spans = {}
    put = lambda service, host, span: spans.setdefault((service, host), []).append(span)
    for service in SERVICES:
        for n in range(dice.randint(RATE - 5, RATE + 5)):
            trace_id, host = dice.randbytes(16), dice.randint(1, 3)
            share = 0.01 if not is_ill else FAULT_SHARE * (2.25 if host == 3 else 0.375)
            if service != "payments":
                put(service, host, span_of(service, 2, begin_s, dice, dice.random() < 0.01, trace_id))
                continue
            is_error = dice.random() < share
            call = span_of("payments", 3, begin_s, dice, is_error, trace_id, dice.randbytes(8))
            put("cart", 1, call)
            served = span_of("payments", 2, begin_s, dice, is_error, trace_id, call.span_id)
            if is_error and is_ill:
                served.events.add(name="exception", time_unix_nano=served.start_time_unix_nano,
                                  attributes=attributes({"exception.type": "CardDeclinedError", "exception.message": "no answer of the bank"}))
            put("payments", host, served)
    return [trace_pb2.ResourceSpans(resource=resource_pb2.Resource(attributes=attributes({"service.name": service, "host.name": "%s-%d" % (service, host),
                                                                                          "service.version": "2.0" if is_ill and service == "payments" else "1.0"})),
                                    scope_spans=[trace_pb2.ScopeSpans(spans=of)]) for (service, host), of in spans.items()]


def requests_of(end_s):
    """Ten minutes each, up to end_s, in time's order: made before the server is there, which would look at what has come so far."""
    dice = random.Random(11)
    requests = []
    for hour in range(HOURS * 6):
        request = trace_service_pb2.ExportTraceServiceRequest()
        for minute in range(10):
            begin = end_s - 60 * (HOURS * 60 - hour * 10 - minute)
            request.resource_spans.extend(minute_of(begin, dice, begin >= end_s - 60 * (FAULT_MINUTES_AGO - 4)))
        requests.append(request)
    return requests


def send(server, requests):
    """How many spans."""
    sender = Sender(server.grpc_port, server.key)
    for request in requests:
        while sender.send("traces", request).status != 0:
            time.sleep(0.2)
    return sum(len(one.scope_spans[0].spans) for request in requests for one in request.resource_spans)


def in_the_browser(server, one):
    given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "shots": os.path.join(REPO, "build", "stories", "story_findings.shots"),
             "number": one["number"], "title": one["title"], "service": one["service"], "incident": one["incident"]}
    ran = subprocess.run([NODE, "findings.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=120)
    check(ran.returncode == 0, "the pages are as they should be")


def main():
    end = int(time.time()) // 60 * 60 - 240
    requests = requests_of(end)
    with Server(flush="2s") as server:
        first_admin(server)
        count = send(server, requests)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", count, 120)
        server.execute("FLUSH")
        # looked at only when all is there: a server that has just begun catches up with the day
        server.kill()
        server.start()
        api = Caller(server, server.key)
        found = lambda: api.done("GET", "/projects/default/findings?limit=100")["items"]
        wait_until(lambda: any(one["kind"] == "error_rate" and one["service"] == "payments" for one in found()), "the errors are found", 150)
        items = found()
        errors = [one for one in items if one["kind"] == "error_rate"]
        check(all(one["is_up"] and (one["service"] == "payments" or one["row_kind"] == "client") for one in errors), "they are of payments, and of who calls it: %s" % items)
        check(all((one["cause"] or "").startswith("release 2.0 of payments: ") for one in errors), "and have one cause: %s" % items)
        one = [one for one in errors if one["service"] == "payments"][-1]
        began = datetime.datetime.fromisoformat(one["since"].replace("Z", "+00:00")).timestamp()
        check(abs(began - (end - 60 * (FAULT_MINUTES_AGO - 4))) <= 180, "since when: %s" % one)
        check(0.08 < one["value"] < FAULT_SHARE + 0.1 and one["expected"] < 0.03 and one["severity"] == "critical", "how many: %s" % one)
        rows = server.query(one["statement"])
        before = [value for t, value in rows if t.timestamp() < began - 60]
        since = [value for t, value in rows if t.timestamp() >= began + 60]
        check(len(before) > 40 and max(before) < 0.2 and len(since) >= 5 and min(since) > 0.15, "its statement shows it: %s" % [(str(t), v) for t, v in rows])
        check(one["incident"], "it is a part of an incident: %s" % one)
        incident = api.done("GET", "/projects/default/incidents/%d" % one["incident"])
        check(incident["incident"]["service"] in ("payments", "cart") and any(signal["key"] == "finding-%d" % one["number"] for signal in incident["signals"]), "which says so: %s" % incident)
        told = [signal for signal in incident["signals"] if signal["key"] == "finding-%d" % one["number"]][0]["text"]
        check("Likely cause: release 2.0 of payments" in told, "people are told of it: %s" % told)
        detail = api.done("GET", "/projects/default/findings/%d" % one["number"])["causes"]
        first = detail["causes"][0]
        check(first["place"] == "payments" and first["kind"] == "service" and first["trouble"] == "errors" and first["score"] > 0.5, "the first cause: %s" % detail)
        check(first["release"]["version"] == "2.0" and abs(began - datetime.datetime.fromisoformat(first["release"]["first_seen"].replace("Z", "+00:00")).timestamp()) < 200,
              "with its release: %s" % first)
        words = " ".join(evidence["text"] for evidence in first["evidence"])
        check("of its requests fail" in words and "cart sees it in its calls" in words, "and what speaks for it: %s" % first)
        in_the_browser(server, one)
        wait_until(lambda: any(item["kind"] == "new_error" for item in found()), "the error that the release brought is found", 60)
        fresh = [item for item in found() if item["kind"] == "new_error"]
        check(len(fresh) == 1 and fresh[0]["service"] == "payments" and fresh[0]["issue"] and "CardDeclinedError" in fresh[0]["title"] and fresh[0]["severity"] == "warning",
              "once, of its issue: %s" % fresh)
        check(sum(value for _, value in server.query(fresh[0]["statement"])) >= 20, "its statement shows it: %s" % fresh)
        host_of = lambda: (api.done("GET", "/projects/default/findings/%d" % one["number"])["causes"]["causes"][0]["attribute"] or {}).get("value")
        wait_until(lambda: host_of() == "payments-3", "its host is named some minutes later", 150)
        numbers = sorted((item["number"], item["kind"], item["since"]) for item in items if item["ended_at"] is None or item["kind"] == "error_rate")
        for _ in range(3):
            server.kill()
            server.start()
            time.sleep(8)
        api = Caller(server, server.key)
        again = sorted((item["number"], item["kind"], item["since"]) for item in found() if item["kind"] == "error_rate")
        check(set(again) == {item for item in numbers if item[1] == "error_rate"}, "nothing is found twice after kill -9: %s, before %s" % (again, numbers))
        server.stop()
        kept = os.listdir(os.path.join(server.data, "findings"))
        check(any(name.endswith(".watch") for name in kept), "what is usual is kept when it stops: %s" % kept)
        print("%d spans of %d services over %d hours; errors found since %s: %s" % (count, len(SERVICES), HOURS, one["since"], one["title"]))


main()
