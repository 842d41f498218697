"""The shop's processes: web (Node.js), stock (Python), payments (Java) in production; web and stock in staging; visitors, some of them in
a real browser. All telemetry of the services comes from OpenTelemetry's SDKs, that of the page from Monoscope's, which records it too. Staging charges at the gateway's sandbox.

    with Shop(server, visits_per_s=3) as shop:
        shop.fault("payments-timeout", True)
        shop.deploy("stock", "2.1.0")           # the new release beside the old one, which then ends

A control port takes the same by HTTP (PUT and DELETE /faults/NAME, PUT /deploys/stock/2.1.0), and plays the card gateway."""
import concurrent.futures
import http.server
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import javaprogram
import nodeprogram
from apps import AGENT
from monoscope import REPO, STORY_DIR, check, free_port, wait_until
from visitors import Visitors

FAULTS = {
    "payments-timeout": "half of the card gateway's answers never come: checkouts fail after 1.5 s",
    "slow-stock": "stock's queries for region ap-south wait for a lock",
    "memory-leak": "the production shop keeps 400 KB of each product that is looked at",
    "bad-release": "web 1.5.0 is out: orders with a coupon break it",
}
GATEWAY_ADDRESS, SANDBOX_ADDRESS = "127.0.0.2", "127.0.0.3"  # hosts of someone else's: on the service map they are two
BUNDLE = ["esbuild", "page.js", "--bundle", "--minify", "--sourcemap", "--outfile=page.bundle.js"]
VERSIONS = {"web": "1.4.2", "stock": "2.0.7", "payments": "3.1.0"}
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx160m", "-javaagent:" + AGENT, "-cp", ".", "Payments"]


