"""The four apps of tests/failing, each with its language's own OpenTelemetry: Django, Express, Spring, Go.

    with FailingApps(server) as apps:       # started, each with its usual OTEL_* variables
        apps.get("django", "/books/7")      # (status, body)
    # SIGTERM: each sends what it still has"""
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import goprogram
import javaprogram
import nodeprogram
from goprogram import DEPS
from monoscope import REPO, STORY_DIR, check, free_port, wait_until

FOLDER = os.path.join(REPO, "tests", "failing")
AGENT = os.path.join(DEPS, "java-agent", "opentelemetry-javaagent.jar")


def packages(name):
    """The Python packages of its requirements.txt, beside those of the stories; brought once for each content of that file."""
    wanted = os.path.join(FOLDER, name, "requirements.txt")
    with open(wanted, "rb") as f:
        target = os.path.join(DEPS, "python-programs", "%s-%s" % (name, hashlib.sha256(f.read() + sys.version.encode()).hexdigest()[:12]))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(os.path.join(os.path.dirname(target), "." + name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target):
            shutil.rmtree(target + ".new", ignore_errors=True)
            made = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes",
                                   "--target", target + ".new", "-r", wanted], capture_output=True, text=True)
            check(made.returncode == 0, "download failed: " + made.stderr)
            goprogram.drop_old(target)
            os.rename(target + ".new", target)
    os.utime(target)
    return target


def commands():
    """{app: (folder, words, variables)}"""
    if not os.path.isdir(os.path.join(DEPS, "spring-boot")):
        brought = subprocess.run([os.path.join(REPO, "deps", "bring"), "test"], capture_output=True, text=True)
        check(brought.returncode == 0, brought.stdout + brought.stderr)
    jars = os.path.join(DEPS, "spring-boot", "*")
    instrument = os.path.join(os.path.dirname(sys.executable), "opentelemetry-instrument")
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # a JVM that starts on a busy machine
    return {
        "spring": (STORY_DIR, ["java"] + quick + ["-javaagent:" + AGENT, "-cp", javaprogram.classes("failing/spring", [jars]) + os.pathsep + jars, "org.example.clinic.Clinic"], {}),
        "django": (os.path.join(FOLDER, "django"), [instrument, sys.executable, "app.py"],
                   {"PYTHONPATH": packages("django"), "DJANGO_SETTINGS_MODULE": "settings", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "fastapi,requests,asgi"}),
        "express": (nodeprogram.install("failing/express"), [nodeprogram.NODE, "--require", "./telemetry.js", "app.js"], {"CLOSED_PORT": str(free_port())}),
        "go": (FOLDER, [goprogram.build("failing/go")], {}),
    }


class FailingApps:
    def __init__(self, server):
        self.ports, self.processes = {}, {}
        for app, (folder, words, more) in commands().items():
            self.ports[app] = free_port()
            env = dict(os.environ, PORT=str(self.ports[app]), SERVER_PORT=str(self.ports[app]), SERVER_ADDRESS="127.0.0.1", OTEL_SERVICE_NAME=app,
                       OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:%d" % server.http_port, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
                       OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20" + server.key, OTEL_METRICS_EXPORTER="none", OTEL_BSP_SCHEDULE_DELAY="200",
                       OTEL_BLRP_SCHEDULE_DELAY="200", OTEL_RESOURCE_ATTRIBUTES="service.namespace=failing,service.version=1.4.2,deployment.environment.name=test", **more)
            self.processes[app] = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=open(self.log(app), "wb"), stderr=subprocess.STDOUT)

    def __enter__(self):
        for app in self.processes:
            wait_until(lambda: self.is_open(app), "the %s app listens" % app, 90)
        return self

    def log(self, app):
        return os.path.join(STORY_DIR, app + ".log")

    def log_text(self, app):
        with open(self.log(app), errors="replace") as f:
            return f.read()[-3000:]

    def is_open(self, app):
        check(self.processes[app].poll() is None, "the %s app runs\n%s" % (app, self.log_text(app)))
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.ports[app])) == 0

    def get(self, app, path):
        """(0, ...) where the connection ends without an answer."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ports[app], path), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def __exit__(self, *_):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
