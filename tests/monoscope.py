"""A Monoscope server for a story: started in a folder of its own on free ports, asked over psycopg, killed or stopped.

    with Server() as server:                     # MONOSCOPE and STORY_DIR come from tests/run
        server.load(seconds=2, sender="a")       # numbered spans from build/release/bench/load
        server.query("SELECT count(*) FROM otel_logs_and_spans")

check(condition, words) ends the story with exit code 1 and the words.
"""
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import psycopg

STORY_DIR = os.environ.get("STORY_DIR") or "/tmp/monoscope-story"
REPO = os.environ.get("MONO_REPO") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.environ.get("MONOSCOPE") or os.path.join(REPO, "build", "release", "monoscope")
LOAD = os.path.join(os.environ.get("MONO_BENCH") or os.path.join(REPO, "build", "release", "bench"), "load")
ROUNDS = int(os.environ.get("MONO_ROUNDS") or 5)
FULL = os.environ.get("MONO_FULL") == "1"


def check(condition, words):
    if not condition:
        print("NOT AS IT SHOULD BE: %s" % words, flush=True)
        sys.exit(1)


def wait_until(condition, words, timeout_s=60):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    check(False, "%s within %s s" % (words, timeout_s))


PORT_FIRST, PORT_COUNT = [int(number) for number in os.environ.get("MONO_PORTS", "21000+1000").split("+")]
ports_given = itertools.count(os.getpid())


def free_port():
    """Below those that the system gives to connections (ip_local_port_range) and in a range that no story beside us uses: what
    starts on it later, or again, finds it still free."""
    for _ in range(PORT_COUNT):
        port = PORT_FIRST + next(ports_given) % PORT_COUNT
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    check(False, "one of %d ports from %d is free" % (PORT_COUNT, PORT_FIRST))


