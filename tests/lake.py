"""What is in a table on S3, by whoever reads it, for the stories of writers, faults and kills.

    acks = acknowledged(...)                              # {sender: numbers}, monoscope.py
    rows = delta_senders(s3, server.project)              # as delta-rs reads the log and the files
    check_senders(rows, acks, "after the kill")           # each acknowledged row once, nothing twice
    check_history(s3)                                     # versions without a gap, no file added twice"""
import hashlib
import json
import os
import shutil

import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
from deltalake import DeltaTable
from monoscope import Server, check
from rows import canonical, rows_of_delta, stored_columns
from storage import KEY_ID, REGION, SECRET

PREFIX = "lake"
SPANS = "otel_logs_and_spans"


def table_url(s3, table=SPANS):
    return s3.url("%s/%s" % (PREFIX, table))


def delta(s3, table=SPANS):
    return DeltaTable(table_url(s3, table), storage_options=s3.storage_options())


def of_project(project):
    return pyarrow.dataset.field("project_id") == project


def delta_count(s3, project, table=SPANS):
    return delta(s3, table).to_pyarrow_dataset().count_rows(filter=of_project(project))


def delta_rows(s3, project, table=SPANS):
    found = delta(s3, table).to_pyarrow_dataset().to_table(filter=of_project(project))
    return list(rows_of_delta(found.to_pylist(), stored_columns(table)))


def delta_senders(s3, project, table=SPANS):
    """The same rows for check_senders alone, without their other columns."""
    found = delta(s3, table).to_pyarrow_dataset().to_table(columns=["attributes"], filter=of_project(project))
    flat = [json.loads(text) if text else {} for text in found["attributes"].to_pylist()]
    return [{"attributes": {"load": {name[5:]: content for name, content in row.items() if name.startswith("load.")}}} for row in flat]


def pyarrow_rows(s3, project, table=SPANS):
    """The files that the log names, read as plain Parquet; partition columns from their names."""
    columns = stored_columns(table)
    endpoint = s3.endpoint.split("//")[1]
    store = pyarrow.fs.S3FileSystem(access_key=KEY_ID, secret_key=SECRET, region=REGION, scheme="http", endpoint_override=endpoint)
    opened = delta(s3, table)
    names = {field.name for field in opened.schema().fields}
    rows = []
    for uri in opened.file_uris():
        path = uri.replace("s3://", "")
        folder = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
        if folder["project_id"] != project:
            continue
        for row in pyarrow.parquet.read_table(path, filesystem=store, partitioning=None).to_pylist():
            row.update(folder)
            rows.append({name: row.get(name) for name in names})
    return list(rows_of_delta(rows, columns))


def sql_rows(server, table=SPANS):
    import psycopg
    with server.connect() as connection, connection.cursor(binary=True, row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute("SELECT * FROM " + table).fetchall()


def sender_and_number(row):
    load = (row["attributes"] or {}).get("load") or {}
    return load.get("sender"), load.get("seq")


def check_senders(rows, acks, words, spans=0):
    """spans: of a request, which is in the table whole or not at all when it was not answered."""
    found = {}
    for row in rows:
        sender, number = sender_and_number(row)
        if sender is not None:
            found.setdefault(sender, []).append(int(number))
    for sender, sequences in acks.items():
        numbers = found.get(sender, [])
        stored = set(numbers)
        check(len(numbers) == len(stored), "%s: %s has %d rows of %d numbers: some are doubled" % (words, sender, len(numbers), len(stored)))
        lost = sequences - stored
        check(not lost, "%s: %s has lost %d acknowledged rows, the first is %s" % (words, sender, len(lost), min(lost or {0})))
        for number in stored - sequences if spans else ():
            first = number - number % spans
            check(set(range(first, first + spans)) <= stored, "%s: %s holds a part of the unanswered request at %d" % (words, sender, first))
    return sum(len(numbers) for numbers in found.values())


def check_history(s3, table=SPANS):
    """{version: its actions}; every version is there and is a list of whole actions."""
    client, prefix = s3.client(), "%s/%s/_delta_log/" % (PREFIX, table)
    versions = {}
    for key in client.list(s3.bucket, prefix):
        name = key[len(prefix):]
        if name.endswith(".json") and name[:-5].isdigit():
            lines = client.get(s3.bucket, key).decode().splitlines()
            versions[int(name[:-5])] = [json.loads(line) for line in lines if line]
    check(versions and sorted(versions) == list(range(len(versions))), "%s: versions without a gap: %s" % (table, sorted(versions)))
    live = set()
    for version in sorted(versions):
        for action in versions[version]:
            if "add" in action:
                path = action["add"]["path"]
                check(path not in live, "%s: version %d adds %s a second time" % (table, version, path))
                live.add(path)
            elif "remove" in action:
                check(action["remove"]["path"] in live, "%s: version %d removes %s, which is not there" % (table, version, action["remove"]["path"]))
                live.discard(action["remove"]["path"])
    return versions


def hash_of(rows, columns):
    """Independent of the order, and of memory for a sorted text of all: a sum of the rows' hashes."""
    total = 0
    for row in rows:
        text = "\x1f".join(canonical(row[name]) for name, _, _ in columns)
        total += int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return "%032x" % (total % (1 << 128))


def server_on(s3, name, lock=None, options=(), endpoint=None, lock_endpoint=None, flush="700ms"):
    """A Server whose tables are in the bucket; not started."""
    import monoscope
    environment = dict(s3.environment(endpoint), **(lock.environment(lock_endpoint) if lock else {}))
    return Server(data=os.path.join(monoscope.STORY_DIR, name), flush=flush, environment=environment,
                  options=["--storage", s3.url(PREFIX), "--publish-interval", "50ms"] + list(options))


def same_projects(server, other):
    """The other server's data folder gets this one's projects and keys; both must be down."""
    os.makedirs(other.data, exist_ok=True)
    for name in [name for name in os.listdir(server.data) if name.startswith("meta.sqlite") or name == "default.key"]:
        shutil.copy(os.path.join(server.data, name), other.data)


def empty_disk(server):
    """Leaves a stopped server its keys and its log: the tables open from the bucket alone."""
    for name in os.listdir(server.data):
        if not name.startswith("meta.sqlite") and name not in ("default.key", "monoscope.key", "log"):
            path = os.path.join(server.data, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
