"""How soon the web UI's views show their results with 10 million spans of 24 hours (or more) in the server, in a real Chromium on loopback.

    BENCH_UI_SPANS=10000000     how many
    BENCH_UI_DATA=folder        keeps what was sent in a folder, or takes it from there (same machine, same day)
    BENCH_UI_HOURS=168          the time that spans are spread over, and that is looked at
    BENCH_UI_ONLY=rows,heat     these views alone
    BENCH_UI_TIMELINE=1         tells what each page asked for, and when"""
import datetime
import json
import os
import subprocess
import time

from apiclient import PASSWORD, first_admin, sign_in
from monoscope import LOAD, Server, check
from nodeprogram import NODE, environment, install
from shop import Shop

SPANS = int(os.environ.get("BENCH_UI_SPANS") or 10000000)
HOURS = int(os.environ.get("BENCH_UI_HOURS") or 24)
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


def dashboard(service):
    """Twenty panels as people make them: numbers, lines, shares, lists, a heat map, a table, rows, a statement; each 3 by 4 of the grid, so
    that all are on the screen."""
    def search(kind, title, text):
        return {"title": title, "kind": kind, "source": {"search": text}}
    panels = [search("stat", "Rows a second", "agg=rate"), search("stat", "Errors", "agg=errors"), search("stat", "p95", "agg=p95&of=duration"), search("stat", "Rows", "")]
    panels += [search("stacked", "Rows by service", "by=service.name"), search("lines", "Errors by service", "by=service.name&agg=errors"),
               search("lines", "Average by service", "by=service.name&agg=avg&of=duration"), search("lines", "p95 by service", "by=service.name&agg=p95&of=duration")]
    panels += [search("bars", "By kind", "by=kind"), search("bars", "By level", "by=level"), search("bars", "By status", "by=status_code"), search("lines", "p99", "agg=p99&of=duration")]
    panels += [search("top", "Names", "by=name"), search("top", "Names by time", "by=name&agg=sum&of=duration"), search("top", "Services by errors", "by=service.name&agg=errors"),
               search("table", "Services", "by=service.name")]
    panels += [search("lines", "Of one service", "q=service:%s&by=name" % service), search("heat", "Durations", "of=duration"), search("rows", "Failed", "q=status:error"),
               {"title": "SQL", "kind": "bars", "source": {"sql": "SELECT time_bucket($step, timestamp) AS t, count(*) AS n FROM otel_logs_and_spans WHERE timestamp >= $from AND timestamp < $to GROUP BY 1"}}]
    for at, panel in enumerate(panels):
        panel["at"] = {"x": at % 4 * 3, "y": at // 4 * 4, "w": 3, "h": 4}
    return {"title": "Twenty", "panels": panels}


VIEWS = ["services", "services_env", "service", "service_map", "rows", "rows_of_service", "rows_of_attribute", "rows_of_words", "rows_by_service", "rows_last_hour", "line", "bar", "stacked", "line_p95",
         "line_of_attribute", "top", "table", "heat", "difference", "patterns", "sql", "trace", "trace_100k", "dashboard20",
         "ask", "metrics", "dashboards", "issues", "replays", "incidents", "findings", "monitors", "agents", "reports", "intake", "settings"]


def bench_ui(figure):
    """Each view on a server that has just begun, RUNS times: nothing of its statements is kept there (docs/sql.md, "Groups are kept")."""
    data = os.environ.get("BENCH_UI_DATA") or os.path.join(os.environ["STORY_DIR"], "ui")
    note = os.path.join(data, "ui_bench.json")
    if not os.path.exists(note):
        begin = time.monotonic()
        with Server(data=data, flush="20s") as server:
            filled = fill(server)
            server.settle()
            server.stop()
        with open(note, "w") as f:
            json.dump(filled, f)
        figure("ui_fill_s", time.monotonic() - begin, "s")
    with open(note) as f:
        filled = json.load(f)
    figure("ui_spans", filled["spans"], "rows")
    seen = {}
    for name in (os.environ.get("BENCH_UI_ONLY") or ",".join(VIEWS)).split(","):
        for _ in range(RUNS):
            told = visit(data, filled, name)
            if "problem" in told["views"][name]:
                check(False, "%s shows its results within %d ms: %s" % (name, PATIENCE_MS, told["views"][name]["problem"]))
            seen.setdefault(name, []).append(told["views"][name])
        if "js_kb" in told:
            figure("ui_first_load_js_kb", told["js_kb"], "KB")
        if "frames" in told:
            figure("ui_trace_100k_scroll_frames", told["frames"]["frames"], "frames")
            figure("ui_trace_100k_scroll_dropped", told["frames"]["dropped"], "frames")
            figure("ui_trace_100k_scroll_longest_frame_ms", told["frames"]["longest"], "ms")
    report(figure, seen)


def visit(data, filled, name):
    with Server(data=data, flush="20s") as server:
        small = server.one("SELECT context___trace_id FROM otel_logs_and_spans WHERE timestamp < to_timestamp(%d) ORDER BY timestamp DESC LIMIT 1" % (filled["end"] - 3600))
        service = server.one("SELECT resource___service___name FROM otel_logs_and_spans WHERE context___trace_id = '%s' LIMIT 1" % small)
        us = lambda seconds_ago: int((filled["end"] - seconds_ago) * 1e6)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "runs": 1, "pid": server.process.pid, "patience_ms": PATIENCE_MS,
                 "from": iso(filled["end"] - HOURS * 3600), "to": iso(filled["end"] + 60), "hour_from": iso(filled["end"] - 3600), "only": [name],
                 "trace": filled["trace"], "small": small, "service": service, "selection": "%d~%d~100000000~200000000" % (us(7200), us(3600)),
                 "statement": "SELECT resource___service___name, count(*) AS n, avg(duration) FROM otel_logs_and_spans GROUP BY 1 ORDER BY n DESC"}
        if name == "dashboard20":
            sign_in(server, given["email"], PASSWORD).done("PUT", "/projects/default/dashboards/twenty", dashboard(service))
        if os.environ.get("BENCH_UI_SHOTS"):
            given["shots"] = os.environ["BENCH_UI_SHOTS"]
        given["timeline"] = bool(os.environ.get("BENCH_UI_TIMELINE"))
        ran = subprocess.run([NODE, "speed.js", json.dumps(given)], cwd=install("ui"), env=environment(), stdout=subprocess.PIPE, text=True, timeout=600)
        check(ran.returncode == 0, "the view is measured")
        server.stop()
    return json.loads(ran.stdout)


def report(figure, seen):
    """The least of the runs, for what others do on the machine only adds."""
    least = {}
    for name, runs in seen.items():
        at = least[name] = {(state, key): min(run[state][0][key] for run in runs) for state in ("cold", "warm") for key in ("first", "ready", "whole", "cpu")}
        figure("ui_%s_first_ms" % name, at["cold", "first"], "ms")
        figure("ui_%s_ms" % name, at["cold", "ready"], "ms")
        figure("ui_%s_whole_ms" % name, at["cold", "whole"], "ms")
        figure("ui_%s_server_cpu_ms" % name, at["cold", "cpu"], "ms")
        figure("ui_%s_again_ms" % name, at["warm", "whole"], "ms")
        figure("ui_%s_again_server_cpu_ms" % name, at["warm", "cpu"], "ms")
    for words, state, key in (("slowest_first", "cold", "first"), ("slowest_view", "cold", "ready"), ("slowest_whole", "cold", "whole"), ("slowest_again", "warm", "whole")):
        figure("ui_%s_ms" % words, max(one[state, key] for one in least.values()), "ms")
    figure("ui_views_over_a_second", sum(one["cold", "ready"] > WANTED_MS for one in least.values()), "views")
