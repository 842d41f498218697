"""What rows a request must become, worked out from the message that OpenTelemetry's own Python package holds and from docs/rows.md,
sharing nothing with the server: story_property compares column by column.

    rows, rejected = rows_of(request, project_uuid)     # [(table, {column: value})], how many records are left out

A value is as psycopg gives it: datetime, uuid, list, what json.loads makes of jsonb. ANY stands for the time of arrival. Not worked
out here: `summary`, and the `err:` and `pat:` elements of `hashes` (their unit tests have vectors)."""
import base64
import datetime
import hashlib
import json
import math
import os
import re
import struct
import time
import uuid

from otlp_random import BODIES

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NAMESPACE = uuid.UUID("6f1a7c30-9b2d-5e84-8a3f-0c1d2e3f4a5b")
ANY = object()
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
TIME_MIN_NS = 946684800 * 10**9
INT64_MAX = 2**63 - 1
OBJECT_BODIES = {text for text, is_object in BODIES if is_object}


class Schema:
    def __init__(self, name):
        self.columns, self.attributes, self.resources = {}, {}, {}
        with open(os.path.join(REPO, "schemas", name + ".schema")) as f:
            for line in f:
                words = line.split()
                if not words or words[0].startswith("#"):
                    continue
                column, kind = words[0], words[1] if words[1] != "double" else "double precision"
                self.columns[column] = kind
                for prefix, into in (("attributes___", self.attributes), ("resource___", self.resources)):
                    if column.startswith(prefix):
                        into[column[len(prefix):].replace("___", ".").replace("__", ".")] = column


SPANS, METRICS = Schema("otel_logs_and_spans"), Schema("otel_metrics")

# ---- ids ----


def part(data):
    return struct.pack(">I", len(data)) + data


def number(of):
    return part(struct.pack(">Q", of % 2**64))


def uuid5(project, *parts):
    return uuid.UUID(bytes=hashlib.sha1(NAMESPACE.bytes + part(project.bytes) + b"".join(parts)).digest()[:16], version=5)


