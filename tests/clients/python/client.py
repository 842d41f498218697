"""What the Python drivers do with a server: python client.py psycopg|psycopg2|asyncpg|sqlalchemy ROWS

The server is that of PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and PGSSLROOTCERT, over TLS, its certificate checked. Values
of every type go there and come back, in text and in binary where the driver has both; ROWS rows are read while they come; a
statement is cancelled; the tables are found. Ends with one line of JSON; with an exception when something is not as it should be."""
import asyncio
import datetime
import decimal
import json
import os
import resource
import sys
import threading
import time
import uuid

UTC = datetime.timezone.utc
MOMENT = datetime.datetime(2026, 2, 28, 23, 59, 59, 123456)
# Type, and values that must come back as they went.
VALUES = [
    ("bool", [True, False]), ("int2", [-32768, 7]), ("int4", [-2147483648, 7]), ("int8", [-2 ** 63, 2 ** 63 - 1]), ("float4", [0.5, -2.25]),
    ("float8", [0.1, -1e300]), ("numeric", [decimal.Decimal("1234567.25"), decimal.Decimal("-0.5")]), ("text", ["", "it's \\ \"x\" \u00e4\u20ac\U0001f600"]),
    ("varchar", ["v"]), ("bytea", [b"\x00\xff'\\", b"\x01"]), ("uuid", [uuid.UUID("12345678-1234-5678-1234-567812345678")]),
    ("date", [datetime.date(2026, 2, 28), datetime.date(1969, 12, 31)]), ("time", [datetime.time(1, 2, 3, 4)]), ("timestamp", [MOMENT]),
    ("timestamptz", [MOMENT.replace(tzinfo=UTC)]), ("interval", [datetime.timedelta(days=3, seconds=4, microseconds=5)]),
    ("int4[]", [[1, None, 3], []]), ("int8[]", [[2 ** 60]]), ("text[]", [["a", "", 'q"\\,{}', None]]), ("float8[]", [[0.25, -1.5]]), ("bool[]", [[True, False]]),
    ("uuid[]", [[uuid.UUID("12345678-1234-5678-1234-567812345678")]]), ("timestamptz[]", [[MOMENT.replace(tzinfo=UTC)]]), ("date[]", [[datetime.date(2026, 2, 28)]]),
]
ROWS_SQL = "SELECT n, repeat('x', 200) || n AS word FROM generate_series(1, %d) AS n"
LONG_SQL = "SELECT sum(a::bigint * b) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b"
TABLES = {"otel_logs_and_spans", "otel_metrics", "telemetry"}
checks = 0


def check(condition, words):
    global checks
    checks += 1
    if not condition:
        raise SystemExit("%s: %s" % (sys.argv[1], words))


def same(given, got, name):
    # A float4 and a numeric of fixed digits come back as the same number.
    check(got == given and (given is None or isinstance(got, type(given))), "%s: %r came back as %r" % (name, given, got))


def peak_kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Stream:
    """Counts rows as they come and looks that the process does not grow by them."""

    def __init__(self, rows):
        self.rows, self.seen, self.before_kib = rows, 0, None

    def take(self, row):
        self.seen += 1
        check(row[0] == self.seen and row[1].endswith("x%d" % self.seen), "row %d is %r" % (self.seen, row)) if self.seen % 9973 == 1 else None
        if self.seen == self.rows // 20:
            self.before_kib = peak_kib()

    def end(self):
        check(self.seen == self.rows, "%d of %d rows came" % (self.seen, self.rows))
        grown = peak_kib() - self.before_kib
        check(grown < 32 * 1024, "%d rows grow the client by %d KiB" % (self.rows, grown))
        return grown


def cancelled(run, cancel):
    """Asks again and again for the end of a statement that runs in a thread; what it ended with."""
    outcome = []

    def work():
        try:
            run()
            outcome.append(None)
        except Exception as error:
            outcome.append(error)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while thread.is_alive() and time.monotonic() < end:
        cancel()
        thread.join(0.05)
    check(outcome, "a statement that is cancelled ends")
    return outcome[0]


