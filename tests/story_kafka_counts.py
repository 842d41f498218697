# time_limit_s: 300
"""What a query process sees never goes down, whatever happens to the workers: over Kafka with three partitions, one process takes
spans in, two store them and one asks (the workers are asked too, of themselves and each other). While spans are sent a worker is
killed and comes back, one is stopped by SIGSTOP until its partitions are another's and then goes on, one hands its partitions over
and ends, and for some seconds there is none at all. Each asks without pause: counts by sender only grow and no number is there
twice; a partition that nobody has, or whose worker does not answer, is named in a warning. In the end everybody sees all that was
acknowledged."""
import http.client
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import psycopg

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import otlp
from kafka import Kafka
from monoscope import FULL, STORY_DIR, Server, acknowledged, check, wait_until
from postgres import Postgres

SENDERS = ("a", "b")
SECONDS = 120 if FULL else 45
COUNTS = """SELECT attributes->'load'->>'sender', count(*), count(DISTINCT (attributes->'load'->>'seq')::bigint)
            FROM otel_logs_and_spans WHERE attributes->'load'->>'sender' IN ('a', 'b') GROUP BY 1"""


def process(name, role, kafka, postgres):
    shared = ["--role", role, "--database", postgres.url(), "--storage", "file://%s/tables" % STORY_DIR,
              "--kafka-session-timeout", "6s", "--publish-interval", "100ms", "--telemetry", "off", "--peer-port", "0", "--memory", "512MiB"]
    return Server(data=os.path.join(STORY_DIR, name), options=kafka.options() + shared, environment=kafka.environment(), flush="2s")


