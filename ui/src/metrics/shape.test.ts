import { describe, expect, it } from "vitest";
import type { MetricAnswer, MetricHeatmap, MetricName } from "./query";
import { aggregate_words, aggregates_of, before_looks, candidates_of, catalog_narrowed, fields_of, heat_of_answer, moves_together, range_before, reset_marks, series_of } from "./shape";
import { shown_unit, unit_words } from "./unit";

const answer = (more: Partial<MetricAnswer> = {}): MetricAnswer => ({
  name: "m", unit: "s", type: "histogram", temporality: "delta", is_monotonic: false, description: "", aggregate: "quantile", from_ms: 60000, to_ms: 240000, step_s: 60,
  interval_s: 30, rows_read: 1, series_read: 1, groups: 1, notes: [], sql: "", answered_from: "raw",
  series: [{ labels: {}, points: [[60000, 0.5], [120000, null], [180000, 2]], resets: [], reset_count: 0 }],
  ...more,
});
const metric = (name: string, more: Partial<MetricName> = {}): MetricName => ({ name, type: "gauge", unit: "1", description: "", temporality: "", is_monotonic: false, points: 1, services: ["cart"], first_seen: "", last_seen: "", ...more });
const range = { from_us: 60e6, to_us: 240e6 };

describe("units", () => {
  it("are those of charts", () => {
    expect(shown_unit("ms", "gauge", "avg")).toMatchObject({ unit: "ns", factor: 1e6 });
    expect(shown_unit("MiBy", "sum", "rate")).toMatchObject({ unit: "bytes", factor: 1048576, words: "per second" });
    expect(shown_unit("s", "histogram", "count")).toMatchObject({ unit: "number", factor: 1 });
    expect(shown_unit("s", "sum", "rate")).toMatchObject({ unit: "number", factor: 1 });
    expect(shown_unit("{order}", "sum", "rate")).toEqual({ unit: "rate", factor: 1, words: "order" });
    expect(unit_words("1")).toBe("");
  });
});

describe("series", () => {
  it("keep gaps as gaps, in the unit that is shown", () => {
    const data = series_of([{ answer: answer() }], range);
    expect(data.times).toEqual([60e6, 120e6, 180e6]);
    expect(data.series[0]).toMatchObject({ name: "all", values: [0.5e9, null, 2e9], total: 2e9 });
    expect(data.adds_up).toBe(false);
  });
  it("of several quantiles are named by them", () => {
    const one = answer().series[0];
    const series = one ? [{ ...one, quantile: 0.5, labels: { service: "cart" } }, { ...one, quantile: 0.99, labels: { service: "cart" } }] : [];
    expect(series_of([{ answer: answer({ series }) }], range).series.map((line) => line.name)).toEqual(["p50 · cart", "p99 · cart"]);
  });
  it("of the time before lie upon those of now", () => {
    const before = answer({ from_ms: -120000, to_ms: 60000, series: [{ labels: {}, points: [[-120000, 1], [-60000, 1], [0, 1]], resets: [], reset_count: 0 }] });
    const data = series_of([{ answer: answer({ aggregate: "rate" }) }, { answer: before, is_before: true }], range);
    expect(data.series.map((one) => one.name)).toEqual(["all", "all (before)"]);
    expect(data.times[0]).toBe(60e6);
    expect(before_looks(data, [{ token: "--series-1", pattern: 0 }]).map((look) => look.token)).toEqual(["--series-1", "--series-7"]);
    expect(range_before({ from_us: 100e6, to_us: 190e6 }, 60)).toEqual({ from_us: -20e6, to_us: 70e6 });
  });
  it("tell of resets once a time", () => {
    const series = [{ labels: {}, points: [], resets: [5, 9], reset_count: 2 }, { labels: {}, points: [], resets: [9], reset_count: 1 }];
    expect(reset_marks(answer({ series }))).toEqual([{ t_us: 5000, text: "began anew" }, { t_us: 9000, text: "began anew (2)" }]);
  });
});

it("a heat map has its lines from below, without an end where there is none", () => {
  const told = { ...answer(), edges: [0, 1, null], columns: [[60000, [3, 1]], [120000, null], [180000, [0, 2]]] } as unknown as MetricHeatmap;
  expect(heat_of_answer(told, range)).toMatchObject({ edges: [0, 1e9, Infinity], cells: [[3, 0, 0], [1, 0, 2]], max: 3, total: 6, is_uneven: true });
});

describe("aggregates", () => {
  it("are those of the type", () => {
    expect(aggregates_of(metric("a", { type: "sum", is_monotonic: true }))[0]).toBe("rate");
    expect(aggregates_of(metric("a", { type: "sum" }))[0]).toBe("sum");
    expect(aggregates_of(metric("a", { type: "sum", temporality: "delta" }))[0]).toBe("increase");
    expect(aggregates_of(metric("a", { type: "exponential_histogram" }))[0]).toBe("quantile");
    expect(aggregate_words("quantile", 0.999)).toBe("p99.9");
  });
});

describe("the catalog", () => {
  it("is narrowed by words, type and service", () => {
    const list = [metric("http.server.duration", { type: "histogram", services: ["web"] }), metric("queue.depth", { description: "messages that wait" })];
    expect(catalog_narrowed(list, { words: "WAIT queue", type: "", service: "" }).map((one) => one.name)).toEqual(["queue.depth"]);
    expect(catalog_narrowed(list, { words: "", type: "histogram", service: "web" })).toHaveLength(1);
    expect(catalog_narrowed(list, { words: "", type: "gauge", service: "web" })).toHaveLength(0);
  });
  it("has relatives: the same family first, then the same sender", () => {
    const self = metric("http.server.duration");
    const list = [self, metric("other", { services: ["x"] }), metric("queue.depth"), metric("http.client.duration", { services: ["x"] }), metric("http.server.active")];
    expect(candidates_of(list, self, 3).map((one) => one.name)).toEqual(["http.server.active", "http.client.duration", "queue.depth"]);
  });
});

it("what moves together is told from what does not", () => {
  const up = [1, 2, 3, 4, 5, 6, 7, 8, null];
  expect(moves_together(up, up.map((one) => (one === null ? null : one * 3 + 1)))).toBeCloseTo(1);
  expect(moves_together(up, up.map((one) => (one === null ? null : -one)))).toBeCloseTo(-1);
  expect(moves_together(up, [5, 5, 5, 5, 5, 5, 5, 5, 5])).toBeUndefined();
  expect(moves_together([1, 2], [1, 2])).toBeUndefined();
});

it("fields that tell points apart come first, each with its values by how often they are", () => {
  const points = [
    [{ name: "service.name", value: "cart" }, { name: "tier", value: "gold" }],
    [{ name: "service.name", value: "cart" }, { name: "tier", value: "plain" }],
    [{ name: "service.name", value: "cart" }, { name: "tier", value: "plain" }],
  ];
  expect(fields_of(points)).toEqual([
    { name: "tier", rows: 3, values: [{ value: "plain", rows: 2 }, { value: "gold", rows: 1 }] },
    { name: "service.name", rows: 3, values: [{ value: "cart", rows: 3 }] },
  ]);
});
