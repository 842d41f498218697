# time_limit_s: 400, tries: 2 (the first run installs the browser's driver)
"""Recordings by the browser SDK (sdk/browser) in pages of a real Chromium, from the page to rrweb's Replayer over what the API gives:
tests/ui/replay_fidelity.js says what visitors do and how a replay is compared with its page. On their way batches are lost, doubled,
delayed and reordered: the replay is the same. One that never comes is a gap. tests/ui/replay_control.js: when it records, and what beside the document."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin
from monoscope import STORY_DIR, Server, check, free_port
from nodeprogram import NODE, environment, install


VISITS = "forms routing frames shadow list errors offline closed svg cssom drag media".split()


def program(name, server, **more):
    """Runs tests/ui/NAME with a browser key of a page's origin; what it says as RESULT."""
    ports = {name: free_port() for name in ("page", "relay")}
    key = server.key_create("default", "page", "--browser", "http://127.0.0.1:%d" % ports["page"])[1]
    given = {"base": "http://127.0.0.1:%d" % server.web_port, "http": server.http_port, "key": key, "api_key": server.key, "ports": ports,
             "shots": os.path.join(STORY_DIR, "replay.shots"), **more}
    done = subprocess.run([NODE, name, json.dumps(given)], cwd=install("ui"), env=environment(), timeout=500, stdout=subprocess.PIPE, text=True)
    print("\n".join(line for line in done.stdout.splitlines() if not line.startswith("RESULT ")), flush=True)
    check(done.returncode == 0, "%s is as it should be" % name)
    return json.loads([line for line in done.stdout.splitlines() if line.startswith("RESULT ")][0][7:])


BEFALLS = "lost doubled unanswered late reordered lost doubled reordered".split()  # what befalls one batch after the other, on its way


def main():
    with Server(flush="1s") as server:
        first_admin(server)
        result = program("replay_fidelity.js", server, visits=(os.environ.get("REPLAY_VISITS") or "forms frames shadow closed").split())
        check(result["percent"] >= 99, "a replay is as its page: %r" % result)
        print("%.2f%% of %d nodes" % (result["percent"], result["nodes"]), flush=True)
        result = program("replay_fidelity.js", server, visits=["routing", "list"], rules=BEFALLS, settle_ms=6000)
        check(result["percent"] >= 99 and not any(result["gaps"].values()), "whatever befell its batches, a replay is as its page, without gaps: %r" % result)
        check({"lost", "doubled", "unanswered", "late"} <= set(result["befell"]), "they were lost, doubled, late: %r" % result["befell"])
        print("%.2f%% of %d nodes, though batches were %r" % (result["percent"], result["nodes"], result["befell"]), flush=True)
        result = program("replay_fidelity.js", server, visits=["errors"], rules=["doubled", "swallowed"])
        check(result["gaps"]["errors"] == [[1, 1]], "a batch that never came is told as a gap: %r" % result)
        program("replay_control.js", server)
        server.stop()


if __name__ == "__main__":
    main()
