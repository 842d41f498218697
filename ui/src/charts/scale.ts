/* Axes: what a value is measured in, how it is shown, and where the lines of a scale stand. Pure. */
import { show_bytes, show_count } from "../number";
import { show_duration } from "../time";

export type Unit = "count" | "rate" | "ns" | "bytes" | "percent" | "number"; /* percent: parts of one */

export function show_value(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "ns") return show_duration(value);
  if (unit === "bytes") return show_bytes(Math.abs(value) < 1000 ? Number(value.toPrecision(3)) : value);
  if (unit === "percent") return `${(value * 100).toFixed(value < 0.1 ? 2 : 1)} %`;
  return unit === "rate" ? `${show_number(value)}/s` : show_number(value);
}
/* Two places behind the point, and three digits of what is smaller than one. */
export function show_number(value: number): string {
  const size = Math.abs(value);
  return size === 0 || size >= 1 ? show_count(value) : String(Number(value.toPrecision(3)));
}

const LONG_S = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/* The distance of lines: 1, 2 or 5 of a power of ten; whole numbers for counts, minutes and hours for long times. */
export function tick_step(size: number, unit: Unit, wanted = 4): number {
  const exact = size / wanted;
  if (!(exact > 0)) return 1;
  const long = unit === "ns" && exact > 30e9 ? LONG_S.find((s) => s * 1e9 >= exact) : undefined;
  if (long) return long * 1e9;
  const power = 10 ** Math.floor(Math.log10(exact));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= exact * 0.999) ?? 10 * power;
  return unit === "count" || unit === "ns" ? Math.max(1, step) : step;
}

export interface Scale {
  bottom: number;
  top: number;
  ticks: number[];
}
/* From zero, or from what is below it, to the line above the largest. */
export function scale_of(min: number, max: number, unit: Unit, wanted = 4): Scale {
  const low = Math.min(0, min);
  const high = Math.max(max, low === 0 ? 0 : low);
  const step = tick_step(high - low || 1, unit, wanted);
  const bottom = Math.floor(low / step) * step;
  const top = Math.max(bottom + step, Math.ceil(high / step - 1e-9) * step);
  const ticks = Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, at) => bottom + at * step);
  return { bottom, top, ticks };
}

/* Lines of a logarithmic axis: powers of ten; 2 and 5 between them when there are few. */
export function log_ticks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const between = decades > 5 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const n of between) {
      const tick = n * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  return ticks;
}

/* Every so many of them that their texts have room, the first always. y_of: where one stands, in pixels. */
export function apart(ticks: readonly number[], y_of: (tick: number) => number, least = 14): number[] {
  for (let every = 1; every < ticks.length; every++) {
    const kept = ticks.filter((_, at) => at % every === 0);
    if (kept.every((tick, at) => at === 0 || Math.abs(y_of(tick) - y_of(kept[at - 1] ?? 0)) >= least)) return kept;
  }
  return ticks.slice(0, 1);
}

/* Times that people count by, about `wanted` of them within the range. */
const TIME_STEPS_S = [0.001, 0.01, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
export function time_ticks(from_us: number, to_us: number, wanted: number, offset_us: number): { ticks: number[]; step: number } {
  const exact = (to_us - from_us) / 1e6 / Math.max(1, wanted);
  const step = (TIME_STEPS_S.find((one) => one >= exact) ?? 7776000) * 1e6;
  const ticks: number[] = [];
  for (let t_us = Math.ceil((from_us + offset_us) / step) * step - offset_us; t_us <= to_us && ticks.length < 100; t_us += step) ticks.push(t_us);
  return { ticks, step };
}
