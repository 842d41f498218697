/* What the explorer asks, as SQL: pure, so that "open as SQL" shows exactly what was asked. */
import { to_iso, type Range } from "../time";
import { field_of, quoted, type Catalog, type Field } from "./fields";

export interface Scope {
  where: string; /* a condition; empty: all */
  range: Range;
}
export const PAGE_ROWS = 300;
export const FACET_VALUES = 12;

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

/* All facets in one pass over the rows: a set of groups each, and of each the values that are met most. */
export function facets_statement(scope: Scope, fields: readonly Field[]): string {
  const names = fields.map((_, at) => `f${at}`);
  return `WITH r AS (
  SELECT ${fields.map((field, at) => `${field.sql}::text AS f${at}`).join(",\n         ")}
  FROM ${TABLE}
  WHERE ${condition(scope)})
SELECT * FROM (
  SELECT ${names.join(", ")}, grouping(${names.join(", ")}) AS g, count(*) AS n,
         row_number() OVER (PARTITION BY grouping(${names.join(", ")}) ORDER BY count(*) DESC) AS place
  FROM r GROUP BY GROUPING SETS (${names.map((name) => `(${name})`).join(", ")})) x
WHERE place <= ${FACET_VALUES}
ORDER BY g, place`;
}

export interface Facet {
  field: string;
  values: { value: string; count: number }[];
}
/* Rows of facets_statement: which field a row is of, the bits of g say (0 where it was grouped by). */
export function facets_of(fields: readonly Field[], rows: readonly (readonly unknown[])[]): Facet[] {
  const all = 2 ** fields.length - 1;
  const facets = fields.map((field): Facet => ({ field: field.name, values: [] }));
  for (const row of rows) {
    const bits = all - Number(row[fields.length]);
    const at = fields.length - 1 - Math.round(Math.log2(bits));
    const value = row[at];
    if (value !== null && value !== undefined && value !== "") facets[at]?.values.push({ value: String(value), count: Number(row[fields.length + 1]) });
  }
  return facets.filter((facet) => facet.values.length > 0);
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
