# time_limit_s: 120, tries: 2
"""Agents: a ready one finds by rules what was sent; one with a prompt drives the scripted model through three tools and more, whose
answers it must use, and what it says that is not in them is rejected; the server is killed at each step of a run, and each run's
report is there once, and its message reaches a webhook once; times that were missed are one run; pause, run now, the CLI.
"""
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from agentshop import channel_made, meta, shop
from apiclient import Caller, first_admin
from llm_server import LlmServer
from monoscope import Server, check, wait_until
from sinks import HttpSink

SERVER_KEY = "sk-server-0987654321"
STEPS = ["schedule.claimed:1", "agents.collected:1", "agents.thought:1", "agents.before_end:1", "agents.after_end:1"]


def ran(admin, agent, count=1):
    """Its newest report, when it has had so many runs that are done."""
    def done():
        runs = admin.done("GET", "/projects/default/agents/%d/runs" % agent)["items"]
        check(not [run for run in runs if run["state"] == "failed"], "no run fails: %s" % runs)
        return len([run for run in runs if run["state"] == "done"]) == count
    wait_until(done, "%d runs are done" % count, 30)
    report = admin.done("GET", "/projects/default/reports?agent=%d" % agent)["items"][0]
    return admin.done("GET", "/projects/default/reports/%d" % report["id"])


def made(admin, name, template, **more):
    return admin.done("POST", "/projects/default/agents", dict({"name": name, "template": template, "schedule": "daily 03:00",
                                                                "range_hours": 1}, **more))


# ---- by rules ----

def ready_ones(server, admin, channel):
    agent = made(admin, "Health", "health", recipients=[{"channel_id": channel, "severity": "warning"}], zone="Europe/Berlin")
    check(agent["next_at"] and not agent["is_paused"], "it has its next time: %s" % agent)
    admin.done("POST", "/projects/default/agents/%d/run" % agent["id"])
    report = ran(admin, agent["id"])
    texts = [finding["text"] for finding in report["content"]["findings"]]
    check("checkout: 25.0% of 120 requests failed, 0.0% of 120 the time before" in texts, "the errors are found: %s" % texts)
    check(any(re.match(r"checkout: p95 is (19\d|20\d) ms, (9|10) ms the time before", text) for text in texts), "the latency too: %s" % texts)
    check(report["severity"] == "critical" and report["content"]["by"] == "rules", "as bad as the worst: %s" % report["severity"])
    known = {evidence["id"]: evidence for evidence in report["content"]["evidence"]}
    for finding in report["content"]["findings"]:
        check(finding["evidence"] and all(not known[name]["is_error"] for name in finding["evidence"]), "it has its evidence: %s" % finding)
    check({"table", "chart"} <= {section["kind"] for section in report["content"]["sections"]}, "tables and charts")
    sent = [json.loads(row[0]) for row in meta(server, "SELECT message FROM deliveries")]
    check(len(sent) == 1 and sent[0]["act"] == "report" and sent[0]["images"], "a message with charts: %d" % len(sent))
    check("/p/default/reports/%d" % report["id"] in json.dumps(sent[0]["links"]), "and a link: %s" % sent[0]["links"])

    agent = made(admin, "Database", "database", recipients=[{"channel_id": channel, "severity": "critical"}])
    admin.done("POST", "/projects/default/agents/%d/run" % agent["id"])
    texts = [finding["text"] for finding in ran(admin, agent["id"])["content"]["findings"]]
    check(texts == ['checkout: "SELECT orders" takes 100 ms on average, 5 ms the time before'], "slow statements are found: %s" % texts)
    check(len(meta(server, "SELECT 1 FROM deliveries")) == 1, "who wants critical ones alone gets no warning")
    for template in ("weekly", "deploys", "errors"):
        agent = made(admin, template, template)
        admin.done("POST", "/projects/default/agents/%d/run" % agent["id"])
        report = ran(admin, agent["id"])
        wrong = [evidence for evidence in report["content"]["evidence"] if evidence["is_error"]]
        check(not wrong, "%s can read all it asks for: %s" % (template, wrong))
        admin.done("DELETE", "/projects/default/agents/%d" % agent["id"])
        check(admin.ask("GET", "/projects/default/reports/%d" % report["id"])[0] == 200, "a report stays when its agent goes")
    print("ready agents: errors, latency and slow statements found by rules")


# ---- by a model ----

