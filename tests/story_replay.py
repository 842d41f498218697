"""Recordings of sessions, from POST /v1/replay to the API: batches are sent twice, out of order, some never, while the server is killed in each
step of storing them. What was acknowledged is there once, as it was sent; what never came is told as a gap. Then a user's recordings
are deleted, and nothing of them is left in the store."""
import base64
import glob
import gzip
import json
import os
import random
import sys
import time
import urllib.error

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import Caller, first_admin, user_with_role
from monoscope import MemoryWatch, Server, check, wait_until
from replay_pages import Page, read_back, send

SEED = 20261128
FAIL_POINTS = ["replays.before_objects", "replays.before_store", "replays.after_store"]
ORIGIN = "https://shop.example"


def refusals(server):
    good = Page(random.Random(1), "s" * 32, "t" * 16, {}).batch()
    for what, words, body, more in [
            ("JSON that is cut", "byte", b'{"session":', {}),
            ("no session", '\\"session\\"', dict(good, session="../../x"), {}),
            ("no events", '\\"events\\"', dict(good, events=[]), {}),
            ("a wrong time", "events[0]", dict(good, events=[{"type": 3, "timestamp": "now"}]), {}),
            ("protobuf", "application/json", b"\n\x00", {"kind": "application/x-protobuf"}),
            ("a wrong key", "unknown or revoked", good, {"key": "mono_no"}),
            ("5 MiB", "4 MiB", dict(good, more="x" * (5 << 20)), {})]:
        status, answer = send(server, body, **more)
        check(400 <= status < 500 and words in answer, "%s is refused with words that help: %d %s" % (what, status, answer))
    browser = server.key_create("default", "page", "--browser", ORIGIN)[1]
    wait_until(lambda: send(server, good, key=browser, headers={"origin": ORIGIN})[0] == 200, "a browser key sends from its origin, once the server has heard of it")
    status, answer = send(server, good, key=browser, headers={"origin": "https://evil.example"})
    check(status == 403 and "evil.example" in answer, "and from no other: %d %s" % (status, answer))
    return ("s" * 32, "t" * 16, good["recording"]), good