def end_with_parent():
    """In the child: its own group, so that Ctrl C is ours to hand on, and an end when the thread that made it ends (PR_SET_PDEATHSIG)."""
    import ctypes
    os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Service:
    """One process of the shop. It is run anew by every deploy."""

    def __init__(self, shop, name, environment, folder, words, more):
        self.shop, self.name, self.environment, self.folder, self.words, self.more = shop, name, environment, folder, words, more
        self.port = free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        self.version = VERSIONS[name]
        self.process = None

    def start(self, **more):
        env = dict(os.environ, PORT=str(self.port), VERSION=self.version, ENVIRONMENT=self.environment, **self.shop.variables(self))
        env.update(self.more(self), **more)
        with open(os.path.join(STORY_DIR, "%s.%s.log" % (self.name, self.environment)), "ab") as log:
            self.process = self.shop.spawn(self.words, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def is_open(self):
        check(self.process.poll() is None, "%s of %s runs: see %s.%s.log" % (self.name, self.environment, self.name, self.environment))
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def faults(self, faults):
        request = urllib.request.Request(self.url + "/faults", json.dumps(faults).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=20).read()

    def replace(self, version, **more):
        """The next release listens on the same port before this one ends; both answer for a moment, as in a rolling deploy."""
        old, self.version = self.process, version
        self.start(**more)
        time.sleep(3)  # longer than a start takes: nothing outside can tell whose socket answers
        check(self.process.poll() is None, "%s %s starts" % (self.name, version))
        end([old])


def end(processes, patience_s=12):
    """SIGTERM, so that each SDK sends what it still has."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    until = time.monotonic() + patience_s
    for process in processes:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Shop:
    def __init__(self, server, visits_per_s=2.0, browser_every_s=4.0, control_port=0):
        self.server, self.rng, self.is_on = server, random.Random(5), dict.fromkeys(FAULTS, False)
        self.guard = threading.RLock()  # one deploy or fault at a time
        self.hands = concurrent.futures.ThreadPoolExecutor(1)
        self.control = Control(self, "127.0.0.1", control_port)
        self.gateway, self.sandbox = Control(self, GATEWAY_ADDRESS), Control(self, SANDBOX_ADDRESS)
        front = nodeprogram.install("demo/shop", BUNDLE)
        payments = javaprogram.classes("demo/payments")
        python = os.path.dirname(sys.executable)
        stock = [os.path.join(python, "opentelemetry-instrument"), os.path.join(python, "python3"), "stock.py"]
        web = [nodeprogram.NODE, "--enable-source-maps", "--require", "./telemetry.js", "server.js"]
        self.payments = Service(self, "payments", "production", payments, JAVA, lambda one: {"GATEWAY_URL": self.gateway.url + "/gateway/charge"})
        self.stock, self.web = {}, {}
        for environment in ("production", "staging"):
            self.stock[environment] = Service(self, "stock", environment, os.path.join(REPO, "demo", "stock"), stock,
                                              lambda one: {"OTEL_SEMCONV_STABILITY_OPT_IN": "http", "OTEL_PYTHON_EXCLUDED_URLS": "faults"})
            self.web[environment] = Service(self, "web", environment, front, web, self.web_variables)
        self.services = [self.payments] + list(self.stock.values()) + list(self.web.values())
        for service in self.services:
            service.start()
        for service in self.services:
            wait_until(service.is_open, "%s of %s listens" % (service.name, service.environment), 90)
        self.visitors = Visitors({name: one.port for name, one in self.web.items()}, visits_per_s)
        self.browser = self.browser_start(front, browser_every_s) if browser_every_s else None

    def variables(self, service):
        """What an SDK is told: docs/senders.md. Short waits, for a person looks on."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:%d" % self.server.grpc_port, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20" + self.server.key,
            "OTEL_SERVICE_NAME": service.name, "OTEL_RESOURCE_ATTRIBUTES": "service.version=%s,deployment.environment.name=%s" % (service.version, service.environment),
            "OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_BSP_SCHEDULE_DELAY": "1000", "OTEL_BLRP_SCHEDULE_DELAY": "1000", "OTEL_METRIC_EXPORT_INTERVAL": "10000",
        }

    def web_variables(self, service):
        page = {"endpoint": "http://127.0.0.1:%d" % self.server.http_port, "version": service.version, "environment": service.environment,
                "key": self.page_key(service), "sdk": "http://127.0.0.1:%d" % self.server.web_port}
        is_production = service.environment == "production"
        return {"STOCK_URL": self.stock[service.environment].url, "PAGE": json.dumps(page), "FIRST_ORDER": "10000" if is_production else "500",
                "PAYMENTS_URL": self.payments.url if is_production else self.sandbox.url + "/sandbox"}

    def page_key(self, service):
        """A key for pages of that origin alone; one for each environment."""
        kept = getattr(service, "key", None)
        if not kept:
            kept = service.key = self.server.key_create("default", "shop page, " + service.environment, "--browser", service.url)[1]
        return kept

    def browser_start(self, front, every_s):
        with open(os.path.join(STORY_DIR, "visitors.log"), "ab") as log:
            return self.spawn([nodeprogram.NODE, "visitors.js", self.web["production"].url, str(every_s)], cwd=front,
                              env=nodeprogram.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def spawn(self, words, **more):
        """By one thread that stays: a child made by a request's thread would end with it."""
        return self.hands.submit(subprocess.Popen, words, preexec_fn=end_with_parent, **more).result()

    def fault(self, name, is_on):
        check(name in FAULTS, "there is a fault %s" % name)
        with self.guard:
            if self.is_on[name] == is_on:
                return
            self.is_on[name] = is_on
            if name == "slow-stock":
                self.stock["production"].faults({name: is_on})
            elif name == "memory-leak":
                self.web["production"].faults({name: is_on})
            elif name == "bad-release":
                self.web["production"].replace("1.5.0" if is_on else "1.4.2", RELEASE="bad" if is_on else "")

    def deploy(self, name, version):
        with self.guard:
            {"web": self.web, "stock": self.stock}[name]["production"].replace(version)

    def ended(self):
        """Services that run no more, though nobody ended them."""
        with self.guard:
            return ["%s of %s" % (one.name, one.environment) for one in self.services if one.process.poll() is not None]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.visitors.stop()
        end([self.browser] if self.browser else [])
        end([service.process for service in self.services])
        for one in (self.control, self.gateway, self.sandbox):
            one.shutdown()


class Control(http.server.ThreadingHTTPServer):
    """Faults and deploys by HTTP, and the card gateway, which belongs to someone else: it sends no telemetry."""
    daemon_threads = True

    def __init__(self, shop, address, port=0):
        super().__init__((address, port or free_port()), ControlHandler)
        self.shop, self.url = shop, "http://%s:%d" % (address, self.server_port)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # who asked has gone


class ControlHandler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        text = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.answer(200, self.server.shop.is_on)

    def do_POST(self):
        shop = self.server.shop
        time.sleep(shop.rng.lognormvariate(-3.4, 0.5))
        if shop.is_on["payments-timeout"] and self.path.startswith("/gateway/") and shop.rng.random() < 0.5:
            time.sleep(4)  # longer than payments waits
        self.answer(402 if shop.rng.random() < 0.03 else 200, {"gateway": "done"})

    def change(self, is_on):
        parts = self.path.strip("/").split("/")
        if parts[0] == "faults" and len(parts) == 2 and parts[1] in FAULTS:
            self.server.shop.fault(parts[1], is_on)
            return self.answer(200, self.server.shop.is_on)
        if parts[0] == "deploys" and len(parts) == 3 and parts[1] in ("web", "stock") and is_on:
            self.server.shop.deploy(parts[1], parts[2])
            return self.answer(200, {parts[1]: parts[2]})
        return self.answer(404, {"faults": FAULTS, "deploys": ["web", "stock"]})

    def do_PUT(self):
        self.change(True)

    def do_DELETE(self):
        self.change(False)

    def log_message(self, *_):
        pass
