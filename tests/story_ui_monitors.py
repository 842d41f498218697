# time_limit_s: 240, tries: 2 (the first run installs the browser's driver)
"""Monitors in the browser (tests/ui/monitors.js): a ready one in a click, the form with its chart of the past, one that is muted, the
list. axe finds no violation of WCAG AA; pages at three widths are kept in build/stories/story_ui_monitors.shots."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import otlp
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check
from nodeprogram import NODE, environment, install


def main():
    with Server(flush="300ms") as server:
        first_admin(server)
        sender = otlp.Sender(server.grpc_port, server.key)
        begin = int(time.time()) // 60 * 60 - 150 * 60
        spans = [otlp.span("GET /", at_ns=(begin + minute * 60 + n * 5 + 1) * 10**9, kind=2)
                 for minute in range(150) for n in range(10 if 60 <= minute < 80 else 3)]
        sender.send("traces", otlp.traces(spans, {"service.name": "cart"}))
        sender.close()
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server'", len(spans), 60)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_monitors.shots")}
        done = subprocess.run([NODE, "monitors.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=200)
        check(done.returncode == 0, "the pages of monitors are as they should be")


main()
