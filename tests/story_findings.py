# time_limit_s: 300, tries: 2
"""Detection, of rows that were sent: a day of three services as usual, and then errors of one. It is found with the moment it began, is a
part of an incident, its statement gives the numbers that it says, and the pages show it; nothing is found before. Its cause is the release of that
service at once, and then the host, too; the error and the log line that came with it are found as new; and its queue's length as unusual, not
so the counter that began anew. A scripted model says in words what its evidence
says; what it invents of another finding is thrown away, all of it. After kill -9 nothing is found twice."""
import datetime
import json
import os
import random
import re
import subprocess
import time

from apiclient import PASSWORD, Caller, first_admin
from llm_server import KEY, LlmServer
from monoscope import BINARY, REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import Sender, attributes, log, logs, metrics

HOURS, RATE, SERVICES = 27, 40, ("cart", "payments", "search")
PAST = ("volume_spike", "volume_drop", "silence", "error_rate", "latency")
FAULT_MINUTES_AGO, FAULT_SHARE = 16, 0.4


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


def lines_of(end_s):
    """What payments logs: two usual lines a minute; since its release four more a minute, which say what was never said before."""
    dice, records = random.Random(12), []
    for minute in range(HOURS * 60):
        begin = end_s - 60 * (HOURS * 60 - minute)
        at_ns = lambda: int((begin + 60 * dice.random()) * 1e9)
        records += [log("charged %d cents in %d ms" % (dice.randint(1, 9999), dice.randint(1, 99)), at_ns=at_ns(), severity_number=9) for _ in range(2)]
        if begin >= end_s - 60 * (FAULT_MINUTES_AGO - 4):
            records += [log("gave up on card %d after %d tries" % (dice.randint(1, 9999), dice.randint(2, 9)), at_ns=at_ns(), severity_number=17) for _ in range(4)]
    return logs(records, {"service.name": "payments", "host.name": "payments-1"})


def points_of(end_s):
    """Of payments: the length of a queue, four times as long in the last half an hour; and a counter of some ten a second that begins anew some
    three hours before."""
    dice, requests, total = random.Random(13), [], 10**6
    for first in range(0, HOURS * 60, 60):
        queue, sent = [], []
        for minute in range(first, first + 60):
            begin = end_s - 60 * (HOURS * 60 - minute)
            total = total + dice.randint(560, 640) if minute != (HOURS - 3) * 60 else 300
            at = {"time_unix_nano": int(begin * 1e9)}
            queue.append(metrics_pb2.NumberDataPoint(as_double=dice.randint(18, 22) * (4 if begin >= end_s - 1800 else 1), **at))
            sent.append(metrics_pb2.NumberDataPoint(as_int=total, start_time_unix_nano=int((end_s - 86400 * 2) * 1e9), **at))
        requests.append(metrics([metrics_pb2.Metric(name="bank.queue", gauge=metrics_pb2.Gauge(data_points=queue)),
                                 metrics_pb2.Metric(name="bank.sent", sum=metrics_pb2.Sum(data_points=sent, aggregation_temporality=2, is_monotonic=True))],
                                {"service.name": "payments", "host.name": "payments-1"}))
    return requests


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


class Teller:
    """Says of payments what is in its evidence, computed from that; of all else a name that is nowhere, beside what is so."""

    def __call__(self, asked):
        parts = re.split(r"^(E\d+):\n", asked.last, flags=re.M)[1:]
        evidence = dict(zip(parts[::2], parts[1::2]))
        title = evidence["E1"].split("\n")[1]
        share = re.search(r"it was ([\d.]+)%", evidence["E1"])
        if title.startswith("More errors of") and " of payments: " in title:
            version = re.search(r'"version":"([^"]+)"', evidence["E2"]).group(1)
            return {"json": {"sentences": [{"text": "%s%% of the requests of `payments` fail." % share.group(1), "evidence": ["E1"]},
                                           {"text": "It began with release `%s` of [payments](http://evil.test/)." % version, "evidence": ["E2"]}]}}
        return {"json": {"sentences": [{"text": "It goes on.", "evidence": ["E1"]}, {"text": "`billing` is at fault.", "evidence": ["E1"]}]}}


