/* The statements of the kinds that group: one for each chart, pure, so that what the menu shows is what was asked.
 *
 *   r    the rows, or what is already counted of them by group and time
 *   top  the groups by their value over the whole range, with their places
 *
 * Groups behind the last place are put together as place top + 1 where sums can be made of sums; a percentile or a count of what is
 * different would need all their rows once more, which costs more than all the rest: then they are left out, and the page says so.
 * A line without t is that of the whole range. Values of a group are text; "" is none. */
import type { Field } from "./fields";
import { decades, EIGHTHS, eighth_of, heat_of, type Heat } from "../charts/heat";
import { from_iso, step_us, type Range } from "../time";
import { field_unit, folded, is_percentile, is_stepped, IS_ERROR, number_sql, of_rows, percentiles, value_sql, type Agg, type Measure } from "./measure";
import { condition, TABLE, type Scope } from "./statement";

export interface Grouped {
  by: readonly Field[];
  measure: Measure;
}
const seconds = (us: number) => (Number.isInteger(us / 1e6) ? `${us / 1e6}.0` : String(us / 1e6)); /* never the division of whole numbers */
const keys_of = (by: readonly Field[]) => by.map((_, at) => `g${at}`);
const group_sql = (field: Field, alias: string) => `coalesce((${field.sql})::text, '') AS ${alias}`;

/* Steps of time as whole numbers: grouping by them is half as dear as by times. What is answered is a time again. */
export function bucket_sql(step_us: number): string {
  return `(extract(epoch FROM timestamp) * 1000000)::bigint / ${step_us}`;
}
const time_sql = (step_us: number) => `to_timestamp(b * ${seconds(step_us)}) AS t`;
export const range_seconds = (scope: Scope) => seconds(scope.range.to_us - scope.range.from_us);

/* The first CTE: columns `keys` and what is measured; `bucket`: a line of each step of time too. */
function source(scope: Scope, by: readonly Field[], measure: Measure, step_us?: number): { text: string; merge: (seconds: string) => string } {
  const value = value_sql(measure);
  const time = step_us === undefined ? [] : [`${bucket_sql(step_us)} AS b`];
  const groups = by.map((field, at) => group_sql(field, `g${at}`));
  const fold = folded(measure.agg);
  if (fold) {
    const parts = fold.parts.map(([alias, agg, of]) => `${of_rows(agg, of === "values" ? (value ?? "") : "", IS_ERROR, "1")} AS ${alias}`);
    const count = time.length + groups.length;
    const by_places = Array.from({ length: count }, (_, at) => at + 1).join(", ");
    return {
      text: `r AS (
  SELECT ${[...time, ...groups, ...parts].join(",\n         ")}
  FROM ${TABLE}
  WHERE ${condition(scope).replaceAll("\n", "\n  ")}${count > 0 ? `\n  GROUP BY ${by_places}` : ""})`,
      merge: fold.merge,
    };
  }
  return {
    text: `r AS (
  SELECT ${[...time, ...groups, `${value ?? "1"} AS v`].join(",\n         ")}
  FROM ${TABLE}
  WHERE ${condition(scope).replaceAll("\n", "\n  ")})`,
    merge: (divisor) => of_rows(measure.agg, "v", "false", divisor),
  };
}

/* Roll-ups know durations by the half hour, and these fields: a quarter of one would have the rows read. */
const BY_THE_HALF_HOUR = new Set(["name", "http.route", "http.request.method", "service.version", "error.type", "exception.type", "db.system.name"]);
export function measured_step(range: Range, bars: number, measure: { agg?: Agg; of: Field }, by: readonly Field[] = []): number {
  const is_of_durations = is_stepped(number_sql(measure.of)) && (measure.agg === undefined || is_percentile(measure.agg));
  return grouped_step(range, bars, by, is_of_durations);
}
export function grouped_step(range: Range, bars: number, by: readonly Field[], is_of_durations = false): number {
  const step = step_us(range, bars);
  return step === 900e6 && (is_of_durations || by.some((field) => BY_THE_HALF_HOUR.has(field.name))) ? 1800e6 : step;
}

/* Percentiles of durations are made of the table itself, which roll-ups stand for: a line of each group in each step (is_whole 0) and over
 * the whole range (1). */
const is_direct = (measure: Measure) => is_percentile(measure.agg) && is_stepped(value_sql(measure) ?? "");
function direct(scope: Scope, by: readonly Field[], value: string, step_us: number): string {
  const list = keys_of(by).join(", ");
  const columns = [`${bucket_sql(step_us)} AS b`, ...by.map((field, at) => group_sql(field, `g${at}`)), `grouping(${bucket_sql(step_us)}) AS is_whole`, `${value} AS value`];
  return `SELECT ${columns.join(",\n         ")}
  FROM ${TABLE}
  WHERE ${condition(scope).replaceAll("\n", "\n  ")}
  GROUP BY GROUPING SETS ((b${list ? `, ${list}` : ""}), (${list}))`;
}
const of_durations = (scope: Scope, value: string, step_us: number) => `SELECT ${time_sql(step_us)}, 1 AS place, 1 AS groups, value
FROM (
  ${direct(scope, [], value, step_us)}) s
ORDER BY t NULLS FIRST`;

