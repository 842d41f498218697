# time_limit_s: 900
# only: full
"""Spark 4 with Delta Lake 4 and Trino 476 read what we write on S3: values of every type, before and after files are joined,
rewritten by a DELETE and vacuumed, give the same count and the same hash over all columns as our SQL and delta-rs. Under
DynamoDB's lock Spark writes beside us, each sees the other's rows, and Spark finishes the commit that a killed server left."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engines import Spark, Trino
from lake import SPANS, check_history, delta, delta_rows, hash_of, server_on, sql_rows, table_url
from monoscope import STORY_DIR, acknowledged, check, wait_until
from otlp import Sender
from rows import rounded_to_ms, first_difference, rows_of_delta, stored_columns
from samples import send_round
from storage import DynamoDbLocal, Versitygw

TABLES = (SPANS, "otel_metrics")
ROUNDS_OF_SAMPLES = 12


def check_engines(s3, server, engines, words, tables=TABLES):
    for table in tables:
        columns = stored_columns(table)
        ours = sql_rows(server, table)
        readers = {"delta-rs": delta_rows(s3, server.project, table)}
        for engine in engines:
            rows = rows_of_delta(engine.rows(table_url(s3, table), columns), columns)
            readers[type(engine).__name__] = [row for row in rows if row["project_id"] == server.project]
        for reader, rows in readers.items():
            wanted = list(rounded_to_ms(ours)) if reader == "Trino" else ours
            check(len(rows) == len(ours) and hash_of(rows, columns) == hash_of(wanted, columns),
                  "%s, %s, %s: %s" % (words, table, reader, first_difference(wanted, rows, columns)))
        print("%s, %s: %d rows, hash %s... by SQL, %s" % (words, table, len(ours), hash_of(ours, columns)[:16], ", ".join(readers)), flush=True)


def read_by_all():
    with Versitygw() as s3, server_on(s3, "reads", flush="60s") as server, Spark(s3) as spark, Trino(s3) as trino:
        sender = Sender(server.grpc_port, server.key)
        for number in range(ROUNDS_OF_SAMPLES):
            send_round(sender, number, "default", time.time_ns())
            server.execute("FLUSH")
        check(delta(s3).version() >= ROUNDS_OF_SAMPLES, "there are enough commits for a checkpoint")
        check_engines(s3, server, (spark, trino), "as flushed")
        for table in TABLES:
            server.execute("OPTIMIZE " + table)
        check_engines(s3, server, (spark, trino), "joined")
        server.execute("DELETE FROM %s WHERE name = 'op 3'" % SPANS)
        check(server.one("SELECT count(*) FROM %s WHERE name = 'op 3'" % SPANS) == 0, "the rows are gone")
        check_engines(s3, server, (spark, trino), "after a DELETE")
        for table in TABLES:
            server.execute("VACUUM %s RETAIN 0 HOURS" % table)
        check_engines(s3, server, (spark, trino), "after a VACUUM")
        server.stop()


def spark_insert(spark, s3, project, first, count):
    spark.sql("""INSERT INTO delta.`%s` (date, timestamp, id, project_id, name, summary, attributes)
                 SELECT current_date(), current_timestamp(), uuid(), '%s', 'from Spark', array(), concat('{"load.sender":"spark","load.seq":', id, '}')
                 FROM range(%d, %d)""" % (table_url(s3), project, first, first + count))


def counts_of(server):
    return dict(server.query("SELECT attributes->'load'->>'sender', count(*) FROM %s GROUP BY 1" % SPANS))


def write_beside_spark():
    with Versitygw() as s3, DynamoDbLocal() as lock, server_on(s3, "beside", lock, flush="500ms") as server, Spark(s3, lock) as spark:
        spark_insert(spark, s3, server.project, 0, 10)  # the first one takes Spark many seconds
        inserted = 10
        log = os.path.join(STORY_DIR, "beside.acks")
        load = subprocess.Popen(server.load_command(20, sender="ours", ack_log=log, connections=1, spans=50, rate=300), stdout=subprocess.DEVNULL)
        while load.poll() is None or inserted < 100:
            spark_insert(spark, s3, server.project, inserted, 10)
            inserted += 10
        wanted = {"ours.0": len(acknowledged(log)["ours.0"]), "spark": inserted}
        wait_until(lambda: counts_of(server) == wanted, "the server sees %r, has %r" % (wanted, counts_of(server)), 30)
        server.execute("FLUSH")
        check_engines(s3, server, (spark,), "written side by side", [SPANS])
        server.stop()
        server.options += ["--telemetry", "off"]  # whose commits would reach the place first
        server.start(environment={"MONOSCOPE_FAIL_POINT": "commit_store.after_entry:1"})
        log = os.path.join(STORY_DIR, "half.acks")
        subprocess.run(server.load_command(2, sender="half", requests=2, spans=50, ack_log=log, connections=1), stdout=subprocess.DEVNULL)
        check(server.process.wait(30) == -9, "the fail point is reached")
        half = [item for item in lock.client().items(lock.table) if item["complete"] == "false"]
        check(len(half) == 1, "one entry is half done: %r" % half)
        spark.sql("SELECT count(*) FROM delta.`%s`" % half[0]["tablePath"])
        check(all(item["complete"] == "true" for item in lock.client().items(lock.table)), "Spark has finished it")
        server.start()
        wanted.update(**{"half.0": len(acknowledged(log)["half.0"])})
        wait_until(lambda: counts_of(server) == wanted, "after the restart all is there once: %r, not %r" % (wanted, counts_of(server)), 30)
        server.execute("FLUSH")
        check_engines(s3, server, (spark,), "a half done commit finished by Spark", [SPANS])
        print("%d versions, %d rows of Spark" % (len(check_history(s3)), inserted), flush=True)
        server.stop()


def main():
    parts = {"reads": read_by_all, "writes": write_beside_spark}
    if len(sys.argv) > 1:
        return parts[sys.argv[1]]()
    for name in parts:  # a process each: Spark's JVM keeps the first store that it has seen
        folder = os.path.join(STORY_DIR, name)
        os.makedirs(folder)
        done = subprocess.run([sys.executable, os.path.abspath(__file__), name], env=dict(os.environ, STORY_DIR=folder))
        check(done.returncode == 0, "%s: all is as it should be" % name)


main()