class Detective:
    """Asks a tool at a time, and says what they answered; and what none of them did."""

    def __init__(self):
        self.calls = []

    def __call__(self, asked):
        tools = [text for role, text in asked.turns if role == "tool"]
        if asked.body.get("messages") and not self.calls:
            check("Who fails" in asked.turns[0][1] and "E1, service_health" in asked.turns[0][1], "it is told what is known: %s" % asked.turns[0][1][:300])
        steps = [("run_sql", {"sql": "SELECT name, count(*) AS failed FROM otel_logs_and_spans WHERE status_code = 'ERROR' GROUP BY name"}),
                 ("endpoint_list", {}),
                 ("run_sql", {"sql": "SELECT max(duration) AS longest FROM otel_logs_and_spans WHERE kind = 'client'"}),
                 ("run_sql", {"sql": "DELETE FROM otel_logs_and_spans"}),
                 ("project_delete", {})]
        if len(tools) < len(steps):
            self.calls.append(steps[len(tools)][0])
            return {"calls": [steps[len(tools)]]}
        texts = tools
        names = [re.match(r"(E\d+), ", text) for text in texts]
        check(all(names[:4]) and not names[4], "answers have their numbers: %s" % [text[:80] for text in texts])
        check("which failed" in texts[3].split("\n")[0] and "no such tool" in texts[4], "what writes is refused: %s" % texts[3][:200])
        failed = re.search(r'\[\s*"([^"]+)",\s*(\d+)\s*\]', texts[0])
        longest = re.search(r"\[\s*\[(\d+)\]\s*\]", texts[2])
        check(failed and longest, "the answers are what was asked: %s %s" % (texts[0], texts[2]))
        return {"json": {
            "summary": "`%s` failed %s times." % failed.groups(),
            "findings": [
                {"text": "`%s` failed %s times" % failed.groups(), "severity": "critical", "evidence": [names[0].group(1)]},
                {"text": "the longest call of the database took %d ms" % (int(longest.group(1)) // 10**6), "severity": "info", "evidence": [names[2].group(1)]},
                {"text": "`billing` failed 4711 times", "severity": "critical", "evidence": [names[0].group(1)]},
                {"text": "%s failed %d times" % (failed.group(1), int(failed.group(2)) + 987000), "severity": "critical", "evidence": [names[0].group(1)]},
                {"text": "everything is fine", "severity": "info", "evidence": ["E99"]},
                {"text": "everything is fine", "severity": "info", "evidence": []},
            ]}}


def model_is_checked(server, admin, detective):
    agent = made(admin, "Detective", "prompt", prompt="Who fails, and how often?", uses_model=True)
    admin.done("POST", "/projects/default/agents/%d/run" % agent["id"])
    report = ran(admin, agent["id"])
    content, run = report["content"], admin.done("GET", "/projects/default/agents/%d/runs" % agent["id"])["items"][0]
    texts = [finding["text"] for finding in content["findings"]]
    check(len(detective.calls) == 5, "the model asks the tools: %s" % detective.calls)
    check("`POST /checkout` failed 30 times" in texts and "the longest call of the database took 100 ms" in texts,
          "what its tools answered is taken: %s %s" % (texts, content["problem"]))
    check(content["by"] == "model" and content["summary"] == "`POST /checkout` failed 30 times.", "and its summary: %s" % content["summary"])
    why = {one["text"]: one["why"] for one in content["rejected"]}
    check(len(content["rejected"]) == 4 and not any("4711" in text or "987030 times" in text or "fine" in text for text in texts),
          "what they did not is rejected: %s" % content["rejected"])
    check("billing" in why["`billing` failed 4711 times"] and '"987030"' in why["POST /checkout failed 987030 times"], "with why: %s" % why)
    cost = run["cost"]
    check(cost["rounds"] == 6 and cost["tool_calls"] == 5 and cost["rejected"] == 4 and cost["input_tokens"] > 1000, "and what it cost: %s" % cost)
    log = admin.done("GET", "/projects/default/agent-runs/%d" % run["id"])["log"]
    check("run_sql" in log and "rejected: `billing`" in log, "the log tells: %s" % log)
    check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE status_code = 'ERROR'") == 30, "nothing was deleted")
    tight = made(admin, "Tight", "prompt", prompt="Who fails, and how often?", uses_model=True, budget={"queries": 5, "tokens": 1000})
    admin.done("POST", "/projects/default/agents/%d/run" % tight["id"])
    content = ran(admin, tight["id"])["content"]
    check("tokens are used up" in content["problem"] and content["by"] == "rules" and content["findings"], "over its budget the rules speak: %s" % content["problem"])
    print("prompt: %d calls of tools, %d findings rejected" % (len(detective.calls), len(why) + 1))
    return agent["id"]


# ---- killed ----

def steps_are_survived(server, admin, channel, sink):
    agent = made(admin, "Survivor", "health", uses_model=True, recipients=[{"channel_id": channel}])["id"]
    for count, step in enumerate(STEPS, 1):
        server.stop()
        server.start({"MONOSCOPE_FAIL_POINT": step})
        Caller(server, admin.token).done("POST", "/projects/default/agents/%d/run" % agent)
        wait_until(lambda: server.process.poll() is not None, "%s kills it" % step)
        server.start()
        caller = Caller(server, admin.token)
        ran(caller, agent, count)
        reports = meta(server, "SELECT count(*), count(DISTINCT run_id) FROM agent_reports WHERE agent_id = ?", agent)[0]
        told = meta(server, "SELECT count(*) FROM deliveries WHERE title LIKE 'Survivor%'")[0][0]
        attempts = meta(server, "SELECT attempt FROM schedule_runs ORDER BY id DESC LIMIT 1")[0][0]
        check(reports == (count, count) and told == count, "%s: one report and one message a run: %s, %s" % (step, reports, told))
        check(attempts == (1 if "after_end" in step else 2), "%s: attempt %d" % (step, attempts))
    def got():
        return {headers["webhook-id"] for headers, body in zip(sink.headers["webhook"], sink.got["webhook"]) if "Survivor" in json.dumps(body)}
    wait_until(lambda: len(got()) == len(STEPS), "each message arrives: %s" % sink.seen)
    check(not sink.wrong, "as webhooks are signed: %s" % sink.wrong)
    print("killed at %d steps of a run: each report and message once" % len(STEPS))
    return agent


def missed_times_are_one(server, admin, agent):
    done = len(admin.done("GET", "/projects/default/agents/%d/runs" % agent)["items"])
    admin.done("PUT", "/projects/default/agents/%d" % agent, {"name": "Survivor", "template": "errors", "schedule": "hourly", "jitter_seconds": 0})
    server.stop()
    hour = 3600 * 10**6
    past = (int(time.time() * 10**6) // hour - 5) * hour
    meta(server, "UPDATE schedule_jobs SET next_unix_us = ?, start_unix_us = ? WHERE subject = ?", past, past, "agent/%d" % agent)
    server.start()
    admin = Caller(server, admin.token)
    ran(admin, agent, done + 1)
    runs = admin.done("GET", "/projects/default/agents/%d/runs" % agent)["items"]
    check(runs[0]["missed"] == 5 and not runs[0]["is_asked"], "six times that had come are one run: %s" % runs[0])
    admin.done("PATCH", "/projects/default/agents/%d" % agent, {"is_paused": True})
    check(admin.done("GET", "/projects/default/agents/%d" % agent)["next_at"] is None, "a paused one has no next time")
    return admin


def refusals(admin):
    for wrong, words in (({"schedule": "60 * * * *"}, "minute"), ({"zone": "Nowhere/Land"}, "time zone"), ({"template": "prompt"}, "prompt"),
                         ({"recipients": [{"channel_id": 999}]}, "no channel 999")):
        status, problem, _ = admin.ask("POST", "/projects/default/agents", dict({"name": "x", "template": "health", "schedule": "hourly"}, **wrong))
        check(status == 400 and words in problem["detail"], "%s is refused: %s %s" % (wrong, status, problem))
    check(admin.ask("GET", "/projects/default/agents/999")[0] == 404 and admin.ask("GET", "/projects/default/reports/x")[0] in (400, 404), "what is not there")


def main():
    detective = Detective()

    def answer(asked):
        if "Who fails" in asked.text:
            return detective(asked)
        return {"json": {"summary": "Nothing more.", "findings": []}}
    with LlmServer(answer, key=SERVER_KEY) as model:
        sink = HttpSink()
        options = ["--llm-url", model.url("openai"), "--llm-model", "m-1", "--channels-allow-private", "on"]
        with Server(options=options, environment={"MONOSCOPE_LLM_KEY": SERVER_KEY}, flush="300ms") as server:
            admin = first_admin(server)
            shop(server, admin)
            channel = channel_made(admin, sink.url("webhook"))
            ready_ones(server, admin, channel)
            refusals(admin)
            model_is_checked(server, admin, detective)
            agent = steps_are_survived(server, admin, channel, sink)
            admin = missed_times_are_one(server, Caller(server, admin.token), agent)
        check(not model.refusals, "every request is as its API has it: %s" % model.refusals)


main()
