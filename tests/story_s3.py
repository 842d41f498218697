# time_limit_s: 240
"""The whole server with its tables in a bucket, on versitygw and, with --full, on minio: what is sent is asked back before and after flushes, a
stop and a kill -9; delta-rs reads the same counts from the bucket; a query of flushed rows asks for no sizes; the data folder keeps
no tables. s3proxy, which overwrites what it should not, is refused with what to set; so are wrong credentials and a missing bucket."""
import os
import re
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from deltalake import DeltaTable
from monoscope import FULL, STORY_DIR, Server, acknowledged, check, wait_until
from storage import Minio, S3proxy, Versitygw

TABLE = "otel_logs_and_spans"


def sent(acks, name):
    """The numbered spans of a load that were acknowledged."""
    return {(sender, number) for sender, numbers in acknowledged(acks).items() if sender.startswith(name + ".") for number in numbers}


def found(server, name):
    return server.query("""SELECT attributes->'load'->>'sender', (attributes->'load'->>'seq')::bigint FROM %s
                           WHERE attributes->'load'->>'sender' LIKE '%s.%%'""" % (TABLE, name))


def server_on(s3, name, **more):
    environment = dict(s3.environment(), MONOSCOPE_STORAGE_URL=s3.url(name))
    return Server(data=os.path.join(STORY_DIR, name), environment=environment, flush="500ms", options=["--telemetry", "off"], **more)


def stored(s3, name):
    """Rows of the load that delta-rs finds in the bucket, and the files that the table names."""
    table = DeltaTable("%s/%s" % (s3.url(name), TABLE), storage_options=s3.storage_options())
    return table.to_pyarrow_dataset().count_rows(), table


def ingest_and_kill(s3):
    name = "tables-" + s3.name
    acks = os.path.join(STORY_DIR, name + ".acks")
    with server_on(s3, name) as server:
        opened = server.events("store.opened")
        check(opened and opened[0]["url"] == s3.url(name), "the log names the bucket: %s" % opened)
        server.load(2, sender="first", rate=20000, ack_log=acks)
        first = sent(acks, "first")
        wait_until(lambda: stored(s3, name)[0] == len(first), "the bucket holds %d rows" % len(first), 60)
        check(first and sorted(found(server, "first")) == sorted(first), "SQL reads the flushed rows")
        server.stop()
        server.start()
        check(sorted(found(server, "first")) == sorted(first), "SQL reads them after a restart")
        load = subprocess.Popen(server.load_command(10, sender="second", rate=20000, ack_log=acks), stdout=subprocess.DEVNULL)
        wait_until(lambda: len(server.events("flush.committed")) >= 2, "rows are flushed while more come")
        server.kill()
        load.wait()
        server.start()
        rows, second = found(server, "second"), sent(acks, "second")
        check(second and second <= set(rows), "kill -9 loses nothing: %d acknowledged, %d found" % (len(second), len(rows)))
        check(len(rows) == len(set(rows)), "kill -9 doubles nothing: %d rows, %d numbers" % (len(rows), len(set(rows))))
        total = len(first) + len(rows)
        wait_until(lambda: stored(s3, name)[0] == total, "the bucket holds %d rows" % total, 60)
        requests = metric(server, "monoscope_store_requests_total")
        check(requests['kind="get"'] > 0 and requests['kind="put"'] > 0, "requests are counted: %s" % requests)
        check(requests['kind="head"'] <= 2, "sizes are asked for only of a table's checkpoint: %s" % requests)
        check(not os.path.exists(os.path.join(server.data, "tables")), "the data folder has no tables")
        table = stored(s3, name)[1]
        keys = s3.client().list(s3.bucket, name + "/" + TABLE)
        check(len([key for key in keys if key.endswith(".parquet")]) >= len(table.file_uris()) > 0, "files are in the bucket")
        check(not [key for key in s3.client().list(s3.bucket, name) if "/_monoscope/probe/" in key or "/.tmp" in key],
              "neither probes nor temporary files stay in the bucket")
        print("%s: %d rows by SQL and by delta-rs, version %d" % (s3.name, total, table.version()), flush=True)
        server.stop()


def metric(server, name):
    """{labels: value} of a metric."""
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port, timeout=10) as answer:
        text = answer.read().decode()
    return {labels: float(value) for labels, value in re.findall(r"^%s(?:\{([^}]*)\})? (\S+)$" % name, text, re.M)}


def store_goes_away(s3):
    """Rows are taken and asked for while the bucket does not answer, the process ends in time, and the rows are in the bucket later."""
    name = "away"
    acks = os.path.join(STORY_DIR, name + ".acks")
    with server_on(s3, name) as server:
        server.load(1, sender="before", rate=5000, ack_log=acks)
        wait_until(lambda: stored(s3, name)[0] == len(sent(acks, "before")), "rows are in the bucket", 60)
        s3.stop()
        server.load(1, sender="while", rate=5000, ack_log=acks)
        wait_until(lambda: sorted(found(server, "while")) == sorted(sent(acks, "while")), "rows are taken and read without the bucket", 60)
        took_s = server.stop()
        check(took_s <= 30, "it ends in time without the bucket: %.1f s" % took_s)
        s3.restart()
        server.start()
        for sender in ("before", "while"):
            check(sorted(found(server, sender)) == sorted(sent(acks, sender)), "nothing is lost")
        total = len(sent(acks, "before")) + len(sent(acks, "while"))
        wait_until(lambda: stored(s3, name)[0] == total, "all rows are in the bucket", 30)
        print("%s away: stopped in %.1f s; %d rows" % (s3.name, took_s, total), flush=True)
        server.stop()


def refused(server, *words):
    server.start(wait=False)
    check(not server.wait_ready() and server.process.returncode != 0, "it does not start")
    said = server.log_text()
    for word in words:
        check(word in said, "it says %s: %s" % (word, said))


def main():
    with Versitygw() as s3:
        ingest_and_kill(s3)
        store_goes_away(s3)
        with server_on(s3, "t") as server:
            server.stop()
            server.environment["AWS_SECRET_ACCESS_KEY"] = "wrong"
            refused(server, "AWS_SECRET_ACCESS_KEY")
            server.environment = dict(s3.environment(), MONOSCOPE_STORAGE_URL="s3://nowhere/t")
            refused(server, "no bucket \"nowhere\"", "--storage")
            server.environment = dict(s3.environment(), MONOSCOPE_STORAGE_URL="gs://bucket/t")
            refused(server, "s3://bucket/prefix or file:///folder")
    if FULL:
        with Minio() as s3:
            ingest_and_kill(s3)
    with S3proxy() as s3:
        refused(server_on(s3, "liar"), "If-None-Match", "--storage-lock dynamodb:TABLE")


main()
