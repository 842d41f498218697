# time_limit_s: 400, tries: 2 (the first run builds and installs the apps)
"""What docs/senders.md and docs/ingest.md tell their reader to paste is what works. Code and commands on the page of senders are
those of tests/apps, word by word, and name packages that are pinned there; the Collector starts with the configuration as printed
and hands all signals on; every curl line, of JSON and of protobuf, is answered well and its rows are there."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import apps
import docs
from goprogram import build
from monoscope import REPO, STORY_DIR, Server, check, wait_until
from otlp import Sender, gauge, log, logs, metrics, span, traces

FOLDERS = {"go": ["go"], "python": ["python"], "js": ["node", "browser"]}
PINNED = {"pip install": "tests/requirements.txt", "go get": "tests/apps/go/go.mod",
          "npm install": ["tests/apps/node/package.json", "tests/apps/browser/package.json"]}


def read(path):
    with open(os.path.join(REPO, path)) as f:
        return f.read()


def check_code(language, code):
    sources = [read(os.path.join("tests", "apps", folder, name)) for folder in FOLDERS[language]
               for name in os.listdir(os.path.join(apps.FOLDER, folder)) if name.endswith((".go", ".py", ".js"))]
    check(any(code in source or code.strip() in source for source in sources), "this block is in tests/apps:\n" + code)


def check_packages(command, packages):
    pins = PINNED[command]
    texts = [read(path) for path in (pins if isinstance(pins, list) else [pins])]
    patterns = {"pip install": r"^%s==%s", "go get": r"^\t%s v%s", "npm install": r'^    "%s": "%s"'}
    missing = []
    for text in texts:
        parts = [package.rpartition("@") if "@" in package[1:] else (package, "", "") for package in packages]
        missing.append([name for name, _, version in parts
                        if not re.search(patterns[command] % (re.escape(name), re.escape(version) if version else ".*"), text, re.M)])
    check(any(not names for names in missing), "%s of docs/senders.md is what the tests pin, but for %r" % (command, missing))


def check_lines(code):
    """Each line installs what is pinned, or is a command that story_senders runs. How many."""
    ran = {" ".join(re.sub(r"^(-javaagent:)?/.*/", r"\1", word) for word in words if not word.startswith("-XX:"))
           for _, words in apps.commands().values()}
    for line in code.splitlines():
        command = " ".join(line.split()[:2])
        if command in PINNED:
            check_packages(command, line.split()[2:])
        else:
            check(line in ran, "\"%s\" of docs/senders.md is one of %r" % (line, ran))
    return len(code.splitlines())


def check_collector(server, text):
    """The configuration as printed, but for ports and key; one of each signal through it."""
    port = apps.free_port()
    for told, ours in (("127.0.0.1:14317", "127.0.0.1:%d" % port), ("127.0.0.1:4317", "127.0.0.1:%d" % server.grpc_port),
                       ("127.0.0.1:4318", "127.0.0.1:%d" % server.http_port), ("KEY", server.key)):
        check(told in text, "the Collector's configuration names " + told)
        text = text.replace(told, ours)
    path = os.path.join(STORY_DIR, "collector.yaml")
    with open(path, "w") as f:
        f.write(text)
    with open(path + ".log", "wb") as out:
        process = subprocess.Popen([build("collector"), "--config", "file:" + path], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def is_ready():
        check(process.poll() is None, "the Collector runs\n" + read(path + ".log"))
        return "Everything is ready" in read(path + ".log")
    wait_until(is_ready, "the Collector starts", 30)
    sender, resource = Sender(port), {"service.name": "through-collector"}
    for signal, message in (("traces", traces([span("s")], resource)), ("logs", logs([log("l")], resource)), ("metrics", metrics([gauge("g", 1.5)], resource))):
        answer = sender.send(signal, message)
        check(answer.status == 0, "the Collector takes %s: %r" % (signal, answer))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'through-collector'", 2)
    server.wait_count("SELECT count(*) FROM otel_metrics WHERE resource___service___name = 'through-collector'", 1)
    process.terminate()
    check(process.wait(20) == 0, "the Collector ends well\n" + read(path + ".log"))


def check_curl(server, command):
    """As printed, but for port and key. A protobuf request is in spans.bin, as the docs have it."""
    check("127.0.0.1:4318" in command and "KEY" in command, "a curl line names address and key: " + command)
    command = command.replace("127.0.0.1:4318", "127.0.0.1:%d" % server.http_port).replace("KEY", server.key)
    with open(os.path.join(STORY_DIR, "spans.bin"), "wb") as f:
        f.write(traces([span("from a file")], {"service.name": "a-file"}).SerializeToString())
    # curl's own exit code tells nothing of a refusal: -f makes it.
    result = subprocess.run(command.replace("curl ", "curl -fsS ", 1), shell=True, cwd=STORY_DIR, capture_output=True, timeout=30)
    check(result.returncode == 0 and result.stdout.strip() in (b"", b"{}"), "%s\n%s %s" % (command, result.stderr, result.stdout))


def check_rows(server):
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name IN ('my-shell', 'a-file', 'my-script')", 3)
    server.wait_count("SELECT count(*) FROM otel_metrics", 2)
    rows = server.query("""SELECT resource___service___name, kind, name, status_code, level, body #>> '{}', duration, context___trace_id
                           FROM otel_logs_and_spans WHERE resource___service___name <> 'through-collector' ORDER BY 1""")
    check(rows[0][:4] == ("a-file", "internal", "from a file", "UNSET"), "the span of a file: %r" % (rows[0],))
    check(rows[1] == ("my-script", "internal", "backup", "OK", None, None, 500000000, "5b8efff798038103d269b633813fc60c"), "the span: %r" % (rows[1],))
    check(rows[2] == ("my-shell", "log", None, None, "INFO", "hello", None, None), "the log record: %r" % (rows[2],))
    points = server.query("SELECT metric_name, metric_unit, metric_type, value_int FROM otel_metrics WHERE resource___service___name = 'my-script'")
    check(points == [("backup.size", "By", "gauge", 1048576)], "the point: %r" % points)


def main():
    seen = {"code": 0, "lines": 0, "curl": 0}
    with Server() as server:
        for language, code in docs.blocks("senders.md"):
            if language in FOLDERS:
                check_code(language, code)
                seen["code"] += 1
            elif language == "yaml":
                check_collector(server, code)
            elif code.startswith("curl "):
                check_curl(server, code)
                seen["curl"] += 1
            elif not code.startswith("export OTEL_"):  # the variables: apps.py takes them from the page
                seen["lines"] += check_lines(code)
        for command in re.findall(r"^    curl .*\n(?:^     .*\n)*", docs.text("ingest.md"), re.M):
            check_curl(server, command)
            seen["curl"] += 1
        check(seen["code"] >= 8 and seen["lines"] >= 7 and seen["curl"] == 4, "the docs' blocks are found: %r" % seen)
        check_rows(server)
        print("docs: %(code)d blocks and %(lines)d commands are those of tests/apps, the Collector's configuration and %(curl)d curl "
              "lines work as printed" % seen)
        server.stop()


main()
