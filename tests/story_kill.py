# time_limit_s: 400
"""What was acknowledged is found, once, after kill -9: under load at random moments, and at named places.

Each span carries (load.sender, load.seq). After every kill the server starts again on the same folder and is asked:
every acknowledged pair is there, no pair is there twice, and requests without an answer are whole or absent.
"""
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import ROUNDS, STORY_DIR, Server, acknowledged, check

SPANS = 100
PLACES = ["wal.before_write", "wal.after_write", "wal.before_sync", "wal.after_sync", "wal.before_done", "wal.before_release",
          "wal.after_release", "wal.before_trim", "wal.segment_create", "segment.before_write", "segment.after_write",
          "segment.before_join", "segment.after_join", "flush.after_join", "flush.before_commit", "flush.after_commit",
          "delta.before_commit", "delta.after_commit", "delta.before_checkpoint", "delta.after_checkpoint"]
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)


def verify(server, acks, words):
    rows = server.query("""SELECT attributes->'load'->>'sender', count(*), count(DISTINCT (attributes->'load'->>'seq')::bigint)
                           FROM otel_logs_and_spans WHERE name IS NOT NULL GROUP BY 1""")
    found = {sender: (count, distinct) for sender, count, distinct in rows if sender}
    for sender, sequences in acks.items():
        count, distinct = found.get(sender, (0, 0))
        check(count == distinct, "%s: %s has %d rows of %d numbers: some are doubled" % (words, sender, count, distinct))
        numbers = server.query("""SELECT DISTINCT (attributes->'load'->>'seq')::bigint FROM otel_logs_and_spans
                                  WHERE attributes->'load'->>'sender' = %s""", (sender,))
        stored = {number for number, in numbers}
        lost = sequences - stored
        check(not lost, "%s: %s has lost %d acknowledged spans, the first is %s" % (words, sender, len(lost), min(lost or {0})))
        for number in stored - sequences:
            first = number - number % SPANS
            check(set(range(first, first + SPANS)) <= stored,
                  "%s: %s holds a part of the unanswered request at %d" % (words, sender, first))
    return sum(len(sequences) for sequences in acks.values())


def round_of_kills(server, name, environment, seconds):
    ack_log = os.path.join(STORY_DIR, name + ".acks")
    server.start(environment=environment, wait=False)
    if server.wait_ready():
        load = subprocess.Popen(server.load_command(30, sender=name, ack_log=ack_log, connections=3, spans=SPANS, rate=20000),
                                stdout=subprocess.DEVNULL)
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.01)
        was_killed_inside = server.process.poll() is not None
        server.kill()
        load.wait()
    else:
        was_killed_inside = True
    return acknowledged(ack_log), was_killed_inside


def main():
    server = Server(flush="700ms", options=["--publish-interval", "50ms"])
    everything = {}
    reached = set()
    rounds = [("r%d" % r, None) for r in range(ROUNDS)]
    places = PLACES if ROUNDS > 5 else rng.sample(PLACES, 8)
    rounds += [(place, place) for place in places]
    with server:
        server.kill()
        for number, (words, place) in enumerate(rounds):
            environment = {}
            if place:
                environment["MONOSCOPE_FAIL_POINT"] = "%s:%d" % (place, rng.choice([1, 2, 3, 7]))
            acks, was_inside = round_of_kills(server, "k%d" % number, environment, rng.uniform(0.3, 2.5) if not place else 8.0)
            everything.update(acks)
            if place and was_inside:
                reached.add(place)
            server.start()
            total = verify(server, everything, words)
            print("%-24s killed %s, %d acknowledged so far, replayed %d records" %
                  (words, "inside" if was_inside else "outside", total, server.ready["replayed_records"]), flush=True)
            if rng.random() < 0.5:
                server.kill()
            else:
                server.stop()
        server.start()
        verify(server, everything, "at the end")
        check(sum(len(s) for s in everything.values()) > 1000, "enough was acknowledged to prove something")
        check(len(reached) >= len(places) // 2, "fail points were reached: %s" % sorted(reached))


main()
