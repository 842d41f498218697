# time_limit_s: 120, tries: 2
"""What people do in Slack and PagerDuty comes back: buttons of a message and webhooks, signed as both publish it, acknowledge and resolve
the incident, by name; what is not signed, signed by another secret, too old, of another project or of another time changes nothing, and
says why."""
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from apiclient import first_admin
from monoscope import Server, check, wait_until
from sinks import HttpSink

SIGNING, WEBHOOK, ROUTING = "8f742231b10e8888abcd99yyyzzz85a5", "pd-webhook-secret", "0123456789abcdef0123456789abcdef"


def mac(secret, text):
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def post(server, path, body, headers):
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (server.web_port, path), data=body, method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def slack_says(server, path, action, secret=SIGNING, at=None, user="ann", **wrong):
    """A press on a button, as Slack sends it."""
    payload = {"type": "block_actions", "user": {"id": "U061F7AUR", "username": user, "name": user, "team_id": "T1"}, "api_app_id": "A1",
               "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"}, "team": {"id": "T1", "domain": "example"},
               "response_url": "https://hooks.slack.com/actions/x", "actions": [dict(action, type="button", action_ts="1548426417.840180")]}
    body = urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
    seconds = str(int(time.time() if at is None else at))
    headers = {"content-type": "application/x-www-form-urlencoded", "x-slack-request-timestamp": seconds,
               "x-slack-signature": "v0=" + mac(secret, b"v0:%s:%s" % (seconds.encode(), body))}
    headers.update(wrong.get("headers", {}))
    return post(server, path, wrong.get("body", body), headers)


def pagerduty_says(server, path, kind, key, secret=WEBHOOK, **headers):
    event = {"id": "01BQ", "event_type": kind, "resource_type": "incident", "occurred_at": "2026-10-02T18:45:22.169Z",
             "agent": {"id": "PLH1HKV", "type": "user_reference", "summary": "Bob Example"}, "client": None,
             "data": {"id": "PGR0VU2", "type": "incident", "number": 2, "status": "acknowledged", "incident_key": key, "title": "x", "urgency": "high"}}
    body = json.dumps({"event": event}).encode()
    return post(server, path, body, dict({"content-type": "application/json", "x-pagerduty-signature": "v1=%s,v1=%s" % (mac("the old one", body), mac(secret, body))}, **headers))


def say(admin, key):
    return admin.done("POST", "/projects/default/incidents", {"key": key, "title": "p95 of " + key, "severity": "critical", "service": key})["number"]


def incident(admin, number):
    return admin.done("GET", "/projects/default/incidents/%d" % number)


def is_so(admin, number, state, by=None):
    detail = incident(admin, number)
    check(detail["incident"]["state"] == state, "#%d is %s: %s" % (number, state, detail["incident"]))
    if by:
        check(any(event["actor"] == by for event in detail["events"]), "by %s: %s" % (by, detail["events"]))


def buttons_of(body):
    return {element["action_id"]: element for block in body["blocks"] if block["type"] == "actions" for element in block["elements"] if "action_id" in element}


def last_of(http, name, title):
    return wait_until(lambda: [body for body in http.got[name] if title in json.dumps(body)], "%s is told of %s" % (name, title), 30)[-1]


def by_slack(server, admin, http, path, api_path, project):
    number = say(admin, "cart")
    buttons = buttons_of(last_of(http, "slack", "p95 of cart"))
    check(sorted(buttons) == ["monoscope_acknowledge", "monoscope_resolve"], "two buttons: %s" % buttons)
    check(buttons == buttons_of(last_of(http, "slack_api", "p95 of cart")), "the same by chat.postMessage")
    acknowledge, resolve = buttons["monoscope_acknowledge"], buttons["monoscope_resolve"]
    refused = [
        ("signed by another secret", slack_says(server, path, acknowledge, secret="another"), 401, "signing_secret"),
        ("too old", slack_says(server, path, acknowledge, at=time.time() - 301), 401, "five minutes"),
        ("of a clock that is ahead", slack_says(server, path, acknowledge, at=time.time() + 400), 401, "five minutes"),
        ("without a signature", slack_says(server, path, acknowledge, headers={"x-slack-signature": ""}), 401, "x-slack-signature"),
        ("with another body", slack_says(server, path, acknowledge, body=b"payload=%7B%7D"), 401, "signing_secret"),
        ("to a channel that is not there", slack_says(server, path.rsplit("/", 1)[0] + "/9999", acknowledge), 404, "channel"),
        ("to no project", slack_says(server, "/inbound/x/1", acknowledge), 404, ""),
    ]
    for what, (status, text), wanted, words in refused:
        check(status == wanted and words in text, "%s it is refused: %d %s" % (what, status, text))
    is_so(admin, number, "open")
    other = dict(acknowledge, value=acknowledge["value"].replace(project, "0190a3c0-0000-7000-8000-000000000001"))
    for nothing in (other, dict(acknowledge, action_id="open_it"), dict(acknowledge, value="x")):
        check(slack_says(server, path, nothing)[0] == 200, "what is about something else is taken")
    is_so(admin, number, "open")
    for _ in range(2):
        status, text = slack_says(server, path, acknowledge)
        check(status == 200 and text == "", "a press is taken: %d %s" % (status, text))
    is_so(admin, number, "acknowledged", "ann (Slack)")
    told = last_of(http, "slack_api", "Acknowledged by")
    check(sorted(buttons_of(told)) == ["monoscope_resolve"], "then there is one button: %s" % buttons_of(told))
    wait_until(lambda: http.got["pagerduty"][-1]["event_action"] == "acknowledge", "PagerDuty is told", 30)
    check(slack_says(server, api_path, resolve, user="eve")[0] == 200, "the same by the other channel's address")
    is_so(admin, number, "resolved", "eve (Slack)")
    admin.done("PATCH", "/projects/default/incidents/%d" % number, {"act": "reopen"})
    check(slack_says(server, path, acknowledge)[0] == 200, "an old message's button is taken")
    is_so(admin, number, "open")
    admin.done("PATCH", "/projects/default/incidents/%d" % number, {"act": "resolve"})
    print("Slack: %d wrong requests refused; acknowledged and resolved by buttons; an old button does nothing to what opened again" % len(refused))


