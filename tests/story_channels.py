# time_limit_s: 240, tries: 2
"""Channels and incidents: what goes wrong is told by mail, Slack (both ways), Discord, PagerDuty and a webhook, to sinks that take what
those publish and nothing else; an incident opens, gets worse, is acknowledged from a message, is resolved; servers that answer 429, 500,
not at all; a channel that fails says so, and another channel says it too; a flood becomes a digest; a server that is killed at every step
loses nothing and sends nothing twice but what it says may be a repeat; nothing private is reached; secrets never come back.
"""
import contextlib
import json
import os
import random
import re
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import authority
from apiclient import Caller, first_admin
from monoscope import STORY_DIR, Server, check, wait_until
from sinks import WEBHOOK_SECRET, HttpSink, MailSink

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SECRETS = {"slack_token": "xoxb-17-secret-token", "password": "mail-secret-password", "webhook": WEBHOOK_SECRET.decode(), "routing": ROUTING_KEY}
ALL = [{"severity": "info"}]
FAIL_POINTS = ["channels.after_take", "channels.before_send", "channels.after_send", "channels.after_end"]


def add(admin, kind, name, settings=None, secrets=None, routes=ALL):
    return admin.done("POST", "/projects/default/channels",
                      {"kind": kind, "name": name, "settings": settings or {}, "secrets": secrets or {}, "routes": routes})["id"]


def signal(admin, key, severity="critical", service="cart", **more):
    return admin.ask("POST", "/projects/default/incidents",
                     dict({"key": key, "title": "p95 of <%s> & more" % key, "severity": severity, "service": service}, **more))


def say(admin, key, **more):
    status, incident, _ = signal(admin, key, **more)
    check(status == 200, "a signal is taken: %s %s" % (status, incident))
    return incident


def deliveries(admin, channel):
    return admin.done("GET", "/projects/default/channels/%d/deliveries?limit=1000" % channel)["items"]


def settled(admin, channels, timeout_s=30):
    wait_until(lambda: all(d["state"] not in ("waiting",) for c in channels for d in deliveries(admin, c)),
               "nothing waits", timeout_s)


def all_kinds(admin, http, mail):
    return {
        "email": add(admin, "email", "mail", {"to": ["ops@example.com", "dev@example.com"], "from": "mono@example.com", "server": mail.url(), "user": "mono"},
                     {"password": SECRETS["password"]}),
        "slack": add(admin, "slack", "slack", {}, {"url": http.url("slack")}),
        "slack_token": add(admin, "slack_token", "slack api", {"channel": "C0123", "api_url": http.url("slack_api")}, {"token": SECRETS["slack_token"]}),
        "discord": add(admin, "discord", "discord", {}, {"url": http.url("discord")}),
        "pagerduty": add(admin, "pagerduty", "pager", {"api_url": http.url("pagerduty")}, {"routing_key": ROUTING_KEY}),
        "webhook": add(admin, "webhook", "hook", {"url": http.url("webhook")}, {"secret": SECRETS["webhook"]}),
    }


def anew(admin, http, mail, ids):
    for one in ids.values():
        admin.done("DELETE", "/projects/default/channels/%d" % one)
    return all_kinds(admin, http, mail)


def texts_of(message):
    return {part.get_content_type(): part.get_content() for part in message.walk() if part.get_content_maintype() == "text"}