def psycopg_client(rows):
    import psycopg
    from psycopg.types.json import Jsonb
    connection = psycopg.connect(sslmode="verify-full", autocommit=True)
    for binary in (False, True):
        mark = "%b" if binary else "%t"
        cursor = connection.cursor(binary=binary)
        for name, values in VALUES:
            for value in values + [None]:
                for prepare in (False, True):
                    got = cursor.execute("SELECT %s::%s" % (mark, name), [value], prepare=prepare).fetchone()[0]
                    same(value, got, "%s in %s" % (name, "binary" if binary else "text"))
        same({"a": [1, None, "x"]}, cursor.execute("SELECT %s::jsonb" % mark, [Jsonb({"a": [1, None, "x"]})]).fetchone()[0], "jsonb")
        row = cursor.execute("SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1").fetchone()
        check(len(row) == len(cursor.description) and len(row) > 80, "a whole row has %d columns" % len(row))
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", [i]) for i in range(50)]
        check([cursor.fetchone()[0] for cursor in cursors] == list(range(50)), "a pipeline of 50")
    stream, reader = Stream(rows), connection.cursor()
    for row in reader.stream(ROWS_SQL % rows):
        stream.take(row)
    grown = stream.end()
    error = cancelled(lambda: connection.execute(LONG_SQL), connection.cancel)
    check(isinstance(error, psycopg.errors.QueryCanceled), "cancelled: %r" % error)
    check(connection.execute("SELECT 1").fetchone() == (1,), "and the connection goes on")
    names = {name for name, in connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')")}
    check(TABLES <= names, "tables: %s" % names)
    check(psycopg.types.TypeInfo.fetch(connection, "jsonb").oid == 3802 and psycopg.types.TypeInfo.fetch(connection, "hstore") is None, "types are looked up")
    try:
        connection.execute("SELECT nope FROM otel_metrics")
        check(False, "a wrong column is refused")
    except psycopg.errors.UndefinedColumn as refused:
        check(refused.diag.sqlstate == "42703" and refused.diag.statement_position == "8", "with its place: %s" % refused)
    return psycopg.__version__, grown


def psycopg2_client(rows):
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
    psycopg2.extras.register_uuid()
    connection = psycopg2.connect("", sslmode="verify-full")
    connection.autocommit = True
    cursor = connection.cursor()
    # It writes values into the text itself, and knows no arrays but those of what it knows.
    for name, values in VALUES:
        for value in values + [None]:
            cursor.execute("SELECT CAST(%s AS " + name + ")", [value])
            got = cursor.fetchone()[0]
            got = bytes(got) if isinstance(got, memoryview) else got
            if name not in ("uuid[]",):
                same(value, got, name)
    cursor.execute("SELECT %s::jsonb", [psycopg2.extras.Json({"a": [1, None]})])
    same({"a": [1, None]}, cursor.fetchone()[0], "jsonb")
    cursor.execute("SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1")
    check(len(cursor.fetchone()) == len(cursor.description), "a whole row")
    connection.autocommit = False
    stream, reader = Stream(rows), connection.cursor("rows")  # DECLARE, FETCH, CLOSE
    reader.itersize = 5000
    reader.execute(ROWS_SQL % rows)
    for row in reader:
        stream.take(row)
    grown = stream.end()
    reader.close()
    connection.commit()
    connection.autocommit = True
    error = cancelled(lambda: cursor.execute(LONG_SQL), connection.cancel)
    check(isinstance(error, psycopg2.extensions.QueryCanceledError), "cancelled: %r" % error)
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", ["public"])
    check(TABLES <= {name for name, in cursor.fetchall()}, "tables")
    check(psycopg2.extras.HstoreAdapter.get_oids(connection) == ((), ()), "hstore is looked for and not found")
    return psycopg2.__version__.split()[0], grown


async def asyncpg_client(rows):
    import asyncpg
    import ssl
    context = ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])
    connection = await asyncpg.connect(ssl=context)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    for name, values in VALUES + [("jsonb", [{"a": [1, None, "x"]}])]:
        for value in values + [None]:
            for _ in range(2):  # the second time the statement is prepared already
                same(value, await connection.fetchval("SELECT $1::" + name, value), name)
    row = await connection.fetchrow("SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1")
    check(len(row) > 80 and row["timestamp"].tzinfo, "a whole row")
    stream = Stream(rows)
    async with connection.transaction():
        async for row in connection.cursor(ROWS_SQL % rows, prefetch=5000):
            stream.take(row)
    grown = stream.end()
    task, end = asyncio.ensure_future(connection.fetchval(LONG_SQL)), time.monotonic() + 60
    await asyncio.sleep(0.1)
    task.cancel()
    try:
        await task
        check(False, "a cancelled statement ends with an error")
    except asyncio.CancelledError:
        check(time.monotonic() < end, "within a minute")
    check(await connection.fetchval("SELECT 1") == 1, "and the connection goes on")
    names = {row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1 UNION SELECT viewname FROM pg_views WHERE schemaname = $1", "public")}
    check(TABLES <= names, "tables: %s" % names)
    domain = await connection.fetchval("SELECT $1::oid", 16384)
    check(domain == 16384, "an oid is a number")
    await connection.close()
    return asyncpg.__version__, grown


def sqlalchemy_client(rows):
    import sqlalchemy
    from sqlalchemy.ext.asyncio import create_async_engine
    place = "%s:%s@%s:%s/%s" % tuple(os.environ["PG" + name] for name in ("USER", "PASSWORD", "HOST", "PORT", "DATABASE"))
    grown = 0
    for driver in ("psycopg", "psycopg2"):
        engine = sqlalchemy.create_engine("postgresql+%s://%s?sslmode=verify-full" % (driver, place))
        inspector = sqlalchemy.inspect(engine)
        check(set(inspector.get_table_names()) == TABLES - {"telemetry"} and inspector.get_view_names() == ["telemetry"], "tables: %s %s" %
              (inspector.get_table_names(), inspector.get_view_names()))
        check({"public", "information_schema"} <= set(inspector.get_schema_names()), "schemas")
        for table in sorted(TABLES):
            for schema in (None, "public"):
                inspector.get_indexes(table, schema), inspector.get_foreign_keys(table, schema), inspector.get_unique_constraints(table, schema)
                inspector.get_check_constraints(table, schema), inspector.get_table_comment(table, schema), inspector.get_table_options(table, schema)
                check(inspector.get_pk_constraint(table, schema)["constrained_columns"] == [], "there is no key")
        check(inspector.get_enums() == [] and "otel_metrics" in inspector.get_view_definition("telemetry"), "a view's text")
        metadata = sqlalchemy.MetaData()
        metadata.reflect(engine, views=True)
        spans = metadata.tables["otel_logs_and_spans"]
        types = {column.name: column.type for column in spans.columns}
        check(isinstance(types["timestamp"], sqlalchemy.TIMESTAMP) and types["timestamp"].timezone and isinstance(types["duration"], sqlalchemy.BIGINT) and
              isinstance(types["hashes"], sqlalchemy.ARRAY) and not spans.columns.timestamp.nullable, "columns: %s" % types)
        with engine.connect() as connection:
            query = sqlalchemy.select(sqlalchemy.func.count()).select_from(spans).where(spans.c.name != "none", spans.c.timestamp > MOMENT.replace(tzinfo=UTC))
            check(connection.execute(query).scalar() > 0, "a statement made of the reflected table")
            for name, values in VALUES[:14]:
                for value in values:
                    got = connection.execute(sqlalchemy.text("SELECT CAST(:v AS %s)" % name), {"v": value}).scalar()
                    same(value, bytes(got) if isinstance(got, memoryview) else got, name)
        stream = Stream(rows)
        with engine.connect().execution_options(stream_results=True, max_row_buffer=5000) as connection:
            for row in connection.execute(sqlalchemy.text(ROWS_SQL % rows)):
                stream.take(row)
        grown = max(grown, stream.end())
        engine.dispose()

    async def reflect():
        import ssl
        engine = create_async_engine("postgresql+asyncpg://" + place, connect_args={"ssl": ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])})
        async with engine.connect() as connection:
            metadata = sqlalchemy.MetaData()
            await connection.run_sync(lambda sync: metadata.reflect(sync, views=True))
            check(set(metadata.tables) == TABLES, "by asyncpg: %s" % set(metadata.tables))
        await engine.dispose()
    asyncio.run(reflect())
    return sqlalchemy.__version__, grown


driver, rows = sys.argv[1], int(sys.argv[2])
run = globals()[driver + "_client"]
version, grown_kib = asyncio.run(run(rows)) if driver == "asyncpg" else run(rows)
print(json.dumps({"client": driver, "version": version, "checks": checks, "rows": rows, "grown_kib": grown_kib}))
