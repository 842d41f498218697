"""Chromium, driven by tests/apps/oidc/browser.js (playwright), for stories of pages.

    with Browser() as browser:
        browser.fresh()                       # a person with an empty browser
        browser.goto(url); browser.fill("#email", "a@example.com"); browser.click("button")
"""
import json
import os
import subprocess

from monoscope import STORY_DIR, check
from nodeprogram import NODE, environment, install


class Browser:
    def __enter__(self):
        self.folder = install("apps/oidc")
        self.log = open(os.path.join(STORY_DIR, "browser.log"), "ab")
        self.process = subprocess.Popen([NODE, "browser.js"], cwd=self.folder, env=environment(), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()

    def tell(self, do, **more):
        self.process.stdin.write(json.dumps(dict(more, do=do)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        check(line, "the browser runs: see browser.log")
        told = json.loads(line)
        check("error" not in told, "the browser can %s %r: %s" % (do, more, told.get("error")))
        return told["answer"]

    def fresh(self, **options):
        self.tell("fresh", options=options)

    def goto(self, url):
        return self.tell("goto", url=url)

    def fill(self, selector, text):
        self.tell("fill", selector=selector, text=text)

    def click(self, selector):
        self.tell("click", selector=selector)

    def text(self, selector):
        """The text of each element that is there."""
        return self.tell("text", selector=selector)

    def url(self):
        return self.tell("url")

    def wait(self, url):
        """Until the page's address is that (a glob)."""
        self.tell("wait", url=url)

    def cookies(self):
        return {cookie["name"]: cookie for cookie in self.tell("cookies")}

    def narrow(self, width, height, scheme="light"):
        """The width that the page wants then."""
        return self.tell("narrow", width=width, height=height, scheme=scheme)

    def screenshot(self, path):
        self.tell("screenshot", path=path)

    def told(self):
        """What the pages wrote to the console since the last call."""
        return self.tell("told")
