"""Servers that take what channels send: mail by aiosmtpd, and HTTP that looks at each payload as Slack, Discord, PagerDuty and the
Standard Webhooks publish it, and answers well or badly.

    http = HttpSink()                    # http.url("slack") is what the channel is given
    http.answers["slack"] = [(429, {"Retry-After": "1"}, "")]      # the next ones; then as the protocol has it
    http.got["slack"]                    # bodies that came, in order; http.wrong: what no such server would take
    mail = MailSink(certificate=..., key=..., user=..., password=...)
"""
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import re
import ssl
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from monoscope import free_port

SLACK_KEYS = {"text", "blocks", "unfurl_links", "channel", "thread_ts", "ts", "reply_broadcast"}


def need(condition, words):
    if not condition:
        raise ValueError(words)


def is_text(value, least, most):
    return isinstance(value, str) and least <= len(value) <= most


def slack_text(value, kinds, most):
    need(set(value) <= {"type", "text", "emoji"} and value["type"] in kinds, "a text object: %s" % value)
    need(is_text(value["text"], 1, most), "a text of 1 to %d: %d" % (most, len(value["text"])))


def slack_button(element):
    need(set(element) <= {"type", "text", "url", "style", "value", "action_id"} and element["type"] == "button", "a button")
    slack_text(element["text"], ["plain_text"], 75)
    if "url" in element:
        need(is_text(element["url"], 8, 3000) and element["url"].startswith("http"), "a button's url")
    else:
        need(is_text(element["action_id"], 1, 255) and is_text(element["value"], 1, 2000), "a button's action")
    need(element.get("style") in (None, "primary", "danger"), "a button's style")


def slack_block(block):
    kind = block["type"]
    if kind == "header":
        slack_text(block["text"], ["plain_text"], 150)
    elif kind == "section":
        need("text" in block or "fields" in block, "a section has text or fields")
        if "text" in block:
            slack_text(block["text"], ["plain_text", "mrkdwn"], 3000)
        need(len(block.get("fields", [])) <= 10, "10 fields")
        for field in block.get("fields", []):
            slack_text(field, ["plain_text", "mrkdwn"], 2000)
    elif kind == "actions":
        need(1 <= len(block["elements"]) <= 25, "1 to 25 elements")
        for element in block["elements"]:
            slack_button(element)
    elif kind == "context":
        need(1 <= len(block["elements"]) <= 10, "1 to 10 elements")
        for element in block["elements"]:
            slack_text(element, ["plain_text", "mrkdwn"], 2000)
    else:
        need(kind == "divider", "block %s" % kind)


def slack(body, _):
    need(set(body) <= SLACK_KEYS, "members: %s" % sorted(body))
    need(is_text(body["text"], 1, 4000), "text")
    need(1 <= len(body["blocks"]) <= 50, "1 to 50 blocks")
    for block in body["blocks"]:
        slack_block(block)


def discord(body, _):
    need(set(body) <= {"content", "embeds", "allowed_mentions", "username"}, "members: %s" % sorted(body))
    need(body["allowed_mentions"] == {"parse": []}, "nobody is mentioned")
    need(1 <= len(body["embeds"]) <= 10, "1 to 10 embeds")
    total = 0
    for embed in body["embeds"]:
        need(set(embed) <= {"title", "description", "url", "color", "timestamp", "fields", "footer", "image"}, "an embed: %s" % sorted(embed))
        need(is_text(embed["title"], 1, 256) and is_text(embed.get("description", ""), 0, 4096), "title and description")
        need(0 <= embed["color"] <= 0xFFFFFF, "color")
        need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", embed["timestamp"]), "timestamp")
        need(len(embed.get("fields", [])) <= 25, "25 fields")
        for field in embed.get("fields", []):
            need(is_text(field["name"], 1, 256) and is_text(field["value"], 1, 1024), "a field: %s" % field)
            total += len(field["name"]) + len(field["value"])
        need(is_text(embed["footer"]["text"], 1, 2048), "footer")
        total += len(embed["title"]) + len(embed.get("description", "")) + len(embed["footer"]["text"])
    need(total <= 6000, "6,000 characters in all: %d" % total)


def pagerduty(body, _):
    need(set(body) <= {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}, "members: %s" % sorted(body))
    need(is_text(body["routing_key"], 32, 32) and body["event_action"] in ("trigger", "acknowledge", "resolve"), "key and action")
    need(is_text(body["dedup_key"], 1, 255), "dedup_key")
    payload = body["payload"]
    need(set(payload) <= {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}, "a payload: %s" % sorted(payload))
    need(is_text(payload["summary"], 1, 1024) and is_text(payload["source"], 1, 1000), "summary and source")
    need(payload["severity"] in ("critical", "error", "warning", "info"), "severity")
    need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", payload["timestamp"]), "timestamp")
    for link in body.get("links", []):
        need(set(link) <= {"href", "text"} and link["href"].startswith("http"), "a link: %s" % link)


