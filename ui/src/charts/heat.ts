/* A heat map's cells: how many values fell into a bucket within a step of time. Buckets are about of equal width on a logarithmic axis,
 * each begins at `edge` of its number; fine ones that came in are put together until there are few enough to be seen. Pure. */
import type { Range } from "../time";
import { times_of } from "./series";
import type { Unit } from "./scale";

export interface HeatPoint {
  t_us: number;
  bucket: number | null; /* edge(bucket) to edge(bucket + 1); null: zero or less */
  count: number;
}
export interface Heat {
  range: Range;
  step_us: number;
  times: number[];
  edges: number[]; /* one more than there are lines; the lowest line begins at edges[0] */
  has_zero: boolean; /* the lowest line is of what is zero or less */
  is_uneven?: boolean; /* lines are buckets as they were sent, of any width: the axis names their ends */
  what?: string; /* what is counted, when it is not rows */
  cells: number[][]; /* cells[line][step] */
  max: number;
  total: number;
  unit: Unit;
}
/* Below what the axis can show: what "zero or less" begins with in a selection. */
export const LOWEST = -1e15;
const MERGES = [1, 2, 3, 4, 6, 8, 12, 24, 48];

export function heat_of(points: readonly HeatPoint[], range: Range, step_us: number, edge: (bucket: number) => number, lines_max: number, unit: Unit): Heat {
  const times = times_of(range, step_us);
  const some = points.filter((point) => point.bucket !== null).map((point) => point.bucket as number);
  const has_zero = points.some((point) => point.bucket === null);
  const low = some.reduce((a, b) => Math.min(a, b), Infinity);
  const high = some.reduce((a, b) => Math.max(a, b), -Infinity);
  const merge = MERGES.find((one) => Math.floor(high / one) - Math.floor(low / one) < lines_max) ?? 48;
  const first = some.length > 0 ? Math.floor(low / merge) : 0;
  const count = some.length > 0 ? Math.floor(high / merge) - first + 1 : 0;
  const edges = Array.from({ length: count + 1 }, (_, at) => edge((first + at) * merge));
  if (has_zero) edges.unshift(LOWEST);
  const cells = edges.slice(1).map(() => times.map(() => 0));
  let max = 0;
  let total = 0;
  for (const point of points) {
    const line = point.bucket === null ? 0 : Math.floor(point.bucket / merge) - first + (has_zero ? 1 : 0);
    const at = Math.round((point.t_us - (times[0] ?? 0)) / step_us);
    const row = cells[line];
    if (!row || at < 0 || at >= times.length) continue;
    row[at] = (row[at] ?? 0) + point.count;
    max = Math.max(max, row[at] ?? 0);
    total += point.count;
  }
  return { range, step_us, times, edges, has_zero, cells, max, total, unit };
}
/* `decade` buckets from 1 to 10; powers of ten exactly, so that 1 ms is in the bucket that begins with it. */
export const decades = (decade: number) => (bucket: number) => (bucket % decade === 0 ? Number(`1e${Math.floor(bucket / decade)}`) : 10 ** (bucket / decade));
/* Eight buckets from 1 to 2, as log_step() has them, each as wide as the next. */
export const EIGHTHS = (bucket: number) => 2 ** Math.floor(bucket / 8) * (1 + (bucket - 8 * Math.floor(bucket / 8)) / 8);
export function eighth_of(value: number): number {
  const whole = Math.floor(Math.log2(value));
  return 8 * whole + Math.floor((value / 2 ** whole - 1) * 8);
}

/* How strong a cell's colour is, 0 to 1: by the third root, so that single slow ones are seen beside thousands of quick ones. */
export function strength(count: number, max: number): number {
  return count <= 0 || max <= 0 ? 0 : 0.18 + 0.82 * Math.cbrt(count / max);
}

export interface Box {
  step0: number; /* both with the last */
  step1: number;
  line0: number;
  line1: number;
}
export interface BoxValues {
  from_us: number;
  to_us: number;
  low: number;
  high: number;
  count: number;
}
/* The box's times, values and rows: whole cells, cut at the range. */
export function box_values(heat: Heat, box: Box): BoxValues {
  const [step0, step1] = [Math.min(box.step0, box.step1), Math.max(box.step0, box.step1)];
  const [line0, line1] = [Math.min(box.line0, box.line1), Math.max(box.line0, box.line1)];
  let count = 0;
  for (let line = line0; line <= line1; line++) for (let step = step0; step <= step1; step++) count += heat.cells[line]?.[step] ?? 0;
  return {
    from_us: Math.max(heat.range.from_us, heat.times[step0] ?? heat.range.from_us),
    to_us: Math.min(heat.range.to_us, (heat.times[step1] ?? heat.range.to_us) + heat.step_us),
    low: heat.edges[line0] ?? LOWEST,
    high: heat.edges[line1 + 1] ?? Infinity,
    count,
  };
}
/* The cells of a selection that is in the address. */
export function box_of(heat: Heat, from_us: number, to_us: number, low: number, high: number): Box | undefined {
  const begin = heat.times[0] ?? 0;
  const step0 = Math.max(0, Math.floor((from_us - begin) / heat.step_us));
  const step1 = Math.min(heat.times.length - 1, Math.ceil((to_us - begin) / heat.step_us) - 1);
  const line0 = heat.edges.slice(1).findIndex((upper) => upper > low);
  const line1 = heat.edges.slice(0, -1).findLastIndex((lower) => lower < high);
  return step0 > step1 || line0 < 0 || line1 < line0 ? undefined : { step0, step1, line0, line1 };
}
