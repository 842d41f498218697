# time_limit_s: 60, tries: 2
"""Issues over the REST API and at the shell, of errors sent by OTLP: counts equal those of SQL by hashes; resolve, ignore, assign, merge,
split, rules; who may; hostile texts are text."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import Caller, first_admin, user_with_role
from monoscope import BINARY, STORY_DIR, Server, check, wait_until
from otlp import Sender, attributes, log, logs

HOSTILE = "<script>alert(1)</script> \u202e \u0007 '; DROP TABLE issues; -- %s{{ message }}"
STACK = 'Traceback (most recent call last):\n  File "/app/%s.py", line %d, in %s\n    items[key]\n%s: %s\n'
EACH = {"add": 12, "drop": 7, "total": 5}


def failed(function, n, kind="KeyError", message="no item %d"):
    text = message % n if "%d" in message else message
    return log("failed", {
        "exception.type": kind, "exception.message": text, "user.id": "u%d" % (n % 4),
        "exception.stacktrace": STACK % ("cart", n + 1, function, kind, text)}, severity_number=17)


def told(caller, path, status, words, method="GET", body=None, headers=None):
    got, answer, _ = caller.ask(method, path, body, headers)
    check(got == status and words in json.dumps(answer, ensure_ascii=False), "%s %s is %d with %r: %s %s" % (method, path, status, words, got, answer))


def issues_of(caller, query="state=all"):
    return {one["culprit"].split(" ")[0]: one for one in caller.done("GET", "/projects/default/issues?" + query)["items"]}


def counts_are_those_of_sql(server, caller):
    for number in [one["number"] for one in issues_of(caller).values()]:
        listed = [one for one in issues_of(caller).values() if one["number"] == number][0]
        ids = [one["id"] for one in caller.done("GET", "/projects/default/issues/%d/fingerprints" % number)["items"]]
        by_hashes = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE hashes && %s::text[]", (["err:" + one for one in ids],))
        found = caller.done("GET", "/projects/default/search?limit=1000&q=issue:%d" % number)["items"]
        events, cursor = [], ""
        while cursor is not None:
            page = caller.done("GET", "/projects/default/issues/%d/events?limit=5%s" % (number, cursor and "&cursor=" + cursor))
            events += page["items"]
            cursor = page.get("next_cursor")
        check(listed["total_count"] == listed["count"] == by_hashes == len(found) == len(events), "issue %d counts as SQL does: %s %s %s %s" % (
            number, listed["total_count"], by_hashes, len(found), len(events)))
        check([one["id"] for one in found] == [one["id"] for one in events], "its events are what issue:%d finds" % number)
        check(sum(listed["over_time"]["counts"]) == listed["count"], "its steps add up")


def states(admin):
    add = issues_of(admin)["add"]["number"]
    path = "/projects/default/issues/%d" % add
    changed = admin.done("PATCH", path, {"state": "ignored", "ignore": {"until": "now+7d", "events": 3}})
    check(changed["state"] == "ignored" and changed["ignored"]["events"] == 3, "it is ignored: %r" % changed)
    check("add" not in issues_of(admin, "state=open"), "what is ignored is not open")
    _, _, headers = admin.ask("GET", path)
    tag = headers["etag"]
    changed = admin.done("PATCH", path, {"assignee": "me"}, {"if-match": tag})
    check(changed["assignee"]["email"] == "admin@localhost", "it is the admin's: %r" % changed)
    told(admin, path, 412, "changed", "PATCH", {"state": "resolved"}, {"if-match": tag})
    told(admin, path, 400, "nobody with a role", "PATCH", {"assignee": "who@example.com"})
    told(admin, path, 400, "nothing to change", "PATCH", {})
    told(admin, path, 400, "", "PATCH", {"state": "new"})
    told(admin, path, 400, "a time", "PATCH", {"state": "ignored", "ignore": {"until": "tomorrow"}})
    check(list(issues_of(admin, "state=all&assignee=me")) == ["add"], "it is found by who has it")
    admin.done("PATCH", path, {"state": "resolved", "release": "1.2", "assignee": None})
    what = [one["what"] for one in admin.done("GET", path + "/activity")["items"]]
    check(what == ["assigned", "state", "assigned", "state", "began"] or sorted(what) == ["assigned", "assigned", "began", "state", "state"], "activity tells it: %r" % what)
    told(admin, "/projects/default/issues/bulk", 404, "#99", "POST", {"issues": [add, 99], "state": "ongoing"})
    check(issues_of(admin)["add"]["state"] == "resolved", "several change together, or none")
    done = admin.done("POST", "/projects/default/issues/bulk", {"issues": [add], "state": "ongoing"})
    check(done == {"changed": [add], "unchanged": []}, "one was changed: %r" % done)
    done = admin.done("POST", "/projects/default/issues/bulk", {"issues": [add, add], "state": "ongoing"})
    check(done == {"changed": [], "unchanged": [add]}, "nothing twice: %r" % done)


def moves(server, admin):
    known = issues_of(admin)
    add, drop = known["add"]["number"], known["drop"]["number"]
    merge = ("POST", "/projects/default/issues/%d/merge" % drop, {"into": add}, {"idempotency-key": "merge-1"})
    moved = admin.done(*merge)
    check(moved == {"from": drop, "into": add, "fingerprints": 1}, "merged: %r" % moved)
    check(admin.done(*merge) == moved, "sent twice it is done once")
    detail = admin.done("GET", "/projects/default/issues/%d" % drop)
    check(detail["issue"]["number"] == add and detail["merged_numbers"] == [drop] and detail["fingerprints"] == 2, "the old link leads there")
    check(detail["issue"]["total_count"] == EACH["add"] + EACH["drop"], "counts are of both")
    check(len(admin.done("GET", "/projects/default/search?limit=1000&q=issue:%d" % drop)["items"]) == EACH["add"] + EACH["drop"], "issue:%d finds both" % drop)
    counts_are_those_of_sql(server, admin)
    fingerprints = admin.done("GET", "/projects/default/issues/%d/fingerprints" % add)["items"]
    dropped = [one for one in fingerprints if one["culprit"].startswith("drop")][0]
    check(dropped["is_pinned"] and dropped["by"] == "person" and dropped["moved_from"] == drop, "it says who put it there: %r" % dropped)
    check("cart.py:drop" in dropped["made_of"], "and what it is made of: %r" % dropped["made_of"])
    told(admin, "/projects/default/issues/%d/split" % add, 400, "all of its", "POST", {"fingerprints": [one["id"] for one in fingerprints]})
    moved = admin.done("POST", "/projects/default/issues/%d/split" % add, {"fingerprints": [dropped["id"]]})
    check(moved["into"] > drop and moved["fingerprints"] == 1, "split off into a number of its own: %r" % moved)
    check(admin.done("GET", "/projects/default/errors/err:" + dropped["id"])["issue"] == moved["into"], "the error is there now")
    counts_are_those_of_sql(server, admin)


def rules(admin, number):
    _, got, headers = admin.ask("GET", "/projects/default/error-rules")
    check(got["version"] == 0 and got["rules"] == "", "there are none: %r" % got)
    told(admin, "/projects/default/error-rules", 400, "line 1", "PUT", {"rules": "colour:red -> x"})
    text = "type:KeyError -> keys, {{ service }}\n"
    tried = admin.done("POST", "/projects/default/error-rules/try", {"rules": text, "issue": number})
    check(tried["by"] == "rule" and tried["line"] == 1 and tried["issue"] is None, "a rule is tried: %r" % tried)
    tried = admin.done("POST", "/projects/default/error-rules/try", {"event": {"service": "web", "type": "BrokenPipeError"}})
    check(tried["by"] == "known" and tried["known"]["category"] == "client gone", "what is known says so: %r" % tried)
    put = admin.done("PUT", "/projects/default/error-rules", {"rules": text}, {"if-match": headers["etag"]})
    check(put["version"] == 1 and put["valid_from"] > put["stored_at"], "stored: %r" % put)
    told(admin, "/projects/default/error-rules", 412, "changed", "PUT", {"rules": ""}, {"if-match": headers["etag"]})


def at_the_shell(server, token, number):
    def run(*words):
        ran = subprocess.run([BINARY, *words, "--url", "http://127.0.0.1:%d" % server.web_port, "--key", token, "--project", "default", "--json"],
                             capture_output=True, text=True, env=dict(os.environ, XDG_CONFIG_HOME=STORY_DIR))
        check(ran.returncode == 0, "monoscope %s works: %s" % (" ".join(words), ran.stderr))
        return [json.loads(line) for line in ran.stdout.splitlines()]
    check(number in [one["number"] for one in run("issues", "--state", "all")], "issues are listed")
    check(run("issues", "show", str(number))[0]["issue"]["number"] == number, "one is shown")
    check(run("issues", "ignore", str(number), "--until", "now+2h")[0]["state"] == "ignored", "one is ignored")
    check(run("issues", "resolve", str(number), "--release", "2.0")[0]["resolved_in_release"] == "2.0", "one is resolved")
    check(run("issues", "open", str(number))[0]["state"] == "ongoing", "one is opened")
    check(run("issues", "assign", str(number), "me")[0]["assignee"]["email"] == "admin@localhost", "one is assigned")
    check(run("issues", "assign", str(number), "nobody")[0]["assignee"] is None, "and taken back")
    check(len(run("issues", "events", str(number), "--limit", "3")) == 3, "its events are listed")
    check("keys" in run("errors", "rules")[0]["rules"], "rules are read")


def main():
    with Server(flush="1s") as server:
        sender = Sender(server.grpc_port, server.key)
        admin = first_admin(server)
        batch = [failed(function, n) for function, count in EACH.items() for n in range(count)]
        batch += [failed("hostile", 1, "Bad" + HOSTILE, HOSTILE)]
        check(sender.send("logs", logs(batch)).status == 0, "errors are taken")
        wanted = sum(EACH.values()) + 1
        wait_until(lambda: sum(one["total_count"] for one in issues_of(admin).values()) == wanted and len(issues_of(admin)) == 4, "all are in issues", 40)
        counts_are_those_of_sql(server, admin)
        hostile = issues_of(admin)["hostile"]
        detail = admin.done("GET", "/projects/default/issues/%d" % hostile["number"])
        check(detail["latest_event"]["message"] == HOSTILE and "<script>" in hostile["title"], "hostile texts are text: %r" % detail)
        check(detail["latest_event"]["exceptions"][0]["frames"][0]["in_app"], "frames are told")
        check(list(issues_of(admin, "state=all&q=" + "%3Cscript%3E")) == ["hostile"], "and found")
        check(len(admin.done("GET", "/projects/default/issues?limit=3")["items"]) == 3, "a page at a time")
        facets = admin.done("GET", "/projects/default/issues/facets")
        check(facets["states"] == [{"value": "new", "issues": 4}], "facets: %r" % facets)
        states(admin)
        moves(server, admin)
        rules(admin, issues_of(admin)["total"]["number"])
        at_the_shell(server, admin.token, issues_of(admin)["total"]["number"])
        viewer = user_with_role(admin, "viewer@example.com", "default", "viewer")
        number = issues_of(viewer)["total"]["number"]
        told(viewer, "/projects/default/issues/%d" % number, 403, "", "PATCH", {"state": "resolved"})
        told(viewer, "/projects/default/issues/999999", 404, "#999999")
        told(viewer, "/projects/default/issues/x", 404, "number")
        told(viewer, "/projects/default/tail?seconds=0&q=issue:%d" % number, 400, "issue")
        told(viewer, "/projects/default/search?q=issue:one", 400, "number")
        check(viewer.done("GET", "/projects/default/search?q=issue:999999")["items"] == [], "an issue that is not there has no rows")
        everything = server.one("SELECT count(*) FROM otel_logs_and_spans")
        others = viewer.done("GET", "/projects/default/search?limit=1000&q=-issue:%d" % number)["items"]
        check(len(others) == everything - EACH["total"], "-issue:%d finds the others" % number)
        share = admin.done("POST", "/projects/default/shares", {"address": "explore?q=issue:1", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
        token = share.get("token") or share.get("url", "").rsplit("/", 1)[-1]
        check(token, "a link is made: %r" % share)
        told(Caller(server, token), "/projects/default/issues", 403, "")
        told(Caller(server, token), "/projects/default/search?q=issue:1", 403, "")
        actions = {one["action"] for one in admin.done("GET", "/projects/default/audit")["items"]}
        check({"issue.change", "issue.merge", "issue.split", "error_rules.set"} <= actions, "all is in the audit log: %r" % actions)
        print("%d errors in %d issues, counted as SQL counts them" % (wanted, len(issues_of(admin))))


main()
