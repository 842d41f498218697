import { describe, expect, it } from "vitest";
import { condition_of, counts_of, narrowed, NO_FIGURES, order_next, order_read, order_write, p95_change, rate_change, sends_words, service_of_rest, service_segment, share_change, show_rate, show_share, sorted, trouble_of, whole_steps, type Figures, type Service } from "./services";
import { health_of_rollups, health_of_rows, list_of } from "./shape";
import { counted_range, health_statement } from "./statement";

const figures = (requests: number, errors = 0, p95: number | null = 20e6): Figures => ({ requests, errors, mean: p95, p50: p95, p95, p99: p95 });
const service = (name: string, now: Figures, before: Figures = now, more: Partial<Service> = {}): Service => ({
  name, now, before, spans: now.requests, span_errors: now.errors, logs: 0, log_errors: 0, points: 0, over_time: { requests: [], errors: [], p95: [] }, ...more,
});
const well = service("well", figures(5000, 2));
const failing = service("failing", figures(1000, 80), figures(1000, 1));
const always = service("always", figures(400, 40), figures(400, 41));
const slow = service("slow", figures(800, 0, 90e6), figures(800, 0, 30e6));
const silent = service("silent", NO_FIGURES, figures(120));
const quiet = service("quiet", NO_FIGURES, NO_FIGURES, { spans: 12, span_errors: 3, logs: 1 });

describe("how a service does", () => {
  it("is said by one word", () => {
    expect([well, failing, always, slow, silent, quiet].map(condition_of)).toEqual(["well", "failing", "failing", "slow", "silent", "quiet"]);
    expect(trouble_of(failing)).toBe("8.00 % of its requests fail; 0.10 % before");
    expect(trouble_of(slow)).toBe("p95 is 3.0 times what it was before");
    expect(trouble_of(silent)).toBe("no request; 120 in the time before");
    expect(trouble_of(well)).toBe("");
    expect(sends_words(quiet)).toBe("12 spans (3 with errors), 1 log");
  });
  it("does not cry for a few requests", () => {
    expect(condition_of(service("a", figures(8, 1), figures(9)))).toBe("well");
    expect(condition_of(service("a", figures(8, 0, 900e6), figures(9, 0, 1e6)))).toBe("well");
    expect(condition_of(service("a", NO_FIGURES, figures(3)))).toBe("well");
    expect(condition_of(service("a", figures(10000, 12), figures(10000, 0)))).toBe("well"); /* sure, but little */
    expect(condition_of(service("a", figures(10000, 300), figures(10000, 60)))).toBe("failing"); /* 3 %, and far more than before */
    expect(condition_of(service("a", figures(900, 0, 3e6), figures(900, 0, 1e6)))).toBe("well"); /* two milliseconds */
  });
});

describe("compared with the time before", () => {
  it("says by how much, and whether it is a signal", () => {
    expect(share_change(failing)).toEqual({ arrow: "↑", words: "80 × as much", signal: "worse" });
    expect(share_change(service("a", figures(1000, 1), figures(1000, 80)))).toEqual({ arrow: "↓", words: "99 % fewer", signal: "better" });
    expect(p95_change(slow)).toEqual({ arrow: "↑", words: "3.0 × as slow", signal: "worse" });
    expect(p95_change(well)).toEqual({ arrow: "≈", words: "as before", signal: "" });
    expect(rate_change(service("a", figures(150), figures(100)), { seconds: 60, before_seconds: 60 })).toEqual({ arrow: "↑", words: "50 % more", signal: "" });
    expect(rate_change(service("a", figures(50), figures(100)), { seconds: 30, before_seconds: 60 })).toEqual({ arrow: "≈", words: "as before", signal: "" });
    expect(rate_change(silent, { seconds: 60, before_seconds: 60 })).toEqual({ arrow: "↓", words: "none now", signal: "worse" });
    expect(share_change(service("a", figures(10, 1), figures(10, 0))).words).toBe("none before");
    expect(p95_change(quiet).arrow).toBe("");
  });
});

