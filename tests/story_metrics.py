# time_limit_s: 240, tries: 2
"""An hour of metrics by OpenTelemetry's Python SDK (tests/metricshop.py): counter, up-down counter, gauge, histogram, exponential
histogram; cumulative and delta; a process that begins anew, a gap, other bounds and scales. What POST /metrics/query, /heatmap and
/exemplars answer is compared with what is reckoned here from the measurements themselves; then bounds and mistakes."""
import bisect
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from apiclient import first_admin
from metricshop import BOUNDS, GAP_FROM_S, GAP_TO_S, MINUTES, RESTART_S, MetricShop, iso
from monoscope import Server, check

STEP_S = 60


class Asker:
    def __init__(self, caller, shop):
        self.caller, self.shop = caller, shop

    def body(self, name, **more):
        return dict({"name": name, "from": iso(self.shop.begin_s), "to": iso(self.shop.begin_s + MINUTES * 60), "step_s": STEP_S}, **more)

    def ask(self, name, what="query", **more):
        return self.caller.done("POST", "/projects/default/metrics/" + what, self.body(name, **more))

    def series(self, name, **more):
        """{labels: [value of each minute]} and the answer."""
        answer = self.ask(name, **more)
        found = {}
        for series in answer["series"]:
            check([int(point[0]) for point in series["points"]] ==
                  [(self.shop.begin_s + minute * 60) * 1000 for minute in range(MINUTES)], "a point for each minute of " + name)
            found[tuple(series["labels"].values())] = [point[1] for point in series["points"]]
        return found, answer


def is_near(found, wanted, share=1e-9):
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= share * (1 + abs(wanted))


