"""Takes orders (/order?item=...) and asks the next app (NEXT_URL) for the goods. Run by opentelemetry-instrument, which sends
telemetry as the OTEL_* variables say; at SIGTERM it sends the rest and prints as JSON what it did."""
import collections
import json
import logging
import os
import signal
import sys
import threading

import fastapi
import requests
import uvicorn
from opentelemetry import metrics, trace

log = logging.getLogger("orders")
tracer = trace.get_tracer("orders")
orders = metrics.get_meter("orders").create_counter("orders.taken", "{order}", "orders taken")
sizes = metrics.get_meter("orders").create_histogram("orders.size", "{letter}", "letters of the item's name")
app = fastapi.FastAPI()


@app.get("/order")
def order(item: str):
    log.warning("order for %s", item, extra={"order.item": item})
    orders.add(1, {"item": item})
    sizes.record(len(item))
    did["orders"] += 1
    with tracer.start_as_current_span("check credit", attributes={"credit.items": [item, "shipping"]}):
        answer = requests.get(os.environ["NEXT_URL"], params={"item": item}, timeout=20)
    if answer.status_code != 200:
        log.error("no goods for %s: %d", item, answer.status_code)
        raise fastapi.HTTPException(502, "no goods")
    return {"goods": answer.json()}


class Did(logging.Handler):
    """Counts spans and log records beside the exporters: the story compares it with what arrived."""

    def __init__(self):
        super().__init__()
        self.counted, self.guard, self.logs = collections.Counter(), threading.Lock(), 0

    def on_start(self, span, parent_context=None):
        pass

    def _on_ending(self, span):
        pass

    def on_end(self, span):
        with self.guard:
            self.counted[span.kind.name.lower()] += 1

    def emit(self, record):
        self.logs += 1

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=0):
        return True


def main():
    counter = Did()
    logging.getLogger().addHandler(counter)
    trace.get_tracer_provider().add_span_processor(counter)
    # uvicorn ends by the signal itself; as an exception it lets the SDK send what it still has.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_config=None, access_log=False)
    finally:
        print(json.dumps(dict(did, spans=counter.counted, logs=counter.logs)), flush=True)


did = {"orders": 0}
if __name__ == "__main__":
    main()
