"""A Python environment of its own for a program of tests/, made once for each content of its requirements.txt.

    home = install("schemathesis")          # tests/schemathesis -> .deps/schemathesis-<hash>; home/bin/schemathesis
    home = install("clients/python")        # home/bin/python"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

from goprogram import DEPS, program_folder
from monoscope import check


def install(name):
    wanted = os.path.join(program_folder(name), "requirements.txt")
    with open(wanted, "rb") as f:
        stamp = hashlib.sha256(f.read() + sys.version.encode()).hexdigest()
    name = name.replace("/", "-")
    home = os.path.join(DEPS, "%s-%s" % (name, stamp[:12]))
    with open(os.path.join(DEPS, "." + name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(home, "ready")):
            shutil.rmtree(home, ignore_errors=True)
            for command in ([sys.executable, "-m", "venv", home],
                            [os.path.join(home, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", wanted]):
                made = subprocess.run(command, capture_output=True, text=True)
                check(made.returncode == 0, "download failed: " + made.stderr)
            open(os.path.join(home, "ready"), "w").close()
    return home
