"""Recordings by the browser SDK in a real Chromium: how like its page a replay is after 12 visits (tests/ui/replay_visits.js), what recording
costs a busy page, and what it weighs; then what the server needs for a thousand of them (replay_server.py).

    BENCH_REPLAY_SECONDS=20     how long the busy page runs, with and without"""
import gzip
import os
import urllib.request

from apiclient import first_admin
from monoscope import Server, check
from replay_server import bench_replay_server
from story_browser_replay import VISITS, program

SECONDS = int(os.environ.get("BENCH_REPLAY_SECONDS") or 20)


def compressed_kb(server, name):
    with urllib.request.urlopen("http://127.0.0.1:%d/sdk/%s" % (server.web_port, name)) as answer:
        return len(gzip.compress(answer.read(), 9)) / 1024


def bench_replay(figure):
    with Server(flush="1s") as server:
        first_admin(server)
        core, all_of_it = compressed_kb(server, "monoscope.js"), compressed_kb(server, "monoscope.js") + compressed_kb(server, "replay.js")
        figure("replay_sdk_core_kb", core, "KB")
        figure("replay_sdk_kb", all_of_it, "KB")
        cost = program("replay_cost.js", server, seconds=SECONDS)
        figure("replay_main_thread_percent", cost["with"]["task_percent"] - cost["without"]["task_percent"], "%")
        figure("replay_profile_percent", cost["with"]["percent"] - cost["without"]["percent"], "%")
        figure("replay_longest_run_ms", cost["with"]["longest_ms"], "ms")
        figure("replay_page_long_tasks", len(cost["with"]["long"]), "tasks")
        figure("replay_page_long_tasks_without", len(cost["without"]["long"]), "tasks")
        figure("replay_sdk_bytes_per_s", cost["bytes_per_s"], "B/s")
        faithful = program("replay_fidelity.js", server, visits=VISITS)
        figure("replay_fidelity_percent", faithful["percent"], "%")
        figure("replay_fidelity_nodes", faithful["nodes"], "nodes")
        check(core <= 15 and all_of_it <= 40 and faithful["percent"] >= 99, "the SDK is small, and a replay is as its page")
        server.stop()
    bench_replay_server(figure)