def main():
    rng = random.Random(SEED)
    print("seed %d" % SEED, flush=True)
    sent, missing = {}, {}  # session: {(tab, recording, sequence): body}, and what never comes
    with Server(flush="1s") as server:
        admin = first_admin(server)
        (session, tab, recording), good = refusals(server)
        sent[session] = {(tab, recording, 0): good}
        for fail_point in FAIL_POINTS:
            server.kill()
            server.start(environment={"MONOSCOPE_FAIL_POINT": fail_point + ":1"})
            doomed = server.process
            pages = [Page(rng, "%032x" % rng.getrandbits(128), "%016x" % rng.getrandbits(64), {"id": "u%d" % (n % 5), "name": "Ann %d" % n}) for n in range(8)]
            pages += [Page(rng, pages[0].session, "%016x" % rng.getrandbits(64), pages[0].user)]  # a second tab
            waiting = []
            for page in pages:
                batches = [page.batch(is_last=n == 11) for n in range(12)]
                lost = set(rng.sample(range(1, 11), 2)) if page is pages[1] else set()
                missing.setdefault(page.session, {})[(page.tab, page.recording)] = lost
                waiting += [(page, batch) for batch in batches if batch["sequence"] not in lost]
            rng.shuffle(waiting)
            waiting += rng.sample(waiting, 20)  # sent twice
            for page, batch in waiting:
                while True:  # as the SDK does: until it is told that it is kept, the same bytes each time (another text of it: story_replay_join)
                    try:
                        status, answer = send(server, batch, zipped=batch["sequence"] % 5 != 0)
                        check(status == 200 or status == 503, "a batch is taken: %d %s" % (status, answer))
                        if status == 200:
                            break
                    except (OSError, urllib.error.URLError):
                        if server.process.poll() is not None:
                            server.start()  # without the fail point
                    time.sleep(0.05)
                sent.setdefault(page.session, {})[(batch["tab"], batch["recording"], batch["sequence"])] = batch
            wait_until(lambda: doomed.poll() is not None, "it ends at %s" % fail_point, 60)
            if server.process is doomed:
                server.start()
            print("%s: %d batches sent, with repeats" % (fail_point, len(waiting)), flush=True)
        total = sum(len(batches) for batches in sent.values())

        def all_there():
            return sum(len(read_back(admin, session)[1]) for session in sent if admin.ask("GET", "/projects/default/replays/" + session)[0] == 200) == total
        wait_until(all_there, "all %d batches are stored" % total, 60)
        for session, batches in sent.items():
            detail, found = read_back(admin, session)
            check(found == batches, "the batches of %s are as they were sent" % session)
            events = [event for batch in batches.values() for event in batch["events"]]
            check(detail["events"] == len(events) and detail["clicks"] == sum(event["type"] == 3 and event["data"]["source"] == 2 for event in events) and
                  detail["errors"] == sum(event["type"] == 5 and event["data"]["tag"] == "error" for event in events), "the counts of %s are those of its events: %r" % (session, detail))
            for recording in detail["recordings"]:
                lost = missing.get(session, {}).get((recording["tab"], recording["recording"]), set())
                told = {n for first, last in recording["gaps"] for n in range(first, last + 1)}
                check(told == lost and recording["has_snapshot"], "what never came of %s is told: %r, %r" % (session, recording, lost))
                check(recording["is_ended"] or session == "s" * 32, "its end has come")
        check_list(admin, sent)
        check_deleting(server, admin, sent)
        check_rrweb(server, admin)
        check_roles(server, admin)
        gap, gap_time = Page(rng, "%032x" % rng.getrandbits(128), "a" * 16, {}), time.monotonic()
        batches = [gap.batch() for _ in range(6)]
        check(all("snapshot" not in send(server, batches[n])[1] for n in (0, 2)), "nobody is asked for a snapshot while a batch may be on its way")
        watch = MemoryWatch(server)
        flood(server, rng)
        time.sleep(max(0, gap_time + 11 - time.monotonic()))
        status, answer = send(server, batches[3])
        check(status == 200 and json.loads(answer) == {"snapshot": True}, "a page whose batch stays away is asked for a snapshot: %d %s" % (status, answer))
        check("snapshot" not in send(server, batches[4])[1], "and not again at once")
        print("%d sessions, %d batches, all there once; highest memory under a flood %d MiB" % (len(sent), total, watch.stop()["RssAnon"]), flush=True)
        server.stop()


def check_list(admin, sent):
    seen, cursor = [], ""
    while True:
        page = admin.done("GET", "/projects/default/replays?from=now-1d&limit=7" + cursor)
        seen += page["items"]
        if not page.get("next_cursor"):
            break
        cursor = "&cursor=" + page["next_cursor"]
    check(sorted(one["session"] for one in seen) == sorted(sent), "the list has each session once")
    check([one["to"] for one in seen] == sorted((one["to"] for one in seen), reverse=True), "the latest first")
    of_user = admin.done("GET", "/projects/default/replays?from=now-1d&user=u1")["items"]
    check(of_user and all(one["user"]["id"] == "u1" for one in of_user) and len(of_user) == sum(one["user"]["id"] == "u1" for one in seen), "those of a user")
    one = of_user[0]
    found = admin.done("GET", "/projects/default/replays?from=now-1d&page_url=%s" % one["landing_url"][-4:])["items"]
    check(one["session"] in [other["session"] for other in found], "by a part of the address")
    check(admin.done("GET", "/projects/default/replays?from=now-1d&page_url=%25")["items"] == [], "a sign of LIKE is only itself")
    check(admin.ask("GET", "/projects/default/replays/%s" % ("0" * 32))[0] == 404, "what is not there is not found")


