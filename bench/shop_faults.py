"""The demo shop (docs/demo.md) with faults switched on in turn: what detection finds of each, how soon, and what it says the cause is.

    SHOP_FAULTS=slow-stock+memory-leak,payments-timeout,bad-release      which, in this order; those with a + between them at once
    SHOP_FAULT_MINUTES=11 SHOP_RECOVERY_MINUTES=13                       how long each is on (the leak 25 at least), and then off before the next
    SHOP_MEASURE_MINUTES=5 SHOP_QUIET_MINUTES=5                          of the shop as usual: what the history is made of; before the first fault
    SHOP_VISITS=2                                                        visits a second, beside those in a browser
    SHOP_MINUTES_MAX=110                                                 a fault that would end later is left out, and said to be

Detection learns for a day. So the day before is made: the shop runs for some minutes, and its visits are sent again with new ids and times of
the 27 hours before (bench/shop_history.py). The faults, and all that follows, are real. 95 minutes in all; nothing of it is quicker, for
detection goes by the clock."""
import datetime
import os
import shutil
import signal
import sys
import time

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # the shop's processes know nothing of our calls
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "demo"))
from apiclient import Caller, first_admin
from demoshop import GATEWAY_ADDRESS, Shop, end_with_parent
from monoscope import Server, check, free_port
from shop_history import History, Recorder

HISTORY_HOURS = 27
WARM_UP_S, LATE_S, LOOK_S = 60, 15, 10
BEFORE_S, BEHIND_S = 120, 180  # a finding may begin so long before a fault is switched on, and after it is off
CAUSES_AFTER_S = 360           # from when a finding is shown: the causes that count; rows were looked at by then
TOLD = ("warning", "critical")


class Fault:
    """services: where its effects are; place, release: what is at fault; metric: what shows it, when nothing else does; minutes: it takes so long."""

    def __init__(self, services, place, release=None, metric=None, minutes=0):
        self.services, self.place, self.release, self.metric, self.minutes = services, place, release, metric, minutes

    def is_shown_by(self, finding):
        if self.metric:
            return finding["metric"] == self.metric and finding["service"] in self.services and finding["is_up"]
        return finding["severity"] in TOLD and finding["service"] in self.services

    def is_cause(self, cause):
        return cause["place"] == self.place and (not self.release or (cause["release"] or {}).get("version") == self.release)


FAULTS = {
    "payments-timeout": Fault(("payments", "web", "shop-page"), GATEWAY_ADDRESS),
    "slow-stock": Fault(("stock", "web", "shop-page"), "sqlite/shop"),
    "memory-leak": Fault(("web",), "web", metric="process.memory.usage", minutes=25),  # metrics are averaged over half an hour
    # who cannot order charges no card: payments has less to do, too
    "bad-release": Fault(("web", "shop-page", "payments"), "web", release="1.5.0"),
}


def number(name, default):
    return float(os.environ.get(name) or default)


class Trial:
    """A fault that was switched on."""

    def __init__(self, name):
        self.name, self.fault, self.on_s, self.off_s = name, FAULTS[name], time.time(), None

    def has(self, finding):
        return self.on_s - BEFORE_S <= began(finding) <= (self.off_s or time.time()) + BEHIND_S and finding["service"] in self.fault.services


def began(finding):
    """What is new began when it first came, be it once, an hour ago: of that, when it was found."""
    at = finding["found_at"] if finding["kind"] in ("new_error", "new_pattern") else finding["since"]
    return datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()


class Findings:
    """Looks at them as people do, and notes when it saw which, and what was said of its cause at first and CAUSES_AFTER_S later."""

    def __init__(self, server):
        self.api, self.seen, self.shown_s, self.causes_at_first, self.causes = Caller(server, server.key), {}, {}, {}, {}

    def look(self):
        status, answer, _ = self.api.ask("GET", "/projects/default/findings?limit=100")
        if status != 200:
            return print("# findings cannot be asked for: %s %s" % (status, answer), flush=True)
        for one in answer["items"]:
            self.seen[one["number"]] = one
            if one["number"] not in self.shown_s:
                self.shown_s[one["number"]] = time.time()
                self.causes_at_first[one["number"]] = self.causes_of(one)
                print("# %s %s %s: %s, since %s; %s" % (clock(), one["kind"], one["severity"], one["title"], one["since"], one["cause"] or "no cause"), flush=True)
            if time.time() <= self.shown_s[one["number"]] + CAUSES_AFTER_S + LOOK_S or one["number"] not in self.causes:
                self.causes[one["number"]] = self.causes_of(one)

    def causes_of(self, finding):
        return (self.api.done("GET", "/projects/default/findings/%d" % finding["number"])["causes"] or {}).get("causes", [])

    def look_until(self, end_s):
        while time.time() < end_s:
            time.sleep(max(0, min(LOOK_S, end_s - time.time())))
            self.look()


def clock():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S")


def learn(server, recorder, shop, open_s, figure):
    """Measures the shop as it is, sends the day before, and has a server begin that knows nothing but these rows."""
    time.sleep(WARM_UP_S)
    begin_s = time.time()
    recorder.keep(True)
    end_s = begin_s + 60 * number("SHOP_MEASURE_MINUTES", 5)
    time.sleep(max(0, end_s + LATE_S - time.time()))
    recorder.keep(False)
    check(not shop.ended(), "the shop is open: %s" % shop.ended())
    history = History(recorder.kept, begin_s, end_s)
    to_s = int(open_s)
    begun = time.monotonic()
    rows, points = history.send(server, to_s - HISTORY_HOURS * 3600, to_s)
    figure("shop_measured_minutes", history.minutes, "min")
    figure("shop_measured_rows", history.rows, "rows")
    figure("shop_visits_per_min", history.rate(), "1/min")
    figure("shop_history_rows", rows, "rows")
    figure("shop_history_points", points, "points")
    figure("shop_history_s", time.monotonic() - begun, "s")
    server.execute("FLUSH")
    server.stop(120)
    shutil.rmtree(os.path.join(server.data, "findings"))  # what it learned of a day without rows
    server.start()


