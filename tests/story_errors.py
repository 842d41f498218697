#!/usr/bin/env python3
# time_limit_s: 240, tries: 2
"""Errors: those of many services, counted by fingerprint exactly, whatever is killed.

Exceptions of spans and logs by hand, of several languages, kinds, releases, environments and users, many at the same time; the
server is killed again and again, also where counts have been stored and nothing else; then every fingerprint's count by minute,
hour, environment and release, its users, its first and last event are asked of SQL too. The same errors through two workers on one
PostgreSQL give the same tables as through one. A flood of kinds is bounded and said; a copy of the metadata has all of it; what
rows are deleted leave no event behind; a retention takes events and leaves counts; without --errors nothing is counted.
"""
import collections
import json
import os
import random
import re
import sqlite3
import subprocess
import time
import urllib.request

from monoscope import BINARY, FULL, STORY_DIR, Server, check, wait_until
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import Sender, attributes, log, logs, span, traces
from postgres import Postgres

KILLS = 12 if FULL else 4
PLACES = ["errors.before_store:1", "errors.after_store:1", "errors.after_store:2", "flush.after_commit:1", "wal.before_release:1"]
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)
MINUTE = 60 * 10**9
STACKS = {
    "cart": ("java", "com.acme.shop.CartException", "cart {n} is gone",
             "com.acme.shop.CartException: cart {n} is gone\n\tat com.acme.shop.Cart.{f}(Cart.java:{n})\n\tat com.acme.shop.Api.serve(Api.java:7)"),
    "payment": ("python", "PaymentError", "card of user {n} was refused",
                'Traceback (most recent call last):\n  File "/srv/payment/app.py", line {n}, in {f}\n    pay()\nPaymentError: card of user {n} was refused\n'),
    "web": ("nodejs", "TypeError", "cannot read '{f}' of undefined", "TypeError: cannot read '{f}' of undefined\n    at {f} (/srv/web/{f}.js:{n}:3)"),
    "ship": ("go", "*errors.errorString", "parcel {n} has no address", ""),
}
FUNCTIONS = ["total", "pay", "add", "remove"]
ENVIRONMENTS = ["production", "staging", None]
RELEASES = ["1.0", "1.1", "2.0", None]


def resource_of(service, release, environment):
    resource = {"service.name": service, "service.namespace": "shop", "telemetry.sdk.language": STACKS[service][0], "service.version": release, "deployment.environment.name": environment}
    return {name: value for name, value in resource.items() if value is not None}


def failed(service, at_ns):
    """A span or a log with an exception. Many come at one time, so that which is first is a matter of what they say."""
    language, kind, said, stack = STACKS[service]
    fill = {"n": rng.randrange(1, 10**6), "f": rng.choice(FUNCTIONS)}
    at_ns -= at_ns % (10 * 10**9)
    exception = {"exception.type": kind, "exception.message": said.format(**fill), "exception.stacktrace": stack.format(**fill)}
    whose = rng.choice([{"user.id": "user%d" % rng.randrange(40)}, {"session.id": "session%d" % rng.randrange(40)}, {}])
    if rng.random() < 0.5:
        return "traces", span("GET /%s" % service, whose, at_ns, events=[trace_pb2.Span.Event(name="exception", time_unix_nano=at_ns, attributes=attributes(exception))])
    return "logs", log("it failed", dict(whose, **exception), at_ns, severity_number=17)


def batch(size, from_ns, to_ns):
    """Requests, each of one resource."""
    groups = collections.defaultdict(list)
    for _ in range(size):
        service = rng.choice(sorted(STACKS))
        signal, record = failed(service, rng.randrange(from_ns, to_ns))
        groups[signal, service, rng.choice(RELEASES), rng.choice(ENVIRONMENTS)].append(record)
    return [(signal, (traces if signal == "traces" else logs)(records, resource_of(service, release, environment)))
            for (signal, service, release, environment), records in groups.items()]


def deliver(server, requests):
    """Each until it is acknowledged, over kills: the same bytes again are the same errors."""
    for signal, message in requests:
        for _ in range(20):
            try:
                if Sender(server.grpc_port, server.key).send(signal, message).status == 0:
                    break
            except OSError:
                pass
            if server.process.poll() is not None:
                server.start()
            time.sleep(0.1)
        else:
            check(False, "a request is taken in the end\n" + server.log_text()[-2000:])


def killed_rounds(server):
    inside = 0
    for number in range(KILLS):
        now_ns = time.time_ns()
        server.start(environment={"MONOSCOPE_FAIL_POINT": PLACES[number % len(PLACES)]})
        deliver(server, batch(300, now_ns - 50 * MINUTE, now_ns))
        end = time.monotonic() + 3
        while time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.01)
        inside += server.process.poll() is not None
        server.kill()
    server.start()
    return inside


def metric(server, name):
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port, timeout=20) as answer:
        return float(re.search("^%s (\\S+)" % re.escape(name), answer.read().decode(), re.M).group(1))


