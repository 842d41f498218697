# time_limit_s: 120
"""The lock table: the server makes it when it is missing, with the keys and the expiry that Spark and delta-rs expect; delta-rs
appends beside it under the same lock; every version has a complete item, the history no gap. A server that is set to commit
another way is refused by name. (Half-done commits, faults and Spark: story_s3_writers, story_s3_kill.)"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pyarrow.parquet
from deltalake import DeltaTable
from monoscope import STORY_DIR, Server, check, wait_until
from pyarrow.dataset import field
from storage import DynamoDbLocal, Versitygw, part

LOCK = "made_by_the_server"
TABLE = "otel_logs_and_spans"
COUNT = "SELECT count(*) FROM %s" % TABLE


APPEND = """
import json, sys, pyarrow.parquet, deltalake
uri, options, path, times = json.loads(sys.argv[1])
for _ in range(times):
    deltalake.write_deltalake(uri, pyarrow.parquet.read_table(path), mode="append", storage_options=options)
print(deltalake.__version__)
"""


def open_delta(uri, options):
    """By a delta-rs that reads only: from 1.6 on it has no lock."""
    return DeltaTable(uri, storage_options={name: value for name, value in options.items() if name != "AWS_S3_LOCKING_PROVIDER"})


def append_with_lock(uri, options, rows, times):
    path = os.path.join(STORY_DIR, "rows.parquet")
    pyarrow.parquet.write_table(rows, path)
    done = subprocess.run([sys.executable, "-c", APPEND, json.dumps([uri, options, path, times])], capture_output=True, text=True,
                          env=dict(os.environ, PYTHONPATH=part("delta-rs-dynamodb"), RUST_LOG="off"))
    check(done.returncode == 0 and done.stdout.startswith("1.5."), "delta-rs appends: %s%s" % (done.stdout, done.stderr))


def main():
    with Versitygw() as s3, DynamoDbLocal() as dynamo:
        lock = {"AWS_ENDPOINT_URL_DYNAMODB": dynamo.endpoint, "MONOSCOPE_STORAGE_LOCK": "dynamodb:" + LOCK}
        options = dict(s3.storage_options(), AWS_S3_LOCKING_PROVIDER="dynamodb", DELTA_DYNAMO_TABLE_NAME=LOCK,
                       AWS_ENDPOINT_URL_DYNAMODB=dynamo.endpoint)
        uri = s3.url("tables") + "/" + TABLE
        data = os.path.join(STORY_DIR, "data")
        storage = ["--storage", s3.url("tables")]
        with Server(data=data, options=storage, environment=dict(s3.environment(), **lock), flush="1s") as server:
            described = dynamo.client().call("DescribeTable", TableName=LOCK)["Table"]
            check([(key["AttributeName"], key["KeyType"]) for key in described["KeySchema"]] == [("tablePath", "HASH"), ("fileName", "RANGE")],
                  "the lock table's keys: %r" % described)
            expiry = dynamo.client().call("DescribeTimeToLive", TableName=LOCK)["TimeToLiveDescription"]
            check(expiry.get("AttributeName") == "expireTime", "its items expire: %r" % expiry)
            sent = server.load(2, requests=10, spans=50)["spans"]
            server.wait_count(COUNT, sent)
            wait_until(lambda: open_delta(uri, options).to_pyarrow_dataset().count_rows() >= sent, "the rows are in the bucket")
            theirs = open_delta(uri, options).to_pyarrow_dataset().to_table(filter=field("project_id") == server.project).slice(0, 20)
            append_with_lock(uri, options, theirs, 3)
            server.wait_count(COUNT, sent + 60)
            server.load(1, requests=1, spans=50, connections=1)
            server.wait_count(COUNT, sent + 110)
            wait_until(lambda: open_delta(uri, options).version() >= 5, "the server commits over delta-rs's commits")
            table = open_delta(uri, options)
            items = [item for item in dynamo.client().items(LOCK) if item["tablePath"] == uri]
            versions = sorted(int(item["fileName"].split(".")[0]) for item in items)
            check(versions == list(range(len(versions))) and len(versions) >= table.version() + 1, "an item for every version: %r" % versions)
            check(all(item["complete"] == "true" and int(item["expireTime"]) > 0 for item in items), "all are complete: %r" % items)
            mode = table.metadata().configuration.get("monoscope.commit")
            check(mode == "dynamodb:%s %s" % (LOCK, uri), "the table says how it is committed to: %r" % mode)
            by = [entry.get("engineInfo", entry.get("clientVersion", "")) for entry in table.history()]
            check(sum("monoscope" in words.lower() for words in by) >= 2 and sum("delta-rs" in words for words in by) >= 3, "both write: %r" % by)
            print("%d versions of both writers under one lock" % len(versions), flush=True)
            server.stop()
        other = Server(data=data, options=storage, environment=s3.environment(), flush="1s")
        other.start(wait=False)
        check(other.process.wait(timeout=60) != 0, "a server without the lock is refused")
        check("monoscope.commit" in other.log_text() and "--storage-lock" in other.log_text(), "and says what to set: " + other.log_text())


main()