def one_incident(server, admin, http, mail, ids):
    tested = [admin.done("POST", "/projects/default/channels/%d/test" % one) for one in ids.values()]
    check(all(t["delivery"]["state"] == "sent" for t in tested), "tests arrive: %s" % tested)
    http.got["slack_api"].clear()
    for bodies in http.got.values():
        bodies.clear()
    mail.mails.clear()
    opened = say(admin, "checkout", severity="warning", text="95 % took 3.2 s\nusually 0.4 s")
    settled(admin, ids.values())
    say(admin, "checkout", severity="critical")
    settled(admin, ids.values())
    html = texts_of(mail.mails[0][1])["text/html"]
    link = re.search(r'href="([^"]*/acknowledge\?token=[^"]*)"', html).group(1).replace("&amp;", "&")
    acknowledge_by(server, admin, link, opened["number"])
    settled(admin, ids.values())
    done = admin.done("PATCH", "/projects/default/incidents/%d" % opened["number"], {"act": "resolve"})
    check(done["state"] == "resolved", "it is resolved: %s" % done)
    settled(admin, ids.values())
    check(not http.wrong, "payloads are as published: %s" % http.wrong)
    actions = [b["event_action"] for b in http.got["pagerduty"]]
    check(actions == ["trigger", "trigger", "acknowledge", "resolve"], "PagerDuty's events: %s" % actions)
    check(len({b["dedup_key"] for b in http.got["pagerduty"]}) == 1, "one dedup_key")
    check([len(http.got[n]) for n in ("slack", "discord", "webhook")] == [4, 4, 4], "four messages each: %s" % {n: len(v) for n, v in http.got.items()})
    methods = [p.rsplit("/", 1)[1] for p in http.paths["slack_api"] if p][-7:]
    check(methods == ["chat.postMessage"] + ["chat.update", "chat.postMessage"] * 3, "Slack's root is updated, the thread told: %s" % methods)
    check(http.got["slack_api"][2].get("thread_ts"), "in the thread: %s" % http.got["slack_api"][2])
    acts = [b["act"] for b in http.got["webhook"]]
    check(acts == ["open", "update", "update", "resolve"], "acts: %s" % acts)
    slack_text = json.dumps(http.got["slack"][0])
    check("&lt;checkout&gt; &amp; more" in slack_text and "<checkout>" not in http.got["slack"][0]["text"], "escaped for Slack")
    mails(mail)
    detail = admin.done("GET", "/projects/default/incidents/%d" % opened["number"])
    whats = [e["what"] for e in reversed(detail["events"])]
    check(whats == ["opened", "worse", "acknowledged", "resolved"], "the timeline: %s" % whats)
    check(len(detail["deliveries"]) == 24 and all(d["state"] == "sent" for d in detail["deliveries"]), "24 deliveries")
    print("an incident told to 6 kinds of channels: opened, worse, acknowledged from a mail's link, resolved: 24 messages")


def acknowledge_by(server, admin, link, number):
    link = re.sub(r"^http://[^/]*", "http://127.0.0.1:%d" % server.web_port, link)
    page = urllib.request.urlopen(link).read().decode()
    check("<form" in page and "checkout" in page, "the link asks first")
    got = admin.done("GET", "/projects/default/incidents/%d" % number)["incident"]
    check(got["state"] == "open", "a GET acknowledges nothing: %s" % got)
    token = urllib.parse.parse_qs(urllib.parse.urlparse(link).query)["token"][0]
    for wrong in (token[:-1] + ("0" if token[-1] != "0" else "1"), token.replace(".%d." % number, ".999."), "x", ""):
        try:
            status = urllib.request.urlopen(link.split("?")[0], urllib.parse.urlencode({"token": wrong}).encode()).status
        except urllib.error.HTTPError as refused:
            status = refused.code
        check(status == 403, "a wrong token is refused: %s" % status)
    urllib.request.urlopen(link.split("?")[0], urllib.parse.urlencode({"token": token}).encode())
    got = admin.done("GET", "/projects/default/incidents/%d" % number)["incident"]
    check(got["state"] == "acknowledged", "a POST does: %s" % got)


def mails(mail):
    check(len(mail.mails) == 4, "four mails: %d" % len(mail.mails))
    check(all(tls and known for tls, known in mail.sessions), "by TLS, signed in: %s" % mail.sessions)
    envelope, message = mail.mails[0]
    check(envelope.rcpt_tos == ["ops@example.com", "dev@example.com"] and envelope.mail_from == "mono@example.com", "from and to")
    check(message["Subject"] == "[warning] p95 of <checkout> & more", "the subject: %s" % message["Subject"])
    texts = texts_of(message)
    check("95 % took 3.2 s" in texts["text/plain"] and "&lt;checkout&gt; &amp; more" in texts["text/html"], "text and HTML")
    check(len({m["Message-ID"] for _, m in mail.mails}) == 4 and len({m["References"] for _, m in mail.mails}) == 1, "one thread of four")
    check(message["Auto-Submitted"] == "auto-generated", "no out-of-office answers")


