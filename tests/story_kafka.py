# time_limit_s: 420
"""Exactly once over Kafka: one process takes requests in, two store them, three partitions, brokers 3.9 and 4.1 in turn. Senders
send each request until it is answered with success, as OTLP exporters do, while

    a worker is killed and comes back; a worker stands still with a file half-way into the table, its partitions go to the other, and
    it goes on; the broker is killed and comes back; the process that takes requests is killed and comes back

In the end every acknowledged (sender, sequence) is in the tables, and none twice, though some requests are sent once more after
their answer, at once and in the end. A worker that stood still has committed nothing more.
"""
import http.client
import os
import random
import signal
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import otlp
from kafka import VERSIONS, Kafka
from monoscope import FULL, STORY_DIR, Server, check, free_port, wait_until
from postgres import Postgres

RECORDS = 40  # a request
SENDERS = 4
ROUNDS = 6 if FULL else 1
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)


class Sender(threading.Thread):
    """Numbered log records, a request after the other; one that is not answered with success is sent again as it was."""

    def __init__(self, name, port, key):
        super().__init__(daemon=True)
        self.name, self.port, self.key = name, port, key
        self.acknowledged = 0  # records: all numbers below
        self.again = 0         # requests that were sent more than once
        self.repeats = 0       # of them those that were sent again though they were answered, as if the answer had been lost
        self.kept = []         # a request now and then, to be sent again at the end, when other workers have its partition
        self.is_over = False
        self.wait_s_max = 0
        self.start()

    def post(self, body):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.request("POST", "/v1/logs", body, {"content-type": "application/x-protobuf", "authorization": "Bearer " + self.key})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status
        except OSError:
            return 0
        except http.client.HTTPException:
            return 0

    def run(self):
        while not self.is_over:
            first = self.acknowledged
            body = otlp.logs([otlp.log("n", {"load.sender": self.name, "load.seq": first + n}) for n in range(RECORDS)],
                             {"service.name": "story"}).SerializeToString()
            begin = time.monotonic()
            tries = 0
            while True:
                status = self.post(body)
                tries += 1
                if status == 200:
                    break
                check(status in (0, 429, 503), "a request is answered with success or \"later\": %s" % status)
                if time.monotonic() - begin > 120:
                    return  # the story finds that it did not end
                time.sleep(0.1)
            self.wait_s_max = max(self.wait_s_max, time.monotonic() - begin)
            self.again += tries > 1
            self.acknowledged = first + RECORDS
            number = first // RECORDS
            if number % 10 == 0:
                self.repeats += self.post(body) == 200
            if number % 25 == 3:
                self.kept.append(body)
            time.sleep(rng.uniform(0, 0.1))
        for body in self.kept:
            self.repeats += self.post(body) == 200


class Cluster:
    """Processes that share metadata, tables and topics."""

    def __init__(self, name, kafka, postgres):
        self.folder = os.path.join(STORY_DIR, name)
        os.makedirs(self.folder, exist_ok=True)
        self.kafka = kafka
        self.postgres = postgres
        self.port = free_port()

    def server(self, name, role, *options):
        shared = ["--role", role, "--database", self.postgres.url(), "--storage", "file://%s/tables" % self.folder,
                  "--kafka-session-timeout", "6s", "--telemetry", "off", "--memory", "512MiB", "--peer-port", "0"]
        return Server(data=os.path.join(self.folder, name), options=self.kafka.options() + shared + list(options),
                      environment=self.kafka.environment(), flush="1s")


def partitions(server):
    """Numbers of the telemetry partitions that the worker has taken and not left, by its log; and how often it was fenced."""
    have = {}
    for event in server.events("worker.partition_taken") + server.events("worker.partition_left"):
        have.setdefault(event["partition"], []).append((event["time"], event["event"]))
    return {name.rsplit("/", 1)[1] for name, events in have.items() if sorted(events)[-1][1] == "worker.partition_taken"}


