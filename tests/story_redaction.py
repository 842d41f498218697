# time_limit_s: 150
"""Redaction: a word stands in every place that a request has (attributes of resource, scope, span, event, link, log, point,
exemplar; nested; names; bodies; exceptions; a URL's query; fields that OTLP does not have; members that JSON does not have; an id
of a wrong length; every part of a recording), as protobuf, gzip, zstd and JSON, over gRPC and HTTP, by a key in a header and by keys in resources. After it was
acknowledged the word is searched for in the log, the segments, the tables, the metadata, the server's own output, its own
telemetry, by SQL, and in Kafka's topic. Then: a request that is sent twice is still one; equal values have equal hashes; a rule
that is switched off does nothing; a rule that cannot be read is refused in words; the dry run keeps nothing.
"""
import base64
import glob
import gzip as gzipped
import http.client
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pyarrow.parquet
from apiclient import Caller, first_admin
from google.protobuf import json_format
from kafka import Kafka
from monoscope import STORY_DIR, Server, check, wait_until
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2
from otlp import OK, Sender, attributes, field, gauge, gzip, log, logs, metrics, span, traces, value, zstd
from storesearch import store_search

WORD = "sesame"
CARD = "4111 1111 1111 1111"
TOKEN = "ghp_" + "Zq" * 18
PASSWORD = "hunter2trombone"
HIDDEN = [WORD, CARD, "4111111111111111", TOKEN, PASSWORD]
RULES = [
    {"name": "word", "finds": "value", "pattern": "(?i)sesame", "does": "mask"},
    {"name": "credentials", "finds": "built_in", "pattern": "credentials", "does": "mask"},
    {"name": "tokens", "finds": "built_in", "pattern": "tokens", "does": "mask"},
    {"name": "cards", "finds": "built_in", "pattern": "cards", "does": "mask"},
    {"name": "people", "finds": "attribute", "pattern": "user.email", "does": "hash"},
    {"name": "plan", "finds": "attribute", "pattern": "internal.*", "does": "drop"},
    {"name": "chat", "finds": "element", "pattern": "p.chat[data-kind=private]", "does": "mask"},
]


def full_traces():
    made = span("GET /" + WORD, {
        "a": WORD, "list": [WORD, CARD], "map": {"deep": {"deeper": WORD, "password": PASSWORD}}, "bytes": WORD.encode(),
        "card": 4111111111111111, "url.full": "https://u:%s@x.test/?q=1&api_key=%s&z=2" % (PASSWORD, PASSWORD),
        "http.request.header.authorization": ["Bearer " + PASSWORD], "db.query.text": "SELECT '%s'" % TOKEN,
        "user.email": "ann@example.com", "internal.note": WORD, "kept": "plain", "json": json.dumps({"password": PASSWORD, "ok": 1}),
        WORD + ".key": "x"}, trace_state="v=" + WORD)
    made.events.add(name=WORD, time_unix_nano=time.time_ns(), attributes=attributes({
        "exception.message": "bad %s" % WORD, "exception.stacktrace": "at f(%s)\n at g()" % WORD, "exception.type": "E"}))
    made.links.add(trace_id=b"1" * 16, span_id=b"2" * 8, trace_state=WORD, attributes=attributes({"a": WORD}))
    made.status.message = "failed: " + WORD
    short = trace_pb2.Span(name="wrong id", trace_id=WORD.encode(), span_id=b"3" * 8, start_time_unix_nano=time.time_ns())
    request = traces([made, short], {"service.name": "story", "host": WORD, "token": PASSWORD})
    request.resource_spans[0].schema_url = "https://" + WORD
    scope = request.resource_spans[0].scope_spans[0].scope
    scope.version = WORD
    scope.attributes.extend(attributes({"a": WORD}))
    return request


def full_logs():
    return logs([log("text with %s and %s" % (WORD, CARD), {"user.email": "ann@example.com"}, severity_text=WORD, event_name=WORD),
                 log({"password": PASSWORD, "list": [WORD]}), log(json.dumps({"user": {"secret": PASSWORD}})),
                 log("Authorization: Bearer %s\npassword=%s" % (TOKEN, PASSWORD)), log([WORD])])


def full_metrics():
    metric = gauge("requests " + WORD, 1, {"a": WORD, "password": PASSWORD})
    metric.description, metric.unit = WORD, WORD
    metric.metadata.extend(attributes({"a": WORD}))
    metric.gauge.data_points[0].exemplars.add(as_double=1, time_unix_nano=time.time_ns(), filtered_attributes=attributes({"a": WORD}))
    return metrics([metric])


def http_post(server, key, path, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=60)
    connection.request("POST", path, body, dict(headers, authorization="Bearer " + key))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    check(answer.status == 200, "%s is taken: %s %s" % (path, answer.status, text))


