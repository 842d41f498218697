# time_limit_s: 240, tries: 2
"""Bytes from outside: broken, hostile and odd requests each get the answer that docs/ingest.md promises, whatever is right in the
same request is stored, a good request is answered after each of them, and memory stays within --memory."""
import os
import random
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pyarrow
from monoscope import ROUNDS, MemoryWatch, Server, check
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import (INVALID_ARGUMENT, OK, PATHS, RESOURCE_EXHAUSTED, UNAUTHENTICATED, UNAVAILABLE, UNIMPLEMENTED, Broken, Sender, attributes, field,
                  gauge, gzip, log, logs, metrics, span, traces, value, varint, zstd)

MEMORY_MIB = 512
MIB = 1 << 20
DAY_NS = 86400 * 1000000000
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)


class Story:
    def __init__(self, server):
        self.server = server
        self.sender = Sender(server.grpc_port, server.key)
        self.probe = Sender(server.grpc_port, server.key)
        self.stored = {}  # name: how many rows of it there must be
        self.points = {}
        self.cases = 0

    def good(self, name, count=2):
        """Good spans to go into a bad request; they must be stored."""
        self.stored[name] = self.stored.get(name, 0) + count
        return [span(name) for _ in range(count)]

    def send(self, *request, sender=None):
        return self.patiently((sender or self.sender).send, request)

    def call(self, *request):
        """The same with every byte of the frame told."""
        return self.patiently(self.sender.call, request)

    def patiently(self, ask, request):
        """What was sent before may still fill the memory for requests: a sender that is told so comes again, as it was told."""
        until = time.monotonic() + 60
        while True:
            answer = ask(*request)
            if answer.status != UNAVAILABLE or answer.retry_s is None or time.monotonic() > until:
                return answer
            time.sleep(answer.retry_s)

    def alive(self):
        self.cases += 1
        check(self.server.process.poll() is None, "the server lives\n" + self.server.log_text()[-4000:])
        answer = self.send("traces", traces(self.good("probe", 1)), sender=self.probe)
        check(answer.status == OK and answer.rejected == 0, "a good request is answered: %r" % answer)

    def expect(self, words, answer, status, rejected=0, reason=None, text=None):
        statuses = status if isinstance(status, tuple) else (status,)
        check(answer.status in statuses, "%s: %r, wanted status %s" % (words, answer, status))
        check(answer.rejected == rejected, "%s: %r, wanted %d rejected" % (words, answer, rejected))
        check(reason is None or reason in answer.reason, "%s: %r, wanted the reason \"%s\"" % (words, answer, reason))
        check(text is None or text in answer.text, "%s: %r, wanted the words \"%s\"" % (words, answer, text))
        check(answer.status == OK or answer.text, "%s: a refusal has words: %r" % (words, answer))
        check(answer.status not in (INVALID_ARGUMENT, RESOURCE_EXHAUSTED) or answer.retry_s is None,
              "%s: what no retry will help is not marked so: %r" % (words, answer))
        self.alive()

    def partial(self, words, bad, count, reason, name=None):
        """A request of bad spans among good ones."""
        name = name or words
        spans = self.good(name, 1) + bad + self.good(name, 1)
        self.expect(words, self.send("traces", traces(spans)), OK, count, reason)

    def verify(self):
        self.server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'probe'", self.stored["probe"])
        found = dict(self.server.query("SELECT name, count(*) FROM otel_logs_and_spans WHERE name IS NOT NULL GROUP BY 1"))
        for name, count in self.stored.items():
            check(found.get(name, 0) == count, "%d rows \"%s\", wanted %d" % (found.get(name, 0), name, count))
        points = dict(self.server.query("SELECT metric_name, count(*) FROM otel_metrics GROUP BY 1"))
        for name, count in self.points.items():
            check(points.get(name, 0) == count, "%d points \"%s\", wanted %d" % (points.get(name, 0), name, count))


def raw_span(name, extra):
    """A span's bytes with more fields behind, those that no library would write."""
    return span(name).SerializeToString() + extra


def raw_traces(spans):
    return field(1, field(2, b"".join(field(2, raw) for raw in spans)))


