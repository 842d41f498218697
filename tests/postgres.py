#!/usr/bin/env python3
"""A PostgreSQL server of one's own, on a free port, with a folder of its own.

    with Postgres() as postgres:
        Server(options=["--database", postgres.url()])      # postgres://monoscope:...@127.0.0.1:PORT/monoscope
        postgres.url("other")                               # of another database, made when it is missing
        postgres.connect().execute("SELECT 1")              # psycopg, autocommit
        postgres.kill(); postgres.start()                   # kill -9 of all its processes; the same folder and port

As a program, `tests/postgres.py`, for the unit tests in C: it starts one, prints its URL, and ends it when its stdin does.
PostgreSQL refuses to run as root: then it runs as user `postgres`, which Debian's package makes."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = "/usr/lib/postgresql/15/bin"
USER, PASSWORD, DATABASE = "monoscope", "story-password", "monoscope"
SETTINGS = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=32MB", "fsync=off",
            "autovacuum=off", "log_min_messages=warning", "jit=off", "max_wal_size=128MB"]


class Postgres:
    def __init__(self, folder=None, settings=()):
        self.is_root = os.getuid() == 0
        # In /tmp: user postgres must be let in, whatever folder the story has.
        self.folder = folder or tempfile.mkdtemp(prefix="mono_postgres_", dir="/tmp")
        self.data = os.path.join(self.folder, "data")
        self.log_path = os.path.join(self.folder, "log")
        self.settings = SETTINGS + list(settings)
        self.process = None
        self.port = None
        self.databases = {DATABASE}
        if self.is_root:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        os.chmod(self.folder, 0o755)
        self.make()

    def run_as(self):
        if not self.is_root:
            return {}
        owner = pwd.getpwnam("postgres")
        return dict(user=owner.pw_uid, group=owner.pw_gid, extra_groups=[])

    def environment(self):
        return dict({name: value for name, value in os.environ.items() if not name.startswith("PG")}, HOME=self.folder, LC_ALL="C.UTF-8")

    def make(self):
        password = os.path.join(self.folder, "password")
        with open(password, "w") as f:
            f.write(PASSWORD)
        if self.is_root:
            os.chown(password, pwd.getpwnam("postgres").pw_uid, -1)
        made = subprocess.run([os.path.join(BIN, "initdb"), "-D", self.data, "-U", USER, "--pwfile", password, "-A", "scram-sha-256",
                               "--no-sync", "--no-instructions", "-E", "UTF8", "--locale", "C.UTF-8"], cwd=self.folder, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=self.environment(), **self.run_as())
        if made.returncode != 0:
            raise RuntimeError("initdb: " + made.stdout + made.stderr)

    def start(self):
        """Until it answers; on the port it had before, when it had one."""
        for attempt in range(20):
            if self.port is None or (attempt > 0 and not self.databases):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", 0))
                    self.port = one.getsockname()[1]
            with open(self.log_path, "ab") as log:
                command = [os.path.join(BIN, "postgres"), "-D", self.data, "-p", str(self.port)]
                for setting in self.settings:
                    command += ["-c", setting]
                self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                env=self.environment(), start_new_session=True, **self.run_as())
            end = time.monotonic() + 60
            while time.monotonic() < end and self.process.poll() is None:
                ready = subprocess.run([os.path.join(BIN, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                                       stdin=subprocess.DEVNULL, env=self.environment())
                if ready.returncode == 0:
                    self.create(DATABASE)
                    return self
                time.sleep(0.03)
            time.sleep(0.2)  # the port is taken, or the last one's memory is not yet free
        raise RuntimeError("postgres does not start: " + self.log_text())

    def __enter__(self):
        return self.start() if self.process is None else self

    def psql(self, sql, database="postgres"):
        result = subprocess.run([os.path.join(BIN, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, self.address(database)],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.environment())
        if result.returncode != 0:
            raise RuntimeError("psql: %s" % result.stderr)
        return result.stdout.strip()

    def create(self, database):
        if self.psql("SELECT count(*) FROM pg_database WHERE datname = '%s'" % database) == "0":
            self.psql('CREATE DATABASE "%s"' % database)
        self.databases.add(database)

    def address(self, database, port=None):
        return "postgres://%s:%s@127.0.0.1:%d/%s" % (USER, PASSWORD, port or self.port, database)

    def url(self, database=DATABASE, port=None):
        """port: of a proxy before it."""
        if database not in self.databases:
            self.create(database)
        return self.address(database, port)

    def connect(self, database=DATABASE):
        import psycopg
        return psycopg.connect(self.url(database), autocommit=True)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # at once
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()[-4000:]

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Postgres() as postgres:
        print(postgres.url(), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