/* Rows: t, place, groups, value, then the values of the group. */
export function series_statement(scope: Scope, { by, measure }: Grouped, step_us: number, top: number): string {
  if (by.length > 0 && !folded(measure.agg)) return ranked_statement(scope, { by, measure }, step_us, top);
  if (is_direct(measure)) return of_durations(scope, of_rows(measure.agg, "duration", "false", "1.0"), step_us);
  const { text, merge } = source(scope, by, measure, step_us);
  const keys = keys_of(by);
  const whole = range_seconds(scope);
  const divisor = measure.agg === "rate" ? `CASE WHEN b IS NULL THEN ${whole} ELSE ${seconds(step_us)} END` : "1.0";
  if (by.length === 0)
    return `WITH ${text}
SELECT ${time_sql(step_us)}, 1 AS place, 1 AS groups, ${merge(divisor)} AS value
FROM r
GROUP BY GROUPING SETS ((b), ())
ORDER BY t NULLS FIRST`;
  const list = keys.join(", ");
  const names = keys.map((key) => `k${key.slice(1)}`).join(", ");
  const shown = keys.map((key) => `k${key.slice(1)} AS ${key}`).join(", ");
  const columns = `${time_sql(step_us)}, place, groups, ${merge(divisor)} AS value, ${shown}`;
  return `WITH ${text},
top AS (
  SELECT ${list}, row_number() OVER (ORDER BY ${merge(whole)} DESC NULLS LAST, ${list}) AS place, count(*) OVER () AS groups
  FROM r GROUP BY ${list}),
s AS (
  SELECT r.*, least(top.place, ${top + 1}) AS place, groups, ${keys.map((key) => `CASE WHEN top.place <= ${top} THEN r.${key} END AS k${key.slice(1)}`).join(", ")}
  FROM r JOIN top ON ${keys.map((key) => `r.${key} = top.${key}`).join(" AND ")})
SELECT ${columns}
FROM s
GROUP BY GROUPING SETS ((b, place, groups, ${names}), (place, groups, ${names}))
ORDER BY place, t NULLS FIRST`;
}

/* The same of what needs the rows: each group in each step of time and, is_whole, over the whole range, in one pass. */
function ranked_statement(scope: Scope, { by, measure }: Grouped, step_us: number, top: number): string {
  const { text, merge } = source(scope, by, measure, step_us);
  const keys = keys_of(by);
  const list = keys.join(", ");
  const parts = is_direct(measure)
    ? `WITH s AS (
  ${direct(scope, by, of_rows(measure.agg, "duration", "false", "1.0"), step_us)})`
    : `WITH ${text},
s AS (
  SELECT b, ${list}, grouping(b) AS is_whole, ${merge("1.0")} AS value
  FROM r GROUP BY GROUPING SETS ((b, ${list}), (${list})))`;
  return `${parts},
top AS (
  SELECT ${list}, row_number() OVER (ORDER BY value DESC NULLS LAST, ${list}) AS place, count(*) OVER () AS groups
  FROM s WHERE is_whole = 1)
SELECT ${time_sql(step_us)}, place, groups, value, ${keys.map((key) => `s.${key}`).join(", ")}
FROM s JOIN top ON ${keys.map((key) => `s.${key} = top.${key}`).join(" AND ")}
WHERE place <= ${top}
ORDER BY place, t NULLS FIRST`;
}

/* Several percentiles of one field over time in one reading of the rows: value is a list of them, in their order. Without groups. */
export function percentiles_statement(scope: Scope, of: Field, aggs: readonly Agg[], step_us: number): string {
  const first = { agg: aggs[0] ?? ("p95" as const), of };
  if (is_direct(first)) return of_durations(scope, percentiles("duration", aggs), step_us);
  const { text } = source(scope, [], first, step_us);
  return `WITH ${text}
SELECT ${time_sql(step_us)}, 1 AS place, 1 AS groups, ${percentiles("v", aggs)} AS value
FROM r
GROUP BY GROUPING SETS ((b), ())
ORDER BY t NULLS FIRST`;
}

