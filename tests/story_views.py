# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""Saved views, links for people without an account, the environment switch. By the API: a link reads rows of its own time in its own project
whatever SQL it sends, changes nothing, and ends when it is revoked, expires, or its maker may not share any more. In a real Chromium
(tests/ui/views.js): a view is saved, reopened, changed, saved again, renamed, deleted; a link is made and opened in a browser without
cookies, and ends; axe finds no violation of WCAG AA; pages are kept in build/stories/story_views.shots."""
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, Caller, first_admin, sign_in, user_with_role
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from otlp import Sender, log, logs, span, traces

HIDDEN = "out-of-the-links-time"  # in rows before, behind, and in another project
NOBODY_HAS = "00000000-0000-4000-8000-000000000000"
STATEMENTS = [
    "SELECT * FROM otel_logs_and_spans", "SELECT * FROM telemetry", "SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 5",
    "SELECT * FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 5", "SELECT * FROM otel_logs_and_spans WHERE timestamp > '1970-01-01' OR true",
    "SELECT * FROM otel_logs_and_spans UNION ALL SELECT * FROM otel_logs_and_spans", "TABLE otel_logs_and_spans",
    "WITH t AS (SELECT * FROM otel_logs_and_spans) SELECT * FROM t", "WITH t AS MATERIALIZED (SELECT * FROM telemetry) SELECT * FROM t",
    "WITH otel_logs_and_spans AS (SELECT * FROM otel_logs_and_spans) SELECT * FROM otel_logs_and_spans",
    "SELECT string_agg(body::text, ',') AS a, min(timestamp), max(timestamp) FROM otel_logs_and_spans",
    "SELECT (SELECT string_agg(body::text, ',') FROM otel_logs_and_spans) AS a", "VALUES ((SELECT string_agg(body::text, ',') FROM otel_logs_and_spans))",
    "SELECT b.body FROM otel_logs_and_spans a, LATERAL (SELECT body FROM otel_logs_and_spans b WHERE b.timestamp < a.timestamp) b",
    "SELECT body, lag(body) OVER (ORDER BY timestamp), lead(body) OVER (ORDER BY timestamp) FROM otel_logs_and_spans",
    "SELECT * FROM public.otel_logs_and_spans WHERE body::text LIKE '%time%'", "SELECT * FROM otel_logs_and_spans WHERE project_id = '{other}'",
    "SELECT count(*) FROM otel_logs_and_spans GROUP BY GROUPING SETS ((), (date))", "EXPLAIN ANALYZE SELECT * FROM otel_logs_and_spans",
    "SELECT * FROM timefusion_stats", "DESCRIBE HISTORY otel_logs_and_spans", "DELETE FROM otel_logs_and_spans", "SET project_id = '{other}'",
    "SELECT * FROM read_parquet('{data}/**/*.parquet')", "SELECT * FROM otel_logs_and_spans; SELECT 1", "FLUSH", "VACUUM",
]


def iso(when):
    return when.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def ns(when):
    return int(when.timestamp() * 1e9)


def send(server, key, now):
    """Within the link's time 20 logs of two environments; before and behind it others; a trace with spans of both environments."""
    sender = Sender(server.grpc_port, key)
    for minutes, body, name in [(180, HIDDEN, "prod"), (0, HIDDEN, "prod")] + [(30 - n, "line %d" % n, "prod" if n % 2 else "test") for n in range(20)]:
        made = logs([log(body, {"note": body}, at_ns=ns(now - timedelta(minutes=minutes)))], {"service.name": "payments", "deployment.environment.name": name})
        check(sender.send("logs", made).rejected == 0, "a log is taken")
    trace = os.urandom(16)
    for name in ("prod", "test"):
        made = traces([span("of " + name, at_ns=ns(now - timedelta(minutes=20)), trace_id=trace)], {"service.name": "orders", "deployment.environment.name": name})
        check(sender.send("traces", made).rejected == 0, "a span is taken")
    return trace.hex()


def link_make(caller, now, **more):
    return caller.done("POST", "/projects/default/shares", dict({"title": "a view", "address": "explore?q=service:payments&from=now-1h",
                                                                "from": iso(now - timedelta(minutes=40)), "to": iso(now - timedelta(minutes=5))}, **more))


