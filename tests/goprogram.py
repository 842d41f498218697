"""Builds a Go program of tests/ with the pinned toolchain (deps/bring test), once for each content of its folder.

    path = build("go")          # tests/go -> .deps/go-programs/go-<hash of its files>
    path = build("telemetrygen", "example.com/cmd/telemetrygen")    # a tool that the go.mod of tests/telemetrygen pins

Modules come from the machine's module cache or proxy and must be those of go.sum."""
import fcntl
import hashlib
import os
import shutil
import subprocess
import time

from monoscope import REPO, check

DEPS = os.environ.get("MONO_DEPS_DIR") or os.path.join(REPO, ".deps")
TRIES = 3


def program_folder(name):
    """"apps/go" is in tests/, "demo/shop" and "bench/agents" beside it."""
    return os.path.join(REPO, name) if name.startswith(("demo/", "bench/")) else os.path.join(REPO, "tests", name)


def stamp_of(folder):
    digest = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        if name.endswith((".go", ".mod", ".sum")):
            with open(os.path.join(folder, name), "rb") as f:
                digest.update(name.encode() + b"\0" + f.read())
    return digest.hexdigest()[:12]


def toolchain():
    go = os.path.join(DEPS, "go", "bin", "go")
    if not os.path.exists(go):
        brought = subprocess.run([os.path.join(REPO, "deps", "bring"), "test"], capture_output=True, text=True)
        check(brought.returncode == 0, brought.stdout + brought.stderr)
    # The machine's own Go settings (proxy, caches) count, but for what would build something else.
    env = {name: value for name, value in os.environ.items() if name not in ("GOROOT", "GOFLAGS", "GOOS", "GOARCH", "GOWORK")}
    env.update(GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="-mod=readonly -buildvcs=false -trimpath", CGO_ENABLED="0")
    if "HOME" not in env:
        env["HOME"] = DEPS
    return go, env


def build(name, package="."):
    folder = os.path.join(REPO, "tests", name)
    name = name.replace("/", "-")
    target = os.path.join(DEPS, "go-programs", "%s-%s" % (name, stamp_of(folder)))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(os.path.join(os.path.dirname(target), "." + name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target):
            make(name, folder, package, target)
    os.utime(target)
    return target


def make(name, folder, package, target):
    go, env = toolchain()
    start = time.monotonic()
    for attempt in range(1, TRIES + 1):
        downloaded = subprocess.run([go, "mod", "download"], cwd=folder, env=env, capture_output=True, text=True)
        if downloaded.returncode == 0:
            break
        check(attempt < TRIES, "download failed: modules of tests/%s: %s" % (name, downloaded.stderr[-2000:]))
        time.sleep(3 * attempt)
    built = subprocess.run([go, "build", "-ldflags=-s -w", "-o", target + ".new", package], cwd=folder, env=env, capture_output=True, text=True)
    check(built.returncode == 0, "tests/%s builds:\n%s" % (name, built.stderr[-4000:]))
    drop_old(target)
    shutil.move(target + ".new", target)
    print("tests/%s built in %.0f s" % (name, time.monotonic() - start), flush=True)


def drop_old(target):
    """Removes what was made of other contents of the same folder (NAME-<hash>) and not used for a week."""
    place, name = os.path.split(target)
    for old in os.listdir(place):
        path = os.path.join(place, old)
        if old.rpartition("-")[0] == name.rpartition("-")[0] and time.time() - os.stat(path).st_mtime > 7 * 86400:
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
