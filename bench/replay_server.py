"""A thousand pages that record at once, fifty events a second each, beside spans that come: what the server needs for it, and that all is there.

    BENCH_REPLAY_SESSIONS=1000  BENCH_REPLAY_SERVER_SECONDS=30"""
import glob
import gzip
import http.client
import json
import os
import random
import subprocess
import threading
import time

from apiclient import first_admin
from monoscope import STORY_DIR, MemoryWatch, Server, check, wait_until

SESSIONS = int(os.environ.get("BENCH_REPLAY_SESSIONS") or 1000)
SECONDS = int(os.environ.get("BENCH_REPLAY_SERVER_SECONDS") or 30)
EVENTS_PER_S, BATCH_S, SENDERS = 50, 5, 2
SPANS_PER_S = 5000


def batch_of(rng, session, sequence):
    at = time.time() * 1000
    events = [{"type": 3, "timestamp": at + n * 20, "data": rng.choice([
        {"source": 1, "positions": [{"x": rng.randrange(1920), "y": rng.randrange(1080), "id": rng.randrange(900), "timeOffset": -20 * k} for k in range(3)]},
        {"source": 0, "texts": [{"id": rng.randrange(900), "value": "*" * rng.randrange(60)}], "attributes": [{"id": rng.randrange(900), "attributes": {"class": "row row-%d" % rng.randrange(99)}}], "removes": [], "adds": []},
        {"source": 3, "id": 1, "x": 0, "y": rng.randrange(4000)}])} for n in range(EVENTS_PER_S * BATCH_S)]
    if sequence == 0:
        events[0] = {"type": 2, "timestamp": at, "data": {"node": {"type": 0, "childNodes": [{"id": n, "type": 2, "tagName": "div", "attributes": {"class": "row row-%d" % (n % 99)}, "childNodes": []} for n in range(900)]}}}
    return json.dumps({"session": session, "tab": "t", "recording": session, "sequence": sequence, "service": {"name": "page"}, "user": {"id": session}, "events": events}, separators=(",", ":"))


class Senders:
    """Each has its part of the pages; every page sends once in BATCH_S, as the SDK does."""

    def __init__(self, server, sessions):
        self.server, self.sessions, self.sent, self.bytes, self.refused, self.late_s = server, sessions, 0, 0, 0, 0.0
        self.lock = threading.Lock()
        rng = random.Random(5)
        # what differs from page to page is put into bodies that were made before: Python is not what is measured
        self.bodies = {kind: [batch_of(rng, "SESSION", kind) for _ in range(8)] for kind in (0, 1)}
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(SENDERS)]

    def run(self, number):
        mine = self.sessions[number::SENDERS]
        connection = http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=60)
        begin = time.monotonic()
        for sequence in range(SECONDS // BATCH_S):
            for n, session in enumerate(mine):
                wait_s = begin + (sequence + n / len(mine)) * BATCH_S - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
                text = self.bodies[min(sequence, 1)][(n + sequence) % 8].replace("SESSION", session).replace('"sequence":1', '"sequence":%d' % sequence, 1)
                body = gzip.compress(text.encode(), 1)
                while True:
                    connection.request("POST", "/v1/replay", body, {"content-type": "application/json", "content-encoding": "gzip", "authorization": "Bearer " + self.server.key})
                    answer = connection.getresponse()
                    answer.read()
                    if answer.status == 200:
                        break
                    check(answer.status == 503, "a batch is taken or told to wait: %d" % answer.status)
                    with self.lock:
                        self.refused += 1
                    time.sleep(0.5)
                with self.lock:
                    self.sent, self.bytes = self.sent + 1, self.bytes + len(body)
                    self.late_s = max(self.late_s, -wait_s)


def bench_replay_server(figure):
    with Server(data=os.path.join(STORY_DIR, "replay_server"), flush="10s", options=["--replays-idle", "5s"]) as server:
        admin = first_admin(server)
        sessions = ["%032x" % n for n in range(SESSIONS)]
        senders, watch, before = Senders(server, sessions), MemoryWatch(server), server.cpu_ms()
        begin = time.monotonic()
        spans = subprocess.Popen(server.load_command(SECONDS, connections=1, spans=100, rate=SPANS_PER_S), stdout=subprocess.DEVNULL)
        for thread in senders.threads:
            thread.start()
        for thread in senders.threads:
            thread.join()
        check(spans.wait(60) == 0, "spans are taken beside them")
        events = senders.sent * EVENTS_PER_S * BATCH_S
        took_s = time.monotonic() - begin

        def complete():
            told, cursor = [], ""
            while True:
                page = admin.done("GET", "/projects/default/replays?from=now-1d&limit=500" + cursor)
                told += page["items"]
                if not page.get("next_cursor"):
                    return told if len(told) == SESSIONS and all(one["is_complete"] for one in told) else None
                cursor = "&cursor=" + page["next_cursor"]
        told = wait_until(complete, "all sessions are complete", 180)
        used_s = (server.cpu_ms() - before) / 1000
        check(sum(one["events"] for one in told) == events, "each event is there once: %d of %d" % (sum(one["events"] for one in told), events))
        objects = lambda: len(glob.glob(os.path.join(server.delta_tables(), "replay", "*", "*", "*.gz")))
        wait_until(lambda: objects() == SESSIONS, "an object a session", 180)
        figure("replay_server_events_per_s", events / took_s, "events/s")
        figure("replay_server_late_s", senders.late_s, "s")
        figure("replay_server_refused", senders.refused, "batches")
        figure("replay_server_cpu_us_per_event", used_s * 1e6 / events, "us")
        figure("replay_server_sent_bytes_per_event", senders.bytes / events, "B")
        figure("replay_server_stored_bytes_per_event", sum(one["stored_bytes"] for one in told) / events, "B")
        figure("replay_server_rss_mib", watch.stop()["RssAnon"], "MiB")
        server.stop()
