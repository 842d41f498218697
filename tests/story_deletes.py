# time_limit_s: 240
"""DELETE and UPDATE over SQL: by psycopg, in both protocols; what is deleted is in no file any more once VACUUM has run; and with load
running beside it, killed with kill -9 at its fail points, nothing else is lost, doubled or half deleted; delta-rs reads the same."""
import glob
import os
import random
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
import pyarrow
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
from deltalake import DeltaTable, write_deltalake
from monoscope import ROUNDS, STORY_DIR, Server, acknowledged, check, wait_until
from otlp import OK, Sender, gauge, log, logs, metrics, span, traces
from storage import Versitygw

SECRET = "4711-zebra-quartz-secret"
PLACES = ["rewrite.after_store", "rewrite.before_commit", "rewrite.after_commit", "delta.before_commit", "delta.after_commit"]
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)


def send(server, signal, message, encoding=None):
    sender = Sender(server.grpc_port, server.key)
    answer = sender.send(signal, message, encoding)
    check(answer.status == OK, "%s are taken: %r" % (signal, answer))
    sender.close()


def send_people(server):
    """Spans, logs and points of three people; one of them has the secret in every place where text can stand."""
    for person, encoding in (("ann", None), ("bob", "gzip"), (SECRET, None), (SECRET, "gzip"), (SECRET, "zstd")):
        attrs = {"user.id": person, "note": "of " + person, "deep": {"er": [person]}}
        send(server, "traces", traces([span("work of " + person, attrs) for _ in range(40)]), encoding)
        send(server, "logs", logs([log("said by " + person, attrs) for _ in range(40)]), encoding)
        send(server, "metrics", metrics([gauge("steps", n, {"user.id": person}) for n in range(20)]), encoding)


def rejected(connection, sql, sqlstate, words, parameters=None):
    try:
        connection.execute(sql, parameters)
    except psycopg.Error as error:
        check(error.sqlstate == sqlstate and words in str(error), "%s is refused with %s, %r: %s %s" % (sql, sqlstate, words, error.sqlstate, error))
        return
    check(False, "%s is refused" % sql)


def change(connection, sql, count, parameters=None, **more):
    cursor = connection.execute(sql, parameters, **more)
    verb = sql.split()[0]
    check(cursor.statusmessage == "%s %d" % (verb, count) and cursor.rowcount == count and cursor.description is None,
          "%s changes %d rows: %r, %d" % (sql, count, cursor.statusmessage, cursor.rowcount))


def decompressed(raw):
    """All that stands gzipped or zstd-compressed anywhere in the bytes."""
    at = raw.find(b"\x1f\x8b\x08")
    while at >= 0:
        try:
            yield zlib.decompressobj(31).decompress(raw[at:at + (1 << 20)])
        except zlib.error:
            pass
        at = raw.find(b"\x1f\x8b\x08", at + 1)
    at = raw.find(b"\x28\xb5\x2f\xfd")
    while at >= 0:
        for size in (1 << 12, 1 << 16, 1 << 20):
            try:
                yield pyarrow.input_stream(pyarrow.py_buffer(raw[at:at + (1 << 20)]), compression="zstd").read(size)
                break
            except OSError:
                pass
        at = raw.find(b"\x28\xb5\x2f\xfd", at + 1)


def holders(folders, secret):
    """Files under the folders that hold the secret: as it stands, compressed, or in a column of a Parquet file."""
    found = []
    for folder, path in [(folder, path) for folder in folders for path in glob.glob(os.path.join(folder, "**", "*"), recursive=True)]:
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as f:
            raw = f.read()
        is_held = secret.encode() in raw
        if raw[:4] == b"PAR1":
            for table in [pyarrow.parquet.ParquetFile(path).read()]:
                is_held = is_held or secret in str(table.to_pylist())
        else:
            is_held = is_held or any(secret.encode() in part for part in decompressed(raw))
        if is_held:
            found.append(os.path.relpath(path, folder))
    return sorted(found)


