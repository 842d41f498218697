"""The REST API for a story: a first admin, users with roles, keys of every kind, and requests as one of them.

    admin = first_admin(server)                        # signs in with the printed password and changes it
    viewer = user_with_role(admin, "v@example.com", "shop", "viewer")
    status, body, headers = viewer.ask("GET", "/projects/shop")
"""
import json
import re
import ssl
import urllib.error
import urllib.request

from monoscope import check

PASSWORD = "a long enough password 1"


class Caller:
    """Someone who asks: by a token or a key as Bearer; None asks as nobody."""

    def __init__(self, server, token=None, scheme="http"):
        self.server, self.token, self.scheme = server, token, scheme

    def ask(self, method, path, body=None, headers=None, data=None):
        """(status, JSON or text, headers); body is sent as JSON, data as it is."""
        sent = dict(headers or {})
        if self.token:
            sent["authorization"] = "Bearer " + self.token
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        url = "%s://127.0.0.1:%d%s" % (self.scheme, self.server.web_port, path if path.startswith("/api/") else "/api/v1" + path)
        request = urllib.request.Request(url, data=data, method=method, headers=sent)
        if data is None and method in ("POST", "PUT", "PATCH"):
            request.data = b""
        if "content-type" not in sent and request.data is not None:
            request.add_unredirected_header("Content-type", "")
        try:
            with urllib.request.urlopen(request, timeout=60, context=ssl._create_unverified_context()) as answer:
                status, text, got = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as refused:
            status, text, got = refused.code, refused.read(), refused.headers
        try:
            return status, json.loads(text) if text else None, got
        except ValueError:
            return status, text.decode(errors="replace"), got

    def done(self, method, path, body=None, headers=None):
        """The answer of what must work."""
        status, answer, _ = self.ask(method, path, body, headers)
        check(200 <= status < 300, "%s %s works: %s %s" % (method, path, status, answer))
        return answer


def sign_in(server, email, password):
    session = Caller(server).done("POST", "/sessions", {"email": email, "password": password})
    return Caller(server, session["token"])


def settle(server, email, once, password=PASSWORD):
    """Signs in with a password for one sign-in and takes another."""
    caller = sign_in(server, email, once)
    caller.done("PUT", "/users/me/password", {"current": once, "wanted": password})
    return sign_in(server, email, password)


def first_admin(server):
    """The server's first start prints who it is."""
    with open(server.log_path + ".out") as printed:
        found = re.search(r"^ *admin +([^ ,]+),? +password (\S+)", printed.read(), re.M)
    check(found is not None, "the first start prints an admin's password for one sign-in")
    return settle(server, found.group(1), found.group(2))


def user_with_role(admin, email, project, role):
    made = admin.done("POST", "/users", {"email": email})
    if role:
        admin.done("PUT", "/projects/%s/members/%s" % (project, made["id"]), {"role": role})
    caller = settle(admin.server, email, made["password"])
    caller.user_id = made["id"]
    return caller
