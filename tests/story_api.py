#!/usr/bin/env python3
"""The REST API as its document says: schemathesis from outside, and what it cannot know.

schemathesis (in an environment of its own, tests/schemathesis) makes requests from /api/v1/openapi.json, right and wrong ones,
as an instance admin, as an admin key and as nobody: no 5xx, no answer or status that the document does not have, wrong input
refused. Then by hand: paging while rows come and go, ETag and If-Match, Idempotency-Key (on SQLite, on PostgreSQL, by two
processes), answers in pieces to a slow reader and to one that goes away, a stop in the middle, bodies that are too large, too deep, not JSON.
time_limit_s: 900, tries: 2
"""
import concurrent.futures
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pythonhome
from apiclient import Caller, first_admin, sign_in, settle, PASSWORD
from monoscope import FULL, REPO, STORY_DIR, Server, check, wait_until
from postgres import Postgres

HERE = os.path.join(REPO, "tests", "schemathesis")
EXAMPLES = 100 if FULL else 4
# They end sessions, or take the rights of whoever asks: a run of their own, last.
ENDING = ["session_end_this", "session_end", "password_change", "user_change", "user_delete", "user_reset_password",
          "user_sessions_end"]
# They go on until the client goes: tests/story_tail.py.
ENDLESS = ["tail"]


def schemathesis(home, server, name, token, operations, seed, phases="examples,coverage,fuzzing"):
    """How many requests it made; fails with what it found."""
    command = [os.path.join(home, "bin", "schemathesis"), "--config-file", os.path.join(HERE, "schemathesis.toml"), "run",
               "http://127.0.0.1:%d/api/v1/openapi.json" % server.web_port, "--phases", phases,
               "--max-examples", str(EXAMPLES), "--no-color", "--continue-on-failure", "--suppress-health-check", "all",
               "--seed", str(seed), "--warnings", "off", "--request-timeout", "60"]
    if token:
        command += ["-H", "Authorization: Bearer " + token]
    for operation in operations:
        command += ["--include-operation-id", operation]
    result = subprocess.run(command, capture_output=True, text=True, cwd=STORY_DIR)
    made = re.search(r"(\d+) generated", result.stdout)
    check(result.returncode == 0, "schemathesis as %s finds nothing (seed %d):\n%s" % (name, seed, result.stdout[-6000:]))
    return int(made.group(1))


def check_document(server, admin):
    """The document says the same to everyone, and lists what there is."""
    document = Caller(server).done("GET", "/openapi.json")
    check(document["openapi"].startswith("3.1"), "OpenAPI 3.1")
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    check(len({one["operationId"] for one in operations}) == len(operations), "operation ids are unique")
    status, problem, headers = admin.ask("GET", "/nothing")
    check(status == 404 and headers["content-type"] == "application/problem+json" and problem["code"] == "not_found",
          "what is not there is a problem, too: %s %s" % (status, problem))
    status, problem, headers = admin.ask("DELETE", "/projects")
    check(status == 405 and headers["allow"] == "GET, HEAD, POST", "405 tells the methods: %s %s" % (status, headers["allow"]))
    return operations


def check_pages(admin):
    """Every project once, in order, while others are made and taken away behind the reader's back."""
    wanted = ["page-%03d" % number for number in range(25)]
    for name in wanted:
        admin.done("POST", "/projects", {"name": name})
    seen, cursor, turn = [], "", 0
    while cursor is not None:
        page = admin.done("GET", "/projects?limit=7" + (("&cursor=" + cursor) if cursor else ""))
        check(len(page["items"]) <= 7, "a page has at most its limit")
        seen += [one["name"] for one in page["items"]]
        cursor = page.get("next_cursor")
        admin.done("POST", "/projects", {"name": "aaa-%d" % turn})  # before what was read
        turn += 1
    check([name for name in seen if name.startswith("page-")] == wanted, "each once, in order: %s" % seen)
    for cursor in ("x", "WyJ4Il0", "WyJwcm9qZWN0X2xpc3QiLDFd", "a" * 2048):
        status, problem, _ = admin.ask("GET", "/projects?cursor=" + cursor)
        check(status == 400 and problem["pointer"] == "?cursor", "a cursor of another kind: %s %s" % (status, problem))
    return len(seen)


