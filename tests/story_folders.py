"""What an operator does to a data folder: moves the log away, restores an old one, takes a port twice, mistypes an option.
Each either works with nothing lost or is refused with words that say what to do."""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import BINARY, STORY_DIR, Server, check


def refused(options, words):
    result = subprocess.run([BINARY, "run"] + options, capture_output=True, text=True, timeout=30)
    check(result.returncode == 1, "%s is refused: %s" % (options, result))
    check(words in result.stderr, "%s is told with \"%s\":\n%s" % (options, words, result.stderr))


def main():
    count = "SELECT count(*) FROM otel_logs_and_spans"
    old_log = os.path.join(STORY_DIR, "old-log")
    with Server(flush="300ms") as server:
        log = os.path.join(server.data, "log")
        server.load(1, requests=2, connections=1, spans=100)
        server.wait_count(count, 200)
        server.stop()
        shutil.copytree(log, old_log)
        server.start()
        server.load(1, requests=3, connections=1, spans=100)
        server.wait_count(count, 500)
        server.stop()

        shutil.rmtree(log)
        shutil.copytree(old_log, log)
        refused(["--data", server.data, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--pg-port", "0", "--web-port", "0"], "restored from an older copy")

        shutil.rmtree(log)
        for again in range(2):  # nor is it taken for known the second time
            refused(["--data", server.data, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--pg-port", "0", "--web-port", "0"], "--new-buffer on")
        server.options = ["--new-buffer", "on"]
        server.start()
        server.options = []
        check(server.one(count) == 500, "without the log everything flushed is there")
        server.load(1, requests=1, connections=1, spans=100)
        server.wait_count(count, 600)
        server.kill()
        server.start()
        server.wait_count(count, 600)

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            other = os.path.join(STORY_DIR, "other")
            refused(["--data", other, "--otlp-grpc-port", port, "--otlp-http-port", "0", "--pg-port", "0", "--web-port", "0"], "--otlp-grpc-port")
            refused(["--data", other, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--pg-port", port, "--web-port", "0"], "--pg-port")
        refused(["--memory", "12MiB"], "at least 256MiB")
        refused(["--flush-interval", "soon"], "a time such as")
        refused(["--colour", "red"], "monoscope help")
        refused(["--data", "/proc/none/data"], "/proc/none")
        server.stop()
        print("log deleted: refused, then ok with --new-buffer on; older log, taken ports, wrong options: refused with words")


main()
