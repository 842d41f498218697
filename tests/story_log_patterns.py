#!/usr/bin/env python3
# time_limit_s: 240, tries: 2
"""Log patterns: lines of real programs, counted by what they say, exactly, whatever is killed.

Lines by the OpenTelemetry SDK of Python and by hand, in the formats of well-known programs; the server is killed again and again,
also where counts have been stored and nothing else; then every pattern's count, levels, steps, first and last time are asked of
SQL too. The same lines through two workers on one database give the same patterns. What is new and what has changed is
marked; `pattern:ID` finds the rows; a copy of the metadata has all of it; what rows are deleted leave no sample behind.
"""
import datetime
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
import urllib.parse

from apiclient import PASSWORD, Caller, first_admin
from monoscope import BINARY, FULL, REPO, STORY_DIR, Server, check, wait_until
from nodeprogram import NODE, environment, install
from otlp import Sender, log, logs
from postgres import Postgres

KILLS = 12 if FULL else 4
PLACES = ["patterns.before_store:1", "patterns.after_store:1", "patterns.after_store:2", "flush.after_commit:1", "wal.before_release:1"]
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python", "lines.py")
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)
NAMES = ["%s%s" % (a, b) for a in ("al", "bor", "ca", "dom", "el", "fin", "gar", "hul") for b in ("ano", "bert", "cia", "dine", "elle", "gor", "jo", "lis")]
SAID = {
    "openssh": ["Failed password for invalid user {name} from {ip} port {n} ssh2", "Accepted publickey for {name} from {ip} port {n} ssh2",
                "Received disconnect from {ip} port {n}:11: Bye Bye [preauth]"],
    "nginx": ["{ip} - - [02/Nov/2026:03:04:{s} +0000] \"GET /static/{name}.css HTTP/1.1\" 200 {n}",
              "2026/11/02 03:04:{s} [error] {n}#{n}: *{n} connect() failed (111: Connection refused) while connecting to upstream"],
    "spring": ["Order {n} of {name} was placed in {n} ms", "Item {name} is short in store {n}", "Started ShopApplication in {n}.{n} seconds"],
    "hdfs": ["PacketResponder {n} for block blk_-{n} terminating", "Receiving block blk_{n} src: /{ip}:{n} dest: /{ip}:{n}"],
}
SEVERITY = [0, 5, 9, 9, 9, 13, 17, 21]
MINUTE = 60 * 10**9


def line(at_ns, service=None):
    service = service or rng.choice(sorted(SAID))
    said = rng.choice(SAID[service]).format(name=rng.choice(NAMES), ip="10.%d.%d.%d" % tuple(rng.randrange(256) for _ in range(3)),
                                            n=rng.randrange(1, 10**rng.randrange(1, 7)), s="%02d" % rng.randrange(60))
    return service, log(said, at_ns=at_ns, severity_number=rng.choice(SEVERITY))


def batch(size, from_ns, to_ns):
    """One request a service."""
    by_service = {}
    for _ in range(size):
        service, record = line(rng.randrange(from_ns, to_ns))
        by_service.setdefault(service, []).append(record)
    return [logs(records, {"service.name": service}) for service, records in by_service.items()]


def patterns(server, more="", span=("now-2h", "now")):
    query = "from=%s&to=%s&pattern_limit=1000%s" % (span[0], span[1], more)
    return Caller(server, server.key).done("GET", "/projects/default/patterns?" + query)


def wait_counted(server, words):
    rows = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'log'")
    wait_until(lambda: patterns(server)["lines"] == rows, "%s: the patterns count all %d lines (%d)" % (words, rows, patterns(server)["lines"]), 40)
    return rows


def deliver(server, requests):
    """Each until it is acknowledged, over kills: the same bytes again are the same lines."""
    for message in requests:
        for _ in range(20):
            try:
                if Sender(server.grpc_port, server.key).send("logs", message).status == 0:
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
        place = PLACES[number % len(PLACES)]
        server.start(environment={"MONOSCOPE_FAIL_POINT": place})
        deliver(server, batch(300, now_ns - 50 * MINUTE, now_ns))
        end = time.monotonic() + 3
        while time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.01)
        inside += server.process.poll() is not None
        server.kill()
    server.start()
    return inside


