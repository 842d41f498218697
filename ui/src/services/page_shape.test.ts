import { describe, expect, it } from "vitest";
import { callers_of, calls_of, node_title, type Edge } from "./edges";
import { deploy_marks, endpoint_name, endpoints_of, endpoints_of_rows, errors_chart, instances_of, latency_chart, quantiles_read, quantiles_turn, rate_chart, steps_of_counts, steps_of_rows, traces_of, versions_of, type Instance } from "./page_shape";
import { NO_FIGURES } from "./services";
import { endpoints_statement, of_service, series_statement, traces_statement } from "./statement";

const durations = { mean: 5, max: 9, p50: 4, p95: 8, p99: 9 };
const counts = { from: "1970-01-01T00:10:00Z", to: "1970-01-01T00:14:00Z", step_seconds: 60, points: [{ at: "1970-01-01T00:11:00Z", rows: 30, errors: 3, duration_ns: durations }, { at: "1970-01-01T00:13:00Z", rows: 6, errors: 0, duration_ns: null }] };

describe("over time", () => {
  const steps = steps_of_counts(counts, "SELECT 1");
  it("steps that are left out have no requests and no durations", () => {
    expect(steps.requests).toEqual([0, 30, 0, 6]);
    expect(steps.p95).toEqual([null, 8, null, null]);
  });
  it("a rate is of the seconds of a step that are over", () => {
    const chart = rate_chart(steps, 13.5 * 60e6);
    expect(chart.series.map((one) => one.name)).toEqual(["succeeded", "failed"]);
    expect(chart.series[0]?.values).toEqual([0, 27 / 60, 0, 6 / 30]);
    expect(chart.series[1]?.values).toEqual([0, 3 / 60, 0, 0]);
    expect(chart.series[0]?.total).toBe(33 / 210);
    expect(rate_chart(steps, 12 * 60e6).series[0]?.values).toEqual([0, 27 / 60, null, null]);
  });
  it("no request has no share of errors", () => {
    expect(errors_chart(steps).series[0]).toMatchObject({ values: [null, 0.1, null, 0], total: 3 / 36 });
  });
  it("of rows is the same", () => {
    const range = { from_us: 600e6, to_us: 840e6 };
    const rows = steps_of_rows({ rows: [[11, 30, 3, [4, 8, 9]], [13, 6, 0, null], [99, 1, 1, null]], answered_from: "raw" }, range, 60e6, "");
    expect({ ...rows, answered_from: "", statement: "" }).toEqual({ ...steps, answered_from: "", statement: "" });
  });
  it("quantiles are chosen in the address", () => {
    expect(quantiles_read("")).toEqual(["p50", "p95", "p99"]);
    expect(quantiles_read("p99,p50,p12")).toEqual(["p50", "p99"]);
    expect(quantiles_turn(["p50", "p95", "p99"], "p99")).toBe("p50,p95");
    expect(quantiles_turn(["p50", "p95"], "p99")).toBe("");
    expect(quantiles_turn(["p99"], "p99")).toBe(""); /* none is all */
    expect(latency_chart(steps, { ...NO_FIGURES, p95: 8 }, ["p95"]).series).toMatchObject([{ name: "p95", total: 8 }]);
  });
});

