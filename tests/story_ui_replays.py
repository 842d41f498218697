# time_limit_s: 240, tries: 2 (the first run installs the browser's driver)
"""The replays' pages in a real Chromium on a visit that the browser SDK recorded here: tests/ui/replays.js says what is done. From the list
into the picture; moments by address, slider, keys and lines; lost batches told; to a trace and back; a hostile recording runs nothing, loads
nothing, sends nothing; deleting; axe finds no violation of WCAG AA; pages are kept in build/stories/story_ui_replays.shots. It prints how
long the first picture and a seek take."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin, user_with_role
from monoscope import REPO, Server, check, free_port
from nodeprogram import NODE, environment, install


def main():
    with Server(flush="1s", options=["--replays-idle", "30s"]) as server:
        admin = first_admin(server)
        admin.done("POST", "/projects", {"name": "empty"})
        user_with_role(admin, "vi@example.com", "default", "viewer")
        admin.done("PUT", "/projects/default/replay-settings", {"unmasked_role": "editor"})
        port = free_port()
        key = server.key_create("default", "page", "--browser", "http://127.0.0.1:%d" % port)[1]
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "otlp": "http://127.0.0.1:%d" % server.http_port, "key": key, "server_key": server.key,
                 "page_port": port, "trap_port": free_port(), "email": "admin@localhost", "password": PASSWORD, "shots": os.path.join(REPO, "build", "stories", "story_ui_replays.shots")}
        done = subprocess.run([NODE, "replays.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=230)
        check(done.returncode == 0, "the pages of replays are as they should be")


main()
