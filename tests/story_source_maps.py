#!/usr/bin/env python3
"""Minified errors of a page in Chromium are told where they come from: files, lines and functions of the sources.

A page of TypeScript (tests/apps/minified) with OpenTelemetry's web SDK is bundled, minified and served, and fails. Without a map its
stack stays as it was sent. With the map, sent by the command line, the frames are those of the sources; a second build with other
names, a changed layout and another minifier is the same error. A map that is deleted resolves no more; what is replayed after a
kill is as it was.
time_limit_s: 180, tries: 2 (the first run installs packages; then 40 s)
"""
import http.server
import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request

from apiclient import first_admin
from browser import Browser
from issuepages import in_the_browser
from monoscope import BINARY, REPO, STORY_DIR, Server, check, wait_until
from nodeprogram import environment, install

SOURCES = os.path.join(REPO, "tests", "apps", "minified", "src")
PAGE = '<!doctype html><title>shop</title><link rel="icon" href="data:,"><script>window.shop = %s</script><script src="%s"></script>'


class PageServer(http.server.ThreadingHTTPServer):
    """Serves builds on an origin of its own and hears what the page saw."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.origin = "http://127.0.0.1:%d" % self.server_port
        self.folder, self.page, self.told = None, "", queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/assets/"):
            with open(os.path.join(self.server.folder, os.path.basename(self.path)), "rb") as f:
                self.answer(f.read(), "text/javascript")
        else:
            self.answer(self.server.page.encode(), "text/html")

    def do_POST(self):
        self.server.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(b"", "text/plain")

    def log_message(self, *_):
        pass


def build(name, change, minifier):
    """Bundles the sources, each text of which goes through change; the folder of what is deployed."""
    packages = install("apps/minified")
    folder, out = os.path.join(STORY_DIR, name), os.path.join(STORY_DIR, name, "dist")
    os.makedirs(os.path.join(folder, "src"))
    for source in os.listdir(SOURCES):
        with open(os.path.join(SOURCES, source)) as f, open(os.path.join(folder, "src", source), "w") as to:
            to.write(change(f.read()))
    os.symlink(os.path.join(packages, "node_modules"), os.path.join(folder, "node_modules"))

    def tool(*words):
        ran = subprocess.run([os.path.join("node_modules", ".bin", words[0])] + list(words[1:]), cwd=folder, env=environment(),
                             capture_output=True, text=True)
        check(ran.returncode == 0, "%s: %s" % (words[0], ran.stderr[-3000:]))
    if minifier == "esbuild":
        tool("esbuild", "src/page.ts", "--bundle", "--minify", "--sourcemap", "--entry-names=[name]-[hash]", "--outdir=dist", "--log-level=error")
    else:
        tool("esbuild", "src/page.ts", "--bundle", "--sourcemap", "--outfile=plain/page.js", "--log-level=error")
        os.makedirs(out)
        tool("terser", "plain/page.js", "-c", "passes=2", "-m", "--source-map",
             "content=plain/page.js.map,url=page.min.js.map,includeSources", "-o", "dist/page.min.js")
    return out


def visit(browser, page, folder, shop):
    """Opens the page; what it says it sent."""
    script = [name for name in os.listdir(folder) if name.endswith(".js")][0]
    page.folder = folder
    page.page = PAGE % (json.dumps(shop), "/assets/" + script)
    browser.fresh()
    browser.goto(page.origin + "/")
    told = page.told.get(timeout=60)
    check("error" not in told and told["stack"].startswith("TypeError: "), "the page fails as it should: %r" % told)
    return told


def error_of(server, told):
    """(stacktrace, stacktrace_raw, fingerprint) of the page's row."""
    sql = "SELECT errors::text FROM otel_logs_and_spans WHERE context___trace_id = %s AND errors IS NOT NULL"
    wait_until(lambda: server.query(sql, (told["trace"],)), "the page's span arrives")
    error = json.loads(server.one(sql, (told["trace"],)))[0]
    return error["stacktrace"], error.get("stacktrace_raw"), error["fingerprint"]


