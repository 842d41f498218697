/* A trace by SQL: its spans lean and whole, its logs, and one row with everything when it is looked at. */
import { query, type Cell } from "../api/client";
import { quoted } from "../explore/fields";
import { ENVIRONMENT_SQL } from "../frame/environment";
import { shown } from "../row/flat";
import { from_iso } from "../time";
import type { Span } from "./rows";

export const SPANS_MAX = 200000;
export const LOGS_MAX = 5000;

export function spans_statement(trace_id: string): string {
  return `SELECT context___span_id, parent_id, name, resource___service___name, kind, status_code,
       (extract(epoch FROM timestamp) * 1000000)::bigint AS start_us, duration, ${ENVIRONMENT_SQL}
FROM otel_logs_and_spans
WHERE context___trace_id = ${quoted(trace_id)} AND kind <> 'log'`;
}
export function logs_statement(trace_id: string): string {
  return `SELECT id, timestamp, level, resource___service___name, context___span_id, body
FROM otel_logs_and_spans
WHERE context___trace_id = ${quoted(trace_id)} AND kind = 'log'
ORDER BY timestamp LIMIT ${LOGS_MAX}`;
}
export function span_statement(trace_id: string, span_id: string): string {
  return `SELECT * FROM otel_logs_and_spans
WHERE context___trace_id = ${quoted(trace_id)} AND context___span_id = ${quoted(span_id)} AND kind <> 'log' LIMIT 1`;
}

const text = (cell: Cell | undefined) => (typeof cell === "string" ? cell : "");

export interface Log {
  id: string;
  time_us: number;
  level: string;
  service: string;
  span_id: string;
  body: string;
}

export async function load_spans(project: string, trace_id: string, signal: AbortSignal): Promise<{ spans: Span[]; environments: string[]; is_cut: boolean; warnings: string[] }> {
  const table = await query(project, spans_statement(trace_id), { limit: SPANS_MAX, signal, what: "the trace" });
  const spans = table.rows.map((row): Span => ({
    id: text(row[0]),
    parent_id: text(row[1]),
    name: text(row[2]),
    service: text(row[3]) || "unknown service",
    kind: text(row[4]),
    is_error: row[5] === "ERROR",
    start_us: Number(row[6] ?? 0),
    duration_ns: Number(row[7] ?? 0),
  }));
  const environments = [...new Set(table.rows.map((row) => text(row[8])))];
  return { spans, environments, is_cut: table.is_cut, warnings: table.warnings };
}

export async function load_logs(project: string, trace_id: string, signal: AbortSignal): Promise<Log[]> {
  const table = await query(project, logs_statement(trace_id), { limit: LOGS_MAX, signal, what: "the trace's logs" });
  return table.rows.map((row) => ({
    id: text(row[0]),
    time_us: from_iso(text(row[1])),
    level: text(row[2]),
    service: text(row[3]),
    span_id: text(row[4]),
    body: shown(row[5]),
  }));
}
