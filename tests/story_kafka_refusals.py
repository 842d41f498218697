# time_limit_s: 240, tries: 2
"""A buffer that the tables do not know is refused at start, with words that say what to do, and taken with --new-buffer on: requests
that only a log holds, beside Kafka; Kafka beside tables that a log has fed; a topic that was deleted and made again, at start and
under a process that runs; a log again, beside tables that Kafka has fed. Retention that was faster than the workers is told with a
number. Roles that cannot be are refused."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kafka import Kafka
from monoscope import BINARY, STORY_DIR, Server, check, wait_until
from otlp import OK, Sender, log, logs

COUNT = "SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'refusals'"
PORTS = ["--otlp-grpc-port", "0", "--otlp-http-port", "0", "--pg-port", "0", "--web-port", "0", "--peer-port", "0"]


def refused(words, *options):
    result = subprocess.run([BINARY, "run"] + PORTS + list(options), capture_output=True, text=True, timeout=60)
    check(result.returncode == 1, "%s is refused: %s" % (options, result.stderr))
    last = [line for line in result.stderr.splitlines() if line.startswith("monoscope: ")][-1]
    check(words in last and len(last) < 260, "%s is told with \"%s\": %s" % (options, words, last))


def send(server, sender, first, count):
    for number in range(first, first + count):
        answer = sender.send("logs", logs([log("n", {"seq": number})], {"service.name": "refusals"}))
        check(answer.status == OK, "a request is taken: %s" % answer.text)


def main():
    server = Server(options=["--telemetry", "off", "--peer-port", "0"], flush="60s")
    data = ["--data", server.data, "--telemetry", "off"]
    with Kafka("4.1") as kafka, server:
        by_kafka = data + kafka.options()
        send(server, Sender(server.grpc_port, server.key), 0, 10)
        server.wait_count(COUNT, 10)
        server.kill()
        refused("start once without --kafka-brokers", *by_kafka)
        refused("start once without --kafka-brokers", *by_kafka, "--new-buffer", "on")
        server.start()
        server.stop()
        refused("--new-buffer on", *by_kafka)
        own = server.options
        server.options = own + kafka.options() + ["--new-buffer", "on"]
        server.start()
        check(server.one(COUNT) == 10, "what the log brought is there")
        server.options = own + kafka.options()
        server.stop()
        server.start()  # it is known now
        send(server, Sender(server.grpc_port, server.key), 10, 10)
        server.wait_count(COUNT, 20)
        server.execute("FLUSH")

        # Under a process that runs: it ends and says so.
        kafka.topic_delete("monoscope.telemetry")
        kafka.topic_create("monoscope.telemetry", partitions=3)
        check(server.process.wait(60) == 1, "a process ends when its topic was made again")
        with open(server.log_path) as f:
            why = f.read()
        check("deleted and made again" in why or "is gone" in why, "and says why, also when it looked between the two: %s" % why[-500:])
        refused("--new-buffer on", *by_kafka)
        server.options = own + kafka.options() + ["--new-buffer", "on"]
        server.start()
        check(server.one(COUNT) == 20, "what was stored is there")
        send(server, Sender(server.grpc_port, server.key), 20, 10)
        server.wait_count(COUNT, 30)
        server.execute("FLUSH")
        check(server.one("SELECT count(DISTINCT (attributes->>'seq')::int) FROM otel_logs_and_spans WHERE attributes ? 'seq'") == 30,
              "each is there once: positions that began anew were not taken for old ones")
        server.stop()

        # Retention was faster: the records are gone, and counted.
        server.options = own + kafka.options()
        lost = lose_records(kafka, server)
        refused("fed from Kafka until now", *data)
        refused("it must be all, or some of ingest, worker, query", *by_kafka, "--role", "wroker")
        refused("without --kafka-brokers", *data, "--role", "worker")
        refused("without --database", *by_kafka, "--role", "worker,query")
        server.options = own + ["--new-buffer", "on"]
        server.start()
        check(server.one(COUNT) == 30, "a log of its own goes on")
        server.stop()
        print("log to Kafka, topic made again (twice), Kafka to log: refused with words, taken with --new-buffer on; "
              "%d records lost by retention are told" % lost)


def lose_records(kafka, server):
    """Messages that no worker has seen go away; how many the next one misses."""
    from confluent_kafka import TopicPartition
    for _ in range(7):
        kafka.produce("monoscope.telemetry", b"never seen", partition=1)
    ends = kafka.ends("monoscope.telemetry")
    for future in kafka.admin().delete_records([TopicPartition("monoscope.telemetry", 1, ends[1][1])]).values():
        future.result(30)
    server.start()
    wait_until(lambda: server.events("worker.records_lost"), "what retention took is told")
    event = server.events("worker.records_lost")[0]
    check(event["records"] == 7, "with its number: %s" % event)
    server.stop()
    return event["records"]


main()
