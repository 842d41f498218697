# time_limit_s: 240, tries: 2 (the first run installs the browser's driver)
"""The settings' pages in a real Chromium, as an instance admin, an admin, an editor and a viewer of a project: tests/ui/settings.js says what is
done. Keys are made, used by a real sender and revoked; roles given and taken; what retention would drop is counted before it is set; rules
are tried and then count; errors stand at their fields; who may not change something reads why. What the pages said is then read by the API.
axe finds no violation of WCAG AA; pages at three widths are kept in build/stories/story_ui_settings.shots."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin, sign_in, user_with_role
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from shop import Shop

OLD, NEW, METRIC_NAME = 120, 30, "shop.orders"
DAY_NS = 86400 * 10**9


def plant(server, key):
    """Log lines of ten days ago and of now, in the project that gets another name."""
    shop = Shop(server)
    shop.server = type("Sender", (), {"http_port": server.http_port, "key": key})()
    for n in range(OLD + NEW):
        shop.log("cart", shop.now_ns - (10 * DAY_NS if n < OLD else 0) - n * 10**6, "INFO", "line %d" % n)
    shop.flush()


def done_by_pages(admin, server):
    """What the pages changed is what the API says now; who did it stands in the audit log."""
    check(not any(one["name"] in ("doomed", "stall") for one in admin.done("GET", "/projects")["items"]), "the project with a typed name is gone")
    members = {one["name"]: one["role"] for one in admin.done("GET", "/projects/market/members")["items"]}
    check(members == {"ad@example.com": "admin", "ed@example.com": "editor", "vi@example.com": "viewer", "new@example.com": "editor", "night shift": "viewer"},
          "members are as the pages made them: %s" % members)
    check(admin.done("GET", "/projects/market/retention")["tables"][0] == {"table": "otel_logs_and_spans", "days": 7, "is_default": False}, "retention is set")
    rules = admin.done("GET", "/projects/market/redaction-rules")["items"]
    check([(one["name"], one["does"], one["is_on"], one["found_30_days"]) for one in rules] == [("cards", "mask", True, 1)], "one rule is left, and found one: %s" % rules)
    limits = {one["name"]: one["value"] for one in admin.done("GET", "/projects/market/limits")["limits"]}
    check(limits["requests_per_second"] == 2500 and limits["events_per_month"] == 1000000 and limits["queries"] == 0, "limits are set: %s" % limits)
    llm = admin.done("GET", "/projects/market/llm")
    check(llm["is_on"] is False and llm["in_use"] is None, "no model is asked: %s" % llm)
    check(admin.done("GET", "/projects/market/shares")["items"] == [], "the link is revoked")
    actions = {one["action"] for one in admin.done("GET", "/projects/market/audit?limit=500")["items"]}
    wanted = {"key.create", "key.revoke", "member.set", "member.remove", "retention.set", "redaction_rule.create", "redaction_rule.change", "redaction_rule.delete", "limit.set", "llm.set", "share.revoke", "project.rename"}
    check(wanted <= actions, "all of it is in the audit log: %s" % sorted(wanted - actions))
    check(sign_in(server, "ad@example.com", PASSWORD).ask("PUT", "/projects/market/limits/queries", {"value": 3})[0] == 403, "and the server checks too")


def main():
    with Server(flush="1s") as server:
        admin = first_admin(server)
        for name in ("market-old", "doomed"):
            admin.done("POST", "/projects", {"name": name})
        for email, role in (("ad@example.com", "admin"), ("ed@example.com", "editor"), ("vi@example.com", "viewer"), ("out@example.com", "viewer")):
            user_with_role(admin, email, "market-old", role)
        key = admin.done("POST", "/projects/market-old/keys", {"name": "planted", "scopes": ["ingest"]})["secret"]
        plant(server, key)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        link = admin.done("POST", "/projects/market-old/shares", {"title": "the hour of the incident", "address": "explore?q=level:error", "from": "2026-01-01T00:00:00Z", "to": now})
        wait_until(lambda: admin.done("POST", "/projects/market-old/query", {"sql": "SELECT count(*) FROM otel_logs_and_spans"})["rows"] == [[OLD + NEW]], "the rows are there")
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "otlp": "http://127.0.0.1:%d" % server.http_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_settings.shots"), "old": OLD, "all": OLD + NEW, "link": link["path"]}
        done = subprocess.run([NODE, "settings.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=220)
        check(done.returncode == 0, "the pages of settings are as they should be")
        done_by_pages(admin, server)


main()
