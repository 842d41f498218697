/* The facets: which values the fields at the side have, and how often. Pure.
 *
 *   fields of few values with a column --exact----> one pass over all rows, which reads dictionaries: 10 million in half a second
 *   all other fields                   --newest---> one pass over the newest rows alone, and the page says so
 *
 * What an attribute without a column says has to be read out of each row's JSON, and a million users do not fit in the memory
 * of one question: of the newest SAMPLE_ROWS rows both take a tenth of a second. Where not more rows were found than that, all
 * of it is exact. How far back the newest rows reach, the histogram knows.
 */
import type { Cell } from "../api/client";
import type { TimeSeries } from "../charts/series";
import type { Field } from "./fields";
import { condition, TABLE, type Scope } from "./statement";

export const FACET_VALUES = 12;
export const SAMPLE_ROWS = 50000;
/* Columns with as many values as there are people, calls or addresses. */
const OF_MANY_VALUES = new Set(["user.id", "user.email", "session.id", "trace_id", "span_id", "parent_id", "id", "client.address", "url.full", "url.path", "body", "db.query.text"]);

export function has_few_values(field: Field): boolean {
  return !field.sql.includes("->") && !OF_MANY_VALUES.has(field.name);
}
/* A condition that reads each row's JSON or text: once over all rows, for the histogram, is enough. */
export function is_slow(where: string): boolean {
  return /->|like|regexp|~/i.test(where);
}

/* Where the newest `wanted` rows begin, as far as bars can tell: inside a bar, whose rows may stand close together all the same, and
 * at the begin of that bar. to_us: where the last bar ends, which is not a whole one. Undefined: there are not more rows than that. */
export function newest_from(data: Pick<TimeSeries, "times" | "step_us" | "series">, to_us: number, wanted: number): { inside_us: number; bar_us: number } | undefined {
  let sum = 0;
  for (let at = data.times.length - 1; at >= 0; at--) {
    const count = data.series.reduce((all, one) => all + (one.values[at] ?? 0), 0);
    const begin = data.times[at] ?? 0;
    if (sum + count > wanted) return { inside_us: Math.round(begin + Math.min(data.step_us, to_us - begin) * (1 - (wanted - sum) / count)), bar_us: begin };
    sum += count;
  }
  return undefined;
}

/* All facets in one pass over the rows: a set of groups each, and of each the values that are met most. The groups are those of
 * the table itself, so that the server can put them together from what it keeps of whole files. */
export function facets_statement(scope: Scope, fields: readonly Field[]): string {
  const names = fields.map((_, at) => `f${at}`);
  const values = fields.map((field) => `(${field.sql})::text`);
  return `SELECT ${names.join(", ")}, g, n FROM (
  SELECT ${names.join(", ")}, g, n, row_number() OVER (PARTITION BY g ORDER BY n DESC, ${names.join(", ")}) AS place
  FROM (
    SELECT ${values.map((value, at) => `${value} AS f${at}`).join(",\n           ")},
           grouping(${values.join(", ")}) AS g, count(*) AS n
    FROM ${TABLE}
    WHERE ${condition(scope).replaceAll("\n", "\n    ")}
    GROUP BY GROUPING SETS (${names.map((name) => `(${name})`).join(", ")})) r) x
WHERE place <= ${FACET_VALUES}
ORDER BY g, place`;
}

export interface Facet {
  field: string;
  is_newest?: boolean; /* counted among the newest rows alone */
  values: { value: string; count: number }[];
}
/* Rows of facets_statement: which field a row is of, the bits of g say (0 where it was grouped by). */
export function facets_of(fields: readonly Field[], rows: readonly (readonly Cell[])[]): Facet[] {
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
