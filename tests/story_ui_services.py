#!/usr/bin/env python3
# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""The pages of services in a real Chromium: tests/ui/services.js says what is done. Two hours of a shop (shop_services.py): in the second,
one service fails since a release, one is slow, one is silent. Each figure of the list, of the page of one and of the map is that of SQL
over the rows, from roll-ups and from rows; ill ones are first; the map stands still, is walked by keys, and is a table too; 200 services
can be read on it; every state is the address; axe finds no violation of WCAG AA; pages at three widths, light and
dark, are kept in build/stories/story_ui_services.shots."""
import datetime
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from shop_services import MINUTE_NS, ServicesShop, many_services


def iso(ns):
    return datetime.datetime.fromtimestamp(ns // 10 ** 9, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def figures(server, begin, end, stage=None):
    """Of each service in the hour, and its requests of the hour before. Quantiles: of rows as percentile_cont has them, of roll-ups the
    duration that stands at their place."""
    rows = server.query("""
        SELECT resource___service___name, timestamp >= to_timestamp(%d), status_code = 'ERROR', duration FROM otel_logs_and_spans
        WHERE timestamp >= to_timestamp(%d) AND timestamp < to_timestamp(%d) AND kind IN ('server', 'consumer') AND %s
        ORDER BY duration""" % (begin, 2 * begin - end, end, "resource___deployment___environment___name = '%s'" % stage if stage else "true"))
    told = []
    for name in sorted({row[0] for row in rows}) + ["batch"]:
        now = [row for row in rows if row[0] == name and row[1]]
        durations = [row[3] for row in now]
        one = {"name": name, "requests": len(now), "errors": sum(row[2] for row in now), "before": sum(row[0] == name and not row[1] for row in rows)}
        for quantile, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            place = share * (len(now) - 1)
            low = durations[int(place)] if durations else None
            one[quantile] = low + (place % 1) * (durations[min(int(place) + 1, len(now) - 1)] - low) if durations and stage else low
        told.append(one)
    return told


def parts(server, begin, end):
    """Endpoints of web, whom services call, releases of checkout: as the rows of the hour have them."""
    hour = "timestamp >= to_timestamp(%d) AND timestamp < to_timestamp(%d)" % (begin, end)
    endpoints = server.query("""SELECT attributes___http___request___method || ' ' || attributes___http___route, count(*), count(*) FILTER (WHERE status_code = 'ERROR')
        FROM otel_logs_and_spans WHERE resource___service___name = 'web' AND kind = 'server' AND %s GROUP BY 1""" % hour)
    pairs = server.query("""SELECT c.resource___service___name, s.resource___service___name, count(*) FROM otel_logs_and_spans c JOIN otel_logs_and_spans s
        ON s.parent_id = c.context___span_id AND s.context___trace_id = c.context___trace_id
        WHERE c.kind = 'client' AND s.kind = 'server' AND c.%s GROUP BY 1, 2""" % hour.replace("AND timestamp", "AND c.timestamp"))
    count = lambda condition: server.one("SELECT count(*) FROM otel_logs_and_spans WHERE %s AND %s" % (hour, condition))
    calls = {}
    for source, target, number in pairs:
        calls.setdefault((source, "target"), {})[target] = number
        calls.setdefault((target, "source"), {})[source] = number
    for source, target, condition in (("payments", "postgresql/shop", "db"), ("search", "opensearch/products", "db"), ("cart", "redis/carts", "db")):
        calls.setdefault((source, "target"), {})[target] = count("resource___service___name = '%s' AND kind = 'client'" % source)
    calls[("checkout", "target")]["kafka/orders"] = count("kind = 'producer'")
    calls[("mailer", "source")] = {"kafka/orders": count("kind = 'consumer'")}
    calls[("web", "source")] = {"": count("resource___service___name = 'web' AND kind = 'server'")}
    releases = server.query("SELECT resource___service___version, count(*) FROM otel_logs_and_spans WHERE resource___service___name = 'checkout' AND kind = 'server' AND %s GROUP BY 1" % hour)
    return {"endpoints": [dict(zip(("name", "requests", "errors"), row)) for row in endpoints], "calls": [[*key, value] for key, value in calls.items()],
            "batch": count("resource___service___name = 'batch'"), "releases": [dict(zip(("version", "requests"), row)) for row in releases]}


def main():
    with Server(flush="1s") as server:
        admin = first_admin(server)
        admin.done("POST", "/projects", {"name": "empty"})
        admin.done("POST", "/projects", {"name": "many"})
        sent = ServicesShop(server).send()
        many = many_services(server, admin.done("POST", "/projects/many/keys", {"name": "many", "scopes": ["ingest"]})["secret"], sent.begin_ns)
        begin, end = sent.begin_ns // 10 ** 9, sent.begin_ns // 10 ** 9 + 3600
        services = figures(server, begin, end)
        span = "from=%s&to=%s" % (iso(sent.begin_ns), iso(sent.begin_ns + 60 * MINUTE_NS))
        counted = lambda: sum(one["now"]["requests"] for one in admin.done("GET", "/projects/default/services/health?" + span)["items"])
        wait_until(lambda: counted() == sum(one["requests"] for one in services), "all requests are counted", 60)
        wait_until(lambda: admin.done("GET", "/projects/default/issues?limit=10")["items"], "the failure has its issue", 60)
        of_parts = parts(server, begin, end)
        edges = lambda: sum(one["calls"] for one in admin.done("GET", "/projects/default/edges?limit=1000&" + span)["items"] if one["source_kind"] == one["target_kind"] == "service")
        wait_until(lambda: edges() == sum(sum(calls.values()) for _, side, calls in of_parts["calls"] if side == "target") - sum(
            number for _, side, calls in of_parts["calls"] if side == "target" for name, number in calls.items() if "/" in name), "all calls are in the map", 60)
        wait_until(lambda: len(admin.done("GET", "/projects/many/services?limit=1000&" + span)["items"]) == len(many), "all of many services are counted", 60)
        health = admin.done("GET", "/projects/default/services/health?" + span)
        for one in health["items"]:
            check(sum(one["over_time"]["requests"]) == one["now"]["requests"] and sum(one["over_time"]["errors"]) == one["now"]["request_errors"],
                  "the steps of %s are all of its requests" % one["name"])
        by = lambda name: [one["name"] for one in sorted((one for one in services if one["requests"]), key=lambda one: -one[name])]
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_services.shots"),
                 "from": iso(sent.begin_ns), "to": iso(sent.begin_ns + 60 * MINUTE_NS), "short_from": iso(sent.begin_ns + 50 * MINUTE_NS),
                 "services": services, "staging": figures(server, begin, end, "staging"), "ill": ["checkout", "web", "legacy", "search"],
                 "by_p95": by("p95"), "by_rate": by("requests"), "many": many[137], **of_parts}
        done = subprocess.run([NODE, "services.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=260)
        check(done.returncode == 0, "the pages of services are as they should be")
        print("services of the list as SQL has them: %d, %d requests" % (len(services), sum(one["requests"] for one in services)))


if __name__ == "__main__":
    main()