def check_deleting(server, admin, sent):
    session = next(iter(sent))
    folder = os.path.join(server.delta_tables(), "replay", "*", "*")
    kept = len(glob.glob(os.path.join(folder, "*.gz")))
    stranger = server.project_create("other")[2]
    check(Caller(server, stranger).ask("DELETE", "/projects/default/replays/" + session)[0] in (401, 403, 404), "another project's key deletes nothing")
    admin.done("DELETE", "/projects/default/replays/" + session)
    check(admin.ask("GET", "/projects/default/replays/" + session)[0] == 404, "a deleted session is gone")
    check(not glob.glob(os.path.join(server.delta_tables(), "replay", "*", session, "*.gz")) and len(glob.glob(os.path.join(folder, "*.gz"))) < kept, "its objects too, and no other")
    late, other = (Page(random.Random(2), one, "d" * 16, {}) for one in (session, "d" * 32))
    check(all(send(server, page.batch())[0] == 200 for page in (late, other)), "what still comes of it is taken")
    wait_until(lambda: admin.ask("GET", "/projects/default/replays/" + other.session)[0] == 200, "what came after it is stored")
    check(admin.ask("GET", "/projects/default/replays/" + session)[0] == 404 and not glob.glob(os.path.join(server.delta_tables(), "replay", "*", session, "*.gz")), "and not kept")
    told = admin.done("DELETE", "/projects/default/replays?user=u2")
    check(told["deleted"] > 0 and admin.done("GET", "/projects/default/replays?from=now-1d&user=u2")["items"] == [], "a user's sessions are deleted: %r" % told)
    for path in glob.glob(os.path.join(folder, "*.gz")):
        with gzip.open(path, "rt") as f:
            check('"id": "u2"' not in f.read(), "no object has the user: %s" % path)


def check_rrweb(server, admin):
    """A recorder that was made for POST /api/v1/rrweb: no numbers, not always a tab; sent out of order, one of them twice."""
    origin, browser = {"origin": ORIGIN}, server.key_create("default", "rrweb", "--browser", ORIGIN)[1]
    start = time.time() * 1000 - 60000
    events = [[{"type": 4, "timestamp": start, "data": {"href": ORIGIN + "/cart", "width": 800, "height": 600}}, {"type": 2, "timestamp": start + 1.25, "data": {"node": {}}}],
              [{"type": 3, "timestamp": start + 2000, "data": {"source": 2, "type": 2, "id": 1}}], [{"type": 3, "timestamp": start + 4000, "data": {"source": 0}}, {"type": 4, "timestamp": start + 4001, "data": {"href": ORIGIN + "/thanks", "width": 800, "height": 600}}]]
    body = {"sessionId": "rrweb-session", "timestamp": start, "eventCount": 2, "user": {"id": "42", "email": "ann@shop.example"}}
    path = "/api/v1/rrweb"
    wait_until(lambda: send(server, dict(body, events=events[0], tabId="tab-1"), key=browser, headers=origin, path=path)[0] == 200, "its key is heard of")
    for n, tab in ((2, "tab-1"), (1, "tab-1"), (1, "tab-1"), (0, None)):
        status, answer = send(server, dict(body, events=events[n], **({"tabId": tab} if tab else {})), key=browser, headers=dict(origin, **{"user-agent": "Mozilla/5.0 story"}), path=path, zipped=n == 1)
        check(status == 200 and "snapshot" not in answer, "it is taken: %d %s" % (status, answer))
    for wrong, words, more in [({"events": events[0]}, "sessionId", {}), (dict(body, events=[]), "events", {}), (body, "evil", {"headers": {"origin": "https://evil.example"}, "key": browser}),
                               (dict(body, events=events[0], more="x" * (5 << 20)), "4 MiB", {})]:
        status, answer = send(server, wrong, path=path, **more)
        check(400 <= status < 500 and words in answer, "refused with words that help: %d %s" % (status, answer))
    wait_until(lambda: admin.ask("GET", "/projects/default/replays/rrweb-session")[0] == 200 and admin.done("GET", "/projects/default/replays/rrweb-session")["events"] == 7, "all of it is stored")
    detail = admin.done("GET", "/projects/default/replays/rrweb-session")
    found = [batch for segment in detail["segments"] for batch in admin.done("GET", "/projects/default/replays/rrweb-session/segments/" + segment["name"])["batches"]]
    check(sorted((batch["tab"], batch["recording"], batch["events"][0]["timestamp"]) for batch in found) == sorted([("rrweb", "rrweb", start)] + [("tab-1", "tab-1", events[n][0]["timestamp"]) for n in range(3)]), "each batch once: %r" % found)
    check(all(batch["events"] in events and "sequence" not in batch for batch in found), "its events are as they were sent")
    check(detail["user"] == {"id": "42", "name": "", "email": "ann@shop.example"} and detail["landing_url"] == ORIGIN + "/cart" and detail["user_agent"].startswith("Mozilla/5.0") and detail["clicks"] == 1, "what it tells: %r" % detail)
    check([(one["batches"], one["gaps"], one["missing"]) for one in detail["recordings"]] == [(None, [], "nothing")] * 2, "nothing is told as missing: %r" % detail["recordings"])
    for page, is_there in (("/cart", True), ("/thanks", True), ("example/th", True), ("/th_nks", False), ("/nowhere", False)):
        items = admin.done("GET", "/projects/default/replays?from=now-1d&page_url=" + page)["items"]
        check(("rrweb-session" in [one["session"] for one in items]) == is_there, "by any of its pages: %s" % page)
    check(detail["pages"] == 2, "what it visited is counted, though it tells no navigation: %r" % detail)
    print("rrweb: %d batches without numbers, each once" % len(found), flush=True)


