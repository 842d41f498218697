"""Makes otlp_json/*.json of otlp/*.pb: the same requests as OTLP/JSON, written from OpenTelemetry's own Python package in
two ways. See README.md. Without a suffix: as SDKs write them, compact. _loose: whatever else the mapping allows, with blanks,
names as in the .proto, numbers for texts and the other way round, escapes, unknown fields, fields in any order."""
import base64
import json
import os
import random
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

R = random.Random(4318)
REQUESTS = {"logs": ExportLogsServiceRequest, "traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}
IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
UNKNOWN = [None, 1, -0.5e3, "text \" \\ \u2028", [], {}, [[], {"a": [1, {"b": None}]}], {"name": [True, False]}]


def hex_ids(value, upper=False):
    """Protobuf's own mapping has ids in base64; OTLP has them in hex."""
    if isinstance(value, list):
        return [hex_ids(one, upper) for one in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, inner in value.items():
        if name in IDS and isinstance(inner, str):
            text = base64.b64decode(inner).hex()
            made[name] = text.upper() if upper else text
        else:
            made[name] = hex_ids(inner, upper)
    return made


def loose(value, name=""):
    """The same message in other words."""
    if isinstance(value, list):
        return [loose(one, name) for one in value]
    if isinstance(value, dict):
        items = [(key, loose(inner, key)) for key, inner in value.items()]
        for _ in range(R.choice([0, 0, 1, 2])):
            items.append(("x" + str(R.randrange(100)), R.choice(UNKNOWN)))
        if R.random() < 0.2 and "no_such" not in value:
            items.append((R.choice(["no_such", ""]), None))
        R.shuffle(items)
        return dict(items)
    if name in ("bytes_value", "bytesValue") and R.random() < 0.7:
        value = value.replace("+", "-").replace("/", "_")
        return value.rstrip("=") if R.random() < 0.5 else value
    texts = ("string_value", "key", "name", "description", "unit", "version", "schema_url", "trace_state", "message",
             "severity_text", "event_name")
    if name in texts or name in IDS or name in ("bytes_value", "bytesValue"):
        return value
    if isinstance(value, str) and value.lstrip("-").isdigit() and R.random() < 0.5:
        return int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and R.random() < 0.3:
        return repr(value) if isinstance(value, float) else str(value)
    return value


def main(folder):
    os.makedirs(os.path.join(folder, "otlp_json"), exist_ok=True)
    for file in sorted(os.listdir(os.path.join(folder, "otlp"))):
        name = file[:-3]
        with open(os.path.join(folder, "otlp", file), "rb") as f:
            request = REQUESTS[name.split("_")[0]].FromString(f.read())
        tight = hex_ids(MessageToDict(request, use_integers_for_enums=True))
        free = loose(hex_ids(MessageToDict(request, preserving_proto_field_name=True), upper=True))
        with open(os.path.join(folder, "otlp_json", name + ".json"), "w", encoding="utf-8") as out:
            json.dump(tight, out, separators=(",", ":"), ensure_ascii=False)
        with open(os.path.join(folder, "otlp_json", name + "_loose.json"), "w", encoding="utf-8") as out:
            json.dump(free, out, indent=1 if name.endswith("_0") else None, ensure_ascii=True)


main(os.path.dirname(os.path.abspath(sys.argv[0])))
