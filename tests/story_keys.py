# time_limit_s: 120, tries: 2
"""API keys and limits by the REST API: made, listed, limited, expired, revoked; what each scope may do on each door; a revoked
key stops a sender that is in full flow, and a SQL connection that is open, within a second, in this process and in another one
on the same database; limits refuse with the limit's name, a RetryInfo or Retry-After that holds, and are counted. Prints the
times that a revocation took.
"""
import http.client
import json
import os
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from apiclient import Caller, first_admin
from monoscope import STORY_DIR, Server, check, wait_until
from otlp import OK, RESOURCE_EXHAUSTED, UNAUTHENTICATED, Sender, log, logs, span, traces

FORBIDDEN = 7
KEYS, LIMITS = "/projects/default/keys", "/projects/default/limits"


def http_send(server, key, path="/v1/logs", body=b'{"resourceLogs":[]}'):
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    connection.request("POST", path, body, {"content-type": "application/json", "authorization": "Bearer " + key})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.getheader("Retry-After")


def sql(server, key):
    with server.connect(password=key) as connection:
        return connection.execute("SELECT 1").fetchone()[0]


def made_and_listed(server, admin):
    made = [admin.done("POST", KEYS, {"name": "key %d" % n, "scopes": [["ingest"], ["query"], ["admin"], ["ingest", "query"]][n % 4]})
            for n in range(5)]
    check(len({key["secret"] for key in made}) == 5 and all(len(key["secret"]) == 58 for key in made), "secrets are new each time")
    check(all(key["secret"].startswith(key["prefix"] + "_") for key in made), "a key begins with its prefix")
    seen, cursor = [], ""
    while cursor is not None:
        page = admin.done("GET", KEYS + "?limit=2" + ("&cursor=" + cursor if cursor else ""))
        seen += page["items"]
        cursor = page.get("next_cursor")
    check([key["id"] for key in seen[1:]] == [key["id"] for key in made], "keys are listed by pages, oldest first: %s" % seen)
    check("secret" not in json.dumps(seen), "no list has a secret")
    status, text, _ = admin.ask("POST", KEYS, {"name": "x", "scopes": ["query"], "origins": ["https://a.example"]})
    check(status == 400 and "browser key has the scope ingest" in text["detail"], text)
    status, text, _ = admin.ask("POST", KEYS, {"name": "x", "expires_at": "2001-01-01T00:00:00Z"})
    check(status == 400 and text["pointer"] == "/expires_at", text)
    for key in made:
        check(sqlite_holds(server, key["secret"][14:]) is False, "the secret is not in the database")
    return made


def sqlite_holds(server, text):
    return any(text.encode() in open(os.path.join(server.data, name), "rb").read() for name in os.listdir(server.data)
               if name.startswith("meta.sqlite"))


