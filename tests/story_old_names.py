# time_limit_s: 120
"""Every attribute that OpenTelemetry's semantic conventions have given up with a successor is written under the successor. The
notes of deprecation in the official Python package are the list; each old name is sent on a span of its own and asked for by SQL.
When the package is newer than our table (src/worker/rows/rows_rename.c), this story names what is missing."""
import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import opentelemetry.semconv
from opentelemetry.semconv._incubating.attributes import db_attributes, gen_ai_attributes, rpc_attributes
from monoscope import Server, check, wait_until
from otlp import Sender, span, traces

# Successors that the notes name and we do not follow, or follow to another name; why: rows_rename.c and docs/rows.md.
EXCEPTIONS = {
    "state": "means this on db.client.connections.usage alone",
    "pool.name": "means this on db.client.connections.* alone",
    "http.request_content_length": "http.request.body.size, as 1.21 named it: it has a column",
    "http.response_content_length": "http.response.body.size, as 1.21 named it",
}
# Old databases without a word among the new ones (db-migration.md: "Removed").
DATABASES_REMOVED = {"cloudscape", "coldfusion", "edb", "filemaker", "firstsql", "interbase", "mssqlcompact", "pervasive", "pointbase",
                     "progress", "sybase", "vertica"}
CONSUMER = {"messaging.rocketmq.client_group"}


def notes():
    """{old name: successor} of all notes that name one successor."""
    found = {}
    home = list(opentelemetry.semconv.__path__)[0]
    for path in glob.glob(os.path.join(home, "**", "*_attributes.py"), recursive=True):
        with open(path) as f:
            text = f.read()
        for constant, name, words in re.findall(r'^([A-Z0-9_]+): Final = \(?\s*"([^"]+)"\s*\)?\n"""\n?(.*?)"""', text, re.S | re.M):
            family = ".any" if constant.endswith("_TEMPLATE") else ""  # what stands behind the point is the sender's
            note = re.match(r"Deprecated: (?:Replaced by|Use) `([a-z0-9_.-]+)`(?! and | on client)", words.strip())
            if note:
                found[name + family] = note.group(1) + family
    return found


def flat(of, before=""):
    found = {}
    for key, value in of.items():
        if isinstance(value, dict):
            found.update(flat(value, before + key + "."))
        else:
            found[before + key] = value
    return found


def values_of(enum):
    return {member.value for member in enum}


def main():
    with Server() as server:
        successors = notes()
        check(len(successors) > 100, "the package has notes of deprecation: %d" % len(successors))
        old_databases = values_of(db_attributes.DbSystemValues) - DATABASES_REMOVED
        old_providers = values_of(gen_ai_attributes.GenAiSystemValues)
        old_systems = values_of(rpc_attributes.RpcSystemValues)
        spans = [span(name, {name: "v"}, kind=5 if name in CONSUMER else 3) for name in sorted(successors)]
        spans += [span("value", {"db.system": value}) for value in sorted(old_databases)]
        spans += [span("value", {"gen_ai.system": value}) for value in sorted(old_providers)]
        spans += [span("value", {"rpc.system": value}) for value in sorted(old_systems)]
        answer = Sender(server.grpc_port, server.key).send("traces", traces(spans))
        check(answer.status == 0 and answer.rejected == 0, "all are taken: %r" % answer)
        wait_until(lambda: server.query("SELECT count(*) FROM otel_logs_and_spans")[0][0] == len(spans), "all are visible")

        missing = []
        for name, attributes in server.query("SELECT name, attributes FROM otel_logs_and_spans WHERE name <> 'value'"):
            found = {key: value for key, value in flat(attributes).items() if not key.startswith("otel.scope.")}
            if name.startswith("otel.library."):
                found = flat(attributes)
            if name in EXCEPTIONS:
                check(successors[name] not in found, "%s is an exception no more" % name)
            elif found.get(successors[name]) != "v":
                missing.append("%s -> %s (found %s)" % (name, successors[name], json.dumps(found)))
        check(not missing, "old names that are not renamed:\n  " + "\n  ".join(missing))

        for key, current in (("db.system.name", values_of(db_attributes.DbSystemNameValues)),
                             ("gen_ai.provider.name", values_of(gen_ai_attributes.GenAiProviderNameValues)),
                             ("rpc.system.name", values_of(rpc_attributes.RpcSystemNameValues) | {"java_rmi", "dotnet_wcf", "onc_rpc"})):
            got = {flat(row[0]).get(key) for row in server.query("SELECT attributes FROM otel_logs_and_spans WHERE name = 'value'")}
            strange = sorted(value for value in got if value is not None and value not in current)
            check(not strange, "values of %s that the conventions do not know: %s" % (key, strange))
        print("%d old names and %d old values are current ones" % (len(successors) - len(EXCEPTIONS), len(spans) - len(successors)))


main()