def utc(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def compare(server, more="", where="true"):
    """Every figure against SQL, by the elements of the rows."""
    told = patterns(server, more)
    rows = server.query("""SELECT substr(h, 5), level, timestamp, body #>> '{}' FROM (SELECT unnest(hashes) AS h, level, timestamp, body, kind,
                           resource___service___name FROM otel_logs_and_spans) x WHERE h LIKE 'pat:%' AND """ + where)
    of_id = {}
    for row in rows:
        of_id.setdefault(row[0], []).append(row)
    begin, step = utc(told["from"]), datetime.timedelta(seconds=told["step_seconds"])
    check(told["lines"] == len(rows) and told["others"] == 0, "all lines are of a pattern: %d, %d others, SQL %d" % (told["lines"], told["others"], len(rows)))
    seen = 0
    for pattern in told["items"]:
        mine = [row for id in pattern["ids"] for row in of_id.get(id, ())]
        check(pattern["count"] == len(mine), "%s: %d lines, SQL %d" % (pattern["text"], pattern["count"], len(mine)))
        levels, steps = {}, [0] * len(pattern["counts"])
        for row in mine:
            level = (row[1] or "none").lower()
            levels[level] = levels.get(level, 0) + 1
            steps[int((row[2] - begin) / step)] += 1
        check(pattern["levels"] == levels, "%s: levels %s, SQL %s" % (pattern["text"], pattern["levels"], levels))
        check(pattern["counts"] == steps, "%s: steps %s, SQL %s" % (pattern["text"], pattern["counts"], steps))
        if where == "true":
            times = [row[2] for row in mine]
            check((utc(pattern["first_seen"]), utc(pattern["last_seen"])) == (min(times), max(times)), "first and last of %s" % pattern["text"])
            check(any(row[3] == pattern["sample"] for row in mine if row[2] == min(times)), "the sample is the first line: %r" % pattern["sample"])
        check(abs(pattern["share"] - pattern["count"] / told["lines"]) < 1e-9, "its share")
        seen += len(mine)
    check(seen == len(rows), "no line is in no pattern: %d of %d" % (seen, len(rows)))
    return told


def texts_are_as_written(told):
    texts = {(pattern["service"], pattern["text"]) for pattern in told["items"]}
    for service, text in (("openssh", "Failed password for invalid user <*> from <*> port <*> ssh<*>"), ("openssh", "Accepted publickey for <*> from <*> port <*> ssh<*>"),
                          ("nginx", "<*> - - [<*> <*>] \"GET <*> HTTP/<*>\" <*>"), ("spring", "Order <*> of <*> was placed in <*> ms"),
                          ("hdfs", "PacketResponder <*> for block blk_<*> terminating"), ("program", "order <*> of <*> was placed in <*> ms"),
                          ("program", "payment of order <*> was refused: card expired"), ("program", "cart <*> could not be read")):
        check(any(s == service and t.startswith(text[:-1]) for s, t in texts), "%s says %s: %s" % (service, text, sorted(t for s, t in texts if s == service)))
    of_events = {service: len(said) for service, said in SAID.items()}
    for service, count in of_events.items():
        check(len([1 for s, _ in texts if s == service]) == count, "%s has %d patterns: %s" % (service, count, sorted(t for s, t in texts if s == service)))


def found_by_search(server, told):
    """pattern:ID, of any of its templates, finds its rows; without it the others; the statement opens few files."""
    api = Caller(server, server.key)
    for pattern in told["items"][:6]:
        for id in {pattern["id"], rng.choice(pattern["ids"])}:
            where = api.done("POST", "/projects/default/search/translate", {"q": "pattern:" + id})["where"]
            count = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE " + where)
            check(count == pattern["count"], "pattern:%s finds %d rows, wanted %d: %s" % (id, count, pattern["count"], where))
        where = api.done("POST", "/projects/default/search/translate", {"q": "kind:log -pattern:" + pattern["id"]})["where"]
        count = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE " + where)
        check(count == told["lines"] - pattern["count"], "without it %d, wanted %d" % (count, told["lines"] - pattern["count"]))
    one = told["items"][0]
    items = api.done("GET", "/projects/default/search?limit=5&q=" + urllib.parse.quote("pattern:" + one["id"]))["items"]
    check(len(items) == min(5, one["count"]), "the list of rows has them")


def run_program(server, rounds):
    settings = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:%d" % server.grpc_port, OTEL_SERVICE_NAME="program",
                       OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer %s" % server.key)
    ran = subprocess.run([sys.executable, PROGRAM, str(rounds)], env=settings, capture_output=True, text=True, timeout=60)
    check(ran.returncode == 0, "the program ends: " + ran.stderr[-2000:])
    return int(ran.stdout)


def killed_and_compared():
    server = Server(flush="1s")
    with server:
        first_admin(server)
        written = run_program(server, 120)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", written)
        server.kill()
        inside = killed_rounds(server)
        check(inside >= 2, "the server was killed at the stated places: %d times" % inside)
        rows = wait_counted(server, "after kills")
        told = compare(server)
        texts_are_as_written(told)
        compare(server, "&service=openssh", "resource___service___name = 'openssh'")
        compare(server, "&pattern_level=error", "level = 'ERROR'")
        asked = compare(server, "&q=" + urllib.parse.quote("service:spring OR service:program"), "resource___service___name IN ('spring', 'program')")
        of_counted = {pattern["id"]: pattern["count"] for pattern in told["items"]}
        check(all(of_counted[pattern["id"]] == pattern["count"] for pattern in asked["items"]), "asked of rows or of counts: the same")
        found_by_search(server, told)
        pages = [item["id"] for offset in range(0, told["patterns"], 4) for item in patterns(server, "&offset=%d" % offset)["items"][:4]]
        check(sorted(pages) == sorted(of_counted), "pages have each pattern once")
        changes(server)
        in_the_browser(server)
        copied(server)
        forgotten(server)
    return rows, len(told["items"]), inside


def changes(server):
    """In the last hour: one pattern that was never there, one that is there five times as often, one that has ended."""
    now_ns = time.time_ns()
    before = [log("job %d is done" % n, at_ns=now_ns - 90 * MINUTE + n) for n in range(20)] + [log("worker %d has begun" % n, at_ns=now_ns - 80 * MINUTE + n) for n in range(50)]
    before += [log("heart beat %d" % n, at_ns=now_ns - (90 if n % 2 else 30) * MINUTE + n) for n in range(200)]
    after = [log("job %d is done" % n, at_ns=now_ns - 20 * MINUTE + n) for n in range(100)] + [log("disk %d is full" % n, at_ns=now_ns - 10 * MINUTE + n) for n in range(7)]
    hostile = [log("<img src=x onerror=alert(1)> \u202e <script>%d</script> \0 {{%d}}" % (n, n), at_ns=now_ns - 90 * MINUTE + n) for n in range(3)]
    rows = server.one("SELECT count(*) FROM otel_logs_and_spans")
    deliver(server, [logs(before + after, {"service.name": "jobs"}), logs(hostile, {"service.name": "<b>hostile</b>"})])
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows + len(before) + len(after) + len(hostile))
    wait_counted(server, "with changes")
    told = patterns(server, "&service=jobs&sort=change", ("now-1h", "now"))
    got = [(pattern["text"], pattern["change"], pattern["count"], pattern["before"]) for pattern in told["items"]]
    check(sorted(got) == sorted([("disk <*> is full", "new", 7, 0), ("job <*> is done", "more", 100, 20), ("worker <*> has begun", "gone", 0, 50), ("heart beat <*>", "same", 100, 100)]),
          "what has changed: %s" % got)
    check(got[0][1] == "new" and got[-1][1] == "same", "changes stand first: %s" % got)
    told = patterns(server, "&service=jobs&new_since=now-15m")
    check([pattern["text"] for pattern in told["items"]] == ["disk <*> is full"], "new since a quarter of an hour: %s" % told["items"])
    told = patterns(server, "&text=FULL")
    check([pattern["text"] for pattern in told["items"]] == ["disk <*> is full"], "found by its text: %s" % told["items"])


