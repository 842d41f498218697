#!/usr/bin/env python3
# time_limit_s: 300
"""Roll-ups: counts that are exact whatever is killed, quantiles within 1%, the service map, facets, metric names.

On SQLite, then on PostgreSQL: ten times (MONO_FULL: twenty) the server is killed under load, at random moments and at the
places where counts have been stored and nothing else, or nothing yet; then every count that the API gives is asked of SQL
too. PostgreSQL is also killed itself for some seconds: rows go on into the tables, counts catch up. Calls between services
come in pieces, with kills between them. At last the same questions on TimescaleDB (tests/timescale): its hypertables,
continuous aggregates, compression and policies give what ordinary tables give.
"""
import datetime
import os
import random
import subprocess
import sys
import time

from apiclient import Caller
from monoscope import FULL, REPO, STORY_DIR, Server, check, wait_until
from otlp import Sender, gauge, metrics, span, traces
from postgres import Postgres

KILLS = 20 if FULL else 10
PLACES = ["rollups.before_store:1", "rollups.after_store:1", "rollups.after_store:3", "flush.after_commit:2", "wal.before_release:2",
          "flush.before_commit:1"]
seed = int(os.environ.get("STORY_SEED") or time.time())
rng = random.Random(seed)
print("seed", seed)
RANGE = "?from=now-6h&to=now"


class Api(Caller):
    def __init__(self, server):
        super().__init__(server, server.key)

    def all(self, noun, more=""):
        """Every page of a list, three at a time where there are few."""
        found, cursor = [], ""
        while True:
            page = self.done("GET", "/projects/default/%s%s&limit=%d%s%s" % (noun, RANGE, 200, more, cursor))
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            cursor = "&cursor=" + page["next_cursor"]


def utc(at):
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00"))


def counted(api):
    return sum(service["spans"] + service["logs"] for service in api.all("services"))


def wait_counted(server, words):
    """Until the counts have all rows that SQL has; for what is in the tables is counted with the next flush."""
    api = Api(server)
    rows = server.one("SELECT count(*) FROM otel_logs_and_spans")
    seen = [0]

    def reached():
        seen[0] = counted(api)
        return seen[0] >= rows
    end = time.monotonic() + 40
    while time.monotonic() < end and not reached():
        time.sleep(0.2)
    check(seen[0] == rows, "%s: %d rows are counted, SQL has %d\n%s" % (words, seen[0], rows, server.log_text()[-2000:]))
    return rows


def round_of_kills(server, number):
    place = rng.choice(PLACES) if number % 2 else None
    server.start(environment={"MONOSCOPE_FAIL_POINT": place} if place else {}, wait=False)
    if server.wait_ready():
        load = subprocess.Popen(server.load_command(30, connections=2, spans=50, rate=6000), stdout=subprocess.DEVNULL)
        end = time.monotonic() + (3 if place else rng.uniform(0.2, 1.2))
        while time.monotonic() < end and server.process.poll() is None:
            time.sleep(0.01)
        was_inside = server.process.poll() is not None
        server.kill()
        load.wait()
        return place if was_inside else None
    return place


