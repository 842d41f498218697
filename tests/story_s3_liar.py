# time_limit_s: 200
"""A store that answers 200 to a put-if-absent and overwrites (s3proxy) is found out at start: the server refuses and says what to
set. With DynamoDB's lock it works there, and delta-rs writes beside it. A table knows how its commits are made: a server that
would make them otherwise is refused."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from delta_writer import writer_command
from lake import SPANS, check_history, check_senders, delta_count, delta_rows, server_on, table_url
from monoscope import STORY_DIR, acknowledged, check, wait_until
from storage import DynamoDbLocal, S3proxy, Versitygw


def refusal(server):
    server.start(wait=False)
    check(not server.wait_ready() and server.process.wait() != 0, "the server refuses to start")
    with open(server.log_path + ".out") as f:
        return server.log_text() + f.read()


def write_and_check(s3, lock, server, name):
    """Rows of ours and of delta-rs in turn; all of them are found by both."""
    acks = {}
    log = os.path.join(STORY_DIR, name + ".acks")
    for number in range(3):
        server.load(5, sender="%s%d" % (name, number), ack_log=log, connections=1, spans=50, requests=2)
        server.execute("FLUSH")
        words = {"url": table_url(s3), "options": dict(s3.storage_options(), **lock.storage_options()), "project": server.project,
                 "sender": "%s-rs" % name, "seconds": 30, "rows": 10, "first": 10 * number, "commits": 1, "ack_log": log}
        command, environment = writer_command(words, True)
        rust = subprocess.run(command, env=environment, capture_output=True, text=True)
        check(rust.returncode == 0 and json.loads(rust.stdout)["commits"] == 1, "delta-rs appends: " + rust.stdout + rust.stderr)
    acks.update(acknowledged(log))
    wanted = sum(len(numbers) for numbers in acks.values())
    check(wanted == 3 * 110, "all was acknowledged: %d" % wanted)
    wait_until(lambda: server.one("SELECT count(*) FROM " + SPANS) == wanted, "the server sees what both have written", 60)
    check(delta_count(s3, server.project) == wanted, "delta-rs too")
    check_senders(delta_rows(s3, server.project), acks, name)
    return len(check_history(s3))


def main():
    with S3proxy() as liar, DynamoDbLocal() as lock:
        text = refusal(server_on(liar, "alone"))
        check("If-None-Match" in text and "--storage-lock" in text and "dynamodb:" in text, "it says why and what to set: " + text)
        check(not [key for key in liar.client().list(liar.bucket) if "_delta_log" in key], "nothing was written there")
        print("refused:", [line for line in text.splitlines() if "If-None-Match" in line][-1][:300], flush=True)
        with server_on(liar, "locked", lock) as server:
            versions = write_and_check(liar, lock, server, "liar")
            server.stop()
            server.start()
            check(server.one("SELECT count(*) FROM " + SPANS) == 330, "after a restart all is there")
            server.stop()
        print("with the lock: %d versions, none lost" % versions, flush=True)
    with Versitygw() as honest, DynamoDbLocal() as lock:
        with server_on(honest, "with", lock) as server:
            write_and_check(honest, lock, server, "honest")
            server.stop()
        text = refusal(server_on(honest, "without"))
        check("dynamodb" in text and "--storage-lock" in text, "a table under the lock is not opened without it: " + text)
        print("refused:", [line for line in text.splitlines() if "--storage-lock" in line][-1][:300], flush=True)
    with Versitygw() as honest, DynamoDbLocal() as lock:
        with server_on(honest, "plain") as server:
            server.stop()
        text = refusal(server_on(honest, "lock-later", lock))
        check("--storage-lock" in text, "nor one of put-if-absent with it: " + text)
        print("refused:", [line for line in text.splitlines() if "--storage-lock" in line][-1][:300], flush=True)


main()
