"""Visitors of the shop by HTTP: each searches, looks at some goods, and buys now and then.

    visitors = Visitors({"production": port, "staging": port}, per_s=2)
    visitors.stop(); visitors.counts[("production", "checkout", 200)]"""
import collections
import http.client
import json
import random
import threading
import urllib.parse

THREADS = 8
PATIENCE_S = 10
REGIONS = ["eu-west"] * 5 + ["us-east"] * 3 + ["ap-south"] * 2
AGENTS = ["Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/605.1.15", "Mozilla/5.0 (X11; Linux x86_64) Firefox/141.0", "shop-app/7.2 (Android 15)"]
WORDS = ["tea"] * 4 + ["coffee", "cup", "mate", "honey", "chocolate"]
COUPONS = [None] * 6 + ["WELCOME10", "FRIENDS20"]


class Visitors:
    def __init__(self, ports, per_s):
        self.ports, self.per_s, self.counts, self.guard = ports, per_s, collections.Counter(), threading.Lock()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(random.Random("visitor %d" % number),), daemon=True) for number in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self, rng):
        while not self.is_over.wait(rng.expovariate(self.per_s / THREADS)):
            self.visit(rng)

    def visit(self, rng):
        environment = "staging" if rng.random() < 0.15 else "production"
        headers = {"x-user": "u%d" % rng.randint(1, 60), "x-region": rng.choice(REGIONS), "x-session": "%016x" % rng.getrandbits(64),
                   "user-agent": rng.choice(AGENTS)}
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[environment], timeout=PATIENCE_S)
        try:
            items = self.ask(environment, connection, headers, "GET", "search", q=rng.choice(WORDS)).get("items", [])
            for item in rng.sample(items, min(len(items), rng.randint(1, 3))):
                self.ask(environment, connection, headers, "GET", "product", sku=item["sku"])
            if rng.random() < 0.02:
                self.ask(environment, connection, headers, "GET", "product", sku="sku-%02d" % rng.randint(50, 99))  # an old link
            if items and rng.random() < 0.5:
                coupon = rng.choice(COUPONS)
                self.ask(environment, connection, headers, "POST", "checkout", sku=rng.choice(items)["sku"], quantity=rng.randint(1, 4),
                         **({"coupon": coupon} if coupon else {}))
        except (OSError, http.client.HTTPException):
            self.count(environment, "visit", 0)  # gave up, or came at the moment of a deploy
        finally:
            connection.close()

    def ask(self, environment, connection, headers, method, what, **parameters):
        connection.request(method, "/api/%s?%s" % (what, urllib.parse.urlencode(parameters)), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        self.count(environment, what, answer.status)
        return json.loads(body) if answer.status == 200 else {}

    def count(self, *what):
        with self.guard:
            self.counts[what] += 1

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(PATIENCE_S + 5)
