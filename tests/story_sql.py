# time_limit_s: 120
"""SQL as PostgreSQL has it: the same rows are in a Monoscope (by OTLP) and in a PostgreSQL 15, and both are asked the same.

1. The statements of tests/slt/*.slt: both give what stands there, in the same types. What TimescaleDB alone has stands there by hand.
2. A thousand expressions by chance (tests/expressions.py), of a fixed seed: the same value and the same type.
3. What users write of attributes whose names have dots, by parameters.
MONO_FULL: 20,000 expressions, and the files once more with the program sqllogictest, where deps/bring full has brought it."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import shop_rows
from expressions import ROWS, generate
from monoscope import FULL, REPO, Server, check
from postgres import PASSWORD, USER, Postgres
from slt import Failed, ask, files, records

# docs/sql.md, "What is not as in PostgreSQL": numeric is double precision, varchar(n) and its kin are text.
NUMERIC, FLOAT8, TEXT, JSON, JSONB = 1700, 701, 25, 114, 3802
LIKE_TEXT = {1043, 1042, 18, 19}
SEED = 20260302


def same_types(theirs, ours):
    return len(theirs) == len(ours) and all(
        a == b or (a == NUMERIC and b == FLOAT8) or (a in LIKE_TEXT and b == TEXT) or (a == JSON and b == JSONB) for a, b in zip(theirs, ours))


def statements(oracle, server):
    asked = 0
    for path in files():
        of_oracle = {record.sql: record for record in records(path, {"oracle"})}
        for record in records(path, {"monoscope"}):
            asked += 1
            ours = ask(server, record.sql)
            check(not record.difference(ours), "%s\n%s" % (record.place, record.difference(ours)))
            if record.sql in of_oracle:
                theirs = ask(oracle, record.sql)
                words = of_oracle[record.sql].difference(theirs)
                check(not words, "PostgreSQL: %s\n%s" % (record.place, words))
            if record.sql in of_oracle and record.kind == "query":
                check(same_types(theirs[0], ours[0]), "%s: the types are %r, PostgreSQL's %r" % (record.place, ours[0], theirs[0]))
    return asked


def is_near(theirs, ours):
    return all((a is None) == (b is None) and (a is None or abs(float(a) - float(b)) <= 1e-9 * max(1, abs(float(a))))
               for (a,), (b,) in zip(theirs[1], ours[1]))


def expressions(oracle, server, count):
    refused, different = 0, []
    for expression in generate(SEED, count):
        sql = "SELECT %s FROM %s" % (expression.sql, ROWS)
        theirs = ask(oracle, sql)
        if isinstance(theirs, Failed):  # out of range and the like; what we say to that is not compared
            refused += 1
            continue
        ours = ask(server, sql)
        if isinstance(ours, Failed) or not (theirs == ours or (expression.is_double and is_near(theirs, ours))):
            different.append("%s\n  PostgreSQL %s\n  Monoscope  %s" % (expression.sql, theirs, ours))
    check(refused * 50 < count, "PostgreSQL takes nearly all expressions: %d of %d it does not" % (refused, count))
    check(not different, "%d of %d expressions differ (seed %d):\n%s" % (len(different), count, SEED, "\n".join(different[:10])))


def attributes_by_parameter(server):
    with server.connect() as connection:
        for key in ("shop.n", "url.path", "shop.nothing"):
            written = connection.execute("SELECT attributes->>'%s' FROM otel_logs_and_spans ORDER BY timestamp LIMIT 3" % key).fetchall()
            given = connection.execute("SELECT attributes->>%s FROM otel_logs_and_spans ORDER BY timestamp LIMIT 3", (key,)).fetchall()
            check(written == given, "attributes->>$1 is what attributes->>'%s' is: %r, %r" % (key, written, given))


def sqllogictest(postgres, server):
    program = os.path.join(os.environ.get("MONO_DEPS_DIR") or os.path.join(REPO, ".deps"), "sqllogictest", "bin", "sqllogictest")
    if not os.path.exists(program):
        print("sqllogictest is not there: deps/bring full")
        return
    for label, port, user, password, database in (("oracle", postgres.port, USER, PASSWORD, "monoscope"),
                                                  ("monoscope", server.pg_port, "default", server.key, "monoscope")):
        done = subprocess.run([program, "--engine", "postgres", "--host", "127.0.0.1", "--port", str(port), "--user", user, "--pass", password,
                               "--db", database, "--label", label, "--color", "never"] + files(), capture_output=True, text=True)
        check(done.returncode == 0, "sqllogictest, %s:\n%s%s" % (label, done.stdout[-3000:], done.stderr[-3000:]))


def main():
    start = time.monotonic()
    with Postgres() as postgres, Server(flush="1h") as server:
        shop_rows.send(server)
        oracle = postgres.connect()
        shop_rows.fill(oracle, server)
        oracle.execute("SET timezone = 'UTC'")
        with server.connect() as connection:
            asked = statements(oracle, connection)
            count = 20000 if FULL else 1000
            expressions(oracle, connection, count)
        attributes_by_parameter(server)
        if FULL:
            sqllogictest(postgres, server)
    print("%d statements and %d expressions give the same, %.1f s" % (asked, count, time.monotonic() - start))


if __name__ == "__main__":
    main()
