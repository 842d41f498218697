# time_limit_s: 120, tries: 2
"""Files are counted before they are asked: what the API answers says so, is what the rows say, is there after a restart, and goes with
the rows that DELETE takes."""
import datetime
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import Caller
from monoscope import STORY_DIR, Server, check, wait_until

ERRORS = "count(*) FILTER (WHERE status_code = 'ERROR' OR level IN ('ERROR', 'FATAL'))"
STATEMENTS = [
    "SELECT resource___service___name AS s, count(*) AS n, %s AS e, sum(duration) AS d FROM otel_logs_and_spans WHERE timestamp < '{to}' GROUP BY 1 ORDER BY 1" % ERRORS,
    "SELECT time_bucket('1 minute', timestamp) AS t, kind, count(*), avg(duration), max(duration) FROM otel_logs_and_spans WHERE timestamp < '{to}' GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT name, attributes___http___route, count(*) FROM otel_logs_and_spans WHERE timestamp < '{to}' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 20",
]


def asked(server, sql):
    return Caller(server, server.key).done("POST", "/projects/default/query", {"sql": sql})


def rows_of(server, sql):
    with server.connect() as connection:
        connection.execute("SET monoscope.rollups = off")
        connection.execute("SET monoscope.kept_parts = off")
        return connection.execute(sql).fetchall()


def same(server, sql):
    """By psql's way, with and without; where the API read it from."""
    check(server.query(sql) == rows_of(server, sql), "the rows say the same: " + sql)
    return asked(server, sql)["answered_from"]


def main():
    data = os.path.join(STORY_DIR, "rollups-of-files")
    to = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    statements = [sql.format(to=to) for sql in STATEMENTS]
    with Server(data=data, flush="1s") as server:
        sent = server.load(3600, requests=30, connections=4, spans=1000)["spans"]
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", sent, 60)
        server.connect().execute("FLUSH")
        server.connect().execute("OPTIMIZE otel_logs_and_spans")
        first = [asked(server, sql)["answered_from"] for sql in statements]
        wait_until(lambda: all("rollups" in asked(server, sql)["answered_from"] for sql in statements), "files are counted, once somebody asked", 60)
        check(all("rollups" in same(server, sql) for sql in statements), "all is answered from them")
        explained = server.query("EXPLAIN " + statements[0])
        check(any("answered from roll-ups" in row[0] for row in explained), "EXPLAIN says so: %s" % explained[:3])
        check(asked(server, "SELECT name FROM otel_logs_and_spans LIMIT 1")["answered_from"] == "raw", "a row is a row")
        server.stop()
    with Server(data=data, flush="1s") as server:
        check(all("rollups" in same(server, sql) for sql in statements), "after a restart they are there at once")
        name = server.one("SELECT name FROM otel_logs_and_spans WHERE name IS NOT NULL ORDER BY 1 LIMIT 1")
        kept = lambda: {file for _, _, files in os.walk(os.path.join(data, "rollups")) for file in files}
        before_it = kept()
        before = server.one("SELECT count(*) FROM otel_logs_and_spans")
        gone = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE name = '%s'" % name)
        server.connect().execute("DELETE FROM otel_logs_and_spans WHERE name = '%s'" % name)
        check(before_it and not before_it & kept(), "roll-ups that knew what was deleted are gone from the disk")
        for sql in statements:
            same(server, sql)
        check(server.one("SELECT count(*) FROM otel_logs_and_spans") == before - gone, "the rest is there")
        wait_until(lambda: all("rollups" in asked(server, sql)["answered_from"] for sql in statements), "the files made anew are counted again", 60)
        for sql in statements:
            same(server, sql)
        check(kept(), "they are on the disk")
        server.stop()
    print("%d spans; first %s, then from roll-ups, after a restart and a DELETE of %d too" % (sent, ", ".join(first), gone))


main()