def in_the_browser(server, one):
    given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "shots": os.path.join(REPO, "build", "stories", "story_findings.shots"),
             "number": one["number"], "title": one["title"], "service": one["service"], "incident": one["incident"]}
    ran = subprocess.run([NODE, "findings.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=120)
    check(ran.returncode == 0, "the pages are as they should be")


def anew(server, end, stored):
    """The same by `monoscope detect`, computed anew; of one service; nothing of the day before; and what it cannot do."""
    environment = dict(os.environ, MONOSCOPE_URL="http://127.0.0.1:%d" % server.web_port, MONOSCOPE_KEY=server.key)
    run = lambda *words: subprocess.run([BINARY, "detect", "--json", *words], env=environment, capture_output=True, text=True)
    at = lambda s: datetime.datetime.fromtimestamp(s, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def said(*words):
        ran = run(*words)
        check(ran.returncode == 0 and "series, what is usual learned from" in ran.stderr, "it is looked at: %s" % ran)
        return [json.loads(line) for line in ran.stdout.splitlines()]
    what = lambda items: sorted((item["kind"], item["service"], item["row_kind"], item["endpoint"] or "", item["severity"], item["since"]) for item in items)
    past = said("--from", at(end - 3600), "--to", at(end + 120))
    check(what(past) == what(stored) and past, "it finds what the watcher found: %s, not %s" % (what(past), what(stored)))
    check([item["number"] for item in past] == list(range(1, len(past) + 1)) and all(item["incident"] is None for item in past), "and stores nothing: %s" % past)
    check(what(said("--from", at(end - 3600), "--to", at(end + 120), "--service", "payments")) == what([item for item in stored if item["service"] == "payments"]), "of one service")
    check(said("--from", at(end - 7200), "--to", at(end - 3600)) == [], "before there was nothing")
    for words, code, text in [(("--from", "now-90d"), 1, "31 days"), (("--from", "now-2m"), 1, "three minutes"), (("--from", "now-1h", "--learn_hours", "0"), 1, "learn_hours"),
                              (("x",), 2, "usage"), (("--form", "now-1h"), 2, "no option --form")]:
        ran = run(*words)
        check(ran.returncode == code and text in ran.stderr and not ran.stdout, "%s is refused: %s" % (words, ran))


def main():
    end = int(time.time()) // 60 * 60 - 240
    requests, lines = requests_of(end), lines_of(end)
    with LlmServer(Teller()) as model, Server(flush="2s", options=["--llm-url", model.url("openai"), "--llm-model", "m-1"], environment={"MONOSCOPE_LLM_KEY": KEY}) as server:
        first_admin(server)
        count = send(server, requests) + len(lines.resource_logs[0].scope_logs[0].log_records)
        sender = Sender(server.grpc_port, server.key)
        check(sender.send("logs", lines).status == 0, "the lines are taken")
        check(all(sender.send("metrics", points).status == 0 for points in points_of(end)), "the points are taken")
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
        check(one["objective"] == 99 and 14.4 < one["burn"] < 60 and "times what an objective of 99% allows" in one["text"], "and how fast the error budget is spent: %s" % one)
        check(all(item["severity"] == "warning" for item in errors if item["row_kind"] == "client"), "cart does without what it calls: %s" % errors)
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
        wait_until(lambda: any(item["kind"] == "new_error" for item in found()), "the error that the release brought is found", 60)
        fresh = [item for item in found() if item["kind"] == "new_error"]
        check(len(fresh) == 1 and fresh[0]["service"] == "payments" and fresh[0]["issue"] and "CardDeclinedError" in fresh[0]["title"] and fresh[0]["severity"] == "warning",
              "once, of its issue: %s" % fresh)
        check(sum(value for _, value in server.query(fresh[0]["statement"])) >= 20, "its statement shows it: %s" % fresh)
        wait_until(lambda: any(item["kind"] == "new_pattern" for item in found()), "the log line that the release brought is found", 60)
        said = [item for item in found() if item["kind"] == "new_pattern"]
        check(len(said) == 1 and said[0]["title"] == "New log pattern of payments, error: gave up on card <*> after <*> tries" and said[0]["severity"] == "warning", "once: %s" % said)
        check(len(said[0]["patterns"]) == 1 and said[0]["rows"] == 48, "all its lines: %s" % said)
        check(sum(value for _, value in server.query(said[0]["statement"])) == 48, "its statement shows them: %s" % said)
        again = api.done("GET", "/projects/default/search?from=now-6h&limit=100&q=pattern:" + said[0]["patterns"][0])
        check(len(again["items"]) == 48, "and so does a search: %s" % again)
        wait_until(lambda: any(item["kind"] == "metric" for item in found()), "the queue is found", 90)
        long = [item for item in found() if item["kind"] == "metric"]
        check(len(long) == 1 and long[0]["metric"] == "bank.queue" and long[0]["service"] == "payments" and long[0]["severity"] == "info" and not long[0]["incident"], "and nothing else: %s" % long)
        check(60 < long[0]["value"] < 100 and 15 < long[0]["expected"] < 25, "how long it is: %s" % long)
        check(abs(datetime.datetime.fromisoformat(long[0]["since"].replace("Z", "+00:00")).timestamp() - (end - 1800)) <= 300, "since when: %s" % long)
        points = server.query(long[0]["statement"])
        check(max(value for t, value in points if t.timestamp() < end - 1800) <= 22 and min(value for t, value in points if t.timestamp() >= end - 1800) >= 72, "its statement shows it: %s" % points)
        host_of = lambda: (api.done("GET", "/projects/default/findings/%d" % one["number"])["causes"]["causes"][0]["attribute"] or {}).get("value")
        wait_until(lambda: host_of() == "payments-3", "its host is named some minutes later", 150)
        account_of = lambda number: api.done("GET", "/projects/default/findings/%d" % number)["account"]
        wait_until(lambda: account_of(one["number"]), "the model says in words what goes on", 60)
        account = account_of(one["number"])
        texts = [sentence["text"] for sentence in account["sentences"]]
        check(re.match(r"[\d.]+% of the requests of `payments` fail\.$", texts[0]) and texts[1] == "It began with release `2.0` of payments.", "what is so, without links: %s" % account)
        check([sentence["evidence"] for sentence in account["sentences"]] == [["finding"], ["cause 1"]] and "m-1" in account["model"], "and what it stands on: %s" % account)
        refused = lambda: [event for event in server.events("findings.no_account") if "billing" in event["why"]]
        wait_until(refused, "what it invents of another is thrown away", 60)
        check(all(account_of(event["finding"]) is None for event in refused()), "those stay without")
        check(not model.refusals and len(model.asked) <= len(found()), "each is asked once: %d of %d, %s" % (len(model.asked), len(found()), model.refusals))
        in_the_browser(server, one)
        anew(server, end, [item for item in found() if item["kind"] in PAST])
        subjects = lambda: sorted((item["kind"], item["service"], item["row_kind"], item["endpoint"] or item["patterns"] or item["metric"]) for item in found() if item["kind"] in ("error_rate", "new_error", "new_pattern", "metric"))
        before = subjects()
        for _ in range(3):
            server.kill()
            server.start()
            time.sleep(8)
        api = Caller(server, server.key)
        again = subjects()
        check(all(again.count(one) == 1 for one in again) and all(one in again for one in before), "nothing is found twice after kill -9: %s, before %s" % (again, before))
        server.stop()
        kept = os.listdir(os.path.join(server.data, "findings"))
        check(any(name.endswith(".watch") for name in kept), "what is usual is kept when it stops: %s" % kept)
        print("%d rows of %d services over %d hours; errors found since %s: %s" % (count, len(SERVICES), HOURS, one["since"], one["title"]))


main()
