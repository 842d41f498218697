# time_limit_s: 240, tries: 2
"""Any PostgreSQL client: psql, psycopg 3 and 2, asyncpg, SQLAlchemy, pgx, pgjdbc and node-postgres connect over TLS with the
certificate checked. Each sends and reads values of every type, prepared and not, in text and in binary where it has both; reads
100,000 rows while they come (a million in make test-full) without that it or the server grows; cancels a statement; finds the
tables in its own way. psql's describing commands find what there is; pg_dump is told why not; what Grafana, Metabase, DBeaver, pgAdmin,
Npgsql and ODBC ask of the catalog is answered."""
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import goprogram
import javaprogram
import nodeprogram
import psycopg
import pythonhome
from authority import make_authority, path, sign
from monoscope import FULL, REPO, MemoryWatch, Server, check
from samples import send_round
from otlp import Sender

ROWS = 1000000 if FULL else 100000
HERE = os.path.join(REPO, "tests", "clients")
SERVER_GROWS_MIB = 400
# A command of psql, and what its answer must have in it.
COMMANDS = {
    r"\d": "otel_logs_and_spans telemetry view", r"\d+": "a data point each", r"\d otel_metrics": "double.precision timestamp.with.time.zone not.null",
    r"\d+ telemetry": "View.definition otel_logs_and_spans", r"\d pg_class": "relname", r"\dt": "otel_metrics", r"\dt+": "heap permanent", r"\dv": "telemetry",
    r"\di": "", r"\ds": "", r"\dm": "", r"\df": "time_bucket", r"\df *bucket*": "time_bucket public", r"\da": "approx_percentile", r"\du": "monoscope default",
    r"\dn": "public monoscope", r"\dn+": "public", r"\l": "monoscope UTF8", r"\dT": "", r"\dT+ text": "text", r"\dx": "", r"\dp": "telemetry", r"\db": "pg_default",
    r"\do": "", r"\dC": "", r"\dA": "heap", r"\dS": "pg_catalog", r"\sf time_bucket": "CREATE.OR.REPLACE.FUNCTION", r"\sv telemetry": "CREATE.OR.REPLACE.VIEW",
    r"\drds": "", r"\des": "", r"\dF": "", r"\dconfig TimeZone": "", r"\conninfo": "TLS",
}


def environment(server):
    return dict(os.environ, PGHOST="localhost", PGPORT=str(server.pg_port), PGUSER="default", PGPASSWORD=server.key, PGDATABASE="monoscope",
                PGSSLMODE="verify-full", PGSSLROOTCERT=path("ca.crt"))


def clients():
    """{name: (its command, its variables beside those of the server)}; what is missing is brought and built."""
    jars = os.path.join(goprogram.DEPS, "pgjdbc")
    if not os.path.exists(jars):
        brought = subprocess.run([os.path.join(REPO, "deps", "bring"), "test"], capture_output=True, text=True)
        check(brought.returncode == 0, brought.stdout + brought.stderr)
    python = os.path.join(pythonhome.install("clients/python"), "bin", "python")
    java = javaprogram.classes("clients/java", [os.path.join(jars, "*")])
    node = nodeprogram.install("clients/node")
    found = {driver: [python, os.path.join(HERE, "python", "client.py"), driver] for driver in ("psycopg", "psycopg2", "asyncpg", "sqlalchemy")}
    found["pgx"] = [goprogram.build("clients/go")]
    found["pgjdbc"] = ["java", "-Xmx192m", "-cp", java + os.pathsep + os.path.join(jars, "*"), "Client"]
    found["node-postgres"] = [nodeprogram.NODE, os.path.join(node, "client.js")]
    return found


def check_client(server, name, command):
    start = time.monotonic()
    ran = subprocess.run(command + [str(ROWS)], env=environment(server), capture_output=True, text=True, timeout=180)
    check(ran.returncode == 0, "%s:\n%s" % (name, (ran.stdout + ran.stderr)[-3000:]))
    told = json.loads(ran.stdout.strip().splitlines()[-1])
    check(told["rows"] == ROWS and told["checks"] > 20, "%s says %s" % (name, told))
    print("%s %s: %d checks, %d rows, grew by %d KiB, %.0f s" %
          (name, told["version"], told["checks"], told["rows"], told["grown_kib"], time.monotonic() - start), flush=True)


def check_psql(server):
    for command, words in COMMANDS.items():
        ran = subprocess.run(["psql", "-X", "-c", command], env=environment(server), capture_output=True, text=True)
        check(ran.returncode == 0 and "ERROR" not in ran.stderr, "psql %s: %s" % (command, ran.stderr))
        for word in words.split():
            check(re.search(word, ran.stdout), "psql %s shows %s:\n%s" % (command, word, ran.stdout[:2000]))
    version = subprocess.run(["psql", "--version"], capture_output=True, text=True).stdout.split()[2]
    print("psql %s: %d describing commands" % (version, len(COMMANDS)), flush=True)
    dumped = subprocess.run(["pg_dump", "--schema-only"], env=environment(server), capture_output=True, text=True)
    check(dumped.returncode != 0 and "pg_dump cannot copy this database" in dumped.stderr and "Parquet" in dumped.stderr, "pg_dump is told why not: %s" % dumped.stderr)


def statements(file):
    """(what for, how many rows, text) of each."""
    with open(file) as f:
        for block in re.split(r"\n\s*\n", f.read().strip()):
            head, _, sql = block.partition("\n")
            name, _, wanted = head.lstrip("- ").rpartition(": ")
            yield name, wanted, sql


def check_tools(server):
    for file in sorted(glob.glob(os.path.join(HERE, "queries", "*.sql"))):
        tool, count = os.path.basename(file)[:-4], 0
        with psycopg.connect(host="127.0.0.1", port=server.pg_port, user="default", password=server.key, dbname="monoscope", autocommit=True) as connection:
            for name, wanted, sql in statements(file):
                try:
                    rows = connection.execute(sql).fetchall()
                except psycopg.Error as error:
                    check(False, "%s, %s: %s" % (tool, name, error))
                right = {"any": True, "some": len(rows) > 0}.get(wanted, wanted.isdigit() and len(rows) == int(wanted))
                check(right, "%s, %s: %d rows, wanted %s: %.300r" % (tool, name, len(rows), wanted, rows))
                count += 1
        print("%s: %d statements" % (tool, count), flush=True)


def main():
    make_authority("ca")
    sign("ca", "server")
    with Server(flush="2s") as server:
        send_round(Sender(server.grpc_port, server.key), 0, "default", time.time_ns())
        server.stop()
        server.options = ["--tls-cert", path("server.crt"), "--tls-key", path("server.key")]
        server.start()
        commands = clients()
        before_mib = server.memory_kib()["RssAnon"] // 1024
        watch = MemoryWatch(server)
        with concurrent.futures.ThreadPoolExecutor(len(commands) + 2) as pool:
            work = [pool.submit(check_client, server, name, command) for name, command in commands.items()]
            work += [pool.submit(check_psql, server), pool.submit(check_tools, server)]
            for one in work:
                one.result()
        grown_mib = watch.stop()["RssAnon"] - before_mib
        check(grown_mib < SERVER_GROWS_MIB, "%d readers of %d rows grow the server by %d MiB" % (len(commands), ROWS, grown_mib))
        print("the server grew by %d MiB while %d clients read %d rows each" % (grown_mib, len(commands), ROWS), flush=True)
        server.stop()


main()
