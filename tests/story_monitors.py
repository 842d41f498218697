# time_limit_s: 240, tries: 2
"""Monitors over real spans and metrics: each kind of condition fires and recovers when a computation here says so; by groups; as files;
refused where they are wrong; live evaluation tells the incidents once, wherever the process is killed."""
import json
import os
import subprocess
import sys
import time
import urllib.parse
import datetime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import otlp
from apiclient import first_admin, user_with_role
from monoscope import BINARY, STORY_DIR, Server, check, wait_until

PATH = "/projects/%s/monitors"
MINUTE = 60
FAIL_POINTS = ["monitors.before_round", "monitors.after_groups", "monitors.before_commit", "monitors.after_commit"]
BASE = int(time.time()) // 3600 * 3600 - 5 * 3600  # a full hour, some hours ago
RANGE = range(10, 200)                              # minutes of it that are tried


def counts():
    """Requests and failed ones of each minute and service: what is sent, and what the reference computes from."""
    rows = {}
    for minute in range(0, 220):
        rows["cart", minute] = (8 if 60 <= minute < 75 else 3, 2 if 100 <= minute < 130 else 0)
        if not 140 <= minute < 165:
            rows["web", minute] = (4, 0)
    return rows


def send(server, rows):
    sender = otlp.Sender(server.grpc_port, server.key)
    for service in ("cart", "web"):
        spans = []
        for (name, minute), (total, failed) in sorted(rows.items()):
            if name != service:
                continue
            for n in range(total):
                at = (BASE + minute * MINUTE + 1 + n * 5) * 10**9
                made = otlp.span("GET /", at_ns=at, kind=2)
                made.status.code = 2 if n < failed else 1
                spans.append(made)
        sender.send("traces", otlp.traces(spans, {"service.name": service}))
    points = [otlp.gauge("queue.size", 90.0 if 30 <= minute < 50 else 10.0, {"queue": "mail"}, (BASE + minute * MINUTE + 7) * 10**9)
              for minute in range(0, 220)]
    sender.send("metrics", otlp.metrics(points, {"service.name": "cart"}))
    sender.close()


def value(rows, service, minute, window, what=0):
    """Sum over the window that ends at the minute; None: no row."""
    found = [rows[service, m][what] for m in range(minute - window, minute) if (service, m) in rows]
    return sum(found) if found else None


def reference(judge, groups, sustained=0):
    """Changes of levels by the rules, told apart from the program: judge(group, minute) is 0, 1 or 2, or None to be forgotten."""
    told = []
    for group in groups:
        level, since = 0, {1: None, 2: None}
        for minute in RANGE:
            now = judge(group, minute)
            if now is None:
                continue
            for one in (1, 2):
                since[one] = (minute if since[one] is None else since[one]) if now >= one else None
            reached = max([0] + [one for one in (1, 2) if since[one] is not None and (level >= one or minute - since[one] >= sustained)])
            if reached != level:
                told.append((minute, group, level, reached))
            level = reached
    return sorted(told)


def dry(caller, project, monitor):
    at = lambda minute: datetime.datetime.fromtimestamp(BASE + minute * MINUTE, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = caller.done("POST", "/projects/%s/monitor-dry-run" % project, {"monitor": monitor, "from": at(RANGE[0]), "to": at(RANGE[-1])})
    check(answer["is_exact"] and not answer["is_cut"] and answer["moments"] == len(RANGE), "it looks at every moment: %s" % answer["moments"])
    levels = ["ok", "warning", "alert", "no_data"]

    def minute_of(text):
        return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - BASE) // MINUTE
    return sorted((minute_of(one["at"]), one["group"], levels.index(one["from"]), levels.index(one["to"])) for one in answer["events"]), answer


