"""Node.js and packages of a folder with a package-lock.json, for what is built from TypeScript: ui/build, sdk/browser/build.

    packages = Packages("ui")                       # Node.js: the pinned one (deps/bring), else the machine's when it is new enough
    packages.install()                              # those of the lock, once for each content of it; no package's install script runs
    packages.run("tsc", "--noEmit")                 # a tool of them, in that folder: what it printed; ends the program when it fails
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEPS = os.environ.get("MONO_DEPS_DIR") or os.path.join(REPO, ".deps")
NODE_MIN = 22
TRIES = 3


def stamp_read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def stamp_write(path, stamp):
    with open(path, "w") as f:
        f.write(stamp)


class Packages:
    def __init__(self, name):
        self.name, self.folder = name, os.path.join(REPO, name)
        self.node, self.npm = self.find()
        self.env = dict(os.environ, NO_COLOR="1", PATH=os.path.dirname(self.node) + os.pathsep + os.environ.get("PATH", ""))
        if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
            self.env.setdefault("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")

    def fail(self, words):
        print("%s: %s" % (self.name, words), file=sys.stderr)
        sys.exit(1)

    def find(self):
        """node, and npm as a list of words."""
        pinned = os.path.join(DEPS, "node", "bin", "node")
        if os.path.exists(pinned):
            return pinned, [pinned, os.path.join(DEPS, "node", "lib", "node_modules", "npm", "bin", "npm-cli.js")]
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm:
            version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
            found = re.match(r"v(\d+)\.", version)
            if found and int(found.group(1)) >= NODE_MIN:
                return node, [npm]
        self.fail("there is no Node.js from version %d on: `make deps` brings one" % NODE_MIN)

    def install(self):
        with open(os.path.join(self.folder, "package-lock.json"), "rb") as f:
            stamp = hashlib.sha256(f.read()).hexdigest()
        mark = os.path.join(self.folder, "node_modules", ".monoscope")
        if stamp_read(mark) == stamp:
            return
        command = self.npm + ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier"]
        for attempt in range(1, TRIES + 1):
            result = subprocess.run(command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if result.returncode == 0:
                stamp_write(mark, stamp)
                return
            if attempt < TRIES:
                time.sleep(3 * attempt)
        self.fail("download failed: packages of %s/package-lock.json: %s" % (self.name, (result.stdout + result.stderr)[-2000:]))

    def run(self, *words):
        tool = os.path.join(self.folder, "node_modules", ".bin", words[0])
        result = subprocess.run([tool] + list(words[1:]), cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            self.fail("%s: %s" % (words[0], (result.stdout + result.stderr)[-6000:]))
        return result.stdout
