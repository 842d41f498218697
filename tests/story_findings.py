# time_limit_s: 240
"""Detection, of rows that were sent: a day of three services as usual, and then errors of one. It is found with the moment it began, is a
part of an incident, its statement gives the numbers that it says, and the pages show it; nothing is found before. After kill -9 nothing is found twice."""
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


def minute_of(begin_s, service, dice, is_ill):
    """A minute's requests of a service, with about one error in a hundred."""
    spans = []
    for n in range(dice.randint(RATE - 5, RATE + 5)):
        start = int((begin_s + 60 * dice.random()) * 1e9)
        duration = int(dice.lognormvariate(17, 0.3))
        is_error = dice.random() < (FAULT_SHARE if is_ill else 0.01)
        spans.append(trace_pb2.Span(trace_id=dice.randbytes(16), span_id=dice.randbytes(8), name="GET /%s" % service, kind=2, start_time_unix_nano=start,
                                    end_time_unix_nano=start + duration, attributes=attributes({"http.route": "/" + service, "http.request.method": "GET"}),
                                    status=trace_pb2.Status(code=2 if is_error else 0)))
    return trace_pb2.ResourceSpans(resource=resource_pb2.Resource(attributes=attributes({"service.name": service})), scope_spans=[trace_pb2.ScopeSpans(spans=spans)])


def send(server, end_s):
    """Minute by minute up to end_s, in time's order; how many spans."""
    dice = random.Random(11)
    sender = Sender(server.grpc_port, server.key)
    count = 0
    for hour in range(HOURS * 6):
        request = trace_service_pb2.ExportTraceServiceRequest()
        for minute in range(10):
            begin = end_s - 60 * (HOURS * 60 - hour * 10 - minute)
            for service in SERVICES:
                request.resource_spans.append(minute_of(begin, service, dice, service == "payments" and begin >= end_s - 60 * (FAULT_MINUTES_AGO - 4)))
        count += sum(len(one.scope_spans[0].spans) for one in request.resource_spans)
        while True:
            answer = sender.send("traces", request)
            if answer.status == 0:
                break
            time.sleep(0.2)
    return count


def in_the_browser(server, one):
    given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "shots": os.path.join(REPO, "build", "stories", "story_findings.shots"),
             "number": one["number"], "title": one["title"], "service": one["service"], "incident": one["incident"]}
    ran = subprocess.run([NODE, "findings.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=120)
    check(ran.returncode == 0, "the pages are as they should be")


def main():
    with Server(flush="2s") as server:
        first_admin(server)
        end = int(time.time()) // 60 * 60 - 240
        count = send(server, end)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", count, 120)
        server.execute("FLUSH")
        # looked at only when all is there: a server that has just begun catches up with the day
        server.kill()
        server.start()
        api = Caller(server, server.key)
        found = lambda: api.done("GET", "/projects/default/findings?limit=100")["items"]
        wait_until(lambda: any(one["kind"] == "error_rate" for one in found()), "the errors are found", 150)
        items = found()
        errors = [one for one in items if one["kind"] == "error_rate"]
        check(all(one["service"] == "payments" and one["is_up"] for one in errors), "they are of payments alone: %s" % items)
        one = errors[-1]
        began = datetime.datetime.fromisoformat(one["since"].replace("Z", "+00:00")).timestamp()
        check(abs(began - (end - 60 * (FAULT_MINUTES_AGO - 4))) <= 180, "since when: %s" % one)
        check(0.08 < one["value"] < FAULT_SHARE + 0.1 and one["expected"] < 0.03 and one["severity"] == "critical", "how many: %s" % one)
        rows = server.query(one["statement"])
        before = [value for t, value in rows if t.timestamp() < began - 60]
        since = [value for t, value in rows if t.timestamp() >= began + 60]
        check(len(before) > 40 and max(before) < 0.2 and len(since) >= 5 and min(since) > 0.15, "its statement shows it: %s" % [(str(t), v) for t, v in rows])
        check(one["incident"], "it is a part of an incident: %s" % one)
        incident = api.done("GET", "/projects/default/incidents/%d" % one["incident"])
        check(incident["incident"]["service"] == "payments" and any(signal["key"] == "finding-%d" % one["number"] for signal in incident["signals"]), "which says so: %s" % incident)
        in_the_browser(server, one)
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
