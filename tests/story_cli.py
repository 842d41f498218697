#!/usr/bin/env python3
"""The command line far from the server: login, sql, search, tail, send and the nouns, as a person and a pipe see them.

Each command runs as its own process with a home of its own; "at a terminal" is a real pseudo-terminal. Telemetry that tries
to drive the terminal (escape sequences, marks of direction, bells) is sent and shown.
time_limit_s: 120, tries: 2
"""
import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.request

import pyarrow.parquet as parquet

from apiclient import PASSWORD, first_admin
from monoscope import BINARY, STORY_DIR, Server, check, wait_until

HOME = os.path.join(STORY_DIR, "home")
EVIL = "\x1b]0;owned\x07\x1b[31mred \x9b1m \u202egnp.exe \u2066 \x00end"
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("MONOSCOPE_")}
ENVIRONMENT["XDG_CONFIG_HOME"] = HOME


def run(*words, given=None, code=0, environment=None):
    """What a pipe gets."""
    result = subprocess.run([BINARY] + list(words), input=given, capture_output=True, text=True, timeout=60,
                            env=dict(ENVIRONMENT, **(environment or {})))
    check(result.returncode == code, "monoscope %s ends with %d: %d %s%s"
          % (" ".join(words), code, result.returncode, result.stdout, result.stderr))
    return result.stdout, result.stderr


def lines(*words):
    return [json.loads(line) for line in run(*words)[0].splitlines()]


def at_terminal(*words, typed=None, wanted_code=0):
    """What a person at a terminal sees, bytes as they come."""
    child, master = pty.fork()
    if child == 0:
        os.execve(BINARY, [BINARY] + list(words), ENVIRONMENT)
    seen, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.5)
        if ready:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if typed and b": " in seen:
                os.write(master, typed.encode() + b"\n")
                typed = None
    if time.monotonic() >= end:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    check(os.waitstatus_to_exitcode(status) == wanted_code, "monoscope %s at a terminal: %s" % (" ".join(words), seen))
    return seen.decode()


def check_login(server, url):
    _, told = run("sql", "select 1", code=5, environment={"MONOSCOPE_URL": "http://127.0.0.1:1"})
    check("could not reach http://127.0.0.1:1" in told, "a server that is not there: " + told)
    _, told = run("projects", "--url", url, code=3)
    check("monoscope login" in told, "who is not signed in is told how: " + told)
    _, told = run("login", "--url", url, given="mono_nosuchkey\n", code=3)
    check("not known" in told and not os.path.exists(os.path.join(HOME, "monoscope")), "a key that opens nothing is not kept: " + told)
    seen = at_terminal("login", "--url", url, typed=server.key)
    check(server.key not in seen and "signed in" in seen, "a key is asked for and not shown: " + seen)
    path = os.path.join(HOME, "monoscope", "credentials.json")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700,
          "kept readable by its owner alone")
    os.chmod(path, 0o644)
    _, told = run("projects", code=2)
    check("chmod 600" in told, "what others can read is not used: " + told)
    os.chmod(path, 0o600)
    _, told = run("projects", "--url", "http://127.0.0.1:1", code=5)
    check(server.key not in told, "the key is not told")