def minute_of(shop, event):
    return int((event.at_s - shop.begin_s) // 60)


def is_gap(minute):
    return GAP_FROM_S <= minute * 60 < GAP_TO_S


def told(shop, name, service=None, **attributes):
    """Events of each minute that reached us at a known time."""
    minutes = [[] for _ in range(MINUTES)]
    for event in shop.events[name]:
        minute = minute_of(shop, event)
        is_in_gap = event.service == "cart" and is_gap(minute)
        fits = service in (None, event.service) and all(event.attributes.get(key) == value for key, value in attributes.items())
        if fits and event.is_told and not is_in_gap:
            minutes[minute].append(event)
    return minutes


def counters(shop, asker):
    found, answer = asker.series("shop.orders", aggregate="increase", by=["service", "shop.tier"])
    check(answer["type"] == "sum" and answer["is_monotonic"] and answer["temporality"] == "mixed", "the kind is told: %s" % answer["type"])
    check(len(found) == 4, "two services, two tiers: %s" % list(found))
    for (service, tier), values in found.items():
        wanted = [sum(event.value for event in events) for events in told(shop, "shop.orders", service, **{"shop.tier": tier})]
        for minute, value in enumerate(values):
            expected = None if service == "cart" and is_gap(minute) else wanted[minute]
            check(is_near(value, expected), "orders of %s %s in minute %d are %s, not %s" % (service, tier, minute, value, expected))
    gaps = [note for note in answer["notes"] if "gap" in note]
    lost = sum(event.value for event in shop.events["shop.orders"] if event.service == "cart" and is_gap(minute_of(shop, event)))
    check(len(gaps) == 1 and " %d " % lost in gaps[0], "the gap's %d orders are told of: %s" % (lost, answer["notes"]))
    resets = [series["resets"] for series in answer["series"] if series["labels"]["service"] == "cart"]
    begun_ms = (shop.begin_s + RESTART_S + 15) * 1000
    check(resets == [[begun_ms]] * 2, "the restart is marked at the first point after it: %s" % resets)
    check(all(not series["resets"] for series in answer["series"] if series["labels"]["service"] == "checkout"), "and only there")

    # A rate over both: each series alone, then added up. In minute 20 of cart 45 s are known.
    found, _ = asker.series("shop.orders", aggregate="rate", search="service:cart")
    wanted = [sum(event.value for event in events) for events in told(shop, "shop.orders", "cart")]
    for minute, value in enumerate(found[()]):
        expected = None if is_gap(minute) else wanted[minute] / 60
        is_begun = minute in (0, 20) and value is not None and expected <= value <= expected * 2  # of less than a minute's time
        check(is_begun or is_near(value, expected), "the rate of cart in minute %d is %s, not %s" % (minute, value, expected))
    answer = asker.ask("shop.orders", aggregate="increase", step_s=10, search="service:checkout")
    fine = [point[1] for point in answer["series"][0]["points"]]
    whole = sum(sum(event.value for event in events) for events in told(shop, "shop.orders", "checkout"))
    check(len(fine) == 360 and is_near(sum(fine), whole), "steps of 10 s add up to all orders: %s, %s" % (sum(fine), whole))
    return whole


def levels(shop, asker):
    found, _ = asker.series("shop.carts.open", by=["service"])
    for (service,), values in found.items():
        for minute, value in enumerate(values):
            if service == "cart" and is_gap(minute):
                check((value is None) == (minute >= 42), "the last level holds for a while, then there is a gap: minute %d" % minute)
                continue
            until_s = shop.begin_s + minute * 60 + 30  # of the minute's last point
            since_s = shop.begin_s + (RESTART_S if service == "cart" and minute >= 20 else 0)
            level = sum(event.value for event in shop.events["shop.carts.open"]
                        if event.service == service and since_s <= event.at_s < until_s)
            check(value == level, "open carts of %s in minute %d are %s, not %s" % (service, minute, value, level))
    depths = shop.events["shop.queue.depth"]
    for aggregate, reduce in (("avg", lambda v: sum(v) / len(v)), ("max", max), ("min", min)):
        found, _ = asker.series("shop.queue.depth", aggregate=aggregate, search="service:checkout")
        for minute, value in enumerate(found[()]):
            # A point at the end of a minute is of the next one.
            seen = [event.value for event in depths if event.service == "checkout" and minute_of(shop, event) == minute]
            check(is_near(value, reduce(seen)), "%s of the queue in minute %d is %s, not %s" % (aggregate, minute, value, reduce(seen)))


def quantile_exact(values, q):
    values = sorted(values)
    return values[max(0, math.ceil(q * len(values)) - 1)]


def histograms(shop, asker):
    name, count = "http.server.request.duration", 0
    for service in ("cart", "checkout", None):
        minutes = told(shop, name, service)
        search = "service:" + service if service else ""
        bounds = BOUNDS.get(service, sorted(set(BOUNDS["cart"]) & set(BOUNDS["checkout"])) or BOUNDS["checkout"])
        for q in (0.5, 0.95):
            found, answer = asker.series(name, search=search, quantile=q)
            check(answer["aggregate"] == "quantile", "of a histogram a quantile is shown")
            for minute, value in enumerate(found[()]):
                if service == "cart" and is_gap(minute):
                    check(value is None, "in the gap there is none")
                    continue
                exact = quantile_exact([event.value for event in minutes[minute]], q)
                edge = bisect.bisect_left(bounds, exact)
                low, high = ([0] + bounds)[edge], (bounds + [1e9])[edge]
                check(low <= value <= high, "p%g of %s in minute %d is %s: %s lies in %s to %s" % (q * 100, service, minute, value, exact, low, high))
                count += 1
    check(any("different bounds" in note for note in answer["notes"]), "that bounds differ is told: %s" % answer["notes"])
    together = asker.ask(name, quantiles=[0.5, 0.95], by=["service"])["series"]
    check([(one["quantile"], one["labels"]["service"]) for one in together][::2] == [(0.5, together[0]["labels"]["service"]), (0.95, together[2]["labels"]["service"])],
          "several quantiles are a series each")
    for one in together:
        alone = asker.ask(name, quantile=one["quantile"], search="service:" + one["labels"]["service"])["series"][0]
        check(alone["points"] == one["points"], "and the same as each alone")
    for aggregate, reduce in (("count", len), ("sum", sum), ("avg", lambda v: sum(v) / len(v))):
        found, _ = asker.series(name, aggregate=aggregate, by=["route"])
        for (route,), values in found.items():
            minutes = told(shop, name, "checkout", **{"http.route": route})
            other = told(shop, name, "cart", **{"http.route": route})
            for minute, value in enumerate(values):
                expected = reduce([event.value for event in minutes[minute] + other[minute]])
                check(is_near(value, expected, 1e-6), "%s of %s in minute %d is %s, not %s" % (aggregate, route, minute, value, expected))
    return count


def prometheus_quantile(q, bounds, counts):
    """histogram_quantile, as its documentation tells it; written here again."""
    rank, before = q * sum(counts), 0
    for bucket, number in enumerate(counts):
        if before + number >= rank and number > 0:
            if bucket == len(bounds):
                return bounds[-1]
            low = bounds[bucket - 1] if bucket > 0 else 0
            return low + (bounds[bucket] - low) * (rank - before) / number
        before += number
    return None


def against_prometheus(shop, asker):
    """One service, one set of bounds: the rule's own number wherever the quantile is in an inner bucket."""
    compared = 0
    for q in (0.3, 0.5, 0.75):
        found, _ = asker.series("http.server.request.duration", search="service:cart", quantile=q)
        for minute, events in enumerate(told(shop, "http.server.request.duration", "cart")):
            if is_gap(minute):
                continue
            counts = [0] * (len(BOUNDS["cart"]) + 1)
            for event in events:
                counts[bisect.bisect_left(BOUNDS["cart"], event.value)] += 1
            wanted = prometheus_quantile(q, BOUNDS["cart"], counts)
            if BOUNDS["cart"][0] < wanted < BOUNDS["cart"][-1]:
                check(is_near(found[()][minute], wanted, 1e-9), "as histogram_quantile: %s, %s" % (found[()][minute], wanted))
                compared += 1
    check(compared > 100, "%d were compared" % compared)
    return compared


def exponentials(shop, asker):
    widest = 1
    for service in ("cart", "checkout", None):
        minutes = told(shop, "shop.payment.duration", service)
        for q in (0.1, 0.5, 0.99):
            found, answer = asker.series("shop.payment.duration", search="service:" + service if service else "", quantile=q)
            check(answer["type"] == "exponential_histogram", "the type is told")
            for minute, value in enumerate(found[()]):
                if service == "cart" and is_gap(minute):
                    check(value is None, "in the gap there is none")
                    continue
                exact = quantile_exact([event.value for event in minutes[minute]], q)
                # cart has 160 buckets, checkout 20: at these values a bucket is at most a factor of 2 wide, mostly much less.
                limit = 1.1 if service == "cart" else 2
                check(exact / limit <= value <= exact * limit,
                      "p%g of payments of %s in minute %d is %s, exactly %s" % (q * 100, service, minute, value, exact))
                widest = max(widest, value / exact, exact / value)
    answer = asker.ask("shop.payment.duration", what="heatmap")
    edges, columns = answer["edges"], answer["columns"]
    check(len(columns) == MINUTES and 10 < len(edges) <= 62, "%d columns, %d edges" % (len(columns), len(edges)))
    minutes = told(shop, "shop.payment.duration")
    for minute, (_, counts) in enumerate(columns):
        check(is_near(sum(counts), len(minutes[minute]), 1e-6), "all payments of minute %d are in the heat map" % minute)
        for line, number in enumerate(counts):
            exact = sum(1 for event in minutes[minute] if edges[line] < event.value <= edges[line + 1])
            check(abs(number - exact) < 1e-6, "%s to %s in minute %d: %s, exactly %d" % (edges[line], edges[line + 1], minute, number, exact))
    return widest


def exemplars(shop, asker):
    answer = asker.ask("http.server.request.duration", what="exemplars", by=["service"], limit=200)
    known = {event.attributes["trace"]: event for event in shop.events["http.server.request.duration"]}
    check(len(answer["items"]) == 200, "200 of them: %d" % len(answer["items"]))
    for item in answer["items"]:
        event = known.get(item["trace_id"])
        check(event and is_near(item["value"], event.value) and abs(item["at_ms"] / 1000 - event.at_s) < 0.01 and
              item["labels"] == {"service": event.service}, "each is a request that was measured: %s, %s" % (item, event))
    return len(answer["items"])


def sql_is_honest(shop, asker, server):
    """The statement that goes with the numbers runs and, where no series has gaps, gives them."""
    for name, aggregate in (("shop.orders", "increase"), ("shop.queue.depth", "avg"), ("shop.carts.open", "sum"),
                            ("http.server.request.duration", "count"), ("http.server.request.duration", "avg"),
                            ("http.server.request.duration", "quantile"), ("shop.payment.duration", "quantile")):
        found, answer = asker.series(name, aggregate=aggregate, by=["service"], search="service:checkout")
        rows = server.query(answer["sql"])
        check(rows, "the statement of %s of %s answers" % (aggregate, name))
        if aggregate == "quantile":
            continue
        # The SDK sends at the end of each half minute: a point on a minute's edge is of the step that begins there.
        check(abs(sum(float(row[2]) for row in rows) - sum(value for value in found[("checkout",)] if value is not None)) <=
              0.2 * (1 + sum(abs(float(row[2])) for row in rows)), "and nearly the same numbers: %s of %s" % (aggregate, name))


def refusals(shop, asker):
    caller = asker.caller

    def refused(words, status=400, what="query", **more):
        body = dict(asker.body("shop.orders"), **more)
        got, answer, _ = caller.ask("POST", "/projects/default/metrics/" + what, body)
        check(got == status and words in str(answer), "%s is refused with %r: %s %s" % (more, words, got, answer))
    refused("is a counter", aggregate="avg")
    refused("is a counter", aggregate="quantile")
    refused("only histograms", what="heatmap")
    refused("is a gauge", name="shop.queue.depth", aggregate="rate")
    refused("must be a time", **{"from": "yesterday"})
    refused("before to", **{"from": "now", "to": "now-1h"})
    refused("at most 2000", step_s=1, **{"from": "now-10h", "to": "now"})
    refused("points of metrics are not found by level", search="level:error")
    refused("at characters 8 to 13", search='service:"cart')
    refused("quantile", quantile=1.5)
    refused("several quantiles", quantiles=[0.5, 0.9], aggregate="rate")
    refused("aggregate", aggregate="median")
    none = asker.ask("no.such.metric")
    check(none["series"] == [] and none["type"] == "", "of a name that nobody sends there is nothing")
    few, answer = asker.series("http.server.request.duration", by=["service", "route", "method"], limit=2, aggregate="count")
    check(len(few) == 2 and any("2 of 8 groups" in note for note in answer["notes"]), "what is left out is told: %s" % answer["notes"])


def main():
    with Server() as server:
        admin = first_admin(server)
        shop = MetricShop(server)
        shop.send()
        asker = Asker(admin, shop)
        orders = counters(shop, asker)
        print("counters: increase and rate of two services equal what was counted; a restart, a gap (%d orders of checkout)" % orders)
        levels(shop, asker)
        print("gauges and up-down counters are each series' own")
        print("histograms: %d quantiles in the exact one's bucket, %d as histogram_quantile" %
              (histograms(shop, asker), against_prometheus(shop, asker)))
        print("exponential histograms: at most a factor of %.3f off; the heat map is exact" % exponentials(shop, asker))
        print("%d exemplars are requests that were measured" % exemplars(shop, asker))
        sql_is_honest(shop, asker, server)
        server.execute("FLUSH")
        counters(shop, asker)
        print("the same from the table")
        refusals(shop, asker)
        print("mistakes are told, limits too")


main()
