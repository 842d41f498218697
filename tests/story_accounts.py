# time_limit_s: 300, tries: 2 (the first run installs the identity provider and the driver of the browser)
"""People: the first admin, roles in projects by REST and SQL (psql and psycopg, SCRAM), sessions that end in every process at once,
the pages in Chromium, and signing in at a real identity provider (npm oidc-provider): with PKCE, RS256 and ES256, roles of its
groups, what it must refuse. Everything is in the audit log, and no password, token or hash of them is in any log."""
import base64
import glob
import http.client
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import Caller
from browser import Browser
from monoscope import STORY_DIR, Server, check, free_port, wait_until
from nodeprogram import NODE, environment, install

ADMIN, PASSWORD = "root@example.com", "correct horse battery"
SHOTS = os.environ.get("STORY_SHOTS")  # a folder: pages are kept there, to look at


class Api(Caller):
    """The REST API as one caller: an API key, or a user's session."""

    def ask(self, method, path, body=None, headers=None):
        """(status, answer)"""
        return super().ask(method, path, body, headers)[:2]

    def must(self, method, path, body=None, status=None):
        got, answer = self.ask(method, path, body)
        check(got == status if status else got in (200, 201, 204), "%s %s: %s %r" % (method, path, got, answer))
        return answer

    def get(self, path):
        return self.must("GET", path)


def sign_in(server, email, password, status=201):
    answer = Api(server).must("POST", "/api/v1/sessions", {"email": email, "password": password}, status)
    return Api(server, answer["token"]) if status == 201 else answer


def first_password(server):
    with open(server.log_path + ".out") as f:
        words = [line.split() for line in f if line.startswith("  admin")]
    check(len(words) == 1 and words[0][1] == ADMIN + ",", "the first start prints the admin: %r" % words)
    return words[0][3]


def first_admin(server):
    """The password of the first start opens nothing but the change of it."""
    once = first_password(server)
    admin = sign_in(server, ADMIN, once)
    for path in ("/api/v1/users", "/api/v1/users/me", "/api/v1/projects", "/api/v1/projects/default", "/api/v1/audit"):
        admin.must("GET", path, status=403)
    check(admin.ask("PUT", "/api/v1/users/me/password", {"current": once, "wanted": "short"})[0] == 400, "a short password is refused")
    admin.must("PUT", "/api/v1/users/me/password", {"current": once, "wanted": PASSWORD})
    check(admin.get("/api/v1/users/me")["is_instance_admin"], "the first user is an instance admin")
    sign_in(server, ADMIN, once, 401)
    return admin, once


def users_with_roles(server, admin):
    """A user of each role in shop, made by the admin; each has changed the password. {role: Api}"""
    admin.must("POST", "/api/v1/projects", {"name": "shop"})
    people = {}
    for role in ("none", "viewer", "editor", "admin", "owner"):
        email = role + "@example.com"
        made = admin.must("POST", "/api/v1/users", {"email": email.upper(), "name": role})
        check(made["email"] == email and made["must_change_password"], "a new user: %r" % made)
        one = sign_in(server, email, made["password"])
        one.must("PUT", "/api/v1/users/me/password", {"current": made["password"], "wanted": PASSWORD})
        if role != "none":
            admin.must("PUT", "/api/v1/projects/shop/members/" + email, {"role": role})
        people[role] = one
    check(admin.ask("POST", "/api/v1/users", {"email": "viewer@example.com"})[0] == 409, "an e-mail is there once")
    return people


