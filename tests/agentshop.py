"""For stories of agents: a shop that was fine an hour ago and is not now, a channel, the metadata by SQL.

    shop(server, admin)                  # 120 requests of checkout in each hour; of the newer ones 30 fail, all are slow
    channel = channel_made(admin, url)   # a webhook
"""
import os
import sqlite3
import time

from monoscope import check, wait_until
from otlp import OK, Sender, span, traces
from sinks import WEBHOOK_SECRET

MINUTE_NS = 60 * 10**9


def shop(server, admin):
    """An hour of checkout, fine; then one in which a quarter of its requests fail and its database is slow."""
    sender, now = Sender(server.grpc_port, server.key), time.time_ns()
    for began, failed, ms in ((now - 95 * MINUTE_NS, 0, 10), (now - 35 * MINUTE_NS, 30, 200)):
        spans = []
        for n in range(120):
            at = began + n * 10**9
            spans.append(span("POST /checkout", {"http.route": "/checkout", "http.request.method": "POST"}, at, kind=2))
            spans[-1].end_time_unix_nano = at + ms * 10**6
            if n < failed:
                spans[-1].status.code = 2
            spans.append(span("SELECT orders", {"db.system.name": "postgresql"}, at, kind=3))
            spans[-1].end_time_unix_nano = at + ms * 10**6 // 2
        check(sender.send("traces", traces(spans, {"service.name": "checkout"})).status == OK, "taken")
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server'", 240)
    wait_until(lambda: any(item["now"]["requests"] == 120 and item["before"]["requests"] == 120 for item in admin.done(
        "GET", "/projects/default/services/health?from=now-1h&to=now")["items"]), "both hours are counted")


def meta(server, sql, *values):
    with sqlite3.connect(os.path.join(server.data, "meta.sqlite"), timeout=10) as database:
        return database.execute(sql, values).fetchall()


def channel_made(admin, url):
    """A webhook that gets what agents send, and no incident."""
    return admin.done("POST", "/projects/default/channels", {"kind": "webhook", "name": "hook", "settings": {"url": url},
                                                             "secrets": {"secret": WEBHOOK_SECRET.decode()}, "routes": []})["id"]