def id_value(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return b"\0"
    of = getattr(value, kind)
    if kind == "string_value":
        return b"\1" + part(of.encode())
    if kind == "bool_value":
        return b"\2" + (b"\1" if of else b"\0")
    if kind == "int_value":
        return b"\3" + struct.pack(">q", of)
    if kind == "double_value":
        return b"\4" + struct.pack(">d", of)
    if kind == "array_value":
        return b"\5" + struct.pack(">I", len(of.values)) + b"".join(id_value(item) for item in of.values)
    if kind == "kvlist_value":
        return b"\6" + struct.pack(">I", len(of.values)) + b"".join(part(item.key.encode()) + id_value(item.value) for item in of.values)
    return b"\7" + part(of)


def id_attributes(attributes):
    return part(b"".join(part(item.key.encode()) + id_value(item.value) for item in sorted(attributes, key=lambda item: item.key.encode())))


def id_scope(scope):
    return part(part(scope.name.encode()) + part(scope.version.encode()) + id_attributes(scope.attributes))


# ---- values and attributes ----


def plain(value):
    """As JSON has it."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    of = getattr(value, kind)
    if kind == "double_value" and not math.isfinite(of):
        return "NaN" if math.isnan(of) else "Infinity" if of > 0 else "-Infinity"
    if kind == "bytes_value":
        return base64.b64encode(of).decode()
    if kind == "array_value":
        return [plain(item) for item in of.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in of.values}
    return of


class Sent:
    """A value of an attribute: its kind, and as JSON has it; old names can give new ones."""

    def __init__(self, kind, json_value, bits):
        self.kind, self.json, self.bits = kind, json_value, bits

    @staticmethod
    def of(value):
        return Sent(value.WhichOneof("value"), plain(value), id_value(value))

    @staticmethod
    def text(of):
        return Sent("string_value", of, b"\1" + part(of.encode()))

    @staticmethod
    def integer(of):
        return Sent("int_value", of, b"\3" + struct.pack(">q", of))


RENAMES = {"http.method": "http.request.method", "http.status_code": "http.response.status_code", "http.url": "url.full",
           "db.statement": "db.query.text"}
PEERS = {"net.peer.name": ("server.address", "client.address"), "net.peer.port": ("server.port", "client.port")}


def split_host(host):
    found = re.fullmatch(r"(.+):([0-9]{1,5})", host, re.S)
    if not found or (":" in found.group(1) and not found.group(1).endswith("]")):
        return [("server.address", Sent.text(host))]
    return [("server.address", Sent.text(found.group(1))), ("server.port", Sent.integer(int(found.group(2))))]


def split_target(target):
    path, mark, query = target.partition("?")
    return [("url.path", Sent.text(path))] + ([("url.query", Sent.text(query))] if mark else [])


def collected(attributes, span_kind=0, is_metric=False):
    """{key: Sent} in order: of equal keys the last value, old names under the current ones."""
    found = {}
    for item in attributes:
        found[item.key] = Sent.of(item.value)
    for key, sent in list(found.items()):
        is_text, may_be_other = sent.kind == "string_value", []
        if key not in found:  # code.namespace, gone with its function
            continue
        if key in PEERS:
            gives = [(PEERS[key][1 if span_kind in (2, 5) else 0], sent)]
        elif key == "http.target":
            gives = split_target(sent.json) if is_text else [("url.path", sent)]
        elif key == "http.host":
            gives = split_host(sent.json) if is_text else [("server.address", sent)]
            may_be_other = ["server.port"]
        elif key == "code.function":
            space = found.get("code.namespace")
            joined = is_text and space is not None and space.kind == "string_value"
            gives = [("code.function.name", Sent.text(space.json + "." + sent.json) if joined else sent)]
            if joined and takes(found, *gives[0]):
                del found["code.namespace"]
        elif key == "rpc.service" and not is_metric:
            if names_method(found, sent):
                del found[key]
            continue
        elif key in RENAMES:
            gives = [(RENAMES[key], sent)]
        else:
            continue
        if all(name in may_be_other or takes(found, name, value) for name, value in gives):
            for name, value in gives:
                found.setdefault(name, value)
            found.pop(key)
    return found


def names_method(found, service):
    """Whether rpc.method names the service now."""
    method = found.get("rpc.method")
    if method is None or method.kind != "string_value" or service.kind != "string_value" or not method.json or not service.json:
        return False
    if method.json.startswith(service.json + "/"):
        return True
    if "/" in method.json:
        return False
    found["rpc.method"] = Sent.text(service.json + "/" + method.json)
    return True


def takes(found, name, sent):
    return name not in found or found[name].bits == sent.bits and found[name].kind == sent.kind


def is_integer_text(text):
    return re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text) is not None and len(text.lstrip("-")) <= 18


def fits(kind, of):
    return kind == "bigint" or -(2**31) <= of < 2**31


def as_text(sent):
    if sent.kind == "string_value":
        return sent.json
    if sent.kind == "int_value":
        return str(sent.json)
    if sent.kind == "bool_value":
        return "true" if sent.json else "false"
    return None


def flat_columns(found, columns, types, row):
    """Fills row; answers the set as JSON has it, flat."""
    for key, sent in found.items():
        column = columns.get(key)
        if column is None:
            continue
        kind = types[column]
        if kind == "text":
            row[column] = as_text(sent)
        elif kind in ("integer", "bigint"):
            if sent.kind == "int_value" and fits(kind, sent.json):
                row[column] = sent.json
            elif sent.kind == "string_value" and is_integer_text(sent.json) and fits(kind, int(sent.json)):
                row[column] = int(sent.json)
    return {key: sent.json for key, sent in found.items()}


def nested(flat):
    """The whole set by its dots; where the way is taken, the dotted rest stays a key."""
    tree = {}
    for key in sorted(flat, key=lambda name: name.encode()):
        at, rest = tree, key
        while "" not in rest.split(".") and "." in rest:
            head, _, tail = rest.partition(".")
            if head not in at:
                at[head] = {}
            elif not isinstance(at[head], dict) or ("." not in tail and tail in at[head]):
                break
            at, rest = at[head], tail
        if rest not in at:
            # A copy: a list that was sent as a value may get members of other attributes.
            at[rest] = dict(flat[key]) if isinstance(flat[key], dict) else flat[key]
    return tree or None


def scope_members(scope, flat):
    if any(key in flat for key in ("otel.scope.name", "otel.scope.version", "otel.scope.attributes")):
        return
    if scope.name:
        flat["otel.scope.name"] = scope.name
    if scope.version:
        flat["otel.scope.version"] = scope.version
    if scope.attributes:
        flat["otel.scope.attributes"] = {key: sent.json for key, sent in collected(scope.attributes).items()}


def when(ns):
    return EPOCH + datetime.timedelta(microseconds=ns // 1000)


def time_text(ns):
    seconds, rest = divmod(ns, 10**9)
    return (EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + ".%09dZ" % rest


def is_time(ns):
    return TIME_MIN_NS <= ns <= time.time_ns() + 48 * 3600 * 10**9


# ---- rows ----


class Rows:
    def __init__(self, project):
        self.project, self.rows, self.rejected, self.ordinals = project, [], 0, {}

    def ordinal(self, name):
        self.ordinals[name] = self.ordinals.get(name, -1) + 1
        return self.ordinals[name]

    def id(self, *parts):
        ordinal = self.ordinal(uuid5(self.project, *parts, number(0)))
        return uuid5(self.project, *parts, number(ordinal))

    def begin(self, schema, resource, timestamp_ns, size):
        row = {"project_id": self.project, "message_size_bytes": size,
               "timestamp": ANY if timestamp_ns is None else when(timestamp_ns)}
        row["date"] = ANY if timestamp_ns is None else row["timestamp"].date()
        flat = flat_columns(collected(resource.attributes, 0, schema is METRICS), schema.resources, schema.columns, row)
        if resource.dropped_attributes_count:
            flat["otel.dropped_attributes_count"] = resource.dropped_attributes_count
        row["resource"] = nested(flat)
        return row

    def attributes(self, row, schema, attributes, span_kind=0, scope=None, dropped=None):
        found = collected(attributes, span_kind, schema is METRICS)
        flat = flat_columns(found, schema.attributes, schema.columns, row)
        for name, count in (dropped or {}).items():
            if count:
                flat["otel.dropped_%s_count" % name] = count
        if scope is not None:
            scope_members(scope, flat)
        row["attributes"] = nested(flat)
        return found

    def end(self, table, schema, row):
        if schema is SPANS:
            row["summary"] = ANY
        for column in schema.columns:
            row.setdefault(column, None)
        self.rows.append((table, row))

    def context(self, row):
        names = ("trace_id", "span_id", "trace_state", "trace_flags", "is_remote")
        row["context"] = {name: row["context___" + name] for name in names if row.get("context___" + name) is not None} or None

    def flags(self, row, flags):
        if flags & 0xFF:
            row["context___trace_flags"] = "%02x" % (flags & 0xFF)

    def errors(self, row, found, events):
        def text(of, name):
            return of[name].json if name in of and of[name].kind == "string_value" else ""
        kinds = ("type", "message", "stacktrace")
        own = {kind: text(found, "exception." + kind) for kind in kinds}
        own_told, errors = False, []
        for event in events:
            texts = {item.key: item.value.string_value for item in event.attributes if item.value.WhichOneof("value") == "string_value"}
            error = {kind: texts.get("exception." + kind, "") for kind in kinds}
            if error["type"] or error["message"]:
                errors.append(error)
                own_told |= error["type"] == own["type"] and error["message"] == own["message"]
        if (own["type"] or own["message"]) and not own_told:
            errors.append(own)
        row["errors"] = [{kind: of for kind, of in error.items() if of} for error in errors] or None

    def span(self, resource, scope, span):
        if len(span.trace_id) != 16 or not any(span.trace_id) or len(span.span_id) != 8 or not is_time(span.start_time_unix_nano):
            self.rejected += 1
            return
        row = self.begin(SPANS, resource, span.start_time_unix_nano, span.ByteSize())
        row["id"] = self.id(part(span.trace_id), part(span.span_id))
        row["kind"] = {2: "server", 3: "client", 4: "producer", 5: "consumer"}.get(span.kind, "internal")
        row["status_code"] = {1: "OK", 2: "ERROR"}.get(span.status.code, "UNSET")
        row["status_message"], row["name"] = span.status.message or None, span.name or None
        row["start_time"] = row["timestamp"]
        if span.end_time_unix_nano:
            row["end_time"] = when(span.end_time_unix_nano)
            row["duration"] = max(span.end_time_unix_nano - span.start_time_unix_nano, 0)
        row["context___trace_id"], row["context___span_id"] = span.trace_id.hex(), span.span_id.hex()
        row["parent_id"] = span.parent_span_id.hex() if any(span.parent_span_id) else None
        row["context___trace_state"] = span.trace_state or None
        self.flags(row, span.flags)
        if span.flags & 0x100:
            row["context___is_remote"] = bool(span.flags & 0x200)
        self.context(row)
        found = self.attributes(row, SPANS, span.attributes, span.kind, scope,
                                {"attributes": span.dropped_attributes_count, "events": span.dropped_events_count,
                                 "links": span.dropped_links_count})
        row["hashes"] = [span.trace_id.hex()] + self.endpoint(span, resource, found)
        self.errors(row, found, span.events)
        row["events"] = [self.event(event) for event in span.events] or None
        row["links"] = [self.link(link) for link in span.links] or None
        self.end("otel_logs_and_spans", SPANS, row)

    def endpoint(self, span, resource, found):
        def text(of, name):
            return of[name].json if name in of and of[name].kind == "string_value" else ""
        route = text(found, "http.route")
        if span.kind != 2 or not (route or text(found, "url.path")):
            return []
        if not route:
            return [ANY]  # by the path's template: rows_test has those
        service = as_text(collected(resource.attributes).get("service.name", Sent(None, None, b""))) or ""
        method = text(found, "http.request.method")
        return [str(uuid5(self.project, *(part(of.encode()) for of in ("endpoint", service, method, route))))]

    def with_attributes(self, of, attributes, dropped=0):
        if attributes:
            of["attributes"] = {key: sent.json for key, sent in collected(attributes).items()}
        if dropped:
            of["dropped_attributes_count"] = dropped
        return of

    def event(self, event):
        of = {"name": event.name, "time": time_text(event.time_unix_nano)}
        return self.with_attributes(of, event.attributes, event.dropped_attributes_count)

    def link(self, link):
        of = {"trace_id": (link.trace_id or bytes(16)).hex(), "span_id": (link.span_id or bytes(8)).hex()}
        if link.trace_state:
            of["trace_state"] = link.trace_state
        if link.flags:
            of["flags"] = link.flags
        return self.with_attributes(of, link.attributes, link.dropped_attributes_count)

    def log(self, resource, scope, log):
        sent_ns = log.time_unix_nano or log.observed_time_unix_nano
        if len(log.trace_id) not in (0, 16) or len(log.span_id) not in (0, 8) or (sent_ns and not is_time(sent_ns)):
            self.rejected += 1
            return
        row = self.begin(SPANS, resource, sent_ns or None, log.ByteSize())
        row["id"] = self.id(number(log.time_unix_nano), number(log.observed_time_unix_nano), number(log.severity_number),
                            part(log.severity_text.encode()), part(id_value(log.body)), id_attributes(log.attributes),
                            id_attributes(resource.attributes), id_scope(scope), part(log.trace_id), part(log.span_id))
        row["kind"], row["name"] = "log", log.event_name or None
        row["observed_timestamp"] = when(log.observed_time_unix_nano) if log.observed_time_unix_nano else ANY
        row["level"] = self.level(log)
        row["severity___severity_text"], row["severity___severity_number"] = log.severity_text or None, log.severity_number or None
        row["severity"] = {name: row["severity___" + name] for name in ("severity_text", "severity_number") if row["severity___" + name]} or None
        row["context___trace_id"] = log.trace_id.hex() if any(log.trace_id) else None
        row["context___span_id"] = log.span_id.hex() if any(log.span_id) else None
        row["hashes"] = [row["context___trace_id"]] if row["context___trace_id"] else []
        self.flags(row, log.flags)
        self.context(row)
        found = self.attributes(row, SPANS, log.attributes, 0, scope, {"attributes": log.dropped_attributes_count})
        self.errors(row, found, [])
        is_object = log.body.WhichOneof("value") == "string_value" and log.body.string_value in OBJECT_BODIES
        row["body"] = json.loads(log.body.string_value) if is_object else plain(log.body)
        self.end("otel_logs_and_spans", SPANS, row)

    def level(self, log):
        if log.severity_number:
            return ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")[(log.severity_number - 1) // 4]
        return {"INFO": "INFO", "warn": "WARN", "Error": "ERROR", "DEBUG": "DEBUG", "trace": "TRACE", "FATAL": "FATAL", "Information": "INFO",
                "critical": "FATAL", " notice ": "INFO", "INFO2": "INFO"}.get(log.severity_text)

    def metric(self, resources, scopes, resource, scope, metric):
        kind = metric.WhichOneof("data")
        for point in getattr(metric, kind).data_points if kind else ():
            if not is_time(point.time_unix_nano) or (kind == "histogram" and (point.bucket_counts or point.explicit_bounds) and
                                                     len(point.bucket_counts) != len(point.explicit_bounds) + 1):
                self.rejected += 1
            else:
                self.point(resources, scopes, resource, scope, metric, kind, point)

    def point(self, resources, scopes, resource, scope, metric, kind, point):
        row = self.begin(METRICS, resource, point.time_unix_nano, point.ByteSize())
        row["series_id"] = uuid5(self.project, part(metric.name.encode()), part(kind.encode()), part(metric.unit.encode()),
                                 id_attributes(resource.attributes), id_attributes(point.attributes), id_scope(scope))
        row["id"] = self.id(part(row["series_id"].bytes), number(point.time_unix_nano), number(point.start_time_unix_nano))
        row["metric_name"], row["metric_unit"], row["metric_type"] = metric.name, metric.unit, kind
        row["metric_description"] = metric.description or None
        row["scope_name"], row["scope_version"] = scope.name or None, scope.version or None
        row["scope_schema_url"], row["resource_schema_url"] = scopes.schema_url or None, resources.schema_url or None
        data = getattr(metric, kind)
        row["aggregation_temporality"] = {1: "delta", 2: "cumulative"}.get(getattr(data, "aggregation_temporality", 0))
        row["is_monotonic"] = data.is_monotonic if kind == "sum" else None
        row["ingested_at"], row["flags"], row["dropped_attributes_count"] = ANY, point.flags, 0
        row["start_timestamp"] = when(point.start_time_unix_nano) if point.start_time_unix_nano else None
        if not point.flags & 1:
            self.numbers(row, kind, point)
        self.attributes(row, METRICS, point.attributes)
        row["exemplars"] = [self.exemplar(exemplar) for exemplar in getattr(point, "exemplars", ())] or None
        self.end("otel_metrics", METRICS, row)

    def numbers(self, row, kind, point):
        if kind in ("gauge", "sum"):
            which = point.WhichOneof("value")
            if which:
                row["value"] = float(getattr(point, which))
                row["value_int" if which == "as_int" else "value_double"] = getattr(point, which)
            return
        optional = ("min", "max", "sum") if kind != "summary" else ()
        row["distribution_count"] = min(point.count, INT64_MAX)
        for name in optional:
            row["distribution_" + name] = getattr(point, name) if point.HasField(name) else None
        if kind == "summary":
            row["distribution_sum"] = point.sum
        if row["distribution_sum"] is not None and point.count:
            row["value"] = row["distribution_sum"] / float(point.count)
        if kind == "histogram":
            row["hist_bucket_counts"] = [min(count, INT64_MAX) for count in point.bucket_counts] or None
            row["hist_explicit_bounds"] = list(point.explicit_bounds) or None
        elif kind == "exponential_histogram":
            row["exp_hist_scale"], row["exp_hist_zero_count"] = point.scale, min(point.zero_count, INT64_MAX)
            row["exp_hist_zero_threshold"] = point.zero_threshold
            for sign, buckets in (("pos", point.positive), ("neg", point.negative)):
                row["exp_hist_%s_offset" % sign] = buckets.offset
                row["exp_hist_%s_buckets" % sign] = [min(count, INT64_MAX) for count in buckets.bucket_counts] or None
        else:
            row["summary_quantiles"] = [of.quantile for of in point.quantile_values] or None
            row["summary_values"] = [of.value for of in point.quantile_values] or None

    def exemplar(self, exemplar):
        of = {"time": time_text(exemplar.time_unix_nano)}
        which = exemplar.WhichOneof("value")
        if which:
            value = getattr(exemplar, which)
            of["value"] = value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        for name in ("trace_id", "span_id"):
            if getattr(exemplar, name):
                of[name] = getattr(exemplar, name).hex()
        if exemplar.filtered_attributes:
            of["attributes"] = {key: sent.json for key, sent in collected(exemplar.filtered_attributes, 0, True).items()}
        return of


def rows_of(request, project):
    rows = Rows(project)
    name = type(request).__name__
    if name == "ExportTraceServiceRequest":
        for resources in request.resource_spans:
            for scopes in resources.scope_spans:
                for span in scopes.spans:
                    rows.span(resources.resource, scopes.scope, span)
    elif name == "ExportLogsServiceRequest":
        for resources in request.resource_logs:
            for scopes in resources.scope_logs:
                for log in scopes.log_records:
                    rows.log(resources.resource, scopes.scope, log)
    else:
        for resources in request.resource_metrics:
            for scopes in resources.scope_metrics:
                for metric in scopes.metrics:
                    rows.metric(resources, scopes, resources.resource, scopes.scope, metric)
    return rows.rows, rows.rejected


def same(expected, actual, column):
    """Is the value of the column as it must be? Types count: 3 is not 3.0 and not true."""
    if expected is ANY:
        return actual is not None
    if column == "hashes":
        return same_hashes(expected, actual or [])
    if column == "errors" and actual is not None:
        actual = [{key: of for key, of in error.items() if key != "fingerprint"} for error in actual]
    if column == "links" and actual is not None:
        actual = json.loads(actual)
    return deep(expected, actual)


def same_hashes(expected, actual):
    extra = [of for of in actual[len(expected):]]
    return len(actual) >= len(expected) and all(a is ANY or a == b for a, b in zip(expected, actual)) and \
        all(re.fullmatch(r"((err|pat):)?[0-9a-f-]{36}", of) for of in extra)


def deep(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list):
        return len(a) == len(b) and all(deep(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(deep(a[key], b[key]) for key in a)
    return a == b
