/* What a panel asks, and how its answer is read: pure. "Open as SQL" shows exactly what was asked.
 *
 *   panel + values of variables --search_of, sql_of, plan_of--> what is asked        answer --read--> Drawn (drawn.ts)
 *
 * The source `search` is the explorer's address: q, sql, by, agg, of, top, across, cols. Its kind of drawing is the panel's. */
import type { Cell, Table } from "../api/client";
import { chart_of, figures, lines_of, table_rows, table_series, traces_of, type Line } from "../ask/result";
import { step_of, type Answer, type Plan } from "../ask/plan";
import type { Shape } from "../charts/draw";
import { name_of, named_series, type NamedPoint } from "../charts/series";
import { LOWEST } from "../charts/heat";
import { cross_answer, groups_answer, series_answer } from "../explore/answer";
import { field_of, type Catalog } from "../explore/fields";
import { cross_statement, groups_statement, heat_answer, heat_statement, measured_step, percentiles_statement, series_statement } from "../explore/group";
import { adds_up, measure_of, OF_FIRST, title_of } from "../explore/measure";
import { row_from } from "../explore/rows";
import { rows_statement, type Scope } from "../explore/statement";
import type { MetricAnswer as Answered } from "../metrics/query";
import { shown_unit } from "../metrics/unit";
import { step_us, to_iso, type Range } from "../time";
import type { Drawn } from "./drawn";
import type { Panel, PanelKind } from "./load";
import { SERIES_MAX, sql_drawn } from "./sql_answer";
import type { Shared } from "./together";
import { fill_search, fill_sql, type Values } from "./variables";

const ROWS = 50;
const GROUPS = 200;
const ACROSS = 12;
export const TREND_STEPS = 30;
const HEAT_LINES = 36;
const TOPS = [5, 10, 20, 50];
const TOP_FIRST = 10;

export interface Asked {
  statement: string;
  limit: number;
  read: (table: Table) => Drawn;
}

/* How many steps of time a panel has room for. */
export function steps_of(panel: Panel): number {
  const width = panel.at?.w ?? 6;
  return width >= 9 ? 120 : width >= 5 ? 60 : 30;
}

/* ---- the explorer's way ---- */

export interface SearchAsked {
  q: string; /* with the values of variables */
  is_sql: boolean; /* q is a condition of SQL */
  params: URLSearchParams; /* all of it */
}
export function search_of(panel: Panel, values: Values, range: Range): SearchAsked {
  const params = new URLSearchParams(panel.source.search ?? "");
  const is_sql = params.get("sql") === "1";
  const q = params.get("q") ?? "";
  const filled = is_sql ? fill_sql(q, values, { range, step_us: step_us(range, steps_of(panel)) }) : fill_search(q, values);
  params.set("q", filled);
  return { q: filled, is_sql, params };
}

const VIZ: Partial<Record<PanelKind, string>> = { lines: "line", bars: "bar", stacked: "stacked", top: "top", table: "table", heat: "heat", stat: "line" };
/* The same in the explorer. */
export function explorer_params(panel: Panel, values: Values, range: Range): URLSearchParams {
  const { params } = search_of(panel, values, range);
  const viz = VIZ[panel.kind];
  if (viz) params.set("viz", viz);
  else params.delete("viz");
  for (const [name, value] of [...params]) if (!value) params.delete(name);
  return params;
}

