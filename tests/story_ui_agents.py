# time_limit_s: 240, tries: 2 (the first run installs the browser's driver)
"""Agents in the browser (tests/ui/agents.js): ready ones, the editor with what is wrong in it, run now, the run's log and cost, its report
with charts, citations and links, pause. axe finds no violation of WCAG AA; pages at three widths are kept in
build/stories/story_ui_agents.shots."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from agentshop import channel_made, shop
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check
from nodeprogram import NODE, environment, install


def main():
    with Server(flush="300ms") as server:
        admin = first_admin(server)
        shop(server, admin)
        channel_made(admin, "https://hooks.example.com/agents")
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_agents.shots")}
        done = subprocess.run([NODE, "agents.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=200)
        check(done.returncode == 0, "the pages of agents are as they should be")


main()