def as_json(message):
    """As protobuf's own writer has it, with a member that OTLP does not have beside."""
    told = json_format.MessageToDict(message, use_integers_for_enums=True)
    told["nobodyHasThis"] = WORD
    ids_to_hex(told)
    return json.dumps(told).encode()


def ids_to_hex(told):
    """OTLP has them in hex, protobuf in base64."""
    for name, content in told.items() if isinstance(told, dict) else enumerate(told):
        if name in ("traceId", "spanId", "parentSpanId"):
            told[name] = base64.b64decode(content).hex()
        elif isinstance(content, (dict, list)):
            ids_to_hex(content)


def send_all(server, key):
    sender = Sender(server.grpc_port, key)
    for number, (signal, path, make) in enumerate((("traces", "/v1/traces", full_traces), ("logs", "/v1/logs", full_logs),
                                                   ("metrics", "/v1/metrics", full_metrics))):
        for encoding in (None, "gzip", "zstd"):
            raw = make().SerializeToString() + field(900 + number, WORD.encode())
            answer = sender.send(signal, raw, encoding=encoding)
            check(answer.status == OK and answer.rejected == (1 if signal == "traces" else 0), "%s %s: %s" % (signal, encoding, answer))
        message = make()
        if signal == "traces":
            del message.resource_spans[0].scope_spans[0].spans[1:]
        text = as_json(message)
        http_post(server, key, path, text, {"content-type": "application/json"})
        http_post(server, key, path, gzipped.compress(text.replace(b"story", b"StorY")), {"content-type": "application/json", "content-encoding": "gzip"})
        http_post(server, key, path, zstd(make().SerializeToString()), {"content-type": "application/x-protobuf", "content-encoding": "zstd"})


def full_replay(session):
    """A recording with the words wherever texts can be."""
    now = time.time() * 1000
    chat = {"type": 2, "id": 5, "tagName": "p", "attributes": {"class": "wide chat", "data-kind": "private", "title": "inner circle"}, "childNodes": [{"type": 3, "id": 6, "textContent": "inner circle"}]}
    node = {"type": 2, "id": 2, "tagName": "p", "attributes": {"title": WORD, "data-token": PASSWORD, "href": "/?q=" + WORD}, "childNodes": [{"type": 3, "id": 3, "textContent": "open %s, pay with %s" % (WORD, CARD)}]}
    return {"session": session, "tab": "t1", "recording": "r1", "sequence": 0, "userAgent": "Mozilla/5.0 " + WORD, "service": {"name": "story"},
            "user": {"id": "42", "name": WORD, "email": "ann@example.com"}, "noOneReadsThis": {"password": PASSWORD}, "events": [
                {"type": 4, "timestamp": now, "data": {"href": "https://x.test/?api_key=%s&page=kept" % PASSWORD}},
                {"type": 2, "timestamp": now, "data": {"node": {"type": 0, "id": 1, "childNodes": [node, chat]}}},
                {"type": 3, "timestamp": now, "data": {"source": 0, "texts": [{"id": 3, "value": WORD}, {"id": 6, "value": "inner circle"}], "attributes": [{"id": 2, "attributes": {"alt": TOKEN}}], "adds": [{"parentId": 1, "node": node}]}},
                {"type": 3, "timestamp": now, "data": {"source": 5, "id": 2, "text": WORD}},
                {"type": 5, "timestamp": now, "data": {"tag": "console", "payload": {"text": "token=%s" % PASSWORD, "card": 4111111111111111, "internal": {"note": "internal words"}, WORD: 1}}}]}


def send_replays(server, key):
    batch = full_replay("by-replay")
    http_post(server, key, "/v1/replay", json.dumps(batch).encode(), {"content-type": "application/json"})
    batch = {**full_replay("by-replay"), "sequence": 1}
    http_post(server, key, "/v1/replay", gzipped.compress(json.dumps(batch).encode()), {"content-type": "application/json", "content-encoding": "gzip"})
    http_post(server, key, "/api/v1/rrweb", json.dumps({"sessionId": "by-rrweb", "events": batch["events"], "user": batch["user"]}).encode(), {"content-type": "application/json", "user-agent": WORD})


