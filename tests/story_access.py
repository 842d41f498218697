#!/usr/bin/env python3
"""Who may do what: every route x everyone x own and foreign project, against tests/access.tsv.

The server's own document lists the routes. Each is asked by each caller in a way that shows whether they may without doing
anything: permissions are looked at before bodies and ids, so a body of the wrong type (415), a tag that cannot match (412)
or an id that nobody has (404 of that thing, not of the project) all mean "may". A cell is what came for the own project and,
where the route is about a project, for a foreign one behind a slash:

    yes    the caller may            401, 403, 404    refused by that status

A route that is not in the table, or answers otherwise, fails; `tests/run story_access` prints the lines as they are, so that
who changes a permission changes the table too, and a reader of the change sees it.

Then: a foreign project, and what is in it, answers as one that does not exist: same status, words, headers.
time_limit_s: 240
"""
import json
import os
import re
import sqlite3
import sys
import uuid

from apiclient import Caller, first_admin, sign_in, user_with_role, PASSWORD
from monoscope import REPO, Server, check, wait_until

TABLE = os.path.join(REPO, "tests", "access.tsv")
NOBODY_HAS = "00000000-0000-4000-8000-000000000000"
OWN, FOREIGN = "shop", "other"


def callers_make(server, admin):
    """{name: Caller} in the order of the table's columns."""
    callers = {"none": Caller(server)}
    _, revoked_id, revoked = make_key(server, OWN, "revoked", "ingest,query,admin")
    _, expired_id, expired = make_key(server, OWN, "expired", "ingest,query,admin")
    callers["revoked"], callers["expired"] = Caller(server, revoked), Caller(server, expired)
    for scope in ("ingest", "query", "admin"):
        callers[scope + " key"] = Caller(server, make_key(server, OWN, scope, scope)[2])
    link = admin.done("POST", "/projects/%s/shares" % OWN, {"address": "explore", "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"})
    callers["link"] = Caller(server, link["token"])
    for role in ("viewer", "editor", "admin", "owner"):
        callers[role] = user_with_role(admin, role + "@example.com", OWN, role)
    callers["instance admin"] = admin
    wait_until(lambda: Caller(server, revoked).ask("GET", "/projects")[0] == 200, "new keys are known")
    server.command("key", "revoke", revoked_id)
    with sqlite3.connect(os.path.join(server.data, "meta.sqlite"), timeout=20) as db:
        changed = db.execute("UPDATE keys SET expires_unix_us = 1 WHERE id = ?", (expired_id,)).rowcount
        db.execute("UPDATE changes SET number = number + 1")
    check(changed == 1, "a key is made to have expired")
    for name in ("revoked", "expired"):
        wait_until(lambda: callers[name].ask("GET", "/projects")[0] == 401, "a %s key opens nothing" % name, timeout_s=5)
    return callers


def make_key(server, project, name, scopes):
    key_id, key = server.key_create(project, name, "--scopes", scopes)
    return project, key_id, key


def path_of(template, project):
    """Ids that nobody has in place of the names, but the project's."""
    path = template.replace("{project}", project)
    path = re.sub(r"\{(\w+)\}", lambda found: "none" if found.group(1) == "table" else NOBODY_HAS, path)
    return path + "?seconds=0" if template.endswith("/tail") else path  # it would go on until we go


def ask(caller, method, template, operation, project):
    headers = {}
    if "requestBody" in operation:
        headers["content-type"] = "text/plain"
    if any(one.get("name") == "If-Match" for one in operation.get("parameters", [])):
        headers["if-match"] = '"no such tag"'
    return caller.ask(method, path_of(template, project), headers=headers, data=b"?" if "requestBody" in operation else None)


def verdict(status, body, template):
    """Does it mean that the caller may?"""
    detail = body.get("detail", "") if isinstance(body, dict) else ""
    if status in (401, 403):
        return str(status)
    if status == 404 and "{project}" in template and detail.startswith("there is no project"):
        return "404"
    check(status < 500, "%s answers %s: %s" % (template, status, body))
    return "yes"


def column(callers, name, method, template, operation, server):
    caller = callers[name]
    if template == "/api/v1/sessions/this" and caller.token and caller.token.startswith("mos_"):
        caller = sign_in(server, name + "@example.com" if name != "instance admin" else "admin@localhost", PASSWORD)
    own = verdict(*ask(caller, method, template, operation, OWN)[:2], template)
    if "{project}" not in template:
        return own
    return own + "/" + verdict(*ask(caller, method, template, operation, FOREIGN)[:2], template)


def table_of(server, callers):
    document = Caller(server).done("GET", "/openapi.json")
    lines = ["\t".join(["route"] + list(callers))]
    for template, methods in document["paths"].items():
        for method, operation in methods.items():
            cells = [column(callers, name, method.upper(), template, operation, server) for name in callers]
            lines.append("\t".join(["%s %s" % (method.upper(), template)] + cells))
    return lines, document


