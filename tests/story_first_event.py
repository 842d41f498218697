"""A newcomer's first minute: start, paste the two lines that were printed, see the event; start again, it is still there."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import BINARY, REPO, Server, check, wait_until


def main():
    with Server() as server:
        with open(server.log_path + ".out") as f:
            welcome = f.read()
        send = re.search(r"^  build/release/(monoscope send .*)$", welcome, re.M)
        ask = re.search(r"^  (PGPASSWORD=.* psql .*)$", welcome, re.M)
        check(send and ask, "the welcome has the two lines:\n" + welcome)
        sent = subprocess.run(os.path.dirname(BINARY) + "/" + send.group(1), shell=True, capture_output=True, text=True)
        check(sent.returncode == 0 and "acknowledged" in sent.stdout, "the first line sends: %s" % sent)

        def seen():
            asked = subprocess.run(ask.group(1), shell=True, capture_output=True, text=True)
            check(asked.returncode == 0, "the second line asks: " + asked.stderr)
            return "hello from my shell" in asked.stdout and "(1 row)" in asked.stdout
        wait_until(seen, "the event is seen", 3)

        wrong = subprocess.run([BINARY, "send", "--port", str(server.grpc_port), "--key", "mono_wrong", "x"],
                               capture_output=True, text=True)
        check(wrong.returncode == 1 and "status 16" in wrong.stderr, "an unknown key is UNAUTHENTICATED: " + wrong.stderr)
        denied = subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(server.pg_port), "-U", "default", "-d", "monoscope", "-c",
                                 "SELECT 1"], capture_output=True, text=True, env=dict(os.environ, PGPASSWORD="mono_wrong"))
        check(denied.returncode != 0 and "API key" in denied.stderr, "a wrong password is told: " + denied.stderr)

        with server.connect(options="-c statement_timeout=150 -c nonsense=1", application_name="it's me") as connection:
            shown = connection.execute("SELECT current_setting('statement_timeout'), current_setting('application_name')").fetchone()
            check(shown == ("150", "it's me"), "what the startup packet sets counts: %s" % (shown,))

        second = subprocess.run([BINARY, "run", "--data", server.data, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--pg-port", "0", "--web-port", "0"],
                                capture_output=True, text=True, timeout=20)
        check(second.returncode == 1, "a second process on one folder refuses: " + second.stderr)

        key = server.key
        took = server.stop()
        check(took < 30, "it stops within 30 s: %.1f" % took)
        server.start()
        check(server.key == key, "the key stays")
        check(server.one("SELECT count(*) FROM otel_logs_and_spans") == 1, "the event stays")
        check(server.ready["replayed_records"] == 0, "a clean stop leaves nothing to replay")
        print("first event, second start: ok; stopped in %.2f s" % took)


main()
