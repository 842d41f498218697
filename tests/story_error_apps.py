#!/usr/bin/env python3
# time_limit_s: 240, tries: 2
"""Errors of real apps end in the right issue: Django, Express, Spring and Go (tests/failing), each with its language's own
OpenTelemetry, hit over HTTP.

Each bug is raised with two values and by two callers: one issue, whose title, place, language and category are what a person would
say; another bug of the same app is another issue. REST tells counts, release, environment and the event with its trace, whose
rows are there; in Chromium the issue's page shows the same, with the program's own frame first; the list has all of them.
"""
import json
import time

from apiclient import Caller, first_admin
from failingapps import FailingApps
from issuepages import in_the_browser
from monoscope import Server, check, wait_until

# app: [(requests, the status of each, the issue: title, what its message has, culprit, category, events at least)]
BUGS = {
    "django": [
        (["/books/7", "/books/8", "/loans/12"], 404, "django.http.response.Http404", "has number <*>", "find (app.py)", "not found", 3),
        (["/fines/3", "/fines/4", "/reminders/5"], 500, "ZeroDivisionError", "division by zero", "fine_of (app.py)", "", 3),
    ],
    "express": [
        (["/cart/tea", "/cart/9", "/orders/12"], 500, "ECONNREFUSED", "connect ECONNREFUSED", "", "network", 3),
        (["/coupons/spring", "/coupons/9", "/gifts/easter"], 500, "TypeError", "Cannot read properties of undefined (reading 'price')", "priceOf (app.js)", "", 3),
    ],
    "spring": [
        (["/patients/7", "/patients/8", "/visits/12"], 500, "java.lang.NullPointerException", "String.trim()", "org.example.clinic.Clinic.nameOf (Clinic.java)", "", 3),
        (["/beds/7", "/beds/8", "/rooms/12"], 500, "java.lang.ArrayIndexOutOfBoundsException", "Index <*> out of bounds for length <*>", "org.example.clinic.Clinic.bedOf (Clinic.java)", "", 3),
    ],
    "go": [
        (["/wheels?n=7", "/wheels?n=8", "/tyres?n=12"], 0, "runtime.boundsError", "index out of range [<*>] with length <*>", "main.(*garage).wheel (main.go)", "", 3),
        (["/keys?n=1", "/keys?n=2", "/locks?n=3"], 0, "runtime.plainError", "assignment to entry in nil map", "main.(*garage).hang (main.go)", "", 3),
    ],
}
LANGUAGES = {"django": "python", "express": "javascript", "spring": "java", "go": "go"}


def issues_of(api):
    """{(service, title): [issue]}"""
    found, cursor = {}, None
    while True:
        page = api.done("GET", "/projects/default/issues?from=now-1h&limit=100" + ("&cursor=" + cursor if cursor else ""))
        for issue in page["items"]:
            found.setdefault((issue["service"], issue["title"]), []).append(issue)
        cursor = page.get("next_cursor")
        if not cursor:
            return found


def raise_all(apps):
    for app, bugs in BUGS.items():
        for paths, status, *_ in bugs:
            for path in paths:
                got, text = apps.get(app, path)
                check(got == status, "%s %s answers %d: %d %s" % (app, path, status, got, text[:500]))


def by_rest(server, api):
    """Each bug one issue; what REST says of it."""
    told = []
    found = issues_of(api)
    for app, bugs in BUGS.items():
        for paths, _, title, message, culprit, category, events in bugs:
            mine = found.get((app, title), [])
            check(len(mine) == 1, "one issue of %s %s: %s" % (app, title, json.dumps(mine, indent=1)))
            issue = mine[0]
            check(message in issue["message"] and issue["category"] == category and culprit in issue["culprit"] and issue["language"] == LANGUAGES[app] and issue["state"] == "new",
                  "%s %s is told as it should be: %s" % (app, title, json.dumps(issue, indent=1)))
            check(issue["count"] >= events and issue["total_count"] == issue["count"] and issue["last_release"] == "1.4.2", "its figures: %s" % json.dumps(issue, indent=1))
            detail = api.done("GET", "/projects/default/issues/%d?from=now-1h" % issue["number"])
            check([e["environment"] for e in detail["environments"]] == ["test"] and [r["release"] for r in detail["releases"]] == ["1.4.2"], "environment and release: %s" % detail["environments"])
            event = detail["latest_event"]
            check(event["type"] == title and event["service"] == app and event["release"] == "1.4.2", "its latest event: %s" % json.dumps(event)[:1000])
            rows = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE context___trace_id = %s", [event["trace_id"]])
            check(rows > 0, "the event's trace is there")
            if category != "network":  # a refused connection has no frame of ours
                own = [frame for exception in event["exceptions"] for frame in exception["frames"] if frame["in_app"]]
                check(own and own[0]["function"].split(".")[-1] in culprit, "the program's own frame is known: %s" % json.dumps(own[:3]))
            translated = api.done("POST", "/projects/default/search/translate", {"q": "issue:%d" % issue["number"]})
            rows = server.one("SELECT count(*) FROM otel_logs_and_spans WHERE " + translated["where"])
            check(rows == issue["count"], "issue:%d finds its %d rows: %d" % (issue["number"], issue["count"], rows))
            told.append({"number": issue["number"], "title": title, "service": app, "message": issue["message"], "culprit": issue["culprit"], "category": category, "count": issue["count"],
                         "frame": culprit.split(" (")[0].split(".")[-1]})
    return told


begin = time.monotonic()
with Server(flush="1s") as server:
    first_admin(server)
    with FailingApps(server) as apps:
        raise_all(apps)
    wanted = {(app, bug[2]): bug[6] for app, bugs in BUGS.items() for bug in bugs}
    api = Caller(server, server.key)
    seen = lambda: {of: sum(issue["total_count"] for issue in found) for of, found in issues_of(api).items()}
    of_rows = "SELECT count(*) FROM (SELECT unnest(hashes) AS h FROM otel_logs_and_spans) x WHERE h LIKE 'err:%'"
    wait_until(lambda: all(seen().get(of, 0) >= count for of, count in wanted.items()) and sum(seen().values()) == server.one(of_rows),
               "all errors are in issues: %s" % seen(), 60)
    told = by_rest(server, api)
    # Spans above what failed are no errors of their own; now and then an SDK parts them, and then they are.
    others = [of for of in issues_of(api) if of not in wanted]
    check(len(others) <= 2, "one fault is one issue: %s" % others)
    in_the_browser(server, "error-apps", told)
print("%d bugs of four real apps, each raised three times from two places, are %d issues (%.0f s)" % (sum(map(len, BUGS.values())), len(told), time.monotonic() - begin))
