import { describe, expect, it } from "vitest";
import type { Table } from "../api/client";
import { catalog_of } from "../explore/fields";
import { explorer_params, metric_body, metric_drawn, metric_heat, search_asked, search_of, sql_asked, steps_of } from "./asks";
import { panel_of_page } from "./draft";
import type { Drawn } from "./drawn";
import type { Panel } from "./load";
import { sql_drawn, step_seen } from "./sql_answer";

const range = { from_us: 0, to_us: 3600e6 };
const catalog = catalog_of([{ name: "resource___service___name", type: "text" }, { name: "duration", type: "bigint" }]);
const panel = (more: Partial<Panel>): Panel => ({ id: "p1", title: "t", kind: "lines", source: { search: "" }, at: { x: 0, y: 0, w: 6, h: 7 }, ...more });
const table = (columns: [string, string][], rows: Table["rows"]): Table => ({ columns: columns.map(([name, type]) => ({ name, type })), rows, is_cut: false, warnings: [], duration_ms: 1, files: {}, answered_from: "raw" });
const series = (drawn: Drawn) => (drawn.as === "series" || drawn.as === "top" ? drawn.data.series.map((one) => [one.name, one.total, one.values]) : drawn);

describe("what a panel asks", () => {
  it("by a search, with the values of variables; a wider one has more steps", () => {
    const one = panel({ source: { search: "q=service:$service&agg=p95&of=duration&by=service.name" } });
    const { q, params } = search_of(one, { service: "web" }, range);
    expect(q).toBe("service:web");
    const asked = search_asked(one, params, { where: "x = 1", range }, catalog);
    expect(asked.statement).toContain("approx_percentile(0.95, percentile_agg(duration))");
    expect(asked.statement).toContain("(x = 1)");
    expect(asked.statement).toContain("/ 60000000");
    expect([steps_of(panel({ at: { x: 0, y: 0, w: 3, h: 4 } })), steps_of(one), steps_of(panel({ at: { x: 0, y: 0, w: 12, h: 4 } }))]).toEqual([30, 60, 120]);
  });
  it("by a search of SQL", () => {
    expect(search_of(panel({ source: { search: "sql=1&q=name+%3D+%24name" } }), { name: "a'b" }, range).q).toBe("name = 'a''b'");
  });
  it("is the same in the explorer", () => {
    const params = explorer_params(panel({ kind: "stacked", source: { search: "q=service:$service&by=level" } }), { service: "" }, range);
    expect(params.toString()).toBe("by=level&viz=stacked");
    expect(explorer_params(panel({ kind: "rows", source: { search: "q=a" } }), {}, range).toString()).toBe("q=a");
  });
  it("by SQL, with the time of the page", () => {
    expect(sql_asked(panel({ source: { sql: "SELECT $from, $step" } }), {}, range).statement).toBe("SELECT timestamptz '1970-01-01T00:00:00.000Z', interval '60 seconds'");
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
  it("is asked for with the page's time", () => {
    expect(metric_body(metric, { service: "web" }, range)).toEqual({ name: "m", aggregate: "quantile", quantile: 0.9, search: "service:web", by: ["service.name"], from: "1970-01-01T00:00:00.000Z", to: "1970-01-01T01:00:00.000Z", step_s: 60 });
    expect(metric_body({ ...metric, kind: "heat" }, { service: "" }, range)).toEqual({ name: "m", by: ["service.name"], from: "1970-01-01T00:00:00.000Z", to: "1970-01-01T01:00:00.000Z", step_s: 60 });
  });
  it("is drawn in its unit, gaps as gaps", () => {
    const answer = { unit: "s", type: "histogram", step_s: 1800, aggregate: "quantile", series: [{ labels: { "service.name": "web" }, points: [[0, 0.5], [1800e3, null]] as [number, number | null][] }] };
    expect(series(metric_drawn(metric, answer, range))).toEqual([["web", 0.5e9, [0.5e9, null]]]);
    expect(metric_drawn({ ...metric, kind: "stat" }, answer, range)).toMatchObject({ as: "stat", figures: [{ value: 0.5e9, unit: "ns" }] });
    expect(metric_drawn(metric, { ...answer, series: [] }, range).as).toBe("nothing");
  });
  it("how often a histogram of seconds was measured is no length of time", () => {
    const answer = { unit: "s", type: "histogram", step_s: 1800, aggregate: "rate", series: [{ labels: {}, points: [[0, 3], [1800e3, 4]] as [number, number | null][] }] };
    expect(metric_drawn({ ...metric, kind: "stat" }, answer, range)).toMatchObject({ figures: [{ value: 4, unit: "rate" }] });
  });
  it("is a heat map of its buckets", () => {
    const heat = metric_heat({ unit: "s", step_s: 1800, edges: [null, 1, 10], columns: [[0, [1, 2]], [1800e3, null]] }, range);
    expect(heat.as === "heat" && { edges: heat.heat.edges.slice(1), cells: heat.heat.cells, total: heat.heat.total }).toEqual({ edges: [1e9, 10e9], cells: [[1, 0], [2, 0]], total: 3 });
  });
});