def scopes(server, admin):
    by_scope = {}
    for scope in ("ingest", "query", "admin"):
        by_scope[scope] = admin.done("POST", KEYS, {"name": scope, "scopes": [scope]})["secret"]
    request = logs([log("by scope")])
    for scope, key in by_scope.items():
        answer = Sender(server.grpc_port, key).send("logs", request)
        check(answer.status == (OK if scope == "ingest" else FORBIDDEN), "%s over gRPC: %s" % (scope, answer))
        check(http_send(server, key)[0] == (200 if scope == "ingest" else 403), scope + " over HTTP")
        try:
            check(sql(server, key) == 1 and scope == "query", scope + " asks by SQL")
        except psycopg.OperationalError as refused:
            check(scope != "query" and "scope query" in str(refused), "%s: %s" % (scope, refused))
        status, answer, _ = Caller(server, key).ask("POST", KEYS, {"name": "by key"})
        check(status == (201 if scope == "admin" else 403), "%s makes a key: %s %s" % (scope, status, answer))
    expiring = admin.done("POST", KEYS, {"name": "short", "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))})
    check(http_send(server, expiring["secret"])[0] == 200, "a key works before it expires")
    wait_until(lambda: http_send(server, expiring["secret"])[0] == 401, "a key ends by itself")
    wait_until(lambda: any(key["used_at"] for key in admin.done("GET", KEYS)["items"] if key["id"] == expiring["id"]), "when it was used is seen")


class Flow(threading.Thread):
    """Sends all the time, until it is refused: when was that?"""

    def __init__(self, port, key):
        super().__init__(daemon=True)
        self.sender, self.sent, self.refused_at, self.over = Sender(port, key), 0, None, False
        self.start()

    def run(self):
        while not self.over:
            answer = self.sender.send("traces", traces([span("flow %d" % self.sent)]))
            if answer.status == UNAUTHENTICATED:
                self.refused_at = time.monotonic()
                return
            check(answer.status == OK, answer)
            self.sent += 1


def revoked(server, other, admin):
    took = []
    for round in range(5):
        key = admin.done("POST", KEYS, {"name": "flow"})
        wait_until(lambda: http_send(other, key["secret"])[0] == 200, "the other process knows a new key", 60)
        flows = [Flow(server.grpc_port, key["secret"]), Flow(other.grpc_port, key["secret"])]
        connections = [process.connect(password=key["secret"], autocommit=True) for process in (server, other)]
        wait_until(lambda: all(flow.sent > 5 for flow in flows), "both flow")
        if round == 0:
            server.command("key", "revoke", key["id"])
            begin = time.monotonic()
        else:
            begin = time.monotonic()
            admin.done("DELETE", KEYS + "/" + key["id"])
        wait_until(lambda: all(flow.refused_at for flow in flows), "a revoked key stops both", 60)
        took.append(max(flow.refused_at for flow in flows) - begin)

        def is_closed(connection):
            try:
                connection.execute("SELECT 1")
                return False
            except psycopg.Error:
                return True
        wait_until(lambda: all(is_closed(connection) for connection in connections), "open SQL connections end", 60)
        status, answer, _ = admin.ask("DELETE", KEYS + "/" + key["id"])
        check(status == 404, "a revoked key is gone: %s" % answer)
    print("a revoked key stopped its senders on both processes within %s ms" % ", ".join("%d" % (second * 1000) for second in took))
    check(sorted(took)[2] < 5, "within a second as a rule, five on a busy machine: %s" % took)


def rates(server, admin):
    key = admin.done("POST", KEYS, {"name": "limited"})
    sender, request = Sender(server.grpc_port, key["secret"]), logs([log("limited %d" % n) for n in range(10)])
    admin.done("PUT", KEYS + "/%s/limits/requests_per_second" % key["id"], {"value": 5})
    wait_until(lambda: sender.send("logs", request).status == RESOURCE_EXHAUSTED, "the key's limit counts", 60)
    begin, taken, refusal = time.monotonic(), 0, None
    while time.monotonic() - begin < 2:
        answer = sender.send("logs", request)
        if answer.status == OK:
            taken += 1
        else:
            refusal = answer
    most = 6 + 5 * (time.monotonic() - begin)
    check(1 <= taken <= most and refusal, "5 requests a second, and a second's worth at once: %d, at most %.0f" % (taken, most))
    check("this API key is over its limit of 5 requests a second (requests_per_second)" in refusal.text and 0 < refusal.retry_s <= 1, refusal)
    status, text, retry_after = http_send(server, key["secret"])
    check(status == 429 and retry_after == "1" and "requests_per_second" in text, (status, text, retry_after))
    time.sleep(refusal.retry_s + 0.05)
    check(sender.send("logs", request).status == OK, "there is room when RetryInfo said")
    shown = admin.done("GET", KEYS + "/" + key["id"])
    check(shown["limits"] == {"requests_per_second": 5}, shown)
    admin.done("DELETE", KEYS + "/%s/limits/requests_per_second" % key["id"])
    wait_until(lambda: all(sender.send("logs", request).status == OK for _ in range(8)), "without it nothing is refused", 60)

    admin.done("PUT", LIMITS + "/bytes_per_second", {"value": 20000})
    wait_until(lambda: sender.send("logs", logs([log("x" * 50000)])).status == RESOURCE_EXHAUSTED, "the project's limit counts", 60)
    answer = sender.send("logs", request)
    check("this project is over its limit of 20000 bytes a second (bytes_per_second)" in answer.text and 0 < answer.retry_s < 10, answer)
    admin.done("PUT", LIMITS + "/bytes_per_second", {"value": 0})
    wait_until(lambda: sender.send("logs", request).status == OK, "0 is no limit", 60)
    return key


def quotas(server, other, admin, key):
    sender, request = Sender(server.grpc_port, key["secret"]), logs([log("quota")])
    check(sender.send("logs", request).status == OK, "it is sent")
    used = wait_until(lambda: admin.done("GET", "/projects/default/usage")["days"], "usage is kept", 60)
    before = used[-1]["counts"]["logs"]
    admin.done("PUT", LIMITS + "/events_per_month", {"value": before + 200})
    elsewhere = Sender(other.grpc_port, key["secret"])
    for _ in range(30):
        elsewhere.send("logs", logs([log("elsewhere %d" % n) for n in range(10)]))
    wait_until(lambda: sender.send("logs", request).status == RESOURCE_EXHAUSTED, "a month's events count those of the other process", 60)
    answer = sender.send("logs", request)
    check("events a month (events_per_month)" in answer.text and answer.retry_s > 1, answer)
    limits = {limit["name"]: limit for limit in admin.done("GET", LIMITS)["limits"]}
    check(limits["events_per_month"] == {"name": "events_per_month", "words": "events a month", "value": before + 200, "is_default": False}, limits)
    check(limits["attribute_keys"]["is_default"] and limits["attribute_keys"]["value"] == 100000, limits)
    admin.done("DELETE", LIMITS + "/events_per_month")
    wait_until(lambda: sender.send("logs", request).status == OK, "a cleared limit is none", 60)
    by_key = {row["name"]: row["counts"] for row in admin.done("GET", "/projects/default/usage")["keys"]}
    check(by_key["limited"]["refused"] > 0 and by_key["limited"]["requests"] > 0 and by_key["limited"]["bytes"] > 0, by_key)
    with urlopen_metrics(server) as text:
        check('monoscope_limit_refused_total{limit="events_per_month"}' in text and 'limit="requests_per_second"' in text, "refusals are metrics")


class urlopen_metrics:
    def __init__(self, server):
        self.server = server

    def __enter__(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.web_port, timeout=30)
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()

    def __exit__(self, *_):
        pass


def queries(server, admin):
    admin.done("PUT", LIMITS + "/queries", {"value": 2})
    wait_until(lambda: limited(server), "a third query is refused while two run", 30)
    admin.done("DELETE", LIMITS + "/queries")


def limited(server):
    """Three at once that take a while: is one refused, by the limit's name?"""
    refused = []

    def ask():
        try:
            server.query("SELECT count(*) FROM generate_series(1, 20000000) AS a")
        except psycopg.Error as error:
            refused.append(str(error))
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(all("queries at once" in text for text in refused), refused)
    return len(refused) > 0


def main():
    with Server() as server:
        admin = first_admin(server)
        other = Server(os.path.join(STORY_DIR, "other"), options=["--database", os.path.join(server.data, "meta.sqlite")])
        os.makedirs(other.data, exist_ok=True)
        with open(os.path.join(other.data, "default.key"), "w") as f:
            f.write(server.key)
        with other:
            made_and_listed(server, admin)
            scopes(server, admin)
            revoked(server, other, admin)
            key = rates(server, admin)
            quotas(server, other, admin, key)
        queries(server, admin)
        actions = {row["action"] for row in admin.done("GET", "/projects/default/audit?limit=200")["items"]}
        check({"key.create", "key.revoke", "limit.set", "limit.clear"} <= actions, "changes are in the audit log: %s" % actions)
        with sqlite3.connect(os.path.join(server.data, "meta.sqlite"), timeout=20) as db:
            details = " ".join(row[0] or "" for row in db.execute("SELECT details FROM audit"))
        check("mono_" not in details.replace('"mono_', ""), "no audit row has a key")
        server.stop()
    print("keys, scopes, revocation, rates, quotas, queries at once: as they should be")


main()