def table(path, sql):
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=20) as database:
        return database.execute(sql).fetchall()


def total(path):
    return table(path, "SELECT coalesce(sum(total_count), 0) FROM error_fingerprints")[0][0]


def errors_of_rows(server):
    """What SQL says: of each fingerprint its rows."""
    rows = server.query("""SELECT substr(h, 5), timestamp, coalesce(resource___deployment___environment___name, ''), coalesce(resource___service___version, ''),
                           coalesce('u' || attributes___user___id, 's' || attributes___session___id), attributes___exception___message, errors #>> '{}',
                           coalesce(context___trace_id, '') FROM (SELECT unnest(hashes) AS h, * FROM otel_logs_and_spans) x WHERE h LIKE 'err:%'""")
    of_id = collections.defaultdict(list)
    for id, at, environment, release, user, message, errors, trace in rows:
        of_id[id].append((round(at.timestamp() * 10**6), environment, release, user, errors, trace))
    return of_id


def compare(server):
    """Every figure against SQL, by the elements of the rows."""
    path = os.path.join(server.data, "meta.sqlite")
    of_id = errors_of_rows(server)
    count = sum(len(rows) for rows in of_id.values())
    wait_until(lambda: total(path) == count, "%d errors are counted (%d)" % (count, total(path)), 40)
    told = {row[0]: row[1:] for row in table(path, "SELECT id, first_unix_us, last_unix_us, total_count, first_event, last_event, service, family FROM error_fingerprints")}
    check(set(told) == set(of_id), "the same fingerprints")
    for grain, name in ((60 * 10**6, "error_minutes"), (3600 * 10**6, "error_hours")):
        want = collections.Counter((id, at - at % grain, environment) for id, rows in of_id.items() for at, environment, *_ in rows)
        got = {(id, at, environment): n for id, at, environment, n in table(path, "SELECT fingerprint_id, at_unix_us, environment, row_count FROM " + name)}
        check(got == dict(want), "%s as SQL has them: %d, %d" % (name, len(got), len(want)))
    want = {}
    for id, rows in of_id.items():
        for at, environment, release, *_ in rows:
            if release:
                low, high, n = want.get((id, release, environment), (at, at, 0))
                want[id, release, environment] = (min(low, at), max(high, at), n + 1)
    got = {row[:3]: row[3:] for row in table(path, "SELECT fingerprint_id, release, environment, first_unix_us, last_unix_us, row_count FROM error_releases")}
    check(got == want, "releases as SQL has them: %d, %d" % (len(got), len(want)))
    users = dict(table(path, "SELECT fingerprint_id, count(*) FROM error_users GROUP BY 1"))
    for id, rows in of_id.items():
        first, last, n, first_event, last_event, service, family = told[id]
        times = [row[0] for row in rows]
        check((first, last, n) == (min(times), max(times), len(rows)), "count, first and last of %s" % id)
        check(users.get(id, 0) == len({row[3] for row in rows if row[3]}), "users of %s: %d" % (id, users.get(id, 0)))
        check(family == "shop" and service in STACKS, "service and family")
        for text, at in ((first_event, first), (last_event, last)):
            event = json.loads(text)
            check(list(event)[0] == "id" and event["timestamp"] == at and event["service"] == service, "an event of that time: %s" % text[:200])
            check(any(row[0] == at and json.loads(row[4])[0]["message"] == event["message"] and row[2] == event.get("release", "") and row[5] == event.get("trace_id", "")
                      and json.loads(row[4])[0].get("stacktrace", "") == event.get("stacktrace", "") for row in rows), "it is a row's: %s" % text[:300])
    return count, len(told)


def dumped(read):
    """The tables, for comparing; the events whole."""
    columns = {"error_fingerprints": "id, service, family, language, made_by, first_event, last_event, first_unix_us, last_unix_us, total_count",
               "error_minutes": "fingerprint_id, at_unix_us, environment, row_count", "error_hours": "fingerprint_id, at_unix_us, environment, row_count",
               "error_releases": "fingerprint_id, release, environment, first_unix_us, last_unix_us, row_count", "error_users": "fingerprint_id, user_hash, first_unix_us, last_unix_us"}
    return {name: read("SELECT %s FROM %s ORDER BY %s" % (of, name, ", ".join(str(n + 1) for n in range(of.count(",") + 1)))) for name, of in columns.items()}


def killed_and_compared():
    server = Server(flush="1s")
    with server:
        server.kill()
        inside = killed_rounds(server)
        check(inside >= 2, "the server was killed at the stated places: %d times" % inside)
        count, kinds = compare(server)
        copied(server)
        flooded(server)
        events_leave(server)
    return count, kinds, inside


