# time_limit_s: 200, tries: 2 (the first run installs the browser's driver)
"""Incidents and channels in a real Chromium: tests/ui/incidents.js says what is done. A channel of each kind that has a sink is made by its
form, tested, its log read; one that does not answer says so; incidents are listed, filtered, opened by keys, acknowledged, noted, muted,
resolved and opened again; a viewer reads alone. What the pages did is then read by the API and by what the sinks got.
axe finds no violation of WCAG AA in both themes; pages at three widths are kept in build/stories/story_ui_incidents.shots."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin, user_with_role
from monoscope import REPO, Server, check
from nodeprogram import NODE, environment, install
from sinks import WEBHOOK_SECRET, HttpSink, MailSink


def main():
    http, mail = HttpSink(), MailSink()
    options = ["--channels-allow-private", "on", "--smtp-url", mail.url(), "--smtp-tls", "off", "--smtp-from", "mono@example.com", "--public-url", "http://mono.example.com"]
    with Server(options=options) as server:
        admin = first_admin(server)
        user_with_role(admin, "vi@example.com", "default", "viewer")
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_incidents.shots"),
                 "slack": http.url("slack"), "webhook": http.url("webhook"), "refused": http.url("nowhere"), "secret": WEBHOOK_SECRET.decode()}
        done = subprocess.run([NODE, "incidents.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=190)
        check(done.returncode == 0, "the pages are as they should be")
        names = {one["name"]: one for one in admin.done("GET", "/projects/default/channels")["items"]}
        check(set(names) == {"ops mail", "room", "hook"}, "channels are as the pages made them: %s" % sorted(names))
        check(names["room"]["routes"] == [{"severity": "warning", "services": ["shop-*"]}], "a route: %s" % names["room"])
        check(len(mail.mails) >= 2 and mail.mails[0][1]["Subject"].startswith("[test]"), "the operator's server has the mails: %d" % len(mail.mails))
        check(http.got["slack"] and http.got["webhook"], "Slack and the webhook were told")
        whats = [e["what"] for e in reversed(admin.done("GET", "/projects/default/incidents/1")["events"])]
        check(whats == ["opened", "joined", "acknowledged", "note", "muted", "unmuted", "resolved", "reopened"], "what the pages did: %s" % whats)
    mail.stop()


main()
