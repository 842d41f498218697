# time_limit_s: 120, tries: 2
"""Errors and log patterns are found by one element of `hashes`: logs that say the same with other values, spans that failed alike,
each in files of their own; asking for one opens that one's files alone."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import Server, check, wait_until
from otlp import Sender, attributes, log, logs, span, traces
from opentelemetry.proto.trace.v1 import trace_pb2

MESSAGES = ["user %d has paid %d EUR by card", "connection of 10.0.0.%d:%d was closed by its peer", "cart %d expired after %d minutes"]
EACH = 40
FRAMES = ['Traceback (most recent call last):\n  File "/app/cart.py", line %d, in add\n    items[key]\nKeyError: %r\n',
          'Traceback (most recent call last):\n  File "/app/cart.py", line %d, in drop\n    items[key]\nKeyError: %r\n']


def failed(place, n):
    exception = {"exception.type": "KeyError", "exception.message": "no item %d" % n, "exception.stacktrace": FRAMES[place] % (n, n)}
    return span("work", events=[trace_pb2.Span.Event(name="exception", time_unix_nano=1, attributes=attributes(exception))])


def files_of(server, sql):
    plan = "\n".join(row[0] for row in server.query("EXPLAIN " + sql))
    found = re.search(r"Files: (\d+) of (\d+)", plan)
    check(found, "EXPLAIN tells the files: " + plan)
    return int(found.group(1)), int(found.group(2))


def flushed(server):
    segments = os.path.join(server.data, "segments")
    wait_until(lambda: not [name for name in os.listdir(segments) if name.endswith(".parquet")], "all segments are flushed", 30)


def element(hashes, prefix):
    found = [of for of in hashes if of.startswith(prefix)]
    check(len(found) == 1, "one element begins with %s: %r" % (prefix, hashes))
    return found[0]


def main():
    with Server(flush="1s") as server:
        sender = Sender(server.grpc_port, server.key)
        batches = [("logs", logs([log(text % (n, 7 * n)) for n in range(EACH)])) for text in MESSAGES]
        batches += [("traces", traces([failed(place, n) for n in range(EACH)])) for place in range(len(FRAMES))]
        for signal, message in batches:
            count = server.query("SELECT count(*) FROM otel_logs_and_spans")[0][0]
            check(sender.send(signal, message).status == 0, "the batch is taken")
            wait_until(lambda: server.query("SELECT count(*) FROM otel_logs_and_spans")[0][0] == count + EACH, "the batch is visible")
            flushed(server)

        rows = server.query("SELECT hashes, body, errors, id FROM otel_logs_and_spans")
        elements = {}
        for hashes, body, errors, row_id in rows:
            of = element(hashes, "pat:" if body else "err:")
            elements.setdefault(of, []).append(row_id)
            if errors:
                check(of == "err:" + errors[0]["fingerprint"], "the error's fingerprint is its element: %r" % errors)
        check(sorted(len(ids) for ids in elements.values()) == [EACH] * len(batches), "each kind has one element: %r" % {
            of: len(ids) for of, ids in elements.items()})
        for of, ids in elements.items():
            for condition in ("'%s' = any(hashes)", "hashes @> array['%s']"):
                sql = "SELECT id FROM otel_logs_and_spans WHERE " + condition % of
                check(sorted(row[0] for row in server.query(sql)) == sorted(ids), "%s gives its rows" % sql)
                opened, total = files_of(server, sql)
                check(opened == 1 and total > 1, "%s opens %d of %d files" % (sql, opened, total))
        check(files_of(server, "SELECT id FROM otel_logs_and_spans WHERE 'pat:nothing' = any(hashes)")[0] == 0, "no file has what is nowhere")
        print("%d elements of hashes, each found in 1 of %d files" % (len(elements), total))


main()