def bad_answers(admin, http, mail, ids):
    http.answers["slack"] = [(429, {"Retry-After": "2"}, ""), (500, {}, ""), ("hang", 1)]
    http.answers["webhook"] = [(503, {"Retry-After": "1"}, "")]
    http.answers["slack_api"] = [(200, {}, json.dumps({"ok": False, "error": "ratelimited"}))]
    mail.refusals[:] = ["451 come again"]
    before = {n: len(v) for n, v in http.got.items()}, len(mail.mails)
    began = time.monotonic()
    say(admin, "trouble", service="trouble")
    settled(admin, ids.values(), 90)
    took_s = time.monotonic() - began
    for name in ("slack", "webhook", "discord"):
        check(len(http.got[name]) == before[0][name] + 1, "%s has it once: %d" % (name, len(http.got[name]) - before[0][name]))
    check(len(mail.mails) == before[1] + 1, "mail has it once")
    slack = deliveries(admin, ids["slack"])[0]
    tries = admin.done("GET", "/projects/default/deliveries/%d" % slack["id"])["attempts"]
    check([t["status"] for t in reversed(tries)] == [429, 500, None, 200], "the log of tries: %s" % tries)
    print("429 with Retry-After, 500, a hang, 451: each has it once, after %.0f s" % took_s)


def failing_channel(admin, http, ids):
    bad = add(admin, "webhook", "gone", {"url": http.url("nowhere")}, {}, routes=[{"severity": "critical", "services": ["lost-*"]}])
    before = len(http.got["webhook"])
    say(admin, "lost", service="lost-1")
    settled(admin, list(ids.values()) + [bad])
    got = admin.done("GET", "/projects/default/channels/%d" % bad)
    check(got["failed_at"] and "400" in got["failed_why"], "it says that it failed: %s" % got)
    wait_until(lambda: any("does not take messages" in str(d["title"]) for c in ids.values() for d in deliveries(admin, c)), "another channel is told")
    failed = deliveries(admin, bad)[0]
    check(failed["state"] == "failed", "failed for good at a 400: %s" % failed)
    status, _, _ = admin.ask("POST", "/projects/default/deliveries/%d/retry" % failed["id"])
    check(status == 200, "it can be tried again")
    settled(admin, [bad])
    admin.done("DELETE", "/projects/default/channels/%d" % bad)
    check(len(http.got["webhook"]) > before, "the others go on")
    http.wrong.clear()
    print("a channel that refuses is shown as failed, and told to another")


def killed_everywhere(server, admin_of, http, mail, ids):
    """Each fail point, five times each with other messages: nothing is lost; twice only what says so."""
    sent, twice = 0, 0
    for n, point in enumerate(FAIL_POINTS * 2):
        server.stop()
        server.start({"MONOSCOPE_FAIL_POINT": "%s:%d" % (point, 1 if point == "channels.after_take" else random.randint(1, 5))})
        admin = admin_of(server)
        title = "killed-%d" % n
        try:
            signal(admin, title, service=title)
        except OSError:
            pass  # it was killed within
        wait_until(lambda: server.process.poll() is not None, "%s ends the process" % point, 30)
        server.start()
        admin = admin_of(server)
        say(admin, title, service=title)  # who is not sure says it again
        settled(admin, ids.values(), 60)
        for name in ("slack", "discord", "webhook", "pagerduty", "slack_api"):
            bodies = [json.dumps(b) for b in http.got[name] if title in json.dumps(b)]
            check(bodies, "%s: %s has it" % (point, name))
            sent += len(bodies)
            if len(bodies) > 1 and name in ("slack", "discord", "slack_api"):
                check("may be a repeat" in bodies[-1], "%s: %s says that it may be a repeat" % (point, name))
                twice += len(bodies) - 1
        hooks = {b["id"] for b in http.got["webhook"] if title in json.dumps(b)}
        check(len(hooks) == 1, "a webhook's repeats have one id: %s" % hooks)
        check(len({b["dedup_key"] for b in http.got["pagerduty"] if title in json.dumps(b)}) == 1, "PagerDuty's have one dedup_key")
        same = {m["Message-ID"] for _, m in mail.mails if title in m["Subject"]}
        check(len(same) == 1, "mails have one Message-ID: %s" % same)
    check(not http.wrong, "payloads are as published: %s" % http.wrong)
    print("%d kills at %d places: %d messages, none lost; %d that may be repeats say so" % (2 * len(FAIL_POINTS), len(FAIL_POINTS), sent, twice))


