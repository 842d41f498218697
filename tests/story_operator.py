# tries: 2
"""An operator looks after the tables with SQL: FLUSH, OPTIMIZE, VACUUM, DESCRIBE HISTORY, timefusion_stats.

A project's own key reaches that project's files; a key of project `monoscope` reaches all, and sees what was done to them.
"""
import os

import psycopg

from monoscope import Server, check

time_limit_s = 60
COUNT = "SELECT count(*) FROM otel_logs_and_spans"


def operator_key(server):
    with open(os.path.join(server.data, "monoscope.key")) as f:
        return f.read().strip()


with Server(options=["--maintenance", "off"], flush="1h") as server:
    sent = 0
    for round_number in range(6):
        sent += server.load(0.3, sender="r%d" % round_number)["spans"]
        with server.connect() as connection:
            check(connection.execute("FLUSH").statusmessage == "FLUSH", "FLUSH is answered by its tag")
    files = "SELECT value FROM timefusion_stats WHERE component = 'table' AND key = 'otel_logs_and_spans.files'"
    rows = files.replace(".files", ".rows")
    check(server.one(rows) == sent, "after FLUSH the table has all %d rows: %s" % (sent, server.one(rows)))
    before = server.one(files)
    check(before >= 6, "each FLUSH made a file: %s" % before)

    with server.connect() as connection:
        cursor = connection.execute("OPTIMIZE otel_logs_and_spans", prepare=True)
        names = [column.name for column in cursor.description]
        answer = dict(zip(names, cursor.fetchone()))
        check(answer["files_removed"] == before and 1 <= answer["files_added"] < before,
              "OPTIMIZE joins the files: %s" % answer)
        check(connection.execute(COUNT).fetchone()[0] == sent, "and no row is lost or doubled")
        cursor = connection.execute("OPTIMIZE otel_logs_and_spans WHERE date < '2000-01-01'")
        check(cursor.fetchone()[1] == 0, "there was nothing in the last century")

        # What no version needs is kept for seven days; here it goes at once.
        dry = connection.execute("VACUUM otel_logs_and_spans RETAIN 0 HOURS DRY RUN").fetchone()
        check(dry[1] == before and dry[3] is True, "a dry run finds what was joined: %s" % (dry,))
        check(connection.execute("VACUUM otel_logs_and_spans").fetchone()[1] == 0, "it is too young to go by itself")
        gone = connection.execute("VACUUM otel_logs_and_spans RETAIN 0 HOURS").fetchone()
        check(gone[1] == before and gone[3] is False, "and is deleted when asked: %s" % (gone,))
        check(connection.execute(COUNT).fetchone()[0] == sent, "no row with it")

        history = connection.execute("DESCRIBE HISTORY otel_logs_and_spans LIMIT 1000").fetchall()
        operations = [row[2] for row in history]
        check("OPTIMIZE" in operations and operations.count("WRITE") >= 6 and operations[-1] == "CREATE TABLE",
              "the history tells it: %s" % operations)
        check([row[0] for row in history] == list(range(len(history) - 1, -1, -1)), "newest first, without a gap")
        check(all(row[3] is None and row[4] is None for row in history), "what is of other projects too is not shown")
        check(connection.execute("SELECT count(*) FROM timefusion_stats WHERE component <> 'table'").fetchone()[0] == 0,
              "the process's counts are for an operator")
        for wrong, state in (("OPTIMIZE nothing", "42P01"), ("VACUUM otel_metrics RETAIN x HOURS", "42601"),
                             ("DESCRIBE otel_metrics", "42601")):
            try:
                connection.execute(wrong)
                check(False, wrong + " is refused")
            except psycopg.Error as error:
                check(error.sqlstate == state, "%s is refused with %s: %s" % (wrong, state, error))

    with server.connect(user="monoscope", password=operator_key(server)) as connection:
        history = connection.execute("DESCRIBE HISTORY otel_logs_and_spans LIMIT 1000").fetchall()
        optimize = next(row for row in history if row[2] == "OPTIMIZE")
        check(isinstance(optimize[4], dict) and optimize[5].startswith("monoscope/"), "an operator sees more: %s" % (optimize,))
        counts = dict(connection.execute("SELECT component, count(*) FROM timefusion_stats GROUP BY 1").fetchall())
        check({"ingest", "buffer", "delta", "memory", "sql"} <= set(counts), "and everything that is counted: %s" % counts)
        check(connection.execute(COUNT).fetchone()[0] != sent, "but still has its own rows only")
