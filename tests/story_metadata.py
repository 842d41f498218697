#!/usr/bin/env python3
"""The metadata's database goes away: at each statement in turn, for a while, for too long, by kill -9 of its server or of us.
No half-made project, key or migration; what was answered is there, once; senders with known keys are not held up.

Method: tests/cutproxy.py before a real PostgreSQL cuts each message of the client in turn, and in turn loses each answer of the
server, while projects, keys and the schema are made; a fail point kills our process at each statement of its own on SQLite.
With MONO_FULL every message; else every answer of a project and a sample of the rest.
time_limit_s: 900"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import psycopg

from cutproxy import CutProxy
from monoscope import BINARY, FULL, STORY_DIR, Server, check, wait_until
from postgres import Postgres

NONE_OR_ONE = "whether it was is not known"


def command(*words, database=None, environment=None):
    where = ["--database", database] if database else []
    return subprocess.run([BINARY] + list(words) + where, capture_output=True, text=True, env=dict(os.environ, **(environment or {})),
                          stdin=subprocess.DEVNULL)


def messages(kind, proxy, step, every=1):
    """Runs step(number) with the cut at 1, 2, 3 ... until it is through before the cut comes. Every third is away for a moment.
    every: only each such, from a random one on, unless MONO_FULL is set. Gives how often it was cut."""
    every = 1 if FULL else every
    number, times = random.randrange(every) + 1 - every, 0
    while True:
        number += every
        proxy.cut(kind, number, away_after=0.2 if number % 3 == 0 else 0.0)
        step(number)
        if proxy.cuts == 0:
            proxy.cut(kind, 0)
            return times
        times += 1
        wait_until(lambda: not proxy.away, "the proxy lets in again")


def cut_projects_and_keys(postgres, proxy):
    url = postgres.url(port=proxy.port)
    first = command("project", "create", "there", database=url)
    check(first.returncode == 0, "a project is made: " + first.stderr)
    direct = psycopg.connect(postgres.url(), autocommit=True)
    figures = []
    for kind in ("request", "answer"):
        outcome = {"done": 0, "refused": 0, "unknown": 0}

        def see(result, found, name):
            if result.returncode == 0:
                check(found == 1, "%s, answered, is there once: %d" % (name, found))
                outcome["done"] += 1
            elif NONE_OR_ONE in result.stderr:
                check(found in (0, 1), "%s is there at most once: %d" % (name, found))
                outcome["unknown"] += 1
            else:
                check(found == 0, "%s, refused (%s), is not there: %d" % (name, result.stderr.strip(), found))
                outcome["refused"] += 1

        def project(number):
            name = "p-%s-%d" % (kind, number)
            result = command("project", "create", name, database=url)
            see(result, direct.execute("SELECT count(*) FROM projects WHERE name = %s", (name,)).fetchone()[0], name)

        def key(number):
            name = "k-%s-%d" % (kind, number)
            result = command("key", "create", "there", name, database=url)
            see(result, direct.execute("SELECT count(*) FROM keys WHERE name = %s", (name,)).fetchone()[0], name)

        cut = messages(kind, proxy, project, 2 if kind == "request" else 1) + messages(kind, proxy, key, 8 if kind == "request" else 4)
        check(outcome["unknown"] == 0, "what became of a commit can be found out")
        check(outcome["done"] > outcome["refused"], "most are done again by themselves: %s" % outcome)
        figures.append("%d cuts at %s: %d done, %d refused" % (cut, "a " + kind if kind == "request" else "an answer", outcome["done"], outcome["refused"]))
    direct.close()
    print("projects and keys: " + "; ".join(figures), flush=True)


def cut_migrations(postgres, proxy):
    """One database for all: its tables are dropped between the tries."""
    total = [0, 0]
    direct = psycopg.connect(postgres.url("schema"), autocommit=True)
    url = postgres.url("schema", port=proxy.port)

    def count():
        if direct.execute("SELECT to_regclass('migrations')").fetchone()[0] is None:
            return 0
        return direct.execute("SELECT count(*) FROM migrations").fetchone()[0]

    def tables():
        return direct.execute("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace").fetchone()[0]

    def drop():
        direct.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    check(command("project", "list", database=postgres.url("schema")).returncode == 0, "the schema is made")
    whole = (count(), tables())
    check(whole[0] > 3 and whole[1] > 3, "there are migrations")
    for kind in ("request", "answer"):
        def step(number):
            drop()
            result = command("project", "list", database=url)
            seen = (count(), tables())
            check(seen in (whole, (0, 0)), "the schema is whole or not there: %s of %s" % (seen, whole))
            check(result.returncode != 0 or seen == whole, "answered, it is whole")
            check(NONE_OR_ONE not in result.stderr, "what became of its commit can be found out")
            total[0 if seen == whole else 1] += 1
        messages(kind, proxy, step, every=16 if kind == "request" else 5)
    direct.close()
    print("migrations: %d cuts; whole after %d, not begun after %d" % (sum(total), total[0], total[1]), flush=True)


def another_server(postgres, proxy):
    """After the cut another server answers, as after a failover that lost the last changes: what became of a commit cannot be
    said then, and is not guessed."""
    url = postgres.url("failover", port=proxy.port)
    with Postgres() as other:
        urls = [postgres.url("failover"), other.url("failover")]
        for one in urls:
            check(command("project", "list", database=one).returncode == 0, "the schema is made")
        directs = [psycopg.connect(one, autocommit=True) for one in urls]
        outcome = {"done": 0, "refused": 0, "unknown": 0}
        number = 0
        while True:
            number += 1
            proxy.target = postgres.port
            proxy.cut("answer", number, then_target=other.port)
            name = "f-%d" % number
            result = command("project", "create", name, database=url)
            found = sum(one.execute("SELECT count(*) FROM projects WHERE name = %s", (name,)).fetchone()[0] for one in directs)
            was_cut = proxy.cuts > 0
            proxy.target = postgres.port
            proxy.close_all()
            if result.returncode == 0:
                check(found == 1, "answered, it is there once: %d" % found)
                outcome["done"] += 1
            elif NONE_OR_ONE in result.stderr:
                check(found == 1, "its commit was done: %d" % found)
                outcome["unknown"] += 1
            else:
                check(found == 0, "refused, it is not there: %s" % result.stderr)
                outcome["refused"] += 1
            if not was_cut:
                break
        proxy.cut("answer", 0)
        for one in directs:
            one.close()
        check(outcome["unknown"] == 1, "only the commit's answer leaves it open: %s" % outcome)
    print("another server after the cut: %s" % outcome, flush=True)


def sends(server, key, timeout_s=10):
    """The HTTP status of one log record."""
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x%d" % time.time_ns()}}]}]}]}).encode()
    request = urllib.request.Request("http://127.0.0.1:%d/v1/logs" % server.http_port, body,
                                     {"content-type": "application/json", "authorization": "Bearer " + key})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, {}
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers)


def cut_first_start(postgres, proxy):
    """The first start: schema, project and key, the key's file. Cut somewhere, then started again without."""
    numbers = list(range(2, 600, 7 if FULL else 80))
    cut = 0
    for at, number in enumerate(numbers):
        database = "start%d" % at
        data = os.path.join(STORY_DIR, database)
        server = Server(data=data, options=["--database", postgres.url(database, port=proxy.port)])
        proxy.cut("request", number)
        server.start(wait=False)
        is_ready = server.wait_ready()
        was_cut = proxy.cuts > 0
        proxy.cut("request", 0)
        if not is_ready:
            server.start()
        status, _ = sends(server, server.key)
        check(status == 200, "the first key works after a start that was cut at message %d: %d" % (number, status))
        server.kill()
        with psycopg.connect(postgres.url(database)) as direct:
            rows = direct.execute("SELECT name, (SELECT count(*) FROM keys WHERE project_id = p.id) FROM projects AS p ORDER BY 1").fetchall()
        check(rows == [("default", 1), ("monoscope", 1)], "two projects with a key each: %s" % rows)
        shutil.rmtree(data)
        cut += was_cut
        if not was_cut:
            break
    print("first starts: %d cut, each with its project, its key and the key's file in the end" % cut, flush=True)