def roles(admin, people):
    foreign, missing = people["none"].ask("GET", "/api/v1/projects/shop"), people["none"].ask("GET", "/api/v1/projects/shap")
    check(foreign[0] == missing[0] == 404 and foreign[1]["detail"].replace("shop", "shap") == missing[1]["detail"],
          "a foreign project is as one that is not there: %r %r" % (foreign, missing))
    allowed = {"/api/v1/projects/shop/members": ("viewer", "editor", "admin", "owner"), "/api/v1/projects/shop/audit": ("admin", "owner")}
    for path, who in allowed.items():
        for role, one in people.items():
            wanted = 200 if role in who else 404 if role == "none" else 403
            check(one.ask("GET", path)[0] == wanted, "%s for %s is %d" % (path, role, wanted))
    path = "/api/v1/projects/shop/members/none@example.com"
    check(people["admin"].ask("PUT", path, {"role": "owner"})[0] == 403, "an admin makes no owner")
    check(people["admin"].ask("DELETE", "/api/v1/projects/shop/members/owner@example.com")[0] == 403, "an admin takes no owner away")
    check(people["editor"].ask("PUT", path, {"role": "viewer"})[0] == 403, "an editor adds nobody")
    people["admin"].must("PUT", path, {"role": "viewer"})
    check(people["none"].get("/api/v1/projects/shop")["role"] == "viewer", "a role counts at once")
    people["admin"].must("DELETE", path)
    check(people["none"].ask("GET", "/api/v1/projects/shop")[0] == 404, "and is taken away at once")
    team = admin.must("POST", "/api/v1/teams", {"name": "on call"})
    admin.must("PUT", "/api/v1/teams/%s/members/none@example.com" % team["id"])
    admin.must("PUT", "/api/v1/projects/shop/members/" + team["id"], {"role": "editor"})
    check(people["none"].get("/api/v1/projects/shop")["role"] == "editor", "a team's role is its members'")
    names = [member["name"] for member in admin.get("/api/v1/projects/shop/members")["items"]]
    check(names == ["admin@example.com", "editor@example.com", "on call", "owner@example.com", "viewer@example.com"], "members: %r" % names)
    admin.must("DELETE", "/api/v1/teams/" + team["id"])
    check(people["none"].ask("GET", "/api/v1/projects/shop")[0] == 404, "with the team its roles go")
    for change in ({"is_instance_admin": False}, {"is_disabled": True}):
        check(admin.ask("PATCH", "/api/v1/users/" + ADMIN, change)[0] == 409, "the last instance admin stays one")


def connect(server, email, database="shop", password=PASSWORD):
    return psycopg.connect(host="127.0.0.1", port=server.pg_port, user=email, dbname=database, password=password, autocommit=True)


def refused_sql(server, email, words, **more):
    try:
        connect(server, email, **more).close()
    except psycopg.OperationalError as error:
        check(words in str(error), "%s hears %r: %s" % (email, words, error))
        return
    check(False, "%s is not let in: %r" % (email, more))


def sql(server, admin, people):
    with connect(server, "viewer@example.com") as viewer:
        check(viewer.execute("SELECT count(*) FROM otel_logs_and_spans").fetchone() == (0,), "a viewer asks")
        for statement in ("DELETE FROM otel_logs_and_spans WHERE true", "OPTIMIZE otel_logs_and_spans"):
            try:
                viewer.execute(statement)
                check(False, "a viewer changes nothing: " + statement)
            except psycopg.errors.InsufficientPrivilege as error:
                check("your role in this project is viewer" in str(error), "words: %s" % error)
        environment_of = dict(os.environ, PGPASSWORD=PASSWORD)
        printed = subprocess.run(["psql", "-h", "127.0.0.1", "-p", str(server.pg_port), "-U", "editor@example.com", "-d", "shop", "-Atc",
                                  "DELETE FROM otel_logs_and_spans WHERE true"], env=environment_of, capture_output=True, text=True)
        check(printed.stdout.strip() == "DELETE 0", "psql as an editor: %r" % printed)
        refused_sql(server, "viewer@example.com", "password authentication failed", password="not the password")
        refused_sql(server, "nobody@example.com", "password authentication failed")
        refused_sql(server, "none@example.com", 'there is no project "shop"')
        refused_sql(server, "viewer@example.com", 'there is no project "default"', database="default")
        people["admin"].must("DELETE", "/api/v1/projects/shop/members/viewer@example.com")
        time.sleep(1.1)
        try:
            viewer.execute("SELECT 1")
            check(False, "an open connection ends with the role")
        except psycopg.Error:
            pass
    admin.must("PUT", "/api/v1/projects/shop/members/viewer@example.com", {"role": "viewer"})
    check(server.one("SELECT count(*) FROM otel_logs_and_spans") == 0, "API keys go on as before")


def sessions(server, second, admin, people):
    """Both processes have one database: what one ends is over in the other."""
    here, there = sign_in(server, "editor@example.com", PASSWORD), sign_in(second, "editor@example.com", PASSWORD)
    items = here.get("/api/v1/sessions")["items"]
    check(len(items) == 3 and [item["is_this"] for item in items] == [False, True, False], "the sessions of one user: %r" % items)
    here.must("DELETE", "/api/v1/sessions/" + items[0]["id"])
    begin = time.monotonic()
    check(there.ask("GET", "/api/v1/users/me")[0] == 401, "a session ended elsewhere is over")
    ended_s = time.monotonic() - begin
    check(people["viewer"].ask("DELETE", "/api/v1/sessions/" + items[1]["id"])[0] == 404, "nobody ends another's")
    there = sign_in(second, "editor@example.com", PASSWORD)
    admin.must("PATCH", "/api/v1/users/editor@example.com", {"is_disabled": True})
    check(there.ask("GET", "/api/v1/users/me")[0] == here.ask("GET", "/api/v1/users/me")[0] == 401, "a disabled user is out everywhere")
    sign_in(second, "editor@example.com", PASSWORD, 401)
    admin.must("PATCH", "/api/v1/users/editor@example.com", {"is_disabled": False})
    for _ in range(5):
        sign_in(second, "owner@example.com", "wrong password", 401)
    refused = sign_in(second, "owner@example.com", PASSWORD, 429)
    check("try again in" in refused["detail"], "who guesses waits: %r" % refused)
    return ended_s