def check_asking(server):
    text, _ = run("send", "--port", str(server.grpc_port), "--level", "error", "--service", "till", "card declined [no. 7]")
    check("acknowledged" in text, "send takes the kept key: " + text)
    run("send", "--port", str(server.grpc_port), "fine")
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name IN ('till', 'shell')", 2)
    found = lines("search", "DECLINED [no.")
    check(len(found) == 1 and found[0]["body"] == "card declined [no. 7]" and found[0]["service"] == "till", "search: %s" % found)
    check(lines("search", "--level", "error", "--limit", "5")[0]["body"] == found[0]["body"], "by level")
    check(lines("search", "--service", "none") == [], "nothing is nothing")
    rows = lines("sql", "select body, level from otel_logs_and_spans where resource___service___name in ('till','shell') order by level")
    check([row["level"] for row in rows] == ["ERROR", "INFO"], "sql in a pipe is a JSON object a line: %s" % rows)
    text, _ = run("sql", "-", "--csv", given="select 'a,b' as x, 1 as y")
    check(text == "x,y\n\"a,b\",1\n", "and CSV: %r" % text)
    check(run("sql", "--format", "csv", "select 'a,b' as x, 1 as y")[0] == text, "by --format, too")
    file = os.path.join(STORY_DIR, "rows.parquet")
    with open(file, "wb") as out:
        done = subprocess.run([BINARY, "sql", "--format", "parquet", "--limit", "100000", "select n from generate_series(1, 50000) n"], stdout=out,
                              stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60)
    check(done.returncode == 0 and parquet.read_table(file).num_rows == 50000, "and Parquet into a file: %s" % done.stderr)
    _, told = run("sql", "--format", "xml", "select 1", code=2)
    check("parquet" in told, told)
    _, told = run("sql", "select nope from otel_metrics", code=1)
    check("\"nope\" does not exist (at character 8)" in told, "a mistake has its place: " + told)
    _, told = run("sql", "select 1", "--timeout", "1y", code=2)
    check("usage" in told, told)
    seen = at_terminal("sql", "select body from otel_logs_and_spans where level = 'ERROR'")
    check("body" in seen and "card declined [no. 7]" in seen and "(SELECT 1" in seen, "a table at a terminal: " + seen)


def check_terminal_is_safe(server):
    """Rows are text wherever they are shown."""
    with server.connect() as connection:
        connection.execute("select 1")
    run("send", "--port", str(server.grpc_port), "--service", "evil", EVIL.replace("\x00", ""))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'evil'", 1)
    for words in (("search", "--service", "evil"), ("sql", "select body from otel_logs_and_spans where resource___service___name = 'evil'"),
                  ("sql", "--wide", "select body, attributes from otel_logs_and_spans where resource___service___name = 'evil'")):
        seen = at_terminal(*words)
        check("\\x1b" in seen and "red" in seen, "%s shows what is in it: %r" % (words, seen))
        for bad in ("\x1b", "\x07", "\x9b", "\u202e", "\u2066"):
            check(bad not in seen, "%s never reaches the terminal by %s: %r" % (ascii(bad), words[0], seen))
    check(lines("search", "--service", "evil")[0]["body"] == EVIL.replace("\x00", ""), "a pipe gets it as it is")


def is_asked(server):
    with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % server.web_port, timeout=20) as answer:
        return re.search(r"^monoscope_api_running [1-9]", answer.read().decode(), re.M)


