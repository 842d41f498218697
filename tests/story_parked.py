# time_limit_s: 300
"""What was acknowledged and cannot be stored is kept with the reason, listed, shown and sent on its way again, the same way over
Kafka (4.1, by TLS and SCRAM-SHA-512) and over our own log; and what a broker refuses is told in words.

Over Kafka: three messages that no row can be made of stand in a partition before good ones. The good ones are stored at once. The three
are tried again when that may help, then parked. A record that could be stored all along is replayed: its row comes, once; a second
replay is refused. A request larger than the topic takes is refused for good and says which setting; the password is in no log."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kafka import PASSWORD, USER, Kafka
from monoscope import BINARY, STORY_DIR, Server, check, wait_until
from otlp import OK, RESOURCE_EXHAUSTED, Sender, log, logs
import json
import subprocess

RETRIES = ["--kafka-retry-first", "300ms", "--kafka-retry-second", "400ms", "--kafka-retry-third", "500ms"]
CLUSTER = ["--peer-port", "0", "--cluster-key", "a-key-for-the-story-of-parked-records"]
COUNT = "SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'parked'"
# A log record "parked in a folder" of service "parked", and its fingerprint as parked files have it.
BODY = bytes.fromhex("0a480a1a0a180a0c736572766963652e6e616d6512080a067061726b6564122a0a070a0573746f7279121f0900b6a106b6c3eb182a140a127061726b65"
                     "6420696e206120666f6c646572")
BODY_HASH = "bb65b3c8be4812d15af269e5f7623b12"


def headers(project, number, **more):
    found = {"monoscope": "1", "signal": "logs", "encoding": "identity", "format": "protobuf", "project": project,
             "key-id": "00000000-0000-0000-0000-000000000001", "hash": "%032x" % (number << 64 | 4711),
             "received": str(int(time.time() * 1e6))}
    found.update({name.replace("_", "-"): value for name, value in more.items()})
    return found


def parked(server, *words, fails=False):
    """`monoscope parked WORDS` beside the server: its lines, or what it said on stderr."""
    result = subprocess.run([BINARY, "parked"] + list(words) + ["--data", server.data] + server.asks, capture_output=True,
                            env=dict(os.environ, **server.environment))
    check((result.returncode == 0) != fails, "parked %s: %s" % (" ".join(words), result.stderr.decode()))
    return result.stderr.decode() if fails else result.stdout


def listed(server):
    return [json.loads(line) for line in parked(server, "list", "--json").splitlines()]


def over_kafka():
    with Kafka("4.1", secure=True) as kafka:
        wrong = Server(data=os.path.join(STORY_DIR, "wrong"), options=kafka.options() + CLUSTER,
                       environment={"MONOSCOPE_KAFKA_SASL_PASSWORD": "not it"})
        wrong.start(wait=False)
        server = Server(data=os.path.join(STORY_DIR, "kafka"), options=kafka.options() + RETRIES + CLUSTER,
                        environment=kafka.environment())
        server.asks = kafka.options()
        server.start()
        check(wrong.process.wait(60) == 1, "a wrong password ends the start")
        check("Authentication failed" in wrong.log_text() and "not it" not in wrong.log_text(), "it says why: %s" % wrong.log_text())
        check(sorted(kafka.topics().items()) == [("monoscope.parked", 1), ("monoscope.retry.1", 1), ("monoscope.retry.2", 1),
                                                 ("monoscope.retry.3", 1), ("monoscope.telemetry", 3)], "topics: %s" % kafka.topics())
        check(kafka.topic_settings("monoscope.parked")["retention.ms"] == "-1", "what is parked stays")
        check(b"nothing is parked" in parked(server, "list"), "nothing is parked yet")
        project = server.project

        # Three that cannot be, good ones behind them in the same partition.
        kafka.produce("monoscope.telemetry", b"\xff\xff no protobuf", headers=headers(project, 1), partition=1)
        kafka.produce("monoscope.telemetry", b"what is this?", headers={"colour": "green"}, partition=1)
        kafka.produce("monoscope.telemetry", b"", headers=headers(project, 3), partition=1)
        for number in range(10, 15):
            kafka.produce("monoscope.telemetry", BODY, headers=headers(project, number), partition=1)
        sender = Sender(server.grpc_port, server.key)
        for number in range(20):
            answer = sender.send("logs", logs([log("good %d" % number)], {"service.name": "parked"}))
            check(answer.status == OK, "good ones are taken: %s" % answer)
        server.wait_count(COUNT, 25)
        wait_until(lambda: len(listed(server)) == 3, "three are parked", 60)
        found = listed(server)
        told = {entry["reason"]: entry for entry in found}
        for entry in found:
            print("parked after %d tries: %s" % (entry["attempts"] + 1, entry["reason"]))
            check(entry["origin"] in ("monoscope.telemetry/1", "") and not entry["replayed"], "it knows where it was: %s" % entry)
        check(len(told) == 3 and any("no monoscope wrote it" in reason for reason in told), "each has its reason: %s" % list(told))
        broken = next(entry for entry in found if entry["bytes"] == 14)
        check(parked(server, "show", broken["id"], "--body") == b"\xff\xff no protobuf", "its bytes are kept")
        check(("project   " + project).encode() in parked(server, "show", broken["id"]), "whose it is, is kept")
        check(b"PARKED" in parked(server, "list"), "a table for people")
        retried = len(kafka.records("monoscope.retry.1"))
        check(retried == sum(entry["attempts"] > 0 for entry in found), "each went through the first retry topic once: %d" % retried)

        # One that can be stored is replayed; nothing of it was stored before.
        position = kafka.produce("monoscope.parked", BODY, headers=headers(project, 77, attempt="3", origin="monoscope.telemetry/1/99",
                                                                           parked=str(int(time.time() * 1e6)), reason="a fault of ours"))[1] + 1
        check(b"is on its way again" in parked(server, "replay", str(position)), "it is replayed")
        server.wait_count(COUNT, 26)
        check("was replayed before" in parked(server, "replay", str(position), fails=True), "once")
        check(next(entry for entry in listed(server) if entry["id"] == str(position))["replayed"], "and the list says so")
        check("no parked record" in parked(server, "replay", "4711", fails=True), "an id that is not there")
        check("no parked record" in parked(server, "show", "colour", fails=True), "an id that cannot be")

        # What still cannot be stored comes back, and is not replayed for ever.
        parked(server, "replay", broken["id"])
        wait_until(lambda: sum(entry["bytes"] == 14 and not entry["replayed"] for entry in listed(server)) == 1, "it is parked anew", 60)
        check("cannot replay" in parked(server, "replay", next(entry["id"] for entry in found if entry["bytes"] == 13), fails=True),
              "what no monoscope wrote is not replayed")

        # Larger than the topic takes.
        kafka.topic_set("monoscope.telemetry", "max.message.bytes", "100000")
        answer = sender.send("logs", logs([log(os.urandom(200000).hex())], {"service.name": "parked"}))
        check(answer.status == RESOURCE_EXHAUSTED and answer.retry_s is None and "max.message.bytes" in answer.text, "refused for good: %s" % answer)
        check(sender.send("logs", logs([log("small")], {"service.name": "parked"})).status == OK, "the next one is taken")
        server.wait_count(COUNT, 27)
        time.sleep(2)
        check(server.one(COUNT) == 27, "and nothing twice")
        group = kafka.group("monoscope.workers")
        check(len(group) == 1 and len(list(group.values())[0]) == 3, "one member has all of telemetry: %s" % group)
        server.stop()
        check(PASSWORD not in server.log_text() and USER in " ".join(server.options), "the password is in no log")
    print("over Kafka: 3 parked, 1 replayed once, 1 parked anew; TLS and SCRAM-SHA-512; too large told")


def parked_file(folder, name, project, body=BODY, wrong=False):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        for header in headers(project, 5, origin="log/0/12", parked="1795744069000001", reason="a fault of ours").items():
            f.write(("%s: %s\n" % header).encode())
        f.write(("body: %d %s\n\n" % (len(body), BODY_HASH)).encode() + body + (b"x" if wrong else b""))


def over_the_log():
    server = Server(data=os.path.join(STORY_DIR, "log"))
    server.asks = []
    server.start()
    folder = os.path.join(server.data, "parked")
    check(b"nothing is parked" in parked(server, "list"), "nothing is parked yet")
    check(not os.path.exists(folder), "and no folder made")
    good, bad = "00000000000000000012-00000000", "00000000000000000013-00000000"
    parked_file(folder, good + ".parked", server.project)
    parked_file(folder, bad + ".parked", server.project, wrong=True)
    found = {entry["id"]: entry for entry in listed(server)}
    check(set(found) == {good, bad} and found[good]["reason"] == "a fault of ours" and "damaged" in found[bad]["reason"], "listed: %s" % found)
    check(parked(server, "show", good, "--body") == BODY, "its bytes are kept")
    check("damaged" in parked(server, "replay", bad, fails=True), "damage is not replayed")
    parked(server, "replay", good)
    server.wait_count(COUNT, 1)
    wait_until(lambda: not os.listdir(os.path.join(folder, "again")), "the file goes when the log has it")
    # The file came back, as after a kill in the wrong moment: a repeat.
    parked_file(os.path.join(folder, "again"), good + ".parked", server.project)
    wait_until(lambda: not os.listdir(os.path.join(folder, "again")), "a repeat goes as well")
    server.kill()
    server.start()
    server.wait_count(COUNT, 1)
    check(server.one(COUNT) == 1, "once")
    server.stop()
    print("over our own log: replayed once, also after a kill; damage told")


if __name__ == "__main__":
    over_the_log()
    over_kafka()
