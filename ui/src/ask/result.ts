/* An answer's rows as what charts and tables take: pure. Columns: the step's `time`, the groups, the measures, each followed by its
 * `_before` where it is compared. Names say the unit: `_ms`, `_percent`. */
import type { Cell } from "../api/client";
import { number_of, text_of } from "../explore/answer";
import type { Shape } from "../charts/draw";
import type { Unit } from "../charts/scale";
import { name_of, named_series, type NamedPoint, type TimeSeries } from "../charts/series";
import type { Column, DataRows, Value } from "../charts/table";
import { from_iso } from "../time";
import { STEPS, type Answer, type Plan } from "./plan";

const SERIES_MAX = 7;

export interface Told {
  title: string;
  unit: Unit;
  factor: number; /* to the unit: milliseconds are shown from nanoseconds, percent from parts of one */
}
export function told_of(name: string): Told {
  const is_before = name.endsWith("_before");
  const bare = is_before ? name.slice(0, -7) : name;
  const after = is_before ? ", before" : "";
  if (bare.endsWith("_ms")) return { title: `${bare.slice(0, -3)}${after}`, unit: "ns", factor: 1e6 };
  if (bare.endsWith("_percent")) return { title: `${bare.slice(0, -8).replaceAll("_", " ")}${after}`, unit: "percent", factor: 0.01 };
  return { title: `${bare.replaceAll("_", " ")}${after}`, unit: bare === "count" || bare.startsWith("distinct") ? "count" : "number", factor: 1 };
}
const measured = (cell: Cell | undefined, told: Told): number | null => {
  const value = number_of(cell);
  return value === null ? null : value * told.factor;
};
type Rows = readonly (readonly Cell[])[];
const rows_of = (answer: Answer) => (answer.rows ?? []) as unknown as Rows;