def table_compare(lines):
    if os.environ.get("ACCESS_WRITE") == "1":
        with open(TABLE, "w") as f:
            f.write("\n".join(lines) + "\n")
    with open(TABLE) as f:
        wanted = f.read().splitlines()
    is_same = True
    for line in sorted(set(lines) ^ set(wanted)):
        is_same = False
        print(("is:     " if line in lines else "wanted: ") + line)
    check(is_same, "every route answers everyone as tests/access.tsv says (a route that is new, or changed on purpose: put "
                   "the lines that begin with `is:` into it, after reading them)")


def without(name, answer):
    """An answer with the name that was asked for taken out of it, and what always differs."""
    status, body, headers = answer
    kept = sorted((key.lower(), value) for key, value in headers.items() if key.lower() not in ("date", "content-length"))
    return status, json.dumps(body).replace(name, "NAME"), kept


def no_leak(document, callers, foreign_id, foreign_things):
    """Foreign and not there are the same to everyone who is not in it."""
    asked = 0
    for template, methods in document["paths"].items():
        if "{project}" not in template:
            continue
        for method, operation in methods.items():
            for name in ("query key", "admin key", "link", "viewer", "owner"):
                for there, not_there in ((FOREIGN, "nosuch"), (foreign_id, NOBODY_HAS)):
                    seen = without(there, ask(callers[name], method.upper(), template, operation, there))
                    wanted = without(not_there, ask(callers[name], method.upper(), template, operation, not_there))
                    check(seen == wanted, "%s %s tells %s that a foreign project is there:\n%s\n%s"
                          % (method, template, name, seen, wanted))
                    asked += 1
    for method, path, thing in foreign_things:
        for name in ("admin key", "owner"):
            seen = without(thing, callers[name].ask(method, path % thing))
            wanted = without(NOBODY_HAS, callers[name].ask(method, path % NOBODY_HAS))
            check(seen == wanted and seen[0] in (403, 404), "%s %s: a foreign id answers as none:\n%s\n%s" % (method, path, seen, wanted))
            asked += 1
    return asked


def lists(callers, stranger):
    """A list shows what one has a role in, and no more."""
    for name, wanted in (("viewer", [(OWN, "viewer")]), ("owner", [(OWN, "owner")]), ("query key", [(OWN, "viewer")]),
                         ("admin key", [(OWN, "admin")])):
        seen = [(one["name"], one["role"]) for one in callers[name].done("GET", "/projects")["items"]]
        check(seen == wanted, "%s sees its own project: %s" % (name, seen))
    check([one["name"] for one in callers["ingest key"].done("GET", "/projects")["items"]] == [OWN], "an ingest key, too")
    check([one["name"] for one in stranger.done("GET", "/projects")["items"]] == [FOREIGN], "and a stranger its own")
    everything = {one["name"] for one in callers["instance admin"].done("GET", "/projects")["items"]}
    check({OWN, FOREIGN, "default"} <= everything, "an instance admin sees all: %s" % everything)


def csrf(server):
    """A cookie alone reads, and changes nothing without the token of its own pages."""
    email = "viewer@example.com"
    session = Caller(server).done("POST", "/sessions", {"email": email, "password": PASSWORD})
    cookie = {"cookie": "monoscope_session=" + session["token"]}
    status, me, _ = Caller(server).ask("GET", "/users/me", headers=cookie)
    check(status == 200 and me["email"] == email, "a cookie is a session: %s %s" % (status, me))
    target = "/sessions/" + session["id"]
    for token in (None, "", "x" * 43, me["csrf_token"][:-1] + ("A" if me["csrf_token"][-1] != "A" else "B")):
        headers = dict(cookie, **({"x-csrf-token": token} if token is not None else {}))
        status, body, _ = Caller(server).ask("DELETE", target, headers=headers)
        check(status == 403, "without its CSRF token a cookie changes nothing: %s %s" % (status, body))
    status, body, _ = Caller(server).ask("DELETE", target, headers=dict(cookie, **{"x-csrf-token": me["csrf_token"]}))
    check(status == 204, "with it it does: %s %s" % (status, body))
    check(Caller(server).ask("GET", "/users/me", headers=cookie)[0] == 401, "an ended session opens nothing")


def main():
    with Server() as server:
        admin = first_admin(server)
        own, foreign = (admin.done("POST", "/projects", {"name": name}) for name in (OWN, FOREIGN))
        check(str(uuid.UUID(own["id"])) == own["id"], "a project has an id")
        callers = callers_make(server, admin)
        lines, document = table_of(server, callers)
        table_compare(lines)
        _, foreign_key, _ = make_key(server, FOREIGN, "theirs", "query")
        stranger = user_with_role(admin, "stranger@example.com", FOREIGN, "owner")
        things = [("DELETE", "/projects/shop/keys/%s", foreign_key), ("DELETE", "/projects/shop/members/%s", stranger.user_id),
                  ("GET", "/projects/%s", foreign["id"]), ("DELETE", "/sessions/%s", NOBODY_HAS)]
        asked = no_leak(document, callers, foreign["id"], things)
        lists(callers, stranger)
        csrf(server)
        check(stranger.ask("GET", "/projects/other")[0] == 200 and foreign_key in server.command("key", "list", FOREIGN),
              "nothing of it touched the foreign project")
        print("%d routes x %d callers as tests/access.tsv says; %d pairs of foreign and not there answer alike"
              % (len(lines) - 1, len(callers), asked))


sys.exit(main())
