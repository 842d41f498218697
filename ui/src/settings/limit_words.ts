/* Limits as they are read and shown. Pure. */
import type { Schemas } from "../api/client";
import { show_bytes, show_whole } from "../number";

export type Limits = Schemas["LimitList"];
type Name = Schemas["LimitName"];
export const LIMIT_WORDS: Record<Name, string> = {
  requests_per_second: "requests that send telemetry",
  bytes_per_second: "of these, decompressed",
  events_per_second: "spans, log records and data points",
  bytes_per_day: "decompressed, until midnight UTC",
  events_per_month: "until the month is over, UTC",
  queries: "statements at once, with those that wait",
  queries_running: "of these, at work: others wait for their turn",
  query_seconds: "of work for one statement",
  query_bytes: "read of files by one statement",
  query_rows: "of one statement's answer",
  attribute_keys: "nothing is refused: further keys are kept in one member of attributes",
};

export function show_limit(name: Name, value: number, is_limit = true): string {
  if (is_limit && value === 0) return "no limit";
  return name.includes("bytes") ? show_bytes(value) : show_whole(value);
}
export function used_of(name: Name, used: Limits["used"] | undefined): number | undefined {
  if (name === "bytes_per_day") return used?.bytes_today;
  if (name === "events_per_month") return used?.events_this_month;
  return name === "queries" ? used?.queries_now : undefined;
}

const UNITS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
/* "5000", "5k", "2.5 M", "1 000 000"; undefined: it is none. */
export function limit_of(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([kmgt]?)b?$/i.exec(text.replace(/[\s_,]/g, ""));
  if (!found) return undefined;
  const value = Number(found[1]) * (UNITS[(found[2] ?? "").toLowerCase()] ?? NaN);
  return Number.isInteger(value) && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}
