# time_limit_s: 240, tries: 2
"""Four small HTTP apps in Go, Python, Node.js and Java (tests/apps) call each other, each with OpenTelemetry's own SDK and
instrumentation set up by the usual variables. One trace goes through four languages: by SQL, every span is there with the right
parent, kind and status, logs join it by trace and span id, metrics count what happened, and the exception of the deepest service
is in `errors`. Nothing is lost and nothing is there twice: the counts are those that the apps themselves print at their end.
Once by gRPC, once by HTTP with protobuf and JSON."""
import collections
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apps import Apps
from monoscope import Server, check

ROUNDS = {
    "1.0.0": {"go": "grpc", "python": "grpc", "node": "grpc", "java": "grpc"},
    "2.0.0": {"go": "http/protobuf", "python": "http/protobuf", "node": "http/json", "java": "http/protobuf"},
}
LANGUAGES = {"go": "go", "python": "python", "node": "nodejs", "java": "java"}
GOOD, BAD = 30, 6  # checkouts
# span <- its parent, of one checkout; both "service kind status HTTP-status"
GOOD_TRACE = """
    go server UNSET 200        <-
    go internal UNSET          <- go server UNSET 200
    go client UNSET 200        <- go server UNSET 200
    python server UNSET 200    <- go client UNSET 200
    python internal UNSET      <- python server UNSET 200
    python internal UNSET      <- python server UNSET 200
    python internal UNSET      <- python server UNSET 200
    python client UNSET 200    <- python internal UNSET
    node server UNSET 200      <- python client UNSET 200
    node internal UNSET        <- node server UNSET 200
    node client UNSET 200      <- node server UNSET 200
    java server UNSET 200      <- node client UNSET 200
    java client UNSET 200      <- java server UNSET 200
    go server UNSET 200        <- java client UNSET 200
"""
BAD_TRACE = """
    go server ERROR 502        <-
    go internal UNSET          <- go server ERROR 502
    go client ERROR 502        <- go server ERROR 502
    python server ERROR 502    <- go client ERROR 502
    python internal UNSET      <- python server ERROR 502
    python internal UNSET      <- python server ERROR 502
    python internal ERROR 502  <- python server ERROR 502
    python client ERROR 502    <- python internal UNSET
    node server ERROR 502      <- python client ERROR 502
    node internal UNSET        <- node server ERROR 502
    node client ERROR 500      <- node server ERROR 502
    java server ERROR 500      <- node client ERROR 500
"""
# service, level and kind of the span it belongs to: the log records of one checkout
GOOD_LOGS = ["go INFO server", "go INFO server", "java INFO server", "node INFO server", "python WARN server"]
BAD_LOGS = ["go ERROR internal", "go INFO server", "java ERROR server", "java INFO server", "node ERROR server", "node INFO server",
            "python ERROR server", "python WARN server"]
# metric: (app, type, what its count or sum is told as)
METRICS = {
    "shop.checkouts": ("go", "sum", "checkouts"),
    "shop.basket": ("go", "histogram", "checkouts"),
    "orders.taken": ("python", "sum", "orders"),
    "orders.size": ("python", "exponential_histogram", "orders"),
    "goods.found": ("node", "sum", "goods"),
    "goods.weight": ("node", "exponential_histogram", "weights"),
}
DURATIONS = {"go": "histogram", "python": "exponential_histogram", "node": "histogram", "java": "exponential_histogram"}


def lines(trace):
    return sorted(" ".join(line.split()) for line in trace.strip().splitlines())


def send(apps):
    """What was asked and answered, many at once."""
    def one(item):
        status, body = apps.get("go", "/checkout?item=" + item)
        wanted = (502, "no goods") if item == "broken" else (200, "1 of 7")
        check(status == wanted[0] and wanted[1] in body, "the apps answer %r: %d %s" % (item, status, body))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, ["tea"] * GOOD + ["broken"] * BAD))


def traces(server, version):
    """{trace id: {span id: (text, parent id)}} and the same in words, checked one by one."""
    rows = server.query("""SELECT context___trace_id, context___span_id, parent_id, replace(resource___service___name, 'shop-', ''), kind,
                           status_code, attributes___http___response___status_code FROM otel_logs_and_spans
                           WHERE kind <> 'log' AND resource___service___version = %s""", (version,))
    found = collections.defaultdict(dict)
    for trace, span, parent, *words in rows:
        check(span not in found[trace], "span %s of trace %s is there once" % (span, trace))
        found[trace][span] = (" ".join(word for word in words if word), parent)
    return found


def check_traces(server, version):
    kinds = collections.Counter()
    for trace, spans in traces(server, version).items():
        made = []
        for text, parent in spans.values():
            check(parent is None or parent in spans, "the parent of \"%s\" is in trace %s" % (text, trace))
            made.append(("%s <- %s" % (text, spans[parent][0] if parent else "")).strip())
        # The send spans of the Python server may carry its HTTP status.
        is_bad = any("ERROR" in line for line in made)
        wanted = lines(BAD_TRACE if is_bad else GOOD_TRACE)
        made = sorted(line.replace("internal UNSET 200", "internal UNSET") for line in made)
        check(made == wanted, "trace %s is\n%s\nwanted\n%s" % (trace, "\n".join(made), "\n".join(wanted)))
        kinds["bad" if is_bad else "good"] += 1
    check(kinds == {"good": GOOD, "bad": BAD}, "traces: %r" % kinds)