def both_protocols(server, bucket=None):
    folders = [server.data] + ([bucket] if bucket else [])
    send_people(server)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE attributes->>'user.id' IS NOT NULL", 400)
    server.wait_count("SELECT count(*) FROM otel_metrics WHERE metric_name = 'steps'", 100)
    before = holders(folders, SECRET)
    check(any(path.startswith("log/") for path in before) and any(path.startswith("segments/") for path in before),
          "the secret is found where it is: %r" % before)
    notices = []
    with server.connect() as connection:
        connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.message_primary)))
        rejected(connection, "DELETE FROM otel_logs_and_spans", "0A000", "WHERE true")
        rejected(connection, "UPDATE otel_logs_and_spans SET name = 'x' WHERE true", "42501", "cannot be changed")
        connection.execute("BEGIN")
        rejected(connection, "DELETE FROM otel_logs_and_spans WHERE name = 'x'", "0A000", "autocommit")
        connection.execute("ROLLBACK")
        change(connection, "UPDATE otel_logs_and_spans SET hashes = array_append(hashes, 'tag:bob') WHERE attributes->>'user.id' = 'bob'", 80)
        for prepare in (False, True):  # extended protocol
            change(connection, "UPDATE otel_logs_and_spans SET hashes = array_append(hashes, %s) WHERE attributes->>'user.id' = %s", 80,
                   ("tag:ann", "ann"), prepare=prepare)
        check(server.query("""SELECT array_length(array_positions, 1) FROM (SELECT string_to_array(array_to_string(hashes, ' '), 'tag:ann')
                              AS array_positions FROM otel_logs_and_spans WHERE attributes->>'user.id' = 'ann') AS q GROUP BY 1""") == [(3,)],
              "both updates are there")
        notices.clear()
        change(connection, "DELETE FROM otel_logs_and_spans WHERE attributes->>'user.id' = %s AND kind = 'log'", 120, (SECRET,))
        change(connection, "DELETE FROM otel_logs_and_spans WHERE attributes->>'user.id' = %s", 120, (SECRET,), prepare=True)
        change(connection, "DELETE FROM otel_logs_and_spans WHERE attributes->>'user.id' = '%s'" % SECRET, 0)  # simple protocol
        change(connection, "DELETE FROM telemetry WHERE kind = 'metric' AND attributes->>'user.id' = '%s'" % SECRET, 60)
        words = " ".join(text for severity, text in notices if severity == "NOTICE")
        check("until VACUUM" in words and "log holds nothing of them" in words, "the answer says when the raw copies are gone: %r" % notices)
    left = server.query("SELECT attributes->>'user.id', count(*) FROM telemetry WHERE attributes->>'user.id' IS NOT NULL GROUP BY 1 ORDER BY 1")
    check(left == [("ann", 100), ("bob", 100)], "the others are all there: %r" % left)
    during = holders(folders, SECRET)
    check(during and not any(path.startswith(("log/", "segments/", "tmp/")) for path in during), "only the tables' old files hold the secret: %r" % during)
    for table in ("otel_logs_and_spans", "otel_metrics"):
        server.query("VACUUM %s RETAIN 0 HOURS" % table)
    after = holders(folders, SECRET)
    check(not after, "after VACUUM no file holds the secret: %r" % after)
    check(server.one("SELECT count(*) FROM telemetry WHERE attributes->>'user.id' IS NOT NULL") == 200, "and the others are still there")
    print("held by %d files before, %d of the tables after DELETE, none after VACUUM" % (len(before), len(during)), flush=True)


def of_another_writer(server):
    """Rows that delta-rs appended, in its own encodings, are deleted as ours are, and its compaction does not bring any back."""
    path = os.path.join(server.delta_tables(), "otel_logs_and_spans")
    rows = DeltaTable(path).to_pyarrow_table()
    mine = rows.filter(pyarrow.compute.equal(rows["attributes___user___id"], "ann"))
    check(mine.num_rows == 80, "ann has %d rows" % mine.num_rows)
    place = mine.schema.get_field_index("attributes___user___id")
    for person in ("carl", "dora"):
        write_deltalake(path, mine.set_column(place, mine.schema.field(place), pyarrow.array([person] * 80)), mode="append")
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE attributes___user___id IN ('carl', 'dora')", 160)
    with server.connect() as connection:
        change(connection, "DELETE FROM otel_logs_and_spans WHERE attributes->>'user.id' = %s", 80, ("carl",))
    DeltaTable(path).optimize.compact()
    left = DeltaTable(path).to_pyarrow_table(columns=["attributes___user___id", "id", "hashes"])
    counts = {one: left["attributes___user___id"].to_pylist().count(one) for one in ("ann", "bob", "carl", "dora")}
    check(counts == {"ann": 80, "bob": 80, "carl": 0, "dora": 80}, "delta-rs counts %r" % counts)
    with server.connect() as connection:
        change(connection, "DELETE FROM otel_logs_and_spans WHERE attributes->>'user.id' = %s", 80, ("dora",))
    of_ann = rows.filter(pyarrow.compute.equal(rows["attributes___user___id"], "ann"))
    again = DeltaTable(path).to_pyarrow_table()
    again = again.filter(pyarrow.compute.equal(again["attributes___user___id"], "ann"))
    check(sorted(map(str, of_ann.to_pylist())) == sorted(map(str, again.select(of_ann.column_names).to_pylist())),
          "what stays is the same in every column")


