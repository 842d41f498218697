"""A public library on the same weeks: river's PredictiveAnomalyDetection (Holt-Winters with a season of a week, three standard
deviations) over values of five minutes. python library.py DUMP WEEKS EVERY  prints figures; DUMP is of `agents --dump`. Of every EVERYth
service all alerts count; of the others only those with faults are looked at, for these."""
import json
import sys

import numpy
from river import anomaly, time_series

WEEK, BLOCK, AFTER, GRACE, QUIET = 10080, 5, 60, 5, 30
SEASON = WEEK // BLOCK


def read(path):
    with open(path, "rb") as f:
        head = json.loads(f.readline())
        values = numpy.frombuffer(f.read(), dtype="<f4")
    series = len(head["series"])
    return head, values[:values.size // (series * 3) * series * 3].reshape(-1, series, 3)


def alerts_of(values, begin):
    """(minute, is up) of each alert from `begin` on; what goes on is told once."""
    model = anomaly.PredictiveAnomalyDetection(time_series.HoltWinters(alpha=0.3, beta=0.01, gamma=0.3, seasonality=SEASON), horizon=1, n_std=3.0,
                                               warmup_period=SEASON + 1)
    alerts, last, seen = [], -10**9, 0
    for block, value in enumerate(values.tolist()):
        if value != value:
            continue
        value += 1e-6  # it divides by its level, which of a series without errors is 0
        minute = (block + 1) * BLOCK
        if seen > SEASON + 1 and model.score_one(None, value) >= 1:
            if minute - last > QUIET and minute > begin:
                alerts.append((minute, value > model.predictive_model.forecast(1)[0]))
            last = minute
        model.learn_one(None, value)
        seen += 1
    return alerts


def main():
    head, values = read(sys.argv[1])
    weeks, every = min(int(sys.argv[2]), head["weeks"]), int(sys.argv[3])
    begin, end = head["warm"] * WEEK, (head["warm"] + weeks) * WEEK
    faults = [fault for fault in head["faults"] if fault["begin"] < end]
    by_service, wrong, faulty = {}, 0, {fault["service"] for fault in faults if fault["asked"]}
    for s, (service, _) in enumerate(head["series"]):
        for family in range(3) if service % every == 0 or service in faulty else ():
            for minute, is_up in alerts_of(values[:end // BLOCK, s, family], begin):
                by_service.setdefault(service, []).append((minute, family, is_up))
    for service, alerts in by_service.items():
        if service % every != 0:
            continue
        near = [fault for fault in faults if fault["service"] == service]
        wrong += sum(not any(fault["begin"] - 2 <= minute <= fault["end"] + AFTER for fault in near) for minute, _, _ in alerts)
    found, delays, asked = 0, [], [fault for fault in faults if fault["asked"]]
    for fault in asked:
        times = sorted(minute for minute, family, is_up in by_service.get(fault["service"], [])
                       if family == fault["family"] and bool(is_up) == bool(fault["up"]) and fault["begin"] < minute <= fault["end"] + GRACE)
        found += bool(times)
        delays += [max(0, times[0] - fault["reached"])] if times else []
    services = len({service for service, _ in head["series"] if service % every == 0})
    print("detect_recall_aside_river %.3f 1" % (found / len(asked)))
    print("detect_delay_p50_min_aside_river %.3f min" % sorted(delays)[len(delays) // 2])
    print("false_alerts_per_service_month_aside_river %.3f 1" % (wrong / (services * weeks * 7 / 30.4)))


main()