def check_views(admin, editor, viewer, other):
    path = "/projects/default/views"
    own = viewer.done("POST", path, {"name": "mine", "address": "explore?q=1"})
    check(own["is_own"] and own["can_change"] and not own["is_shared"], own)
    check(viewer.ask("POST", path, {"name": "for all", "address": "explore", "is_shared": True})[0] == 403, "a viewer shares nothing with the project")
    shared = editor.done("POST", path, {"name": "for all", "address": "explore?q=2", "is_shared": True})
    check([one["name"] for one in viewer.done("GET", path)["items"]] == ["for all", "mine"], "one's own and the project's, by name")
    check([one["name"] for one in editor.done("GET", path)["items"]] == ["for all"], "not those of others")
    check(editor.ask("GET", "%s/%s" % (path, own["id"]))[0] == 404, "by its id neither")
    check(viewer.ask("PATCH", "%s/%s" % (path, shared["id"]), {"name": "x"})[0] == 403, "what another saved one does not change")
    status, _, headers = editor.ask("GET", "%s/%s" % (path, shared["id"]))
    check(editor.ask("PATCH", "%s/%s" % (path, shared["id"]), {"name": "renamed"})[0] == 200, "its owner does")
    check(editor.ask("PATCH", "%s/%s" % (path, shared["id"]), {"name": "lost"}, {"if-match": headers["etag"]})[0] == 412, "but not over what changed meanwhile")
    check(admin.done("PATCH", "%s/%s" % (path, shared["id"]), {"is_shared": True})["name"] == "renamed", "an admin too")
    for bad in ("/explore", "../x", "//host", "explore#x", "javascript:alert(1)", "explore?q=<b>", "explore?q=a b"):
        status, answer, _ = viewer.ask("POST", path, {"name": "bad", "address": bad})
        check(status == 400 and answer["pointer"] == "/address", "%s is no address: %s" % (bad, answer))
    check(other.ask("GET", path)[0] == 404 and other.ask("GET", "/projects/other/views/" + shared["id"])[0] == 404, "another project's are not there")
    page = viewer.done("GET", path + "?limit=1")
    rest = viewer.done("GET", path + "?limit=1&cursor=" + page["next_cursor"])
    check([one["name"] for one in page["items"] + rest["items"]] == ["mine", "renamed"], "a page at a time: %s %s" % (page, rest))
    for caller, one in ((viewer, own), (editor, shared)):
        caller.done("DELETE", "%s/%s" % (path, one["id"]))
        check(caller.ask("DELETE", "%s/%s" % (path, one["id"]))[0] == 404, "it is gone")


def check_reading(server, link, other_id):
    """Whatever a link asks, no row of another time or project comes, and nothing changes."""
    guest = Caller(server, link["token"])
    told = guest.done("GET", "/users/me")
    check(told["kind"] == "share" and told["from"] == link["from"] and told["to"] == link["to"], told)
    check([one["name"] for one in guest.done("GET", "/projects")["items"]] == ["default"], "one project")
    answered = 0
    for sql in STATEMENTS:
        sql = sql.replace("{other}", other_id).replace("{data}", server.data)
        for status, answer in (guest.ask("POST", "/projects/default/query", {"sql": sql})[:2],
                               guest.ask("GET", "/projects/default/query?format=csv&sql=" + urllib.parse.quote(sql))[:2]):
            check(status in (200, 400, 403, 404, 422), "%s: %s %s" % (sql, status, answer))
            check(HIDDEN not in json.dumps(answer), "%s shows another time: %.300s" % (sql, answer))
            answered += status == 200
    check(answered >= 30, "most of them are answered with the link's own rows: %d" % answered)
    check(guest.done("POST", "/projects/default/query", {"sql": "SELECT count(*) FROM otel_logs_and_spans"})["rows"] == [[22]], "20 logs and 2 spans")
    found = guest.done("GET", "/projects/default/search?q=%s&from=now-7d" % HIDDEN)
    check(found["items"] == [], "the search neither: %s" % found)
    for status in (guest.ask("GET", "/projects/default/" + what)[0] for what in ("attributes", "counts", "services", "tail?seconds=0", "patterns", "views", "shares", "keys", "members")):
        check(status == 403, "what tells of other times is refused: %s" % status)
    for there, not_there in (("other", "nosuch"), (other_id, NOBODY_HAS)):
        seen, wanted = (guest.ask("POST", "/projects/%s/query" % name, {"sql": "SELECT 1"}) for name in (there, not_there))
        check(seen[0] == wanted[0] == 404 and json.dumps(seen[1]).replace(there, "") == json.dumps(wanted[1]).replace(not_there, ""), "a foreign project is not there")
    return answered


def is_open(server, link):
    status, answer, _ = Caller(server, link["token"]).ask("POST", "/projects/default/query", {"sql": "SELECT 1"})
    check(status in (200, 401, 403), "%s %s" % (status, answer))
    return status == 200


