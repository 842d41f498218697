/* What a panel asks, and how its answer is read: pure. "Open as SQL" shows exactly what was asked.
 *
 *   panel + values of variables --search_of, sql_of, plan_of--> what is asked        answer --read--> Drawn (drawn.ts)
 *
 * The source `search` is the explorer's address: q, sql, by, agg, of, top, across, cols. Its kind of drawing is the panel's. */
import type { Cell, Table } from "../api/client";
import { chart_of, figures, lines_of, table_rows, table_series, traces_of, type Line } from "../ask/result";
import { of_environment, step_of, type Answer, type Plan } from "../ask/plan";
import type { Shape } from "../charts/draw";
import { cross_answer, groups_answer, series_answer } from "../explore/answer";
import { field_of, type Catalog } from "../explore/fields";
import { cross_statement, groups_statement, heat_answer, heat_statement, measured_step, percentiles_statement, series_statement } from "../explore/group";
import { adds_up, measure_of, OF_FIRST, title_of } from "../explore/measure";
import { row_from } from "../explore/rows";
import { rows_statement, type Scope } from "../explore/statement";
import { in_environment } from "../metrics/ask";
import type { MetricAnswer, MetricHeatmap, MetricQuery } from "../metrics/query";
import { heat_of_answer, series_of } from "../metrics/shape";
import { step_us, to_iso, type Range } from "../time";
import type { Drawn } from "./drawn";
import type { Panel, PanelKind } from "./load";
import { SERIES_MAX, sql_drawn } from "./sql_answer";
import type { Shared } from "./together";
import { fill_search, fill_sql, type Page, type Values } from "./variables";

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
export function search_of(panel: Panel, values: Values, page: Page): SearchAsked {
  const params = new URLSearchParams(panel.source.search ?? "");
  const is_sql = params.get("sql") === "1";
  const q = params.get("q") ?? "";
  const filled = is_sql ? fill_sql(q, values, { ...page, step_us: step_us(page.range, steps_of(panel)) }) : fill_search(q, values);
  params.set("q", filled);
  return { q: filled, is_sql, params };
}

const VIZ: Partial<Record<PanelKind, string>> = { lines: "line", bars: "bar", stacked: "stacked", top: "top", table: "table", heat: "heat", stat: "line" };
/* The same in the explorer. */
export function explorer_params(panel: Panel, values: Values, page: Page): URLSearchParams {
  const { params } = search_of(panel, values, page);
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
  const step = measured_step(range, shared?.steps ?? (kind === "top" || kind === "stat" ? TREND_STEPS : steps_of(panel)), measure, kind === "stat" ? [] : by);
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

export function sql_asked(panel: Panel, values: Values, page: Page): Asked {
  const { range } = page;
  const step = step_us(range, steps_of(panel));
  return { statement: fill_sql(panel.source.sql ?? "", values, { ...page, step_us: step }), limit: 20000, read: (table) => sql_drawn(table, { kind: panel.kind, unit: panel.unit, range, step_us: step }) };
}

/* ---- metrics ---- */

/* Asked and read as the explorer of metrics does (metrics/query.ts, shape.ts): in the same steps, so that numbers are the same. */
export function metric_asked(panel: Panel, values: Values, { range, environment }: Page): MetricQuery {
  const { search = "", name, ...what } = panel.source.metric ?? { name: "" };
  return { name, ...(panel.kind === "heat" ? {} : { limit: SERIES_MAX, ...what }), search: in_environment(fill_search(search, values), environment), from: to_iso(range.from_us), to: to_iso(range.to_us) };
}
export function metric_drawn(panel: Panel, answer: MetricAnswer, range: Range): Drawn {
  const read = series_of([{ answer }], range);
  const data = { ...read, unit: panel.unit ?? read.unit };
  const names = panel.source.metric?.by ?? [];
  if (data.series.every((one) => one.total === null)) return { as: "nothing", words: "The metric has no point in this time." };
  if (panel.kind === "lines" || panel.kind === "bars" || panel.kind === "stacked") return { as: "series", data, names: [...names], shape: shape_of(panel.kind, data.adds_up) };
  const latest = data.series.map((one) => (one.keys.length > 0 ? one : { ...one, name: answer.name })).sort((a, b) => (b.total ?? -Infinity) - (a.total ?? -Infinity));
  if (panel.kind === "top") return { as: "top", data: { ...data, series: latest, adds_up: false }, names: [...names] };
  if (panel.kind === "table") return { as: "table", table: { columns: [{ title: names.join(" · ") || "metric" }, { title: "latest", unit: data.unit }], rows: latest.map((one) => [one.name, one.total]) } };
  return { as: "stat", figures: latest.slice(0, 4).map((one) => ({ title: latest.length > 1 ? one.name : "", value: one.total, unit: data.unit })), trend: latest.length === 1 ? (latest[0]?.values ?? []) : [] };
}
export function metric_heat(answer: MetricHeatmap, range: Range): Drawn {
  const heat = heat_of_answer(answer, range);
  return heat.total === 0 ? { as: "nothing", words: "A heat map is of a histogram, and has no point of one in this time." } : { as: "heat", heat };
}

/* ---- questions ---- */

/* The plan of the page's time and environment. */
export function plan_of(plan: Plan, { range, environment }: Page): Plan {
  const now = { ...of_environment(plan, environment), from: to_iso(range.from_us), to: to_iso(range.to_us), before: null };
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
