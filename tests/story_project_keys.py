# time_limit_s: 120
"""Keys in resources: the Python SDK with the resource attribute at-project-key and no header sends traces, logs and metrics, over
gRPC and HTTP, into the project of that key; a request of two projects is stored under each; records without a key that counts are
left out. Nowhere on disk is a key: not in the log, not in the segments, not in the tables, which are read with pyarrow."""
import glob
import http.client
import json
import os
import sys
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import psycopg
import pyarrow.parquet
from monoscope import Server, check, wait_until
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp import OK, UNAUTHENTICATED, Sender, gauge, gzip, log, logs, metrics, span, traces, zstd

ATTRIBUTE = "at-project-key"


def with_sdk(exporter, service, key, spans):
    """An app whose resource has the key, and whose exporter has no headers."""
    provider = TracerProvider(resource=Resource.create({"service.name": service, ATTRIBUTE: key}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("story")
    for number in range(spans):
        with tracer.start_as_current_span("by sdk %d" % number):
            pass
    check(provider.force_flush(20000), service + " sends all")
    provider.shutdown()


def count(server, where, key=None):
    with server.connect(**({"user": "other", "password": key} if key else {})) as connection:
        return connection.execute("SELECT count(*) FROM otel_logs_and_spans WHERE " + where).fetchone()[0]


def is_known(server, key):
    try:
        return count(server, "true", key) == 0
    except psycopg.OperationalError:
        return False


def wait_counts(server, where, other_key, wanted, other_wanted):
    wait_until(lambda: count(server, where, other_key) >= other_wanted, "%d rows of the other project where %s" % (other_wanted, where))
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE " + where, wanted)
    seen = count(server, where, other_key)
    check(seen == other_wanted, "%d rows of the other project where %s, wanted %d" % (seen, where, other_wanted))


def mixed(server, other_key):
    """Spans of both projects, of none and of an unknown key in one request."""
    request = traces([span("mixed a%d" % n) for n in range(3)], {"service.name": "mixed", ATTRIBUTE: server.key})
    for resource, spans in (({ATTRIBUTE: other_key, "service.name": "mixed"}, 4), ({"service.name": "mixed"}, 5),
                            ({ATTRIBUTE: "mono_nobody", "service.name": "mixed"}, 6), ({ATTRIBUTE: server.key}, 7)):
        request.resource_spans.extend(traces([span("mixed b%d" % n) for n in range(spans)], resource).resource_spans)
    return request


def two_projects(server, other_key):
    sender, request = Sender(server.grpc_port), mixed(server, other_key)
    for again in range(3):
        answer = sender.send("traces", request, encoding=[None, "gzip", "zstd"][again])
        check(answer.status == OK and answer.rejected == 11, "sent for the %d. time: %s" % (again + 1, answer))
        check(answer.reason.startswith("resource_spans[2]: no API key"), answer.reason)
    wait_counts(server, "name LIKE 'mixed %'", other_key, 10, 4)
    answer = sender.send("logs", logs([log("alone")], {ATTRIBUTE: "mono_nobody"}))
    check(answer.status == UNAUTHENTICATED and "unknown or revoked API key in the resource attribute" in answer.text, answer)
    answer = sender.send("logs", logs([log("alone")], {"service.name": "nobody's"}))
    check(answer.status == UNAUTHENTICATED and ATTRIBUTE in answer.text, answer)
    # A header wins: what the resource says is not looked at, and not kept.
    answer = Sender(server.grpc_port, other_key).send("logs", logs([log("of the header")], {ATTRIBUTE: server.key}))
    check(answer.status == OK and answer.rejected == 0, answer)
    answer = Sender(server.grpc_port).send("metrics", metrics([gauge("keyed", 1.5)], {ATTRIBUTE: other_key}))
    check(answer.status == OK and answer.rejected == 0, answer)
    wait_counts(server, "body::text LIKE '%of the header%'", other_key, 0, 1)


def by_json(server, other_key):
    """OTLP/JSON as curl sends it: with a key in its resource, with a header, packed or not; all of it is read again from the log."""
    text = json.dumps({"resourceSpans": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "json app"}}, {"key": ATTRIBUTE, "value": {"stringValue": "KEY"}}]},
        "scopeSpans": [{"spans": [{"traceId": "5B8EFFF798038103D269B633813FC6%02X" % n, "spanId": "eee19b7ec3c1b174", "kind": 2,
                                   "name": "by json", "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": time.time_ns(),
                                   "attributes": [{"key": "n", "value": {"intValue": "%d" % n}}]} for n in range(1, 6)]}]}]})
    for key, header, pack, encoding in ((other_key, "", zlib.compress, "deflate"), (server.key, "", lambda raw: raw, "identity"),
                                        ("nothing", other_key, gzip, "gzip"), ("anything", server.key, zstd, "zstd"),
                                        (other_key, "", lambda raw: raw, "identity")):  # the last is the first again
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
        headers = {"content-type": "application/json", "content-encoding": encoding}
        if header:
            headers["x-api-key"] = header
        connection.request("POST", "/v1/traces", pack(text.replace("KEY", key).encode()), headers)
        answer = connection.getresponse()
        told = answer.read()
        check(answer.status == 200 and told == b"{}", "JSON, %s: %d %s" % (encoding, answer.status, told))
        connection.close()
    wait_counts(server, "name = 'by json'", other_key, 10, 10)


