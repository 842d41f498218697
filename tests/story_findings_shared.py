# time_limit_s: 240, tries: 2
"""Two servers share the watching of one metadata database and one bucket: the one that watches is killed with SIGKILL, once in the middle of telling
what it found, before anybody knows what it has learned, and once after that: the other takes over, the second time with what the first had
learned. Each finding is told once, none is lost; and what began long ago and goes on is told, too, for it goes on."""
import base64
import json
import os
import random
import shutil
import time

from apiclient import Caller, first_admin
from monoscope import STORY_DIR, Server, check, wait_until
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import Sender, attributes
from postgres import Postgres
from sinks import WEBHOOK_SECRET, HttpSink
from storage import Versitygw

HOURS, RATE, LONG_AGO, LATELY = 27, 9, 40, 4  # LATELY: as many minutes as are one too few
OLD, NEW = ("cart", "payments"), "search"


def server_on(name, postgres, s3):
    options = ["--database", postgres.url("shared"), "--storage", s3.url("tables"), "--channels-allow-private", "on", "--log-level", "debug"]
    return Server(data=os.path.join(STORY_DIR, name), options=options, environment=s3.environment(), flush="2s")


def send(server, looked_s):
    """A day of three services as usual and up to now; since 40 minutes before looked_s two thirds of what two of them do fail, since four that of the third."""
    dice, sender, count = random.Random(5), Sender(server.grpc_port, server.key), 0
    for first in range(-HOURS * 60, 3, 30):
        request = trace_service_pb2.ExportTraceServiceRequest()
        for service in OLD + (NEW,):
            spans = []
            for minute in range(first, min(first + 30, 3)):
                is_ill = minute >= -(LATELY if service == NEW else LONG_AGO)
                for _ in range(dice.randint(RATE - 3, RATE + 3)):
                    start = int((looked_s + 60 * minute + 60 * dice.random()) * 1e9)
                    spans.append(trace_pb2.Span(trace_id=dice.randbytes(16), span_id=dice.randbytes(8), name="GET /", kind=2, start_time_unix_nano=start,
                                                end_time_unix_nano=start + int(dice.lognormvariate(17, 0.2)),
                                                status=trace_pb2.Status(code=2 if dice.random() < (0.66 if is_ill else 0.01) else 0)))
            count += len(spans)
            request.resource_spans.append(trace_pb2.ResourceSpans(resource=resource_pb2.Resource(attributes=attributes({"service.name": service})),
                                                                  scope_spans=[trace_pb2.ScopeSpans(spans=spans)]))
        while sender.send("traces", request).status != 0:
            time.sleep(0.2)
    sender.close()
    return count


def found(postgres, service=None):
    """number, service, incident, minutes since it began: of errors."""
    sql = "SELECT number, service, incident, begin_unix_us / 60000000 FROM findings WHERE kind = 4 ORDER BY number"
    rows = [line.split("|") for line in postgres.psql(sql, "shared").splitlines()]
    return [(int(number), name, int(incident), int(begin)) for number, name, incident, begin in rows if service in (None, name)]


def taken(postgres):
    """Nobody waits two minutes for the lease of the dead."""
    postgres.psql("UPDATE finding_owners SET until_unix_us = until_unix_us - 120000000", "shared")


def loaded_from(server, part="watch"):
    return [event["from"] for event in server.events("findings.loaded") if event["part"] == part and event["project"] == server.project]