def replays_asked(server, admin):
    """What is kept of recordings has none of it, unpacked too, and the rest is as it was."""
    for session in ("by-replay", "by-rrweb"):
        wait_until(lambda: admin.ask("GET", "/projects/default/replays/" + session)[0] == 200, "%s is stored" % session)
        detail = admin.done("GET", "/projects/default/replays/" + session)
        batches = [batch for segment in detail["segments"] for batch in admin.done("GET", "/projects/default/replays/%s/segments/%s" % (session, segment["name"]))["batches"]]
        check(len(batches) == (2 if session == "by-replay" else 1) and all(len(batch["events"]) == 5 for batch in batches), "its batches: %r" % batches)
        told = json.dumps([detail, batches]).lower()
        check(not any(word.lower() in told for word in HIDDEN + ["internal words", "ann@example.com", "inner circle"]), "the recording shows it: %s" % told)
        check(detail["landing_url"] == "https://x.test/?api_key=[redacted]&page=kept" and detail["user"]["email"].startswith("hmac:"), "what is told of it is what is kept: %r" % detail)
        node = batches[0]["events"][1]["data"]["node"]["childNodes"][0]
        check(node["id"] == 2 and node["childNodes"][0]["textContent"] == "open [redacted], pay with [redacted]", "the rest stays: %r" % node)
    found = store_search(server.data, [word.encode() for word in HIDDEN[1:] + ["internal words", "inner circle", "by-rrweb"]])
    kept = [one for one in found if one[1] == b"by-rrweb"]
    check(kept and len(found) == len(kept), "no file has it: %r" % [one for one in found if one not in kept][:5])


def send_by_resource(server, key, other_key):
    """Keys in resources: the one project has rules, the other has none."""
    request = traces([span("by resource " + WORD)], {"service.name": "story", "at-project-key": key})
    request.resource_spans.extend(traces([span("other project open")], {"service.name": "story", "at-project-key": other_key}).resource_spans)
    answer = Sender(server.grpc_port).send("traces", request)
    check(answer.status == OK, answer)
    answer = Sender(server.grpc_port).send("logs", logs([log("alone " + WORD)], {"service.name": "story", "at-project-key": key}))
    check(answer.status == OK, answer)


def bytes_of(path):
    with open(path, "rb") as f:
        return f.read()


def parquet_text(path):
    try:
        return str(pyarrow.parquet.read_table(path).to_pydict())
    except pyarrow.ArrowInvalid:
        return ""  # a log file, a run of the index


def search(folder, but=()):
    """Every file under it, as bytes; Parquet's decoded, for its pages are compressed."""
    looked = 0
    for path in glob.glob(os.path.join(folder, "**"), recursive=True):
        if not os.path.isfile(path) or any(part in path for part in but):
            continue
        raw = bytes_of(path)
        text = parquet_text(path) if raw[:4] == b"PAR1" else ""
        for word in HIDDEN:
            check(word.lower().encode() not in raw.lower() and word.lower() not in text.lower(), "%s has %r" % (path, word))
        looked += 1
    return looked


def rules_add(admin, project="default"):
    made = [admin.done("POST", "/projects/%s/redaction-rules" % project, rule) for rule in RULES]
    listed = admin.done("GET", "/projects/%s/redaction-rules" % project)["items"]
    check([rule["name"] for rule in listed] == [rule["name"] for rule in RULES], "rules keep their order: %s" % listed)
    time.sleep(1)  # every process has them within that
    return {rule["name"]: rule["id"] for rule in made}


def tried(admin):
    path = "/projects/default/redaction-rules/try"
    answer = admin.done("POST", path, {"text": "pay %s now" % CARD, "attributes": {"user": {"email": "a@b.example"}, "n": 4111111111111111,
                                                                                  "internal.x": 1, "keep": [1, "two", None, 2.5, True]}})
    check(answer["text"] == "pay [redacted] now" and answer["attributes"]["n"] == "[redacted]", answer)
    check(answer["attributes"]["user"]["email"].startswith("hmac:") and "internal.x" not in answer["attributes"], answer)
    check(answer["attributes"]["keep"] == [1, "two", None, 2.5, True], answer)
    check({found["rule"]: found["count"] for found in answer["found"]} == {"cards": 2, "people": 1, "plan": 1}, answer)
    answer = admin.done("POST", path, {"text": "a b c", "rules": [{"name": "b", "finds": "value", "pattern": "b ?", "does": "drop"}]})
    check(answer["text"] == "a c", answer)
    for bad in ("(", "a*", "(?=x)"):
        status, answer, _ = admin.ask("POST", "/projects/default/redaction-rules", {"name": "bad", "finds": "value", "pattern": bad, "does": "mask"})
        check(status == 400 and "regular expression" in answer["detail"] and answer["pointer"] == "/pattern", answer)
    for bad in ("a > b", "a, b", "p:hover", "[x"):
        status, answer, _ = admin.ask("POST", "/projects/default/redaction-rules", {"name": "bad", "finds": "element", "pattern": bad, "does": "mask"})
        check(status == 400 and "selector" in answer["detail"] and answer["pointer"] == "/pattern", answer)


