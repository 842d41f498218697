/* Units as OpenTelemetry sends them (UCUM: "s", "By", "{request}") to units of charts. Pure. */
import type { Unit } from "../charts/scale";
import type { Aggregate } from "./query";

export interface Shown {
  unit: Unit;
  factor: number; /* from what was sent to what is shown */
  words: string; /* beside the title: "per second", "messages" */
}
const TIMES_NS: Record<string, number> = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9, d: 86400e9 };
const BYTES: Record<string, number> = { By: 1, kBy: 1e3, MBy: 1e6, GBy: 1e9, KiBy: 1024, MiBy: 1048576, GiBy: 1073741824, bytes: 1 };

/* "{request}" is request; "1" is nothing to say. */
export function unit_words(unit: string): string {
  return unit === "1" ? "" : unit.replace(/\{([^}]*)\}/g, "$1");
}

export function shown_unit(unit: string, type: string, aggregate: Aggregate | string): Shown {
  const is_distribution = type === "histogram" || type === "exponential_histogram" || type === "summary";
  const is_count_of_values = is_distribution && (aggregate === "rate" || aggregate === "increase" || aggregate === "count");
  if (aggregate === "count" || is_count_of_values) return { unit: aggregate === "rate" ? "rate" : "number", factor: 1, words: is_distribution ? "values" : "series" };
  const time_ns = TIMES_NS[unit];
  const bytes = BYTES[unit];
  if (aggregate === "rate") {
    if (bytes) return { unit: "bytes", factor: bytes, words: "per second" };
    if (time_ns) return { unit: "number", factor: time_ns / 1e9, words: "seconds per second" };
    return { unit: "rate", factor: 1, words: unit_words(unit) };
  }
  if (time_ns) return { unit: "ns", factor: time_ns, words: "" };
  if (bytes) return { unit: "bytes", factor: bytes, words: "" };
  return { unit: "number", factor: 1, words: unit_words(unit) };
}
