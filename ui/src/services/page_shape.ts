/* What the page of one service draws and lists, out of what the server says: pure. */
import type { AnsweredFrom, Cell, Schemas, Table } from "../api/client";
import type { TimeMark } from "../charts/draw";
import { times_of, type Series, type TimeSeries } from "../charts/series";
import type { Unit } from "../charts/scale";
import { from_iso, type Range } from "../time";
import { share, type Figures } from "./services";
import { figures_of, list_of } from "./shape";

/* ---- over time ---- */

export interface Steps {
  range: Range;
  step_us: number;
  times: number[];
  requests: number[];
  errors: number[];
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
  answered_from: AnsweredFrom;
  statement: string;
}
function no_steps(range: Range, step_us: number, answered_from: AnsweredFrom, statement: string): Steps {
  const times = times_of(range, step_us);
  const none = () => times.map((): number | null => null);
  return { range, step_us, times, requests: times.map(() => 0), errors: times.map(() => 0), p50: none(), p95: none(), p99: none(), answered_from, statement };
}
const place = (steps: Steps, t_us: number) => Math.round((t_us - (steps.times[0] ?? 0)) / steps.step_us);

export function steps_of_counts(counts: Schemas["Counts"], statement: string): Steps {
  const steps = no_steps({ from_us: from_iso(counts.from), to_us: from_iso(counts.to) }, counts.step_seconds * 1e6, "rollups", statement);
  for (const point of counts.points) {
    const at = place(steps, from_iso(point.at));
    if (at < 0 || at >= steps.times.length) continue;
    steps.requests[at] = point.rows;
    steps.errors[at] = point.errors;
    for (const name of ["p50", "p95", "p99"] as const) steps[name][at] = point.duration_ns?.[name] ?? null;
  }
  return steps;
}
/* Rows of series_statement. */
export function steps_of_rows({ rows, answered_from }: Pick<Table, "rows" | "answered_from">, range: Range, step_us: number, statement: string): Steps {
  const steps = no_steps(range, step_us, answered_from, statement);
  for (const [step, requests, errors, quantiles] of rows) {
    const at = place(steps, Number(step) * step_us);
    if (at < 0 || at >= steps.times.length) continue;
    steps.requests[at] = Number(requests);
    steps.errors[at] = Number(errors);
    const [p50 = null, p95 = null, p99 = null] = list_of(quantiles);
    Object.assign(steps.p50, { [at]: p50 });
    Object.assign(steps.p95, { [at]: p95 });
    Object.assign(steps.p99, { [at]: p99 });
  }
  return steps;
}

const series = (name: string, values: (number | null)[], total: number | null): Series => ({ name, keys: [name], is_rest: false, values, total });
const chart = (steps: Steps, unit: Unit, adds_up: boolean, list: Series[]): TimeSeries => ({ range: steps.range, step_us: steps.step_us, times: steps.times, series: list, unit, adds_up, groups: list.length });
const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);

/* Requests a second, of each step for as much of it as is in the range and over. */
export function rate_chart(steps: Steps, now_us: number): TimeSeries {
  const end = Math.min(steps.range.to_us, now_us);
  const seconds = steps.times.map((t_us) => (Math.min(t_us + steps.step_us, end) - Math.max(t_us, steps.range.from_us)) / 1e6);
  const a_second = (counts: readonly number[]) => counts.map((count, at) => ((seconds[at] ?? 0) > 0 ? count / (seconds[at] ?? 1) : null));
  const whole = Math.max(1, (end - steps.range.from_us) / 1e6);
  const good = steps.requests.map((count, at) => count - (steps.errors[at] ?? 0));
  return chart(steps, "rate", true, [series("succeeded", a_second(good), sum(good) / whole), series("failed", a_second(steps.errors), sum(steps.errors) / whole)]);
}
export function errors_chart(steps: Steps): TimeSeries {
  const all = sum(steps.requests);
  const parts = steps.requests.map((count, at) => (count > 0 ? (steps.errors[at] ?? 0) / count : null));
  return chart(steps, "percent", false, [series("failed", parts, all > 0 ? sum(steps.errors) / all : null)]);
}
export const QUANTILES = ["p50", "p95", "p99"] as const;
export type Quantile = (typeof QUANTILES)[number];
/* "quantiles" of the address: names with commas between; none is all. */
export function quantiles_read(text: string): Quantile[] {
  const wanted = text.split(",");
  const found = QUANTILES.filter((one) => wanted.includes(one));
  return found.length > 0 ? found : [...QUANTILES];
}
export function quantiles_turn(shown: readonly Quantile[], one: Quantile): string {
  const next = QUANTILES.filter((other) => (other === one) !== shown.includes(other));
  return next.length === 0 || next.length === QUANTILES.length ? "" : next.join(",");
}
export function latency_chart(steps: Steps, totals: Figures, shown: readonly Quantile[]): TimeSeries {
  return chart(steps, "ns", false, shown.map((name) => series(name, steps[name], totals[name])));
}