class Server:
    def __init__(self, data=None, options=(), environment=None, flush="60s", before=None):
        self.data = data or os.path.join(STORY_DIR, "data")
        self.options = list(options)
        self.environment = environment or {}
        self.flush = flush
        self.before = before  # run in the process that becomes the server
        self.process = None
        self.log_path = os.path.join(STORY_DIR, "server.log")
        self.starts = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()

    def start(self, environment=None, wait=True):
        self.starts += 1
        os.makedirs(STORY_DIR, exist_ok=True)
        self.log_path = os.path.join(STORY_DIR, "server.%s.%d.log" % (os.path.basename(self.data), self.starts))
        command = [BINARY, "run", "--data", self.data, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--pg-port", "0",
                   "--web-port", "0", "--flush-interval", self.flush] + self.options
        self.process = subprocess.Popen(command, stdout=open(self.log_path + ".out", "wb"),
                                        stderr=open(self.log_path, "wb"), stdin=subprocess.DEVNULL,
                                        env=dict(os.environ, **dict(self.environment, **(environment or {}))), preexec_fn=self.before)
        if wait:
            check(self.wait_ready(), "the server starts\n" + self.log_text())
        return self

    def wait_ready(self, timeout_s=60):
        """True when it is ready; False when it ended before (a fail point at start)."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for event in self.events("app.ready"):
                self.grpc_port = event["otlp_grpc_port"]
                self.http_port = event["otlp_http_port"]
                self.pg_port = event["pg_port"]
                self.web_port = event["web_port"]
                self.project = event["project"]
                self.ready = event
                key_path = os.path.join(self.data, "default.key")  # where the project was made, by this process or another
                if os.path.exists(key_path):
                    with open(key_path) as f:
                        self.key = f.read().strip()
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        return False

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def events(self, name):
        found = []
        for line in self.log_text().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") == name:
                found.append(event)
        return found

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout_s=60):
        """SIGTERM; the seconds it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            check(False, "SIGTERM ends it within %d s; it is at\n%s\n%s" % (timeout_s, self.threads(), self.log_text()))
        check(code == 0, "SIGTERM ends it with exit code 0\n" + self.log_text())
        return time.monotonic() - start

    def threads(self):
        """Where each thread is: its stack where there is a debugger, else its name and what it waits for."""
        if shutil.which("gdb"):
            told = subprocess.run(["gdb", "-batch", "-p", str(self.process.pid), "-ex", "thread apply all bt 14"], capture_output=True, text=True, timeout=60).stdout
            return "\n".join(line for line in told.splitlines() if line.startswith(("Thread ", "#")))
        told = []
        for task in sorted(os.listdir("/proc/%d/task" % self.process.pid)):
            with open("/proc/%d/task/%s/comm" % (self.process.pid, task)) as name, open("/proc/%d/task/%s/wchan" % (self.process.pid, task)) as place:
                told.append("%s: %s" % (name.read().strip(), place.read()))
        return "\n".join(told)

    def memory_kib(self):
        """/proc's VmRSS, VmHWM (its highest so far), RssAnon, RssFile ... in KiB. File-backed pages (the engine's code, the page
        cache of mapped files) can be taken back by the kernel at any time: what the process holds is RssAnon."""
        found = {}
        with open("/proc/%d/status" % self.process.pid) as f:
            for line in f:
                if line.endswith(" kB\n"):
                    name, number, _ = line.split()
                    found[name.rstrip(":")] = int(number)
        return found

    def cpu_ms(self):
        """Of all its threads that are there, by the scheduler's own clock."""
        ran_ns = 0
        for task in os.listdir("/proc/%d/task" % self.process.pid):
            try:
                with open("/proc/%d/task/%s/schedstat" % (self.process.pid, task)) as f:
                    ran_ns += int(f.read().split()[0])
            except OSError:  # it has ended
                pass
        return ran_ns / 1e6

    def settle(self, timeout_s=600):
        """Until it has done what it does behind rows that came (roll-ups of files, hours of minutes): it rests for 25 s."""
        end = time.monotonic() + timeout_s
        begin_ms = self.cpu_ms()
        while time.monotonic() < end:
            time.sleep(25)  # the longest that one of its jobs waits for its next round is 20 s
            now_ms = self.cpu_ms()
            if now_ms - begin_ms < 500:
                return
            begin_ms = now_ms
        check(False, "the server comes to rest within %d s" % timeout_s)

    def command(self, *words):
        """Runs `monoscope WORDS --data ...` beside the server and gives what it printed."""
        result = subprocess.run([BINARY] + list(words) + ["--data", self.data], capture_output=True, text=True)
        check(result.returncode == 0, "`monoscope %s` works: %s" % (" ".join(words), result.stderr))
        return result.stdout

    def project_create(self, name):
        """(project id, key id, key) of a new project."""
        project_id = self.command("project", "create", name).split()[0]
        key_id, key = self.key_create(name, "story")
        return project_id, key_id, key

    def key_create(self, project, name, *limits):
        """(key id, key); limits: "--ingest-only", or "--browser" and origins."""
        printed = self.command("key", "create", project, name, *limits)
        return re.search(r"^key id +(\S+)", printed, re.M).group(1), re.search(r"^API key +(\S+)", printed, re.M).group(1)

    def connect(self, **more):
        return psycopg.connect(**dict(dict(host="127.0.0.1", port=self.pg_port, user="default", password=self.key,
                                           dbname="monoscope", autocommit=True), **more))

    def query(self, sql, parameters=None):
        with self.connect() as connection:
            return connection.execute(sql, parameters).fetchall()

    def execute(self, sql, parameters=None):
        """A statement that gives no rows; its tag, "DELETE 3"."""
        with self.connect() as connection:
            return connection.execute(sql, parameters).statusmessage

    def one(self, sql, parameters=None):
        return self.query(sql, parameters)[0][0]

    def wait_count(self, sql, wanted, timeout_s=60):
        seen = [None]

        def reached():
            seen[0] = self.one(sql)
            return seen[0] == wanted
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if reached():
                return
            time.sleep(0.05)
        check(False, "%s is %s, wanted %s" % (sql, seen[0], wanted))

    def load_command(self, seconds, sender=None, ack_log=None, connections=4, spans=500, rate=0, encoding="none",
                     requests=None):
        command = [LOAD, "--port", str(self.grpc_port), "--key", self.key, "--seconds", str(seconds), "--connections",
                   str(connections), "--spans", str(spans), "--encoding", encoding]
        if sender:
            command += ["--sender", sender]
        if ack_log:
            command += ["--ack-log", ack_log]
        if rate:
            command += ["--rate", str(rate)]
        if requests:
            command += ["--requests", str(requests)]
        return command

    def load(self, seconds, **more):
        result = subprocess.run(self.load_command(seconds, **more), capture_output=True, text=True)
        check(result.returncode == 0, "load ends well: " + result.stderr)
        return json.loads(result.stdout)

    def delta_tables(self):
        return os.path.join(self.data, "tables")


class MemoryWatch(threading.Thread):
    """The highest of a server's memory figures in MiB, looked at 50 times a second: mib = watch.stop()."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.highest, self.is_over = server, {}, False
        self.start()

    def run(self):
        while not self.is_over:
            try:
                for name, kib in self.server.memory_kib().items():
                    self.highest[name] = max(kib, self.highest.get(name, 0))
            except OSError:
                pass
            time.sleep(0.02)

    def stop(self):
        self.is_over = True
        self.join()
        return {name: kib // 1024 for name, kib in self.highest.items()}


def acknowledged(path):
    """{sender: set of acknowledged sequence numbers} of a load's --ack-log; a line cut by a kill is left out."""
    senders = {}
    if not os.path.exists(path):
        return senders
    with open(path) as f:
        for line in f:
            parts = line.split()
            if len(parts) != 3 or not line.endswith("\n"):
                continue
            first, count = int(parts[1]), int(parts[2])
            senders.setdefault(parts[0], set()).update(range(first, first + count))
    return senders