def cli(server, *words, code=0):
    ran = subprocess.run([BINARY, "source-maps"] + list(words), capture_output=True, text=True, timeout=60,
                         env=dict(os.environ, MONOSCOPE_URL="http://127.0.0.1:%d" % server.web_port, MONOSCOPE_KEY=server.admin,
                                  XDG_CONFIG_HOME=os.path.join(STORY_DIR, "home")))
    check(ran.returncode == code, "source-maps %s ends with %d: %d %s%s" % (" ".join(words), code, ran.returncode, ran.stdout, ran.stderr))
    return ran.stdout


def maps(server):
    return [json.loads(line) for line in cli(server, "list", "--json").splitlines()]


def wait_valid(server):
    """A map counts 5 s after it was sent, so that every worker knows it before."""
    until = max(item["valid_from"] for item in maps(server))
    wait_until(lambda: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 0.2)) > until[:19], "the maps are valid", 60)


def line_of(folder, source, text):
    with open(os.path.join(os.path.dirname(folder), source)) as f:
        return [number for number, line in enumerate(f, 1) if text in line][0]


def check_resolved(folder, stack, raw, told, wanted):
    """Frames of the sources, in their order, each with its function and the line of its text."""
    check(raw == told["stack"], "what was sent is kept: %r, not %r" % (raw, told["stack"]))
    seen = [re.match(r"    at (?:([\w.]+) \()?([^()]+):(\d+):\d+\)?$", line) for line in stack.split("\n")[1:]]
    found = [(m.group(1), m.group(2), int(m.group(3))) for m in seen if m]
    frames = [(function, source, line_of(folder, source, text)) for function, source, text in wanted]
    check([frame for frame in found if frame in frames] == frames, "frames %r of %s" % (frames, stack))


def api(server, path):
    request = urllib.request.Request("http://127.0.0.1:%d/api/v1/projects/default/%s" % (server.web_port, path),
                                     headers={"authorization": "Bearer " + server.key})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return {"status": error.code}


def check_issue(server, fingerprint, folder, releases):
    """The issue has both builds, the sources' frames, and the lines around them."""
    server.execute("FLUSH")  # counts are stored with the tables; what comes later is replayed
    wait_until(lambda: api(server, "errors/" + fingerprint).get("issue"), "the error has an issue")
    number = api(server, "errors/" + fingerprint)["issue"]
    wait_until(lambda: len(api(server, "issues/%d" % number)["releases"]) >= releases, "the issue knows both releases")
    detail = api(server, "issues/%d" % number)
    frame = detail["latest_event"]["exceptions"][0]["frames"][0]
    line = line_of(folder, "src/cart.ts", ".price!.cents")
    check((frame["function"], frame["file"], frame["line"], frame["in_app"]) == ("centsOf", "src/cart.ts", line, True), "the innermost frame: %r" % frame)
    context = frame["context"]
    source, issue = context["lines"][line - context["line"]], detail["issue"]
    check(".price!.cents" in source and len(context["lines"]) >= 10, "the lines around it: %r" % context)
    in_the_browser(server, "minified", [{"number": number, "title": issue["title"], "message": issue["message"], "culprit": issue["culprit"],
                                         "service": issue["service"], "category": "", "frame": "centsOf", "source": source.strip()}])


FRAMES = [("centsOf", "src/cart.ts", "item.price!.cents"), ("sumOf", "src/cart.ts", "reduce"),
          ("Checkout.total", "src/checkout.ts", "sumOf(this.items)"), ("Checkout.pay", "src/checkout.ts", "this.total()"),
          ("visit", "src/page.ts", ".pay()")]