def groups(words):
    asked = [group.split("+") for group in words.split(",")]
    for name in sum(asked, []):
        check(name in FAULTS, "the shop has a fault \"%s\"; it has %s" % (name, ", ".join(FAULTS)))
    return asked


def run_faults(shop, findings, begun_s, asked):
    on_s, recovery_s, most_s = (60 * number(*one) for one in (("SHOP_FAULT_MINUTES", 11), ("SHOP_RECOVERY_MINUTES", 13), ("SHOP_MINUTES_MAX", 110)))
    trials = []
    for group in asked:
        group_s = max([on_s] + [60 * FAULTS[name].minutes for name in group])
        if time.time() + group_s + BEHIND_S > begun_s + most_s:
            print("# left out, for it would end later than SHOP_MINUTES_MAX: %s" % ", ".join(group), flush=True)
            continue
        running = [Trial(name) for name in group]
        trials += running
        for trial in running:
            print("# %s on: %s" % (clock(), trial.name), flush=True)
            shop.fault(trial.name, True)
        findings.look_until(running[0].on_s + group_s)
        for trial in running:
            shop.fault(trial.name, False)
            trial.off_s = time.time()
            print("# %s off: %s" % (clock(), trial.name), flush=True)
        findings.look_until(min(time.time() + recovery_s, begun_s + most_s))
        check(not shop.ended(), "the shop is open: %s" % shop.ended())
    return trials


def rank_of(fault, causes):
    return next((rank for rank, cause in enumerate(causes, 1) if fault.is_cause(cause)), 0)


def named(causes):
    if not causes:
        return "none"
    first = causes[0]
    more = [first["release"] and "release %s" % first["release"]["version"], first["attribute"] and "%s = %s" % (first["attribute"]["name"], first["attribute"]["value"])]
    return " ".join([first["place"]] + ["(%s)" % one for one in more if one])


def report(trials, findings, open_s, figure):
    delays, ranks, found = [], [], 0
    print("# | fault | found | after | first finding | first cause | the true one is |")
    for trial in trials:
        own = sorted((one for one in findings.seen.values() if trial.has(one) and trial.fault.is_shown_by(one)), key=lambda one: one["number"])
        if not own:
            print("# | %s | no | | | | |" % trial.name)
            continue
        first = own[0]
        causes, delay = findings.causes[first["number"]], (findings.shown_s[first["number"]] - trial.on_s) / 60
        found += 1
        delays.append(delay)
        rank, at_first = rank_of(trial.fault, causes), rank_of(trial.fault, findings.causes_at_first[first["number"]])
        if first["severity"] in TOLD:  # of others no cause is looked for
            ranks.append(rank)
        print("# | %s | yes | %.1f min | %s, %s | %s | %s |" % (trial.name, delay, first["title"], first["severity"], named(causes), "number %d of %d (at first: %s)" % (
            rank, len(causes), at_first or "-") if rank else "not among %d" % len(causes)))
    elsewhere = [one for one in findings.seen.values() if not any(trial.has(one) for trial in trials)]
    for one in elsewhere:
        print("# of no fault: %s %s since %s: %s" % (one["kind"], one["severity"], one["since"], one["title"]))
    told = [one for one in elsewhere if one["severity"] in TOLD]
    figure("shop_faults", len(trials), "faults")
    figure("shop_detect_recall", found / max(1, len(trials)), "1")
    figure("shop_false_findings", sum(began(one) >= open_s for one in told), "findings")
    figure("shop_false_findings_history", sum(began(one) < open_s for one in told), "findings")
    figure("shop_info_findings_elsewhere", len(elsewhere) - len(told), "findings")
    figure("shop_looked_at_min", (time.time() - open_s) / 60, "min")
    if delays:
        delays.sort()
        figure("shop_detect_delay_p50_min", delays[len(delays) // 2], "min")
    if ranks:
        figure("shop_rca_faults", len(ranks), "faults")
        figure("shop_rca_top1_percent", 100 * sum(rank == 1 for rank in ranks) / len(ranks), "%")
        figure("shop_rca_top3_percent", 100 * sum(1 <= rank <= 3 for rank in ranks) / len(ranks), "%")


def ended(*_):
    raise KeyboardInterrupt


def bench_shop_faults(figure):
    signal.signal(signal.SIGTERM, ended)
    begun_s = time.time()
    asked = groups(os.environ.get("SHOP_FAULTS") or "slow-stock+memory-leak,payments-timeout,bad-release")
    with Server(flush="10s", options=["--web-port", str(free_port())], before=end_with_parent) as server, Recorder(server) as recorder:
        first_admin(server)
        shop = Shop(recorder, visits_per_s=number("SHOP_VISITS", 2))
        try:
            open_s = time.time() // 60 * 60  # its first minute is its own
            learn(server, recorder, shop, open_s, figure)
            findings = Findings(server)
            findings.look_until(time.time() + 60 * number("SHOP_QUIET_MINUTES", 5))
            trials = run_faults(shop, findings, begun_s, asked)
            report(trials, findings, open_s, figure)
            troubles = sum((server.events(name) for name in ("findings.failed", "findings.metrics_failed", "findings.not_explained")), [])
            for event in troubles:
                print("# %s %s: %s" % (event["time"], event["event"], event["err"]), flush=True)
            figure("shop_detection_troubles", len(troubles), "events")  # it tries again the next minute
        finally:
            shop.stop()
    shutil.rmtree(server.data, ignore_errors=True)
