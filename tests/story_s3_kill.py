# time_limit_s: 1200
"""kill -9 while tables on S3 are written, joined, deleted from, vacuumed and checkpointed: at every named place of that code
(all with --full and --soak, a sample in `make test`: STORY_SEED). After each kill the server starts again, on odd rounds with
nothing but its log and its keys on disk, and every acknowledged row is there once; the log has no gap."""
import glob
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from lake import SPANS, check_history, check_senders, delta_senders, empty_disk, server_on
from monoscope import FULL, REPO, ROUNDS, STORY_DIR, acknowledged, check
from storage import DynamoDbLocal, Versitygw

SPANS_OF_REQUEST = 50
PLACES_MAX = 7
# Of days and of a log that are older than this story; story_maintenance kills those.
ELSEWHERE = ("delta.before_clean", "delta.in_clean", "maintenance.after_build", "maintenance.after_drop", "maintenance.before_drop",
             "maintenance.after_recode", "maintenance.after_recode_commit")
RATE = 1500  # spans a second
RATES = {"object.after_parts": 25000}  # files that are put in parts
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)


def places():
    """The fail points of all code that writes to the store."""
    found = set()
    for path in glob.glob(os.path.join(REPO, "src", "**", "*.c"), recursive=True):
        with open(path) as f:
            found.update(re.findall(r'\bfail_point\("([a-z_.]+)"\)', f.read()))
    kept = sorted(name for name in found if name.split(".")[0] in ("flush", "delta", "commit_store", "object", "maintenance", "rewrite", "index")
                  and name not in ELSEWHERE)
    check(len(kept) >= 10, "there are fail points: %s" % kept)
    return kept


def doomed(number):
    return "attributes->'load'->>'sender' = 'doomed%d.0'" % number


def statements_run(server, name, number):
    """True when the server has done all of them."""
    statements = ["FLUSH", "OPTIMIZE " + SPANS, "DELETE FROM %s WHERE %s" % (SPANS, doomed(number)), "FLUSH", "VACUUM %s RETAIN 0 HOURS" % SPANS]
    for statement in statements:
        try:
            server.execute(statement)
        except psycopg.Error as error:
            try:
                server.process.wait(2)  # the connection went first
            except subprocess.TimeoutExpired:
                check(False, "%s: %s: %s" % (name, statement, error))
            return False
    return True


def work(server, name, number, rate):
    """Everything that writes, until the kill or the end; answers the acknowledged numbers, and whether it was killed."""
    log = os.path.join(STORY_DIR, name + ".acks")
    subprocess.run(server.load_command(2, sender="doomed%d" % number, connections=1, spans=SPANS_OF_REQUEST, requests=2), stdout=subprocess.DEVNULL)
    load = subprocess.Popen(server.load_command(3, sender="k%d" % number, ack_log=log, connections=2, spans=SPANS_OF_REQUEST, rate=rate),
                            stdout=subprocess.DEVNULL)
    while load.poll() is None and statements_run(server, name, number):
        pass
    if server.process.poll() is None:
        load.wait()
        statements_run(server, name, number)
    was_inside = server.process.poll() is not None
    server.kill()
    load.wait()
    return acknowledged(log), was_inside


def verify(server, acks, words):
    rows = server.query("""SELECT attributes->'load'->>'sender', count(*), count(DISTINCT (attributes->'load'->>'seq')::bigint)
                           FROM %s GROUP BY 1""" % SPANS)
    found = {sender: (count, distinct) for sender, count, distinct in rows if sender}
    for sender, numbers in acks.items():
        count, distinct = found.get(sender, (0, 0))
        check(count == distinct, "%s: %s has %d rows of %d numbers: some are doubled" % (words, sender, count, distinct))
        check(count >= len(numbers), "%s: %s has %d rows, %d were acknowledged" % (words, sender, count, len(numbers)))


def kills(s3, lock, names, label):
    acks, reached = {}, set()
    with server_on(s3, label, lock, flush="400ms") as server:
        server.kill()
        for number, place in enumerate(names):
            server.start(environment={"MONOSCOPE_FAIL_POINT": "%s:%d" % (place, rng.choice([1, 1, 1, 2]))}, wait=False)
            was_inside = True
            if server.wait_ready():
                more, was_inside = work(server, "%s-%d" % (label, number), number, RATES.get(place, RATE))
                acks.update(more)
            if was_inside:
                reached.add(place)
            if number % 2:
                empty_disk(server)
            server.start()
            server.execute("DELETE FROM %s WHERE %s" % (SPANS, doomed(number)))
            check(server.one("SELECT count(*) FROM %s WHERE %s" % (SPANS, doomed(number))) == 0, "%s: deleted rows stay away" % place)
            verify(server, acks, place)
            print("%-34s %s, %d acknowledged so far, %d records replayed" %
                  (place, "killed there" if was_inside else "not passed, killed later", sum(len(n) for n in acks.values()),
                   server.ready["replayed_records"]), flush=True)
            server.kill() if rng.random() < 0.5 else server.stop(60)
        server.start()
        server.execute("FLUSH")
        verify(server, acks, "at the end")
        check_senders(delta_senders(s3, server.project), acks, "at the end, delta-rs", SPANS_OF_REQUEST)
        versions = check_history(s3)
        server.stop(60)
    print("%s: %d of %d places, %d versions, %d rows" % (label, len(reached), len(names), len(versions), sum(len(n) for n in acks.values())), flush=True)
    return reached


def main():
    everything = places()
    every = FULL or ROUNDS > 5
    plain = [place for place in everything if not place.startswith("commit_store.")]
    locked = [place for place in everything if place.startswith("commit_store.")]
    if not every:
        plain = rng.sample(plain, PLACES_MAX)
        locked = rng.sample(locked, min(2, len(locked)))
    with Versitygw() as s3:
        reached = kills(s3, None, plain, "put-if-absent")
    with Versitygw() as s3, DynamoDbLocal() as lock:
        reached |= kills(s3, lock, locked, "dynamodb")
    check(len(reached) * 2 >= len(plain) + len(locked), "most places are passed: %s" % sorted(set(plain + locked) - reached))


main()