def away(postgres, proxy):
    """Senders go on while the database is away, changes are refused; after the grace senders wait too; back, all is well."""
    database = "away"
    through = postgres.url(database, port=proxy.port)
    server = Server(data=os.path.join(STORY_DIR, "away"), options=["--database", through, "--database-grace", "8s"])
    with server:
        other = command("key", "create", "default", "other", database=postgres.url(database))
        key_id = re.search(r"^key id +(\S+)", other.stdout, re.M).group(1)
        key = re.search(r"^API key +(\S+)", other.stdout, re.M).group(1)
        wait_until(lambda: sends(server, key)[0] == 200, "a key that another process made works")
        revoked = command("key", "revoke", key_id, database=postgres.url(database))
        check(revoked.returncode == 0, "it is revoked: " + revoked.stderr)
        answered = time.monotonic()
        wait_until(lambda: sends(server, key)[0] == 401, "a revoked key is refused")
        print("a key revoked by another process: refused %.2f s after the answer" % (time.monotonic() - answered), flush=True)

        proxy.away = True
        proxy.close_all()
        gone = time.monotonic()
        accepted = 0
        while time.monotonic() - gone < 2.5:
            status, _ = sends(server, server.key)
            check(status == 200, "a known key works while the database is away: %d" % status)
            accepted += 1
        refused = command("key", "create", "default", "late", database=through)
        check(refused.returncode != 0 and "could not reach" in refused.stderr, "a change is refused in words: " + refused.stderr)

        def waits():
            status, headers = sends(server, server.key)
            return status == 503 and headers.get("Retry-After", headers.get("retry-after"))
        wait_until(waits, "after the grace senders are told to wait (503 with Retry-After)", 30)
        wait_until(lambda: server.events("meta.database_away") and server.events("meta.grace_over"), "the log says it")
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port) as answer:
            check(b"monoscope_metadata_away 1" in answer.read(), "/metrics says it")
        proxy.away = False
        wait_until(lambda: sends(server, server.key)[0] == 200, "back, senders go on", 30)
        after = command("key", "create", "default", "after", database=through)
        check(after.returncode == 0, "and changes: " + after.stderr)
        print("database away: %d requests taken in 2.5 s of a grace of 8 s, then 503 with Retry-After, then on" % accepted, flush=True)