describe("the list", () => {
  const all = [well, quiet, slow, always, silent, failing];
  const names = (list: readonly Service[]) => list.map((one) => one.name);
  it("has ill ones first, the worst of them at the top", () => {
    expect(names(sorted(all, order_read(""), new Map()))).toEqual(["always", "failing", "silent", "slow", "well", "quiet"]);
  });
  it("sorts by any column; what has no value is last, whichever way", () => {
    expect(names(sorted(all, order_read("name"), new Map()))).toEqual(["always", "failing", "quiet", "silent", "slow", "well"]);
    expect(names(sorted(all, order_read("-name"), new Map()))).toEqual(["well", "slow", "silent", "quiet", "failing", "always"]);
    expect(names(sorted(all, order_read("rate"), new Map())).slice(0, 3)).toEqual(["well", "failing", "slow"]);
    expect(names(sorted(all, order_read("p95"), new Map()))[0]).toBe("slow");
    expect(names(sorted(all, order_read("-p95"), new Map())).slice(-2)).toEqual(["quiet", "silent"]);
    expect(names(sorted(all, order_read("issues"), new Map([["quiet", 2]])))[0]).toBe("quiet");
  });
  it("has its order in the address", () => {
    for (const text of ["", "name", "-name", "p95", "-p95"]) expect(order_write(order_read(text))).toBe(text);
    expect(order_read("nothing")).toEqual({ by: "ill", is_down: true });
    expect(order_write(order_next(order_read("rate"), "rate"))).toBe("-rate");
    expect(order_write(order_next(order_read("rate"), "name"))).toBe("name");
  });
  it("is narrowed by words and by how they do", () => {
    expect(names(narrowed(all, "L O", ""))).toEqual(["slow"]);
    expect(names(narrowed(all, "", "failing"))).toEqual(["always", "failing"]);
    expect(counts_of(all).get("failing")).toBe(2);
  });
});

