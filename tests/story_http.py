# time_limit_s: 240, tries: 2
"""OTLP/HTTP from outside: every type and encoding of each signal becomes the rows that were sent; the lines of docs/ingest.md
work as they stand there; mistakes get the answers it promises; pages send with browser keys and with no others; connections are
used again, slow clients are sent away, and what is too large is refused before it is sent."""
import base64
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from google.protobuf import json_format
from monoscope import REPO, STORY_DIR, Server, check
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp import gauge, gzip, log, logs, metrics, span, traces, zstd

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SHOP = "https://shop.example"
ANSWERS = {"traces": trace_service_pb2.ExportTraceServiceResponse, "logs": logs_service_pb2.ExportLogsServiceResponse,
           "metrics": metrics_service_pb2.ExportMetricsServiceResponse}


def raw_deflate(raw):
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(raw) + packer.flush()


ENCODINGS = [("", lambda raw: raw), ("identity", lambda raw: raw), ("gzip", gzip), ("zstd", zstd), ("deflate", zlib.compress),
             ("deflate", raw_deflate)]


def hexed(tree):
    """OTLP's JSON has ids in hex where protobuf's has base64."""
    if isinstance(tree, list):
        return [hexed(item) for item in tree]
    if isinstance(tree, dict):
        return {key: base64.b64decode(item).hex() if key in ("traceId", "spanId", "parentSpanId") else hexed(item)
                for key, item in tree.items()}
    return tree


def encoded(message, content_type):
    if content_type == PROTOBUF:
        return message.SerializeToString()
    return json.dumps(hexed(json_format.MessageToDict(message, use_integers_for_enums=True))).encode()


