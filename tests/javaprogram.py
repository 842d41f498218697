"""Compiles the Java of a folder of tests/ or demo/, once for each content.

    folder = classes("apps/java")                       # -> .deps/java-programs/apps-java-<hash of its files>
    folder = classes("spark", ["/path/of/jars/*"])      # against these jars"""
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess

import goprogram
from goprogram import DEPS
from monoscope import check


def classes(name, class_path=()):
    folder = goprogram.program_folder(name)
    sources = sorted(glob.glob(os.path.join(folder, "**", "*.java"), recursive=True))
    digest = hashlib.sha256()
    for source in sources:
        with open(source, "rb") as f:
            digest.update(f.read())
    name = name.replace("/", "-")
    target = os.path.join(DEPS, "java-programs", "%s-%s" % (name, digest.hexdigest()[:12]))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(os.path.join(os.path.dirname(target), "." + name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target):
            shutil.rmtree(target + ".new", ignore_errors=True)
            path = ["-cp", os.pathsep.join(class_path)] if class_path else []
            made = subprocess.run(["javac", "-nowarn", "-d", target + ".new"] + path + sources, capture_output=True, text=True)
            check(made.returncode == 0, "%s compiles: %s" % (folder, made.stderr))
            goprogram.drop_old(target)
            os.rename(target + ".new", target)
    os.utime(target)
    return target
