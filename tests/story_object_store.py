# time_limit_s: 240, after: builds
"""The object store's own tests, that a folder passes, against the buckets of a real S3 server, versitygw: as released, with
ThreadSanitizer, and with AddressSanitizer and the bucket in the host's name; with --full on minio too. None is left out, and no
upload is left unfinished."""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import FULL, REPO, check
from storage import Minio, Versitygw

SANITIZERS = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1", "TSAN_OPTIONS": "halt_on_error=1",
              "LSAN_OPTIONS": "suppressions=%s/tests/lsan.supp:print_suppressions=0" % REPO}


class VirtualHosts(Versitygw):
    """Takes http://bucket.localhost as well; curl knows what ends in .localhost for this machine."""
    name = "versitygw-hosts"

    def command(self):
        command, environment = super().command()
        return command[:1] + ["--virtual-domain", "localhost:%d" % self.port] + command[1:], environment

    def environment(self, endpoint=None):
        return dict(super().environment("http://localhost:%d" % self.port), MONO_TEST_VIRTUAL_HOST="on")


def run_tests(server, build):
    program = os.path.join(REPO, "build", build, "tests", "object_test")
    check(os.path.exists(program), "%s is built: make %s" % (program, build))
    environment = dict(os.environ, MONO_TEST_STORAGE=server.url(build), **dict(SANITIZERS, **server.environment()))
    start = time.monotonic()
    result = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=200)
    said = result.stdout + result.stderr
    passed = re.search(r"\[  PASSED  \] (\d+) test", said)
    check(result.returncode == 0 and passed and int(passed.group(1)) >= 14, "object_test of %s on %s: %s" % (build, server.name, said))
    print("%s, %s: %s tests, %.1f s" % (server.name, build, passed.group(1), time.monotonic() - start), flush=True)


def unfinished_uploads(server):
    """Files of parts: versitygw keeps them in the bucket's .sgwtmp/multipart, minio in .minio.sys/multipart."""
    return [os.path.join(folder, name) for folder, _, names in os.walk(server.folder) if "multipart" in folder for name in names]


def main():
    servers = [(Versitygw, ("release", "tsan")), (VirtualHosts, ("asan",))]
    for kind, builds in servers + ([(Minio, ("release",))] if FULL else []):
        with kind() as server:
            for build in builds:
                run_tests(server, build)
            left = unfinished_uploads(server)
            check(not left, "%s keeps no parts of what was cancelled: %s" % (server.name, left))


main()