def killed_server(postgres):
    """kill -9 of PostgreSQL while keys are made; what was answered is there, once, and no more than what was asked for."""
    names, failed = [], []
    stop = threading.Event()
    url = postgres.url()

    def makes(who):
        at = 0
        while not stop.is_set():
            at += 1
            name = "kill-%d-%d" % (who, at)
            result = command("key", "create", "there", name, database=url)
            (names if result.returncode == 0 else failed).append((name, result.stderr))
    threads = [threading.Thread(target=makes, args=(who,)) for who in range(3)]
    for one in threads:
        one.start()
    for _ in range(3):
        time.sleep(1)
        postgres.kill()
        postgres.start()
    time.sleep(1)
    stop.set()
    for one in threads:
        one.join()
    with psycopg.connect(url) as direct:
        found = [row[0] for row in direct.execute("SELECT name FROM keys WHERE name LIKE 'kill-%'")]
    check(len(found) == len(set(found)), "none twice")
    check({name for name, _ in names} <= set(found), "all that were answered are there")
    extra = set(found) - {name for name, _ in names}
    unknown = {name for name, words in failed if NONE_OR_ONE in words}
    check(extra <= unknown, "what was refused is not there: %s" % (extra - unknown))
    check(len(names) > 5, "some were made: %s" % failed[:3])
    print("PostgreSQL killed 3 times: %d keys made, all there once; %d refused, of %d it was not known" %
          (len(names), len(failed), len(unknown)), flush=True)


def killed_at_statements(postgres):
    """Our own process killed at each statement, before and after each commit: a first start on SQLite, and the same schema, a
    project and a key on PostgreSQL, where the server has to notice."""
    killed_at_statements_sqlite()
    direct = psycopg.connect(postgres.url("killed"), autocommit=True)
    url = postgres.url("killed")
    killed = 0
    for point in ("meta.statement", "meta.before_commit", "meta.after_commit"):
        every = 1 if FULL or point != "meta.statement" else 6
        number = random.randrange(every) + 1 - every
        while True:
            number += every
            direct.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            result = command("project", "create", "shop", database=url, environment={"MONOSCOPE_FAIL_POINT": "%s:%d" % (point, number)})
            if result.returncode == 0:
                break
            check(result.returncode == -9, "it is killed: %d %s" % (result.returncode, result.stderr))
            killed += 1
            result = command("project", "create", "shop", database=url)
            check(result.returncode == 0 or "already" in result.stderr, "whatever was left, a project can be made: " + result.stderr)
            result = command("meta", "check", database=url)
            check(result.returncode == 0, "what is there is whole: " + result.stderr)
            check(direct.execute("SELECT count(*) FROM projects").fetchone()[0] == 1, "one project")
    direct.close()
    print("killed at statements of the schema and a project on PostgreSQL: %d times, whole each time" % killed, flush=True)


