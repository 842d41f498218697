import { describe, expect, it, vi } from "vitest";
import type { Table } from "../api/client";
import { catalog_of } from "../explore/fields";
import type { MetricAnswer, MetricHeatmap } from "../metrics/query";
import { series_of } from "../metrics/shape";
import { panel_of_page } from "./draft";
import type { Drawn } from "./drawn";
import type { Panel } from "./load";
import { sql_drawn, step_seen } from "./sql_answer";

vi.stubGlobal("window", { location: { pathname: "/", search: "" }, addEventListener: () => undefined });
const { asked_read, queries_of } = await import("../metrics/ask");
const { explorer_params, metric_asked, metric_drawn, metric_heat, search_asked, search_of, sql_asked, steps_of } = await import("./asks");

const range = { from_us: 0, to_us: 3600e6 };
const catalog = catalog_of([{ name: "resource___service___name", type: "text" }, { name: "duration", type: "bigint" }]);
const panel = (more: Partial<Panel>): Panel => ({ id: "p1", title: "t", kind: "lines", source: { search: "" }, at: { x: 0, y: 0, w: 6, h: 7 }, ...more });
const table = (columns: [string, string][], rows: Table["rows"]): Table => ({ columns: columns.map(([name, type]) => ({ name, type })), rows, is_cut: false, warnings: [], duration_ms: 1, files: {}, answered_from: "raw" });
const series = (drawn: Drawn) => (drawn.as === "series" || drawn.as === "top" ? drawn.data.series.map((one) => [one.name, one.total, one.values]) : drawn);

describe("what a panel asks", () => {
  it("by a search, with the values of variables; a wider one has more steps", () => {
    const one = panel({ source: { search: "q=service:$service&agg=p95&of=duration&by=service.name" } });
    const { q, params } = search_of(one, { service: "web" }, { range, environment: "" });
    expect(q).toBe("service:web");
    const asked = search_asked(one, params, { where: "x = 1", range }, catalog);
    expect(asked.statement).toContain("approx_percentile(0.95, percentile_agg(duration))");
    expect(asked.statement).toContain("(x = 1)");
    expect(asked.statement).toContain("/ 60000000");
    expect([steps_of(panel({ at: { x: 0, y: 0, w: 3, h: 4 } })), steps_of(one), steps_of(panel({ at: { x: 0, y: 0, w: 12, h: 4 } }))]).toEqual([30, 60, 120]);
  });
  it("by a search of SQL", () => {
    expect(search_of(panel({ source: { search: "sql=1&q=name+%3D+%24name" } }), { name: "a'b" }, { range, environment: "" }).q).toBe("name = 'a''b'");
  });
  it("is the same in the explorer", () => {
    const params = explorer_params(panel({ kind: "stacked", source: { search: "q=service:$service&by=level" } }), { service: "" }, { range, environment: "" });
    expect(params.toString()).toBe("by=level&viz=stacked");
    expect(explorer_params(panel({ kind: "rows", source: { search: "q=a" } }), {}, { range, environment: "" }).toString()).toBe("q=a");
  });
  it("by SQL, with the time of the page", () => {
    expect(sql_asked(panel({ source: { sql: "SELECT $from, $step" } }), {}, { range, environment: "" }).statement).toBe("SELECT timestamptz '1970-01-01T00:00:00.000Z', interval '60 seconds'");
  });
  it("of a page, or nothing where no panel shows it", () => {
    expect(panel_of_page("/p/shop/explore", new URLSearchParams("q=a&viz=line&agg=p95&from=now-1h&open=x&view=y"), "T", "SELECT")).toEqual({ title: "T", kind: "lines", source: { search: "q=a&agg=p95" } });
    expect(panel_of_page("/p/shop/explore", new URLSearchParams("viz=patterns"), "T", "SELECT")).toBeUndefined();
    expect(panel_of_page("/p/shop/sql", new URLSearchParams(), "SQL", "SELECT 1")).toEqual({ title: "SQL", kind: "table", source: { sql: "SELECT 1" } });
    expect(panel_of_page("/p/shop/sql", new URLSearchParams(), "SQL", undefined)).toBeUndefined();
    expect(panel_of_page("/p/shop/trace/1", new URLSearchParams(), "T", "SELECT 1")).toBeUndefined();
  });
});