def broken_protobuf(story):
    signals = {"traces": traces([span("cut", {"a": "b"})]), "logs": logs([log("cut", {"a": 1})]), "metrics": metrics([gauge("cut", 1.0)])}
    for signal, request in signals.items():
        raw = request.SerializeToString()
        for at in sorted(rng.sample(range(1, len(raw)), 20)):
            answer = story.send(signal, raw[:at])
            check(answer.status == INVALID_ARGUMENT, "%s cut at %d of %d: %r" % (signal, at, len(raw), answer))
        story.expect("half of " + signal, story.send(signal, raw[:len(raw) // 2]), INVALID_ARGUMENT)
        story.expect("empty " + signal, story.send(signal, b""), OK)
        for _ in range(20 * ROUNDS):
            noise = rng.randbytes(rng.choice([1, 2, 10, 100, 1000]))
            answer = story.send(signal, noise)
            check(answer.status in (OK, INVALID_ARGUMENT), "noise in %s: %r: %s" % (signal, answer, noise.hex()))
        for _ in range(20 * ROUNDS):
            flipped = bytearray(raw)
            for _ in range(rng.choice([1, 1, 2, 5])):
                flipped[rng.randrange(len(flipped))] = rng.randrange(256)
            answer = story.send(signal, bytes(flipped))
            check(answer.status in (OK, INVALID_ARGUMENT), "flipped bytes in %s: %r: %s" % (signal, answer, flipped.hex()))
        story.alive()
    story.expect("a known field of another wire type", story.send("traces", b"\x08\x01"), OK)
    story.expect("a group", story.send("traces", b"\x0b\x0c"), INVALID_ARGUMENT)
    story.expect("a length of 2^62", story.send("traces", b"\x0a" + varint(1 << 62) + b"x"), INVALID_ARGUMENT)
    story.expect("a length of 11 bytes", story.send("traces", b"\x0a" + b"\xff" * 10 + b"\x01"), INVALID_ARGUMENT)
    story.expect("field number 0", story.send("traces", b"\x02\x00"), INVALID_ARGUMENT)
    newer = raw_traces([raw_span("newer", field(500, b"from the future") + varint(501 << 3) + b"\x05")] +
                       [raw.SerializeToString() for raw in story.good("newer", 1)])
    story.stored["newer"] += 1
    story.expect("unknown fields are skipped", story.send("traces", newer), OK)


def nested(depth):
    """An AnyValue with arrays in arrays, as bytes."""
    raw = value("deep").SerializeToString()
    for _ in range(depth):
        raw = field(5, field(1, raw))
    return raw


def deep_values(story):
    for depth in (33, 100, 10000):
        attribute = field(9, field(1, b"nested") + field(2, nested(depth)))
        spans = [raw_span("not kept", attribute)] + [good.SerializeToString() for good in story.good("beside %d levels" % depth)]
        story.expect("%d levels" % depth, story.send("traces", raw_traces(spans)), OK, 1, "nested too deep")
    story.stored["31 levels"] = 1
    story.expect("31 levels", story.send("traces", raw_traces([raw_span("31 levels", field(9, field(1, b"nested") +
                                                                                              field(2, nested(31))))])), OK)
    body = field(1, field(2, field(2, field(5, nested(10000)))))
    story.expect("a log body of 10,000 levels", story.send("logs", body), OK, 1, "nested too deep")


def bad_text(story):
    bad = b"caf\xe9"
    attribute = field(9, field(1, b"k") + field(2, field(1, bad)))
    cases = {"name": field(5, bad), "attribute": attribute, "key": field(9, field(1, bad) + field(2, field(1, b"v"))),
             "event": field(11, field(2, bad)), "status": field(15, field(2, bad)), "overlong": field(5, b"\xc0\xaf"),
             "surrogate": field(5, b"\xed\xa0\x80"), "inside": field(9, field(1, b"k") + field(2, field(5, field(1, field(1, bad)))))}
    for words, extra in cases.items():
        spans = [raw_span("not kept", extra)] + [good.SerializeToString() for good in story.good("beside bad " + words)]
        story.expect("bad UTF-8: " + words, story.send("traces", raw_traces(spans)), OK, 1, "UTF-8")
    resource = field(1, field(1, field(1, b"k") + field(2, field(1, bad))))
    below = field(2, b"".join(field(2, span("not kept").SerializeToString()) for _ in range(3)))
    good = traces(story.good("beside a bad resource")).SerializeToString()
    story.expect("bad UTF-8: resource", story.send("traces", field(1, resource + below) + good), OK, 3, "UTF-8")
    metric = metrics([gauge("beside bad metric", 1.0)]).SerializeToString()
    story.points["beside bad metric"] = 1
    bad_metric = field(1, field(2, field(2, field(1, bad) + field(5, gauge("x", 1.0).gauge.SerializeToString()))))
    story.expect("bad UTF-8: metric", story.send("metrics", bad_metric + metric), OK, 1, "UTF-8")
    story.stored["a NUL: \0 inside"] = 1
    story.expect("a NUL in a text", story.send("traces", traces([span("a NUL: \0 inside", {"k\0": "v\0"})])), OK)


def zstd_stream(raw):
    """zstd whose frame does not tell its size."""
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(raw)
    return sink.getvalue().to_pybytes()


def bombs(story):
    filler = field(99, bytes(60 * MIB))  # an unknown field: skipped
    good = traces(story.good("in 60 MiB")).SerializeToString()
    story.expect("60 MiB by gzip", story.call(PATHS["traces"], gzip(filler + good, 1), "gzip", 1), OK)
    good = traces(story.good("in 60 MiB")).SerializeToString()
    story.expect("60 MiB by zstd", story.call(PATHS["traces"], zstd(filler + good), "zstd", 1), OK)
    good = traces(story.good("a zstd that does not tell its size")).SerializeToString()
    story.expect("a zstd that does not tell its size", story.call(PATHS["traces"], zstd_stream(good), "zstd", 1), OK)
    good = traces(story.good("two gzip members")).SerializeToString()
    story.expect("two members of gzip", story.call(PATHS["traces"], gzip(good[:20]) + gzip(good[20:]), "gzip", 1), OK)
    zeros = bytes(65 * MIB)
    large = gzip(bytes(1024 * MIB), 9)
    for words, body, encoding in (
            ("65 MiB by gzip", gzip(zeros), "gzip"), ("1 GiB by gzip", large, "gzip"), ("65 MiB by zstd", zstd(zeros), "zstd"),
            ("300 MiB by zstd, size not told", zstd_stream(bytes(300 * MIB)), "zstd"),
            ("20 members of 4 MiB", gzip(bytes(4 * MIB)) * 20, "gzip"), ("20 frames of 4 MiB", zstd(bytes(4 * MIB)) * 20, "zstd"),
            ("1 GiB by gzip with a small size told", large[:-4] + b"\x10\0\0\0", "gzip")):
        story.expect("bomb: " + words, story.call(PATHS["traces"], body, encoding, 1), RESOURCE_EXHAUSTED)
    packed = gzip(traces([span("not kept")] * 50).SerializeToString())
    for words, body, encoding in (
            ("noise as gzip", rng.randbytes(500), "gzip"), ("noise as zstd", rng.randbytes(500), "zstd"), ("half a gzip", packed[:len(packed) // 2], "gzip"),
            ("a gzip with a wrong checksum", packed[:-8] + b"\0\0\0\0" + packed[-4:], "gzip"),
            ("a gzip with a wrong size", packed[:-4] + b"\x01\0\0\0", "gzip"), ("half a zstd", zstd(bytes(5000))[:-5], "zstd")):
        story.expect(words, story.call(PATHS["traces"], body, encoding, 1), (INVALID_ARGUMENT, RESOURCE_EXHAUSTED) if "size" in words else INVALID_ARGUMENT)


def framing(story):
    good = traces(story.good("flag 0 with an encoding", 1)).SerializeToString()
    story.expect("flag 0 with an encoding", story.sender.call(PATHS["traces"], good, "gzip", 0), OK)
    request = traces([span("not kept")]).SerializeToString()
    story.expect("flag 1 without an encoding", story.sender.call(PATHS["traces"], request, None, 1), (3, 12, 13))
    story.expect("flag 1 with snappy", story.sender.call(PATHS["traces"], request, "snappy", 1), UNIMPLEMENTED, text="zstd")
    for words, length in (("a frame longer than what comes", len(request) + 10), ("a frame shorter than what comes", len(request) - 10)):
        try:
            story.expect(words, story.sender.call(PATHS["traces"], request, length=length), (3, 12, 13))
        except Broken:
            story.alive()
    story.expect("a frame of 4 GiB told", story.sender.call(PATHS["traces"], request, length=0xFFFFFFFF), RESOURCE_EXHAUSTED)
    story.expect("a message of 65 MiB", story.sender.call(PATHS["traces"], field(99, bytes(65 * MIB))), RESOURCE_EXHAUSTED)
    story.expect("an unknown service", story.sender.call("/carts.CartService/Add", b""), UNIMPLEMENTED)
    story.expect("profiles", story.sender.call("/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", b""), UNIMPLEMENTED)
    for words, key, headers in (("no key", "", ()), ("an unknown key", "mono_" + "x" * 40, ()), ("an empty key", "", (("authorization", "Bearer "),)),
                                ("another scheme", "", (("authorization", "Basic " + story.server.key),)),
                                ("a key of 10 KB", "x" * 10000, ()), ("an unknown x-api-key", "", (("x-api-key", "mono_x"),))):
        sender = Sender(story.server.grpc_port, key)
        story.expect(words, sender.call(PATHS["traces"], request, headers=headers), UNAUTHENTICATED)
    good = traces(story.good("x-api-key", 1)).SerializeToString()
    story.expect("x-api-key", Sender(story.server.grpc_port).call(PATHS["traces"], good, headers=(("x-api-key", story.server.key),)), OK)
    for words, noise in (("noise on the port", rng.randbytes(4096)), ("HTTP/1.1", b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
                         ("a preface and nothing", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("nothing", b"")):
        with socket.create_connection(("127.0.0.1", story.server.grpc_port)) as wire:
            wire.sendall(noise)
            wire.settimeout(0.2)
            try:
                wire.recv(4096)
            except OSError:
                pass
        story.alive()


def large_records(story):
    story.stored["1 MB"] = 1
    story.expect("an attribute of 1 MB", story.send("traces", traces([span("1 MB", {"big": "ü" * (MIB // 2)})])), OK)
    story.stored["10,000 attributes"] = 1
    many = {"key.%d" % i: i for i in range(10000)}
    story.expect("10,000 attributes", story.send("traces", traces([span("10,000 attributes", many)])), OK)
    too_many = {"key.%d" % (i % 10000) + "x" * (i // 10000): i for i in range(16385)}
    story.partial("16,385 attributes", [span("not kept", too_many)], 1, "more than 16384 attributes")
    for i in range(12):
        keys = {"distinct.%d.%d" % (i, k): k for k in range(10000)}
        story.stored["distinct keys"] = story.stored.get("distinct keys", 0) + 1
        story.expect("120,000 distinct keys", story.send("traces", traces([span("distinct keys", keys)]), "gzip"), OK)
    story.stored["10,000 events"] = 1
    events = [trace_pb2.Span.Event(name="e%d" % i, time_unix_nano=time.time_ns(), attributes=attributes({"i": i})) for i in range(10000)]
    story.expect("10,000 events", story.send("traces", traces([span("10,000 events", events=events)])), OK)


def odd_times_and_ids(story):
    now = time.time_ns()
    story.partial("before 2000", [span("not kept", at_ns=946684799 * 10 ** 9), span("not kept", at_ns=1)], 2, "2000")
    story.partial("in 49 hours", [span("not kept", at_ns=now + 49 * 3600 * 10 ** 9)], 1, "future")
    story.partial("in the year 2554", [span("not kept", at_ns=2 ** 64 - 2000000)], 1, "future")
    story.partial("in 47 hours", [span("in 47 hours", at_ns=now + 47 * 3600 * 10 ** 9)], 0, None)
    story.stored["in 47 hours"] += 1
    story.partial("an end before its start", [span("an end before its start", end_time_unix_nano=now - 10 ** 9)], 0, None)
    story.stored["an end before its start"] += 1
    spans = [span("of 41 days", at_ns=now - day * DAY_NS) for day in range(41)]
    story.stored["of 41 days"] = 40
    story.expect("41 days", story.send("traces", traces(spans)), OK, 1, "UTC day")
    for words, more, reason in (
            ("a trace id of 15 bytes", {"trace_id": b"x" * 15}, "trace_id"), ("a trace id of 17 bytes", {"trace_id": b"x" * 17}, "trace_id"),
            ("no trace id", {"trace_id": b""}, "trace_id"), ("a trace id of zeros", {"trace_id": bytes(16)}, "trace_id"),
            ("a span id of 7 bytes", {"span_id": b"x" * 7}, "span_id"), ("a span id of zeros", {"span_id": bytes(8)}, "span_id"),
            ("a parent id of 9 bytes", {"parent_span_id": b"x" * 9}, "parent_span_id")):
        story.partial(words, [span("not kept", **more)], 1, reason)
    good = log("of good ids", trace_id=os.urandom(16), span_id=os.urandom(8), event_name="good log")
    story.stored["good log"] = 2
    answer = story.send("logs", logs([log("not kept", trace_id=b"x" * 15), good, log("not kept", span_id=b"x"),
                                             log("no time", at_ns=0, event_name="good log")]))
    story.expect("logs with ids of wrong lengths", answer, OK, 2, "trace_id")
    bounds = metrics_pb2.HistogramDataPoint(time_unix_nano=now, count=3, bucket_counts=[1, 2], explicit_bounds=[1, 2, 3])
    bad = metrics_pb2.Metric(name="not kept", histogram=metrics_pb2.Histogram(data_points=[bounds]))
    story.points.update({"good point": 1, "odd numbers": 3})
    story.expect("a histogram with counts and bounds that do not go together",
                 story.send("metrics", metrics([bad, gauge("good point", 1.0)])), OK, 1, "bucket_counts")
    odd = [gauge("odd numbers", number, {"n": i}) for i, number in enumerate((float("nan"), float("inf"), -float("inf")))]
    story.expect("NaN and infinities", story.send("metrics", metrics(odd)), OK)


def check_contents(story):
    server = story.server
    check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'not kept' OR body = '\"not kept\"'") == 0,
          "what was rejected is not there")
    check(server.one("SELECT count(*) FROM otel_metrics WHERE metric_name = 'not kept'") == 0, "rejected points are not there")
    check(server.one("SELECT length(attributes->>'big') FROM otel_logs_and_spans WHERE name = '1 MB'") == MIB // 2, "1 MB comes back")
    keys = server.one("SELECT attributes FROM otel_logs_and_spans WHERE name = '10,000 attributes'")["key"]
    check(keys == {str(i): i for i in range(10000)}, "10,000 attributes come back: %d" % len(keys))
    check(len(server.one("SELECT events FROM otel_logs_and_spans WHERE name = '10,000 events'")) == 10000, "10,000 events come back")
    flat = 0
    overflow = 0
    for (found,) in server.query("SELECT attributes FROM otel_logs_and_spans WHERE name = 'distinct keys'"):
        flat += sum(len(group) for group in found.get("distinct", {}).values())
        inside = found.get("monoscope", {}).get("attributes_overflow", {})
        overflow += sum(len(group) for group in inside.get("distinct", {}).values()) if "distinct" in inside else len(inside)
    check(flat + overflow == 120000 and overflow > 0, "120,000 distinct keys come back: %d as they are, %d in the overflow" % (flat, overflow))
    numbers = sorted(str(number) for number, in server.query("SELECT value FROM otel_metrics WHERE metric_name = 'odd numbers'"))
    check(numbers == ["-inf", "inf", "nan"], "NaN and infinities come back: %s" % numbers)
    row = server.query("SELECT duration, end_time < start_time FROM otel_logs_and_spans WHERE name = 'an end before its start' ORDER BY 1 LIMIT 1")
    check(row == [(0, True)], "an end before its start is kept as sent: %r" % row)
    return overflow


def main():
    print("seed", seed)
    with Server(flush="5s", options=["--memory", "%dMiB" % MEMORY_MIB]) as server:
        story = Story(server)
        watch = MemoryWatch(server)
        for part in (framing, broken_protobuf, deep_values, bad_text, odd_times_and_ids, large_records, bombs):
            start = time.monotonic()
            part(story)
            print("%s: %.1f s" % (part.__name__, time.monotonic() - start), flush=True)
        story.verify()
        overflow = check_contents(story)
        mib = watch.stop()
        check(mib["RssAnon"] < MEMORY_MIB and mib["VmHWM"] < MEMORY_MIB, "memory stays under %d MiB: %s" % (MEMORY_MIB, mib))
        server.stop()
        print("%d cases, a good request answered after each; %d keys beyond the limit; RssAnon at most %d MiB, VmHWM %d of %d MiB" %
              (story.cases, overflow, mib["RssAnon"], mib["VmHWM"], MEMORY_MIB))


main()