/* shared: with whom it is asked (together.ts). */
export function search_asked(panel: Panel, params: URLSearchParams, scope: Scope, catalog: Catalog, shared?: Shared): Asked {
  const { kind } = panel;
  const measure = measure_of(catalog, params.get("agg") ?? "", params.get("of") ?? "");
  const wanted = (params.get("by") ?? "").split(",").filter(Boolean);
  const names = wanted.length === 0 && (kind === "top" || kind === "table") ? ["service.name"] : wanted;
  const by = names.map((name) => field_of(catalog, name));
  const top = TOPS.find((one) => String(one) === params.get("top")) ?? TOP_FIRST;
  const { range } = scope;
  if (kind === "rows") {
    const fields = (params.get("cols") ?? "").split(",").filter(Boolean).map((name) => field_of(catalog, name));
    return { statement: rows_statement(scope, fields, undefined, ROWS), limit: ROWS, read: ({ rows }) => (rows.length === 0 ? NO_ROW : { as: "rows", lines: rows.map((cells) => line_of(row_from(cells))) }) };
  }
  if (kind === "heat") {
    const of = field_of(catalog, params.get("of") || OF_FIRST);
    const step = measured_step(range, steps_of(panel), { of });
    return {
      statement: heat_statement(scope, of, step),
      limit: 100000,
      read: ({ rows }) => {
        return rows.length === 0 ? { as: "nothing", words: `No row has a number as ${of.name}.` } : { as: "heat", heat: heat_answer(rows, of, range, step, HEAT_LINES) };
      },
    };
  }
  if (kind === "table") {
    const is_across = params.get("across") === "1" && names.length > 1;
    const read = ({ rows }: Table): Drawn => (rows.length === 0 ? NO_ROW : { as: "table", table: (is_across ? cross_answer(rows, names, measure, ACROSS) : groups_answer(rows, names, measure)).table });
    return { statement: is_across ? cross_statement(scope, { by, measure }, ACROSS, GROUPS) : groups_statement(scope, { by, measure }, GROUPS), limit: GROUPS * (ACROSS + 2), read };
  }
  const grouped = { by: kind === "stat" ? [] : by, measure };
  const step = measured_step(range, shared?.steps ?? (kind === "top" || kind === "stat" ? TREND_STEPS : steps_of(panel)), measure);
  return {
    statement: shared ? percentiles_statement(scope, measure.of, shared.aggs, step) : series_statement(scope, grouped, step, top),
    limit: 100000,
    read: ({ rows: all }) => {
      const rows = shared ? all.map((row) => part_of(row, shared.aggs.indexOf(measure.agg))) : all;
      const data = series_answer(rows, range, step, measure, top);
      const first = data.series[0];
      if (kind === "stat") return { as: "stat", figures: [{ title: title_of(measure), value: first?.total ?? null, unit: data.unit }], trend: first?.values ?? [] };
      if (data.series.every((one) => one.total === null || (one.total === 0 && rows.length < 2))) return NO_ROW;
      return kind === "top" ? { as: "top", data, names } : { as: "series", data, names, shape: shape_of(kind, adds_up(measure.agg)) };
    },
  };
}
/* Of a list of percentiles the one that is meant. */
const part_of = (row: readonly Cell[], at: number): Cell[] => row.map((cell, n) => (n === 3 ? (Array.isArray(cell) ? (cell[at] ?? null) : null) : cell));
const NO_ROW: Drawn = { as: "nothing", words: "No row in this time." };

function shape_of(kind: PanelKind, is_sum: boolean): Shape {
  if (kind === "bars") return is_sum ? "bars" : "grouped";
  return kind === "stacked" && is_sum ? "areas" : "line";
}
function line_of(row: ReturnType<typeof row_from>): Line {
  return { time: row.timestamp, kind: row.kind, level: row.level, service: row.service, text: row.text, is_error: row.is_error, duration_ns: row.duration_ns, trace_id: row.trace_id, span_id: row.span_id };
}

/* ---- SQL ---- */

export function sql_asked(panel: Panel, values: Values, range: Range): Asked {
  const step = step_us(range, steps_of(panel));
  return { statement: fill_sql(panel.source.sql ?? "", values, { range, step_us: step }), limit: 20000, read: (table) => sql_drawn(table, { kind: panel.kind, unit: panel.unit, range, step_us: step }) };
}

/* ---- metrics ---- */