describe("what SQL answered", () => {
  const asked = { unit: undefined, range, step_us: 60e6 };
  const times = table(
    [["t", "timestamptz"], ["service", "text"], ["n", "int8"], ["errors", "int8"]],
    [["1970-01-01T00:00:00Z", "web", 3, 0], ["1970-01-01T00:30:00Z", "web", 5, 1], ["1970-01-01T00:30:00Z", "api", 2, null]],
  );
  it("is series by time, names and columns of numbers", () => {
    expect(series(sql_drawn(times, { ...asked, kind: "lines" }))).toEqual([["web · n", 5, [3, 5]], ["api · n", 2, [null, 2]], ["web · errors", 1, [0, 1]], ["api · errors", null, [null, null]]]);
    expect(series(sql_drawn(table([["t", "timestamptz"], ["n", "int8"]], [["1970-01-01T00:10:00Z", 4]]), { ...asked, kind: "bars" }))).toMatchObject([["n", 4, { length: 60 }]]);
    expect(step_seen([0, 60, 120, 300], 1)).toBe(60);
    expect(step_seen([5], 7)).toBe(7);
  });
  it("is a list, a number, a table", () => {
    expect(series(sql_drawn(times, { ...asked, kind: "top" }))).toEqual([["web", 3, []], ["web", 5, []], ["api", 2, []]]);
    expect(sql_drawn(times, { ...asked, kind: "stat", unit: "ns" })).toEqual({ as: "stat", figures: [{ title: "n", value: 3, unit: "ns" }, { title: "errors", value: 0, unit: "ns" }], trend: [] });
    expect(sql_drawn(times, { ...asked, kind: "table" })).toMatchObject({ as: "table", table: { columns: [{ title: "t" }, { title: "service" }, { title: "n", unit: "number" }, { title: "errors" }], rows: { length: 3 } } });
  });
  it("is a heat map of values", () => {
    const heat = sql_drawn(table([["t", "timestamptz"], ["v", "float8"], ["n", "int8"]], [["1970-01-01T00:00:00Z", 100, 7], ["1970-01-01T00:01:00Z", 1000, 1]]), { ...asked, kind: "heat" });
    expect(heat.as === "heat" && [heat.heat.total, heat.heat.max]).toEqual([8, 7]);
  });
  it("says what is missing", () => {
    expect(sql_drawn(table([["a", "text"]], [["x"]]), { ...asked, kind: "lines" }).as).toBe("nothing");
    expect(sql_drawn(table([["a", "text"]], [["x"]]), { ...asked, kind: "stat" }).as).toBe("nothing");
    expect(sql_drawn(table([["n", "int8"]], []), { ...asked, kind: "stat" })).toEqual({ as: "nothing", words: "No row." });
  });
});

describe("a metric", () => {
  const metric = panel({ source: { metric: { name: "m", aggregate: "quantile", quantile: 0.9, search: "service:$service", by: ["service.name"] } } });
  const page = { range, environment: "" };
  const time = { from: "1970-01-01T00:00:00.000Z", to: "1970-01-01T01:00:00.000Z" };
  const gauge = { name: "m", type: "histogram", unit: "s", temporality: "", is_monotonic: false, services: [], description: "", points: 0, first_seen: "", last_seen: "" };
  it("is asked for as its explorer asks", () => {
    const asked = asked_read(new URLSearchParams("agg=quantile&p=90&by=service.name&q=service:web"), gauge);
    for (const environment of ["", "a b"]) {
      const { quantiles, ...wanted } = queries_of(gauge, asked, range, environment)[0] ?? { name: "" };
      expect(metric_asked(metric, { service: "web" }, { range, environment })).toEqual({ ...wanted, quantile: quantiles?.[0] });
    }
    expect(metric_asked({ ...metric, kind: "heat" }, { service: "" }, page)).toEqual({ name: "m", search: "", ...time });
  });
  const answer_of = (told: Partial<MetricAnswer>): MetricAnswer => ({ ...gauge, aggregate: "quantile", from_ms: 0, to_ms: 3600e3, step_s: 1800, interval_s: 60, rows_read: 2, series_read: 1, groups: 1, series: [], notes: [], sql: "", answered_from: "raw", ...told });
  const series_with = (labels: Record<string, string>, points: (number | null)[][]) => ({ labels, points, resets: [], reset_count: 0 });
  it("is drawn in its unit, gaps as gaps, as the explorer reads it", () => {
    const answer = answer_of({ series: [series_with({ "service.name": "web" }, [[0, 0.5], [1800e3, null]])] });
    expect(series(metric_drawn(metric, answer, range))).toEqual([["web", 0.5e9, [0.5e9, null]]]);
    expect(metric_drawn(metric, answer, range)).toMatchObject({ data: series_of([{ answer }], range) });
    expect(metric_drawn({ ...metric, kind: "stat" }, answer, range)).toMatchObject({ as: "stat", figures: [{ value: 0.5e9, unit: "ns" }] });
    expect(metric_drawn({ ...metric, kind: "stacked" }, answer, range)).toMatchObject({ shape: "line" }); /* quantiles do not add up */
    expect(metric_drawn(metric, answer_of({}), range).as).toBe("nothing");
  });
  it("how often a histogram of seconds was measured is no length of time", () => {
    const answer = answer_of({ aggregate: "rate", series: [series_with({}, [[0, 3], [1800e3, 4]])] });
    expect(metric_drawn({ ...metric, kind: "stat" }, answer, range)).toMatchObject({ figures: [{ value: 4, unit: "rate" }] });
    expect(metric_drawn({ ...metric, kind: "bars" }, answer, range)).toMatchObject({ shape: "bars" });
  });
  it("is a heat map of its buckets", () => {
    const answer: MetricHeatmap = { ...answer_of({}), edges: [null, 1, 10], columns: [[0, [1, 2]], [1800e3, null]] };
    const heat = metric_heat(answer, range);
    expect(heat.as === "heat" && { edges: heat.heat.edges.slice(1), cells: heat.heat.cells, total: heat.heat.total }).toEqual({ edges: [1e9, 10e9], cells: [[1, 0], [2, 0]], total: 3 });
    expect(metric_heat({ ...answer, columns: [[0, null]] }, range).as).toBe("nothing");
  });
});