def cookie_needs_token(server, token):
    """By cookie what changes something needs the CSRF token; another site's form does nothing."""
    api, cookie = Api(server), {"cookie": "monoscope_session=" + token}
    status, me = api.ask("GET", "/api/v1/users/me", headers=cookie)
    check(status == 200 and len(me["csrf_token"]) == 43, "a cookie is a session: %r" % me)
    for headers in ({}, {"x-csrf-token": "x" * 43}, {"x-csrf-token": token}):
        check(api.ask("POST", "/api/v1/teams", {"name": "x"}, dict(cookie, **headers))[0] == 403, "no change without the token: %r" % headers)
    check(api.ask("POST", "/api/v1/teams", {"name": "x"}, dict(cookie, **{"x-csrf-token": me["csrf_token"]}))[0] == 201, "with it")
    form = urllib.parse.urlencode({"email": ADMIN, "password": PASSWORD}).encode()
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        request = urllib.request.Request("http://127.0.0.1:%d/sign-in" % server.web_port, data=form, headers=headers)
        try:
            urllib.request.urlopen(request)
            check(False, "a form of another site signs nobody in: %r" % headers)
        except urllib.error.HTTPError as refused:
            check(refused.code == 403 and "set-cookie" not in refused.headers, "%r: %d" % (headers, refused.code))


def look(browser, name):
    """No page is wider than a phone, in either scheme."""
    for scheme in ("light", "dark"):
        for width, height in ((360, 740), (1280, 800)):
            wide = browser.narrow(width, height, scheme)
            check(wide <= width, "%s fits into %d: %d" % (name, width, wide))
            if SHOTS:
                browser.screenshot(os.path.join(SHOTS, "%s-%s-%d.png" % (name, scheme, width)))


def pages(server, browser):
    base = "http://127.0.0.1:%d" % server.web_port
    browser.fresh()
    browser.goto(base + "/account")
    check(browser.url() == base + "/sign-in?to=/account", "nobody is sent to sign in: " + browser.url())
    look(browser, "sign-in")
    browser.fill("#email", "owner@example.com")
    browser.fill("#password", "<b>wrong</b>")
    browser.click("button")
    check("do not go together" in browser.text(".alert")[0], "a wrong password: %r" % browser.text(".alert"))
    look(browser, "wrong")
    browser.fill("#password", PASSWORD)
    browser.click("button")
    browser.wait(base + "/account")
    cookie = browser.cookies()["monoscope_session"]
    check(cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["value"].startswith("mos_"), "the cookie: %r" % cookie)
    check(browser.text(".tag.on") == ["this one"] and "Chrome on Linux" in browser.text(".sessions strong"), "where one is signed in")
    look(browser, "account")
    browser.fill("#current", PASSWORD)
    browser.fill("#wanted", PASSWORD + " staple")
    browser.click("section button.main")
    browser.wait("**did=password")
    check("is changed" in browser.text(".notice")[0] and len(browser.text(".sessions li")) == 1, "the other sessions have ended")
    check([line for line in browser.told() if "403" not in line] == [], "pages break no rule of their policy")
    browser.click(".top button")
    browser.wait(base + "/sign-in")
    check("monoscope_session" not in browser.cookies(), "signed out")
    return cookie["value"]


