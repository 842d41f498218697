# time_limit_s: 120, tries: 2
"""Whose a trace is: a browser names its user on its own span alone, which may come before the backend's spans and logs or, as it
does when the root span ends last, after them. Asking for the user finds them all: at once, from Delta, and after a restart or a
kill. `attributes` stays what each row was sent with, and another project with the same trace ids sees nothing of it."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monoscope import Server, check, wait_until
from otlp import OK, Sender, log, logs, span, traces

BROWSER, GO, SQL = {"service.name": "web"}, {"service.name": "checkout"}, {"service.name": "orders"}


class Trace:
    def __init__(self, user, session):
        self.id, self.user, self.session = os.urandom(16), user, session
        self.root_id, self.server_id = os.urandom(8), os.urandom(8)
        self.at_ns = time.time_ns()

    def browser(self):
        return traces([span("click pay", {"user.id": self.user, "session.id": self.session, "user.email": self.user + "@x"}, self.at_ns,
                            trace_id=self.id, span_id=self.root_id, kind=3)], BROWSER)

    def backend(self):
        return traces([span("POST /pay", {"http.request.method": "POST"}, self.at_ns + 10 ** 6, trace_id=self.id, span_id=self.server_id,
                            parent_span_id=self.root_id, kind=2),
                       span("INSERT orders", {"db.system.name": "postgresql"}, self.at_ns + 2 * 10 ** 6, trace_id=self.id,
                            parent_span_id=self.server_id, kind=3)], GO)

    def logs(self):
        return logs([log("card was declined", {"retries": 2}, self.at_ns + 3 * 10 ** 6, trace_id=self.id, span_id=self.server_id,
                         severity_number=17)], SQL)


def send(sender, *messages):
    for message in messages:
        signal = "logs" if hasattr(message, "resource_logs") else "traces"
        answer = sender.send(signal, message)
        check(answer.status == OK and answer.rejected == 0, "it is taken: %r" % answer)


def names(server, where, connection=None, tail="ORDER BY timestamp"):
    sql = ("SELECT coalesce(name, body #>> '{}') FROM otel_logs_and_spans WHERE " + where + " " + tail)
    if connection:
        return [row[0] for row in connection.execute(sql).fetchall()]
    return [row[0] for row in server.query(sql)]


ALL = ["click pay", "POST /pay", "INSERT orders", "card was declined"]


def check_all(server, late, early, when):
    for trace in (late, early):
        for column, content in (("user___id", trace.user), ("user___email", trace.user + "@x"), ("session___id", trace.session)):
            where = "attributes___%s = '%s'" % (column, content)
            found = names(server, where)
            check(found == ALL, "%s: %s finds the whole trace: %r" % (when, where, found))
            found = names(server, where + " AND timestamp > now() - interval '1 hour'", tail="ORDER BY timestamp DESC LIMIT 2")
            check(found == ALL[:1:-1], "%s: the latest two of %s: %r" % (when, where, found))
        rows = server.query("SELECT attributes___user___id, attributes->>'user.id', attributes ? 'user', resource___service___name "
                            "FROM otel_logs_and_spans WHERE context___trace_id = %s ORDER BY timestamp", (trace.id.hex(),))
        check(rows == [(trace.user, trace.user, True, "web")] + [(trace.user, None, False, service) for service in ("checkout", "checkout", "orders")],
              "%s: each row names the user, and its attributes are what was sent: %r" % (when, rows))
    users = server.query("SELECT attributes___user___id, count(*) FROM otel_logs_and_spans WHERE level = 'ERROR' GROUP BY 1 ORDER BY 1")
    check(users == [(early.user, 1), (late.user, 1), (None, 1)], "%s: who meets errors: %r" % (when, users))
    check(server.one("SELECT count(*) FROM otel_logs_and_spans") == 11, "%s: no row more or less" % when)


def main():
    with Server(flush="1h") as server:  # nothing is flushed until it stops
        _, _, other_key = server.project_create("other")
        sender, other = Sender(server.grpc_port, server.key), Sender(server.grpc_port, other_key)
        wait_until(lambda: other.send("logs", logs([])).status == OK, "the new key works")
        late, early, nobody = Trace("u-late", "s-late"), Trace("u-early", "s-early"), Trace(None, None)
        send(sender, late.backend(), late.logs(), early.browser(), nobody.backend(), nobody.logs())
        # The other project has the same traces, and a user in the one that is nobody's.
        send(other, late.backend(), early.logs())
        nobody.user, nobody.session = "u-spy", "s-spy"
        send(other, nobody.browser())
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 7)
        check(names(server, "attributes___user___id = 'u-late'") == [], "nobody said yet whose the trace is")
        send(sender, early.backend(), early.logs(), late.browser())
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 11)
        check_all(server, late, early, "from segments")
        with server.connect(user="other", password=other_key) as connection:
            wait_until(lambda: connection.execute("SELECT count(*) FROM otel_logs_and_spans").fetchone() == (4,), "the other project's rows")
            seen = connection.execute("SELECT DISTINCT attributes___user___id, attributes___session___id FROM otel_logs_and_spans ORDER BY 1").fetchall()
            check(seen == [("u-spy", "s-spy"), (None, None)], "the other project has its own user and no other: %r" % seen)
            check(names(server, "attributes___user___id IN ('u-late', 'u-early')", connection) == [], "and finds none by name")
        check(names(server, "attributes___user___id = 'u-spy'") == [], "nor do we find its user")

        server.kill()
        server.start()
        check_all(server, late, early, "after a kill, from the log")
        server.stop()
        check(not [name for name in os.listdir(os.path.join(server.data, "segments")) if name.endswith(".parquet")], "all is in Delta")
        server.start()
        check_all(server, late, early, "after a restart, from Delta")

        # One half in Delta, the other one come since.
        split = Trace("u-split", "s-split")
        send(Sender(server.grpc_port, server.key), split.backend(), split.logs())
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 14)
        server.stop()
        server.start()
        send(Sender(server.grpc_port, server.key), split.browser())
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", 15)
        check(names(server, "attributes___user___id = 'u-split'") == ALL, "backend in Delta, browser in a segment")
        server.stop()
    print("whose a trace is: browser last, browser first, from segments, log and Delta: all found; another project's: none")


main()
