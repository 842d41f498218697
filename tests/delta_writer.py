"""delta-rs as a writer beside our servers: appends numbered spans to otel_logs_and_spans, a commit a batch. A program, so that
it runs with the delta-rs that the lock needs (`writer_command`), and can be killed.

    python3 delta_writer.py '{"url": ..., "options": {...}, "project": ID, "sender": "rs", "seconds": 10, "rows": 50, "ack_log": PATH}'

Each commit that delta-rs says is done is a line "SENDER FIRST COUNT" of the ack log, as `load` writes it. Prints
{"commits": n, "failed": n, "error": the last}."""
import datetime
import json
import os
import sys
import time
import uuid


def batch(schema, project, sender, first, count):
    import pyarrow
    now = datetime.datetime.now(datetime.timezone.utc)
    rows = [{"date": now.date(), "timestamp": now, "start_time": now, "id": str(uuid.uuid4()), "project_id": project, "name": "from delta-rs",
             "kind": "internal", "duration": number, "summary": [], "attributes": json.dumps({"load.sender": sender, "load.seq": number})}
            for number in range(first, first + count)]
    return pyarrow.Table.from_pylist(rows, schema=schema)


def main(words):
    import deltalake
    import pyarrow
    table = deltalake.DeltaTable(words["url"], storage_options=words["options"])
    schema = pyarrow.schema(table.schema().to_arrow())
    end = time.monotonic() + words["seconds"]
    commits, failed, error, first = 0, 0, "", words.get("first", 0)
    while time.monotonic() < end and (not words.get("commits") or commits < words["commits"]):
        try:
            deltalake.write_deltalake(words["url"], batch(schema, words["project"], words["sender"], first, words["rows"]), mode="append",
                                      storage_options=words["options"], commit_properties=deltalake.CommitProperties(max_commit_retries=1000))
            commits += 1
            with open(words["ack_log"], "a") as f:
                f.write("%s %d %d\n" % (words["sender"], first, words["rows"]))
        except Exception as problem:  # the commit may have happened or not, as after a lost answer
            failed += 1
            error = "%s: %s" % (type(problem).__name__, str(problem)[:300])
        first += words["rows"]
        time.sleep(words.get("pause_s", 0))
    print(json.dumps({"commits": commits, "failed": failed, "error": error, "version": deltalake.__version__}))


def writer_command(words, has_lock):
    """(command, environment) of this program."""
    path = [os.path.dirname(os.path.abspath(__file__))]
    if has_lock:
        import storage
        path.insert(0, storage.part("delta-rs-dynamodb"))
    return [sys.executable, os.path.abspath(__file__), json.dumps(words)], dict(os.environ, PYTHONPATH=os.pathsep.join(path), RUST_LOG="off")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