/* POST /metrics/query: what of its answer is drawn. */
export interface MetricAnswer extends Pick<Answered, "unit" | "type" | "step_s" | "aggregate"> {
  series: readonly { labels: Record<string, string | null>; points: readonly (readonly [number, number | null])[] }[];
  sql?: string;
}
export function metric_body(panel: Panel, values: Values, range: Range): Record<string, unknown> {
  const { metric } = panel.source;
  const step_s = Math.max(1, step_us(range, panel.kind === "top" || panel.kind === "stat" ? TREND_STEPS : steps_of(panel)) / 1e6);
  const search = fill_search(metric?.search ?? "", values);
  const { search: _, aggregate, quantile, ...rest } = metric ?? { name: "", aggregate: "avg" as const };
  const what = panel.kind === "heat" ? {} : { aggregate, ...(quantile === undefined ? {} : { quantile }) };
  return { ...what, ...rest, ...(search ? { search } : {}), from: to_iso(range.from_us), to: to_iso(range.to_us), step_s };
}
export function metric_drawn(panel: Panel, answer: MetricAnswer, range: Range): Drawn {
  const told = shown_unit(answer.unit, answer.type, answer.aggregate ?? panel.source.metric?.aggregate ?? "");
  const unit = panel.unit ?? told.unit;
  const points = answer.series.flatMap(({ labels, points: list }): NamedPoint[] => {
    const keys = Object.values(labels).map((value) => value ?? "");
    const name = keys.length > 0 ? name_of(keys) : (panel.source.metric?.name ?? "");
    return list.map(([ms, value]) => ({ t_us: ms * 1e3, keys, name, value: value === null ? null : value * told.factor }));
  });
  if (points.every((point) => point.value === null)) return { as: "nothing", words: "The metric has no point in this time." };
  const data = named_series(points, { range, step_us: answer.step_s * 1e6, unit, adds_up: panel.kind === "bars" || panel.kind === "stacked", series_max: SERIES_MAX });
  if (panel.kind === "lines" || panel.kind === "bars" || panel.kind === "stacked") return { as: "series", data, names: [], shape: panel.kind === "lines" ? "line" : panel.kind === "bars" ? "bars" : "areas" };
  const latest = data.series.map((one) => ({ ...one, total: one.values.findLast((value) => value !== null) ?? null })).sort((a, b) => (b.total ?? -Infinity) - (a.total ?? -Infinity));
  if (panel.kind === "top") return { as: "top", data: { ...data, series: latest, adds_up: false }, names: [] };
  if (panel.kind === "table") return { as: "table", table: { columns: [{ title: Object.keys(answer.series[0]?.labels ?? {}).join(" · ") || "metric" }, { title: "latest", unit }], rows: latest.map((one) => [one.name, one.total]) } };
  return { as: "stat", figures: latest.slice(0, 4).map((one) => ({ title: latest.length > 1 ? one.name : "", value: one.total, unit })), trend: latest.length === 1 ? (latest[0]?.values ?? []) : [] };
}

/* POST /metrics/heatmap. */
export interface MetricHeatmap {
  unit: string;
  step_s: number;
  edges: readonly (number | null)[];
  columns: readonly (readonly [number, readonly number[] | null])[];
}
export function metric_heat(answer: MetricHeatmap, range: Range): Drawn {
  const { unit, factor } = shown_unit(answer.unit, "histogram", "quantile");
  const lines = answer.edges.length - 1;
  const told = answer.columns.filter(([, counts]) => counts !== null);
  if (lines < 1 || told.length === 0) return { as: "nothing", words: "A heat map is of a histogram, and has no point of one in this time." };
  const has_zero = answer.edges[0] === null;
  const edges = answer.edges.map((edge, at) => (edge !== null ? edge * factor : at === 0 ? LOWEST : 10 * factor * (answer.edges[at - 1] ?? 1)));
  const times = answer.columns.map(([ms]) => ms * 1e3);
  const cells = Array.from({ length: lines }, (_, line) => answer.columns.map(([, counts]) => counts?.[line] ?? 0));
  const all = cells.flat();
  return { as: "heat", heat: { range, step_us: answer.step_s * 1e6, times, edges, has_zero, cells, max: all.reduce((a, b) => Math.max(a, b), 0), total: all.reduce((a, b) => a + b, 0), unit } };
}

/* ---- questions ---- */

/* The plan of the page's time. */
export function plan_of(plan: Plan, range: Range): Plan {
  const now = { ...plan, from: to_iso(range.from_us), to: to_iso(range.to_us), before: null };
  return now.display === "chart" ? { ...now, step: step_of(now) } : now;
}
export function answer_drawn(panel: Panel, answer: Answer, plan: Plan): Drawn {
  if ((answer.rows ?? []).length === 0) return NO_ROW;
  const { kind } = panel;
  if (plan.display === "number") return { as: "stat", figures: figures(answer).map(({ title, value, unit }) => ({ title, value, unit })), trend: [] };
  if (plan.display === "chart") {
    const { data, is_sum } = chart_of(answer, plan);
    return kind === "table" || kind === "top" ? { as: "top", data, names: [] } : { as: "series", data, names: [], shape: shape_of(kind, is_sum) };
  }
  if (plan.display === "rows") return { as: "rows", lines: lines_of(answer) };
  if (plan.display === "waterfall")
    return { as: "rows", lines: traces_of(answer).map((trace) => ({ time: trace.time, kind: "trace", level: "", service: "", text: trace.name || `${trace.matches} like it`, is_error: trace.is_error, duration_ns: trace.duration_ns, trace_id: trace.trace_id, span_id: "" })) };
  const table = table_rows(answer, plan);
  return kind === "top" ? { as: "top", data: table_series(table, plan), names: [] } : { as: "table", table };
}
