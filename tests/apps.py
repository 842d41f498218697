"""The four apps of tests/apps, which call each other: Go /checkout -> Python /order -> Node /goods -> Java /pack -> Go /stock.

    with Apps(server, protocols) as apps:       # {"go": "grpc", ...}; started, each with its usual OTEL_* variables
        apps.get("go", "/checkout?item=tea")    # (status, body)
        did = apps.stop()                       # {"go": {"spans": {"server": 2, ...}, "logs": 3, ...}, ...}: what each says it did

stop() sends SIGTERM: each sends what it still has and prints what it did as its last line, as JSON."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import docs
import goprogram
import javaprogram
import nodeprogram
from goprogram import DEPS
from monoscope import REPO, STORY_DIR, check, free_port, wait_until

FOLDER = os.path.join(REPO, "tests", "apps")
AGENT = os.path.join(DEPS, "java-agent", "opentelemetry-javaagent.jar")
NEXT = {"go": ("python", "/order"), "python": ("node", "/goods"), "node": ("java", "/pack"), "java": ("go", "/stock")}


def commands():
    """{app: (folder, words)}"""
    python = os.path.dirname(sys.executable)
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # a JVM that starts on a busy machine
    return {
        "go": (FOLDER, [goprogram.build("apps/go")]),
        "python": (os.path.join(FOLDER, "python"), [os.path.join(python, "opentelemetry-instrument"), os.path.join(python, "python3"), "app.py"]),
        "node": (nodeprogram.install("apps/node"), [nodeprogram.NODE, "--require", "./telemetry.js", "app.js"]),
        "java": (javaprogram.classes("apps/java"), ["java"] + quick + ["-javaagent:" + AGENT, "-cp", ".", "Packing"]),
    }


def variables(server, language, protocol, version):
    """What docs/senders.md tells its reader to set, for this server, app and protocol."""
    text = docs.block("senders.md", "sh", "export OTEL_")
    for told, ours in (("http://127.0.0.1:4317", "http://127.0.0.1:%d" % (server.grpc_port if protocol == "grpc" else server.http_port)),
                       ("=grpc\n", "=%s\n" % protocol), ("KEY", server.key), ("=checkout\n", "=shop-%s\n" % language),
                       ("version=1.0.0", "version=" + version)):
        check(text.count(told) == 1, "docs/senders.md sets %r once" % told)
        text = text.replace(told, ours)
    return {name: value.strip('"') for name, value in re.findall(r"^export (\w+)=(.*)$", text, re.M)}


MORE = {
    "go": {},
    "python": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http",
               "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram"},
    "node": {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"},
    "java": {"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM"},
}


class Apps:
    def __init__(self, server, protocols, version="1.0.0", page_origin="", languages=("java", "node", "python", "go")):
        ports = {language: free_port() for language in NEXT}
        self.ports, self.processes, self.logs = ports, {}, {}
        program = commands()
        for language in languages:
            next_app, path = NEXT[language]
            env = dict(os.environ, PORT=str(ports[language]), NEXT_URL="http://127.0.0.1:%d%s" % (ports[next_app], path),
                       PAGE_ORIGIN=page_origin, **variables(server, language, protocols[language], version), **MORE[language])
            self.logs[language] = os.path.join(STORY_DIR, "%s.%s.log" % (language, protocols[language].replace("/", "-")))
            folder, words = program[language]
            self.processes[language] = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                        stderr=open(self.logs[language], "wb"), text=True)
        for language in languages:
            wait_until(lambda: self.is_open(language), "the %s app listens" % language, 60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()

    def log_text(self, language):
        with open(self.logs[language], errors="replace") as f:
            return f.read()[-3000:]

    def is_open(self, language):
        check(self.processes[language].poll() is None, "the %s app runs\n%s" % (language, self.log_text(language)))
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.ports[language])) == 0

    def get(self, language, path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ports[language], path), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self):
        told = {}
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for language, process in self.processes.items():
            try:
                out, _ = process.communicate(timeout=40)
            except subprocess.TimeoutExpired:
                check(False, "the %s app ends\n%s" % (language, self.log_text(language)))
            # 143: a JVM that SIGTERM ended, after its shutdown hooks.
            check(process.returncode == (143 if language == "java" else 0), "the %s app ends well: %d\n%s" %
                  (language, process.returncode, self.log_text(language)))
            told[language] = json.loads(out.strip().splitlines()[-1])
        return told
