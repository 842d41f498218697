# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""The web UI in a real Chromium on real telemetry of a small shop: tests/ui/story.js says what is done; axe finds no violation of WCAG AA in
light or dark; pages at three widths are kept in build/stories/story_ui.shots. The types that it is checked by are those of the server."""
import json
import os
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, STORY_DIR, Server, check
from nodeprogram import NODE, environment, install
from shop import Shop

SPANS = 20000


def types_are_the_servers(server):
    """ui/src/api/schema.d.ts is what openapi-typescript makes of the server's document now."""
    document = os.path.join(STORY_DIR, "openapi.json")
    with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/openapi.json" % server.web_port, timeout=30) as answer, open(document, "wb") as out:
        out.write(answer.read())
    made = os.path.join(STORY_DIR, "schema.d.ts")
    tool = os.path.join(REPO, "ui", "node_modules", "openapi-typescript", "bin", "cli.js")
    ran = subprocess.run([NODE, tool, document, "-o", made], env=environment(), capture_output=True, text=True)
    check(ran.returncode == 0, "types are made of the document: " + ran.stderr[-2000:])
    with open(made) as new, open(os.path.join(REPO, "ui", "src", "api", "schema.d.ts")) as kept:
        check(new.read() == kept.read(), "ui/src/api/schema.d.ts is the server's: ui/build types makes it anew")


def page_brings(server, admin):
    """A page of who is signed in has the answers that it would ask for first; of nobody it has none, and of a project that is not theirs none of it."""
    def page(path, token=None):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (server.web_port, path), headers={"accept": "text/html"})
        if token:
            request.add_header("cookie", "monoscope_session=" + token)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text, headers = answer.read().decode(), answer.headers
        found = re.search(r'<script type="application/json" id="brought">(.*?)</script>', text, re.S)
        return (json.loads(found.group(1)) if found else None), headers
    made = admin.done("POST", "/projects/default/dashboards", {"title": "</script><script>alert(1)</script>", "panels": []})
    path = "/projects/default/dashboards/" + made["slug"]
    brought, headers = page("/p/default/dashboards/" + made["slug"], admin.token)
    check(headers["cache-control"] == "no-store" and "script-src 'self'" in headers["content-security-policy"], "nobody keeps it: %s" % headers)
    check(brought["/users/me"]["body"]["email"] == "admin@localhost" and brought["/users/me"]["body"]["csrf_token"], "it says who is signed in")
    check([one["name"] for one in brought["/projects?limit=500"]["body"]["items"]] == [one["name"] for one in admin.done("GET", "/projects?limit=500")["items"]], "and what projects there are")
    status, wanted, got = admin.ask("GET", path)
    check(status == 200 and brought[path] == {"tag": got["etag"], "body": wanted}, "and the dashboard, with its tag: %s" % brought[path])
    brought, _ = page("/p/default/explore?q=service%3Acart+%22a+b%22", admin.token)
    key = '/projects/default/search/translate?q=service:cart "a b"'
    check(brought[key]["body"] == admin.done("POST", "/projects/default/search/translate", {"q": 'service:cart "a b"'}), "and what a search means: %s" % list(brought))
    brought, _ = page("/p/nowhere/dashboards/x", admin.token)
    check(set(brought) == {"/users/me", "/projects?limit=500"}, "of what is not there nothing: %s" % list(brought))
    check(page("/p/default/explore?q=x")[0] is None, "of nobody nothing")
    check(page("/p/default/explore?q=x", "mono_no_such_session")[0] in (None, {}), "of a session that is over nothing")
    many = "&".join("var.n%d=%%zz" % n for n in range(40))
    check("/users/me" in page("/p/default/explore?" + many, admin.token)[0], "whatever stands behind the \"?\"")


def main():
    with Server() as server:
        admin = first_admin(server)
        admin.done("POST", "/projects", {"name": "empty"})
        types_are_the_servers(server)
        page_brings(server, admin)
        shop = Shop(server)
        shop.send(traces=600)
        rows = 600 * 5 + len(shop.failed)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui.shots"), "rows": rows + 2, "failed": len(shop.failed),
                 "spans": SPANS}
        given["hostile"] = shop.hostile()
        given["trace"] = shop.trace(SPANS)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows + 2 + SPANS)
        given["rows"] += SPANS
        given["payments_spans"] = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'payments' AND kind <> 'log'")
        folder = install("ui")
        done = subprocess.run([NODE, "story.js", json.dumps(given)], cwd=folder, env=environment(), timeout=280)
        check(done.returncode == 0, "the UI is as it should be")


main()
