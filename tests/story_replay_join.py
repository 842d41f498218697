"""Segments of recordings are joined: what many flushes wrote becomes few objects, sessions without data are complete, data that comes late
opens them again. The server is killed in each step of that, again and again: nothing is lost, nothing is there twice, event for event
as it was sent, and in the end there is an object for each row and a row for each object. Some batches are sent a second time, in another flush."""
import glob
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin
from monoscope import FULL, Server, check, wait_until
from otlp import OK, Sender, span, traces
from replay_pages import Page, read_back, send

SEED = 20261129
STEPS = ["replays.join_before_put", "replays.join_before_commit", "replays.join_after_commit", "replays.join_before_end", "replays.join_before_sweep"]
ROUNDS = 5 if FULL else 1
MIB = 1 << 20


def taken(server, batch):
    """As the SDK does: until it is told that it is kept."""
    while True:
        try:
            status, answer = send(server, batch)
            check(status in (200, 503), "a batch is taken: %d %s" % (status, answer))
            if status == 200:
                return
        except OSError:
            if server.process.poll() is not None:
                server.start()
        time.sleep(0.05)


def objects_of(server, session="*"):
    return glob.glob(os.path.join(server.delta_tables(), "replay", "*", session, "*.gz"))


class Visits:
    def __init__(self, server, admin, rng):
        self.server, self.admin, self.rng, self.sent, self.pages = server, admin, rng, {}, []

    def page(self, session=None):
        page = Page(self.rng, session or "%032x" % self.rng.getrandbits(128), "%016x" % self.rng.getrandbits(64), {"id": "u1"})
        self.pages.append(page)
        return page

    def send(self, page, noise=0):
        batch = page.batch()
        if noise:
            batch["noise"] = self.rng.randbytes(noise).hex()
        self.sent.setdefault(page.session, {})[(page.tab, page.recording, batch["sequence"])] = batch
        taken(self.server, batch)
        return batch

    def are_complete(self):
        told = [self.admin.ask("GET", "/projects/default/replays/" + session) for session in self.sent]
        return all(status == 200 and session["is_complete"] for status, session, _ in told)

    def check(self, when):
        """All that was sent is there once; objects are those of the rows."""
        wait_until(self.are_complete, "the sessions are complete " + when, 90)  # a killed process has its leases for half a minute
        keys = set()
        for session, batches in self.sent.items():
            detail, found = read_back(self.admin, session)
            for batch in found.values():
                batch.pop("sent_again", None)
            check(found == batches, "the batches of %s are as they were sent %s: %d of %d" % (session, when, len(found), len(batches)))
            events = [event for batch in batches.values() for event in batch["events"]]
            check(detail["events"] == len(events), "its events are counted once: %d of %d %s" % (detail["events"], len(events), when))
            check(detail["errors"] == sum(event["type"] == 5 and event["data"]["tag"] == "error" for event in events), "its errors too")
            check(all(recording["missing"] == "nothing" for recording in detail["recordings"]), "nothing is missing: %r" % detail["recordings"])
            keys |= {(session, segment["name"]) for segment in detail["segments"]}
            check(detail["stored_bytes"] == sum(segment["stored_bytes"] for segment in detail["segments"]), "its bytes are those of its segments")
        return keys


def check_backend(server, admin, rng):
    """What the backend did for a session: in traces with the session's id, and in one that only the recording names."""
    session, own, named, other = "backend1", os.urandom(16), os.urandom(16), os.urandom(16)
    now_ns = time.time_ns()
    sender = Sender(server.grpc_port, server.key)

    def sent(service, trace, count=1, is_error=False, **attrs):
        made = [span("work", attrs, at_ns=now_ns, trace_id=trace) for _ in range(count)]
        for one in made:
            one.status.code = 2 if is_error else 0
        check(sender.send("traces", traces(made, {"service.name": service})).status == OK, "spans are taken")

    def batch(number):
        events = [{"type": 4, "timestamp": now_ns / 1e6, "data": {"href": "https://shop.example/pay"}}, {"type": 2, "timestamp": now_ns / 1e6, "data": {"node": {}}},
                  {"type": 5, "timestamp": now_ns / 1e6, "data": {"tag": "network", "payload": {"status": 500, "trace_id": named.hex()}}}]
        taken(server, {"session": session, "tab": "t1", "recording": "r1", "sequence": number, "service": {"name": "shop-page"}, "events": events})

    def told():
        status, detail, _ = admin.ask("GET", "/projects/default/replays/" + session)
        return (detail["backend"]["spans"], detail["backend"]["errors"], sorted(detail["backend"]["services"])) if status == 200 else None
    sent("shop-page", own, **{"session.id": session})
    sent("checkout", own, 3)
    sent("payments", own, 2, is_error=True)
    sent("stock", named, 1, is_error=True)
    sent("strangers", other, 5, is_error=True, **{"session.id": "another"})
    batch(0)
    wait_until(lambda: told() == (6, 3, ["checkout", "payments", "stock"]), "the backend's spans are found: %r" % (told(),), 30)
    traces_told = admin.done("GET", "/projects/default/replays/" + session)["backend"]["traces"]
    check(sorted(traces_told) == sorted([own.hex(), named.hex()]), "some of its traces: %r" % traces_told)
    for service, is_there in (("shop-page", True), ("payments", True), ("stock", True), ("strangers", False), ("pay", False), ("%", False)):
        items = admin.done("GET", "/projects/default/replays?from=now-1d&service=" + service.replace("%", "%25"))["items"]
        check((session in [one["session"] for one in items]) == is_there, "sessions of %s" % service)
    sent("mail", named, 2)
    batch(1)
    wait_until(lambda: told() == (8, 3, ["checkout", "mail", "payments", "stock"]), "what comes later is found too: %r" % (told(),), 30)
    admin.done("DELETE", "/projects/default/replays/" + session)
    print("backend: 8 spans of 4 services, found by session and by the recording's traces", flush=True)


