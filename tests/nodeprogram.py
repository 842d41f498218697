"""Installs the packages of a Node.js program of tests/ or demo/ by its package-lock.json, once for each content of its folder.

    folder = install("apps/node")       # .deps/node-programs/apps-node-<hash>: its files and node_modules
    folder = install("apps/browser", ["esbuild", "page.js", "--bundle", ...])     # then runs a tool of its packages there
    folder = install("demo/shop")       # of the demo, not of tests/

Node.js and npm are those of deps/bring test; packages come from the machine's npm registry and cache and must be those of the
lock. No package's own install script runs."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import time

from goprogram import drop_old, program_folder
from monoscope import REPO, check

DEPS = os.environ.get("MONO_DEPS_DIR") or os.path.join(REPO, ".deps")
HOME = os.path.join(DEPS, "node")
NODE = os.path.join(HOME, "bin", "node")
TRIES = 3


def environment():
    """The machine's, with this Node.js first and Debian's list of certificates beside Node's own."""
    env = dict(os.environ, PATH=os.path.dirname(NODE) + os.pathsep + os.environ["PATH"])
    if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
        env.setdefault("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
    return env


def sources_of(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith((".js", ".json", ".html")))


def install(name, after=None):
    folder = program_folder(name)
    digest = hashlib.sha256(repr(after).encode())
    for source in sources_of(folder):
        with open(os.path.join(folder, source), "rb") as f:
            digest.update(source.encode() + b"\0" + f.read())
    name = name.replace("/", "-")
    target = os.path.join(DEPS, "node-programs", "%s-%s" % (name, digest.hexdigest()[:12]))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(os.path.join(os.path.dirname(target), "." + name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target):
            make(name, folder, after, target)
    os.utime(target)
    return target


def make(name, folder, after, target):
    if not os.path.exists(NODE):
        brought = subprocess.run([os.path.join(REPO, "deps", "bring"), "test"], capture_output=True, text=True)
        check(brought.returncode == 0, brought.stdout + brought.stderr)
    start = time.monotonic()
    fresh = target + ".new"
    npm = [NODE, os.path.join(HOME, "lib", "node_modules", "npm", "bin", "npm-cli.js"), "ci", "--ignore-scripts", "--no-audit", "--no-fund",
           "--loglevel=error", "--no-update-notifier", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    for attempt in range(1, TRIES + 1):
        shutil.rmtree(fresh, ignore_errors=True)
        os.makedirs(fresh)
        for source in sources_of(folder):
            shutil.copy(os.path.join(folder, source), fresh)
        installed = subprocess.run(npm, cwd=fresh, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if installed.returncode == 0:
            break
        check(attempt < TRIES, "download failed: packages of %s: %s" % (name, (installed.stdout + installed.stderr)[-2000:]))
        time.sleep(3 * attempt)
    if after:
        tool = [os.path.join(fresh, "node_modules", ".bin", after[0])] + after[1:]
        ran = subprocess.run(tool, cwd=fresh, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        check(ran.returncode == 0, "%s of %s: %s" % (after[0], name, ran.stderr[-4000:]))
    drop_old(target)
    os.rename(fresh, target)
    print("%s installed in %.0f s" % (name, time.monotonic() - start), flush=True)