def cancelled(server):
    """A statement that is cancelled or out of time has changed nothing."""
    rows = server.one("SELECT count(*) FROM otel_logs_and_spans")
    with server.connect() as connection:
        connection.execute("SET statement_timeout = '1ms'")
        rejected(connection, "DELETE FROM otel_logs_and_spans WHERE true", "57014", "statement timeout")
    check(server.one("SELECT count(*) FROM otel_logs_and_spans") >= rows, "a statement out of time has changed nothing")


def counts_by_sender(server):
    return {sender: (count, distinct) for sender, count, distinct in server.query(
        """SELECT attributes->'load'->>'sender', count(*), count(DISTINCT (attributes->'load'->>'seq')::bigint)
           FROM otel_logs_and_spans WHERE attributes->'load'->>'sender' IS NOT NULL GROUP BY 1""")}


def counts_by_delta(server):
    table = DeltaTable(os.path.join(server.delta_tables(), "otel_logs_and_spans")).to_pyarrow_dataset().to_table(columns=["attributes"])
    senders = pyarrow.compute.extract_regex(table["attributes"], '"load.sender":"(?P<sender>[^"]+)"').combine_chunks()
    found = {}
    for value in senders.to_pylist():
        if value:
            found[value["sender"]] = found.get(value["sender"], 0) + 1
    return found


def rows_of(found, name):
    """Of all connections of one load: its senders are name.0, name.1 ..."""
    return sum(count for sender, (count, _) in found.items() if sender.split(".")[0] == name)


def delete(connection, name):
    return connection.execute("DELETE FROM otel_logs_and_spans WHERE attributes->>'load.sender' LIKE %s", (name + ".%",)).rowcount


def verify(server, kept, gone, unsure, words):
    def is_all_there():
        counts = counts_by_sender(server)
        return counts if all(counts.get(sender, (0,))[0] >= len(numbers) for sender, numbers in kept.items()) else None
    found = wait_until(is_all_there, "%s: what was acknowledged is there" % words, 60)
    for sender, sequences in kept.items():
        count, distinct = found.get(sender, (0, 0))
        check(count == distinct, "%s: %s has %d rows of %d numbers: some are doubled" % (words, sender, count, distinct))
        check(count >= len(sequences) and count % 100 == 0, "%s: %s has %d rows, %d were acknowledged" % (words, sender, count, len(sequences)))
    for name in gone:
        rows = rows_of(found, name)
        check(rows == 0, "%s: %s was deleted, and has %d rows" % (words, name, rows))
    for name, count in unsure.items():
        rows = rows_of(found, name)
        check(rows in (0, count), "%s: %s had %d rows and is deleted in part: %d are left" % (words, name, count, rows))


