# time_limit_s: 400, tries: 2 (the first run installs the browser's driver)
"""The browser SDK (sdk/browser) in pages of a real Chromium: tests/ui/browser_sdk.js says what they do. Here: what came of it in
Monoscope: the errors are issues, a span of the backend is found by the page's user and session, what was sent again counts once."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin
from monoscope import STORY_DIR, Server, check, free_port, wait_until
from nodeprogram import NODE, environment, install
from shop import Shop


def backend_span(server, trace, parent):
    """The backend's span of the page's request, from an SDK that never heard of a user."""
    now = time.time_ns()
    Shop(server).post("traces", {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "backend"}}]},
        "scopeSpans": [{"spans": [{"traceId": trace, "spanId": "00f067aa0ba902b7", "parentSpanId": parent, "name": "GET /order", "kind": 2,
                                   "startTimeUnixNano": str(now - 10**6), "endTimeUnixNano": str(now)}]}]}]})


def main():
    with Server(flush="1s") as server:
        admin = first_admin(server)
        ports = {name: free_port() for name in ("page", "backend", "stranger", "relay")}
        key = server.key_create("default", "page", "--browser", "http://127.0.0.1:%d" % ports["page"])[1]
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "http": server.http_port, "key": key, "ports": ports, "shots": os.path.join(STORY_DIR, "story_browser_sdk.shots")}
        done = subprocess.run([NODE, "browser_sdk.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=300, stdout=subprocess.PIPE, text=True)
        print("\n".join(line for line in done.stdout.splitlines() if not line.startswith("RESULT ")), flush=True)
        check(done.returncode == 0, "the SDK in its pages is as it should be")
        result = json.loads([line for line in done.stdout.splitlines() if line.startswith("RESULT ")][0][7:])
        backend_span(server, result["trace"], result["parent"])
        wait_until(lambda: server.one("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'backend'") == 1, "the backend's span is there")
        for condition in ("attributes___user___id = 'u7'", "attributes___session___id = '%s'" % result["session"]):
            found = [row[0] for row in server.query("SELECT DISTINCT resource___service___name FROM otel_logs_and_spans WHERE %s ORDER BY 1" % condition)]
            check(found == ["backend", "page"], "%s finds the backend's span too: %r" % (condition, found))
        counted = server.query("SELECT count(*), count(DISTINCT attributes->>'n') FROM otel_logs_and_spans WHERE name = 'counted'")
        check(counted == [(150, 150)], "what was sent again is there once: %r" % counted)
        check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'last words' AND attributes___session___id = '%s'" % result["last_session"]) == 1,
              "the last words of a closed tab are there")
        issues = wait_until(lambda: [one for one in admin.done("GET", "/projects/default/issues?from=now-1h")["items"] if "cart" in one["culprit"]],
                            "an error of the page is an issue that tells where it was")
        check(len(issues) == 1 and (issues[0]["title"], issues[0]["total_count"], issues[0]["first_release"], issues[0]["language"]) == ("TypeError", 1, "1.2.3", "javascript"),
              "it is one, with its release: %r" % issues)
        print("an issue: %s at %s" % (issues[0]["title"], issues[0]["culprit"]), flush=True)
        server.stop()


main()