describe("figures", () => {
  it("are shown so that they can be spoken", () => {
    expect([show_rate(0), show_rate(12.345), show_rate(0.5), show_rate(0.001)]).toEqual(["0/s", "12.35/s", "30/min", "3.6/h"]);
    expect([show_share(null), show_share(0), show_share(0.00001), show_share(0.0123), show_share(0.5)]).toEqual(["–", "0 %", "< 0.01 %", "1.23 %", "50.0 %"]);
  });
  it("come from roll-ups", () => {
    const told = { requests: 10, request_errors: 1, duration_ns: { mean: 5, max: 9, p50: 4, p95: 8, p99: 9 } };
    const health = health_of_rollups(
      { from: "2026-11-27T03:00:00Z", to: "2026-11-27T04:00:00Z", before_from: "2026-11-27T02:00:00Z", step_seconds: 120, is_whole: true, answered_from: "rollups",
        items: [{ name: "a", now: told, before: { requests: 0, request_errors: 0, duration_ns: null }, spans: 10, span_errors: 1, logs: 0, log_errors: 0, metric_points: 0, first_seen: "2026-11-27T03:00:00Z", last_seen: "2026-11-27T03:00:00Z", over_time: { requests: [10], errors: [1], p95: [8] } }] },
      "SELECT 1", Date.parse("2026-11-27T03:30:00Z") * 1e3);
    expect(health.seconds).toBe(1800); /* the half that is not over yet counts for nothing */
    expect(health.before_seconds).toBe(3600);
    expect(health.times.length).toBe(30);
    expect(health.services[0]?.over_time.requests.slice(0, 16)).toEqual([10, ...Array<number>(14).fill(0), null]); /* the rest is not over */
    expect(health.services[0]?.now).toEqual({ requests: 10, errors: 1, mean: 5, p50: 4, p95: 8, p99: 9 });
    expect(health.services[0]?.before).toEqual(NO_FIGURES);
  });
  it("come from SQL", () => {
    const range = { from_us: 1000e6, to_us: 1060e6 };
    const rows = [
      ["before", "a", null, 5, 0, 2, 5, 0, 0, 0, null],
      ["durations before", "a", null, null, null, null, null, null, null, null, "{1,2,3}"],
      ["durations now", "a", null, null, null, null, null, null, null, null, [4, 5, 6]],
      ["durations now", "a", 101, null, null, null, null, null, null, null, [4, 5, 6]],
      ["now", "a", null, 7, 1, 5, 9, 2, 3, 1, null],
      ["now", "a", 101, 7, 1, 5, 9, 2, 3, 1, null],
      ["now", "b", null, 0, 0, null, 0, 0, 3, 0, null],
    ];
    const health = health_of_rows({ rows, answered_from: "rollups+raw" }, range, 10e6, "", 2000e6);
    expect(health.services.map((one) => one.name)).toEqual(["a", "b"]);
    expect(health.services[0]).toMatchObject({ now: { requests: 7, errors: 1, mean: 5, p50: 4, p95: 5, p99: 6 }, before: { requests: 5, p95: 2 }, spans: 9, log_errors: 1 });
    expect(health.services[0]?.over_time).toEqual({ requests: [0, 7, 0, 0, 0, 0], errors: [0, 1, 0, 0, 0, 0], p95: [null, 5, null, null, null, null] });
    expect(health.services[1]?.now).toEqual(NO_FIGURES);
    expect(health.answered_from).toBe("rollups+raw");
    expect(list_of("{NULL,2}")).toEqual([null, 2]);
  });
  it("of hours have durations by the half hour, which roll-ups know", () => {
    const range = { from_us: 0, to_us: 4 * 3600e6 };
    const health = health_of_rows({ rows: [["durations now", "a", 1, null, null, null, null, null, null, null, [4, 5, 6]]], answered_from: "rollups" }, range, 600e6, "", 9e15);
    expect(health.services[0]?.over_time.p95.slice(0, 7)).toEqual([null, null, null, 5, 5, 5, null]);
  });
  it("are of whole minutes, hours, days, as the counts of services are", () => {
    expect(counted_range({ from_us: 61e6, to_us: 121e6 })).toEqual({ from_us: 61e6, to_us: 121e6 });
    expect(counted_range({ from_us: 61e6, to_us: 3661e6 })).toEqual({ from_us: 60e6, to_us: 3720e6 });
    expect(counted_range({ from_us: 3601e6, to_us: 86400e6 })).toEqual({ from_us: 3600e6, to_us: 86400e6 });
    expect(counted_range({ from_us: 86401e6, to_us: 15 * 86400e6 + 86402e6 })).toEqual({ from_us: 86400e6, to_us: 17 * 86400e6 });
  });
  it("are asked for with the environment inside, names quoted", () => {
    expect(health_statement({ from_us: 1000e6, to_us: 1060e6 }, 10e6, "env = 'it''s'").split("AND env = 'it''s'").length).toBe(5);
  });
});

describe("steps", () => {
  it("that are only partly in the range have no count", () => {
    expect(whole_steps([1, 2, 3], [0, 10, 20], 10, { from_us: 5, to_us: 28 }, 100)).toEqual([null, 2, null]);
    expect(whole_steps([1, 2, 3], [0, 10, 20], 10, { from_us: 0, to_us: 30 }, 25)).toEqual([1, 2, null]);
  });
});

describe("the address of a service", () => {
  it("is its name, one that is called map too", () => {
    for (const name of ["cart", "map", "a/b", "grüße ?#%"]) expect(service_of_rest(service_segment(name))).toBe(name);
    expect(service_segment("map")).not.toBe("map");
    expect(service_of_rest("%")).toBeUndefined();
    expect(service_of_rest("a/b")).toBeUndefined();
  });
});
