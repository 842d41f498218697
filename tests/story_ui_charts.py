# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""The explorer's charts in a real Chromium on real telemetry: tests/ui/charts.js says what is done. Each kind shows the numbers that another
statement of its own gets by the API; dragging zooms, a box on the heat map becomes rows, all of it by the keyboard too; axe finds no
violation of WCAG AA in light or dark; each kind at three widths is kept in build/stories/story_ui_charts.shots."""
import datetime
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check
from nodeprogram import NODE, environment, install
from shop import Shop


def iso(ns):
    return datetime.datetime.fromtimestamp(ns // 10**9, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def main():
    with Server() as server:
        first_admin(server)
        shop = Shop(server)
        shop.send(traces=600)
        shop.hostile()
        rows = 600 * 5 + len(shop.failed) + 2
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_charts.shots"), "rows": rows,
                 "from": iso(shop.now_ns - 3600 * 10**9), "to": iso(shop.now_ns + 60 * 10**9)}
        done = subprocess.run([NODE, "charts.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=280)
        check(done.returncode == 0, "the charts are as they should be")


main()
