# time_limit_s: 240, tries: 2 (the first run installs the browser's driver)
"""What comes in, by key: real senders do each thing that can be right or wrong, and GET /intake and its page (tests/ui/intake.js) tell the
numbers that were sent: taken, sent twice, partly left out, refused for each reason with the words the sender was told, how late, by which SDK.
Two servers on one database add up. A test event is pasted from the page and seen to arrive. axe finds no violation of WCAG AA; pages at three
widths are kept in build/stories/story_ui_intake.shots."""
import http.client
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin, sign_in, user_with_role
from monoscope import REPO, STORY_DIR, Server, check, wait_until
from nodeprogram import NODE, environment, install
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp import OK, PATHS, RESOURCE_EXHAUSTED, UNAUTHENTICATED, Sender, field, gauge, log, logs, metrics, span, traces
from story_parked import parked_file

MIB = 1 << 20
SECOND = 10**9
SPANS, LATE_S, AHEAD_S = 40, 90, 30


def sdk(exporter, service, count):
    """One batch of a real SDK."""
    provider = TracerProvider(shutdown_on_exit=False, resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    for n in range(count):
        provider.get_tracer("story").start_span("work %d" % n).end()
    check(provider.force_flush(20000), "the SDK sends what it has")
    provider.shutdown()


def posted(server, path, key, headers=None, body=b""):
    """(status, words) of one request over HTTP as no SDK would send it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    sent = {"content-type": "application/x-protobuf", "authorization": "Bearer " + key, "user-agent": "story/1.0"}
    sent.update(headers or {})
    connection.putrequest("POST", path, skip_accept_encoding=True)
    for name, value in sent.items():
        connection.putheader(name, value)
    if "content-length" not in sent:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    status, text = answer.status, answer.read().decode(errors="replace")
    connection.close()
    return status, text


class Keys:
    def __init__(self, admin):
        self.admin, self.ids, self.secrets = admin, {}, {}
        for name in ("checkout", "gateway", "clumsy", "eager", "retired", "silent"):
            self.make(name, {"scopes": ["ingest"]})
        self.make("reader", {"scopes": ["query"]})
        self.make("pages", {"origins": ["https://shop.example"]})
        self.make("recorder", {"origins": ["https://shop.example"]})

    def make(self, name, more):
        made = self.admin.done("POST", "/projects/default/keys", dict(more, name=name))
        self.ids[name], self.secrets[name] = made["id"], made["secret"]


def send_all(server, keys):
    """What each key does. The counts that must be told stand in WANTED."""
    secret = keys.secrets
    # a program with an SDK, over HTTP and over gRPC
    sdk(HttpExporter(endpoint="http://127.0.0.1:%d/v1/traces" % server.http_port, headers={"authorization": "Bearer " + secret["checkout"]}), "checkout", SPANS)
    sdk(GrpcExporter(endpoint="http://127.0.0.1:%d" % server.grpc_port, insecure=True, headers={"authorization": "Bearer " + secret["checkout"]}), "checkout", SPANS)
    # one that sends old records and again what it had sent, and points of a clock that is ahead
    gateway = Sender(server.grpc_port, secret["gateway"])
    late = logs([log("late %d" % n, at_ns=time.time_ns() - LATE_S * SECOND) for n in range(10)], {"service.name": "gateway"})
    for n in range(3):
        check(gateway.send("logs", late).status == OK, "taken")
    check(gateway.send("metrics", metrics([gauge("depth", 5, at_ns=time.time_ns() + AHEAD_S * SECOND)], {"service.name": "gateway"})).status == OK, "taken")
    # one that does things wrong
    clumsy = Sender(server.grpc_port, secret["clumsy"])
    for n in range(2):
        answer = clumsy.send("traces", traces([span("good")] * 2 + [span("bad", trace_id=b"short")] * 3))
        check(answer.status == OK and answer.rejected == 3, "a part is left out: %r" % answer)
    check(clumsy.send("logs", logs([log("x", trace_id=b"no")])).rejected == 1, "all of it is left out")
    check(posted(server, "/v1/traces", secret["clumsy"], body=b"\x0a\xff\xff\xff")[0] == 400, "no protobuf")
    check(posted(server, "/v1/logs", secret["clumsy"], body=b"{", headers={"content-type": "application/json"})[0] == 400, "no JSON")
    check(posted(server, "/v1/logs", secret["clumsy"], headers={"content-length": str(65 * MIB)})[0] == 413, "too large by HTTP")
    check(clumsy.call(PATHS["traces"], field(99, bytes(65 * MIB))).status == RESOURCE_EXHAUSTED, "too large by gRPC")
    check(posted(server, "/v1/metrics", secret["clumsy"], headers={"content-encoding": "br"})[0] == 415, "an unknown encoding")
    # keys that may not
    check(posted(server, "/v1/logs", secret["reader"])[0] == 403, "a key for asking")
    check(posted(server, "/v1/logs", secret["pages"], headers={"origin": "https://evil.example"})[0] == 403, "a page from elsewhere")
    check(Sender(server.grpc_port, secret["retired"]).send("logs", logs([log("last")])).status == OK, "taken")
    keys.admin.done("DELETE", "/projects/default/keys/" + keys.ids["retired"])
    retired = Sender(server.grpc_port, secret["retired"])
    for n in range(2):
        check(retired.send("logs", logs([log("late")])).status == UNAUTHENTICATED, "a revoked key")
    for n in range(3):
        check(posted(server, "/v1/traces", "mono_nobody_knows_it")[0] == 401, "an unknown key")
    recorder(server, secret["recorder"])
    # one over its limit
    keys.admin.done("PUT", "/projects/default/keys/%s/limits/requests_per_second" % keys.ids["eager"], {"value": 1})
    time.sleep(0.5)
    eager = Sender(server.grpc_port, secret["eager"])
    return [eager.send("logs", logs([log("eager %d" % n)])).status for n in range(6)]


def recorder(server, secret):
    """A page that records: two batches, one of them twice, and what is none."""
    head = {"origin": "https://shop.example", "content-type": "application/json"}
    for number in (0, 1, 1):
        batch = {"session": "s1", "tab": "t1", "recording": "r1", "sequence": number, "events": [{"type": 4, "timestamp": time.time() * 1000, "data": {}}]}
        if number == 1:
            batch["events"][0]["timestamp"] = 1790000000000  # the same bytes again
        check(posted(server, "/v1/replay", secret, headers=head, body=json.dumps(batch).encode())[0] == 200, "a batch is taken")
    check(posted(server, "/v1/replay", secret, headers=head, body=b'{"session": "s1"}')[0] == 400, "no batch")
    check(posted(server, "/v1/replay", secret, headers={**head, "origin": "https://evil.example"}, body=b"{}")[0] == 403, "a page from elsewhere")


# of a key and signal: requests, records, repeats, partial, rejected, refused
WANTED = {
    ("checkout", "traces"): (2, 2 * SPANS, 0, 0, 0, 0),
    ("gateway", "logs"): (3, 10, 2, 0, 0, 0),
    ("gateway", "metrics"): (1, 1, 0, 0, 0, 0),
    ("clumsy", "traces"): (2, 4, 0, 2, 6, 2),
    ("clumsy", "logs"): (1, 0, 0, 1, 1, 2),
    ("clumsy", "metrics"): (0, 0, 0, 0, 0, 1),
    ("reader", "logs"): (0, 0, 0, 0, 0, 1),
    ("pages", "logs"): (0, 0, 0, 0, 0, 1),
    ("retired", "logs"): (1, 1, 0, 0, 0, 2),
    ("recorder", "replays"): (3, 2, 1, 0, 0, 2),
}
REASONS = {("clumsy", "traces", "partial"): (6, "trace_id"), ("clumsy", "traces", "input"): (1, "protobuf"), ("clumsy", "traces", "too_large"): (1, "cannot take a message of"),
           ("clumsy", "logs", "partial"): (1, "trace"), ("clumsy", "logs", "input"): (1, "JSON"), ("clumsy", "logs", "too_large"): (1, "larger than this server takes"),
           ("clumsy", "metrics", "unsupported"): (1, "Content-Encoding"), ("reader", "logs", "forbidden"): (1, "not for sending"),
           ("pages", "logs", "forbidden"): (1, "https://evil.example"), ("retired", "logs", "unauthenticated"): (2, "revoked"),
           ("recorder", "replays", "input"): (1, '"tab"'), ("recorder", "replays", "forbidden"): (1, "https://evil.example")}


def counts_of(intake):
    return {(key["name"], one["signal"]): tuple(one[name] for name in ("requests", "records", "repeats", "partial", "rejected", "refused"))
            for key in intake["keys"] for one in key["signals"]}


def told_by_api(admin, eager):
    intake = admin.done("GET", "/projects/default/intake?from=now-15m")
    counts = counts_of(intake)
    refused = sum(status == RESOURCE_EXHAUSTED for status in eager)
    check(refused >= 4 and all(status in (OK, RESOURCE_EXHAUSTED) for status in eager), "the limit refuses: %s" % eager)
    wanted = {**WANTED, ("eager", "logs"): (6 - refused, 6 - refused, 0, 0, 0, refused)}
    check(counts == wanted, "what was sent is counted:\n%s\nwanted\n%s" % (sorted(counts.items()), sorted(wanted.items())))
    by_name = {key["name"]: key for key in intake["keys"]}
    check(by_name["silent"]["signals"] == [] and by_name["retired"]["is_open"] is False and by_name["pages"]["is_browser"], "the keys are told")
    reasons = {(key["name"], one["signal"], one["code"]): (one["happened"], one["example"], one["advice"]) for key in intake["keys"] for one in key["reasons"]}
    check(reasons.pop(("eager", "logs", "quota"))[0] == refused, "over the limit: %s" % reasons)
    check(set(reasons) == set(REASONS), "each reason: %s" % sorted(set(reasons) ^ set(REASONS)))
    for name, (happened, words) in REASONS.items():
        check(reasons[name][0] == happened and words in reasons[name][1] and reasons[name][2], "%s: %s" % (name, reasons[name]))
    lags = {(key["name"], one["signal"]): one["lag"] for key in intake["keys"] for one in key["signals"]}
    late, ahead = lags["gateway", "logs"], lags["gateway", "metrics"]
    check(LATE_S * 1000 <= late["min_ms"] <= late["max_ms"] < (LATE_S + 60) * 1000, "how late: %s" % late)
    check(-AHEAD_S * 1000 - 100 <= ahead["max_ms"] < (-AHEAD_S + 60) * 1000, "a clock that is ahead: %s" % ahead)
    check(0 <= lags["checkout", "traces"]["max_ms"] < 60000, "an SDK's batch: %s" % lags["checkout", "traces"])
    series = next(one for one in by_name["gateway"]["signals"] if one["signal"] == "logs")["series"]
    check(sum(bar["requests"] for bar in series) == 3 and sum(bar["records"] for bar in series) == 10, "its bars add up: %s" % series)
    senders = [(one["agent"], one["sdk"]) for one in by_name["checkout"]["senders"]]
    check(len(senders) == 2 and all(words.startswith("opentelemetry python ") for _, words in senders), "the SDK is told: %s" % senders)
    check(sorted(agent.split("/")[0] for agent, _ in senders) == ["OTel-OTLP-Exporter-Python", "OTel-OTLP-Exporter-Python grpc-python"] or all("Python" in agent for agent, _ in senders), "and its agents: %s" % senders)
    check(("story/1.0", None) in [(one["agent"], one["sdk"]) for one in by_name["clumsy"]["senders"]], "who was refused is known: %s" % by_name["clumsy"]["senders"])
    unknown = intake["unknown"]
    check(sum(one["refused"] for one in unknown["signals"]) == 3 and unknown["reasons"][0]["code"] == "unauthenticated", "nobody's keys: %s" % unknown)
    visible = {one["table"]: one for one in intake["visible"]}
    check(set(visible) == {"otel_logs_and_spans", "otel_metrics"} and all(0 < one["lag"]["mean_ms"] < 30000 for one in visible.values()), "rows become visible: %s" % visible)
    check(intake["parked"]["count"] == 1 and intake["parked"]["items"][0]["reason"] == "a fault of ours", "what is parked: %s" % intake["parked"])
    hours = admin.done("GET", "/projects/default/intake?from=now-7d")
    check(hours["step_s"] % 3600 == 0 and counts_of(hours) == counts, "by hours the same")
    check(admin.ask("GET", "/projects/default/intake?from=now&to=now-1h")[0] == 400, "a range that ends before it begins")
    print("counted by key as sent: %d keys, %d reasons" % (len({name for name, _ in counts}), len(REASONS) + 1), flush=True)


def two_add_up(server, admin, keys):
    """Another process on the same database: both tell what both took."""
    with Server(os.path.join(STORY_DIR, "other"), options=["--database", os.path.join(server.data, "meta.sqlite")]) as other:
        for one in (server, other):
            sender = Sender(one.grpc_port, keys.secrets["silent"])
            for n in range(4):
                check(sender.send("logs", logs([log("both %d" % n), log("more")], {"service.name": "both"})).status == OK, "taken")
            check(sender.send("logs", logs([log("x", span_id=b"no")])).rejected == 1, "left out")
        beside = sign_in(other, "admin@localhost", PASSWORD)
        wanted = ("silent", "logs"), (10, 16, 0, 2, 2, 0)
        for asked in (admin, beside):
            wait_until(lambda: wanted in counts_of(asked.done("GET", "/projects/default/intake?from=now-15m")).items(), "both processes tell of both", 60)
    print("two processes add up", flush=True)


def main():
    with Server(flush="1s") as server:
        admin = first_admin(server)
        parked_file(os.path.join(server.data, "parked"), "00000000000000000012-0000000000000005.parked", server.project)
        admin.done("POST", "/projects", {"name": "empty"})
        viewer = user_with_role(admin, "v@example.com", "default", "viewer")
        keys = Keys(admin)
        eager = send_all(server, keys)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 2 * SPANS + 10 + 4 + 1 + sum(status == OK for status in eager))
        server.wait_count("SELECT count(*) FROM otel_metrics", 1)
        told_by_api(admin, eager)
        seen = viewer.done("GET", "/projects/default/intake")
        check(seen["unknown"] is None and len(seen["keys"]) > 5, "a viewer sees the project's keys, and not nobody's")
        two_add_up(server, admin, keys)
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "http_port": server.http_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_intake.shots"), "refused_by_limit": sum(status == RESOURCE_EXHAUSTED for status in eager), "spans": 2 * SPANS}
        done = subprocess.run([NODE, "intake.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=200)
        check(done.returncode == 0, "the page of the intake is as it should be")


main()
