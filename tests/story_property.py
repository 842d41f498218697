# time_limit_s: 420
"""5,000 (MONO_FULL: 10,000) random OTLP requests of each signal, each sent as protobuf and as JSON: the rows in our tables equal, column by column, those
that a reference decoder works out with OpenTelemetry's own Python package, and `attributes` is the whole set that was sent.

A batch of requests has two projects of its own, one for each encoding. MONO_PROPERTY_SEED repeats a run."""
import http.client
import json
import multiprocessing
import os
import random
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
from monoscope import FULL, ROUNDS, Server, check
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from otlp_random import Messages, to_json
from otlp_reference import METRICS, SPANS, rows_of, same

REQUESTS = (10000 if FULL else 5000) * max(ROUNDS // 5, 1)  # of each signal
BATCH = 1000
PROCESSES = 2
CONNECTIONS = 6
SIGNALS = ("traces", "logs", "metrics")


class Refused(Exception):
    pass


def rejected_of(body, is_json):
    if is_json:
        partial = json.loads(body).get("partialSuccess", {})
        return sum(int(count) for name, count in partial.items() if name.startswith("rejected"))
    return ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans  # the same field in all three


def send_all(port, key, signal, bodies, is_json):
    """How many records each request's answer says are left out."""
    answers, failures, places = [None] * len(bodies), [], iter(range(len(bodies)))
    lock = threading.Lock()

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"authorization": "Bearer " + key, "content-type": "application/json" if is_json else "application/x-protobuf"}
        while not failures:
            with lock:
                at = next(places, None)
            if at is None:
                return
            connection.request("POST", "/v1/" + signal, bodies[at], headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                failures.append("request %d of %s is answered %d: %r\n%r" % (at, signal, answer.status, body, bodies[at]))
                return
            answers[at] = rejected_of(body, is_json)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise Refused(failures[0])
    return answers


def stored(pg_port, key, project_name, table, count):
    """{id: [row]} of the project, once all are there."""
    with psycopg.connect(host="127.0.0.1", port=pg_port, user=project_name, password=key, dbname="monoscope", autocommit=True) as connection:
        end = time.monotonic() + 30
        while connection.execute("SELECT count(*) FROM " + table).fetchone()[0] < count and time.monotonic() < end:
            time.sleep(0.1)
        cursor = connection.execute("SELECT * FROM " + table)
        names = [column.name for column in cursor.description]
        found = {}
        for values in cursor:
            row = dict(zip(names, values))
            found.setdefault(row["id"], []).append(row)
        return found


def differences(requests, expected, found):
    """In words, the first few."""
    words = []
    for at, rows in enumerate(expected):
        for table, row in rows:
            actual = found.get(row["id"], [])
            if len(actual) != 1:
                words.append("%d rows of id %s, of %s" % (len(actual), row["id"], requests[at]))
                continue
            for column, value in row.items():
                if not same(value, actual[0][column], column):
                    words.append("%s: expected %r, is %r\nid %s of %s" % (column, value, actual[0][column], row["id"], requests[at]))
            missing = actual[0].keys() - row.keys()
            if missing:
                words.append("columns the reference does not know: %s" % missing)
            if len(words) > 3:
                return words
    return words


def batch_check(work):
    """Answers (rows compared, words of what is wrong)."""
    signal, first, seed, port, pg_port, projects = work
    messages, rand = Messages(seed), random.Random(seed)
    requests = [getattr(messages, signal)(first + i) for i in range(BATCH)]
    compared = 0
    for is_json, (name, project, key) in zip((False, True), projects):
        bodies = [to_json(request, rand) if is_json else request.SerializeToString() for request in requests]
        try:
            answers = send_all(port, key, signal, bodies, is_json)
        except Refused as refused:
            return compared, ["seed %d: %s" % (seed, refused)]
        references = [rows_of(request, uuid.UUID(project)) for request in requests]
        for at, (answer, (_, rejected)) in enumerate(zip(answers, references)):
            if answer != rejected:
                return compared, ["seed %d: %d records left out, the reference leaves out %d: %s" % (seed, answer, rejected, requests[at])]
        expected = [rows for rows, _ in references]
        count = sum(len(rows) for rows in expected)
        found = stored(pg_port, key, name, "otel_metrics" if signal == "metrics" else "otel_logs_and_spans", count)
        total = sum(len(rows) for rows in found.values())
        words = differences(requests, expected, found)
        if total != count:
            words.append("%d rows, the reference has %d" % (total, count))
        if words:
            return compared, ["seed %d, %s: %s" % (seed, "JSON" if is_json else "protobuf", one) for one in words]
        compared += count
    return compared, []


def main():
    seed = int(os.environ.get("MONO_PROPERTY_SEED") or time.time())
    print("MONO_PROPERTY_SEED=%d" % seed)
    with Server(flush="10s") as server:
        works = []
        for signal in SIGNALS:
            for first in range(0, REQUESTS, BATCH):
                projects = []
                for form in ("protobuf", "json"):
                    name = "%s-%d-%s" % (signal, first, form)
                    project, _, key = server.project_create(name)
                    projects.append((name, project, key))
                works.append((signal, first, seed + len(works), server.http_port, server.pg_port, projects))
        time.sleep(2.5)  # a running server takes in new keys within a second or two
        start = time.monotonic()
        compared = {signal: 0 for signal in SIGNALS}
        with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
            for work, (count, words) in zip(works, pool.imap(batch_check, works)):
                check(not words, "\n".join(words)[:20000])
                compared[work[0]] += count
        columns = len(SPANS.columns), len(METRICS.columns)
        print("%d requests of each signal in each encoding: %s rows equal in all of %d and %d columns, in %.0f s" %
              (REQUESTS, compared, columns[0], columns[1], time.monotonic() - start))
        check(all(count > REQUESTS for count in compared.values()), "every signal has had rows")


if __name__ == "__main__":
    main()
