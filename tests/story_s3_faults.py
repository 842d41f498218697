# time_limit_s: 7200
"""An S3 server that breaks at every request: a fixed scenario -- start, ingest, flush, checkpoint, joining, vacuum, query, a cold
start on an empty disk -- runs behind faultproxy, and in turn each of its requests is delayed, reset before or after the server
has done it, answered 500, 503 or 429, left hanging, or has its body cut, either way. After each run every acknowledged row is in
the table once, the log has no gap and no half commit, and the server's memory stayed near that of a run without faults.

`make test` breaks a sample of the requests (other ones each time: STORY_SEED), --full every request in every way."""
import collections
import os
import random
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lake import SPANS, check_history, check_senders, delta_senders, empty_disk, server_on
from monoscope import FULL, STORY_DIR, MemoryWatch, acknowledged, check, wait_until
from storage import FaultProxy, Versitygw

ROUNDS_OF_LOAD = 12  # commits, so that a checkpoint is due
SPANS_OF_REQUEST = 40
FAULTS_OF_RUN = 5
RUNS = 9  # in make test
WAYS = [{"action": "delay", "delay_ms": 700}, {"action": "reset_before"}, {"action": "reset_after"}, {"action": "status", "status": 500},
        {"action": "status", "status": 503}, {"action": "status", "status": 429}, {"action": "status_after", "status": 500},
        {"action": "hang_before", "hang_ms": 2500}, {"action": "hang_after", "hang_ms": 2500}, {"action": "cut_request"}, {"action": "cut_answer"}]
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)


class Scenario:
    """One run in a bucket and a data folder of its own."""

    def __init__(self, s3, proxy, name):
        self.s3, self.proxy, self.name = s3, proxy, name
        self.acks = {}
        self.highest_mib = 0
        s3.bucket = name
        s3.client().make_bucket(name)

    def load(self, server, number):
        log = os.path.join(STORY_DIR, "%s-%d.acks" % (self.name, number))
        load = server.load_command(5, sender="s%d" % number, ack_log=log, connections=1, spans=SPANS_OF_REQUEST, requests=1)
        check(subprocess.run(load, stdout=subprocess.DEVNULL).returncode == 0, "%s: load ends well" % self.name)
        acks = acknowledged(log)
        check(acks and not set(acks) & set(self.acks), "%s: request %d was acknowledged" % (self.name, number))
        self.acks.update(acks)

    def check_count(self, server, words):
        wanted = sum(len(numbers) for numbers in self.acks.values())
        found = [None]

        def reached():
            found[0] = server.one("SELECT count(*) FROM %s WHERE name IS NOT NULL" % SPANS)
            return found[0] >= wanted  # what was acknowledged shows after the publish interval
        wait_until(reached, "%s, %s: SQL finds all %d acknowledged rows" % (self.name, words, wanted))
        check(found[0] == wanted, "%s, %s: %d rows were acknowledged, SQL finds %d" % (self.name, words, wanted, found[0]))

    def run(self):
        server = server_on(self.s3, self.name, endpoint=self.proxy.endpoint, flush="60s")
        with server:
            watch = MemoryWatch(server)
            for number in range(ROUNDS_OF_LOAD):
                self.load(server, number)
                server.execute("FLUSH")
            self.check_count(server, "after the flushes")
            server.execute("OPTIMIZE " + SPANS)
            self.check_count(server, "after joining")
            self.load(server, ROUNDS_OF_LOAD)
            server.execute("VACUUM %s RETAIN 0 HOURS" % SPANS)
            self.check_count(server, "after the vacuum")
            self.highest_mib = watch.stop()["RssAnon"]
            project = server.project
            server.stop(60)
            empty_disk(server)
            server.start()
            self.check_count(server, "after a cold start")
            server.stop(60)
        return project

    def verify(self, project):
        rows = delta_senders(self.s3, project)
        count = check_senders(rows, self.acks, self.name)
        check(count == sum(len(numbers) for numbers in self.acks.values()), "%s: delta-rs finds %d rows" % (self.name, count))
        versions = check_history(self.s3)
        operations = {action["commitInfo"].get("operation") for actions in versions.values() for action in actions if "commitInfo" in action}
        check("OPTIMIZE" in operations, "%s: files were joined: %s" % (self.name, operations))
        checkpoints = [key for key in self.s3.client().list(self.s3.bucket) if key.endswith(".checkpoint.parquet")]
        check(checkpoints, "%s: there is a checkpoint" % self.name)
        shutil.rmtree(os.path.join(STORY_DIR, self.name), ignore_errors=True)


def one_run(s3, proxy, name, rules):
    start = time.monotonic()
    proxy.rules()
    proxy.reset()
    proxy.rules(*rules)
    scenario = Scenario(s3, proxy, name)
    project = scenario.run()
    counts = proxy.counts()
    broken = collections.Counter("%s %s" % (entry["kind"], entry["action"]) for entry in proxy.log() if entry.get("action"))
    proxy.rules()
    scenario.verify(project)
    print("%-6s %4d requests, %4.1f s, %3d MiB: %s" % (name, counts["requests"], time.monotonic() - start, scenario.highest_mib, ", ".join("%s %d" % one if one[1] > 1 else one[0] for one in sorted(broken.items()))),
          flush=True)
    return counts["requests"], scenario.highest_mib, set(broken)


def plans(requests):
    """Lists of (index, way): of make test a sample, of --full each index with each way."""
    step = (requests + FAULTS_OF_RUN - 1) // FAULTS_OF_RUN
    if FULL:
        for way in range(len(WAYS)):
            for first in range(step):
                yield [(index, WAYS[(way + number) % len(WAYS)]) for number, index in enumerate(range(first, requests, step))]
        return
    for number in range(RUNS):
        first = rng.randrange(step)
        yield [(index, WAYS[(number + 3 * i) % len(WAYS)]) for i, index in enumerate(range(first, requests, step))]


def main():
    with Versitygw() as s3, FaultProxy(s3.endpoint) as proxy:
        requests, usual_mib, _ = one_run(s3, proxy, "clean", [])
        limit_mib = 2 * usual_mib + 64
        broken = set()
        for number, plan in enumerate(plans(requests)):
            _, highest_mib, done = one_run(s3, proxy, "run%d" % number, [dict(way, index=[index], times=1) for index, way in plan])
            check(highest_mib <= limit_mib, "memory stays bounded: %d MiB, %d without faults" % (highest_mib, usual_mib))
            broken |= done
        check(len(broken) >= 15, "requests of many kinds were broken in many ways: %s" % sorted(broken))
        # A server that is down for a while, and one that fails a third of all requests: the rows come in when it is back.
        for name, rules in (("third", [{"probability": 1 / 3, "action": "status", "status": 503}]),
                            ("resets", [{"probability": 0.15, "action": "reset_after"}, {"probability": 0.1, "action": "cut_answer"}])):
            one_run(s3, proxy, name, rules)
        # A commit that took effect, and then silence: the client gives up waiting, asks again and finds its own.
        one_run(s3, proxy, "silence", [{"kind": "PUT_IF_ABSENT", "path": "_delta_log/%020d.json" % 3, "times": 1, "action": "hang_after",
                                        "hang_ms": 120000}])


main()