export interface Figure {
  title: string;
  unit: Unit;
  value: number | null;
  before: number | null | undefined; /* undefined: it is not compared */
}
export function figures(answer: Answer): Figure[] {
  const columns = answer.columns ?? [];
  const row = rows_of(answer)[0] ?? [];
  return columns.flatMap((column, at) => {
    if (column.name.endsWith("_before")) return [];
    const told = told_of(column.name);
    const is_compared = columns[at + 1]?.name === `${column.name}_before`;
    return [{ title: told.title, unit: told.unit, value: measured(row[at], told), before: is_compared ? measured(row[at + 1], told) : undefined }];
  });
}
/* "+25 %", "–" where there is nothing to compare with. */
export function change_of(value: number | null, before: number | null): string {
  if (value === null || before === null || before === 0) return "–";
  const percent = ((value - before) / before) * 100;
  return `${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
}

export function table_rows(answer: Answer, plan: Plan): DataRows {
  const columns: Column[] = [];
  const read: ((row: readonly Cell[]) => Value)[] = [];
  const first = plan.groups.length;
  (answer.columns ?? []).forEach((column, at) => {
    if (at < first) {
      columns.push({ title: column.name });
      read.push((row) => text_of(row[at]));
      return;
    }
    const told = told_of(column.name);
    columns.push({ title: told.title, unit: told.unit });
    read.push((row) => measured(row[at], told));
    if (!column.name.endsWith("_before")) return;
    const now = told_of(column.name.slice(0, -7));
    columns.push({ title: "change", unit: "percent" });
    read.push((row) => {
      const value = measured(row[at - 1], now);
      const before = measured(row[at], told);
      return value === null || before === null || before === 0 ? null : (value - before) / before;
    });
  });
  return { columns, rows: rows_of(answer).map((row) => read.map((one) => one(row))) };
}

/* The first measure of each group, as a list with bars. */
export function table_series(table: DataRows, plan: Plan): TimeSeries {
  const at = plan.groups.length;
  const series = table.rows.map((row) => {
    const keys = row.slice(0, at).map((key) => String(key ?? ""));
    return { name: name_of(keys), keys, is_rest: false, values: [], total: row[at] === null ? null : Number(row[at]) };
  });
  return { range: { from_us: from_iso(plan.from), to_us: from_iso(plan.to) }, step_us: 1, times: [], series, unit: table.columns[at]?.unit ?? "count", adds_up: false, groups: series.length };
}

/* Values of groups may be put upon each other. */
export const adds_up = ({ measures, before }: Plan) => measures.length === 1 && !before && (measures[0]?.kind === "count" || measures[0]?.kind === "sum");
const SHAPES: readonly { shape: Shape; title: string; is_of_sums: boolean }[] = [
  { shape: "bars", title: "Bars", is_of_sums: true },
  { shape: "line", title: "Lines", is_of_sums: false },
  { shape: "areas", title: "Stacked", is_of_sums: true },
  { shape: "grouped", title: "Bars side by side", is_of_sums: false },
];
export const shapes_of = (is_sum: boolean) => SHAPES.filter((one) => is_sum || !one.is_of_sums);
export const shape_of = (wanted: string, is_sum: boolean): Shape => shapes_of(is_sum).find((one) => one.shape === wanted)?.shape ?? (is_sum ? "bars" : "line");

export interface Chart {
  data: TimeSeries;
  is_sum: boolean;
}
/* Steps begin where the zone's days do, so they are told by the answer and not reckoned from 1970. */
export function chart_of(answer: Answer, plan: Plan): Chart {
  const groups = plan.groups.length;
  const columns = answer.columns ?? [];
  const measures = columns.slice(1 + groups).map((column) => told_of(column.name));
  const range = { from_us: from_iso(plan.from), to_us: from_iso(plan.to) };
  const step_us = (STEPS.find((step) => step.name === plan.step)?.seconds ?? 3600) * 1e6;
  const points = rows_of(answer).flatMap((row): NamedPoint[] => {
    const keys = row.slice(1, 1 + groups).map(text_of);
    return measures.map((told, m) => ({ t_us: from_iso(text_of(row[0])), keys, name: [groups > 0 ? name_of(keys) : "", measures.length > 1 || groups === 0 ? told.title : ""].filter(Boolean).join(" · "), value: measured(row[1 + groups + m], told) }));
  });
  const is_sum = adds_up(plan);
  return { data: named_series(points, { range, step_us, unit: measures[0]?.unit ?? "count", adds_up: is_sum, series_max: SERIES_MAX }), is_sum };
}

export interface Line {
  time: string;
  kind: string;
  level: string;
  service: string;
  text: string;
  is_error: boolean;
  duration_ns: number | null;
  trace_id: string;
  span_id: string;
}
export function lines_of(answer: Answer): Line[] {
  const names = (answer.columns ?? []).map((column) => column.name);
  return rows_of(answer).map((row) => {
    const at = (name: string) => row[names.indexOf(name)];
    const body = at("body");
    const name = text_of(at("name"));
    const status = text_of(at("status_message"));
    const kind = text_of(at("kind"));
    const level = text_of(at("level"));
    const said = typeof body === "string" ? body : body === null || body === undefined ? "" : JSON.stringify(body);
    return { time: text_of(at("timestamp")), kind, level, service: text_of(at("service")), text: kind === "log" ? said || name : status ? `${name}: ${status}` : name, is_error: text_of(at("status")) === "ERROR" || level === "ERROR" || level === "FATAL", duration_ns: kind === "log" ? null : number_of(at("duration_ns")), trace_id: text_of(at("trace_id")), span_id: text_of(at("span_id")) };
  });
}

export interface TraceLine {
  trace_id: string;
  time: string; /* of its first span, or of the first that is like what was asked for */
  duration_ns: number; /* of its first span, or of the longest that is like it */
  matches: number; /* how many are like it; 0 where whole traces were asked for */
  name: string; /* of its first span, where whole traces were asked for */
  is_error: boolean;
}
export function traces_of(answer: Answer): TraceLine[] {
  const names = (answer.columns ?? []).map((column) => column.name);
  return rows_of(answer).map((row) => {
    const at = (name: string) => row[names.indexOf(name)];
    return { trace_id: text_of(at("trace_id")), time: text_of(at("timestamp")), duration_ns: number_of(at("duration_ns")) ?? 0, matches: number_of(at("matches")) ?? 0, name: [text_of(at("service")), text_of(at("name"))].filter(Boolean).join(" "), is_error: text_of(at("status")) === "ERROR" };
  });
}
export function is_empty(answer: Answer): boolean {
  const rows = rows_of(answer);
  return rows.length === 0 || (answer.display === "number" && (rows[0] ?? []).every((cell) => cell === null));
}
