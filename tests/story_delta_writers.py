# time_limit_s: 120
"""delta-rs writes into our tables while the server runs: appends (other column order, fewer columns, new columns), joins files, deletes,
writes checkpoints, sets properties. SQL sees each within seconds, without a flush or a restart; our own flushes go on over it, no row
is lost or doubled. A feature that we do not have stops the table's commits with its name, and what was there stays readable."""
import collections
import json
import os
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
import pyarrow
import pyarrow.dataset
from deltalake import DeltaTable, TableFeatures, write_deltalake
from monoscope import Server, check, wait_until
from otlp import Sender
from rows import first_difference, hash_rows, rows_of_delta, stored_columns
from samples import send_round

TABLE = "otel_metrics"
POINTS_A_ROUND = 10


def open_delta(server):
    return DeltaTable(os.path.join(server.delta_tables(), TABLE))


def delta_rows(server, columns=None, where=None):
    """Of the senders' project: the server's own telemetry is in another one."""
    ours = pyarrow.dataset.field("project_id") == server.project
    return open_delta(server).to_pyarrow_dataset().to_table(columns=columns, filter=ours if where is None else ours & where)


def delta_count(server):
    return delta_rows(server, ["id"]).num_rows


def their_rows(server, count, columns=None):
    """Rows of ours again, with ids of their own."""
    rows = delta_rows(server).slice(0, count)
    ids = pyarrow.array([str(uuid.uuid4()) for _ in range(rows.num_rows)], pyarrow.string())
    rows = rows.set_column(rows.column_names.index("id"), rows.schema.field("id"), ids)
    return rows.select(columns) if columns else rows


def append(server, rows, **how):
    """As any client does: once more when another writer was faster."""
    for attempt in range(20):
        try:
            return write_deltalake(open_delta(server), rows, mode="append", **how)
        except Exception as why:
            if attempt == 19 or "conflict" not in str(why).lower():
                raise


def last_checkpoint(server):
    with open(os.path.join(server.delta_tables(), TABLE, "_delta_log", "_last_checkpoint")) as f:
        return json.load(f)["version"]


def sql_count(server):
    return server.one("SELECT count(*) FROM " + TABLE)


def check_filters(server, columns):
    """What delta-rs leaves out by statistics has none of the rows asked for, whoever wrote the file."""
    dataset = open_delta(server).to_pyarrow_dataset()
    for name in columns:
        field = pyarrow.dataset.field(name)
        counted = collections.Counter(dataset.to_table(columns=[name])[name].to_pylist())
        for value, count in counted.items():
            found = dataset.to_table(columns=["id"], filter=field.is_null() if value is None else field == value).num_rows
            check(found == count, "%d rows have %s = %r, delta-rs finds %d" % (count, name, value, found))


def check_same(server, wanted, words):
    wait_until(lambda: sql_count(server) == wanted, "%s: SQL has %d rows" % (words, wanted), 60)
    wait_until(lambda: delta_count(server) == wanted, "%s: delta-rs has %d rows" % (words, wanted), 60)
    columns = stored_columns(TABLE)
    theirs = list(rows_of_delta(delta_rows(server).to_pylist(), columns))
    with server.connect() as connection, connection.cursor(binary=True, row_factory=psycopg.rows.dict_row) as cursor:
        ours = cursor.execute("SELECT * FROM " + TABLE).fetchall()
    check(hash_rows(ours, columns) == hash_rows(theirs, columns), "%s: the same values: %s" % (words, first_difference(ours, theirs, columns)))
    print("%s: %d rows by SQL and by delta-rs, version %d" % (words, wanted, open_delta(server).version()), flush=True)


class Flushes:
    """Rounds of telemetry for as long as the block lasts, each in a flush or two."""

    def __init__(self, sender):
        self.sender, self.rounds, self.stop, self.failure = sender, 0, False, None

    def run(self):
        try:
            while not self.stop:
                send_round(self.sender, self.rounds, "default", time.time_ns())
                self.rounds += 1
                time.sleep(0.05)
        except BaseException as why:
            self.failure = why

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()
        check(self.failure is None, "telemetry goes in: %r" % self.failure)