def copied(server):
    """The counts go along with the metadata."""
    source, backup, restored = os.path.join(server.data, "meta.sqlite"), os.path.join(STORY_DIR, "backup"), os.path.join(STORY_DIR, "restored.sqlite")
    for command, database in ((["meta", "backup", backup], source), (["meta", "restore", backup], restored), (["meta", "check"], restored)):
        ran = subprocess.run([BINARY] + command + ["--database", database], capture_output=True, text=True)
        check(ran.returncode == 0, "%s works: %s%s" % (command, ran.stdout, ran.stderr))
    check(dumped(lambda sql: table(source, sql)) == dumped(lambda sql: table(restored, sql)), "a copy has all counts")


def flooded(server):
    """3,000 kinds of errors of one service, and one of another that is told after them."""
    path = os.path.join(server.data, "meta.sqlite")
    before, now_ns = total(path), time.time_ns()
    letters = lambda n: "".join(chr(97 + n // 26**place % 26) for place in range(4))
    records = [log("it failed", {"exception.type": "flood." + letters(n).capitalize(), "exception.message": "no"}, now_ns - 10**9, severity_number=17) for n in range(3000)]
    for at in range(0, len(records), 500):
        deliver(server, [("logs", logs(records[at:at + 500], {"service.name": "flood"}))])
    deliver(server, [("logs", logs([log("it failed", {"exception.type": "Rare", "exception.message": "once"}, now_ns, severity_number=17)], {"service.name": "calm"}))])
    wait_until(lambda: total(path) == before + 3001, "every error of a flood counts: %d of %d" % (total(path) - before, 3001), 40)
    kinds, = table(path, "SELECT count(*) FROM error_fingerprints WHERE service = 'flood'")[0]
    other = table(path, "SELECT total_count, first_event FROM error_fingerprints WHERE service = 'flood' AND first_event LIKE '%\"type\":\"(other)\"%'")
    check(kinds == 1001 and len(other) == 1 and other[0][0] == 2000, "a thousand are kept apart, the others are one: %d, %s" % (kinds, other))
    check(table(path, "SELECT total_count FROM error_fingerprints WHERE service = 'calm'") == [(1,)], "another service's errors are counted as ever")
    check(metric(server, "monoscope_errors_rest_total") == 2000, "and it is said: %d" % metric(server, "monoscope_errors_rest_total"))


def events_leave(server):
    path = os.path.join(server.data, "meta.sqlite")
    before = total(path)
    server.execute("DELETE FROM otel_logs_and_spans WHERE resource___service___name = 'cart'")
    check(table(path, "SELECT count(*) FROM error_fingerprints WHERE first_event <> '' OR last_event <> ''") == [(0,)], "no event is left after a DELETE")
    check(total(path) == before, "counts stay")


def comparable(postgres, database):
    """The tables without what two installations have of their own: ids are made with the project's, hashes with a secret."""
    names = {}
    with postgres.connect(database) as connection:
        ask = lambda sql: connection.execute(sql).fetchall()
        told = dumped(ask)
    for id, *rest in told["error_fingerprints"]:
        names[id] = str(rest)
    users = collections.Counter(names[row[0]] for row in told.pop("error_users"))
    return sorted(names.values()), {table: sorted(str((names[row[0]], row[1:])) for row in rows) for table, rows in told.items()}, users


def two_workers():
    """The same errors through one server and, split at random, through two on one database."""
    now_ns = time.time_ns()
    requests = [request for _ in range(6) for request in batch(200, now_ns - 40 * MINUTE, now_ns)]
    with Postgres() as postgres:
        one_url, pair_url = postgres.url("one"), postgres.url("pair")
        counted = lambda database: int(postgres.psql("SELECT coalesce(sum(total_count), 0) FROM error_fingerprints", database))
        with Server(data=os.path.join(STORY_DIR, "one"), flush="1s", options=["--database", one_url]) as one:
            deliver(one, requests)
            wait_until(lambda: counted("one") == 1200, "one worker counts all: %d" % counted("one"), 40)
        with Server(data=os.path.join(STORY_DIR, "left"), flush="1s", options=["--database", pair_url]) as left, \
                Server(data=os.path.join(STORY_DIR, "right"), flush="2s", options=["--database", pair_url], environment={}) as right:
            right.key = left.key
            rng.shuffle(requests)
            for request in requests:
                deliver(rng.choice((left, right)), [request])
            wait_until(lambda: counted("pair") == 1200, "two workers count all: %d" % counted("pair"), 40)
        check(comparable(postgres, "one") == comparable(postgres, "pair"), "two workers give what one gives")


def without_counts():
    with Server(data=os.path.join(STORY_DIR, "off"), options=["--errors", "off"]) as server:
        now_ns = time.time_ns()
        deliver(server, batch(50, now_ns - 30 * MINUTE, now_ns))
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE errors IS NOT NULL", 50)
        server.stop()
        check(total(os.path.join(server.data, "meta.sqlite")) == 0, "nothing was counted")


count, kinds, inside = killed_and_compared()
two_workers()
without_counts()
print("%d errors of %d kinds exact as SQL has them after %d kills (%d at stated places); two workers give what one gives" % (count, kinds, KILLS, inside))
