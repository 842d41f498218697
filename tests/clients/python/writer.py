"""What the Python drivers write into a server: python writer.py psycopg|asyncpg|sqlalchemy

The server is client.py's, over TLS. Rows go in by each way that the driver has, in text and in binary where it has both; with the
answer they are there, as they were given. Ends with one line; with an exception when something is not as it should be."""
import asyncio
import datetime
import os
import sys
import threading
import time
import uuid

UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC).replace(microsecond=123456)
TRACE = "0123456789abcdef0123456789abcdef"
COLUMNS = ("timestamp", "id", "name", "kind", "duration", "context___is_remote", "context___trace_id", "hashes", "body", "attributes___server___port",
           "attributes", "start_time")
MANY = 1000


def check(condition, words):
    if not condition:
        raise SystemExit("%s: %s" % (sys.argv[1], words))


def row(name):
    """A value of every type the table has."""
    return (NOW, uuid.uuid4(), name, "server", 5000000, True, TRACE, ["a", "it's \"x\" \\,{}"], {"text": ["\u00e4", 1.5, None]}, 8080,
            {"plain.key": "v"}, NOW - datetime.timedelta(days=1))


def psycopg_writer():
    import psycopg
    from psycopg.types.json import Jsonb

    def values(name):
        return [Jsonb(value) if isinstance(value, dict) else value for value in row(name)]
    connection = psycopg.connect(sslmode="verify-full", autocommit=True)
    select = "SELECT %s FROM otel_logs_and_spans WHERE name = %%s" % ", ".join(COLUMNS)
    for binary in (False, True):
        name = "psycopg.%s" % binary
        given = values(name)
        marks = ", ".join(["%b" if binary else "%t"] * len(COLUMNS))
        for prepare in (False, True):
            sent = [given[0], uuid.uuid4()] + given[2:]
            connection.execute("INSERT INTO otel_logs_and_spans (%s) VALUES (%s)" % (", ".join(COLUMNS), marks), sent, prepare=prepare)
            got = connection.cursor(binary=binary).execute(select + " AND id = %s", [name, sent[1]]).fetchone()
            wanted = [value.obj if isinstance(value, Jsonb) else value for value in sent]
            wanted[10] = {"plain": {"key": "v"}, "server": {"port": 8080}}
            check(list(got) == wanted, "%r came back as %r" % (wanted, got))
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES (%s, %s, %s)", [(NOW, "psycopg.many", i) for i in range(MANY)])
        check(cursor.rowcount == MANY, "executemany counts %d" % cursor.rowcount)
    got = connection.execute("SELECT count(*), sum(value) FROM otel_metrics WHERE metric_name = 'psycopg.many'").fetchone()
    check(got == (MANY, sum(range(MANY))), "executemany: %s" % (got,))
    with connection.cursor() as cursor:
        with cursor.copy("COPY otel_logs_and_spans (timestamp, name, hashes, body) FROM STDIN") as copy:
            for i in range(MANY):
                copy.write_row((NOW, "psycopg.copy", ["a\\b", str(i)], Jsonb("tab\t and \\n")))
        check(cursor.rowcount == MANY, "COPY counts %d" % cursor.rowcount)
        with cursor.copy("COPY otel_metrics (timestamp, metric_name, value, id) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["timestamptz", "text", "float8", "uuid"])
            for i in range(MANY):
                copy.write_row((NOW, "psycopg.copy", i / 4, None))
        got = cursor.execute("SELECT count(*), count(DISTINCT hashes[2]), min(hashes[1]), min(body::text) FROM otel_logs_and_spans WHERE name = 'psycopg.copy'").fetchone()
        check(got == (MANY, MANY, "a\\b", '"tab\\t and \\\\n"'), "COPY in text: %s" % (got,))
        got = cursor.execute("SELECT count(*), sum(value) FROM otel_metrics WHERE metric_name = 'psycopg.copy'").fetchone()
        check(got == (MANY, sum(range(MANY)) / 4), "COPY in binary: %s" % (got,))
        for data, sqlstate, words in (("2026-01-01\tx\n2026-01-01\tx\ty\n", "22P04", "line 2: extra data"), ("2026-01-01\tx\nyesterday-ish\ty\n", "22P02", "line 2: column timestamp"),
                                      ("2026-01-01\tx\n\\N\ty\n", "23502", "line 2: null value in column")):
            try:
                with cursor.copy("COPY otel_metrics (timestamp, metric_name) FROM STDIN") as copy:
                    copy.write(data)
                check(False, "%r is taken" % data)
            except psycopg.Error as error:
                check(error.sqlstate == sqlstate and words in str(error), "%r: %s %s" % (data, error.sqlstate, error))
        try:
            with cursor.copy("COPY otel_metrics (timestamp, metric_name) FROM STDIN") as copy:
                copy.write("2026-01-01\tfailed.copy\n")
                raise ValueError("no more")
        except ValueError:
            pass
        got = cursor.execute("SELECT count(*) FROM otel_metrics WHERE metric_name IN ('x', 'failed.copy')").fetchone()
        check(got == (0,), "nothing is kept of a COPY that failed: %s" % (got,))
    outcome = []

    def copy_for_ever():
        try:
            with psycopg.connect(sslmode="verify-full", autocommit=True) as other, other.cursor().copy("COPY otel_metrics (timestamp, metric_name) FROM STDIN") as copy:
                cancels.append(other)
                time.sleep(1.5)
                copy.write("2026-01-01\tcancelled.copy\n")
        except psycopg.Error as error:
            outcome.append(error.sqlstate)
    cancels = []
    thread = threading.Thread(target=copy_for_ever)
    thread.start()
    while not cancels:
        time.sleep(0.05)
    time.sleep(0.2)
    cancels[0].cancel()
    thread.join()
    check(outcome == ["57014"], "a COPY that is cancelled while it waits: %s" % outcome)
    return psycopg.__version__


async def asyncpg_writer():
    import json
    import ssl

    import asyncpg
    connection = await asyncpg.connect(ssl=ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"]))
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    given = row("asyncpg")
    marks = ", ".join("$%d" % (i + 1) for i in range(len(COLUMNS)))
    await connection.execute("INSERT INTO otel_logs_and_spans (%s) VALUES (%s)" % (", ".join(COLUMNS), marks), *given)
    got = await connection.fetchrow("SELECT %s FROM otel_logs_and_spans WHERE id = $1" % ", ".join(COLUMNS), given[1])
    wanted = list(given)
    wanted[10] = {"plain": {"key": "v"}, "server": {"port": 8080}}
    check(list(got) == wanted, "%r came back as %r" % (wanted, got))
    await connection.executemany("INSERT INTO otel_metrics (timestamp, metric_name, value) VALUES ($1, $2, $3)", [(NOW, "asyncpg.many", float(i)) for i in range(20)])
    tag = await connection.execute("INSERT INTO otel_metrics (timestamp, metric_name, value) SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::float8[])",
                                   [NOW] * MANY, ["asyncpg.unnest"] * MANY, [float(i) for i in range(MANY)])
    check(tag == "INSERT 0 %d" % MANY, tag)
    got = await connection.fetch("SELECT metric_name, count(*), sum(value) FROM otel_metrics WHERE metric_name LIKE 'asyncpg.%' GROUP BY 1 ORDER BY 1")
    check([tuple(r) for r in got] == [("asyncpg.many", 20, 190), ("asyncpg.unnest", MANY, sum(range(MANY)))], "many: %s" % got)
    records = [(NOW, uuid.uuid4(), "asyncpg.copy", "client", i, ["h%d" % i], 7, True) for i in range(MANY)]
    tag = await connection.copy_records_to_table("otel_logs_and_spans", records=records,
                                                 columns=["timestamp", "id", "name", "kind", "duration", "hashes", "attributes___client___port", "context___is_remote"])
    check(tag == "COPY %d" % MANY, tag)
    got = await connection.fetchrow("SELECT count(*), sum(duration), count(DISTINCT id), min(attributes___client___port) FROM otel_logs_and_spans WHERE name = 'asyncpg.copy'")
    check(tuple(got) == (MANY, sum(range(MANY)), MANY, 7), "copy_records_to_table: %s" % got)
    return asyncpg.__version__


def sqlalchemy_writer():
    import sqlalchemy
    place = "%s:%s@%s:%s/%s" % tuple(os.environ[name] for name in ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE"))
    for driver in ("psycopg", "psycopg2"):
        engine = sqlalchemy.create_engine("postgresql+%s://%s?sslmode=verify-full" % (driver, place))
        metadata = sqlalchemy.MetaData()
        metadata.reflect(engine)
        spans, metrics, name = metadata.tables["otel_logs_and_spans"], metadata.tables["otel_metrics"], "sqlalchemy." + driver
        with engine.begin() as connection:
            connection.execute(spans.insert(), dict(zip(COLUMNS, row(name))))
            connection.execute(metrics.insert(), [{"timestamp": NOW, "metric_name": name, "value": i} for i in range(MANY)])
        with engine.connect() as connection:
            got = connection.execute(sqlalchemy.select(spans.c.duration, spans.c.hashes, spans.c.body).where(spans.c.name == name)).fetchall()
            check(got == [(5000000, row(name)[7], row(name)[8])], "a row of the reflected table: %s" % got)
            got = connection.execute(sqlalchemy.select(sqlalchemy.func.count(), sqlalchemy.func.sum(metrics.c.value)).where(metrics.c.metric_name == name)).fetchone()
            check(tuple(got) == (MANY, sum(range(MANY))), "a list of rows: %s" % got)
        engine.dispose()
    return sqlalchemy.__version__


driver, start = sys.argv[1], time.monotonic()
version = asyncio.run(asyncpg_writer()) if driver == "asyncpg" else globals()[driver + "_writer"]()
print("%s %s writes, %.1f s" % (driver, version, time.monotonic() - start))
