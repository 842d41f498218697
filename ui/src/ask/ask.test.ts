import { describe, expect, it } from "vitest";
import { duration_read, duration_show, explorer_query, filter_pointer_next, sql_whole, step_of, tests_of, values_of, with_display, with_filter, with_group, with_groups_alone, without_group, with_before, type Answer, type Plan } from "./plan";
import { adds_up, change_of, chart_of, figures, is_empty, lines_of, shape_of, table_rows, told_of } from "./result";
import { range_words } from "./words";
import { asked_read, asked_write, body_of, step_again } from "./thread";

const PLAN: Plan = {
  of: "errors",
  filters: [{ field: "service", test: "is", values: ["payments"] }],
  parts: [],
  measures: [{ kind: "count" }],
  groups: [],
  groups_are_there: false,
  step: "none",
  from: "2026-10-25T23:00:00.000000Z",
  to: "2026-10-26T23:00:00.000000Z",
  before: null,
  order: "largest",
  limit: 100,
  display: "number",
  zone: "Europe/Berlin",
  time_was_said: true,
};
const answer = (more: Partial<Answer>): Answer => ({ understood: true, translator: "embedded", model: { name: null, may_ask: false, rounds: 0, why_not: null, problem: null, note: null }, is_follow_up: false, not_understood: [], used: [], reading: "", duration_ms: 1, ...more });
const rows = (list: unknown[][]) => list as unknown as NonNullable<Answer["rows"]>;