def kinds(caller, project, rows):
    """Each kind of condition, from each kind of source."""
    by = "&by=service.name"
    both = ["cart", "web"]

    def expect(what, monitor, wanted):
        told, _ = dry(caller, project, dict({"title": what, "delay_s": 0}, **monitor))
        check(told == wanted and wanted, "%s: %s\nnot %s" % (what, told, wanted))
    over = lambda number, warning, alert: 2 if number is not None and number > alert else 1 if number is not None and number > warning else 0
    expect("threshold", {"query": {"search": "q=kind:server" + by}, "condition": {"kind": "threshold", "warning": 20, "alert": 30}},
           reference(lambda group, minute: over(value(rows, group, minute, 5), 20, 30), both))
    expect("threshold that lasts", {"query": {"search": "q=kind:server" + by}, "for_s": 180,
                                    "condition": {"kind": "threshold", "warning": 20, "alert": 30}},
           reference(lambda group, minute: over(value(rows, group, minute, 5), 20, 30), both, 3))
    expect("errors, of SQL", {"query": {"sql": "SELECT resource___service___name, count(*) FILTER (WHERE status_code = 'ERROR') FROM otel_logs_and_spans"
                                               " WHERE timestamp >= $from AND timestamp < $to AND kind = 'server' GROUP BY 1"},
                              "condition": {"kind": "threshold", "alert": 5}},
           reference(lambda group, minute: 2 if (value(rows, group, minute, 5, 1) or 0) > 5 else 0, both))
    expect("change", {"query": {"search": "q=kind:server+service:cart"}, "window_s": 600,
                      "condition": {"kind": "change", "as": "percent", "side": "both", "alert": 50}},
           reference(lambda group, minute: 2 if value(rows, "cart", minute - 10, 10) and
                     abs(value(rows, "cart", minute, 10) / value(rows, "cart", minute - 10, 10) - 1) > 0.5 else 0, [""]))
    expect("absence", {"query": {"search": "q=kind:server" + by}, "condition": {"kind": "absence"}},
           reference(lambda group, minute: 2 if value(rows, group, minute, 5) is None else 0, both))

    def burns(group, minute):
        def burn(window):
            total = value(rows, group, minute, min(window, minute)) or 0
            return (value(rows, group, minute, min(window, minute), 1) or 0) / total / 0.01 if total else 0
        if (burn(60) > 14.4 and burn(5) > 14.4) or (burn(360) > 6 and burn(30) > 6):
            return 2
        return 1 if burn(4320) > 1 and burn(360) > 1 else 0
    expect("burn", {"query": {"search": "q=kind:server" + by}, "condition": {"kind": "burn", "objective": 99, "bad": "status:error"}},
           reference(burns, both))
    expect("a metric", {"query": {"metric": {"name": "queue.size", "aggregate": "max", "by": ["queue"]}}, "window_s": 60,
                        "condition": {"kind": "threshold", "alert": 50}},
           reference(lambda group, minute: 2 if 30 < minute <= 50 else 0, ["mail"]))
    told, _ = dry(caller, project, {"title": "no data", "delay_s": 0, "no_data": "alert", "query": {"search": "q=kind:server" + by},
                                    "condition": {"kind": "threshold", "alert": 1000}})
    check(told == [(145, "web", 0, 3), (166, "web", 3, 0)], "what is not there is told: %s" % told)
    text = lambda minute: datetime.datetime.fromtimestamp(BASE + minute * MINUTE, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    _, answer = dry(caller, project, {"title": "quiet", "delay_s": 0, "query": {"search": "q=kind:server" + by}, "condition": {"kind": "absence"},
                                      "maintenance": [{"from": text(140), "to": text(160)}]})
    check([one["is_quiet"] for one in answer["events"]] == [True, False], "in a window nobody is told: %s" % answer["events"])
    check(len(answer["series"]) == 2 and len(answer["series"][0]["points"]) == len(RANGE), "the chart has what was looked at")


def refused(caller, project):
    fine = {"title": "x", "query": {"search": ""}, "condition": {"kind": "absence"}}
    for wrong, pointer in [(dict(fine, title=""), "/title"), (dict(fine, query={}), "/query"), (dict(fine, window_s=1), "/window_s"),
                           (dict(fine, query={"search": "q=level:("}), "/query/search"), (dict(fine, query={"search": "q=issue:3"}), "/query/search"),
                           (dict(fine, query={"sql": "SELECT nothing FROM otel_logs_and_spans"}), "/query/sql"),
                           (dict(fine, query={"sql": "DELETE FROM otel_logs_and_spans"}), "/query/sql"),
                           (dict(fine, condition={"kind": "burn", "objective": 99.9}), "/condition/bad"),
                           (dict(fine, maintenance=[{"days": [1], "from": "01:00", "to": "02:00", "zone": "Moon"}]), "/maintenance/0")]:
        status, answer, _ = caller.ask("POST", PATH % project, wrong)
        check(status == 400 and answer.get("pointer") == pointer, "%s is refused: %s %s" % (wrong, status, answer))


def as_files(server, caller, viewer, project):
    """YAML and JSON and back are equal; nobody writes over what another has changed; what the commands say."""
    wanted = {"slug": "errors", "title": "Errors", "query": {"search": "q=status:error&by=service.name"},
              "condition": {"kind": "threshold", "warning": 1, "alert": 5, "alert_recovery": 3}, "window_s": 300, "for_s": 60, "no_data": "keep",
              "service": "{{group}}", "message": "{{value}} errors: \"{{group}}\"\n# no comment", "is_on": False,
              "maintenance": [{"days": [6, 7], "from": "23:30", "to": "04:00", "zone": "Europe/Berlin"}]}
    made = caller.done("POST", PATH % project, wanted)
    check({name: made[name] for name in wanted} == wanted and made["version"] == 1, "it is as it was said: %s" % made)
    one = (PATH % project) + "/errors"
    _, yaml, _ = caller.ask("GET", one + "?format=yaml")
    changed = caller.done("PUT", one, dict(wanted, title="Other"))
    check(changed["version"] == 2, "a change is a version")
    status, back, _ = caller.ask("PUT", one, data=yaml.encode(), headers={"content-type": "application/yaml"})
    check(status == 200 and {name: back[name] for name in wanted} == wanted, "YAML and back is equal: %s %s" % (status, back))
    _, _, headers = caller.ask("GET", one)
    check(caller.ask("PUT", one, wanted, {"if-match": '"old"'})[0] == 412, "nobody writes over what changed")
    check(caller.ask("PUT", one, wanted, {"if-match": headers["etag"]})[0] == 200, "and who has read it may")
    check(viewer.ask("PUT", one, wanted)[0] == 403, "a viewer reads only")
    versions = viewer.done("GET", one + "/versions")["items"]
    check([v["version"] for v in versions] == [4, 3, 2, 1] and versions[2]["monitor"]["title"] == "Other", "what it was: %s" % versions)
    environment = dict(os.environ, MONOSCOPE_URL="http://127.0.0.1:%d" % server.web_port, MONOSCOPE_KEY=caller.token)
    run = lambda *words, **more: subprocess.run([BINARY, *words, "--project", project], env=environment, capture_output=True, text=True, **more)
    exported = run("monitors", "export", "errors")
    check(exported.returncode == 0 and exported.stdout == yaml, "the command writes the same: %s %s" % (exported.stdout, exported.stderr))
    path = os.path.join(STORY_DIR, "errors.yaml")
    with open(path, "w") as file:
        file.write(exported.stdout)
    applied = run("monitors", "apply", path)
    check(applied.returncode == 0 and "errors: version 5" in applied.stdout, "and takes it: %s %s" % (applied.stdout, applied.stderr))
    ready = viewer.done("GET", "/projects/%s/ready-monitors?service=%s" % (project, urllib.parse.quote('a "b"')))["items"]
    for item in ready + viewer.done("GET", "/projects/%s/ready-monitors" % project)["items"]:
        caller.done("POST", PATH % project, dict(item, is_on=False))
    check(len(ready) >= 4, "there are ready ones")


def live(server, caller, project):
    """Killed at each step: one event, one signal; then it recovers by itself, and a mute keeps quiet."""
    spans = []
    for _ in range(20):
        made = otlp.span("GET /", at_ns=(int(time.time()) // 60 * 60 - 90) * 10**9, kind=2)
        made.status.code = 2
        spans.append(made)
    sender = otlp.Sender(server.grpc_port, server.key)
    sender.send("traces", otlp.traces(spans, {"service.name": "live"}))
    sender.close()
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'live'", 20)
    for n, point in enumerate(FAIL_POINTS):
        server.kill()
        server.start({"MONOSCOPE_FAIL_POINT": point + ":1"})
        slug = "live-%d" % n
        caller.ask("POST", PATH % project, {"slug": slug, "title": slug, "query": {"search": "q=service:live&by=service.name"}, "delay_s": 0,
                                            "window_s": 3600, "service": "{{group}}", "condition": {"kind": "threshold", "alert": 10}})
        wait_until(lambda: server.process.poll() is not None, "it is killed at %s" % point, 30)
        server.start()
        events = lambda: caller.done("GET", (PATH % project) + "/" + slug + "/events")["items"]
        wait_until(lambda: len(events()) > 0, "it tells after %s" % point, 30)
        check([(one["from"], one["to"], one["group"], one["value"]) for one in events()] == [("ok", "alert", "live", 20.0)], "once: %s" % events())
    incidents = caller.done("GET", "/projects/%s/incidents" % project)["items"]
    about = [one for one in incidents if one["service"] == "live"]
    check(len(about) == 1 and about[0]["signal_count"] == len(FAIL_POINTS), "one service, one incident, a signal a monitor: %s" % incidents)
    listed = {one["slug"]: one for one in caller.done("GET", PATH % project)["items"]}
    check(listed["live-0"]["level"] == "alert" and listed["live-0"]["groups_ill"] == 1, "the list says so: %s" % listed["live-0"])
    state = caller.done("POST", (PATH % project) + "/live-0/mute", {"until": "2099-01-01T00:00:00Z"})
    check(state["muted_until"].startswith("2099") and state["groups"][0]["level"] == "alert", "it is muted: %s" % state)
    check(caller.done("POST", (PATH % project) + "/live-0/mute", {"until": None})["muted_until"] is None, "and no more")
    for n in range(len(FAIL_POINTS)):
        check(caller.ask("DELETE", (PATH % project) + "/live-%d" % n)[0] == 204, "it is deleted")


def main():
    with Server() as server:
        project = "default"
        admin = first_admin(server)
        editor = user_with_role(admin, "editor@example.com", project, "editor")
        viewer = user_with_role(admin, "viewer@example.com", project, "viewer")
        rows = counts()
        send(server, rows)
        total = sum(count for count, _ in rows.values())
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server'", total, 60)
        server.wait_count("SELECT count(*) FROM otel_metrics WHERE metric_name = 'queue.size'", 220, 60)
        refused(editor, project)
        kinds(viewer, project, rows)
        as_files(server, editor, viewer, project)
        live(server, editor, project)


main()