def main():
    rng = random.Random(SEED)
    print("seed %d" % SEED, flush=True)
    with Server(flush="1s", options=["--replays-idle", "2s"]) as server:
        visits = Visits(server, first_admin(server), rng)

        # many flushes, small and large
        small, large = [visits.page() for _ in range(6)], visits.page()
        visits.page(small[0].session)
        for n in range(6):
            sent = [visits.send(page) for page in visits.pages if page is not large]
            visits.send(large, noise=400_000)
            if n > 0:
                taken(server, dict(again, sent_again=n))  # other bytes, as one that comes after the ten minutes in which repeats are known
            again = rng.choice(sent)
            time.sleep(1.1)
        before = len(objects_of(server))
        check(before > 30, "each flush wrote objects: %d" % before)
        keys = visits.check("once joined")
        check(len([key for key in keys if key[0] != large.session]) == 7, "one object a tab: %r" % keys)
        of_large = sum(os.path.getsize(path) for path in objects_of(server, large.session) if (large.session, os.path.basename(path)[:-len(".ndjson.gz")]) in keys)
        count = len([key for key in keys if key[0] == large.session])
        check(of_large / MIB / 2 - 1 <= count <= of_large / MIB + 2, "the large one is %d objects of %.1f MiB" % (count, of_large / MIB))
        wait_until(lambda: len(objects_of(server)) == len(keys), "what was joined is swept: %d of %d" % (len(objects_of(server)), len(keys)), 60)
        print("%d objects became %d; the large session %.1f MiB in %d" % (before, len(keys), of_large / MIB, count), flush=True)

        # late data, twice
        late = visits.send(small[1])
        opened = wait_until(lambda: not visits.admin.done("GET", "/projects/default/replays/" + small[1].session)["is_complete"], "late data opens a session again")
        check(opened, "it is open")
        visits.check("after late data")
        check(late["sequence"] == 6, "the late one was the seventh")

        check_backend(server, visits.admin, rng)

        # kills
        kills = 0
        for number in range(ROUNDS):
            for step in STEPS:
                server.kill()
                server.start(environment={"MONOSCOPE_FAIL_POINT": "%s:%d" % (step, rng.randint(1, 2))}, wait=False)
                doomed = server.process
                if not server.wait_ready():  # it has come that far already: in what the kill before left
                    server.start()
                pages = [visits.page() for _ in range(2)]
                for _ in range(2):
                    for page in pages:
                        visits.send(page)
                    visits.send(rng.choice(visits.pages))
                    time.sleep(1.1)
                wait_until(lambda: doomed.poll() is not None, "it ends at %s" % step, 60)
                kills += 1
                if server.process is doomed:
                    server.start()
            visits.check("after %d kills" % kills)
            print("%d kills, %d sessions: all there once" % (kills, len(visits.sent)), flush=True)
        keys = visits.check("in the end")
        wait_until(lambda: len(objects_of(server)) == len(keys), "each object has a row: %d, %d" % (len(objects_of(server)), len(keys)), 60)
        names = {(os.path.basename(os.path.dirname(path)), os.path.basename(path)[:-len(".ndjson.gz")]) for path in objects_of(server)}
        check(names == keys, "and each row its object")

        # a user's request to be forgotten takes joined objects too
        visits.admin.done("DELETE", "/projects/default/replays?user=u1")
        check(not objects_of(server), "all are gone")
        print("%d batches in %d sessions, %d kills; %d objects in the end, none after deletion" % (sum(map(len, visits.sent.values())), len(visits.sent), kills, len(keys)), flush=True)
        server.stop()


main()