def asked(server):
    for table in ("otel_logs_and_spans", "otel_metrics"):
        for row in server.query("SELECT * FROM %s" % table):
            text = str(row).lower()
            check(not any(word.lower() in text for word in HIDDEN), "SQL shows it: %s" % (row,))
    check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE attributes->>'kept' = 'plain'") == 6, "what no rule is about is there")
    hashes = server.query("SELECT DISTINCT attributes___user___email FROM otel_logs_and_spans WHERE attributes___user___email IS NOT NULL")
    check(len(hashes) == 1 and hashes[0][0].startswith("hmac:"), "equal values have equal hashes, in spans and logs: %s" % hashes)
    check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE attributes___url___full = 'https://u:[redacted]@x.test/?q=1&api_key=[redacted]&z=2'") == 6, "a URL keeps its rest")


def repeats_are_found(server, admin):
    request = logs([log("twice %s" % WORD)]).SerializeToString()
    sender = Sender(server.grpc_port, server.key)
    check(all(sender.send("logs", request).status == OK for _ in range(3)), "it is taken each time")
    different = logs([log("twice SESAME")], {"service.name": "story"})  # after redaction it would be the same
    different.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano = 1
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE body::text LIKE '%twice%'", 1)


def switched_off(server, admin, ids):
    admin.done("PATCH", "/projects/default/redaction-rules/" + ids["word"], {"is_on": False})
    sender = Sender(server.grpc_port, server.key)

    def is_kept():
        sender.send("logs", logs([log("open Sesame")]))
        return server.one("SELECT count(*) FROM otel_logs_and_spans WHERE body::text LIKE '%open Sesame%'") > 0
    wait_until(is_kept, "a rule that is off does nothing")
    found = {}

    def is_counted():  # kept every few seconds
        found.update({rule["name"]: rule["found_30_days"] for rule in admin.done("GET", "/projects/default/redaction-rules")["items"]})
        return all(count > 0 for count in found.values())
    wait_until(is_counted, "finds are counted by rule")
    admin.done("DELETE", "/projects/default/redaction-rules/" + ids["word"])
    status, _, _ = admin.ask("DELETE", "/projects/default/redaction-rules/" + ids["word"])
    check(status == 404, "a deleted rule is gone")
    day = admin.done("GET", "/projects/default/usage")["days"][-1]["counts"]
    check(day["redacted"] > 100, "usage has the finds: %s" % day)


def on_the_own_log():
    with Server(flush="300s") as server:
        admin = first_admin(server)
        ids = rules_add(admin)
        other_id, _, other_key = server.project_create("other")
        wait_until(lambda: Sender(server.grpc_port, other_key).send("logs", logs([log("plain")])).status == OK, "the other project sends")
        send_all(server, server.key)
        send_replays(server, server.key)
        send_by_resource(server, server.key, other_key)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name LIKE 'GET /%'", 6)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name LIKE 'by resource%'", 1)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE body::text LIKE '%alone%'", 1)
        tried(admin)
        asked(server)
        repeats_are_found(server, admin)
        # The rules' own patterns are in the metadata and its audit log, and name the word.
        before = search(server.data, but=("meta.sqlite",))
        check(search(os.path.dirname(server.log_path), but=(os.path.join(server.data, ""),)) > 0, "the server's output was looked at")
        server.execute("FLUSH")
        asked(server)
        replays_asked(server, admin)
        after = search(server.data, but=("meta.sqlite",))
        raw = bytes_of(os.path.join(server.data, "meta.sqlite")) + (bytes_of(os.path.join(server.data, "meta.sqlite-wal")) if os.path.exists(os.path.join(server.data, "meta.sqlite-wal")) else b"")
        check(not any(word.encode() in raw for word in HIDDEN[1:]), "the metadata has none of it")
        switched_off(server, admin, ids)
        held = [path for path in glob.glob(os.path.join(server.data, "**"), recursive=True) if os.path.isfile(path) and b"open Sesame" in bytes_of(path)]
        check(held, "what may be kept is found in the files: the search looks where it should")
        server.stop()
        return before, after


def through_kafka():
    with Kafka("4.1") as kafka:
        with Server(os.path.join(STORY_DIR, "kafka-data"), options=kafka.options(), environment=kafka.environment()) as server:
            rules_add(first_admin(server))
            send_all(server, server.key)
            send_replays(server, server.key)
            server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name LIKE 'GET /%'", 6, timeout_s=60)
            records = kafka.records("monoscope.telemetry")
            check(len(records) >= 21, "the topic has the requests: %d" % len(records))
            for record in records:
                raw = (record.value() or b"") + b" ".join(content or b"" for _, content in record.headers() or [])
                check(not any(word.lower().encode() in raw.lower() for word in HIDDEN), "a record of the topic has it: %r" % raw[:300])
            asked(server)
            search(server.data, but=("meta.sqlite",))
            server.stop(timeout_s=30)
            return len(records)


def main():
    before, after = on_the_own_log()
    print("21 requests with %d hidden words: none in %d files before the flush, in %d after it" % (len(HIDDEN), before, after))
    print("and none in %d records of Kafka's topic" % through_kafka())


main()