/* A line for each group: the values of the group, how many groups there are, rows, errors, and what is measured. */
export const TABLE_VALUES = ["rows", "errors", "avg", "p50", "p95", "p99", "max"] as const;
export function groups_statement(scope: Scope, { by, measure }: Grouped, limit: number): string {
  const keys = keys_of(by);
  const value = number_sql(measure.of);
  const own = value_sql(measure);
  const columns = [
    ...by.map((field, at) => group_sql(field, `g${at}`)),
    "count(*) OVER () AS groups",
    `${of_rows(measure.agg, own ?? "", IS_ERROR, range_seconds(scope))} AS value`,
    "count(*) AS rows",
    `${of_rows("errors", "", IS_ERROR, "1")} AS errors`,
    `${of_rows("avg", value, "", "1")} AS avg`,
    `${percentiles(value, ["p50", "p95", "p99"])} AS p`,
    `${of_rows("max", value, "", "1")} AS max`,
  ];
  return `SELECT ${[...keys, "groups", "value", "rows", "errors", "avg", "p[1] AS p50", "p[2] AS p95", "p[3] AS p99", "max"].join(", ")}
FROM (
  SELECT ${columns.join(",\n         ")}
  FROM ${TABLE}
  WHERE ${condition(scope).replaceAll("\n", "\n  ")}${keys.length > 0 ? `\n  GROUP BY ${keys.map((_, at) => at + 1).join(", ")}` : ""}) r
ORDER BY value DESC NULLS LAST${keys.length > 0 ? `, ${keys.join(", ")}` : ""} LIMIT ${limit}`;
}

/* A cross table: the last field goes across, the others down. Rows: place across (0: all of them), groups across, groups down,
 * value, the value across, the values down. */
export function cross_statement(scope: Scope, { by, measure }: Grouped, across_top: number, down_top: number): string {
  const { text, merge } = source(scope, by, measure);
  const keys = keys_of(by);
  const across = keys.at(-1) ?? "g0";
  const down = keys.slice(0, -1);
  const list = down.join(", ");
  const whole = range_seconds(scope);
  return `WITH ${text},
x AS (
  SELECT ${across}, row_number() OVER (ORDER BY ${merge(whole)} DESC NULLS LAST, ${across}) AS place, count(*) OVER () AS across_groups
  FROM r GROUP BY ${across}),
y AS (
  SELECT ${list}, row_number() OVER (ORDER BY ${merge(whole)} DESC NULLS LAST, ${list}) AS line, count(*) OVER () AS down_groups
  FROM r GROUP BY ${list}),
s AS (
  SELECT r.*, least(x.place, ${across_top + 1}) AS place, across_groups, down_groups, line, CASE WHEN x.place <= ${across_top} THEN r.${across} END AS k
  FROM r JOIN x ON r.${across} = x.${across} JOIN y ON ${down.map((key) => `r.${key} = y.${key}`).join(" AND ")}
  WHERE line <= ${down_top})
SELECT coalesce(place, 0) AS place, max(across_groups) AS across_groups, max(down_groups) AS down_groups, ${merge(whole)} AS value, k, ${list}
FROM s
GROUP BY GROUPING SETS ((line, ${list}, place, k), (line, ${list}))
ORDER BY line, place`;
}

/* How many rows of a step have a value of a bucket. Of durations the buckets are those that roll-ups know, eight to a doubling: `low` is the
 * least of one; of other numbers bucket n is 10^(n/24) to 10^((n+1)/24). Without a bucket, or low 0: zero or less. */
export const BUCKETS_A_DECADE = 24;
export function heat_statement(scope: Scope, of: Field, step_us: number): string {
  const value = number_sql(of);
  const bucket = is_stepped(value) ? `log_step(${value})` : `CASE WHEN (${value}) > 0 THEN floor(${BUCKETS_A_DECADE} * log(${value}))::bigint END`;
  return `SELECT ${time_sql(step_us)}, bucket, n
FROM (
  SELECT ${bucket_sql(step_us)} AS b, ${bucket} AS bucket, count(*) AS n
  FROM ${TABLE}
  WHERE ${condition(scope).replaceAll("\n", "\n  ")}
    AND (${value}) IS NOT NULL
  GROUP BY 1, 2) s
ORDER BY t, bucket`;
}
/* What that answers, as cells. */
export function heat_answer(rows: readonly (readonly unknown[])[], of: Field, range: Range, step_us: number, lines_max: number): Heat {
  const is_eighths = is_stepped(number_sql(of));
  const bucket_of = (value: unknown) => (value === null || value === undefined || (is_eighths && Number(value) <= 0) ? null : is_eighths ? eighth_of(Number(value)) : Number(value));
  const points = rows.map((row) => ({ t_us: from_iso(String(row[0])), bucket: bucket_of(row[1]), count: Number(row[2]) }));
  return heat_of(points, range, step_us, is_eighths ? EIGHTHS : decades(BUCKETS_A_DECADE), lines_max, field_unit(of.name));
}