def check_races(server, admin):
    """ETag, If-None-Match, If-Match: who read an older state changes nothing."""
    admin.done("POST", "/projects", {"name": "race"})
    _, project, headers = admin.ask("GET", "/projects/race")
    tag = headers["etag"]
    check(admin.ask("GET", "/projects/race", headers={"if-none-match": tag})[0] == 304, "what has not changed is not sent again")
    status, changed, headers = admin.ask("PATCH", "/projects/race", {"name": "raced"}, headers={"if-match": tag})
    check(status == 200 and changed["id"] == project["id"] and headers["etag"] != tag, "a change by who read it: %s" % changed)
    status, problem, _ = admin.ask("PATCH", "/projects/raced", {"name": "again"}, headers={"if-match": tag})
    check(status == 412 and problem["code"] == "conflict", "by who read an older one: %s %s" % (status, problem))
    check(admin.ask("DELETE", "/projects/raced", headers={"if-match": tag})[0] == 412, "nor is it deleted by them")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        tag = admin.ask("GET", "/projects/raced")[2]["etag"]
        answers = list(pool.map(lambda n: admin.ask("PATCH", "/projects/%s" % project["id"], {"name": "won-%d" % n},
                                                    headers={"if-match": tag})[0], range(8)))
    check(sorted(answers) == [200] + [412] * 7, "of eight at once one wins: %s" % answers)
    check(admin.ask("DELETE", "/projects/" + project["id"])[0] == 204, "deleted")
    check(admin.ask("GET", "/projects/" + project["id"])[0] == 404, "and gone")
    for name in ("default", "monoscope"):
        check(admin.ask("DELETE", "/projects/" + name)[0] == 403, "the server's own project %s stays" % name)