describe("endpoints", () => {
  const item = { service: "a", first_seen: "1970-01-01T00:10:00Z", last_seen: "1970-01-01T00:10:00Z", errors: 0, method: "GET" };
  it("are those that serve, by the time spent in them", () => {
    const list = endpoints_of([
      { ...item, id: "1", kind: "server", route: "/fast", requests: 100, duration_ns: { ...durations, mean: 1 } },
      { ...item, id: "2", kind: "server", route: "/slow", requests: 10, duration_ns: { ...durations, mean: 30 } },
      { ...item, id: "3", kind: "client", route: "/other", requests: 500, duration_ns: durations },
    ]);
    expect(list.map((one) => [one.route, one.part])).toEqual([["/slow", 0.75], ["/fast", 0.25]]);
    expect(endpoints_of_rows([["2", "server", "GET", "/slow", 10, 1, 30, "{1,2,3}"], ["4", "server", "GET", "/never", 0, 0, null, null]])[0]).toMatchObject({ part: 1, figures: { errors: 1, p95: 2 } });
  });
  it("have a name to read", () => {
    expect(endpoint_name({ kind: "server", method: "GET", route: "/a" })).toBe("GET /a");
    expect(endpoint_name({ kind: "consumer", method: "", route: "orders" })).toBe("consume orders");
    expect(endpoint_name({ kind: "server", method: "", route: "" })).toBe("(no route)");
  });
});

describe("releases", () => {
  const range = { from_us: 1000e6, to_us: 2000e6 };
  const instance = (version: string, first: number, last: number, more: Partial<Instance> = {}): Instance => ({ version, instance: "a", host: "", pod: "", first_us: first * 1e6, last_us: last * 1e6, requests: 5, errors: 1, ...more });
  it("are put together, the newest first, and marked where they came", () => {
    const versions = versions_of([instance("1.4", 100, 1500), instance("1.5", 1500, 1990), instance("1.5", 1400, 1990, { instance: "b" })], range);
    expect(versions).toMatchObject([{ version: "1.5", first_us: 1400e6, requests: 10, errors: 2, is_new: true, instances: 2 }, { version: "1.4", is_new: false }]);
    expect(deploy_marks(versions, range)).toEqual([{ t_us: 1400e6, text: "1.5" }]);
  });
  it("one that was there from the beginning is no change", () => {
    expect(deploy_marks(versions_of([instance("1.4", 1001, 1990)], range), range)).toEqual([]);
    expect(deploy_marks(versions_of([instance("", 1500, 1990)], range), range)).toEqual([]);
  });
  it("come from rows", () => {
    expect(instances_of([["1", "i", "h", "p", "1970-01-01 00:10:00+00", "1970-01-01 00:11:00+00", 3, 0]])).toEqual([{ version: "1", instance: "i", host: "h", pod: "p", first_us: 600e6, last_us: 660e6, requests: 3, errors: 0 }]);
  });
});

describe("calls", () => {
  const edge = (source: string, target: string, requests: number, more: Partial<Edge> = {}): Edge => ({ source, source_kind: "service", target, target_kind: "service", figures: { ...NO_FIGURES, requests }, ...more });
  const edges = [edge("a", "b", 5), edge("a", "c", 9), edge("b", "a", 1), edge("a", "a", 2, { source_kind: "messaging" }), edge("", "a", 7, { source_kind: "caller" })];
  it("of one service, and to it, most of them first", () => {
    expect(calls_of(edges, "a").map((one) => one.target)).toEqual(["c", "b"]);
    expect(callers_of(edges, "a").map((one) => one.source)).toEqual(["", "a", "b"]);
    expect([node_title("", "caller"), node_title("", "external"), node_title("b", "service")]).toEqual(["from outside", "not named", "b"]);
  });
});

describe("statements and traces", () => {
  it("quote what people named", () => {
    const where = of_service("it's", "x'y", "env = 'e'");
    expect(where).toContain("= 'it''s'");
    expect(where).toContain("'x''y' = ANY(hashes)");
    const range = { from_us: 600e6, to_us: 840e6 };
    for (const statement of [series_statement(range, 60e6, where), endpoints_statement(range, where), traces_statement(range, where, "failed", 10)]) expect(statement).toContain(where);
  });
  it("a row without a trace is none", () => {
    expect(traces_of([["1970-01-01 00:10:00+00", "GET", 5, "ERROR", "t", "s"], ["1970-01-01 00:10:00+00", "GET", null, "OK", null, null]])).toEqual([{ at_us: 600e6, name: "GET", duration_ns: 5, is_error: true, trace: "t", span: "s" }]);
  });
});