def worker_stands_still(still, other):
    """Inside a flush, until the other one has all partitions and has committed; then it goes on, and must not commit."""
    still.kill()
    place = rng.choice(["flush.after_join", "flush.before_commit", "delta.before_commit"])
    # The fourth pass: the first ones may be what it does when it takes partitions over.
    still.start(environment={"MONOSCOPE_STOP_POINT": "%s:%d" % (place, rng.choice([4, 5, 6]))}, wait=False)
    wait_until(lambda: state(still) == "T", "the worker stands still at %s" % place, 60)
    wait_until(lambda: len(partitions(other)) == 3, "the other worker has its partitions", 60)
    taken = len(other.events("flush.committed"))
    wait_until(lambda: len(other.events("flush.committed")) > taken + 1, "the other worker commits", 30)
    still.process.send_signal(signal.SIGCONT)
    check(still.wait_ready(), "it goes on\n" + still.log_text())
    wait_until(lambda: still.events("worker.partition_left") or still.events("worker.partition_fenced"),
               "the worker that stood still hears that its partitions are another's", 60)
    # The first partition that it leaves may be one without a commit under way.
    refused = wait_until(lambda: len(still.events("worker.flush_failed")), "the commit that it stood in is refused", 60)
    print("  stood still at %s; %d commits refused" % (place, refused), flush=True)


def state(server):
    with open("/proc/%d/stat" % server.process.pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def trouble(cluster, ingest, first, second):
    time.sleep(1.5)
    first.kill()
    time.sleep(rng.uniform(0, 2))
    first.start()
    wait_until(lambda: partitions(first), "the worker that was killed has its partitions again", 60)
    print("  a worker was killed", flush=True)
    worker_stands_still(second, first)
    cluster.kafka.kill()
    time.sleep(rng.uniform(0.5, 2))
    cluster.kafka.restart()
    print("  the broker was killed", flush=True)
    time.sleep(1)
    ingest.kill()
    time.sleep(rng.uniform(0, 1))
    ingest.start()
    print("  ingest was killed", flush=True)
    time.sleep(2)


def verify(server, senders):
    """Everything acknowledged is there, once; a request that has no answer yet is whole or absent."""
    server.execute("FLUSH")
    found = {}
    for sender, rows, numbers, first, last in server.query(
            """SELECT attributes->'load'->>'sender', count(*), count(DISTINCT (attributes->'load'->>'seq')::bigint),
               min((attributes->'load'->>'seq')::bigint), max((attributes->'load'->>'seq')::bigint) FROM otel_logs_and_spans GROUP BY 1"""):
        found[sender] = (rows, numbers, first, last)
    for sender in senders:
        rows, numbers, first, last = found.get(sender.name, (0, 0, 0, 0))
        check(rows == numbers, "%s: %d rows of %d numbers: some are there twice" % (sender.name, rows, numbers))
        check(first == 0 and last == numbers - 1, "%s: numbers %s to %s, but %d of them: some are lost" % (sender.name, first, last, numbers))
        check(numbers == sender.acknowledged, "%s: %d are there, %d were acknowledged" % (sender.name, numbers, sender.acknowledged))
    return sum(sender.acknowledged for sender in senders)


def story(version):
    with Kafka(version) as kafka, Postgres() as postgres:
        cluster = Cluster("kafka-" + version, kafka, postgres)
        ingest = cluster.server("ingest", "ingest", "--otlp-http-port", str(cluster.port))
        first, second = cluster.server("first", "worker,query"), cluster.server("second", "worker,query")
        with ingest, first, second:
            first.key = second.key = ingest.key
            wait_until(lambda: len(partitions(first)) + len(partitions(second)) == 3, "three partitions are taken", 60)
            begin = time.monotonic()
            senders = [Sender("s%d" % n, cluster.port, ingest.key) for n in range(SENDERS)]
            for _ in range(ROUNDS):
                trouble(cluster, ingest, first, second)
            for sender in senders:
                sender.is_over = True
            for sender in senders:
                sender.join(150)
                check(not sender.is_alive(), "%s gets its last answer" % sender.name)
            total = verify(first, senders)
            check(verify(second, senders) == total, "both answer the same")
            again, repeated = sum(sender.again for sender in senders), sum(sender.repeats for sender in senders)
            repeats = sum(repeats_passed(server) for server in (first, second))
            check(repeated > 3 * SENDERS and repeats > 0, "requests came again (%d), and workers passed over some (%d)" % (repeated, repeats))
            print("Kafka %s: %d records of %d senders in %.0f s, all there once; %d requests were sent until they were "
                  "answered, longest wait %.1f s; %d were sent once more all the same, of which the workers that run now passed over %d" % (
                      version, total, SENDERS, time.monotonic() - begin, again, max(sender.wait_s_max for sender in senders), repeated,
                      repeats), flush=True)


def repeats_passed(server):
    text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port, timeout=10).read().decode()
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines() if line.startswith("monoscope_kafka_repeats"))


print("seed", seed)
for one in VERSIONS:
    story(one)