def main():
    # Without our own joining: delta-rs' OPTIMIZE does not look whether the files that it replaces are still there (docs/delta.md).
    with Server(flush="250ms", options=["--publish-interval", "50ms", "--maintenance", "off"]) as server:
        sender = Sender(server.grpc_port, server.key)
        send_round(sender, 0, "default", time.time_ns())
        count = POINTS_A_ROUND
        check_same(server, count, "ours alone")

        append(server, their_rows(server, 7))
        count += 7
        check_same(server, count, "their append")
        names = [field.name for field in open_delta(server).schema().fields]
        append(server, their_rows(server, 5, list(reversed(names))))
        count += 5
        check_same(server, count, "columns in another order")
        needed = [field.name for field in open_delta(server).schema().fields if not field.nullable]
        append(server, their_rows(server, 4, needed), schema_mode="merge")
        count += 4
        check_same(server, count, "only the columns that must be there")

        with Flushes(sender) as flushes:
            for i in range(8):
                append(server, their_rows(server, 3))
        count += 8 * 3 + flushes.rounds * POINTS_A_ROUND
        check_same(server, count, "appends from both sides")

        wider = their_rows(server, 6)
        wider = wider.append_column("theirs", pyarrow.array(range(wider.num_rows), pyarrow.int64()))
        append(server, wider, schema_mode="merge")
        count += wider.num_rows
        send_round(sender, 1, "default", time.time_ns())
        count += POINTS_A_ROUND
        wait_until(lambda: delta_count(server) == count, "we write on below a column of theirs", 60)
        theirs = delta_rows(server, ["theirs"])
        check(theirs.num_rows - theirs["theirs"].null_count == 6, "their column is there, and null in our rows")
        check(sql_count(server) == count, "SQL reads on")

        before = len(open_delta(server).file_uris())
        with Flushes(sender) as flushes:
            for attempt in range(20):
                try:
                    metrics = open_delta(server).optimize.compact()
                    break
                except Exception as why:
                    check("conflict" in str(why).lower(), "optimize: %s" % why)
        count += flushes.rounds * POINTS_A_ROUND
        check(metrics["numFilesRemoved"] > 2 and len(open_delta(server).file_uris()) < before, "OPTIMIZE has joined files: %s" % metrics)
        check_same(server, count, "OPTIMIZE beside our flushes")
        append(server, their_rows(server, 9))
        count += 9
        send_round(sender, 2, "default", time.time_ns())
        count += POINTS_A_ROUND
        check_same(server, count, "files of both sides")
        check_filters(server, ("metric_name", "metric_unit", "metric_type", "resource___service___name", "resource___service___version", "value"))

        gone = delta_rows(server, ["id"], pyarrow.dataset.field("metric_name") == "calls").num_rows
        open_delta(server).delete("metric_name = 'calls'")
        count -= gone
        check(gone > 0, "there is something to delete")
        wait_until(lambda: sql_count(server) == count, "their DELETE: %d rows left" % count, 60)
        check(server.one("SELECT count(*) FROM otel_metrics WHERE metric_name = 'calls'") == 0, "the deleted are gone")

        # The log's old end goes, below a checkpoint of theirs (delta-rs does so when it is told the retention), then below one
        # of ours; killed in the middle of it, once.
        open_delta(server).create_checkpoint()
        theirs = open_delta(server).version()
        open_delta(server).alter.set_table_properties({"delta.logRetentionDuration": "interval 0 seconds"})
        while last_checkpoint(server) <= theirs:
            send_round(sender, 2, "default", time.time_ns())
            count += POINTS_A_ROUND
            wait_until(lambda: delta_count(server) == count, "a flush", 60)
        server.stop()
        server.options = ["--publish-interval", "50ms", "--maintenance-interval", "50ms", "--vacuum-interval", "100ms"]
        server.start(environment={"MONOSCOPE_FAIL_POINT": "delta.in_clean:1"}, wait=False)
        wait_until(lambda: server.process.poll() is not None, "the server dies where it cleans the log", 30)
        server.start()
        sender = Sender(server.grpc_port, server.key)
        wait_until(lambda: server.events("delta.log_cleaned"), "the log is cleaned", 60)
        server.kill()
        commits = [name for name in os.listdir(os.path.join(server.delta_tables(), TABLE, "_delta_log")) if name.endswith(".json")]
        check("00000000000000000000.json" not in commits and len(commits) < open_delta(server).version(), "old commits are gone: %s" % sorted(commits))
        server.start()
        sender = Sender(server.grpc_port, server.key)
        check(sql_count(server) == count and delta_count(server) == count, "a checkpoint opens the table: %d rows" % count)
        send_round(sender, 3, "default", time.time_ns())
        count += POINTS_A_ROUND
        wait_until(lambda: delta_count(server) == count, "and we write on behind it", 60)

        version = open_delta(server).version()
        open_delta(server).alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
        wait_until(lambda: any("deletionVectors" in str(event) for event in server.events("delta.refresh_failed")), "the feature is named in the log", 60)
        check(sql_count(server) == count, "what was there stays readable")
        send_round(sender, 4, "default", time.time_ns())
        wait_until(lambda: sql_count(server) == count + POINTS_A_ROUND, "new rows are taken and shown", 60)
        time.sleep(1)
        check(open_delta(server).version() == version + 1, "nothing is committed on top of a feature that we do not have")
        server.kill()


main()