def check_tail(server):
    tail = subprocess.Popen([BINARY, "tail", "--service", "tailed"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        wait_until(lambda: is_asked(server), "it listens")
        for number in range(3):
            run("send", "--port", str(server.grpc_port), "--service", "tailed", "line %d" % number)
        watchdog = threading.Timer(30, tail.kill)
        watchdog.start()
        seen = [json.loads(tail.stdout.readline() or '{"body": null}')["body"] for _ in range(3)]
        watchdog.cancel()
    finally:
        tail.kill()
        tail.wait()
    check(seen == ["line 0", "line 1", "line 2"], "as they come, each once: %s" % seen)


def check_nouns(server, url):
    first_admin(server)
    seen = at_terminal("login", "--url", url, "--email", "admin@localhost", typed=PASSWORD)
    check(PASSWORD not in seen and "signed in" in seen, "a password is asked for and not shown: " + seen)
    wait_until(lambda: {"till", "shell"} <= {one["name"] for one in lines("services", "--project", "default", "--from", "now-1h")},
               "services", timeout_s=30)
    made = lines("projects", "create", "shop")[0]
    check({"default", "shop"} <= {one["name"] for one in lines("projects")}, "projects")
    seen = at_terminal("projects", "list")
    check(seen.splitlines()[0].split() == ["name", "id", "role"] and made["id"] in seen, "a table: " + seen)
    check(lines("projects", "rename", "shop", "store")[0]["id"] == made["id"], "rename")
    user = lines("users", "create", "ann@example.com", "--name", "Ann")[0]
    check(user["password"], "a user, and a password for one sign-in")
    run("members", "set", "ann@example.com", "editor", "--project", "store")
    check([(one["name"], one["role"]) for one in lines("members", "--project", "store")] == [("ann@example.com", "editor")], "members")
    team = lines("teams", "create", "crew")[0]
    run("teams", "add", team["id"], user["id"])
    check([one["email"] for one in lines("teams", "members", team["id"])] == ["ann@example.com"], "teams")
    run("retentions", "set", "otel_metrics", "30", "--project", "store")
    check({one["table"]: one["days"] for one in lines("retentions", "--project", "store")}["otel_metrics"] == 30, "retentions")
    actions = [one["action"] for one in lines("audit", "--project", "store")]
    check("retention.set" in actions and "project.rename" in actions, "audit: %s" % actions)
    check(json.loads(run("api", "GET", "/users/me")[0])["email"] == "admin@localhost", "any request")
    _, told = run("projects", "get", "nosuch", code=4)
    check("there is no project" in told, told)
    _, told = run("projects", "create", "Not A Name", code=1)
    check("/name: it must be like" in told, "it says which value: " + told)
    _, told = run("projects", "create", code=2)
    check("projects create NAME" in told, told)
    _, told = run("members", "list", "--nosuch", "x", code=2)
    check("--nosuch" in told, told)
    run("projects", "delete", "store")
    check("store" not in {one["name"] for one in lines("projects")}, "deleted")
    run("logout")
    check(not os.path.exists(os.path.join(HOME, "monoscope", "credentials.json")), "logout forgets")


def check_tls():
    """A server with a certificate of its own: trusted when its file is named, once, at login; a long answer comes through it."""
    folder = os.path.join(STORY_DIR, "tls")
    os.makedirs(folder)
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                           "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem",
                           "-out", "cert.pem"], cwd=folder, capture_output=True)
    check(made.returncode == 0, "openssl makes a certificate")
    options = ["--tls-cert", os.path.join(folder, "cert.pem"), "--tls-key", os.path.join(folder, "key.pem")]
    with Server(data=os.path.join(STORY_DIR, "tls-data"), options=options) as server:
        url = "https://127.0.0.1:%d" % server.web_port
        _, told = run("login", "--url", url, "--key", server.key, code=5)
        check("certificate" in told, "a certificate that nobody vouches for: " + told)
        before = os.getcwd()
        os.chdir(folder)
        run("login", "--url", url, "--key", server.key, "--ca", "cert.pem")
        os.chdir(before)
        text, _ = run("sql", "--csv", "select n, repeat('x', 1000) from generate_series(1, 20000) n", "--limit", "20000")
        rows = text.splitlines()
        check(len(rows) == 20001 and rows[-1] == "20000," + "x" * 1000, "20 MB through TLS: %d rows" % len(rows))
        run("logout")


def main():
    os.makedirs(HOME, exist_ok=True)
    with Server(flush="2s") as server:  # what comes in is counted when it is flushed
        url = "http://127.0.0.1:%d" % server.web_port
        check_login(server, url)
        check_asking(server)
        check_terminal_is_safe(server)
        check_tail(server)
        check_nouns(server, url)
        check_tls()
        text, _ = run("help")
        check(all(word in text for word in ("login", "sql", "tail", "projects create NAME", "--web-port")), "help lists them")
        print("login by key and password, sql, search, tail, send, %d nouns; hostile text stays text at a terminal"
              % len({line.split()[1] for line in text.splitlines() if line.startswith("  monoscope ")}))


sys.exit(main())