def check_once(admin):
    """The same POST with the same key is done once, whoever sends it how often."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: admin.ask("POST", "/projects", {"name": "once"}, headers={"idempotency-key": "k1"}), range(8)))
    done = [body["id"] for status, body, _ in answers if status == 201]
    check(len(done) >= 1 and len(set(done)) == 1, "one project: %s" % [(s, b) for s, b, _ in answers])
    check(all(status in (201, 409) for status, _, _ in answers), "the others hear that it is being done, or its answer")
    status, body, headers = admin.ask("POST", "/projects", {"name": "once"}, headers={"idempotency-key": "k1"})
    check(status == 201 and body["id"] == done[0] and headers["idempotency-replayed"] == "true", "later: the same answer")
    status, problem, _ = admin.ask("POST", "/projects", {"name": "twice"}, headers={"idempotency-key": "k1"})
    check(status == 409, "another body with it: %s %s" % (status, problem))
    status, problem, _ = admin.ask("POST", "/projects", {"name": "once"}, headers={"idempotency-key": "k2"})
    check(status == 409 and problem["code"] == "exists", "another key is another request: %s" % problem)
    user = admin.done("POST", "/users", {"email": "once@example.com"}, headers={"idempotency-key": "k3"})
    again = admin.done("POST", "/users", {"email": "once@example.com"}, headers={"idempotency-key": "k3"})
    check(user["password"] and again["password"] is None and again["id"] == user["id"], "a secret is told once: %s" % again)


def check_bodies(server, admin):
    cases = [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"name":1}', 400), (b'{"name":"x","y":1}', 400), (b'{"name":"A"}', 400),
             (b'{"name":"x","name":"y"}', 400), (b"[" * 100 + b"]" * 100, 400), (b'{"name":"\xff"}', 400), (b" " * (2 << 20), 413)]
    for body, wanted in cases:
        status, problem, headers = admin.ask("POST", "/projects", data=body, headers={"content-type": "application/json"})
        check(status == wanted and headers["content-type"] == "application/problem+json" and problem["detail"],
              "%r is %d: %s %s" % (body[:40], wanted, status, problem))
    check(admin.ask("POST", "/projects", data=b'{"name":"x"}', headers={"content-type": "text/plain"})[0] == 415, "not said to be JSON")
    status, problem, _ = admin.ask("POST", "/projects/default/query", {"sql": "select 1", "limit": "x"})
    check(status == 400 and problem["pointer"] == "/limit", "it tells which value: %s" % problem)
    status, problem, _ = admin.ask("POST", "/projects/default/query", {"sql": "select nope from otel_metrics"})
    check(status == 400 and problem["code"] == "no_column" and problem["position"] == 8, "and where in the SQL: %s" % problem)


def raw_query(server, token, sql, limit):
    """A socket with the request sent, nothing read."""
    body = json.dumps({"sql": sql, "limit": limit, "timeout_ms": 120000}).encode()
    one = socket.create_connection(("127.0.0.1", server.web_port))
    one.sendall(b"POST /api/v1/projects/default/query HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n" % (token.encode(), len(body)) + body)
    return one


def running(server):
    with socket.create_connection(("127.0.0.1", server.web_port)) as one:
        one.sendall(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        text = b"".join(iter(lambda: one.recv(65536), b"")).decode()
    return int(float(re.search(r"^monoscope_api_running (\S+)", text, re.M).group(1)))


def check_streams(server, admin):
    """A long answer to a slow reader is whole and does not fill our memory; one that nobody reads any more ends."""
    server.load(seconds=3, rate=10000)
    rows = server.one("SELECT count(*) FROM otel_logs_and_spans")
    before = server.memory_kib()["RssAnon"]
    slow = raw_query(server, admin.token, "select * from otel_logs_and_spans", 1000000)
    time.sleep(2)
    grown = (server.memory_kib()["RssAnon"] - before) / 1024
    got = b""
    pieces = []
    while True:
        piece = slow.recv(1 << 20)
        pieces.append(piece)
        got = (got + piece)[-10:]
        if not piece or got.endswith(b"\r\n0\r\n\r\n"):
            break
    text = b"".join(pieces)
    at, parts = text.index(b"\r\n\r\n") + 4, []
    while True:
        end = text.index(b"\r\n", at)
        size = int(text[at:end], 16)
        if size == 0:
            break
        parts.append(text[end + 2:end + 2 + size])
        at = end + size + 4
    answer = json.loads(b"".join(parts))
    check(answer["row_count"] == len(answer["rows"]) >= rows and not answer["is_cut"], "all rows come: %d" % answer["row_count"])
    check(grown < 400, "what a slow reader leaves is not kept in memory: %d MiB" % grown)
    forever = "select count(*) from otel_logs_and_spans a, otel_logs_and_spans b, otel_logs_and_spans c where a.name <> b.name and b.kind <> c.name"
    gone = [raw_query(server, admin.token, forever, 10) for _ in range(3)] + [raw_query(server, admin.token, "select * from otel_logs_and_spans", 1000000)]
    wait_until(lambda: running(server) >= 4, "they run")
    for one in gone:
        one.close()
    wait_until(lambda: running(server) == 0, "queries whose clients have gone end", timeout_s=10)
    for form, kind in (("text/csv", "text/csv; charset=utf-8"), ("application/x-ndjson", "application/x-ndjson")):
        status, text, headers = admin.ask("POST", "/projects/default/query", {"sql": "select 1 as a, 'x' as b"}, headers={"accept": form})
        check(status == 200 and headers["content-type"] == kind, "%s: %s %s" % (form, status, headers["content-type"]))
    check(admin.ask("POST", "/projects/default/query", {"sql": "select 1"}, headers={"accept": "image/png"})[0] == 406, "no pictures")
    return answer["row_count"], len(b"".join(parts)) // 1024 ** 2, grown


def check_large_rows(server, admin):
    """Rows of a megabyte come a few a page, each once; the memory of an answer stays bounded."""
    count, at_ns = 24, time.time_ns()
    for number in range(count):
        record = {"timeUnixNano": str(at_ns + number * 1000), "body": {"stringValue": "%03d " % number + "y" * 900000}}
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "large"}}]}
        request = urllib.request.Request(
            "http://127.0.0.1:%d/v1/logs" % server.http_port, method="POST",
            data=json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}).encode(),
            headers={"content-type": "application/json", "authorization": "Bearer " + server.key})
        urllib.request.urlopen(request, timeout=60).close()
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'large'", count)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = admin.done("GET", "/projects/default/search?service=large&limit=1000" + (("&cursor=" + cursor) if cursor else ""))
        seen += [one["body"][:3] for one in page["items"]]
        check(1 <= len(page["items"]) <= 8, "a page of megabytes is short: %d" % len(page["items"]))
        cursor, pages = page.get("next_cursor"), pages + 1
    check(seen == ["%03d" % number for number in reversed(range(count))], "each once, newest first: %s" % seen)
    return pages


def check_stop(server, admin):
    """A stop does not wait for a query that would run for minutes."""
    forever = "select count(*) from otel_logs_and_spans a, otel_logs_and_spans b, otel_logs_and_spans c where a.name <> b.name and b.kind <> c.name"
    one = raw_query(server, admin.token, forever, 10)
    wait_until(lambda: running(server) >= 1, "it runs")
    seconds = server.stop()
    one.close()
    check(seconds < 30, "it stops in time: %.1f s" % seconds)
    return seconds


def check_on_postgres():
    """What goes into the metadata, on the other backend: pages, races, repeats; those also by another process, after a restart."""
    with Postgres() as postgres:
        options = ["--database", postgres.url("api")]
        with Server(data=os.path.join(STORY_DIR, "postgres-data"), options=options) as server:
            admin = first_admin(server)
            check_pages(admin)
            check_races(server, admin)
            check_once(admin)
            other = Server(data=os.path.join(STORY_DIR, "postgres-other"), options=options)
            with other:
                same = Caller(other, admin.token)
                status, body, headers = same.ask("POST", "/projects", {"name": "once"}, headers={"idempotency-key": "k1"})
                check(status == 201 and headers["idempotency-replayed"] == "true", "another process knows what was done: %s" % body)
            server.kill()
            server.start()
            again = Caller(server, admin.token).ask("POST", "/projects", {"name": "once"}, headers={"idempotency-key": "k1"})
            check(again[0] == 201 and again[1] == body, "and so does a later one: %s" % (again[:2],))


def main():
    seed = int(os.environ.get("STORY_SEED") or int(time.time()))
    print("STORY_SEED=%d" % seed, flush=True)
    home = pythonhome.install("schemathesis")
    check_on_postgres()
    with Server(flush="2s") as server:
        admin = first_admin(server)
        operations = check_document(server, admin)
        ids = [one["operationId"] for one in operations if one["operationId"] not in ENDING + ENDLESS]
        check_bodies(server, admin)
        pages = check_pages(admin)
        check_races(server, admin)
        check_once(admin)
        rows, mib, grown = check_streams(server, admin)
        check_large_rows(server, admin)
        key = server.key_create("default", "schemathesis", "--scopes", "ingest,query,admin")[1]
        wait_until(lambda: Caller(server, key).ask("GET", "/projects")[0] == 200, "the key is known")
        second = admin.done("POST", "/users", {"email": "second@example.com", "is_instance_admin": True})
        other = settle(server, "second@example.com", second["password"])
        made = schemathesis(home, server, "an instance admin", admin.token, ids, seed)
        made += schemathesis(home, server, "an admin key", key, ids, seed + 1, "fuzzing")
        made += schemathesis(home, server, "nobody", None, ids, seed + 2, "fuzzing")
        made += schemathesis(home, server, "an admin who may end itself", other.token, ENDING, seed + 3)
        wait_until(lambda: running(server) == 0, "nothing runs on", timeout_s=60)
        server.kill()
        server.start()
        admin = sign_in(server, "admin@localhost", PASSWORD)
        seconds = check_stop(server, admin)
        events = server.events("api.not_answered") + server.events("api.answer_failed")
        check(not events, "every request was answered: %s" % events)
        print("%d operations, %d requests of schemathesis without a 5xx; %d projects in pages; %d rows (%d MiB) to a slow reader, "
              "%d MiB more memory; stopped in %.1f s beside a query without end" % (len(operations), made, pages, rows, mib, grown, seconds))


sys.exit(main())