def main():
    with Postgres() as postgres, Versitygw() as s3:
        http = HttpSink()
        with server_on("left", postgres, s3) as left:
            # Nobody looks before all is there.
            postgres.psql("INSERT INTO finding_owners SELECT id, '00000000-0000-0000-0000-000000000001', %d FROM projects ON CONFLICT DO NOTHING" % 10**16, "shared")
            right = server_on("right", postgres, s3)
            right.key = left.key
            admin = first_admin(left)
            admin.done("POST", "/projects/default/channels",
                       {"kind": "webhook", "name": "hook", "settings": {"url": http.url("webhook")}, "secrets": {"secret": WEBHOOK_SECRET.decode()}, "routes": [{"severity": "info"}]})
            # The watchers' next minute but one: there both have looked at what is not enough yet.
            looked = int(time.time() + 20) // 60 * 60 - 180
            count = send(left, looked)
            left.wait_count("SELECT count(*) FROM otel_logs_and_spans", count, 60)
            left.execute("FLUSH")
            left.kill()
            shutil.rmtree(os.path.join(left.data, "findings"), ignore_errors=True)
            postgres.psql("DELETE FROM finding_usual; DELETE FROM finding_owners", "shared")
            check(found(postgres) == [], "nothing is found so far")
            while time.time() < looked + 180:
                time.sleep(0.2)
            left.start({"MONOSCOPE_FAIL_POINT": "findings.told:3"})
            wait_until(lambda: left.process.poll() is not None, "it is killed in the middle of telling", 60)
            check(loaded_from(left) == ["nothing"], "it learned a day: %s" % loaded_from(left))
            before = found(postgres)
            told = [one for one in before if one[2] > 0]
            check(len(before) == 2 and len(told) == 1, "two are found, one is told: %s" % before)
            taken(postgres)
            with right:
                wait_until(lambda: len([one for one in found(postgres) if one[2] > 0]) >= 2, "the other tells the other", 60)
                check([one[:2] for one in found(postgres)][:2] == [one[:2] for one in before], "it knows what was found: %s, before %s" % (found(postgres), before))
                wait_until(lambda: postgres.psql("SELECT count(*) FROM finding_usual WHERE part = 'watch' AND project_id = '%s'" % left.project, "shared") != "0", "and what it learned is everybody's", 30)
                right.kill()
                by_right = found(postgres, NEW)
                taken(postgres)
                left.start()
                wait_until(lambda: found(postgres, NEW), "what began lately is found by who comes next", 100)
                check(loaded_from(left) == ["metadata"], "with what the one before had learned: %s" % loaded_from(left))
                print("%s is found by %s" % (NEW, "the second, before it was killed" if by_right else "the first, who came back"))
            settled = lambda: postgres.psql("SELECT count(*) FROM deliveries WHERE state = 0", "shared") == "0"
            wait_until(lambda: all(one[2] > 0 for one in found(postgres)) and settled(), "all is told and sent", 30)
            all_found = found(postgres)
            check(sorted(name for _, name, _, _ in all_found) == sorted(OLD + (NEW,)), "each is found once: %s" % all_found)
            opened = [body["thread"] for body in http.got["webhook"] if body["act"] == "open"]
            check(len(opened) == len(set(opened)) == len({one[2] for one in all_found}), "and told once: %s of %s" % (opened, all_found))
            sent = [json.loads(line)["images"] for line in postgres.psql("SELECT message FROM deliveries WHERE act = 0", "shared").splitlines()]
            pictures = [base64.b64decode(images[0]["png"]) for images in sent if images]
            check(len(pictures) == len(opened) and all(png.startswith(b"\x89PNG") for png in pictures), "each with a picture: %s" % [len(png) for png in pictures])
            for number, png in enumerate(pictures, 1):
                with open(os.path.join(STORY_DIR, "picture-%d.png" % number), "wb") as f:
                    f.write(png)
            signals = postgres.psql("SELECT count(*), count(DISTINCT key) FROM incident_signals", "shared")
            check(signals == "3|3", "each is one signal: %s" % signals)
            for _, name, _, begin in all_found:
                wanted = looked // 60 - (LATELY if name == NEW else LONG_AGO)
                check(abs(begin - wanted) <= 3, "%s since when: %d, not %d" % (name, begin, wanted))
            items = Caller(left, admin.token).done("GET", "/projects/default/findings?limit=10")["items"]
            check(all(item["severity"] == "critical" for item in items if item["kind"] == "error_rate"), "what was found late is as bad: %s" % items)
            print("%d spans; killed twice: %d findings, each told once" % (count, len(all_found)))


main()
