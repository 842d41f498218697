# time_limit_s: 1200
"""Three writers append to one table on S3 at once: two servers with the same project and delta-rs; with put-if-absent, then
under DynamoDB's lock; with --full on MinIO too. Every row is there once, the history has no gap, and SQL of both servers, delta-rs and pyarrow find the same
count and the same hash over all columns. A commit that was left half done under the lock is finished by whoever comes next.

8 s a round in `make test`, a minute with --full."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from delta_writer import writer_command
from lake import (SPANS, PREFIX, check_history, check_senders, delta, delta_count, delta_rows, hash_of, pyarrow_rows, same_projects, server_on,
                  sql_rows, table_url)
from monoscope import FULL, STORY_DIR, acknowledged, check, wait_until
from rows import stored_columns
from storage import DynamoDbLocal, FaultProxy, Minio, Versitygw

SECONDS = 60 if FULL else 8
RATE = 150  # spans a second of each server
columns = stored_columns(SPANS)


def two_servers(s3, name, lock):
    one, two = (server_on(s3, name + "-" + which, lock) for which in ("one", "two"))
    one.start()
    one.stop()
    same_projects(one, two)
    one.start()
    two.start()
    check(one.project == two.project and one.key == two.key, "both servers have the same project")
    return one, two


def writer_words(s3, server, lock, sender, seconds, **more):
    options = dict(s3.storage_options(), **(lock.storage_options() if lock else {}))
    return dict({"url": table_url(s3), "options": options, "project": server.project, "sender": sender, "seconds": seconds,
                 "rows": 20, "pause_s": 0.2, "ack_log": os.path.join(STORY_DIR, "%s.acks" % sender)}, **more)


def append_at_once(s3, servers, lock, name):
    """{sender: acknowledged numbers} of all three."""
    command, environment = writer_command(writer_words(s3, servers[0], lock, name + "-rs", SECONDS), lock is not None)
    rust = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    loads, logs = [], [os.path.join(STORY_DIR, name + "-rs.acks")]
    for number, server in enumerate(servers):
        sender = "%s%d" % (name[:8], number)
        logs.append(os.path.join(STORY_DIR, sender + ".acks"))
        loads.append(subprocess.Popen(server.load_command(SECONDS, sender=sender, ack_log=logs[-1], connections=1, spans=50, rate=RATE),
                                      stdout=subprocess.DEVNULL))
    for load in loads:
        check(load.wait() == 0, "load ends well")
    printed, _ = rust.communicate(timeout=60)
    check(rust.returncode == 0, "delta-rs ends well")
    result = json.loads(printed)
    print("%s: delta-rs %s: %d commits, %d failed %s" % (name, result["version"], result["commits"], result["failed"], result["error"]), flush=True)
    check(result["commits"] > 0, "delta-rs has committed: " + result["error"])
    acks = {}
    for log in logs:
        acks.update(acknowledged(log))
    return acks


def check_all_readers(s3, servers, acks, name):
    wanted = sum(len(numbers) for numbers in acks.values())
    project = servers[0].project
    wait_until(lambda: delta_count(s3, project) >= wanted, "%d rows are in Delta" % wanted, 60)
    readers = {"delta-rs": delta_rows(s3, project), "pyarrow": pyarrow_rows(s3, project)}
    for number, server in enumerate(servers):
        wait_until(lambda: server.one("SELECT count(*) FROM " + SPANS) >= wanted, "server %d sees what all have written" % number, 30)
        readers["SQL of server %d" % number] = sql_rows(server)
    for reader, rows in readers.items():
        check_senders(rows, acks, "%s, %s" % (name, reader))
    hashes = {reader: (len(rows), hash_of(rows, columns)) for reader, rows in readers.items()}
    check(len(set(hashes.values())) == 1, "all readers agree: %r" % hashes)
    count, digest = hashes["delta-rs"]
    check(count == wanted, "%d rows were acknowledged, %d are there" % (wanted, count))
    print("%s: %d rows, hash %s... by %s" % (name, count, digest[:16], ", ".join(readers)), flush=True)


def check_commits(s3, lock, name):
    versions = check_history(s3)
    by = {"delta-rs": 0}
    for actions in versions.values():
        owner = next((action["txn"]["appId"] for action in actions if "txn" in action), "")
        engine = json.dumps([action["commitInfo"] for action in actions if "commitInfo" in action])
        key = owner if owner.startswith("monoscope/") else "delta-rs" if "delta-rs" in engine else "other"
        by[key] = by.get(key, 0) + 1
    writers = {key: count for key, count in by.items() if key != "other"}
    check(len(writers) == 3 and min(writers.values()) >= 5, "all three have committed: %r" % by)
    if lock:
        items = {item["fileName"]: item for item in lock.client().items(lock.table) if item["tablePath"] == table_url(s3)}
        check(all(item["complete"] == "true" for item in items.values()), "every entry is complete: %r" % items)
        check(set(items) == {"%020d.json" % version for version in versions}, "every commit went through the lock: %d of %d" % (len(items), len(versions)))
    print("%s: versions 0 to %d, of %s" % (name, len(versions) - 1, ", ".join("%s %d" % one for one in sorted(by.items()))), flush=True)


def entry_of(s3, lock, version):
    found = [item for item in lock.client().items(lock.table) if item["tablePath"] == table_url(s3) and item["fileName"] == "%020d.json" % version]
    return found[0] if found else None


def exists(s3, version):
    return s3.client().get(s3.bucket, "%s/%s/_delta_log/%020d.json" % (PREFIX, SPANS, version)) is not None


def half_done_by_delta_rs(s3, lock, server, acks):
    """delta-rs dies between its entry and N.json: the server finishes it and commits after it."""
    server.stop()
    version = delta(s3).version() + 1
    with FaultProxy(s3.endpoint) as proxy:
        proxy.rules(*[{"kind": kind, "path": "_delta_log/%020d.json" % version, "action": "status", "status": 503}
                      for kind in ("PUT", "PUT_IF_ABSENT", "MULTIPART_BEGIN", "PART")])
        words = writer_words(s3, server, lock, "half-rs", 60, rows=7, commits=1)
        words["options"].update(AWS_ENDPOINT_URL=proxy.endpoint)
        command, environment = writer_command(words, True)
        rust = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        wait_until(lambda: entry_of(s3, lock, version), "delta-rs has an entry for version %d" % version, 30)
        rust.kill()
        rust.wait()
    check(entry_of(s3, lock, version)["complete"] == "false" and not exists(s3, version), "version %d is half done" % version)
    server.start()
    wait_until(lambda: exists(s3, version) and entry_of(s3, lock, version)["complete"] == "true", "the server finishes version %d" % version, 60)
    acks["half-rs"] = set(range(7))
    wait_until(lambda: server.one("SELECT count(*) FROM %s WHERE attributes->'load'->>'sender' = 'half-rs'" % SPANS) == 7,
               "the rows of the finished commit are there", 20)
    server.load(1, sender="after-half", requests=2, spans=50, ack_log=os.path.join(STORY_DIR, "after-half.acks"), connections=1)
    acks.update(acknowledged(os.path.join(STORY_DIR, "after-half.acks")))
    print("a commit that delta-rs left half done: finished by the server, version %d" % version, flush=True)


def half_done_by_server(s3, lock, server, acks):
    """The server is killed between its entry and N.json: delta-rs finishes it, and the restart stores nothing twice."""
    server.stop()
    server.options += ["--telemetry", "off"]  # whose commits would reach the place first
    server.start(environment={"MONOSCOPE_FAIL_POINT": "commit_store.after_entry:1"})
    log = os.path.join(STORY_DIR, "half-server.acks")
    subprocess.run(server.load_command(1, sender="half-server", requests=2, spans=50, ack_log=log, connections=1), stdout=subprocess.DEVNULL)
    check(server.process.wait(30) == -9, "the fail point is reached")
    half = [item for item in lock.client().items(lock.table) if item["complete"] == "false" and item["tablePath"] == table_url(s3)]
    check(len(half) == 1, "one entry is half done: %r" % half)
    version = int(half[0]["fileName"].split(".")[0])
    check(not exists(s3, version), "version %d is not there yet" % version)
    words = writer_words(s3, server, lock, "next-rs", 30, rows=5, commits=1)
    command, environment = writer_command(words, True)
    check(subprocess.run(command, env=environment, stdout=subprocess.DEVNULL).returncode == 0, "delta-rs ends well")
    check(exists(s3, version) and exists(s3, version + 1) and entry_of(s3, lock, version)["complete"] == "true", "delta-rs finishes version %d" % version)
    server.start()
    both = dict(acknowledged(log), **acknowledged(words["ack_log"]))
    check(len(both) == 2, "both have acknowledged rows: %s" % list(both))
    acks.update(both)
    print("a commit that the server left half done: finished by delta-rs, version %d" % version, flush=True)


def round_of_writers(store, lock, name):
    with store() as s3:
        servers = two_servers(s3, name, lock)
        try:
            acks = append_at_once(s3, servers, lock, name)
            check_all_readers(s3, servers, acks, name)
            check_commits(s3, lock, name)
            if lock:
                half_done_by_delta_rs(s3, lock, servers[0], acks)
                half_done_by_server(s3, lock, servers[1], acks)
                check_all_readers(s3, servers, acks, name + ", half done ones finished")
                check_commits(s3, lock, name)
            for server in servers:
                server.stop()
        finally:
            for server in servers:
                server.__exit__()


def main():
    start = time.monotonic()
    round_of_writers(Versitygw, None, "put-if-absent")
    with DynamoDbLocal() as lock:
        round_of_writers(Versitygw, lock, "dynamodb")
    if FULL:
        round_of_writers(Minio, None, "minio")
        with DynamoDbLocal() as lock:  # its entries are of tables that are gone
            round_of_writers(Minio, lock, "minio-lock")
    print("%.0f s" % (time.monotonic() - start))


main()