def compare(server):
    """Every figure of the API against SQL."""
    api = Api(server)
    sql = server.query("""SELECT resource___service___name, count(*) FILTER (WHERE kind <> 'log'),
                                 count(*) FILTER (WHERE kind <> 'log' AND status_code = 'ERROR'),
                                 count(*) FILTER (WHERE kind IN ('server', 'consumer'))
                          FROM otel_logs_and_spans GROUP BY 1 ORDER BY 1""")
    services = api.all("services")
    told = [(s["name"], s["spans"], s["span_errors"], s["requests"]) for s in services]
    check(told == [tuple(row) for row in sql], "services as SQL has them: %s, %s" % (told[:3], sql[:3]))
    health = api.done("GET", "/projects/default/services/health" + RANGE)["items"]
    check([(h["name"], h["spans"], h["span_errors"], h["now"]["requests"]) for h in health] == told, "their health has the same: %s" % health[:2])
    check(all(h["now"]["duration_ns"] == s["duration_ns"] and sum(h["over_time"]["requests"]) == s["requests"] for h, s in zip(health, services)), "durations and steps too")
    endpoints = {(e["service"], e["id"]): e["requests"] for e in api.all("endpoints")}
    sql = server.query("""SELECT resource___service___name, hash, count(*) FROM (SELECT resource___service___name, unnest(hashes) AS hash
                          FROM otel_logs_and_spans WHERE kind = 'server') h WHERE length(hash) = 36 GROUP BY 1, 2""")
    exact = {(service, endpoint): count for service, endpoint, count in sql}
    shared = set(endpoints) & set(exact)
    wrong = [key for key in shared if endpoints[key] > exact[key]]
    check(not wrong, "no endpoint has more requests than SQL: %s" % wrong[:3])
    check(sum(endpoints.values()) == sum(exact.values()), "requests of all endpoints: %d, %d" % (sum(endpoints.values()), sum(exact.values())))
    minutes = dict(server.query("SELECT date_trunc('minute', timestamp), count(*) FROM otel_logs_and_spans GROUP BY 1"))
    points = api.done("GET", "/projects/default/counts%s&step=60" % RANGE)["points"]
    told = {utc(point["at"]): point["rows"] for point in points}
    told = {at: rows for at, rows in told.items()}
    spans = {at.astimezone(datetime.timezone.utc): rows for at, rows in minutes.items()}
    metric_rows = dict(server.query("SELECT date_trunc('minute', timestamp), count(*) FROM otel_metrics GROUP BY 1"))
    for at, rows in metric_rows.items():
        at = at.astimezone(datetime.timezone.utc)
        spans[at] = spans.get(at, 0) + rows
    check(told == spans, "minutes as SQL has them: %s, %s" % (sorted(told.items())[:3], sorted(spans.items())[:3]))
    return len(services), len(endpoints), len(minutes)


def quantiles(server):
    """Of one service's requests; exact ones by SQL."""
    api, worst = Api(server), 0.0
    for service in api.all("services")[:10]:
        if service["requests"] < 100:
            continue
        durations = [row[0] for row in server.query("""SELECT duration FROM otel_logs_and_spans WHERE kind IN ('server', 'consumer')
                     AND duration IS NOT NULL AND resource___service___name = %s ORDER BY 1""", (service["name"],))]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            exact = durations[int(share * (len(durations) - 1))]
            worst = max(worst, abs(service["duration_ns"][name] - exact) / exact)
        check(service["duration_ns"]["max"] == durations[-1], "the longest is the longest")
    check(worst <= 0.0101, "quantiles are within 1%%: the worst is %.3f%%" % (100 * worst))
    return worst


def calls(server, words):
    """web -> cart -> postgresql, web -> a bank that sends nothing; every span in a request of its own, in any order, with kills
    between. Each call once in the map, whatever came when."""
    traces_sent, order = 60, []
    for number in range(traces_sent):
        trace, now = os.urandom(16), time.time_ns() - 10**9
        ids = [os.urandom(8) for _ in range(5)]

        def of(service, kind, index, parent, **attrs):
            one = span("s", attrs, at_ns=now, trace_id=trace, span_id=ids[index], kind=kind)
            if parent is not None:
                one.parent_span_id = ids[parent]
            one.end_time_unix_nano = now + 1000000 * (index + 1)
            return traces([one], {"service.name": words + service})
        order += [of("web", 2, 0, None), of("web", 3, 1, 0, **{"server.address": "cart.internal"}), of("cart", 2, 2, 1),
                  of("cart", 3, 3, 2, **{"db.system.name": "postgresql", "db.namespace": "shop"}),
                  of("web", 3, 4, 0, **{"server.address": "api.bank.example"})]
    rng.shuffle(order)
    for part in range(3):
        server.start()
        sender = Sender(server.grpc_port, server.key)
        for message in order[part::3]:
            answer = sender.send("traces", message)
            check(answer.status == 0, "a span is taken: %s" % answer)
        time.sleep(rng.uniform(0, 1.5))
        server.kill()
    server.start()
    wait_counted(server, words)

    def edges():
        return {(e["source"], e["target"], e["target_kind"]): e["calls"] for e in Api(server).all("edges")
                if words in e["source"] or words in e["target"]}
    expected = {("", words + "web", "service"): traces_sent, (words + "web", words + "cart", "service"): traces_sent,
                (words + "cart", "postgresql/shop", "database"): traces_sent}
    found = {}
    end = time.monotonic() + 60  # the job joins what came apart, every 20 s
    while time.monotonic() < end and found != expected:
        found = edges()
        time.sleep(0.5)
    check(found == expected, "the map has every call once: %s" % found)
    return len(order)


