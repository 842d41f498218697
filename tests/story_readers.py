# time_limit_s: 200
"""The tables are open to any reader: telemetry of all signals, two projects and two days goes through more than a dozen flushes;
then delta-rs and pyarrow read the folders by themselves and find what SQL answers: the same counts, the same hash over every stored
column, statistics that hold, older versions, and a checkpoint that opens the table without the commits before it."""
import glob
import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
import pyarrow
import pyarrow.compute
import pyarrow.parquet
from deltalake import DeltaTable
from monoscope import STORY_DIR, Server, check, wait_until
from otlp import OK, Sender
from rows import first_difference, hash_rows, rows_of_delta, stored_columns
from samples import send_round

TABLES = ("otel_logs_and_spans", "otel_metrics")
COMMITS = 13


def check_same(server, projects, table):
    """Counts and hashes of delta-rs against SQL, and of pyarrow's plain Parquet reader against delta-rs."""
    columns = stored_columns(table)
    path = os.path.join(server.delta_tables(), table)
    delta = DeltaTable(path)
    names = {field.name for field in delta.schema().fields}
    check(names == {name for name, _, _ in columns}, "the table's columns are the schema's: %s" % (names ^ {name for name, _, _ in columns}))
    theirs = list(rows_of_delta(delta.to_pyarrow_dataset().to_table().to_pylist(), columns))
    total = 0
    for project_id, (user, key) in projects.items():
        with server.connect(user=user, password=key) as connection, connection.cursor(binary=True, row_factory=psycopg.rows.dict_row) as cursor:
            ours = cursor.execute("SELECT * FROM " + table).fetchall()
            kind = "kind" if table == "otel_logs_and_spans" else "metric_type"
            cursor.execute("SELECT date, %s AS kind, count(*) AS count FROM %s GROUP BY 1, 2" % (kind, table))
            counts = {(row["date"], row["kind"]): row["count"] for row in cursor.fetchall()}
        of_project = [row for row in theirs if row["project_id"] == project_id]
        their_counts = {}
        for row in of_project:
            their_counts[row["date"], row[kind]] = their_counts.get((row["date"], row[kind]), 0) + 1
        check(len({date for date, _ in counts}) == 2 and counts == their_counts, "counts by date and kind: SQL %r, delta-rs %r" % (counts, their_counts))
        our_hash, their_hash = hash_rows(ours, columns), hash_rows(of_project, columns)
        check(our_hash == their_hash, "%s: hash over all stored columns: %s" % (table, first_difference(ours, of_project, columns)))
        total += len(ours)
        print("%s, %s: %d rows, %d columns, sha256 %s... by SQL and by delta-rs" % (table, user, len(ours), len(columns), our_hash[:16]), flush=True)
    files = [uri.replace("file://", "") for uri in delta.file_uris()]
    of_files = [pyarrow.parquet.ParquetFile(file) for file in files]
    check(sum(file.metadata.num_rows for file in of_files) == total, "pyarrow counts the rows of the files")
    ids = sorted(one for file in of_files for one in file.read(columns=["id"])["id"].to_pylist())
    check(ids == sorted(row["id"] for row in theirs), "pyarrow reads the same ids")
    return delta, total


def decoded_partition(text):
    return text.replace("%3A", ":")


def check_statistics(delta, table):
    """What the log says of a file holds for the file; the row groups' own bounds too."""
    actions = pyarrow.table(delta.get_add_actions(flatten=True)).to_pylist()
    root = delta.table_uri.replace("file://", "").rstrip("/")
    bounds = 0
    for action in actions:
        file = pyarrow.parquet.ParquetFile(os.path.join(root, decoded_partition(action["path"])))
        rows = file.read()
        check(action["num_records"] == rows.num_rows, "%s has %d rows, the log says %s" % (action["path"], rows.num_rows, action["num_records"]))
        check(action["size_bytes"] == os.path.getsize(os.path.join(root, action["path"])), "the size of %s" % action["path"])
        for name in rows.column_names:
            values = rows[name]
            if action.get("null_count." + name) is not None:
                check(action["null_count." + name] == values.null_count, "%s: nulls of %s are %d, the log says %s" %
                      (action["path"], name, values.null_count, action["null_count." + name]))
            low, high = action.get("min." + name), action.get("max." + name)
            if low is None or values.null_count == len(values):
                continue
            real = pyarrow.compute.min_max(values).as_py()
            check(low <= real["min"] and high >= real["max"], "%s: %s is %r to %r, the log says %r to %r" %
                  (action["path"], name, real["min"], real["max"], low, high))
            bounds += 1
        day = action["partition.date"] if "partition.date" in action else action["partition_values"]["date"]
        days = {at.date() for at in rows["timestamp"].to_pylist()}
        check(days == {day}, "%s holds rows of %s" % (action["path"], days))
        for group in range(file.metadata.num_row_groups):
            of_group = file.read_row_group(group)
            for index in range(file.metadata.num_columns):
                column = file.metadata.row_group(group).column(index)
                name, statistics = column.path_in_schema, column.statistics
                if "." in name or statistics is None or not statistics.has_min_max or of_group[name].null_count == of_group.num_rows:
                    continue
                real = pyarrow.compute.min_max(of_group[name]).as_py()
                check(statistics.min <= real["min"] and real["max"] <= statistics.max, "row group %d of %s: %s is %r, its bounds say %r to %r" %
                      (group, action["path"], name, real, statistics.min, statistics.max))
                bounds += 1
    wanted = {"min.timestamp", "max.timestamp"}
    check(wanted <= set(actions[0]), "the log has bounds of the timestamp: %s" % sorted(actions[0]))
    print("%s: %d files, %d bounds hold" % (table, len(actions), bounds), flush=True)


