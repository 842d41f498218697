/* What is measured of each group: `agg` and `of` of the address, as SQL. Pure.
 *
 * Sums can be made of sums, so that a statement reads the rows once (parts, then merge); percentiles and distinct counts need
 * the rows themselves (of_rows). Percentiles of durations are counted by steps, within 0.8%: roll-ups have those. */
import type { Unit } from "../charts/scale";
import { field_of, type Catalog, type Field } from "./fields";

export const AGGS = ["count", "rate", "errors", "avg", "p50", "p95", "p99", "max", "sum", "distinct"] as const;
export type Agg = (typeof AGGS)[number];
export const OF_FIRST = "duration";

export interface Measure {
  agg: Agg;
  of: Field;
}

const TITLES: Record<Agg, string> = { count: "rows", rate: "rows a second", errors: "errors", avg: "average", p50: "p50", p95: "p95", p99: "p99", max: "max", sum: "sum", distinct: "different" };
const ALONE: readonly Agg[] = ["count", "rate", "errors"]; /* measure rows, no field */

export function measure_of(catalog: Catalog, agg: string, of: string): Measure {
  return { agg: AGGS.find((one) => one === agg) ?? "count", of: field_of(catalog, of || OF_FIRST) };
}
export const has_field = (agg: Agg) => !ALONE.includes(agg);
export const adds_up = (agg: Agg) => agg === "count" || agg === "rate" || agg === "errors" || agg === "sum";
/* What a step without rows has: none of them is a fact, no duration is not. */
export const empty_of = (agg: Agg): 0 | null => (agg === "count" || agg === "rate" || agg === "errors" || agg === "distinct" ? 0 : null);

export function title_of({ agg, of }: Measure): string {
  return has_field(agg) ? `${TITLES[agg]} of ${of.name}` : TITLES[agg];
}
export function field_unit(name: string): Unit {
  if (name === "duration") return "ns";
  return /(^|[._])(bytes|size)$/.test(name) ? "bytes" : "number";
}
export function unit_of({ agg, of }: Measure): Unit {
  if (agg === "rate") return "rate";
  return has_field(agg) && agg !== "distinct" ? field_unit(of.name) : "count";
}

/* A field as a number: text that is none is no value. */
export function number_sql(field: Field): string {
  if (field.type === "number") return field.sql;
  return `CASE WHEN (${field.sql})::text ~ '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?$' THEN (${field.sql})::text::double precision END`;
}
export const IS_ERROR = "status_code = 'ERROR' OR level IN ('ERROR', 'FATAL')";

/* The value of a row that is put together; undefined when none is. */
export function value_sql({ agg, of }: Measure): string | undefined {
  if (!has_field(agg)) return undefined;
  return agg === "distinct" ? of.sql : number_sql(of);
}

/* Of a column as it is; what was named otherwise on the way is exact. */
export const is_stepped = (value: string) => value === "duration";
const percentile = (share: string, value: string) =>
  is_stepped(value) ? `approx_percentile(${share}, percentile_agg(${value}))` : `percentile_cont(${share}) WITHIN GROUP (ORDER BY ${value})`;
const SHARES: Partial<Record<Agg | "values", string>> = { p50: "0.5", p95: "0.95", p99: "0.99" };

export const is_percentile = (agg: Agg) => SHARES[agg] !== undefined;
/* A list of them; one sorting for all. */
export function percentiles(value: string, aggs: readonly Agg[]): string {
  const shares = aggs.map((agg) => SHARES[agg] ?? "0.5");
  return is_stepped(value) ? `ARRAY[${shares.map((share) => percentile(share, value)).join(", ")}]` : percentile(`ARRAY[${shares.join(", ")}]`, value);
}

/* The aggregate of rows; is_error: a condition on them; seconds: what a rate is divided by. */
export function of_rows(agg: Agg | "values", value: string, is_error: string, seconds: string): string {
  if (agg === "rate") return `count(*) / ${seconds}`;
  if (agg === "errors") return `count(*) FILTER (WHERE ${is_error})`;
  if (agg === "values") return `count(${value})`; /* how many have one */
  if (agg === "distinct") return `count(DISTINCT ${value})`;
  const share = SHARES[agg];
  if (share) return percentile(share, value);
  return agg === "count" ? "count(*)" : `${agg}(${value})`;
}

export interface Folded {
  parts: readonly [alias: string, agg: Agg | "values", of: "rows" | "values"][];
  merge: (seconds: string) => string;
}
/* The aggregate of aggregates, where there is one. */
export function folded(agg: Agg): Folded | undefined {
  if (agg === "count") return { parts: [["n", "count", "rows"]], merge: () => "sum(n)" };
  if (agg === "rate") return { parts: [["n", "count", "rows"]], merge: (seconds) => `sum(n) / ${seconds}` };
  if (agg === "errors") return { parts: [["n", "errors", "rows"]], merge: () => "sum(n)" };
  if (agg === "avg") return { parts: [["n", "sum", "values"], ["m", "values", "values"]], merge: () => "sum(n)::double precision / nullif(sum(m), 0)" };
  if (agg === "sum") return { parts: [["n", "sum", "values"]], merge: () => "sum(n)" };
  if (agg === "max") return { parts: [["n", "max", "values"]], merge: () => "max(n)" };
  return undefined;
}
