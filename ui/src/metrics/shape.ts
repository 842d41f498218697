/* Answers of the API to what charts draw. Pure. */
import { looks_of, type Look } from "../charts/colours";
import type { TimeDot, TimeMark } from "../charts/draw";
import type { Heat } from "../charts/heat";
import { name_of, type Series, type TimeSeries } from "../charts/series";
import type { Known } from "../explore/complete";
import type { Range } from "../time";
import type { Aggregate, MetricAnswer, MetricExemplars, MetricHeatmap, MetricName } from "./query";
import { shown_unit } from "./unit";

/* What can be asked of a type, the usual one first. */
export function aggregates_of({ type, is_monotonic, temporality }: Pick<MetricName, "type" | "is_monotonic" | "temporality">): Aggregate[] {
  if (type === "histogram" || type === "exponential_histogram") return ["quantile", "avg", "rate", "count", "sum", "min", "max", "increase"];
  if (type === "summary") return ["quantile", "avg", "rate", "count", "sum", "increase"];
  if (type === "gauge") return ["avg", "min", "max", "last", "sum", "count"];
  if (is_monotonic) return ["rate", "increase", "last", "count"];
  return temporality === "delta" ? ["increase", "rate", "count"] : ["sum", "avg", "min", "max", "last", "count", "rate", "increase"];
}
export const has_buckets = (type: string) => type === "histogram" || type === "exponential_histogram";
export const type_words = ({ type, is_monotonic }: Pick<MetricName, "type" | "is_monotonic">) => (type === "sum" ? (is_monotonic ? "counter" : "up-down counter") : type.replace("_", " "));

const WORDS: Record<Aggregate, string> = { rate: "rate", increase: "increase", sum: "sum", avg: "mean", min: "lowest", max: "highest", last: "last value", count: "count", quantile: "quantile" };
export function aggregate_words(aggregate: Aggregate, quantile?: number): string {
  return aggregate === "quantile" && quantile !== undefined ? `p${Number((quantile * 100).toFixed(4))}` : WORDS[aggregate];
}

const last_of = (values: readonly (number | null)[]) => values.findLast((value) => value !== null) ?? null;

const BEFORE = " (before)";
/* Several answers over one time: a series for each quantile and group of each. */
export interface Named {
  answer: MetricAnswer;
  is_before?: boolean; /* of the time before: drawn at the time now */
}
export function series_of(list: readonly Named[], range: Range): TimeSeries {
  const first = list[0]?.answer;
  const step_us = (first?.step_s ?? 60) * 1e6;
  const begin_us = (first?.from_ms ?? range.from_us / 1e3) * 1e3;
  const count = first ? Math.round((first.to_ms - first.from_ms) / 1e3 / first.step_s) : 0;
  const aggregate = first?.aggregate ?? "";
  const { unit, factor } = shown_unit(first?.unit ?? "", first?.type ?? "", aggregate);
  const has_several = new Set(list.flatMap(({ answer }) => answer.series.map((one) => one.quantile))).size > 1;
  const series = list.flatMap(({ answer, is_before }) =>
    answer.series.map((one): Series => {
      const keys = Object.values(one.labels).map((value) => value ?? "");
      const values = new Array<number | null>(count).fill(null);
      one.points.forEach((point, at) => {
        if (at < count && point[1] !== null && point[1] !== undefined) values[at] = point[1] * factor;
      });
      const words = [has_several && one.quantile !== undefined ? aggregate_words("quantile", one.quantile) : "", keys.length > 0 ? name_of(keys) : ""].filter(Boolean).join(" · ") || "all";
      return { name: is_before ? words + BEFORE : words, keys: is_before ? [] : keys, is_rest: false, values, total: last_of(values) };
    }),
  );
  return {
    range,
    step_us,
    times: Array.from({ length: count }, (_, at) => begin_us + at * step_us),
    series,
    unit,
    adds_up: ["rate", "increase", "sum", "count"].includes(aggregate) && !list.some((one) => one.is_before),
    groups: first?.groups ?? 0,
  };
}
/* One that is alone needs no name of its own. */
export function looks_of_series(data: TimeSeries, by: readonly string[]): Look[] {
  return by.length === 0 && data.series.filter((one) => !one.name.endsWith(BEFORE)).length === 1 ? data.series.map(() => ({ token: "--series-0", pattern: 0 })) : looks_of(data.series, by.length === 1 ? (by[0] ?? "") : "");
}
/* What was before is fainter in colour, and has the look of its twin's dashes. */
export function before_looks(data: TimeSeries, looks: readonly Look[]): Look[] {
  return data.series.map((one, at) => (one.name.endsWith(BEFORE) ? { token: "--series-7", pattern: 2 } : (looks[at] ?? { token: "--series-7", pattern: 0 })));
}

/* The same length, just before: in whole steps, so that they lie upon each other. */
export function range_before({ from_us, to_us }: Range, step_s: number): Range {
  const step_us = step_s * 1e6;
  const width = Math.ceil((to_us - from_us) / step_us) * step_us;
  return { from_us: from_us - width, to_us: to_us - width };
}

