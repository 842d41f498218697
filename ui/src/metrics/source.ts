/* What a metric is, and what can be said of its points. */
import { query as sql_query } from "../api/client";
import type { Known } from "../explore/complete";
import { quoted } from "../explore/fields";
import { flat } from "../row/flat";
import { to_iso, type Range } from "../time";
import { metric_names, metric_query, type MetricName } from "./query";
import { fields_of } from "./shape";

/* From the catalog, which is some seconds behind; of what is newer, from its points. undefined: there are none in this time. */
export async function metric_load(project: string, name: string, range: Range, signal: AbortSignal): Promise<{ metric: MetricName | undefined; names: MetricName[] }> {
  const [from, to] = [to_iso(range.from_us), to_iso(range.to_us)];
  const names = await metric_names(from, to, { project, signal });
  const found = names.find((one) => one.name === name);
  if (found) return { metric: found, names };
  const answer = await metric_query({ name, from, to, limit: 1 }, { project, signal });
  if (!answer.type) return { metric: undefined, names };
  const { type, unit, description, temporality, is_monotonic, rows_read } = answer;
  return { metric: { name, type, unit, description, temporality, is_monotonic, points: rows_read, services: [], first_seen: "", last_seen: "" }, names };
}

const POINTS = 500;
/* What the newest points have been sent with: to group by, to search for. */
export async function fields_load(project: string, name: string, range: Range, signal?: AbortSignal): Promise<Known[]> {
  const statement = `SELECT attributes, resource FROM otel_metrics WHERE metric_name = ${quoted(name)} AND timestamp >= ${quoted(to_iso(range.from_us))} AND timestamp < ${quoted(to_iso(range.to_us))} ORDER BY timestamp DESC LIMIT ${POINTS}`;
  const table = await sql_query(project, statement, { limit: POINTS, what: `attributes of ${name}`, ...(signal ? { signal } : {}) });
  return fields_of(table.rows.map((row) => [...flat(row[0]), ...flat(row[1])]));
}
