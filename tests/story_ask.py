# time_limit_s: 240, tries: 2
"""Questions in plain English, in a real server: how often the answer is right over the eleven days of tests/ask, of the questions that
the grammar is fitted to and of those put aside; what a client corrects is answered; whatever plan is sent, nothing of another project
comes; thumbs are kept; `monoscope ask` answers at the shell; and all that a language model has to do with it (tests/ask/model_path.py)."""
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "ask"))
import evaluate
import model_path
import shop_days
from apiclient import Caller
from monoscope import BINARY, Server, check, wait_until
from otlp import Sender, log, logs, span, traces

FLOORS = {"questions.txt": (98, 1), "questions_aside.txt": (95, 2)}  # right at least, wrong without a warning at most, percent
SECRET = "of-the-other-project"
OPTIONS = ["--rollups-minutes", "36500d", "--rollups-attributes", "0d", "--llm-allow-private", "on"]  # the days of the questions stay listed, whenever this runs


def questions(server, caller):
    evaluation = evaluate.Evaluation(caller, "default", shop_days.NOW)
    for name, (right, wrong) in FLOORS.items():
        score = evaluation.run(evaluate.read(name))
        print("%s: %d questions, %.1f %% right, %.1f %% wrong without a warning, %d declined" % (name, score.total, score.right_percent, score.wrong_percent, score.declined), flush=True)
        if name == "questions.txt":
            print("\n".join(score.lines), flush=True)
        check(score.right_percent >= right, "%s: at least %s %% are right" % (name, right))
        check(score.wrong_percent <= wrong, "%s: at most %s %% are wrong without a warning" % (name, wrong))
    return evaluation


def corrections(caller, evaluation):
    """The plan comes back changed: as chips are corrected by hand."""
    answer = evaluation.ask("how many errors did payments have yesterday?", "Europe/Berlin")
    check(answer["display"] == "number" and "Mon 2026-10-26 00:00+01:00 to Tue 2026-10-27 00:00+01:00 (Europe/Berlin)" in answer["reading"], answer["reading"])
    chip = [one for one in answer["chips"] if one["text"] == "service is payments"][0]
    check(chip["pointer"] == "/filters/0", chip)
    plan = answer["plan"]
    plan["filters"][0]["values"] = ["web"]
    corrected = caller.done("POST", "/projects/default/ask", {"plan": plan})
    asked = evaluation.ask("how many errors did web have yesterday?", "Europe/Berlin")
    check(corrected["rows"] == asked["rows"] and corrected["sql"] == asked["sql"], "the corrected plan is the other question: %s %s" % (corrected, asked))
    refused = {"filters": [{"field": "duration", "test": "more", "values": ["1; DROP"]}], "groups": ["service"], "limit": 0, "from": plan["to"], "of": "everything", "zone": "../etc/passwd",
               "measures": [], "step": "1h"}
    for name, value in refused.items():
        status, body, _ = caller.ask("POST", "/projects/default/ask", {"plan": dict(plan, **{name: value})})
        check(status == 400, "%s=%s is refused: %s %s" % (name, value, status, body))
    for body in ({}, {"question": "x", "plan": plan}, {"question": ""}, {"question": "requests", "zone": "Mars/Olympus"}, {"question": "x" * 1001}):
        check(caller.ask("POST", "/projects/default/ask", body)[0] == 400, "%s is refused" % body)
    unknown = evaluation.ask("errors of paymnts today", "UTC")
    check(not unknown["understood"] and unknown["not_understood"][0]["suggestions"] == ["payments"] and "rows" not in unknown, unknown)