class Asker(threading.Thread):
    """Asks one process all the time; a life that ends begins anew with what the next one sees."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.server, self.name = server, name
        self.is_over = False
        self.asked, self.lives = 0, 0
        self.wrong = []
        self.warnings = {}  # text: when it was seen first
        self.last = {}
        self.start()

    def notice(self, diagnostic):
        if diagnostic.severity_nonlocalized in ("WARNING", "NOTICE"):
            self.warnings.setdefault(diagnostic.message_primary, time.monotonic())

    def ask(self, connection):
        for sender, rows, numbers in connection.execute(COUNTS).fetchall():
            if rows != numbers:
                self.wrong.append("%s sees %d rows of %d numbers of sender %s" % (self.name, rows, numbers, sender))
            if rows < self.last.get(sender, 0):
                self.wrong.append("%s sees %d rows of sender %s after %d" % (self.name, rows, sender, self.last[sender]))
            self.last[sender] = rows
        self.asked += 1

    def run(self):
        starts = None
        while not self.is_over:
            if starts != self.server.starts:
                starts, self.last = self.server.starts, {}
                self.lives += 1
            try:
                with self.server.connect(connect_timeout=2) as connection:
                    connection.add_notice_handler(self.notice)
                    while not self.is_over and starts == self.server.starts:
                        self.ask(connection)
            except psycopg.OperationalError:
                time.sleep(0.05)  # it was killed, or stands still

    def warned(self, pattern, since):
        return [text for text, when in self.warnings.items() if when >= since and re.search(pattern, text)]

    def wait_warning(self, pattern, timeout_s=30):
        since = time.monotonic()
        self.warnings.clear()
        end = time.monotonic() + timeout_s
        while not self.warned(pattern, since) and time.monotonic() < end:
            time.sleep(0.05)
        check(self.warned(pattern, since), "%s warns of \"%s\" within %d s; it warns of %s" % (self.name, pattern, timeout_s, list(self.warnings)))
        return self.warned(pattern, since)[0]


def partitions(server):
    """Of the telemetry topic, that the worker has taken and not left, by its own log."""
    have = set()
    for line in server.log_text().splitlines():
        found = re.search(r'"event":"worker\.partition_(taken|left)".*"partition":"([^"]+)"', line)
        if found and found.group(1) == "taken":
            have.add(found.group(2))
        elif found:
            have.discard(found.group(2))
    return have


def main():
    with Kafka("4.1") as kafka, Postgres() as postgres:
        ingest, first, second, query = (process(name, role, kafka, postgres) for name, role in (
            ("ingest", "ingest"), ("first", "worker,query"), ("second", "worker,query"), ("query", "query")))
        with ingest, first, second, query:
            key = ingest.key
            for server in (first, second, query):
                server.key = key
            askers = [Asker(query, "the query process"), Asker(first, "the first worker"), Asker(second, "the second worker")]
            asker = askers[0]
            wait_until(lambda: partitions(first) and partitions(second), "both workers have partitions", 60)
            loads = [subprocess.Popen(ingest.load_command(SECONDS, sender=sender, ack_log=os.path.join(STORY_DIR, "acks." + sender),
                                                          connections=1, spans=50, rate=1500), stdout=subprocess.DEVNULL)
                     for sender in SENDERS]
            rounds = trouble(first, second, query, asker, loads)
            for load in loads:
                check(load.wait(120) == 0, "load ends well")
            acks = {}
            for sender in SENDERS:
                for name, numbers in acknowledged(os.path.join(STORY_DIR, "acks." + sender)).items():
                    acks[name] = numbers
            seen_by_all(acks, (query, first, second))
            for one in askers:
                one.is_over = True
            for one in askers:
                one.join(60)
            visible = visible_ms(ingest, query)
            wrong = [words for one in askers for words in one.wrong]
            check(not wrong, "; ".join(wrong[:5]))
            check(all(one.asked > 20 for one in askers), "everybody is asked often: %s" % [one.asked for one in askers])
            print("%d rounds of trouble; %d acknowledged spans seen by all; asked %s times in %s lives, counts only grew; "
                  "then a row is seen %d ms after its acknowledgement (median of 20, at most %d)" % (
                rounds, sum(len(numbers) for numbers in acks.values()), "+".join(str(one.asked) for one in askers),
                "+".join(str(one.lives) for one in askers), visible[10], visible[-1]))


def visible_ms(ingest, query):
    """From the answer to a sender until the query process sees its row: 20 of them, in order."""
    took = []
    with query.connect() as connection:
        for number in range(20):
            time.sleep(random.uniform(0.02, 0.3))
            request = http.client.HTTPConnection("127.0.0.1", ingest.http_port, timeout=20)
            request.request("POST", "/v1/logs", otlp.logs([otlp.log("seen?", {"number": number})], {"service.name": "visible"}).SerializeToString(),
                            {"content-type": "application/x-protobuf", "authorization": "Bearer " + ingest.key})
            check(request.getresponse().status == 200, "a log record is taken")
            request.close()
            begin = time.monotonic()
            wait_until(lambda: connection.execute("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'visible'")
                       .fetchone()[0] > number, "row %d is seen" % number)
            took.append(1000 * (time.monotonic() - begin))
    return sorted(took)


def seen_by_all(acks, servers):
    for server in servers:
        for sender, numbers in acks.items():
            def all_are_there():
                return server.one("""SELECT count(DISTINCT (attributes->'load'->>'seq')::bigint) FROM otel_logs_and_spans
                                     WHERE attributes->'load'->>'sender' = %s""", (sender,)) >= len(numbers)
            wait_until(all_are_there, "%s's %d acknowledged spans are seen by %s" % (sender, len(numbers), server.data), 90)
            stored = {row[0] for row in server.query("""SELECT (attributes->'load'->>'seq')::bigint FROM otel_logs_and_spans
                                                        WHERE attributes->'load'->>'sender' = %s""", (sender,))}
            lost = numbers - stored
            check(not lost, "%s sees all acknowledged spans of %s; %d are lost, the first is %s" % (server.data, sender, len(lost), min(lost or {0})))


def trouble(first, second, query, asker, loads):
    """Until the loads end: rounds in turn, each of which ends with both workers well."""
    def worker_killed():
        first.kill()
        words = asker.wait_warning(r"of partition \"monoscope\.telemetry/\d\" does not answer")
        check(re.search(r"\"127\.0\.0\.1:\d+\"", words), "the warning names the worker: %s" % words)
        wait_until(lambda: len(partitions(second)) == 3, "the other worker takes its partitions", 60)
        first.start()

    def worker_stands_still():
        second.process.send_signal(signal.SIGSTOP)
        asker.wait_warning(r"of partition \"monoscope\.telemetry/\d\" does not answer")
        wait_until(lambda: len(partitions(first)) == 3, "the other worker takes its partitions", 60)
        second.process.send_signal(signal.SIGCONT)

    def worker_hands_over():
        first.stop(30)
        wait_until(lambda: len(partitions(second)) == 3, "the other worker takes its partitions", 60)
        first.start()

    def nobody_is_there():
        first.kill()
        second.kill()
        asker.wait_warning(r"partition \"monoscope\.telemetry/\d\" has no worker", 60)
        for server in (first, second):
            server.start()

    rounds = 0
    kinds = (worker_killed, worker_stands_still, worker_hands_over, nobody_is_there)
    while rounds < len(kinds) or (FULL and any(load.poll() is None for load in loads)):
        kinds[rounds % len(kinds)]()
        wait_until(lambda: partitions(first) and partitions(second), "both workers have partitions", 60)
        rounds += 1
    return rounds


main()