def main():
    page = PageServer()
    first = build("first", lambda text: text, "esbuild")
    second = build("second", lambda text: "// one\n// two\n\n" + text.replace("item", "goods").replace("goods.price", "goods\n    .price"), "esbuild")
    third = build("third", lambda text: text.replace("cents", "pence"), "terser")
    with Server() as server, Browser() as browser:
        first_admin(server)
        server.admin = server.key_create("default", "ci", "--scopes", "admin")[1]
        key = server.key_create("default", "shop", "--browser", page.origin)[1]
        shop = {"endpoint": "http://127.0.0.1:%d" % server.http_port, "key": key, "release": "1.0.0"}

        told = visit(browser, page, first, shop)
        stack, raw, minified = error_of(server, told)
        check(raw is None and stack == told["stack"] and "/assets/page-" in stack, "without a map it stays as it was sent: %r" % stack)

        printed = cli(server, "upload", "--release", "1.0.0", "--url-prefix", page.origin + "/assets/", first)
        check("1 source maps sent, 0 scripts without one, 0 failed" in printed and "/assets/page-" in printed, "it says what it did: " + printed)
        cli(server, "upload", "--release", "1.1.0", "--url-prefix", "~/assets/", second)
        cli(server, "upload", "--release", "1.2.0", "--url-prefix", "~/assets", third)
        wait_valid(server)

        told = visit(browser, page, first, shop)
        stack, raw, fingerprint = error_of(server, told)
        check_resolved(first, stack, raw, told, FRAMES)
        check("/assets/" not in stack, "no frame of the bundle is left: %s" % stack)
        check(fingerprint != minified, "it is another error than the minified one")
        print("of the sources:\n" + stack, flush=True)

        told = visit(browser, page, second, dict(shop, release="1.1.0"))
        stack, raw, again = error_of(server, told)
        check("src/cart.ts" in stack and raw == told["stack"], "the second build is resolved: %s" % stack)
        check(again == fingerprint, "other names, other lines, the same error: %s\n%s" % (stack, told["stack"]))

        check_issue(server, fingerprint, second, 2)

        told = visit(browser, page, third, dict(shop, release="1.2.0"))
        stack, raw, by_terser = error_of(server, told)
        print("by terser, resolved:\n" + stack, flush=True)
        pence = [(function.replace("cents", "pence"), source, text.replace("cents", "pence")) for function, source, text in FRAMES]
        check_resolved(third, stack, raw, told, pence[:2] + pence[3:])  # terser puts total() into pay()

        told = visit(browser, page, first, dict(shop, release="2.0.0"))
        check(error_of(server, told)[1] is None, "of a release without a map it stays as it was sent")

        listed = maps(server)
        check(len(listed) == 3 and all(item["has_sources"] for item in listed), "three maps are listed: %r" % listed)
        mapped = [item for item in listed if item["release"] == "1.0.0"][0]
        check(cli(server, "list", "--release", "1.0.0", "--json").count("\n") == 1, "of one release one")
        before = server.query("SELECT id, errors::text FROM otel_logs_and_spans WHERE errors IS NOT NULL ORDER BY id")
        cli(server, "delete", mapped["id"])
        check(len(maps(server)) == 2, "it is listed no more")
        server.kill()
        server.start()
        check(server.query("SELECT id, errors::text FROM otel_logs_and_spans WHERE errors IS NOT NULL ORDER BY id") == before,
              "what is replayed after its map was deleted is as it was")
        shop["endpoint"] = "http://127.0.0.1:%d" % server.http_port

        def is_raw():
            return error_of(server, visit(browser, page, first, shop))[1] is None
        wait_until(is_raw, "a map that is deleted resolves no more", 60)
        cli(server, "upload", "--url-prefix", "~/", os.path.join(STORY_DIR, "first", "src"), code=1)  # there is no script
        cli(server, "delete", mapped["id"], code=4)
        server.stop()
        print("a minified page: 3 builds of 2 minifiers resolved, the first two one error", flush=True)


main()