def nothing_on_disk(server, secrets):
    """In no file, as bytes; nor, as pyarrow reads them, in any column of a table, the name of the attribute included."""
    files = [path for path in glob.glob(server.data + "/**/*", recursive=True)
             if os.path.isfile(path) and os.path.basename(path) != "default.key"]
    check(any("/log/" in path for path in files) and any(path.endswith(".parquet") for path in files), "files: %s" % files)
    for path in files:
        with open(path, "rb") as f:
            content = f.read()
        for secret in secrets:
            check(secret.encode() not in content, "%s has the key %s..." % (path, secret[:9]))
    rows = 0
    for path in glob.glob(server.delta_tables() + "/**/*.parquet", recursive=True):
        for row in pyarrow.parquet.ParquetFile(path).read().to_pylist():
            rows += 1
            text = json.dumps(row, default=str)
            check(ATTRIBUTE not in text and not any(secret in text for secret in secrets), "%s: %s" % (path, text))
    return len(files), rows


def main():
    with Server(flush="1h") as server:
        _, _, other_key = server.project_create("other")
        wait_until(lambda: is_known(server, other_key), "the server knows the key that was made beside it")
        endpoint = "http://127.0.0.1:%d"
        with_sdk(GrpcExporter(endpoint=endpoint % server.grpc_port, insecure=True), "grpc app", other_key, 20)
        with_sdk(HttpExporter(endpoint=endpoint % server.http_port + "/v1/traces"), "http app", other_key, 30)
        with_sdk(GrpcExporter(endpoint=endpoint % server.grpc_port, insecure=True), "first app", server.key, 10)
        wait_counts(server, "name LIKE 'by sdk %'", other_key, 10, 50)
        for row in server.query("SELECT * FROM otel_logs_and_spans WHERE name LIKE 'by sdk %'"):
            check(ATTRIBUTE not in str(row) and "mono_" not in str(row), "SQL shows a key: %s" % (row,))
        two_projects(server, other_key)
        by_json(server, other_key)
        # All of it is in the log and in segments now; after a kill it is read again from the log, then stored in tables.
        before = nothing_on_disk(server, [other_key, server.key])
        check(any(ATTRIBUTE.encode() in open(path, "rb").read() for path in glob.glob(server.data + "/log/*")),
              "the log is as plain as this story takes it to be")
        server.kill()
        server.start()
        wait_counts(server, "name LIKE 'by sdk %'", other_key, 10, 50)
        wait_counts(server, "name LIKE 'mixed %'", other_key, 10, 4)
        wait_counts(server, "name = 'by json'", other_key, 10, 10)
        server.stop()
        after = nothing_on_disk(server, [other_key, server.key])
        check(after[1] >= 95, "%d rows in the tables" % after[1])
        print("keys: in none of %d files before and %d after, %d rows of tables" % (before[0], after[0], after[1]))


main()
