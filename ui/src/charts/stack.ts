/* Counts by time and series as bars upon each other: pure. */
import type { Range } from "../time";

export interface Point {
  t_us: number;
  series: string;
  count: number;
}
export interface Stacked {
  series: string[]; /* the largest first; what is beyond series_max is "others" */
  totals: number[];
  bars: { t_us: number; counts: number[]; sum: number }[];
  max: number;
}

export const OTHERS = "others";

export function stack(points: readonly Point[], range: Range, step_us: number, series_max = 8, first: readonly string[] = []): Stacked {
  const sums = new Map<string, number>();
  for (const point of points) sums.set(point.series, (sums.get(point.series) ?? 0) + point.count);
  const place = (name: string) => (first.indexOf(name) < 0 ? first.length : first.indexOf(name));
  const names = [...sums.keys()].sort((a, b) => place(a) - place(b) || (sums.get(b) ?? 0) - (sums.get(a) ?? 0) || (a < b ? -1 : 1));
  const series = names.length > series_max ? [...names.slice(0, series_max - 1), OTHERS] : names;
  const index = new Map(series.map((name, at) => [name, at]));
  const from = Math.floor(range.from_us / step_us) * step_us;
  const bars: Stacked["bars"] = [];
  for (let t_us = from; t_us < range.to_us && bars.length < 5000; t_us += step_us) bars.push({ t_us, counts: series.map(() => 0), sum: 0 });
  for (const point of points) {
    const bar = bars[Math.round((point.t_us - from) / step_us)];
    if (!bar) continue;
    const at = index.get(point.series) ?? series.length - 1;
    bar.counts[at] = (bar.counts[at] ?? 0) + point.count;
    bar.sum += point.count;
  }
  const totals = series.map((_, at) => bars.reduce((sum, bar) => sum + (bar.counts[at] ?? 0), 0));
  return { series, totals, bars, max: bars.reduce((max, bar) => Math.max(max, bar.sum), 0) };
}
