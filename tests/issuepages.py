"""Issues in Chromium, for stories that know what each should say.

    in_the_browser(server, "error-apps", told)      # told: number, title, service, culprit, category, message, frame, source?
"""
import json
import os
import subprocess

from apiclient import PASSWORD
from monoscope import REPO, check
from nodeprogram import NODE, environment, install


def in_the_browser(server, name, told):
    shots = os.path.join(REPO, "build", "stories", "%s.shots" % name)
    given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD, "shots": shots,
             "name": name, "issues": told}
    done = subprocess.run([NODE, "issue_pages.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=120)
    check(done.returncode == 0, "issues in the UI are as they should be")