WEBHOOK_SECRET = b"0123456789abcdef0123456789abcdef"


def webhook(body, request):
    """Standard Webhooks: id, timestamp within five minutes, signature over both and the body."""
    headers = request.headers
    signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), request.raw)
    wanted = "v1," + base64.b64encode(hmac.new(WEBHOOK_SECRET, signed, hashlib.sha256).digest()).decode()
    need(hmac.compare_digest(headers["webhook-signature"], wanted), "the signature")
    need(abs(time.time() - int(headers["webhook-timestamp"])) < 300, "the timestamp")
    need("id" not in body or body["id"] == headers["webhook-id"], "the id")


LOOKS = {"slack": slack, "slack_api": slack, "discord": discord, "pagerduty": pagerduty, "webhook": webhook}


class HttpSink:
    def __init__(self, host="127.0.0.1"):
        self.got = {name: [] for name in LOOKS}
        self.headers = {name: [] for name in LOOKS}
        self.paths = {name: [] for name in LOOKS}
        self.answers = {name: [] for name in LOOKS}
        self.seen = []  # the path of every request, of whatever kind
        self.wrong = []
        self.count = 0
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                sink.take(self)

            def do_GET(self):
                sink.seen.append("GET " + self.path)
                sink.answer(self, 404, {}, "")

        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer((host, self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name):
        return "http://127.0.0.1:%d/%s" % (self.port, name)

    def answer(self, request, status, headers, text):
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("content-length", str(len(text)))
        try:
            request.end_headers()
            request.wfile.write(text.encode())
        except OSError:
            pass  # it was killed, or gave up

    def usual(self, name, path):
        self.count += 1
        if name == "discord":
            return json.dumps({"id": "11%d" % self.count, "type": 0})
        if name == "pagerduty":
            return json.dumps({"status": "success", "message": "Event processed", "dedup_key": "k"})
        if name == "slack_api":
            return json.dumps({"ok": True, "channel": "C0123", "ts": "17000.%06d" % self.count})
        return "ok"

    def take(self, request):
        request.raw = request.rfile.read(int(request.headers.get("content-length", 0)))
        name = request.path.split("?")[0].strip("/").split("/")[0]
        self.seen.append("POST " + request.path)
        answers = self.answers.get(name, [])
        answer = answers.pop(0) if answers else None
        if answer is not None and answer[0] == "hang":
            time.sleep(answer[1])
            return
        if answer is not None and answer[0] != 200:
            self.answer(request, *answer)
            return
        try:
            need(name in LOOKS, "an unknown path %s" % request.path)
            body = json.loads(request.raw)
            LOOKS[name](body, request)
        except (ValueError, KeyError, TypeError) as error:
            self.wrong.append("%s: %r: %s" % (request.path, error, request.raw[:600]))
            self.answer(request, 400, {}, "invalid_payload")
            return
        self.got[name].append(body)
        self.headers[name].append(dict(request.headers))
        self.paths[name].append(request.path)
        if name == "pagerduty":
            self.answer(request, 202, {}, self.usual(name, request.path))
        elif answer is not None:
            self.answer(request, *answer)
        else:
            self.answer(request, 200, {"content-type": "application/json"}, self.usual(name, request.path))


class MailSink:
    """mails: (envelope, message). refusals: answers to RCPT, DATA before it takes: the next ones."""

    def __init__(self, certificate=None, key=None, user=None, password=None):
        self.mails, self.refusals, self.sessions = [], [], []
        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)

        def authenticate(_server, _session, _envelope, _mechanism, data):
            good = data.login.decode() == user and data.password.decode() == password
            return AuthResult(success=good)

        sink = self

        class Handler:
            async def handle_DATA(self, server, session, envelope):
                if sink.refusals:
                    return sink.refusals.pop(0)
                sink.sessions.append((session.ssl is not None, session.authenticated))
                sink.mails.append((envelope, email.message_from_bytes(envelope.content, policy=email.policy.default)))
                return "250 taken"

        class Server(Controller):
            def factory(self):
                return SMTP(self.handler, tls_context=context, require_starttls=context is not None, hostname="mail.example.com",
                            authenticator=authenticate if user else None, auth_required=user is not None, auth_require_tls=context is not None)

        self.port = free_port()
        self.controller = Server(Handler(), hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def url(self):
        return "smtp://127.0.0.1:%d" % self.port

    def stop(self):
        self.controller.stop()