def check_ends(server, admin, editor, viewer, now):
    """Revoked, expired, its maker no editor any more, switched off."""
    first, second, third = (link_make(editor, now) for _ in range(3))
    check(viewer.ask("POST", "/projects/default/shares", {"address": "explore", "from": first["from"], "to": first["to"]})[0] == 403, "a viewer makes no links")
    check(all(is_open(server, one) for one in (first, second, third)), "they open")
    editor.done("DELETE", "/projects/default/shares/" + first["id"])
    check(not is_open(server, first), "a revoked one opens nothing from then on")
    with sqlite3.connect(os.path.join(server.data, "meta.sqlite"), timeout=20) as db:
        ends = int((time.time() + 1.5) * 1e6)
        check(db.execute("UPDATE share_links SET expires_unix_us = ? WHERE id = ?", (ends, second["id"])).rowcount == 1, "it ends soon")
        kept = db.execute("SELECT group_concat(hex(token_hmac)) || group_concat(address) FROM share_links").fetchone()[0]
    check(third["token"] not in kept and third["token"].encode().hex().upper() not in kept, "its token is not kept")
    check("from=" not in kept, "nor a relative time")
    check(is_open(server, second), "until then it opens")
    wait_until(lambda: not is_open(server, second), "then it does not", 60)
    check(time.time() * 1e6 < ends + 1.5e6, "within a second")
    admin.done("PUT", "/projects/default/sharing", {"is_on": False})
    check(not is_open(server, third) and editor.ask("POST", "/projects/default/shares", {"address": "explore", "from": first["from"], "to": first["to"]})[0] == 403, "switched off")
    check(admin.done("PUT", "/projects/default/sharing", {"is_on": True})["is_on"] and is_open(server, third), "and on")
    admin.done("PUT", "/projects/default/members/" + editor.user_id, {"role": "viewer"})
    check(not is_open(server, third), "its maker may not share any more")
    admin.done("PUT", "/projects/default/members/" + editor.user_id, {"role": "editor"})
    for bad in ({"from": iso(now), "to": iso(now - timedelta(hours=1))}, {"from": iso(now + timedelta(hours=1))}, {"expires_at": iso(now + timedelta(days=91))}, {"address": "../x"}):
        status, answer, _ = editor.ask("POST", "/projects/default/shares", dict({"address": "explore", "from": first["from"], "to": first["to"]}, **bad))
        check(status == 400, "%s is refused: %s" % (bad, answer))
    actions = [row["action"] for row in admin.done("GET", "/projects/default/audit?limit=100")["items"]]
    for action in ("share.create", "share.revoke", "project.sharing", "view.create", "view.change", "view.delete"):
        check(action in actions, "%s is in the audit log: %s" % (action, actions))


def check_stream(server, editor, now):
    """A download that goes on while its link is revoked is cut."""
    link = link_make(editor, now)
    sql = urllib.parse.quote("SELECT n, repeat('x', 200) FROM generate_series(1, 20000000) AS g(n)")
    request = urllib.request.Request("http://127.0.0.1:%d/api/v1/projects/default/query?format=csv&sql=%s" % (server.web_port, sql),
                                     headers={"authorization": "Bearer " + link["token"]})
    total, begin = 0, None
    with urllib.request.urlopen(request, timeout=60) as answer:
        try:
            while True:
                piece = answer.read(1 << 20)
                if not piece:
                    break
                total += len(piece)
                if begin is None:
                    editor.done("DELETE", "/projects/default/shares/" + link["id"])
                    begin = time.monotonic()
        except (http.client.IncompleteRead, ConnectionError):
            took = time.monotonic() - begin
            check(took < 20, "within a second or so: %.1f s" % took)
            print("a download of a revoked link ended after %.1f s, %d MB" % (took, total >> 20), flush=True)
            return
    check(False, "a revoked link's download is not whole: %d bytes" % total)


def main():
    now = datetime.now(timezone.utc)
    with Server() as server:
        admin = first_admin(server)
        other_id, _, other_key = server.project_create("other")
        editor, viewer = (user_with_role(admin, "%s@example.com" % role, "default", role) for role in ("editor", "viewer"))
        other = user_with_role(admin, "other@example.com", "other", "owner")
        trace = send(server, server.key, now)
        wait_until(lambda: Caller(server, other_key).ask("GET", "/projects")[0] == 200, "the other's key is known")
        check(Sender(server.grpc_port, other_key).send("logs", logs([log(HIDDEN, at_ns=ns(now - timedelta(minutes=20)))])).rejected == 0, "the other sends")
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 24)
        check_views(admin, editor, viewer, other)
        answered = check_reading(server, link_make(editor, now), other_id)
        check_ends(server, admin, editor, viewer, now)
        check_stream(server, editor, now)
        print("a link: %d of %d answers, each with rows of its own time alone" % (answered, 2 * len(STATEMENTS)), flush=True)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "trace": trace, "hidden": HIDDEN,
                 "shots": os.path.join(REPO, "build", "stories", "story_views.shots"), "from": iso(now - timedelta(minutes=40)), "to": iso(now - timedelta(minutes=5))}
        done = subprocess.run([NODE, "views.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=200)
        check(done.returncode == 0, "saved views, links and the switch are as they should be")
        server.stop()
    with Server(data=server.data, options=("--shares", "off")) as server:
        status, answer, _ = sign_in(server, "editor@example.com", PASSWORD).ask("POST", "/projects/default/shares", {"address": "explore", "from": iso(now - timedelta(hours=1)), "to": iso(now)})
        check(status == 403 and "--shares off" in answer["detail"], "a server that shares nothing says so: %s" % answer)
        server.stop()


main()
