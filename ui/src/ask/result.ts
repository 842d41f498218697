/* An answer's rows as what charts and tables take: pure. Columns: the step's `time`, the groups, the measures, each followed by its
 * `_before` where it is compared. Names say the unit: `_ms`, `_percent`. */
import type { Cell } from "../api/client";
import { number_of, text_of } from "../explore/answer";
import type { Shape } from "../charts/draw";
import type { Unit } from "../charts/scale";
import { name_of, type Series, type TimeSeries } from "../charts/series";
import type { Column, DataRows, Value } from "../charts/table";
import { from_iso } from "../time";
import { STEPS, type Answer, type Plan } from "./plan";

const SERIES_MAX = 7;
const STEPS_MAX = 5000;
const HOUR_US = 3600e6;
const DAY_US = 24 * HOUR_US;

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
  const rows = rows_of(answer);
  const range = { from_us: from_iso(plan.from), to_us: from_iso(plan.to) };
  const step_us = (STEPS.find((step) => step.name === plan.step)?.seconds ?? 3600) * 1e6;
  const seen = rows.map((row) => from_iso(text_of(row[0])));
  let first = seen.length > 0 ? Math.min(...seen) : Math.floor(range.from_us / step_us) * step_us;
  first -= Math.max(0, Math.ceil((first - range.from_us) / step_us)) * step_us;
  const times: number[] = [];
  const moved_us = step_us >= DAY_US ? HOUR_US : 0; /* a day that a change of the clock made longer is one day */
  for (let t_us = first; t_us + moved_us < range.to_us && times.length < STEPS_MAX; t_us += step_us) times.push(t_us);
  const is_sum = adds_up(plan);
  const by_name = new Map<string, Series>();
  rows.forEach((row, n) => {
    const keys = row.slice(1, 1 + groups).map(text_of);
    measures.forEach((told, m) => {
      const name = [groups > 0 ? name_of(keys) : "", measures.length > 1 || groups === 0 ? told.title : ""].filter(Boolean).join(" · ");
      let series = by_name.get(name);
      if (!series) by_name.set(name, (series = { name, keys, is_rest: false, values: times.map(() => (is_sum ? 0 : null)), total: null }));
      const at = Math.round(((seen[n] ?? 0) - first) / step_us);
      const value = measured(row[1 + groups + m], told);
      if (at >= 0 && at < times.length) series.values[at] = value;
      if (value !== null) series.total = is_sum ? (series.total ?? 0) + value : Math.max(series.total ?? value, value);
    });
  });
  const all = [...by_name.values()].sort((a, b) => (b.total ?? 0) - (a.total ?? 0));
  const series = all.slice(0, SERIES_MAX);
  const rest = all.slice(SERIES_MAX);
  if (is_sum && rest.length > 0) {
    const sum = (at: number) => rest.reduce((total, one) => total + (one.values[at] ?? 0), 0);
    series.push({ name: `others (${rest.length})`, keys: [], is_rest: true, values: times.map((_, at) => sum(at)), total: rest.reduce((total, one) => total + (one.total ?? 0), 0) });
  }
  return { data: { range, step_us, times, series, unit: measures[0]?.unit ?? "count", adds_up: is_sum, groups: all.length }, is_sum };
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