class Provider:
    def __init__(self, folder, redirect_uris):
        self.folder, self.port, self.process = folder, free_port(), None
        self.issuer = "http://127.0.0.1:%d" % self.port
        os.makedirs(folder, exist_ok=True)
        common = {"redirect_uris": redirect_uris, "client_secret": "secret of +/=& the client", "scope": "openid email profile"}
        clients = [dict(common, client_id="monoscope"),
                   dict(common, client_id="mono es", id_token_signed_response_alg="ES256", token_endpoint_auth_method="client_secret_post")]
        self.write("setup.json", {"port": self.port, "clients": clients})
        self.people({"jane": {"email": "Jane@Example.com", "email_verified": True, "name": "Jane Doe", "groups": ["sre", "other"]},
                     "mallory": {"email": ADMIN, "email_verified": False, "name": "Mallory"}})
        self.start()

    def write(self, name, value):
        with open(os.path.join(self.folder, name), "w") as f:
            json.dump(value, f)

    def people(self, people):
        self.write("people.json", people)

    def start(self):
        self.log = open(os.path.join(self.folder, "provider.log"), "ab")
        self.process = subprocess.Popen([NODE, "provider.js", self.folder], cwd=install("apps/oidc"), env=environment(),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        while line and line != "ready\n":
            line = self.process.stdout.readline()
        check(line, "the identity provider starts: see provider.log")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def at_provider(browser, base, login):
    browser.fresh()
    browser.goto(base + "/sign-in?to=/account")
    browser.click("text=Continue with 127.0.0.1")
    browser.fill("[name=login]", login)
    browser.fill("[name=password]", "any")
    browser.click("button[type=submit]")  # sign in there
    browser.click("button[type=submit]")  # and let monoscope know who one is


def oidc(server, browser, provider, admin):
    base = "http://127.0.0.1:%d" % server.web_port
    browser.fresh()
    browser.goto(base + "/sign-in")
    look(browser, "sign-in-oidc")
    at_provider(browser, base, "jane")
    browser.wait(base + "/account")
    check(browser.text("h1") == ["Jane Doe"] and "without a password" in " ".join(browser.text(".card")), "Jane: %r" % browser.text("body"))
    check(browser.text(".tag")[:2] == ["viewer", "editor"] or browser.text(".tag")[:2] == ["editor", "viewer"], "roles of her groups: %r" % browser.text(".tag"))
    look(browser, "account-oidc")
    check("monoscope_oidc" not in browser.cookies(), "the cookie of the way is gone")
    members = {member["name"]: member for member in admin.get("/api/v1/projects/shop/members")["items"]}
    check(members["jane@example.com"]["role"] == "editor" and members["jane@example.com"]["is_by_oidc"], "in the project: %r" % members)
    at_provider(browser, base, "mallory")
    check("has not verified this e-mail" in " ".join(browser.text(".alert")), "an unverified address is nobody: %r" % browser.text("body"))
    check("monoscope_session" not in browser.cookies(), "and has no session")
    provider.people({"jane": {"email": "jane@example.com", "email_verified": True, "name": "Jane Doe", "groups": []}})
    at_provider(browser, base, "jane")
    browser.wait(base + "/account")
    check("viewer" in browser.text(".tag") and "editor" not in browser.text(".tag"), "without the group the role is gone: %r" % browser.text(".tag"))
    for callback in ("?code=x&state=y", "?error=access_denied&state=y", "", "?code=x&state=" + "a" * 43):
        browser.fresh()
        check(browser.goto(base + "/sign-in/oidc/callback" + callback) == 403, "a callback that nobody waits for: " + callback)
        check("monoscope_session" not in browser.cookies(), "no session")
    for to, kept in (("//evil.example", b""), ("/%5Cevil.example", b""), ("https://evil.example", b""), ("/a?b=c", b"/a?b=c")):
        asked = http.client.HTTPConnection("127.0.0.1", server.web_port)
        asked.request("GET", "/sign-in/oidc?to=" + urllib.parse.quote(to, safe="/%"))
        answer = asked.getresponse()
        query = urllib.parse.parse_qs(urllib.parse.urlparse(answer.headers["location"]).query)
        state, _, _, path = answer.headers["set-cookie"].split(";")[0].split("=")[1].split(".")
        check(answer.status == 303 and query["state"] == [state] and query["code_challenge_method"] == ["S256"], "on to the provider: %r" % query)
        check(base64.urlsafe_b64decode(path + "==") == kept, "who signs in goes on to a page of ours: %r" % path)
    provider.stop()
    provider.start()  # with new keys
    at_provider(browser, base, "jane")
    browser.wait(base + "/account")


def audit(server, admin, secrets):
    rows, cursor = [], ""
    while cursor is not None:
        page = admin.get("/api/v1/audit?limit=50" + ("&cursor=" + urllib.parse.quote(cursor) if cursor else ""))
        rows += page["items"]
        cursor = page.get("next_cursor")
    numbers = [row["number"] for row in rows]
    check(numbers == sorted(set(numbers), reverse=True), "newest first, none twice")
    seen = {(row["action"], row["is_refused"]) for row in rows}
    for action in ("user.create", "user.change", "user.change_password", "session.sign_in", "session.sign_out", "session.revoke",
                   "member.set", "member.remove", "sql.change", "team.create", "team.add_member", "team.delete"):
        check((action, False) in seen, "%s is in the audit log: %r" % (action, sorted(seen)))
    check(("session.sign_in", True) in seen, "refused sign-ins too")
    methods = {row["details"].get("method") for row in rows if row["action"] == "session.sign_in" and not row["is_refused"]}
    check(methods == {"password", "sql", "oidc"}, "every way in: %r" % methods)
    check(all(row["address"] == "127.0.0.1" for row in rows if row["action"].startswith("session.")), "where from")
    one = admin.get("/api/v1/audit?action=member.&actor=" + ADMIN)["items"]
    check(one and all(row["action"].startswith("member.") and row["actor"] == ADMIN for row in one), "filtered")
    text = json.dumps(rows)
    for path in glob.glob(os.path.join(STORY_DIR, "server.*.log")):
        with open(path, errors="replace") as f:
            text += f.read()
    for secret in secrets + ["$argon2id$", "SCRAM-SHA-256$"]:
        check(secret not in text, "no secret in the audit log or in a log: %s..." % secret[:6])
    return len(rows)


def operator(server, admin, people):
    """The way in when a password is lost, beside the server."""
    once = re.search(r"^password +(\S+)", server.command("user", "password", "owner@example.com"), re.M).group(1)
    check(people["owner"].ask("GET", "/api/v1/users/me")[0] == 401, "a reset ends all sessions")
    check(sign_in(server, "owner@example.com", once).ask("GET", "/api/v1/projects")[0] == 403, "and its password is for one sign-in")
    project_id, key_id, _ = server.project_create("by-operator")
    server.command("key", "revoke", key_id)
    server.command("retention", "set", "by-operator", "all", "30d")
    rows = admin.get("/api/v1/audit?actor=operator")["items"]
    told = [(row["action"], row["actor_kind"], row["object"]) for row in rows[:5]]
    check(("key.revoke", "operator", key_id) in told and ("key.create", "operator", key_id) in told, "the operator's changes: %r" % told)
    check(rows[4]["action"] == "project.create" and rows[4]["project_id"] == project_id, "made a project: %r" % told)
    server.command("user", "create", "spare@example.com", "--admin")
    check("spare@example.com  instance admin" in server.command("user", "list"), "the operator makes an admin")


def main():
    port, second_port = free_port(), free_port()
    provider = Provider(os.path.join(STORY_DIR, "provider"), ["http://127.0.0.1:%d/sign-in/oidc/callback" % p for p in (port, second_port)])
    common = ["--admin-email", ADMIN, "--oidc-issuer", provider.issuer, "--oidc-roles", "sre=editor@shop,*=viewer@default"]
    secret = {"MONOSCOPE_OIDC_CLIENT_SECRET": "secret of +/=& the client"}

    def options(own, client):
        return common + ["--oidc-client-id", client, "--public-url", "http://127.0.0.1:%d" % own, "--web-port", str(own)]
    with Server(options=options(port, "monoscope"), environment=secret) as server:
        admin, once = first_admin(server)
        people = users_with_roles(server, admin)
        roles(admin, people)
        sql(server, admin, people)
        database = "sqlite://" + os.path.abspath(os.path.join(server.data, "meta.sqlite"))
        second = Server(data=os.path.join(STORY_DIR, "second"), options=options(second_port, "mono es") + ["--database", database],
                        environment=secret)
        second.start(wait=False)
        wait_until(lambda: second.events("app.ready"), "the second process is ready")
        second.web_port = second_port
        ended_s = sessions(server, second, admin, people)
        cookie_needs_token(server, admin.token)
        with Browser() as browser:
            token = pages(server, browser)
            oidc(server, browser, provider, admin)
            at_provider(browser, "http://127.0.0.1:%d" % second_port, "jane")  # ES256, the secret in the body
            browser.wait("http://127.0.0.1:%d/account" % second_port)
        rows = audit(server, admin, [PASSWORD, once, token, admin.token, "secret of +/=&"])
        second.stop()
        operator(server, admin, people)
        server.stop()
        server.start()
        with open(server.log_path + ".out") as f:
            check("  admin" not in f.read(), "the second start makes no admin")
        check(admin.get("/api/v1/users/me")["email"] == ADMIN, "sessions outlive a restart")
    provider.stop()
    print("7 users by password and OIDC, 5 roles, %d rows in the audit log; a session ended in one process is over in the other after %.0f ms"
          % (rows, ended_s * 1000))


if __name__ == "__main__":
    main()