def flood(admin, http, ids):
    before = len(http.got["slack"])
    for n in range(30):
        say(admin, "flood-%d" % n, service="flood-%d" % n)
    settled(admin, ids.values(), 60)
    states = [d["state"] for d in deliveries(admin, ids["slack"])]
    check(states.count("held") >= 20, "a flood is held: %s" % states[:40])
    check(len(http.got["slack"]) - before <= 10, "at most ten at once: %d" % (len(http.got["slack"]) - before))
    pager = [b for b in http.got["pagerduty"] if "flood-" in json.dumps(b)]
    check(len(pager) == 30, "PagerDuty has each: %d" % len(pager))
    hook = [b for b in http.got["webhook"] if "flood-" in json.dumps(b)]
    check(len(hook) == 30, "and the webhook: %d" % len(hook))
    print("30 incidents at once: %d to Slack, the rest held for a digest; all 30 to PagerDuty" % (len(http.got["slack"]) - before))


def digest(server, admin, http, mail, ids):
    """What was held comes as one message when the flood's ten minutes are over (here they are said to be): a line an incident."""
    joined = add(admin, "webhook", "joined", {"url": http.url("webhook"), "floods": "digest"}, {"secret": SECRETS["webhook"]})
    everywhere = list(ids.values()) + [joined]
    for n in range(12):
        say(admin, "wave-%d" % n, service="wave-%d" % n, severity="warning")
    admin.done("PATCH", "/projects/default/incidents/%d" % say(admin, "wave-11", service="wave-11")["number"], {"act": "resolve"})
    settled(admin, everywhere, 60)
    check([d["state"] for d in deliveries(admin, joined)].count("held") == 4, "the webhook's are held, too: %s" % deliveries(admin, joined))
    before = {name: len(got) for name, got in http.got.items()}
    mails = len(mail.mails)
    with contextlib.closing(sqlite3.connect(os.path.join(server.data, "meta.sqlite"), timeout=30)) as database, database:
        database.execute("UPDATE deliveries SET due_unix_us = 1 WHERE state = 3")
    wait_until(lambda: not any(d["state"] == "held" for c in everywhere for d in deliveries(admin, c)), "the flood is over", 30)
    settled(admin, everywhere, 30)
    got = {name: http.got[name][before[name]:] for name in ("slack", "discord", "webhook", "pagerduty")}
    check({name: len(bodies) for name, bodies in got.items()} == {"slack": 1, "discord": 1, "webhook": 1, "pagerduty": 0} and len(mail.mails) == mails + 1, "one message each: %s" % got)
    hook = got["webhook"][0]
    check(hook["title"] == "4 messages in one, about 2 things, 1 over by now" and hook["act"] == "open" and "incident" not in hook, "of both incidents: %s" % hook)
    check(hook["severity"] == "critical" and [link["url"] for link in hook["links"]] == ["http://mono.example.com/p/default/incidents"], "as bad as the worst, with a link: %s" % hook)
    lines = [line.split() for line in hook["text"].splitlines() if "wave-" in line]
    check([(line[0], line[2]) for line in lines] == [("critical", "over"), ("warning", "open")], "the worst first, as it is by now: %s" % hook["text"])
    slack = json.dumps(got["slack"][0])
    check("34 messages in one, about 32 things" in slack and "and 2 more" in slack and slack.count("&lt;flood-29&gt;") == 1, "Slack's has all that was held there: %s" % slack)
    states = [d for d in deliveries(admin, joined) if d["state"] == "digested"]
    check(len(states) == 4, "and the log says where they are: %s" % states)
    check(not http.wrong, "payloads are as published: %s" % http.wrong)
    admin.done("DELETE", "/projects/default/channels/%d" % joined)
    print("the flood's end: one message each to mail, Slack, Discord and a webhook that wants it so")