class Client:
    """One connection, used again."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
        self.connection.connect()
        self.local_port = self.connection.sock.getsockname()[1]

    def ask(self, method, path, body=b"", headers=None):
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        answer.text = answer.read()
        return answer

    def post(self, signal, message, content_type=PROTOBUF, encoding="", pack=lambda raw: raw, key=None, **more):
        headers = {"content-type": content_type, "authorization": "Bearer " + (key or self.server.key)}
        if encoding:
            headers["content-encoding"] = encoding
        headers.update(more)
        body = message if isinstance(message, bytes) else encoded(message, content_type)
        return self.ask("POST", "/v1/" + signal, pack(body), headers)


def check_answer(words, answer, status, text="", content_type=None):
    check(answer.status == status, "%s: status %d, wanted %d: %r" % (words, answer.status, status, answer.text))
    check(text.encode() in answer.text, "%s: %r, wanted the words \"%s\"" % (words, answer.text, text))
    check(content_type is None or answer.headers["content-type"] == content_type, "%s: is %s" % (words, answer.headers))
    check((answer.headers["retry-after"] is not None) == (status in (429, 503)), "%s: Retry-After: %s" % (words, answer.headers))


def every_type_and_encoding(server):
    client, sent = Client(server), 0
    for content_type in (PROTOBUF, JSON):
        for encoding, pack in ENCODINGS:
            for signal, message in (("traces", traces([span("by http %d" % sent, {"n": sent})])),
                                    ("logs", logs([log("by http %d" % sent, {"n": sent})])),
                                    ("metrics", metrics([gauge("by.http", float(sent))]))):
                answer = client.post(signal, message, content_type, encoding, pack)
                words = "%s of %s, %s" % (signal, content_type, encoding or "plain")
                check_answer(words, answer, 200, content_type=content_type)
                check(answer.text == (b"" if content_type == PROTOBUF else b"{}"), "%s: %r" % (words, answer.text))
            sent += 1
    check(client.connection.sock is not None and client.connection.sock.getsockname()[1] == client.local_port,
          "all of it went over one connection")
    server.wait_count("SELECT count(DISTINCT name) FROM otel_logs_and_spans WHERE name LIKE 'by http %'", sent)
    server.wait_count("SELECT count(DISTINCT body::text) FROM otel_logs_and_spans WHERE body::text LIKE '%by http %'", sent)
    server.wait_count("SELECT count(*) FROM otel_metrics WHERE metric_name = 'by.http'", sent)
    return sent


def left_out(server):
    client = Client(server)
    for signal, message, name in (("traces", traces([span("kept"), span("left out", at_ns=1)]), "rejectedSpans"),
                                  ("logs", logs([log("kept"), log("left out", at_ns=1)]), "rejectedLogRecords"),
                                  ("metrics", metrics([gauge("kept", 1), gauge("left.out", 1, at_ns=1)]), "rejectedDataPoints")):
        answer = client.post(signal, message, JSON)
        check_answer(signal + " with one left out", answer, 200)
        partial = json.loads(answer.text)["partialSuccess"]
        check(partial[name] == "1" and "before" in partial["errorMessage"], "%s: %s" % (signal, partial))
        answer = client.post(signal, message, PROTOBUF)
        parsed = json_format.MessageToDict(ANSWERS[signal].FromString(answer.text))["partialSuccess"]
        check(parsed[name] == "1", "%s: %s" % (signal, parsed))


def mistakes(server):
    client = Client(server)
    good = traces([span("good")])
    for words, method, path, headers, body, status, text in (
            ("another path", "POST", "/", {}, b"x", 404, "POST to /v1/traces, /v1/logs or /v1/metrics"),
            ("a GET", "GET", "/v1/traces", {}, b"", 405, "POST"),
            ("no key", "POST", "/v1/traces", {"content-type": JSON}, b"{}", 401, "no API key"),
            ("a wrong key", "POST", "/v1/traces", {"content-type": JSON, "x-api-key": "mono_x"}, b"{}", 401, "unknown or revoked"),
            ("a key in the URL", "POST", "/v1/traces?key=" + server.key, {"content-type": JSON}, b"{}", 401, "a key in the URL"),
            ("no type", "POST", "/v1/traces", {"x-api-key": server.key}, b"{}", 415, "no Content-Type"),
            ("another type", "POST", "/v1/traces", {"x-api-key": server.key, "content-type": "text/plain"}, b"{}", 415, "not known")):
        check_answer(words, client.ask(method, path, body, headers), status, text)
    check(client.ask("GET", "/v1/logs").headers["allow"] == "POST, OPTIONS", "405 tells what is allowed")
    check_answer("brotli", client.post("traces", good, encoding="br"), 415, "use gzip, zstd, deflate or none", PROTOBUF)
    check_answer("no gzip", client.post("traces", good, encoding="gzip"), 400, "gzip", PROTOBUF)
    check_answer("no protobuf", client.post("traces", b"\x0a\xff", PROTOBUF), 400, "protobuf", PROTOBUF)
    answer = client.post("logs", b'{"resourceLogs": [', JSON)
    check_answer("no JSON", answer, 400, "", JSON)
    check(json.loads(answer.text)["code"] == 3 and json.loads(answer.text)["message"], "a Status: %r" % answer.text)
    check_answer("a bomb", client.post("traces", gzip(bytes(65 << 20)), encoding="gzip"), 413, "64 MiB", PROTOBUF)
    check_answer("and then", client.post("traces", good), 200)


def browser_keys(server):
    printed = server.command("key", "create", "default", "page", "--browser", SHOP)
    key = re.search(r"^API key +(\S+)", printed, re.M).group(1)
    client, asks = Client(server), {"access-control-request-method": "POST",
                                    "access-control-request-headers": "content-type,x-api-key"}
    end = time.monotonic() + 10  # a running server sees the new key within a second or so
    while client.ask("OPTIONS", "/v1/traces", headers=dict(asks, origin=SHOP)).status != 204 and time.monotonic() < end:
        time.sleep(0.1)
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
        answer = client.ask("OPTIONS", path, headers=dict(asks, origin=SHOP))
        check_answer("a preflight", answer, 204)
        check(answer.headers["access-control-allow-origin"] == SHOP and
              answer.headers["access-control-allow-headers"] == asks["access-control-request-headers"] and
              answer.headers["access-control-allow-methods"] == "POST" and "Origin" in answer.headers["vary"],
              "a preflight: %s" % answer.headers)
    answer = client.ask("OPTIONS", "/v1/traces", headers=dict(asks, origin="https://evil.example"))
    check_answer("a preflight of another page", answer, 403)
    check(answer.headers["access-control-allow-origin"] is None, "the browser is not let in: %s" % answer.headers)

    answer = client.post("traces", traces([span("from a page")]), JSON, key=key, origin=SHOP)
    check_answer("a page", answer, 200)
    check(answer.headers["access-control-allow-origin"] == SHOP, "the page can read it: %s" % answer.headers)
    page = traces([span("from elsewhere")])
    check_answer("another page", client.post("traces", page, JSON, key=key, origin="https://evil.example"), 403, "not for pages of")
    check_answer("no page", client.post("traces", page, JSON, key=key), 403, "no Origin")
    check_answer("a usual key in a page", client.post("traces", page, JSON, origin=SHOP), 403, "--browser " + SHOP)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'from a page'", 1)
    check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'from elsewhere'") == 0, "nothing else came in")


def lines_of_the_docs(server):
    """Each curl of docs/ingest.md, with the key, the port and the origin of this server put in."""
    with open(os.path.join(REPO, "docs", "ingest.md")) as f:
        commands = re.findall(r"^(    curl .*\n(?:    .*\n)*)", f.read(), re.M)
    check(len(commands) >= 2, "docs/ingest.md has its lines: %s" % commands)
    message = os.path.join(STORY_DIR, "spans.bin")
    with open(message, "wb") as f:
        f.write(encoded(traces([span("of the docs")]), PROTOBUF))
    for command in commands:
        command = command.replace("KEY", server.key).replace(":4318", ":%d" % server.http_port).replace("spans.bin", message)
        shown = subprocess.run(command.strip() + " -sS -w '%{http_code}'", shell=True, capture_output=True, text=True)
        check(shown.returncode == 0 and shown.stdout.endswith("200"), "%s\n%s%s" % (command, shown.stdout, shown.stderr))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'of the docs'", 1)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'my-shell' "
                      "AND body::text LIKE '%hello%'", 1)


def curl(server, path, *options):
    """(what it printed, the lines that it sent and got)."""
    shown = subprocess.run(["curl", "-sSv", "http://127.0.0.1:%d%s" % (server.http_port, path), "-H", "x-api-key: " + server.key,
                            "-H", "content-type: " + PROTOBUF, "-w", "%{http_code}"] + list(options),
                           capture_output=True, text=True, errors="replace")
    check(shown.returncode == 0, "curl works: " + shown.stderr[-2000:])
    return shown.stdout, shown.stderr


def expectations(server):
    """curl asks before it sends more than a megabyte."""
    large = os.path.join(STORY_DIR, "large.bin")
    with open(large, "wb") as f:
        f.write(encoded(traces([span("large", {"text": "x" * (3 << 20)})]), PROTOBUF))
    for options in ((), ("-H", "transfer-encoding: chunked"), ("--http1.0",)):
        shown, said = curl(server, "/v1/traces", "--data-binary", "@" + large, *options)
        check(shown == "200", "%s: %s" % (options, shown))
        check("--http1.0" in options or "HTTP/1.1 100 Continue" in said, "it was told to go on: " + said)
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'large'", 1)
    with open(large, "wb") as f:
        f.truncate((64 << 20) + 1)
    shown, said = curl(server, "/v1/traces", "--data-binary", "@" + large)
    check(shown.endswith("413") and "100 Continue" not in said, "it was told before it sent 64 MiB: " + shown)
    shown, said = curl(server, "/v1/traces", "--data-binary", "@" + large, "-H", "expect:")
    check(shown.endswith("413"), "it was heard while it sent 64 MiB: " + shown)
    os.unlink(large)


def read_all(connection):
    text = b""
    while True:
        more = connection.recv(65536)
        if not more:
            return text
        text += more


def by_hand(server):
    """Bytes that no library would send."""
    def talk(text, end=False):
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=30) as connection:
            connection.sendall(text)
            if end:
                connection.shutdown(socket.SHUT_WR)
            return read_all(connection)

    body = encoded(traces([span("pipelined")]), PROTOBUF)
    head = b"POST /v1/traces HTTP/1.1\r\nhost: h\r\nx-api-key: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n" % (
        server.key.encode(), PROTOBUF.encode(), len(body))
    text = talk((head + b"\r\n" + body) * 3 + b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    check(re.findall(rb"HTTP/1.1 (\d+)", text) == [b"200"] * 3 + [b"404"], "pipelined: %r" % text)
    check(talk(head + b"\r\n" + body, end=True).startswith(b"HTTP/1.1 200"), "a client that ends its side is answered")
    for words, text, status in (("both lengths", head + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
                                ("a length twice", head + b"content-length: 1\r\n\r\n", b"400"),
                                ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"505"),
                                ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
                                ("large headers", b"GET / HTTP/1.1\r\nx: " + b"x" * 20000, b"431"),
                                ("a long path", b"GET /" + b"x" * 20000, b"414")):
        answer = talk(text)
        check(answer.startswith(b"HTTP/1.1 " + status), "%s: %r" % (words, answer[:200]))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'pipelined'", 1)


def sdk(server):
    """OpenTelemetry's own exporter for Python, with all that it adds."""
    provider = TracerProvider(resource=Resource.create({"service.name": "python-http"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(
        endpoint="http://127.0.0.1:%d/v1/traces" % server.http_port, headers={"authorization": "Bearer " + server.key},
        compression=Compression.Gzip)))
    for i in range(2000):
        with provider.get_tracer("story").start_as_current_span("by the SDK"):
            pass
    check(provider.force_flush(20000), "the exporter is done")
    provider.shutdown()
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'by the SDK' "
                      "AND resource___service___name = 'python-http'", 2000)


class Slow(threading.Thread):
    """A client whose headers never end: 20 seconds, beside the rest of the story."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.text, self.seconds = server, b"", 0
        self.start()

    def run(self):
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.server.http_port), timeout=60) as connection:
            connection.sendall(b"POST /v1/traces HTTP/1.1\r\n")
            self.text = read_all(connection)
        self.seconds = time.monotonic() - began


def main():
    with Server() as server:
        slow = Slow(server)
        sent = every_type_and_encoding(server)
        left_out(server)
        mistakes(server)
        browser_keys(server)
        lines_of_the_docs(server)
        expectations(server)
        by_hand(server)
        sdk(server)
        slow.join()
        check(slow.text.startswith(b"HTTP/1.1 408") and slow.seconds >= 20, "the slow one was sent away: %r" % slow.text)
        idle = Client(server)
        check_answer("before the end", idle.post("traces", traces([span("last")])), 200)
        seconds = server.stop()
        check(seconds < 18, "it stops at once beside an idle connection: %.1f s" % seconds)
        server.start()
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'last'", 1)
        print("3 signals x 2 types x %d encodings; the slow client waited %.1f s" % (sent // 2, slow.seconds))


if __name__ == "__main__":
    main()
