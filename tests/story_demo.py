# time_limit_s: 300, tries: 2 (the first run installs the shop's packages)
"""`make demo`'s program: the server, three services in three languages, visitors in a browser. Traces go from the page through all of
them; a fault is switched on by HTTP, and in Chromium an alert's link leads to its cause in at most 4 clicks (tests/ui/demo.js); the
bad release is found by its version; Ctrl C leaves no process. Pages at three widths, light and dark: build/stories/story_demo.shots."""
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from monoscope import REPO, STORY_DIR, check, wait_until
from nodeprogram import NODE, environment, install

FOLDER = os.path.join(STORY_DIR, "demo")
LOG = os.path.join(STORY_DIR, "demo.log")


class Demo:
    """demo/run as a person starts it; what it prints is all that is known of it."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(REPO, "demo", "run"), "--web-port", "0"], stdin=subprocess.DEVNULL,
                                        stdout=open(LOG, "wb"), stderr=subprocess.STDOUT,
                                        env=dict(os.environ, DEMO_DIR=FOLDER, VISITS="5", FAULTS=""))
        wait_until(lambda: "Ctrl C ends" in self.printed(), "the demo is open\n" + self.printed(), 150)
        self.ui = self.find(r"The UI +(http\S+)")
        self.password = self.find(r'password "(.+)"')
        self.key = self.find(r"API key +(\S+)")
        self.pg_port = int(self.find(r"-p (\d+) "))
        self.control = self.find(r"curl -X PUT (http://\S+)/faults")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()

    def printed(self):
        check(self.process.poll() is None, "the demo runs\n" + open(LOG).read()[-3000:])
        with open(LOG) as f:
            return f.read()

    def find(self, pattern):
        found = re.search(pattern, self.printed())
        check(found, "the demo prints %s\n%s" % (pattern, self.printed()))
        return found.group(1)

    def query(self, sql):
        with psycopg.connect(host="127.0.0.1", port=self.pg_port, user="default", password=self.key, dbname="monoscope", autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def one(self, sql):
        return self.query(sql)[0][0]

    def switch(self, method, path):
        return json.load(urllib.request.urlopen(urllib.request.Request(self.control + path, method=method), timeout=60))

    def processes(self):
        """Every process of the demo, by what it is told in its environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if b"STORY_DIR=" + FOLDER.encode() in f.read().split(b"\0"):
                        found.append(int(pid))
            except OSError:
                pass
        return found


def telemetry_arrives(demo):
    """All services of both environments, logs, metrics; and traces from the page to payments."""
    seen = "SELECT count(DISTINCT resource___service___name || resource___deployment___environment___name) FROM otel_logs_and_spans"
    wait_until(lambda: demo.one(seen) == 6, "page, web, stock and payments in production, web and stock in staging send", 60)
    whole = """SELECT count(*) FROM (SELECT context___trace_id FROM otel_logs_and_spans WHERE kind <> 'log'
               GROUP BY 1 HAVING count(DISTINCT resource___service___name) = 4) t"""
    wait_until(lambda: demo.one(whole) > 0, "a trace goes from the browser's page through web and stock to payments", 60)
    broken = """SELECT count(*) FROM otel_logs_and_spans s WHERE kind = 'server' AND resource___service___name IN ('stock', 'payments') AND parent_id IS NULL"""
    check(demo.one(broken) == 0, "no server span of stock or payments begins a trace of its own")
    wait_until(lambda: demo.one("SELECT count(*) FROM otel_metrics WHERE metric_name = 'process.memory.usage'") > 0, "metrics arrive", 30)
    languages = [row[0] for row in demo.query("SELECT DISTINCT resource___telemetry___sdk___language FROM otel_logs_and_spans ORDER BY 1")]
    check(languages == ["java", "nodejs", "python", "webjs"], "four real SDKs: %r" % languages)
    print("traces from the page through Node.js and Python to Java, logs and metrics; %d rows" % demo.one("SELECT count(*) FROM otel_logs_and_spans"), flush=True)


def visits_are_recorded(demo):
    """Each of them with its full snapshot; and the backend's spans of a recorded visit are found from its session."""
    def api(path):
        return json.load(urllib.request.urlopen(urllib.request.Request(demo.ui + "/api/v1/projects/default" + path, headers={"authorization": "Bearer " + demo.key}), timeout=30))
    sessions = wait_until(lambda: [one["session"] for one in api("/replays?from=now-1h&service=shop-page")["items"]], "visits are recorded", 60)
    detail = api("/replays/" + sessions[-1])
    check(all(recording["has_snapshot"] and recording["gaps"] == [] for recording in detail["recordings"]), "a recording is whole: %r" % detail)
    services = "SELECT count(DISTINCT resource___service___name) FROM otel_logs_and_spans WHERE attributes___session___id = '%s'" % sessions[-1]
    wait_until(lambda: demo.one(services) >= 2, "the backend's spans of a recorded visit are found by its session", 30)
    print("visits are recorded, and lead to the backend's spans: %d so far" % len(sessions), flush=True)


def bad_release_is_found(demo):
    check(demo.switch("PUT", "/faults/bad-release")["bad-release"], "the bad release is out")
    by_version = """SELECT resource___service___version, count(*), count(*) FILTER (WHERE attributes___exception___stacktrace LIKE '%pricing.js%')
                    FROM otel_logs_and_spans WHERE kind = 'log' AND attributes___exception___type = 'TypeError' GROUP BY 1"""
    rows = wait_until(lambda: demo.query(by_version), "orders with a coupon break", 60)
    check([row[0] for row in rows] == ["1.5.0"] and rows[0][1] == rows[0][2], "all of them in version 1.5.0, in pricing.js: %r" % rows)
    demo.switch("DELETE", "/faults/bad-release")
    back = "SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___version = '1.4.2' AND timestamp > (SELECT max(timestamp) FROM otel_logs_and_spans WHERE resource___service___version = '1.5.0')"
    wait_until(lambda: demo.one(back) > 0, "1.4.2 is back", 30)
    print("the bad release: %d errors, all of version 1.5.0" % rows[0][1], flush=True)


def main():
    with Demo() as demo:
        telemetry_arrives(demo)
        visits_are_recorded(demo)
        check(demo.switch("PUT", "/faults/payments-timeout")["payments-timeout"], "the fault is on")
        wait_until(lambda: demo.one("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'payments' AND level = 'ERROR'") > 0,
                   "charges fail", 40)
        given = {"base": demo.ui, "email": "admin@localhost", "password": demo.password,
                 "shots": os.path.join(REPO, "build", "stories", "story_demo.shots")}
        done = subprocess.run([NODE, "demo.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=240)
        check(done.returncode == 0, "the cause is found in the UI")
        check(not demo.switch("DELETE", "/faults/payments-timeout")["payments-timeout"], "the fault is off again")
        bad_release_is_found(demo)
        count = len(demo.processes())
        check(count >= 8, "server, five services, a browser's visitors and the demo itself run: %d processes" % count)
        demo.process.send_signal(signal.SIGINT)
        check(demo.process.wait(60) == 0, "Ctrl C ends the demo\n" + open(LOG).read()[-2000:])
        left = wait_until(lambda: not demo.processes(), "no process of it is left", 60)
        print("Ctrl C: all %d processes have ended" % count, flush=True)
        assert left


main()
