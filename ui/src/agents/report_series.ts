/* A report's chart as what the charts over time draw. Pure. */
import { times_of, type TimeSeries } from "../charts/series";
import type { Section } from "./load";

export function series_of(section: Section): TimeSeries | undefined {
  const { from_unix_us: from_us, step_us, series } = section;
  const steps = series?.[0]?.values.length ?? 0;
  if (from_us === undefined || !step_us || !series || steps === 0) return undefined;
  const is_time = section.unit === "ms";
  const range = { from_us, to_us: from_us + step_us * steps };
  return {
    range,
    step_us,
    times: times_of(range, step_us),
    series: series.map((one) => ({ name: one.name, keys: [one.name], is_rest: false, values: one.values.map((value) => (value === null || !is_time ? value : value * 1e6)), total: section.form === "bars" ? one.values.reduce<number>((sum, value) => sum + (value ?? 0), 0) : null })),
    unit: is_time ? "ns" : section.unit === "B" ? "bytes" : "count",
    adds_up: section.form === "bars",
    groups: series.length,
  };
}