def isolation(server, caller, evaluation):
    """Rows of another project lie beside; plans are edited at random, all that is answered is searched for them."""
    _, key = server.key_create("other", "k")
    wait_until(lambda: Caller(server, key).ask("GET", "/projects/other/services")[0] == 200, "the new key is known")
    at = int(shop_days.NOW.timestamp() * 1e9) - 3600 * 10**9
    sender = Sender(server.grpc_port, key)
    named = {"service.name": SECRET, "service.version": SECRET, "deployment.environment.name": SECRET}
    check(sender.send("logs", logs([log(SECRET, {"user.id": SECRET, "cloud.region": SECRET}, at_ns=at, severity_number=17)], named)).rejected == 0, "taken")
    check(sender.send("traces", traces([span(SECRET, {"http.route": SECRET, "cloud.region": SECRET, "user.id": SECRET}, at_ns=at, kind=2)], named)).rejected == 0, "taken")
    other = Caller(server, key)
    wait_until(lambda: SECRET in json.dumps(other.ask("POST", "/projects/other/ask", {"question": "logs today", "now": evaluation.now})[1]), "they are there for their own project")
    rng, answered, refused = random.Random(67), 0, 0
    bases = [evaluation.ask(text, "UTC")["plan"] for text in ("requests today", "errors by service today", "traces with errors this week", "users per hour today", "p95 by route of web today",
                                                              "requests by region today compared with the day before")]
    texts = [SECRET, "' OR 1=1 --", "other", server.project, "%", "\\", "$1", "x'; DELETE FROM otel_logs_and_spans; --"]
    fields = ["service", "environment", "route", "user", "message", "attribute:cloud.region", "attribute:project_id", "resource:service.name", "trace", "host"]
    for _ in range(200):
        plan = json.loads(json.dumps(rng.choice(bases)))
        plan.update(rng.choice([{}, {"limit": 1000}, {"from": "2026-10-01T00:00:00Z"}, {"of": rng.choice(["rows", "logs", "spans", "errors"])}, {"zone": rng.choice(["Asia/Kolkata", "+05:30"])}]))
        if plan["groups"] and rng.random() < 0.5:
            plan["groups"] = [rng.choice(fields)]
        if not plan["parts"]:
            plan["filters"] = plan["filters"] + [{"field": rng.choice(fields), "test": rng.choice(["is", "is_not", "contains"]), "values": [rng.choice(texts)]}]
        status, body, _ = caller.ask("POST", "/projects/default/ask", {"plan": plan})
        check(status in (200, 400), "a plan is answered or refused: %s %s" % (status, body))
        answered, refused = answered + (status == 200), refused + (status == 400)
        if status == 200:
            check(SECRET not in json.dumps([body["rows"], body["columns"]]) and SECRET not in body["sql"], "nothing of the other project: %s" % body)
    check(answered >= 120, "most plans are answered: %d" % answered)
    check(caller.ask("POST", "/projects/other/ask", {"question": "logs today"})[0] == 404, "another project is not there")
    check(not evaluation.ask("errors of %s today" % SECRET, "UTC")["understood"], "its services are not known")
    return answered, refused


def thumbs(caller):
    path = "/projects/default/ask/feedback"
    for number in range(3):
        check(caller.ask("POST", path, {"question": "errors of web %d" % number, "is_good": number == 1, "note": "n%d" % number})[0] == 204, "a thumb is taken")
    page = caller.done("GET", path + "?limit=2")
    rest = caller.done("GET", path + "?limit=2&cursor=" + page["next_cursor"])
    seen = [(one["question"], one["is_good"], one["note"], one["plan"]) for one in page["items"] + rest["items"]]
    check(seen == [("errors of web %d" % n, n == 1, "n%d" % n, None) for n in (2, 1, 0)], seen)


def shell(server):
    def ask(*words):
        return subprocess.run([BINARY, "ask", *words, "--url", "http://127.0.0.1:%d" % server.web_port, "--key", server.key], capture_output=True, text=True, timeout=60)
    ran = ask("how many requests since 2026-10-01", "--zone", "Europe/Berlin", "--sql")
    check(ran.returncode == 0 and int(json.loads(ran.stdout)[0]) > 1000 and "(Europe/Berlin)" in ran.stderr and "SELECT count(*)" in ran.stderr, ran)
    ran = ask("requests of chekout")
    check(ran.returncode == 1 and "did not understand" in ran.stderr and ran.stdout == "", ran)


def main():
    with Server(options=OPTIONS) as server:
        server.project_create("other")
        rows = shop_days.send(server, server.key)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows)
        caller = Caller(server, server.key)
        evaluation = questions(server, caller)
        corrections(caller, evaluation)
        answered, refused = isolation(server, caller, evaluation)
        thumbs(caller)
        shell(server)
        model_path.run(server, rows, SECRET)
        print("%d rows; %d edited plans answered and %d refused, none shows another project" % (rows, answered, refused))


main()
