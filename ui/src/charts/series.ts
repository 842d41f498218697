/* What the charts over time draw: values by time, a list for each series. Pure.
 *
 *   rows of a statement --Point--> time_series --> TimeSeries --TimeChart--> canvas
 *
 * null is "no value here": a gap, never a zero. Sums that have nothing to add up are zeros; the caller says which by `empty`.
 */
import type { Range } from "../time";
import type { Unit } from "./scale";

export interface Point {
  t_us: number | null; /* null: over the whole range */
  place: number; /* of its series: 1 is the first */
  keys: readonly string[]; /* the values that the series has in common */
  value: number | null;
}
export interface Series {
  name: string;
  keys: readonly string[];
  is_rest: boolean; /* what is behind the last place, together */
  values: (number | null)[];
  total: number | null; /* over the whole range, as the statement says: no sum of values */
}
export interface TimeSeries {
  range: Range;
  step_us: number;
  times: number[]; /* where each step begins */
  series: Series[];
  unit: Unit;
  adds_up: boolean; /* values of series may be put upon each other */
  groups: number; /* how many series there are in all, those of the rest too */
}
interface Shape {
  range: Range;
  step_us: number;
  unit: Unit;
  adds_up: boolean;
  empty: 0 | null;
  top: number; /* places behind it are the rest */
  groups: number;
  alone?: string; /* the name of a series without keys */
}
const STEPS_MAX = 5000;
const HOUR_US = 3600e6;
const DAY_US = 24 * HOUR_US;

export function times_of(range: Range, step_us: number): number[] {
  const times: number[] = [];
  for (let t_us = Math.floor(range.from_us / step_us) * step_us; t_us < range.to_us && times.length < STEPS_MAX; t_us += step_us) times.push(t_us);
  return times;
}

export function name_of(keys: readonly string[]): string {
  return keys.map((key) => key || "none").join(" · ");
}

export function time_series(points: readonly Point[], shape: Shape): TimeSeries {
  const { range, step_us, unit, adds_up, groups } = shape;
  const times = times_of(range, step_us);
  const by_place = new Map<number, Series>();
  for (const point of points) {
    const is_rest = point.place > shape.top;
    const place = is_rest ? Infinity : point.place;
    let series = by_place.get(place);
    if (!series) {
      const name = is_rest ? `others (${Math.max(1, groups - shape.top)})` : point.keys.length > 0 ? name_of(point.keys) : (shape.alone ?? "all");
      series = { name, keys: is_rest ? [] : point.keys, is_rest, values: times.map(() => shape.empty), total: null };
      by_place.set(place, series);
    }
    if (point.t_us === null) series.total = point.value;
    else {
      const at = Math.round((point.t_us - (times[0] ?? 0)) / step_us);
      if (at >= 0 && at < times.length) series.values[at] = point.value ?? shape.empty;
    }
  }
  const series = [...by_place.entries()].sort((a, b) => a[0] - b[0]).map((entry) => entry[1]);
  return { range, step_us, times, series, unit, adds_up, groups };
}

/* Points whose steps are told by themselves, not reckoned from 1970, and whose series have names: days of a zone, buckets of a
 * statement. Behind series_max the smallest are put together where they add up, and left out where they do not. */
export interface NamedPoint {
  t_us: number;
  name: string;
  keys: readonly string[];
  value: number | null;
}
export function named_series(points: readonly NamedPoint[], { range, step_us, unit, adds_up, series_max }: { range: Range; step_us: number; unit: Unit; adds_up: boolean; series_max: number }): TimeSeries {
  const seen = points.reduce((least, point) => Math.min(least, point.t_us), Infinity);
  let first = Number.isFinite(seen) ? seen : Math.floor(range.from_us / step_us) * step_us;
  first -= Math.max(0, Math.ceil((first - range.from_us) / step_us)) * step_us;
  const times: number[] = [];
  const moved_us = step_us >= DAY_US ? HOUR_US : 0; /* a day that a change of the clock made longer is one day */
  for (let t_us = first; t_us + moved_us < range.to_us && times.length < STEPS_MAX; t_us += step_us) times.push(t_us);
  const by_name = new Map<string, Series>();
  for (const point of points) {
    let series = by_name.get(point.name);
    if (!series) by_name.set(point.name, (series = { name: point.name, keys: point.keys, is_rest: false, values: times.map(() => (adds_up ? 0 : null)), total: null }));
    const at = Math.round((point.t_us - first) / step_us);
    if (at >= 0 && at < times.length) series.values[at] = point.value;
    if (point.value !== null) series.total = adds_up ? (series.total ?? 0) + point.value : Math.max(series.total ?? point.value, point.value);
  }
  const all = [...by_name.values()].sort((a, b) => (b.total ?? 0) - (a.total ?? 0));
  const series = all.slice(0, series_max);
  const rest = all.slice(series_max);
  if (adds_up && rest.length > 0) {
    const sum = (at: number) => rest.reduce((total, one) => total + (one.values[at] ?? 0), 0);
    series.push({ name: `others (${rest.length})`, keys: [], is_rest: true, values: times.map((_, at) => sum(at)), total: rest.reduce((total, one) => total + (one.total ?? 0), 0) });
  }
  return { range, step_us, times, series, unit, adds_up, groups: all.length };
}

/* Those named first come first, in that order: levels by how bad they are. */
export function with_first(data: TimeSeries, first: readonly string[]): TimeSeries {
  const place = (one: Series) => (one.is_rest ? first.length + 1 : first.includes(one.name) ? first.indexOf(one.name) : first.length);
  return { ...data, series: data.series.map((one, at) => ({ one, at })).sort((a, b) => place(a.one) - place(b.one) || a.at - b.at).map(({ one }) => one) };
}

export interface Extent {
  min: number;
  max: number;
}
export function extent_of(data: TimeSeries, is_stacked: boolean): Extent {
  let min = 0;
  let max = 0;
  for (let at = 0; at < data.times.length; at++) {
    let up = 0;
    let down = 0;
    for (const series of data.series) {
      const value = series.values[at] ?? 0;
      if (!is_stacked) {
        min = Math.min(min, value);
        max = Math.max(max, value);
      } else if (value > 0) up += value;
      else down += value;
    }
    min = Math.min(min, down);
    max = Math.max(max, up);
  }
  return { min, max };
}

/* Is this step only partly in the range? The first and the last mostly are: their counts are of less time. */
export function is_part(data: TimeSeries, at: number): boolean {
  const t_us = data.times[at] ?? 0;
  return t_us < data.range.from_us || t_us + data.step_us > data.range.to_us;
}

export interface Told {
  at: number; /* of the series */
  name: string;
  value: number | null;
}
/* The values of one step, the largest first; those without a value last. */
export function told_at(data: TimeSeries, step: number): Told[] {
  return data.series.map((series, at) => ({ at, name: series.name, value: series.values[step] ?? null })).sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || a.at - b.at);
}

export function smallest_and_largest(values: readonly (number | null)[]): Extent | undefined {
  const some = values.filter((value): value is number => value !== null);
  return some.length > 0 ? { min: some.reduce((a, b) => Math.min(a, b)), max: some.reduce((a, b) => Math.max(a, b)) } : undefined;
}
