"""What the shop has (SQLite): /search?q=, /stock/{sku}, /reserve?sku=&quantity=. Run by opentelemetry-instrument, which sends telemetry
as the OTEL_* variables say. POST /faults {"slow-stock": true} makes the queries of one region wait."""
import contextlib
import logging
import os
import random
import signal
import socket
import sqlite3
import sys
import threading
import time

import fastapi
import uvicorn
from opentelemetry import metrics, trace

SLOW_REGION = "ap-south"
NAMES = ["green tea", "black tea", "mint tea", "tea cup", "coffee beans", "coffee mill", "espresso cup", "mate", "mate gourd", "honey"]
log = logging.getLogger("stock")
tracer = trace.get_tracer("stock")
reserved = metrics.get_meter("stock").create_counter("stock.reserved", "{item}", "items reserved")
app = fastapi.FastAPI()
faults = {}
guard = threading.Lock()  # one connection, many threads
database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE stock (sku TEXT PRIMARY KEY, name TEXT, price REAL, items INTEGER)")
database.executemany("INSERT INTO stock VALUES (?, ?, ?, ?)",
                     [("sku-%02d" % number, name, 3.5 + 2.25 * number, 40 + number) for number, name in enumerate(NAMES)])


@contextlib.contextmanager
def query(operation, text, region):
    attributes = {"db.system.name": "sqlite", "db.namespace": "shop", "db.collection.name": "stock", "db.operation.name": operation,
                  "db.query.text": text, "cloud.region": region}
    with tracer.start_as_current_span(operation + " stock", kind=trace.SpanKind.CLIENT, attributes=attributes) as span:
        begin = time.monotonic()
        if faults.get("slow-stock") and region == SLOW_REGION:
            span.add_event("waiting for a lock", {"db.lock": "stock_by_region"})
            time.sleep(random.uniform(1.2, 2.2))
        time.sleep(random.lognormvariate(-6.2, 0.6))
        with guard:
            yield lambda *values: database.execute(text, values).fetchall()
    took_ms = (time.monotonic() - begin) * 1000
    if took_ms > 1000:
        log.warning("slow query in %s: %.0f ms", region, took_ms, extra={"db.query.text": text, "cloud.region": region})


@app.get("/search")
def search(q: str = "", region: str = ""):
    with query("SELECT", "SELECT sku, name, price FROM stock WHERE name LIKE ? ORDER BY name", region) as run:
        found = run("%" + q + "%")
    log.info("search for %r found %d", q, len(found), extra={"search.text": q, "search.found": len(found)})
    return {"items": [dict(zip(("sku", "name", "price"), row)) for row in found]}


@app.get("/stock/{sku}")
def stock(sku: str, region: str = ""):
    with query("SELECT", "SELECT sku, name, price, items FROM stock WHERE sku = ?", region) as run:
        found = run(sku)
    if not found:
        log.warning("there is no %s", sku)
        raise fastapi.HTTPException(404, "there is no %s" % sku)
    return dict(zip(("sku", "name", "price", "items"), found[0]))


@app.post("/reserve")
def reserve(sku: str, quantity: int = 1, region: str = ""):
    product = stock(sku, region)
    with query("UPDATE", "UPDATE stock SET items = items - ? WHERE sku = ?", region) as run:
        run(quantity, sku)
        database.commit()
    reserved.add(quantity, {"sku": sku})
    left = product["items"] - quantity
    log.debug("%d of %s left", left, sku)
    if left < 10:
        log.warning("only %d of %s left, ordering more", left, sku, extra={"stock.sku": sku, "stock.left": left})
        with query("UPDATE", "UPDATE stock SET items = items + 50 WHERE sku = ?", region) as run:
            run(sku)
            database.commit()
    return dict(product, quantity=quantity)


@app.post("/faults")
def faults_set(wanted: dict):
    faults.update(wanted)
    return faults


def main():
    logging.getLogger().setLevel(logging.DEBUG if os.environ.get("ENVIRONMENT") == "staging" else logging.INFO)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # the next release listens before this one ends
    listening.bind(("127.0.0.1", int(os.environ["PORT"])))
    # uvicorn ends by the signal itself; as an exception it lets the SDK send what it still has.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
