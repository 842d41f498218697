"""The explorer's live tail in Chromium, driven by tests/ui/tail.js: page.tell("counts")["shown"]."""
import json
import os
import subprocess

from apiclient import PASSWORD
from monoscope import REPO, STORY_DIR, check
from nodeprogram import NODE, environment, install


class TailPage:
    def __init__(self, server, email="admin@localhost"):
        self.given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": email, "password": PASSWORD,
                      "shots": os.path.join(REPO, "build", "stories", "story_tail.shots")}

    def __enter__(self):
        self.log = open(os.path.join(STORY_DIR, "tail.browser.log"), "ab")
        self.process = subprocess.Popen([NODE, "tail.js", json.dumps(self.given)], cwd=install("ui"), env=environment(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.tell("sign_in")
        return self

    def __exit__(self, *ended):
        self.process.stdin.close()
        try:
            self.process.wait(20)
            check(self.process.returncode == 0 or ended[0], "nothing was said in the console: " + self.process.stdout.read())
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()

    def ask(self, do, **more):
        self.process.stdin.write(json.dumps(dict(more, do=do)) + "\n")
        self.process.stdin.flush()

    def answer(self):
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            check(False, "the page is as it should be: %s (tail.browser.log)" % (line + self.process.stdout.read()))
        told = json.loads(line)
        check("error" not in told, "the page does it: %s" % told.get("error"))
        return told["answer"]

    def tell(self, do, **more):
        self.ask(do, **more)
        return self.answer()