def check_roles(server, admin):
    """Texts that a page left unmasked, by role: who has less than the project says sees stars, and the same of all else."""
    now = time.time() * 1000
    node = {"type": 2, "id": 2, "tagName": "p", "attributes": {"class": "wide", "title": "open title"}, "childNodes": [{"type": 3, "id": 3, "textContent": "open text\nline"}]}
    events = [{"type": 4, "timestamp": now, "data": {"href": ORIGIN + "/open"}}, {"type": 2, "timestamp": now + 1, "data": {"node": {"type": 0, "id": 1, "childNodes": [node]}}},
              {"type": 3, "timestamp": now + 2.5, "data": {"source": 5, "id": 2, "text": "open words", "isChecked": False}}, {"type": 3, "timestamp": now + 3, "data": {"source": 0, "texts": [{"id": 3, "value": "open more"}]}}]
    batch = {"session": "roles1", "tab": "t1", "recording": "r1", "sequence": 0, "events": events}
    check(send(server, batch)[0] == 200, "it is taken")
    wait_until(lambda: admin.ask("GET", "/projects/default/replays/roles1")[0] == 200, "it is stored")
    people = {role: user_with_role(admin, role + "@example.com", "default", role) for role in ("viewer", "editor", "admin")}
    people["key"] = Caller(server, admin.done("POST", "/projects/default/keys", {"name": "asks", "scopes": ["query"]})["secret"])

    def seen(caller):
        detail, found = read_back(caller, "roles1")
        (shown,) = found.values()
        text = json.dumps(shown["events"][1:])
        check(detail["is_masked"] == ("open" not in text), "it is said whether it is masked: %r" % detail)
        if detail["is_masked"]:
            check(shown["events"][1]["data"]["node"]["childNodes"][0]["childNodes"][0]["textContent"] == "**** ****\n****", "stars stand there: %s" % text)
        check(shown["events"][0] == events[0] and [one["timestamp"] for one in shown["events"]] == [one["timestamp"] for one in events] and '"wide"' in text, "the rest is as it was: %s" % text)
        return not detail["is_masked"]
    path = "/projects/default/replay-settings"
    check(admin.done("GET", path) == {"unmasked_role": "viewer"} and all(seen(one) for one in people.values()), "as long as nothing is said all see it")
    for role, who in (("editor", {"editor", "admin"}), ("admin", {"admin"}), ("owner", set()), ("viewer", set(people))):
        check(people["editor"].ask("PUT", path, {"unmasked_role": role})[0] == 403, "who is no admin does not say")
        people["admin"].done("PUT", path, {"unmasked_role": role})
        check({name for name, one in people.items() if seen(one)} == who, "from %s on texts are seen" % role)
    check(admin.ask("PUT", path, {"unmasked_role": "nobody"})[0] == 400, "a role that is none")
    check("replay_settings.set" in json.dumps(admin.done("GET", "/projects/default/audit")), "the audit log tells")
    print("roles: texts are masked by the server for those below the project's role", flush=True)


def flood(server, rng):
    """Pages that send as much as they can: the server's memory stays in its bounds."""
    noise = base64.b64encode(rng.randbytes(2 << 20)).decode()
    for n in range(60):
        page = Page(rng, "%032x" % rng.getrandbits(128), "f" * 16, {})
        status, answer = send(server, dict(page.batch(), noise=noise[n:]), zipped=False)
        check(status in (200, 503), "a large batch is taken, or told to wait: %d %s" % (status, answer))


main()
