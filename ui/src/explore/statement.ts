/* What the explorer asks, as SQL: pure, so that "open as SQL" shows exactly what was asked. */
import { to_iso, type Range } from "../time";
import { field_of, quoted, type Catalog, type Field } from "./fields";

export interface Scope {
  where: string; /* a condition; empty: all */
  range: Range;
}
export const PAGE_ROWS = 300;

export const TABLE = "otel_logs_and_spans";
/* What every row of the list needs, before the columns that were picked. */
export const ROW_FIELDS = ["id", "timestamp", "kind", "level", "resource___service___name", "name", "status_code", "duration", "context___trace_id", "context___span_id", "body", "status_message"] as const;

export function condition(scope: Scope): string {
  const time = `timestamp >= ${quoted(to_iso(scope.range.from_us))} AND timestamp < ${quoted(to_iso(scope.range.to_us))}`;
  return scope.where ? `${time}\n  AND (${scope.where})` : time;
}

export interface Place {
  timestamp: string;
  id: string;
}
/* Newest first; after: the last row of the page before. limit 0: all of them. */
export function rows_statement(scope: Scope, fields: readonly Field[], after?: Place, limit = PAGE_ROWS): string {
  const columns = [...ROW_FIELDS, ...fields.map((field) => field.sql)].join(", ");
  const from = after ? `\n  AND (timestamp < ${quoted(after.timestamp)} OR (timestamp = ${quoted(after.timestamp)} AND id < ${quoted(after.id)}))` : "";
  return `SELECT ${columns}
FROM ${TABLE}
WHERE ${condition(scope)}${from}
ORDER BY timestamp DESC, id DESC${limit ? ` LIMIT ${limit}` : ""}`;
}

export function context_statement(catalog: Catalog, row: { timestamp: string; id: string; service: string }, before: boolean, count: number): string {
  const service = field_of(catalog, "service.name");
  const sign = before ? "<" : ">";
  return `SELECT ${ROW_FIELDS.join(", ")}
FROM ${TABLE}
WHERE ${row.service ? `${service.sql} = ${quoted(row.service)} AND ` : ""}timestamp ${sign}= ${quoted(row.timestamp)} AND id <> ${quoted(row.id)}
ORDER BY timestamp ${before ? "DESC" : "ASC"} LIMIT ${count}`;
}

export function whole_statement(id: string, timestamp: string): string {
  return `SELECT * FROM ${TABLE} WHERE id = ${quoted(id)} AND timestamp = ${quoted(timestamp)} LIMIT 1`;
}