def check_versions(delta, table, total):
    path = delta.table_uri.replace("file://", "").rstrip("/")
    versions = delta.version()
    check(versions >= COMMITS, "%s is at version %d" % (table, versions))
    last = 0
    for version in range(0, versions + 1):
        count = DeltaTable(path, version=version).to_pyarrow_dataset().count_rows()
        check(count >= last, "%s: version %d has %d rows, the one before %d" % (table, version, count, last))
        last = count
    check(last == total, "the last version has all rows")
    with open(os.path.join(path, "_delta_log", "_last_checkpoint")) as f:
        checkpoint = json.load(f)["version"]
    copy = os.path.join(STORY_DIR, table + "-copy")
    shutil.copytree(path, copy)
    removed = 0
    for commit in glob.glob(os.path.join(copy, "_delta_log", "*.json")):
        if int(os.path.basename(commit).split(".")[0]) <= checkpoint:
            os.unlink(commit)
            removed += 1
    check(removed == checkpoint + 1, "%d commits up to the checkpoint" % removed)
    reopened = DeltaTable(copy)
    check(reopened.version() == versions and reopened.to_pyarrow_dataset().count_rows() == total, "the checkpoint opens the table")
    check({field.name for field in reopened.schema().fields} == {field.name for field in delta.schema().fields}, "with its columns")
    check(sorted(os.path.basename(uri) for uri in reopened.file_uris()) == sorted(os.path.basename(uri) for uri in delta.file_uris()), "and its files")
    shutil.rmtree(copy)
    print("%s: %d versions, each readable; the checkpoint at %d stands for %d commits" % (table, versions + 1, checkpoint, removed), flush=True)


def last_version(server, table):
    commits = glob.glob(os.path.join(server.delta_tables(), table, "_delta_log", "*.json"))
    return max((int(os.path.basename(commit).split(".")[0]) for commit in commits), default=-1)


def main():
    # Rounds follow flushes until both tables have had enough commits for a checkpoint and some more.
    with Server(flush="300ms", options=["--publish-interval", "50ms", "--maintenance", "off"]) as server:
        second_id, _, second_key = server.project_create("second")
        projects = {server.project: ("default", server.key), second_id: ("second", second_key)}
        senders = {user: Sender(server.grpc_port, key) for user, key in projects.values()}
        wait_until(lambda: senders["second"].send("traces", b"").status == OK, "the second project is known", 60)
        now_ns = time.time_ns()
        rounds = 0
        while rounds < COMMITS or min(last_version(server, table) for table in TABLES) < COMMITS:
            check(rounds < 100, "%d rounds make %d commits" % (rounds, COMMITS))
            before = len(server.events("flush.committed"))
            for user, _ in projects.values():
                send_round(senders[user], rounds, user, now_ns + rounds * 10 ** 7)
            wait_until(lambda: len(server.events("flush.committed")) > before, "a flush", 60)
            rounds += 1
        sent = {"otel_logs_and_spans": rounds * 2 * 2 * 35, "otel_metrics": rounds * 2 * 2 * 5}
        for table in TABLES:
            wait_until(lambda: DeltaTable(os.path.join(server.delta_tables(), table)).to_pyarrow_dataset().count_rows() == sent[table],
                       "all rows of %s are in Delta" % table, 20)
        for table in TABLES:
            delta, total = check_same(server, projects, table)
            check(total == sent[table], "%d rows of %s were sent, there are %d" % (sent[table], table, total))
            check_statistics(delta, table)
            check_versions(delta, table, total)
        server.kill()
        server.start()
        check(server.one("SELECT count(*) FROM otel_logs_and_spans") == sent["otel_logs_and_spans"] // 2, "after a kill all is there")
        server.stop()


main()
