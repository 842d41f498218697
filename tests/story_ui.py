# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""The web UI in a real Chromium on real telemetry of a small shop: tests/ui/story.js says what is done; axe finds no violation of WCAG AA in
light or dark; pages at three widths are kept in build/stories/story_ui.shots. The types that it is checked by are those of the server."""
import json
import os
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


def main():
    with Server() as server:
        admin = first_admin(server)
        admin.done("POST", "/projects", {"name": "empty"})
        types_are_the_servers(server)
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