def in_the_browser(server):
    shots = os.path.join(REPO, "build", "stories", "story_log_patterns.shots")
    given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "shots": shots,
             "patterns": [{name: pattern[name] for name in ("id", "text", "count")} for pattern in patterns(server)["items"]]}
    done = subprocess.run([NODE, "patterns.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=120)
    check(done.returncode == 0, "patterns in the UI are as they should be")


def copied(server):
    """The counts go along with the metadata."""
    def sums(path):
        with sqlite3.connect(path) as database:
            return [database.execute("SELECT count(*), sum(%s) FROM %s" % (of, table)).fetchone()
                    for table, of in (("pattern_minutes", "row_count"), ("pattern_hours", "row_count"), ("pattern_templates", "first_unix_us"))]
    source, backup, restored = os.path.join(server.data, "meta.sqlite"), os.path.join(STORY_DIR, "backup"), os.path.join(STORY_DIR, "restored.sqlite")
    for command, database in ((["meta", "backup", backup], source), (["meta", "restore", backup], restored), (["meta", "check"], restored)):
        ran = subprocess.run([BINARY] + command + ["--database", database], capture_output=True, text=True)
        check(ran.returncode == 0, "%s works: %s%s" % (command, ran.stdout, ran.stderr))
    check(sums(source) == sums(restored) and sums(source)[0][0] > 0, "a copy has all counts: %s, %s" % (sums(source), sums(restored)))


def forgotten(server):
    server.execute("DELETE FROM otel_logs_and_spans WHERE resource___service___name = 'hdfs'")
    check(not any(pattern["sample"] for pattern in patterns(server)["items"]), "no sample is left after a DELETE")
    check(any(pattern["service"] == "hdfs" for pattern in patterns(server)["items"]), "its counts stay")


def two_workers():
    """The same lines through one server and, split at random, through two on one database."""
    now_ns = time.time_ns()
    requests = [message for _ in range(6) for message in batch(200, now_ns - 40 * MINUTE, now_ns)]
    known = ("id", "service", "text", "sample", "count", "levels", "counts", "first_seen", "last_seen", "ids")
    with Postgres() as postgres, Server(data=os.path.join(STORY_DIR, "one"), flush="1s", options=["--database", postgres.url()]) as one:
        deliver(one, requests)
        one.wait_count("SELECT count(*) FROM otel_logs_and_spans", 1200)
        wait_counted(one, "one worker")
        alone = [{name: pattern[name] for name in known} for pattern in patterns(one)["items"]]
        url = postgres.url("pair")
        with Server(data=os.path.join(STORY_DIR, "left"), flush="1s", options=["--database", url]) as left, \
                Server(data=os.path.join(STORY_DIR, "right"), flush="2s", options=["--database", url], environment={}) as right:
            right.key = left.key
            rng.shuffle(requests)
            for message in requests:
                deliver(rng.choice((left, right)), [message])
            total = sum(pattern["count"] for pattern in alone)
            wait_until(lambda: patterns(left)["lines"] == total, "both count %d" % total, 40)
            for server in (left, right):
                both = [{name: pattern[name] for name in known} for pattern in patterns(server)["items"]]
                strip = lambda items: sorted((p["service"], p["text"], p["sample"], p["count"], sorted(p["levels"].items()), p["first_seen"], p["last_seen"], len(p["ids"])) for p in items)
                check(strip(both) == strip(alone), "two workers give what one gives")
    return total


def without_counts():
    """Patterns of rows alone, where nothing was counted: the same texts, made of the rows themselves."""
    now_ns = time.time_ns()
    with Server(data=os.path.join(STORY_DIR, "off"), options=["--patterns", "off"]) as server:
        deliver(server, batch(400, now_ns - 30 * MINUTE, now_ns))
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 400)
        check(patterns(server)["lines"] == 0, "nothing was counted")
        told = patterns(server, "&q=kind:log")
        check((told["lines"], told["others"]) == (400, 0), "all lines are of a pattern: %s" % {name: told[name] for name in ("lines", "others")})
        check(sum(pattern["count"] for pattern in told["items"]) == 400 and len(told["items"]) == sum(len(said) for said in SAID.values()),
              "as many patterns as there are messages: %s" % [pattern["text"] for pattern in told["items"]])


rows, kinds, inside = killed_and_compared()
total = two_workers()
without_counts()
print("%d lines, %d patterns exact as SQL has them after %d kills (%d at stated places); two workers gave the same of %d lines" % (rows, kinds, KILLS, inside, total))