def secrets_stay(server, admin):
    listed = json.dumps(admin.done("GET", "/projects/default/channels")) + json.dumps(admin.done("GET", "/projects/default/audit"))
    for secret in SECRETS.values():
        check(secret not in listed, "no secret comes back")
        check(secret not in server.log_text(), "none is in the log")
        for folder, _, names in os.walk(server.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    check(secret.encode() not in f.read(), "none is in %s" % name)
    hook = [c for c in admin.done("GET", "/projects/default/channels")["items"] if c["name"] == "hook"][0]
    moved = admin.done("PATCH", "/projects/default/channels/%d" % hook["id"], {"settings": {"url": "https://elsewhere.example.com/"}})
    check(moved["has_secrets"] is False, "with another address the secret is gone: %s" % moved)
    print("secrets: in no answer, log or file; gone with another address")


def nothing_private(http):
    """A server that allows no private address: by name, in every form of numbers, by redirect, through DNS."""
    port = http.port
    addresses = ["http://127.0.0.1:%d/x", "http://localhost:%d/x", "http://2130706433:%d/x", "http://0x7f000001:%d/x", "http://0177.0.0.1:%d/x",
                 "http://127.1:%d/x", "http://[::1]:%d/x", "http://[::ffff:127.0.0.1]:%d/x", "http://[64:ff9b::7f00:1]:%d/x", "http://0.0.0.0:%d/x",
                 "http://169.254.169.254:%d/latest", "http://10.0.0.1:%d/x", "http://192.168.1.1:%d/x", "http://[fe80::1]:%d/x", "http://[fd00::1]:%d/x",
                 "http://ip6-localhost:%d/x"]
    http.seen.clear()
    with Server(data=os.path.join(STORY_DIR, "guarded")) as server:
        admin = first_admin(server)
        for n, address in enumerate(addresses):
            status, made, _ = admin.ask("POST", "/projects/default/channels", {"kind": "webhook", "name": "p%d" % n, "settings": {"url": address % port}})
            if status >= 400:
                continue
            tested = admin.done("POST", "/projects/default/channels/%d/test" % made["id"])
            check(tested["delivery"]["state"] != "sent" and tested["delivery"]["why"], "%s is not reached: %s" % (address, tested))
        made = admin.done("POST", "/projects/default/channels", {"kind": "email", "name": "m", "settings": {"to": ["a@example.com"], "server": "smtp://127.0.0.1:%d" % port}})
        tested = admin.done("POST", "/projects/default/channels/%d/test" % made["id"])
        check(tested["delivery"]["state"] == "failed" and "public" in tested["delivery"]["why"], "nor a server of mail: %s" % tested)
        for bad in ("ftp://example.com/", "file:///etc/passwd", "http://user@example.com/", "gopher://x/", "http://a b/"):
            status, _, _ = admin.ask("POST", "/projects/default/channels", {"kind": "webhook", "name": "b", "settings": {"url": bad}})
            check(status in (400, 422), "%s is no address: %d" % (bad, status))
    check(not http.seen, "nothing came: %s" % http.seen)
    print("%d private addresses in as many forms: none was reached" % len(addresses))


def redirects(admin, http):
    channel = add(admin, "webhook", "redirect", {"url": http.url("webhook")}, {"secret": SECRETS["webhook"]}, routes=[])
    http.seen.clear()
    http.answers["webhook"] = [(302, {"Location": http.url("discord")}, "")]
    tested = admin.done("POST", "/projects/default/channels/%d/test" % channel)
    check(tested["delivery"]["state"] == "failed" and "redirect" in tested["delivery"]["why"], "a redirect is not followed: %s" % tested)
    check(http.seen == ["POST /webhook"], "it went nowhere else: %s" % http.seen)
    admin.done("DELETE", "/projects/default/channels/%d" % channel)


def main():
    os.makedirs(STORY_DIR, exist_ok=True)
    authority.make_authority("ca")
    authority.sign("ca", "mail")
    http = HttpSink()
    mail = MailSink(authority.path("mail.crt"), authority.path("mail.key"), "mono", SECRETS["password"])
    options = ["--channels-allow-private", "on", "--channels-ca", authority.path("ca.crt"), "--public-url", "http://mono.example.com"]
    with Server(options=options) as server:
        admin = first_admin(server)
        token = admin.token

        def admin_of(again):
            return Caller(again, token)
        ids = all_kinds(admin, http, mail)
        one_incident(server, admin, http, mail, ids)
        bad_answers(admin, http, mail, ids)
        redirects(admin, http)
        failing_channel(admin, http, ids)
        ids = anew(admin, http, mail, ids)  # ten messages in ten minutes, then a digest
        killed_everywhere(server, admin_of, http, mail, ids)
        admin = admin_of(server)
        ids = anew(admin, http, mail, ids)
        flood(admin, http, ids)
        digest(server, admin, http, mail, ids)
        secrets_stay(server, admin)
    nothing_private(http)
    mail.stop()


if __name__ == "__main__":
    main()
