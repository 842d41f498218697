# time_limit_s: 400, tries: 2 (the first run builds and installs the apps)
"""A page in Chromium with OpenTelemetry's web SDK (tests/apps/browser) buys something from the Go app, from another origin, and
sends its spans by OTLP/HTTP with a browser key. The trace goes on from the page into Go, Python, Node.js and Java, and whoever asks
for the page's user finds the backends' spans, which never heard of a user. A page of an origin that the key does not name is
refused by the browser: nothing it sends arrives."""
import http.server
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apps import Apps
from monoscope import Server, check
from nodeprogram import install

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"]
BUNDLE = ["esbuild", "page.js", "--bundle", "--minify", "--outfile=page.bundle.js"]
PAGE = '<!doctype html><title>shop</title><script>window.shop = %s</script><script src="/page.js"></script>'
BACKENDS = ["shop-go", "shop-java", "shop-node", "shop-python"]


class PageServer(http.server.ThreadingHTTPServer):
    """Serves the page on an origin of its own and hears what it did."""

    def __init__(self, bundle):
        super().__init__(("127.0.0.1", 0), Handler)
        self.origin = "http://127.0.0.1:%d" % self.server_port
        self.bundle, self.shop, self.told = bundle, None, queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/":
            self.answer((PAGE % json.dumps(self.server.shop)).encode(), "text/html")
        elif self.path == "/page.js":
            with open(self.server.bundle, "rb") as f:
                self.answer(f.read(), "text/javascript")
        else:
            self.answer(b"", "text/plain", 404)

    def do_POST(self):
        self.server.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(b"", "text/plain")

    def log_message(self, *_):
        pass


def visit(page, shop):
    """Opens the page in a browser of its own; what the page says it did."""
    page.shop = shop
    profile = tempfile.mkdtemp(prefix="story-browser-")
    log_path = os.path.join(profile, "chromium.log")
    with open(log_path, "wb") as log:
        browser = subprocess.Popen(CHROMIUM + ["--user-data-dir=" + profile, "--remote-debugging-port=0", page.origin + "/"],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        told = page.told.get(timeout=90)
    except queue.Empty:
        with open(log_path, errors="replace") as log:
            check(False, "the page tells what it did\n" + log.read()[-3000:])
    finally:
        browser.terminate()
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
        shutil.rmtree(profile, ignore_errors=True)
    check("error" not in told, "the page's script: %r" % told)
    return told


def check_spans(server, told):
    """The page's spans with user and session, its fetch the parent of the Go app's span."""
    rows = server.query("""SELECT name, kind, context___span_id, parent_id, attributes->>'user.id', attributes___user___id, attributes___session___id,
                           resource___telemetry___sdk___language FROM otel_logs_and_spans
                           WHERE context___trace_id = %s AND resource___service___name = 'shop-page'""", (told["trace"],))
    check(sorted(row[0] for row in rows) == sorted(told["names"]), "the page's spans: %r, it says %r" % (rows, told["names"]))
    check({row[4:] for row in rows} == {("u1", "u1", "s1", "webjs")}, "user, session and SDK of the page's spans: %r" % rows)
    root = [row for row in rows if row[0] == "buy"][0]
    fetch = [row for row in rows if row[1] == "client" and row[3] == root[2]]
    check(root[3] is None and len(fetch) == 1, "one fetch under the page's root: %r" % rows)
    server_span = server.query("""SELECT kind, attributes___url___path FROM otel_logs_and_spans
                                  WHERE context___trace_id = %s AND parent_id = %s AND resource___service___name = 'shop-go'""",
                               (told["trace"], fetch[0][2]))
    check(server_span == [("server", "/checkout")], "the page's fetch is the parent of the Go app's span: %r" % server_span)


def check_user(server, told, apps):
    """By the page's user and session: every row of the trace; by another user: nothing."""
    rows = sum(sum(did["spans"].values()) + did["logs"] for did in apps.values()) + len(told["names"])
    for condition in ("attributes___user___id = 'u1'", "attributes___session___id = 's1'"):
        found = server.query("""SELECT resource___service___name, count(*), count(*) FILTER (WHERE kind = 'server'),
                                count(*) FILTER (WHERE attributes->>'user.id' IS NOT NULL) FROM otel_logs_and_spans
                                WHERE %s GROUP BY 1 ORDER BY 1""" % condition)
        check([row[0] for row in found] == BACKENDS[:3] + ["shop-page"] + BACKENDS[3:], "services by %s: %r" % (condition, found))
        check(sum(row[1] for row in found) == rows, "%s finds all %d rows of the trace: %r" % (condition, rows, found))
        check([row[2] for row in found] == [2, 1, 1, 0, 1], "server spans by %s: %r" % (condition, found))
        check([row[3] for row in found] == [0, 0, 0, len(told["names"]), 0], "only the page named its user: %r" % found)
    check(server.one("SELECT count(*) FROM otel_logs_and_spans WHERE attributes___user___id = 'u2'") == 0, "another user has nothing")
    return rows


def main():
    bundle = os.path.join(install("apps/browser", BUNDLE), "page.bundle.js")
    page, stranger = PageServer(bundle), PageServer(bundle)
    with Server() as server:
        key = server.key_create("default", "shop", "--browser", page.origin)[1]
        shop = {"endpoint": "http://127.0.0.1:%d" % server.http_port, "key": key, "user": "u1", "session": "s1"}
        with Apps(server, dict.fromkeys(("go", "python", "node", "java"), "grpc"), page_origin=page.origin) as apps:
            shop["backend"] = "http://127.0.0.1:%d" % apps.ports["go"]
            told = visit(page, shop)
            check(told["answer"].startswith("200 ") and "1 of 7" in told["answer"], "the page hears the shop's answer: %r" % told)
            check(told["exports"] and all(export["code"] == 0 for export in told["exports"]), "the exporter's results: %r" % told)
            check(sum(export["spans"] for export in told["exports"]) == len(told["names"]), "all spans are exported: %r" % told)
            check(told.get("byHand") == 200, "an empty request by hand is taken: %r" % told)
            did = apps.stop()
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE context___trace_id = '%s'" % told["trace"],
                          sum(sum(app["spans"].values()) + app["logs"] for app in did.values()) + len(told["names"]))
        check_spans(server, told)
        rows = check_user(server, told, did)
        print("a page's trace through four languages: the user of its %d spans finds all %d rows" % (len(told["names"]), rows), flush=True)

        before = server.one("SELECT count(*) FROM otel_logs_and_spans")
        refused = visit(stranger, dict(shop, backend=stranger.origin, user="u2"))
        check("Failed to fetch" in refused["refused"] and "byHand" not in refused, "the browser refuses a request by hand: %r" % refused)
        check(refused["exports"] and all(export["code"] == 1 for export in refused["exports"]), "the exporter fails: %r" % refused)
        server.stop()
        server.start()
        check(server.one("SELECT count(*) FROM otel_logs_and_spans") == before, "nothing of a page of another origin arrives")
        print("a page of another origin: refused by the browser, %d exports failed, nothing arrived" % len(refused["exports"]), flush=True)
        server.stop()


main()