def round_of_deletes(server, number, place, state):
    """A sender's rows are stored; then load of another sender runs while the first one's are deleted and a file is killed in."""
    name, victim, bystander = place or "no fail point", "gone-%d" % number, "stays-%d" % number
    environment = {"MONOSCOPE_FAIL_POINT": "%s:%d" % (place, 1 if place.startswith("rewrite") else rng.choice([1, 2]))} if place else {}
    acks = os.path.join(STORY_DIR, bystander + ".acks")
    server.load(20, sender=victim, connections=2, spans=100, requests=20)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE attributes->'load'->>'sender' LIKE '%s.%%'" % victim, 4000)
    server.stop()
    server.start(environment=environment)
    load = subprocess.Popen(server.load_command(30, sender=bystander, ack_log=acks, connections=2, spans=100, rate=10000),
                            stdout=subprocess.DEVNULL)
    was_killed = False
    try:
        time.sleep(rng.uniform(0.2, 0.8))
        with server.connect() as connection:
            count = delete(connection, victim)
            check(count == 4000, "%d rows of %s are deleted" % (count, victim))
            time.sleep(0.3)
        state["gone"].add(victim)
    except psycopg.Error:
        was_killed = True
        state["unsure"][victim] = 4000
    server.kill()
    load.wait()
    state["kept"].update(acknowledged(acks))
    server.start()
    verify(server, state["kept"], state["gone"], state["unsure"], name)
    if was_killed:
        with server.connect() as connection:
            delete(connection, victim)
        state["gone"].add(victim)
        verify(server, state["kept"], state["gone"], state["unsure"], name + " again")
    stays = sum(len(sequences) for sender, sequences in state["kept"].items() if sender.startswith(bystander + "."))
    print("%-24s %s, %d rows of %s stay" % (name, "killed in it" if was_killed else "answered", stays, bystander), flush=True)
    return was_killed


def many_at_once(server, state):
    """Load, flushes every 300 ms, OPTIMIZE and two sessions that delete, all at once."""
    senders = ["one-%d" % n for n in range(6)]
    for sender in senders:
        server.load(20, sender=sender, connections=2, spans=50, requests=10)
    acks = os.path.join(STORY_DIR, "many.acks")
    load = subprocess.Popen(server.load_command(4, sender="many", ack_log=acks, connections=2, spans=100, rate=10000), stdout=subprocess.DEVNULL)
    errors, is_over = [], threading.Event()

    def deletes(mine):
        try:
            with server.connect() as connection:
                for sender in mine:
                    count = delete(connection, sender)
                    check(count == 1000, "%d rows of %s are deleted" % (count, sender))
                    state["gone"].add(sender)
        except BaseException as error:  # also check's exit
            errors.append(error)

    def joins():
        try:
            with server.connect() as connection:
                while not is_over.wait(0.1):
                    connection.execute("OPTIMIZE otel_logs_and_spans")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=deletes, args=(senders[n::2],)) for n in range(2)]
    joiner = threading.Thread(target=joins)
    for thread in threads + [joiner]:
        thread.start()
    for thread in threads:
        thread.join()
    load.wait()
    is_over.set()
    joiner.join()
    check(not errors, "nobody meets an error: %r" % errors)
    state["kept"].update(acknowledged(acks))
    verify(server, state["kept"], state["gone"], state["unsure"], "many at once")


def in_a_bucket():
    """The same with the tables in a bucket, and a cache of it on the disk."""
    with Versitygw() as s3, Server(data=os.path.join(STORY_DIR, "data-s3"), options=["--storage", s3.url("tables"), "--publish-interval", "50ms"],
                                   environment=s3.environment(), flush="60s") as server:
        both_protocols(server, s3.folder)


def main():
    in_a_bucket()
    server = Server(flush="60s", options=["--publish-interval", "50ms"])
    state = {"kept": {}, "gone": set(), "unsure": {}}
    with server:
        both_protocols(server)
        of_another_writer(server)
        cancelled(server)
        server.flush = "300ms"
        places = PLACES if ROUNDS > 5 else rng.sample(PLACES, 3)
        killed = 0
        for number, place in enumerate(([None] + places) * max(1, ROUNDS // 5)):
            killed += round_of_deletes(server, number, place, state)
        check(killed > 0, "a DELETE was killed at a fail point")
        many_at_once(server, state)
        server.stop()
        server.start()
        verify(server, state["kept"], state["gone"], state["unsure"], "at the end")
        of_sql = {sender: count for sender, (count, _) in counts_by_sender(server).items()}
        check(counts_by_delta(server) == of_sql, "delta-rs reads what SQL does: %r, %r" % (counts_by_delta(server), of_sql))
        print("%d senders stay with %d rows, %d are gone" % (len(of_sql), sum(of_sql.values()), len(state["gone"])), flush=True)


main()
