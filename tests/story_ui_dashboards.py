# time_limit_s: 400, tries: 2 (the first run installs the browser's driver)
"""Dashboards in a real Chromium, over a shop's telemetry: tests/ui/dashboards.js says what is done. What a panel shows equals the SQL
that it opens; axe finds no violation of WCAG AA; pages at three widths are kept in build/stories/story_ui_dashboards.shots."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check
from nodeprogram import NODE, environment, install
from shop import HOSTILE, Shop


def main():
    with Server(flush="1s") as server:
        first_admin(server)
        shop = Shop(server)
        shop.send(traces=300)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 300 * 5 + len(shop.failed))
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "hostile": HOSTILE[0],
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_dashboards.shots")}
        done = subprocess.run([NODE, "dashboards.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=380)
        check(done.returncode == 0, "dashboards in the UI are as they should be")


main()