def check_logs(server, version):
    """By a join in SQL: each record of a checkout belongs to a span of its own service in the same trace."""
    rows = server.query("""SELECT s.context___trace_id, replace(l.resource___service___name, 'shop-', ''), l.level, s.kind
                           FROM otel_logs_and_spans l JOIN otel_logs_and_spans s ON l.context___trace_id = s.context___trace_id
                                AND l.context___span_id = s.context___span_id AND l.resource___service___name = s.resource___service___name
                           WHERE l.kind = 'log' AND s.kind <> 'log' AND l.resource___service___version = %s""", (version,))
    found = collections.defaultdict(list)
    for trace, *words in rows:
        found[trace].append(" ".join(words))
    of_trace = collections.Counter(tuple(sorted(words)) for words in found.values())
    check(of_trace == {tuple(GOOD_LOGS): GOOD, tuple(BAD_LOGS): BAD}, "log records by trace: %r" % of_trace)


def check_errors(server, version):
    """The deepest service's exception, in its span and in its log record; nobody else's."""
    rows = server.query("""SELECT resource___service___name, kind, errors, count(*) FROM otel_logs_and_spans
                           WHERE errors IS NOT NULL AND resource___service___version = %s GROUP BY 1, 2, 3""", (version,))
    check(sorted((row[0], row[1]) for row in rows if row[2]) == [("shop-java", "log"), ("shop-java", "server")], "rows with errors: %r" % rows)
    for _, kind, errors, count in rows:
        check(count == BAD and len(errors) == 1, "%d errors of %s: %r" % (count, kind, errors))
        check((errors[0]["type"], errors[0]["message"]) == ("java.lang.IllegalStateException", "cannot pack what is broken") and
              "Packing.pack(Packing.java" in errors[0]["stacktrace"], "the exception: %r" % errors)


def check_told(server, version, told):
    """Rows are as many as the apps say they made."""
    for app, did in told.items():
        rows = dict(server.query("""SELECT kind, count(*) FROM otel_logs_and_spans
                                    WHERE resource___service___name = %s AND resource___service___version = %s GROUP BY 1""",
                                 ("shop-" + app, version)))
        wanted = {kind: count for kind, count in dict(did["spans"], log=did["logs"]).items() if count}
        check(rows == wanted, "%s says it made %r, there are %r" % (app, wanted, rows))
        resource = server.query("""SELECT DISTINCT resource->'telemetry'->'sdk'->>'language', resource___telemetry___sdk___language,
                                   resource___deployment___environment___name FROM otel_logs_and_spans
                                   WHERE resource___service___name = %s AND resource___service___version = %s""", ("shop-" + app, version))
        check(resource == [(LANGUAGES[app], LANGUAGES[app], "story")], "the resource of %s: %r" % (app, resource))


def points(server, version, app, metric):
    """The last point of each series: (type, value, count, zero count, environment). What the app measured of its own exporter's
    requests (Node.js's HTTP instrumentation does) is left out: no span tells of them."""
    rows = server.query("""SELECT series_id, metric_type, value, distribution_count, hist_bucket_counts, exp_hist_pos_buckets,
                           exp_hist_neg_buckets, exp_hist_zero_count, resource___deployment___environment___name FROM otel_metrics
                           WHERE resource___service___name = %s AND resource___service___version = %s AND metric_name = %s
                           AND coalesce(attributes->>'server.port', '') <> %s ORDER BY timestamp""",
                        ("shop-" + app, version, metric, str(server.http_port)))
    last = {}
    for series, kind, value, count, buckets, positive, negative, zero, environment in rows:
        inside = sum(buckets or []) + sum(positive or []) + sum(negative or []) + (zero or 0)
        check(kind == "sum" or inside == count, "the buckets of %s hold %d of %s" % (metric, inside, count))
        last[series] = (kind, value, count, zero, environment)
    check(last and all(point[4] == "story" for point in last.values()), "points of %s with their resource: %r" % (metric, last))
    return list(last.values())


def check_metrics(server, version, told):
    for metric, (app, kind, name) in METRICS.items():
        found = points(server, version, app, metric)
        check({point[0] for point in found} == {kind}, "%s is a %s: %r" % (metric, kind, found))
        total = sum(point[1] if kind == "sum" else point[2] for point in found)
        check(total == told[app][name], "%s counts %d, the app says %d" % (metric, total, told[app][name]))
    check(sum(point[3] for point in points(server, version, "node", "goods.weight")) == told["node"]["goods"], "zeros have their own bucket")
    for app, kind in DURATIONS.items():
        for side in ("server", "client"):
            found = points(server, version, app, "http.%s.request.duration" % side)
            check({point[0] for point in found} == {kind}, "durations of %s are a %s: %r" % (app, kind, found))
            total = sum(point[2] for point in found)
            check(total == told[app]["spans"][side], "%s says %d %s requests, its histogram %d" % (app, told[app]["spans"][side], side, total))


def main():
    with Server() as server:
        for version, protocols in ROUNDS.items():
            with Apps(server, protocols, version) as apps:
                send(apps)
                told = apps.stop()
            rows = sum(sum(did["spans"].values()) + did["logs"] for did in told.values())
            server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE resource___service___version = '%s'" % version, rows)
            check_traces(server, version)
            check_logs(server, version)
            check_errors(server, version)
            check_told(server, version, told)
            check_metrics(server, version, told)
            print("%s: %d traces through four languages, %d spans and log records, all there once" %
                  (", ".join("%s %s" % pair for pair in protocols.items()), GOOD + BAD, rows), flush=True)
        server.stop()


main()
