/* What is asked of findings, and how one is drawn: pure. */
import { named_series, type NamedPoint, type TimeSeries } from "../charts/series";
import type { Unit } from "../charts/scale";
import { from_iso, to_iso } from "../time";
import type { Schemas } from "../api/client";
import type { Causes } from "./causes";

export interface Finding {
  number: number;
  kind: "volume_spike" | "volume_drop" | "silence" | "error_rate" | "latency" | "new_error" | "new_pattern" | "metric";
  is_up: boolean;
  title: string;
  text: string;
  service: string | null;
  severity: "info" | "warning" | "critical";
  since: string;
  found_at: string;
  ended_at: string | null;
  is_accepted: boolean;
  window_minutes: number;
  value: number;
  expected: number;
  low: number;
  high: number;
  z: number;
  rows: number;
  incident: number | null;
  issue: number | null;
  patterns: string[] | null;
  metric: string | null;
  cause: string | null;
  causes?: Causes | null;
  account?: Schemas["FindingAccount"];
  statement: string;
}
export const KIND_TITLES: Record<Finding["kind"], string> = { volume_spike: "volume", volume_drop: "volume", silence: "silence", error_rate: "errors", latency: "latency", new_error: "new error", new_pattern: "new log pattern", metric: "metric" };
const MINUTE_US = 60e6;

/* The list's query of the API, by the page's address: those that go on, unless all are asked for. */
export function list_query(query: URLSearchParams): Record<string, string> {
  const asked: Record<string, string> = query.get("state") === "all" ? {} : { open: "true" };
  const service = query.get("service");
  return service ? { ...asked, service } : asked;
}

/* The lines of new log patterns as a search, in the time that the finding is about; none: it is about something else. */
export function lines_query(finding: Finding): Record<string, string> | null {
  if (!finding.patterns || finding.patterns.length === 0) return null;
  const to_us = from_iso(finding.ended_at ?? finding.found_at) + 30 * MINUTE_US;
  return { from: finding.since, to: to_iso(to_us), q: finding.patterns.map((id) => `pattern:${id}`).join(" OR ") };
}

export const unit_of = (finding: Finding): Unit => (finding.kind === "latency" ? "ns" : finding.kind === "error_rate" ? "percent" : "number");

/* Rows of its statement (a time and a value, a minute each), and what was expected beside them. A minute without rows has none of them. */
export function drawn_of(finding: Finding, rows: readonly (readonly unknown[])[]): TimeSeries {
  const end_us = from_iso(finding.ended_at ?? finding.found_at);
  const range = { from_us: from_iso(finding.since) - 60 * MINUTE_US, to_us: end_us + 30 * MINUTE_US };
  const is_count = finding.kind !== "latency" && finding.kind !== "error_rate" && finding.kind !== "metric";
  const known = new Map(rows.map((row) => [from_iso(String(row[0])), row[1] === null ? null : Number(row[1])]));
  const last_us = Math.max(...known.keys(), range.from_us);
  const points: NamedPoint[] = [];
  for (let t_us = Math.floor(range.from_us / MINUTE_US) * MINUTE_US; t_us < range.to_us; t_us += MINUTE_US) {
    const value = known.get(t_us) ?? (is_count && (t_us <= last_us || finding.kind === "silence") ? 0 : null);
    points.push({ t_us, name: "seen", keys: ["seen"], value });
    for (const [name, level] of [["expected", finding.expected], ["most of 95 in 100", finding.high], ["least", finding.low]] as const) points.push({ t_us, name, keys: [name], value: level });
  }
  return named_series(points, { range, step_us: MINUTE_US, unit: unit_of(finding), adds_up: false, series_max: 4 });
}