/* One mark a time, whatever series began anew then. */
export function reset_marks(answer: MetricAnswer): TimeMark[] {
  const counts = new Map<number, number>();
  for (const series of answer.series) for (const at_ms of series.resets) counts.set(at_ms, (counts.get(at_ms) ?? 0) + 1);
  return [...counts].sort((a, b) => a[0] - b[0]).map(([at_ms, count]) => ({ t_us: at_ms * 1e3, text: count > 1 ? `began anew (${count})` : "began anew" }));
}

export function dots_of(exemplars: MetricExemplars, factor: number): TimeDot[] {
  return exemplars.items.map((item) => ({ t_us: item.at_ms * 1e3, value: item.value * factor, text: item.trace_id }));
}

export function heat_of_answer(answer: MetricHeatmap, range: Range): Heat {
  const { unit, factor } = shown_unit(answer.unit, answer.type, "quantile");
  const edges = answer.edges.map((edge, at) => (edge === null ? (at === 0 ? -Infinity : Infinity) : edge * factor));
  const lines = Math.max(0, edges.length - 1);
  const cells = Array.from({ length: lines }, () => answer.columns.map(() => 0));
  let max = 0;
  let total = 0;
  answer.columns.forEach((column, at) => {
    const counts = column[1] as number[] | null;
    counts?.forEach((count, line) => {
      const row = cells[line];
      if (row) row[at] = count;
      max = Math.max(max, count);
      total += count;
    });
  });
  return { range, step_us: answer.step_s * 1e6, times: answer.columns.map((column) => (column[0] as number) * 1e3), edges, has_zero: false, is_uneven: true, what: "values", cells, max, total, unit };
}

/* ---- the catalog ---- */

export interface Wanted {
  words: string;
  type: string;
  service: string;
}
export function catalog_narrowed(list: readonly MetricName[], { words, type, service }: Wanted): MetricName[] {
  const parts = words.toLowerCase().split(/\s+/).filter(Boolean);
  return list.filter((one) => (!type || type_words(one) === type) && (!service || one.services.includes(service)) && parts.every((part) => `${one.name} ${one.description} ${one.unit}`.toLowerCase().includes(part)));
}

/* ---- what moves with it ---- */

/* The same sender or the same family of names, nearest first. */
export function candidates_of(list: readonly MetricName[], self: MetricName, max: number): MetricName[] {
  const parts = self.name.split(".");
  const near = (one: MetricName) => {
    let same = 0;
    for (const [at, part] of one.name.split(".").entries()) {
      if (part !== parts[at]) break;
      same++;
    }
    return same * 2 + (one.services.some((service) => self.services.includes(service)) ? 1 : 0);
  };
  return list
    .filter((one) => one.name !== self.name && near(one) > 0)
    .map((one) => ({ one, near: near(one) }))
    .sort((a, b) => b.near - a.near || b.one.points - a.one.points)
    .slice(0, max)
    .map((entry) => entry.one);
}

const PAIRS_MIN = 8;
/* How much two move together, step by step: Pearson's r, -1 to 1; undefined where too little is known or one does not move. */
export function moves_together(a: readonly (number | null)[], b: readonly (number | null)[]): number | undefined {
  const pairs: [number, number][] = [];
  a.forEach((value, at) => {
    const other = b[at];
    if (value !== null && other !== null && other !== undefined) pairs.push([value, other]);
  });
  if (pairs.length < PAIRS_MIN) return undefined;
  const mean = (which: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[which], 0) / pairs.length;
  const [mean_a, mean_b] = [mean(0), mean(1)];
  let both = 0;
  let of_a = 0;
  let of_b = 0;
  for (const [x, y] of pairs) {
    both += (x - mean_a) * (y - mean_b);
    of_a += (x - mean_a) ** 2;
    of_b += (y - mean_b) ** 2;
  }
  const size = Math.sqrt(of_a * of_b);
  return size > 1e-12 * (Math.abs(mean_a * mean_b) + 1e-300) ? both / size : undefined;
}

/* ---- what its points were sent with ---- */

/* By how often they are there; those that all points have in common behind those that tell them apart. */
export function fields_of(points: readonly (readonly { name: string; value: string }[])[]): Known[] {
  const by_name = new Map<string, Map<string, number>>();
  for (const point of points)
    for (const { name, value } of point) {
      const values = by_name.get(name) ?? new Map<string, number>();
      values.set(value, (values.get(value) ?? 0) + 1);
      by_name.set(name, values);
    }
  return [...by_name]
    .map(([name, values]) => ({
      name,
      rows: [...values.values()].reduce((sum, one) => sum + one, 0),
      values: [...values].map(([value, rows]) => ({ value, rows })).sort((a, b) => b.rows - a.rows),
    }))
    .sort((a, b) => Number(b.values.length > 1) - Number(a.values.length > 1) || b.rows - a.rows || a.name.localeCompare(b.name));
}