def by_pagerduty(server, admin, http, path):
    number = say(admin, "pay")
    key = last_of(http, "pagerduty", "p95 of pay")["dedup_key"]
    for what, (status, text), words in [
            ("signed by another secret", pagerduty_says(server, path, "incident.acknowledged", key, secret="another"), "webhook_secret"),
            ("without a signature", pagerduty_says(server, path, "incident.acknowledged", key, **{"x-pagerduty-signature": ""}), "x-pagerduty-signature")]:
        check(status == 401 and words in text, "%s it is refused: %d %s" % (what, status, text))
    for kind, of in [("pagey.ping", key), ("incident.escalated", key), ("incident.acknowledged", "of another tool")]:
        check(pagerduty_says(server, path, kind, of)[0] == 200, "%s is taken" % kind)
    is_so(admin, number, "open")
    before = len(http.got["pagerduty"])
    check(pagerduty_says(server, path, "incident.acknowledged", key)[0] == 200, "an acknowledgement is taken")
    is_so(admin, number, "acknowledged", "Bob Example (PagerDuty)")
    check(pagerduty_says(server, path, "incident.resolved", key)[0] == 200 and pagerduty_says(server, path, "incident.resolved", key)[0] == 200, "and the end, twice")
    is_so(admin, number, "resolved", "Bob Example (PagerDuty)")
    settled(admin)
    check([body["event_action"] for body in http.got["pagerduty"][before:]] == ["acknowledge", "resolve"], "PagerDuty hears what it said once, and no more")
    print("PagerDuty: acknowledged and resolved by webhooks, each once")


def settled(admin):
    channels = [one["id"] for one in admin.done("GET", "/projects/default/channels")["items"]]
    wait_until(lambda: all(d["state"] != "waiting" for c in channels for d in admin.done("GET", "/projects/default/channels/%d/deliveries" % c)["items"]), "all is sent", 30)


def main():
    http = HttpSink()
    with Server(options=["--channels-allow-private", "on", "--public-url", "http://mono.example.com"]) as server:
        admin = first_admin(server)
        add = lambda kind, settings, secrets: admin.done("POST", "/projects/default/channels",
                                                         {"kind": kind, "name": kind, "settings": settings, "secrets": secrets, "routes": [{"severity": "info"}]})
        made = [add("slack", {}, {"url": http.url("slack"), "signing_secret": "to be changed"}),
                add("slack_token", {"channel": "C1", "api_url": http.url("slack_api")}, {"token": "xoxb-1", "signing_secret": SIGNING}),
                add("pagerduty", {"api_url": http.url("pagerduty")}, {"routing_key": ROUTING, "webhook_secret": WEBHOOK})]
        hook = add("webhook", {"url": http.url("webhook")}, {})
        admin.done("DELETE", "/projects/default/channels/%d" % hook["id"])
        check(hook["inbound_url"] is None, "nothing comes back by a webhook")
        check(all(one["inbound_url"].startswith("http://mono.example.com/inbound/") for one in made), "the addresses: %s" % made)
        admin.done("PATCH", "/projects/default/channels/%d" % made[0]["id"], {"secrets": {"signing_secret": SIGNING}})  # the address stays
        paths = [one["inbound_url"][len("http://mono.example.com"):] for one in made]
        by_slack(server, admin, http, paths[0], paths[1], paths[0].split("/")[2])
        by_pagerduty(server, admin, http, paths[2])
        check(not http.wrong, "payloads are as published: %s" % http.wrong)
        done = [one for one in admin.done("GET", "/audit?limit=100")["items"] if one["action"] in ("incident.acknowledge", "incident.resolve")]
        check(any("ann (Slack)" in json.dumps(one) for one in done), "it is in the audit log: %s" % done)


main()
