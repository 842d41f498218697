/* The same figures as roll-ups give, as SQL over the rows: for one environment, for short times, and for who wants to see it.
 * Pure. A request is a server or a consumer span; rows of no service have the name ''. */
import { bucket_sql } from "../explore/group";
import { quoted } from "../explore/fields";
import { TABLE } from "../explore/statement";
import { to_iso, type Range } from "../time";

export const SERVICE_SQL = "resource___service___name";
export const IS_REQUEST = "kind IN ('server', 'consumer')";
const time = (from_us: number, to_us: number) => `timestamp >= ${quoted(to_iso(from_us))} AND timestamp < ${quoted(to_iso(to_us))}`;
const and = (...conditions: readonly string[]) => conditions.filter(Boolean).join("\n    AND ");

/* Each service in the range and in the one before it (is_now), and in each step of the range: service, is_now, is_whole, b, then figures. */
export function health_statement(range: Range, step_us: number, where: string): string {
  const length = range.to_us - range.from_us;
  return `SELECT service, is_now, grouping(b) AS is_whole, b, count(*) FILTER (WHERE is_request) AS requests,
       count(*) FILTER (WHERE is_request AND status_code = 'ERROR') AS errors,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY d) AS p, avg(d) AS mean,
       count(*) FILTER (WHERE kind <> 'log') AS spans, count(*) FILTER (WHERE kind <> 'log' AND status_code = 'ERROR') AS span_errors,
       count(*) FILTER (WHERE kind = 'log') AS logs, count(*) FILTER (WHERE kind = 'log' AND level IN ('ERROR', 'FATAL')) AS log_errors
FROM (
  SELECT coalesce(${SERVICE_SQL}, '') AS service, timestamp >= ${quoted(to_iso(range.from_us))} AS is_now, kind, status_code, level,
         CASE WHEN timestamp >= ${quoted(to_iso(range.from_us))} THEN ${bucket_sql(step_us)} END AS b,
         ${IS_REQUEST} AS is_request, CASE WHEN ${IS_REQUEST} THEN duration END AS d
  FROM ${TABLE}
  WHERE ${and(time(range.from_us - length, range.to_us), where)}) r
GROUP BY GROUPING SETS ((service, is_now), (service, is_now, b))
ORDER BY service, is_now, is_whole DESC, b`;
}
