# time_limit_s: 420, tries: 2
"""Two servers share the monitors of one metadata database: each monitor is asked once a minute, by one of them; the one that evaluates is
killed with SIGKILL in the middle of it, and the other takes over: each monitor is told once, none is lost."""
import os
import time

import otlp
from apiclient import Caller, first_admin
from monoscope import STORY_DIR, Server, check, wait_until
from postgres import Postgres
from sinks import WEBHOOK_SECRET, HttpSink
from storage import Versitygw

MONITORS = 12
PATH = "/projects/default/monitors"


def server_on(name, postgres, s3):
    options = ["--database", postgres.url("shared"), "--storage", s3.url("tables"), "--channels-allow-private", "on", "--log-level", "debug"]
    return Server(data=os.path.join(STORY_DIR, name), options=options, environment=s3.environment(), flush="1s")


def evaluated(server):
    """What its log says of all its looks so far."""
    looks = server.events("monitors.evaluated")
    return {name: sum(look[name] for look in looks) for name in ("evaluated", "asked", "told", "failed", "others")}


def send_errors(server, service, count):
    spans = []
    for n in range(count):
        made = otlp.span("GET /", at_ns=int((time.time() - 90 - n % 20) * 10**9), kind=2)
        made.status.code = 2
        spans.append(made)
    sender = otlp.Sender(server.grpc_port, server.key)
    sender.send("traces", otlp.traces(spans, {"service.name": service}))
    sender.close()


def moment_of(postgres):
    """Up to which all are evaluated; 0: not all yet."""
    return int(postgres.psql("SELECT min(evaluated_unix_us) FROM monitors", "shared"))


def shared(left, right, postgres):
    """As many questions as monitors and minutes, whoever asked."""
    wait_until(lambda: moment_of(postgres) > 0, "all are evaluated", 30)
    time.sleep(1)  # the log's line comes behind the last
    before, begin = [evaluated(one) for one in (left, right)], moment_of(postgres)
    wait_until(lambda: moment_of(postgres) == begin + 60 * 10**6, "a minute more is evaluated", 100)
    wait_until(lambda: sum(evaluated(one)["evaluated"] for one in (left, right)) - sum(b["evaluated"] for b in before) >= MONITORS, "the logs say so", 20)
    after = [evaluated(one) for one in (left, right)]
    gone = {name: sum(a[name] - b[name] for a, b in zip(after, before)) for name in after[0]}
    check(gone["evaluated"] == MONITORS and gone["asked"] == MONITORS and gone["failed"] == 0,
          "%d monitors, a minute: each is asked once, by one of both: %s" % (MONITORS, gone))
    print("%d monitors in a minute: %d questions; left %s, right %s" % (MONITORS, gone["asked"], after[0], after[1]))


def killed(left, right, http, admin, postgres):
    """The left one is killed in the middle of telling, with a lease in its hand; the right one comes then."""
    postgres.psql("UPDATE monitors SET is_on = 0", "shared")
    for n in range(MONITORS):
        send_errors(left, "service-%d" % n, 20)
    left.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE status_code = 'ERROR'", 20 * MONITORS)
    right.stop()
    left.stop()
    left.start({"MONOSCOPE_FAIL_POINT": "monitors.before_commit:4"})
    # What was missed while they were off was without the errors: each begins with the minute that has them.
    postgres.psql("UPDATE monitors SET is_on = 1, evaluated_unix_us = %d" % (int(time.time()) // 60 * 60 * 10**6), "shared")
    wait_until(lambda: left.process.poll() is not None, "it is killed", 100)
    signals = lambda: int(postgres.psql("SELECT count(*) FROM incident_signals", "shared"))
    check(0 < signals() < MONITORS, "some were told by then: %d" % signals())
    began = time.monotonic()
    right.start()
    wait_until(lambda: signals() == MONITORS, "the other takes over: %d" % signals(), 200)
    took_s = time.monotonic() - began
    left.start()
    begin = moment_of(postgres)
    wait_until(lambda: moment_of(postgres) > begin, "both go on", 150)
    settled = lambda: postgres.psql("SELECT count(*) FROM deliveries WHERE state = 0", "shared") == "0"
    wait_until(settled, "all is sent", 60)
    opened = [body["thread"] for body in http.got["webhook"] if body["act"] == "open"]
    check(len(opened) == MONITORS and len(set(opened)) == MONITORS, "each is told once: %s" % opened)
    by_right = Caller(right, admin.token)
    for n in range(MONITORS):
        events = by_right.done("GET", "%s/errors-%d/events" % (PATH, n))["items"]
        check([(one["from"], one["to"]) for one in events] == [("ok", "alert")], "one event of errors-%d: %s" % (n, events))
    print("killed in the middle: the other has told the rest %.0f s after its start; nothing twice, nothing lost" % took_s)


with Postgres() as postgres, Versitygw() as s3:
    http = HttpSink()
    with server_on("left", postgres, s3) as left, server_on("right", postgres, s3) as right:
        right.key = left.key
        admin = first_admin(left)
        admin.done("POST", "/projects/default/channels",
                   {"kind": "webhook", "name": "hook", "settings": {"url": http.url("webhook")}, "secrets": {"secret": WEBHOOK_SECRET.decode()}, "routes": [{"severity": "info"}]})
        for n in range(MONITORS):
            admin.done("POST", PATH, {"slug": "errors-%d" % n, "title": "Errors %d" % n, "query": {"search": "q=service:service-%d+status:error" % n},
                                      "window_s": 3600, "delay_s": 10, "service": "service-%d" % n, "condition": {"kind": "threshold", "alert": 10}})
        shared(left, right, postgres)
        killed(left, right, http, admin, postgres)
