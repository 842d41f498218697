"""Certificates for a story, in its folder: an authority of its own, and servers and clients that it signs.

    make_authority("ca")        # ca.crt, ca.key
    sign("ca", "server")        # server.crt, server.key, for localhost and 127.0.0.1"""
import os
import subprocess

from monoscope import STORY_DIR, check


def path(name):
    return os.path.join(STORY_DIR, name)


def openssl(*words):
    ran = subprocess.run(["openssl"] + list(words), capture_output=True, text=True)
    check(ran.returncode == 0, "openssl %s: %s" % (" ".join(words), ran.stderr))
    return ran.stdout


def make_authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
            "-keyout", path(name + ".key"), "-out", path(name + ".crt"))


def sign(authority, name, key="ec"):
    """NAME.crt and NAME.key, whole at once: as an operator puts them in place."""
    kind = ["rsa:2048"] if key == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    with open(path("extensions"), "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-newkey", *kind, "-nodes", "-subj", "/CN=" + name, "-keyout", path("new.key"), "-out", path("new.csr"))
    openssl("x509", "-req", "-in", path("new.csr"), "-CA", path(authority + ".crt"), "-CAkey", path(authority + ".key"),
            "-CAcreateserial", "-days", "2", "-extfile", path("extensions"), "-out", path("new.crt"))
    os.rename(path("new.crt"), path(name + ".crt"))
    os.rename(path("new.key"), path(name + ".key"))