describe("a plan corrected by hand", () => {
  it("has what its display needs", () => {
    const chart = with_display(PLAN, "chart");
    expect([chart.step, chart.measures, chart.filters]).toEqual(["30m", [{ kind: "count" }], PLAN.filters]);
    expect(with_display(PLAN, "table").groups).toEqual(["service"]);
    const list = with_display(chart, "rows");
    expect([list.measures, list.groups, list.step, list.order]).toEqual([[], [], "none", "newest"]);
    const traces = with_display(PLAN, "waterfall");
    expect([traces.of, traces.filters, traces.parts]).toEqual(["spans", [], [{ of: "errors", filters: PLAN.filters }]]);
    expect(with_display(traces, "number")).toMatchObject({ of: "errors", filters: PLAN.filters, parts: [], measures: [{ kind: "count" }] });
    expect(with_display(PLAN, "number")).toBe(PLAN);
  });
  it("changes conditions where their pointer says", () => {
    const more = with_filter(PLAN, filter_pointer_next(PLAN), { field: "level", test: "is", values: ["ERROR"] });
    expect(more.filters).toHaveLength(2);
    expect(with_filter(more, "/filters/0", undefined).filters).toEqual([{ field: "level", test: "is", values: ["ERROR"] }]);
    const traces = with_display(PLAN, "waterfall");
    expect(filter_pointer_next(traces)).toBe("/parts/0/filters/1");
    expect(with_filter(traces, "/parts/0/filters/0", undefined).parts).toEqual([{ of: "errors", filters: [] }]);
    expect(with_filter(PLAN, "/limit", undefined)).toBe(PLAN);
  });
  it("groups and ungroups", () => {
    const by = with_group(PLAN, 0, "route");
    expect([by.display, by.groups]).toEqual(["table", ["route"]]);
    expect(without_group(by, 0).display).toBe("number");
    expect(with_group(with_display(PLAN, "chart"), 0, "route").display).toBe("chart");
  });
  it("keeps one group alone, as rows", () => {
    const by = { ...with_group(PLAN, 0, "service"), groups: ["service", "route"] };
    expect(with_groups_alone(by, ["web", "/cart", 4])).toMatchObject({ display: "rows", groups: [], measures: [], filters: [{ field: "service", values: ["web"] }, { field: "route", values: ["/cart"] }] });
    expect(with_groups_alone(by, ["web", ""])).toMatchObject({ display: "rows", filters: [{ field: "service", values: ["web"] }] });
    expect(with_groups_alone(with_display(by, "chart"), ["web", ""])).toMatchObject({ display: "chart", groups: ["route"] });
    expect(with_groups_alone(by, ["", ""])).toBe(by);
  });
  it("is compared with as long a time before", () => {
    expect(with_before({ ...PLAN, from: "2026-10-26T10:00:00Z", to: "2026-10-26T11:00:00Z" }, 0).before).toEqual({ from: "2026-10-26T09:00:00.000Z", to: "2026-10-26T10:00:00.000Z" });
    expect(with_before(PLAN, 604800).before?.from.slice(0, 13)).toBe("2026-10-18T23");
  });
  it("has its time in few words", () => {
    const words = (from: string, to: string) => range_words({ from, to }, true);
    expect(words("2026-10-26T00:00:00Z", "2026-10-27T00:00:00Z")).toBe("2026-10-26");
    expect(words("2026-10-20T00:00:00Z", "2026-10-27T00:00:00Z")).toBe("2026-10-20 to 2026-10-26");
    expect(words("2026-10-26T09:00:10Z", "2026-10-26T11:30:00Z")).toBe("2026-10-26 09:00 to 11:30");
    expect(words("2026-10-26T23:58:10Z", "2026-10-27T00:01:00Z")).toBe("2026-10-26 23:58:10 to 2026-10-27 00:01:00");
  });
  it("has values with commas between, and in them", () => {
    expect(values_of("web, api,", [])).toEqual(["web", "api"]);
    expect(values_of("Oslo, Norway", [["Oslo, Norway"], ["x"]])).toEqual(["Oslo, Norway"]);
    expect(values_of("", [[]])).toEqual([]);
  });
  it("reads lengths of time", () => {
    expect(["1.5s", "500 ms", "20", "2h", "x", ""].map(duration_read)).toEqual(["1500000000", "500000000", "20000000", "7200000000000", "", ""]);
    expect(["1500000000", "20000000"].map(duration_show)).toEqual(["1.5 s", "20 ms"]);
    expect(tests_of("duration")).not.toContain("is");
    expect(step_of({ ...PLAN, to: "2026-10-25T23:30:00.000000Z" })).toBe("1m");
  });
  it("is the same in the explorer", () => {
    expect(explorer_query(PLAN)).toMatchObject({ q: "(level:(error fatal) OR status:error) service:payments", viz: null, from: PLAN.from });
    expect(explorer_query({ ...with_display(PLAN, "chart"), of: "requests", measures: [{ kind: "percentile", field: "duration", percentile: 95 }], groups: ["route"] })).toMatchObject({ q: "kind:(server consumer) service:payments", viz: "line", agg: "p95", by: "http.route" });
    const odd = explorer_query({ ...PLAN, of: "rows", filters: [{ field: "message", test: "contains", values: ['a "b"'] }, { field: "duration", test: "more", values: ["500000000"] }, { field: "attribute:cloud.region", test: "is_not", values: ["eu", "us 1"] }, { field: "status", test: "at_least", values: ["500"] }, { field: "user", test: "has", values: [] }] });
    expect(odd.q).toBe('"a \\"b\\"" duration:>500000000ns -cloud.region:(eu "us 1") http.response.status_code:>=500 has:user');
  });
  it("is SQL with its values quoted", () => {
    expect(sql_whole("a = $1 AND b = $2 AND c = $11", ["it's", "$1"])).toBe("a = 'it''s' AND b = '$1' AND c = $11");
  });
});

describe("the address", () => {
  it("holds a question, a plan and the thread", () => {
    const asked = { q: "errors today", plan: PLAN, at: "2026-10-27T00:00:00Z", thread: [{ q: "errors", plan: PLAN }], by: "" };
    const params = new URLSearchParams(Object.entries(asked_write(asked)).filter((one): one is [string, string] => one[1] !== null));
    expect(asked_read(params)).toEqual(asked);
    expect(step_again(asked.thread, 0)).toEqual({ q: "errors", plan: PLAN, thread: [] });
    expect(body_of(asked, "UTC")).toEqual({ plan: PLAN });
    expect(body_of({ ...asked, plan: undefined, by: "model" }, "UTC")).toEqual({ question: "errors today", zone: "UTC", now: asked.at, context: PLAN, context_question: "errors", translator: "model" });
  });
  it("that was written by others is no harm", () => {
    for (const text of ["{", "[]", "null", '{"display":"number"}', '[{"q":1}]', '[{"q":"x","plan":{}}]']) expect(asked_read(new URLSearchParams({ plan: text, thread: text }))).toMatchObject({ plan: undefined, thread: [] });
  });
});

