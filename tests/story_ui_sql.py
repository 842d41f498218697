# time_limit_s: 300, tries: 2 (the first run installs the browser's driver)
"""Statements in the web UI in a real Chromium: tests/ui/sql.js says what is done. Any view opens as SQL and gives the same rows, mistakes
are marked where they are, long ones end, files hold all rows; axe finds no violation of WCAG AA in light or dark; pages at three widths are
kept in build/stories/story_ui_sql.shots."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import PASSWORD, first_admin
from monoscope import REPO, Server, check, wait_until
from nodeprogram import NODE, environment, install
from shop import MS, Shop


PLANTED, OTHERS = 300, 3000
SLOW_MS = 4000


def plant(shop):
    """An hour of a service's requests. Within five minutes those of one tenant on a new version are slow; the tenant has a region of its
    own, so that both are about the same rows."""
    for n in range(PLANTED + OTHERS):
        is_slow = n < PLANTED
        start = shop.now_ns - (30 * 60 * 1000 * MS + n * 900 * MS if is_slow else int(shop.rng.random() * 50 * 60 * 1000) * MS)
        values = {"tenant": "acme" if is_slow else "t%d" % shop.rng.randrange(40), "shop.region": "eu-9" if is_slow else "us-%d" % (n % 3),
                  "shop.items": shop.rng.randrange(1000), "user.id": "u%d" % shop.rng.randrange(1500)}
        shop.span("cart", shop.id(32), shop.id(16), None, "POST /cart", "server", start, (SLOW_MS + n if is_slow else 5 + n % 200) * MS, values)
    shop.flush()


def difference_by_api(admin):
    """What was planted comes first, its twin beside it, with true counts; what chance does is not told; wrong questions are."""
    rows = {"q": "service:cart", "from": "now-2h"}
    answer = admin.done("POST", "/projects/default/difference", {"rows": rows, "selection": {"where": "duration > %d" % (SLOW_MS * MS - 1)}})
    check(answer["in"] == {"rows": PLANTED, "rows_read": PLANTED} and answer["out"]["rows"] == OTHERS, "both sides are counted: %s %s" % (answer["in"], answer["out"]))
    first, second = answer["findings"][:2]
    check([(one["field"], one["value"], one["in_count"], one["out_count"]) for one in (first, second)] ==
          [("shop.region", "eu-9", PLANTED, 0), ("tenant", "acme", PLANTED, 0)] and first["group"] == second["group"] == 0, "the cause first: %s %s" % (first, second))
    told = {one["field"] for one in answer["findings"]}
    check(not told & {"duration", "user.id", "shop.items", "service.name"}, "and nothing that is not so: %s" % told)
    answer = admin.done("POST", "/projects/default/difference", {"rows": rows, "selection": {"where": "right(id::text, 1) < '8'"}})
    check(answer["findings"] == [] and answer["in"]["rows"] > 1000, "by chance nothing stands out: %s" % answer["findings"])
    answer = admin.done("POST", "/projects/default/difference", {"rows": {"from": "now-2h"}, "selection": {"q": "service:cart"}, "baseline": {"q": "service:web"}})
    check(answer["in"]["rows"] == PLANTED + OTHERS and 0 < answer["out"]["rows"] < 2000, "a baseline of one's own: %s %s" % (answer["in"], answer["out"]))
    check("service.name" not in {one["field"] for one in answer["findings"]}, "what was asked by is no news")
    answer = admin.done("POST", "/projects/default/difference", {"rows": {"from": "now-2h"}, "selection": {"q": "service:nobody"}})
    check(answer["findings"] == [] and answer["in"]["rows"] == 0, "of no row nothing is told: %s" % answer)
    for body, pointer in (({"selection": {}}, "/selection"), ({"selection": {"q": "größe (x"}}, "/selection/q"), ({"selection": {"from": "gestern"}}, "/selection/from"),
                          ({"selection": {"q": "a:b"}, "limit": 3}, "/limit")):
        status, problem, _ = admin.ask("POST", "/projects/default/difference", body)
        check(status == 400 and problem["pointer"] == pointer, "%s is refused at %s: %s %s" % (body, pointer, status, problem))
    status, problem, _ = admin.ask("POST", "/projects/default/difference", {"selection": {"where": "lvel = 'x'"}})
    check(status == 400 and "lvel" in problem["detail"], "a wrong condition is told: %s %s" % (status, problem))
    print("planted: found first by the API; by chance: nothing", flush=True)


def main():
    with Server(flush="1s") as server:  # the catalog of attributes counts what was flushed
        admin = first_admin(server)
        shop = Shop(server)
        shop.send(traces=400)
        rows = 400 * 5 + len(shop.failed)
        trace = shop.trace(500)
        server.execute("FLUSH")  # attributes are counted of the first 2,000 rows between two flushes: those to come
        plant(shop)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", rows + 500 + PLANTED + OTHERS)
        difference_by_api(admin)
        wait_until(lambda: any(one["key"] == "tenant" for one in admin.done("GET", "/projects/default/attributes?place=span&limit=500")["items"]),
                   "the catalog has the attributes")
        given = {"base": "http://127.0.0.1:%d" % server.web_port, "email": "admin@localhost", "password": PASSWORD,
                 "shots": os.path.join(REPO, "build", "stories", "story_ui_sql.shots"), "trace": trace, "trace_spans": 500, "planted": PLANTED, "others": OTHERS, "slow_ns": (SLOW_MS - 1) * MS,
                 "server_spans": server.one("SELECT count(*) FROM otel_logs_and_spans WHERE kind = 'server' AND timestamp >= now() - interval '1 hour'")}
        done = subprocess.run([NODE, "sql.js", json.dumps(given)], cwd=install("ui"), env=environment(), timeout=280)
        check(done.returncode == 0, "statements in the UI are as they should be")


main()
