# time_limit_s: 400, tries: 2 (the first run installs the browser's driver)
"""Questions in plain English in a real Chromium, over a shop's telemetry: tests/ui/ask.js says what is done. What is shown equals the
SQL that the page opens; every state is the address; axe finds no violation of WCAG AA; pages at three widths are kept in
build/stories/story_ui_ask.shots."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from shop import HOSTILE, Shop


def main():
    with Server(flush="1s") as server:  # services are known by what was flushed
        admin = first_admin(server)
        shop = Shop(server)
        shop.send(traces=300)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 300 * 5 + len(shop.failed))
        services = wait_until(lambda: {one["name"] for one in admin.done("GET", "/projects/default/services?from=now-1d")["items"]} & {"web", "payments"} == {"web", "payments"} and
                              [one["name"] for one in admin.done("GET", "/projects/default/services?from=now-1d")["items"]], "the services are known")
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "services": services, "http": "http://127.0.0.1:%d" % server.http_port, "key": server.key, "hostile": HOSTILE[0], "hostile_name": " ".join(HOSTILE),
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_ask.shots"),
                 "payments_errors": server.one("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'payments' AND (status_code = 'ERROR' OR level IN ('ERROR', 'FATAL'))")}
        done = subprocess.run([NODE, "ask.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=380)
        check(done.returncode == 0, "questions in the UI are as they should be")


main()
