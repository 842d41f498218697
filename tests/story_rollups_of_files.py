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
# As the list of services asks of one environment (ui/src/services/statement.ts).
OF_STAGE = """SELECT '{part}' AS part, coalesce(resource___service___name, '') AS service, (extract(epoch FROM timestamp) * 1000000)::bigint / {step} AS b, {what}
    FROM otel_logs_and_spans WHERE timestamp < '{to}' AND resource___deployment___environment___name = '{stage}' AND {condition} GROUP BY GROUPING SETS ((2), (2, 3))"""
COUNTS = """count(*) FILTER (WHERE kind IN ('server', 'consumer')) AS requests, avg(duration) FILTER (WHERE kind IN ('server', 'consumer')) AS mean,
    count(*) FILTER (WHERE kind = 'log' AND level IN ('ERROR', 'FATAL')) AS log_errors, NULL AS p"""
QUANTILES = "NULL, NULL, NULL, ARRAY[%s]" % ", ".join("approx_percentile(%s, percentile_agg(duration))" % share for share in ("0.5", "0.95", "0.99"))


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
    for stage in ("production", "staging"):
        of_stage = lambda part, step, what, condition: OF_STAGE.format(part=part, step=step, what=what, condition=condition, to=to, stage=stage)
        statements.append("%s UNION ALL %s ORDER BY 1, 2, 3" % (of_stage("counts", 120000000, COUNTS, "true"), of_stage("durations", 1800000000, QUANTILES, "kind IN ('server', 'consumer')")))
    with Server(data=data, flush="1s") as server:
        sent = server.load(3600, requests=30, connections=4, spans=1000)["spans"] + 12000
        server.connect().execute("""INSERT INTO otel_logs_and_spans (timestamp, kind, name, duration, status_code, resource___service___name, resource___deployment___environment___name)
            SELECT now() - i * interval '0.3 seconds', (ARRAY['server', 'client', 'log'])[1 + i % 3], 'GET /', i * 7919, CASE WHEN i % 11 = 0 THEN 'ERROR' END,
                   (ARRAY['cart', 'mail'])[1 + i % 2], (ARRAY['production', 'staging'])[1 + i / 7 % 2] FROM generate_series(1, 12000) AS s(i)""")
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
