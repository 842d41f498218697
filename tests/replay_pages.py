"""Pages that send recordings as the browser SDK does, and what the API has of them: for the stories of replays."""
import gzip
import json
import time
import urllib.error
import urllib.request

from monoscope import check


class Page:
    """One tab's recorder: batches of events as the SDK sends them."""

    def __init__(self, rng, session, tab, user):
        self.rng, self.session, self.tab, self.user, self.recording, self.sequence = rng, session, tab, user, "%016x" % rng.getrandbits(64), 0
        self.time = time.time() * 1000 - 3600000 + rng.randrange(1000000)

    def batch(self, is_last=False):
        events = []
        if self.sequence == 0:
            events = [{"type": 4, "timestamp": self.time, "data": {"href": "https://shop.example/%s" % self.session[:4], "width": 800, "height": 600}},
                      {"type": 2, "timestamp": self.time + 1, "data": {"node": {"type": 0, "childNodes": [{"id": n, "textContent": "a line\nof text %d" % n} for n in range(50)]}}}]
        for _ in range(self.rng.randint(1, 40)):
            self.time += self.rng.random() * 200
            events.append(self.rng.choice([{"type": 3, "timestamp": self.time, "data": {"source": 2, "type": 2, "id": 7}},
                                           {"type": 3, "timestamp": self.time, "data": {"source": 0, "adds": [], "texts": [{"id": 9, "value": "x" * self.rng.randrange(400)}]}},
                                           {"type": 5, "timestamp": self.time, "data": {"tag": self.rng.choice(["error", "rage_click", "other"]), "payload": {}}}]))
        body = {"session": self.session, "tab": self.tab, "recording": self.recording, "sequence": self.sequence, "isLast": is_last,
                "service": {"name": "shop-page", "version": "1.%d" % (self.sequence // 4), "environment": "test"}, "user": self.user, "userAgent": "Mozilla/5.0", "events": events}
        self.sequence += 1
        return body


def send(server, body, key=None, zipped=True, headers=None, path="/v1/replay", kind="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body, indent=1 if not zipped else None).encode()
    head = {"content-type": kind, "authorization": "Bearer " + (key or server.key), **(headers or {})}
    if zipped:
        data = gzip.compress(data)
        head["content-encoding"] = "gzip"
    try:
        with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%d%s" % (server.http_port, path), data, head), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def read_back(admin, session, project="default"):
    """{(tab, recording, sequence): batch} of a session by the API; each once."""
    detail = admin.done("GET", "/projects/%s/replays/%s" % (project, session))
    found = {}
    for segment in detail["segments"]:
        for batch in admin.done("GET", "/projects/%s/replays/%s/segments/%s" % (project, session, segment["name"]))["batches"]:
            place = (batch["tab"], batch["recording"], batch["sequence"])
            check(place not in found, "batch %r of %s is there once" % (place, session))
            found[place] = batch
    return detail, found