describe("an answer", () => {
  it("is a number, compared", () => {
    const given = answer({ columns: [{ name: "p95_ms", type: "float8" }, { name: "p95_ms_before", type: "float8" }], rows: rows([[12.5, 10]]) });
    expect(figures(given)).toEqual([{ title: "p95", unit: "ns", value: 12.5e6, before: 10e6 }]);
    expect([change_of(12.5, 10), change_of(1, 0), change_of(5, 10)]).toEqual(["+25 %", "–", "−50 %"]);
    expect(told_of("error_rate_percent")).toEqual({ title: "error rate", unit: "percent", factor: 0.01 });
    expect(is_empty(answer({ display: "number", rows: rows([[null]]) }))).toBe(true);
    expect(is_empty(answer({ display: "number", rows: rows([[0]]) }))).toBe(false);
  });
  it("is a table with changes", () => {
    const table = table_rows(answer({ columns: [{ name: "route", type: "text" }, { name: "count", type: "int8" }, { name: "count_before", type: "int8" }], rows: rows([["/orders", 84, 12], [null, 7, 0]]) }), { ...PLAN, groups: ["route"] });
    expect(table.columns.map((column) => column.title)).toEqual(["route", "count", "count, before", "change"]);
    expect(table.rows).toEqual([["/orders", 84, 12, 6], ["", 7, 0, null]]);
  });
  it("is a chart whose steps begin where the zone's days do", () => {
    const plan: Plan = { ...PLAN, display: "chart", step: "1d", groups: ["service"], from: "2026-10-22T22:00:00Z", to: "2026-10-26T23:00:00Z" };
    const { data, is_sum } = chart_of(answer({ columns: [{ name: "time", type: "timestamptz" }, { name: "service", type: "text" }, { name: "count", type: "int8" }], rows: rows([["2026-10-24T22:00:00Z", "web", 3], ["2026-10-25T23:00:00Z", "web", 5], ["2026-10-25T23:00:00Z", null, 1]]) }), plan);
    expect(is_sum).toBe(true);
    expect(data.series.map((one) => [one.name, one.total, one.values])).toEqual([["web", 8, [0, 0, 3, 5]], ["none", 1, [0, 0, 0, 1]]]);
  });
  it("puts what is behind the seventh series together, where it adds up", () => {
    const plan: Plan = { ...PLAN, display: "chart", step: "1h", groups: ["service"] };
    const given = (name: string, values: number[]) => answer({ columns: [{ name: "time", type: "timestamptz" }, { name: "service", type: "text" }, { name, type: "int8" }], rows: rows(values.map((value, at) => [PLAN.from, `s${at}`, value])) });
    const many = [9, 8, 7, 6, 5, 4, 3, 2, 1];
    expect(chart_of(given("count", many), plan).data.series.at(-1)).toMatchObject({ name: "others (2)", is_rest: true, total: 3 });
    expect(chart_of(given("p95_ms", many), { ...plan, measures: [{ kind: "percentile", field: "duration", percentile: 95 }] }).data).toMatchObject({ unit: "ns", groups: 9 });
    expect(chart_of(given("error_rate_percent", [50]), { ...plan, measures: [{ kind: "error_rate" }] }).data.series[0]?.total).toBe(0.5);
  });
  it("is drawn as it can be", () => {
    expect([shape_of("", true), shape_of("areas", true), shape_of("areas", false), shape_of("grouped", false), shape_of("x", false)]).toEqual(["bars", "areas", "line", "grouped", "line"]);
    expect(adds_up(PLAN)).toBe(true);
    expect(adds_up({ ...PLAN, measures: [{ kind: "error_rate" }] })).toBe(false);
  });
  it("is rows in words", () => {
    const [log, span] = lines_of(answer({ columns: ["timestamp", "kind", "level", "service", "name", "body", "status", "status_message", "duration_ns", "trace_id", "span_id"].map((name) => ({ name, type: "text" })), rows: rows([["2026-10-25T23:00:00Z", "log", "ERROR", "web", null, { a: 1 }, null, null, null, "t", "s"], ["2026-10-25T23:00:00Z", "server", null, "web", "GET /", null, "ERROR", "boom", "5000", "t", "s"]]) }));
    expect(log).toMatchObject({ text: '{"a":1}', is_error: true, duration_ns: null });
    expect(span).toMatchObject({ text: "GET /: boom", is_error: true, duration_ns: 5000 });
  });
});
