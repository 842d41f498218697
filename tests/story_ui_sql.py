# time_limit_s: 300 (the first run installs the browser's driver)
"""Statements in the web UI in a real Chromium: tests/ui/sql.js says what is done. Any view opens as SQL and gives the same rows, mistakes
are marked where they are, long ones end, files hold all rows; axe finds no violation of WCAG AA in light or dark; pages at three widths are
kept in build/stories/story_ui_sql.shots."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check
from nodeprogram import NODE, environment, install
from shop import Shop


def main():
    with Server() as server:
        first_admin(server)
        shop = Shop(server)
        shop.send(traces=400)
        rows = 400 * 5 + len(shop.failed)
        trace = shop.trace(500)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows + 500)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_sql.shots"), "trace": trace, "trace_spans": 500,
                 "server_spans": server.one("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server' AND timestamp >= now() - interval '1 hour'")}
        done = subprocess.run([NODE, "sql.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=280)
        check(done.returncode == 0, "statements in the UI are as they should be")


main()