def catalogs(server):
    sender = Sender(server.grpc_port, server.key)
    now = time.time_ns()
    for number in range(30):
        plan = "team" if number % 3 == 0 else "free"
        sender.send("traces", traces([span("s", {"story.plan": plan, "story.id": os.urandom(6).hex(), "story.nul": "a\0b"}, at_ns=now)],
                                     {"service.name": "facets\0x"}))
        sender.send("metrics", metrics([gauge("story.load", number)], {"service.name": "facets"}))
    api = Api(server)

    def facet():
        found = {a["key"]: a for a in api.all("attributes", "&place=span")}
        return found if found.get("story.plan", {}).get("rows") == 30 else None
    found = wait_until(facet, "attributes are listed")
    check([(v["value"], v["rows"]) for v in found["story.plan"]["values"]] == [("free", 20), ("team", 10)],
          "values with their counts: %s" % found["story.plan"])
    metric = {m["name"]: m for m in api.all("metrics")}["story.load"]
    check((metric["type"], metric["points"], metric["services"]) == ("gauge", 30, ["facets"]), "the metric is listed: %s" % metric)
    check(any(s["name"] == "facets\ufffdx" for s in api.all("services")), "a NUL in a name is mended")
    status, problem, _ = api.ask("GET", "/projects/default/services?from=now&to=now-1h")
    check(status == 400 and "from" in problem["detail"], "a range that ends before it begins: %s" % problem)
    return len(found)


def database_away(server, postgres):
    """Rows are stored in the tables and asked for while PostgreSQL is dead; counts are complete when it is back."""
    before = server.one("SELECT count(*) FROM otel_logs_and_spans")
    postgres.kill()
    loaded = server.load(4, connections=2, rate=5000)
    check(loaded["failed"] == 0, "senders are answered while the database is away: %s" % loaded)
    committed = len(server.events("flush.committed"))
    wait_until(lambda: len(server.events("flush.committed")) > committed, "rows go into the tables while it is away", 60)
    check(server.one("SELECT count(*) FROM otel_logs_and_spans") == before + loaded["spans"], "and are found")
    postgres.start()
    server.wait_count("SELECT count(*) FROM otel_logs_and_spans", before + loaded["spans"])
    wait_until(lambda: Api(server).ask("GET", "/projects/default/services")[0] == 200, "the database is back", 60)
    wait_counted(server, "after the database was away")
    return loaded["spans"]


def on(name, options, postgres=None):
    begin = time.monotonic()
    server = Server(data=os.path.join(STORY_DIR, name), flush="700ms", options=["--publish-interval", "50ms", "--telemetry", "off"] + options)
    reached = {}
    with server:
        server.kill()
        for number in range(KILLS):
            place = round_of_kills(server, number)
            if place:
                reached[place] = reached.get(place, 0) + 1
        server.start()
        rows = wait_counted(server, "after %d kills" % KILLS)
        services, endpoints, minutes = compare(server)
        worst = quantiles(server)
        print("%s: %d rows after %d kills (%s) counted exactly: %d services, %d endpoints, %d minutes; quantiles within %.2f%%"
              % (name, rows, KILLS, reached, services, endpoints, minutes, 100 * worst), flush=True)
        server.kill()
        spans = calls(server, name + ".")
        facets = catalogs(server)
        print("%s: %d spans of calls in pieces, each call once in the map; %d facets" % (name, spans, facets), flush=True)
        if postgres:
            print("%s: %d rows while the database was dead, all counted after" % (name, database_away(server, postgres)), flush=True)
        server.stop()
    check(reached, "fail points were reached")
    print("%s took %.0f s" % (name, time.monotonic() - begin), flush=True)


def on_timescale():
    import nodeprogram
    folder = nodeprogram.install("timescale")
    test = os.path.join(os.path.dirname(os.environ.get("MONOSCOPE") or os.path.join(REPO, "build", "release", "monoscope")), "tests", "rollup_read_test")
    with subprocess.Popen([nodeprogram.NODE, "server.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as database:
        try:
            url = database.stdout.readline().strip()
            check(url.startswith("postgres://"), "PostgreSQL with TimescaleDB starts")
            result = subprocess.run([test], env=dict(os.environ, MONO_TIMESCALE_URL=url), capture_output=True, text=True, timeout=120)
            check(result.returncode == 0, "the same answers with TimescaleDB: %s%s" % (result.stdout, result.stderr))
        finally:
            database.stdin.close()
            database.terminate()
    print("timescale: services, endpoints and counts over 30 days at each grain, before and after refresh and compression, as by hand")


def main():
    on("sqlite", [])
    with Postgres() as postgres:
        on("postgres", ["--database", postgres.url()], postgres)
    on_timescale()


if __name__ == "__main__":
    main()