def killed_at_statements_sqlite():
    killed = 0
    for point in ("meta.statement", "meta.before_commit", "meta.after_commit"):
        every = 1 if FULL or point != "meta.statement" else 12
        number = random.randrange(every) + 1 - every
        while True:
            number += every
            data = os.path.join(STORY_DIR, "sqlite")
            shutil.rmtree(data, ignore_errors=True)
            server = Server(data=data)
            server.start(environment={"MONOSCOPE_FAIL_POINT": "%s:%d" % (point, number)}, wait=False)
            is_ready = server.wait_ready()
            if is_ready:
                server.kill()
                break
            killed += 1
            if os.path.exists(os.path.join(data, "meta.sqlite")) and os.path.getsize(os.path.join(data, "meta.sqlite")):
                result = command("meta", "check", "--data", data)
                check(result.returncode == 0, "what is there is whole: " + result.stdout + result.stderr)
            server.start()
            status, _ = sends(server, server.key)
            check(status == 200, "the first key works after a kill at %s %d: %d" % (point, number, status))
            server.kill()
    print("killed at statements of the first start on SQLite: %d times, whole each time" % killed, flush=True)


def move(postgres):
    """SQLite grows into PostgreSQL: the same keys work."""
    data = os.path.join(STORY_DIR, "move")
    with Server(data=data) as server:
        key = server.key
        _, _, other = server.project_create("shop")
        server.stop()
    url = postgres.url("moved")
    copied = command("meta", "copy", "--from", "sqlite://%s/meta.sqlite" % data, "--to", url)
    check(copied.returncode == 0, "copied: " + copied.stderr)
    os.rename(os.path.join(data, "meta.sqlite"), os.path.join(data, "meta.sqlite.before"))
    with Server(data=data, options=["--database", url]) as server:
        for one in (key, other):
            check(sends(server, one)[0] == 200, "a key of before works")
        backup = os.path.join(STORY_DIR, "backup")
        made = command("meta", "backup", backup, database=url)
        check(made.returncode == 0, "backed up beside the running server: " + made.stderr)
    restored = command("meta", "restore", backup, database=os.path.join(STORY_DIR, "restored.sqlite"))
    check(restored.returncode == 0, "restored: " + restored.stderr)
    for secret in (key, other):
        with open(backup, "rb") as f:
            check(secret[5:].encode() not in f.read(), "no key is in a backup")
    print("moved: %s; %s; %s" % (copied.stdout.strip(), made.stdout.strip(), restored.stdout.strip()), flush=True)


def main():
    seed = int(os.environ.get("STORY_SEED") or random.randrange(1 << 32))
    print("STORY_SEED=%d" % seed, flush=True)
    random.seed(seed)
    with Postgres() as postgres, CutProxy(postgres.port) as proxy:
        only = sys.argv[1:]
        for name, step in (("cut_projects_and_keys", lambda: cut_projects_and_keys(postgres, proxy)),
                           ("another_server", lambda: another_server(postgres, proxy)),
                           ("cut_migrations", lambda: cut_migrations(postgres, proxy)),
                           ("cut_first_start", lambda: cut_first_start(postgres, proxy)), ("away", lambda: away(postgres, proxy)),
                           ("killed_server", lambda: killed_server(postgres)), ("killed_at_statements", lambda: killed_at_statements(postgres)),
                           ("move", lambda: move(postgres))):
            if only and name not in only:
                continue
            start = time.monotonic()
            step()
            print("   (%s: %.1f s)" % (name, time.monotonic() - start), flush=True)


if __name__ == "__main__":
    main()