/* ---- endpoints ---- */

export interface Endpoint {
  id: string;
  kind: string;
  method: string;
  route: string;
  figures: Figures;
  part: number; /* of the time that the service spends in all its requests */
}
export const endpoint_name = ({ method, route, kind }: Pick<Endpoint, "method" | "route" | "kind">): string => [method || (kind === "consumer" ? "consume" : ""), route || "(no route)"].filter(Boolean).join(" ");

function with_parts(list: readonly Omit<Endpoint, "part">[]): Endpoint[] {
  const spent = ({ figures }: Omit<Endpoint, "part">) => figures.requests * (figures.mean ?? 0);
  const all = list.reduce((total, one) => total + spent(one), 0);
  return list.map((one) => ({ ...one, part: all > 0 ? spent(one) / all : 0 })).sort((a, b) => b.part - a.part || b.figures.requests - a.figures.requests || (a.id < b.id ? -1 : 1));
}
/* Those that serve: a client's calls have endpoints too. */
export function endpoints_of(items: readonly Schemas["Endpoint"][]): Endpoint[] {
  return with_parts(
    items
      .filter((one) => one.kind === "server" || one.kind === "consumer")
      .map(({ id, kind, method, route, requests, errors, duration_ns }) => ({ id, kind, method, route, figures: figures_of({ requests, request_errors: errors, duration_ns }) })),
  );
}
/* Rows of endpoints_statement. */
export function endpoints_of_rows(rows: readonly Cell[][]): Endpoint[] {
  return with_parts(
    rows.map(([id, kind, method, route, requests, errors, mean, quantiles]) => {
      const [p50 = null, p95 = null, p99 = null] = list_of(quantiles);
      return { id: String(id), kind: String(kind), method: String(method), route: String(route), figures: { requests: Number(requests), errors: Number(errors), mean: mean === null || mean === undefined ? null : Number(mean), p50, p95, p99 } };
    }),
  );
}

/* ---- what ran ---- */

export interface Instance {
  version: string;
  instance: string;
  host: string;
  pod: string;
  first_us: number;
  last_us: number;
  requests: number;
  errors: number;
}
export function instances_of(rows: readonly Cell[][]): Instance[] {
  const text = (cell: Cell | undefined) => String(cell ?? "");
  return rows.map(([version, instance, host, pod, first, last, requests, errors]) => ({
    version: text(version), instance: text(instance), host: text(host), pod: text(pod), first_us: from_iso(text(first)), last_us: from_iso(text(last)), requests: Number(requests), errors: Number(errors),
  }));
}
export interface Version {
  version: string;
  first_us: number;
  last_us: number;
  requests: number;
  errors: number;
  is_new: boolean; /* first seen in the range, and not in the time before */
  instances: number;
}
/* The one seen first last: what was deployed stands at the top. */
export function versions_of(instances: readonly Instance[], range: Range): Version[] {
  const versions = new Map<string, Version>();
  for (const one of instances) {
    const known = versions.get(one.version) ?? { version: one.version, first_us: Infinity, last_us: -Infinity, requests: 0, errors: 0, is_new: false, instances: 0 };
    known.first_us = Math.min(known.first_us, one.first_us);
    known.last_us = Math.max(known.last_us, one.last_us);
    known.requests += one.requests;
    known.errors += one.errors;
    known.instances++;
    versions.set(one.version, known);
  }
  return [...versions.values()].map((one) => ({ ...one, is_new: one.first_us >= range.from_us })).sort((a, b) => b.first_us - a.first_us || (a.version < b.version ? -1 : 1));
}
/* A mark on the charts for each version that came in the range; one that was alone from the beginning is no change. */
export function deploy_marks(versions: readonly Version[], range: Range): TimeMark[] {
  const named = versions.filter((one) => one.version);
  const is_change = named.length > 1 || named.some((one) => one.first_us > range.from_us + (range.to_us - range.from_us) * 0.02);
  return is_change ? named.filter((one) => one.is_new).map((one) => ({ t_us: one.first_us, text: one.version })).sort((a, b) => a.t_us - b.t_us) : [];
}
export const failed_part = (one: { requests: number; errors: number }): number | null => share({ ...one, mean: null, p50: null, p95: null, p99: null });

/* ---- traces ---- */

export interface TraceLine {
  at_us: number;
  name: string;
  duration_ns: number | null;
  is_error: boolean;
  trace: string;
  span: string;
}
export function traces_of(rows: readonly Cell[][]): TraceLine[] {
  return rows
    .map(([at, name, duration, status, trace, span]) => ({ at_us: from_iso(String(at)), name: String(name ?? ""), duration_ns: duration === null || duration === undefined ? null : Number(duration), is_error: status === "ERROR", trace: String(trace ?? ""), span: String(span ?? "") }))
    .filter((one) => one.trace);
}
