"""How soon the web UI's views show their results with 10 million spans of 24 hours in the server, in a real Chromium on loopback.

    BENCH_UI_SPANS=10000000     how many
    BENCH_UI_DATA=folder        keeps what was sent in a folder, or takes it from there (same machine, same day)
    BENCH_UI_ONLY=rows,heat     these views alone"""
import datetime
import json
import os
import subprocess
import time

from apiclient import PASSWORD, first_admin
from monoscope import LOAD, Server, check
from nodeprogram import NODE, environment, install
from shop import Shop

SPANS = int(os.environ.get("BENCH_UI_SPANS") or 10000000)
HOURS = 24
BIG_TRACE = 100000
CONNECTIONS, SPANS_EACH = 4, 500
RATE = int(os.environ.get("BENCH_UI_RATE") or 100000)  # spans a second: none is refused for good where others are at work, too
RUNS = int(os.environ.get("BENCH_UI_RUNS") or 3)
WANTED_MS = 1000
PATIENCE_MS = int(os.environ.get("BENCH_UI_PATIENCE_MS") or 60000)


def fill(server):
    """10 million spans of 40 services with 20 attributes each, their times spread over 24 hours, in order; and a trace of 100,000."""
    first_admin(server)
    requests = SPANS // (CONNECTIONS * SPANS_EACH)
    end = time.time()
    sent = subprocess.run([LOAD, "--port", str(server.grpc_port), "--key", server.key, "--seconds", "3600", "--connections", str(CONNECTIONS),
                           "--spans", str(SPANS_EACH), "--requests", str(requests), "--over", str(HOURS * 3600), "--rate", str(RATE)], capture_output=True, text=True)
    check(sent.returncode == 0 and json.loads(sent.stdout)["failed"] == 0, "the spans are sent: %s%s" % (sent.stdout, sent.stderr))
    trace = Shop(server).trace(BIG_TRACE)
    spans = requests * CONNECTIONS * SPANS_EACH
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans", spans + BIG_TRACE, 300)
    server.connect().execute("FLUSH")
    return {"end": end, "trace": trace, "spans": spans}


def iso(time_s):
    return datetime.datetime.fromtimestamp(time_s, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def bench_ui(figure):
    data = os.environ.get("BENCH_UI_DATA") or os.path.join(os.environ["STORY_DIR"], "ui")
    note = os.path.join(data, "ui_bench.json")
    with Server(data=data, flush="20s") as server:
        begin = time.monotonic()
        if not os.path.exists(note):
            filled = fill(server)
            with open(note, "w") as f:
                json.dump(filled, f)
            figure("ui_fill_s", time.monotonic() - begin, "s")
        with open(note) as f:
            filled = json.load(f)
        small = server.one("SELECT context___trace_id FROM otel_logs_and_spans WHERE timestamp < to_timestamp(%d) ORDER BY timestamp DESC LIMIT 1" % (filled["end"] - 3600))
        service = server.one("SELECT resource___service___name FROM otel_logs_and_spans WHERE context___trace_id = '%s' LIMIT 1" % small)
        us = lambda seconds_ago: int((filled["end"] - seconds_ago) * 1e6)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "runs": RUNS, "pid": server.process.pid, "patience_ms": PATIENCE_MS,
                 "from": iso(filled["end"] - HOURS * 3600), "to": iso(filled["end"] + 60), "hour_from": iso(filled["end"] - 3600),
                 "trace": filled["trace"], "small": small, "service": service, "selection": "%d~%d~100000000~200000000" % (us(7200), us(3600)),
                 "statement": "SELECT resource___service___name, count(*) AS n, avg(duration) FROM otel_logs_and_spans GROUP BY 1 ORDER BY n DESC"}
        if os.environ.get("BENCH_UI_ONLY"):
            given["only"] = os.environ["BENCH_UI_ONLY"].split(",")
        if os.environ.get("BENCH_UI_SHOTS"):
            given["shots"] = os.environ["BENCH_UI_SHOTS"]
        ran = subprocess.run([NODE, "speed.js", json.dumps(given)], cwd=install("ui"), env=environment(), stdout=subprocess.PIPE, text=True, timeout=1800)
        check(ran.returncode == 0, "the views are measured")
        told = json.loads(ran.stdout)
    report(figure, filled, told)


def report(figure, filled, told):
    figure("ui_spans", filled["spans"], "rows")
    shown = {name: view for name, view in told["views"].items() if "problem" not in view}
    for name, view in shown.items():
        figure("ui_%s_ms" % name, view["cold"], "ms")
        figure("ui_%s_first_ms" % name, view["first"], "ms")
        figure("ui_%s_warm_ms" % name, view["warm"], "ms")
        figure("ui_%s_server_cpu_ms" % name, view["cpu"], "ms")
    figure("ui_slowest_view_ms", max(view["cold"] for view in shown.values()), "ms")
    figure("ui_views_over_a_second", sum(view["cold"] > WANTED_MS for view in shown.values()), "views")
    if "js_kb" in told:
        figure("ui_first_load_js_kb", told["js_kb"], "KB")
    if "frames" in told:
        figure("ui_trace_100k_scroll_frames", told["frames"]["frames"], "frames")
        figure("ui_trace_100k_scroll_dropped", told["frames"]["dropped"], "frames")
        figure("ui_trace_100k_scroll_longest_frame_ms", told["frames"]["longest"], "ms")
    for name in set(told["views"]) - set(shown):
        check(False, "%s shows its results within %d ms: %s" % (name, PATIENCE_MS, told["views"][name]["problem"]))
