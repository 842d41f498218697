/* The same figures as the counts of services, as SQL: for one environment, for short times, and for who wants to see it.
 * Pure. A request is a server or a consumer span; rows of no service have the name ''. */
import { bucket_sql } from "../explore/group";
import { percentiles } from "../explore/measure";
import { quoted } from "../explore/fields";
import { TABLE } from "../explore/statement";
import { to_iso, type Range } from "../time";

export const SERVICE_SQL = "resource___service___name";
export const IS_REQUEST = "kind IN ('server', 'consumer')";
const time = (from_us: number, to_us: number) => `timestamp >= ${quoted(to_iso(from_us))} AND timestamp < ${quoted(to_iso(to_us))}`;
const and = (...conditions: readonly string[]) => conditions.filter(Boolean).join("\n    AND ");

const HOUR_US = 3600e6;
/* What is counted: whole minutes, of long ranges whole hours or days, as roll-ups have them. A few minutes stay as they are. */
export const SHORT_US = 15 * 60e6;
export function counted_range({ from_us, to_us }: Range): Range {
  const length = to_us - from_us;
  if (length <= SHORT_US) return { from_us, to_us };
  const grain = length <= 6 * HOUR_US ? 60e6 : length <= 14 * 24 * HOUR_US ? HOUR_US : 24 * HOUR_US;
  return { from_us: Math.floor(from_us / grain) * grain, to_us: Math.ceil(to_us / grain) * grain };
}
/* Roll-ups know durations by the half hour: of hours in finer steps all rows would be read for a small line. */
export const durations_step = (range: Range, step_us: number): number => (range.to_us - range.from_us > 2 * HOUR_US ? Math.max(step_us, HOUR_US / 2) : step_us);

/* Each service in the range, over time too, and in the range before it: part, service, b (NULL: all of it), counts, and apart from these
 * its quantiles. Roll-ups of files answer each of the four; together they would be answered by rows, for they are by steps of other widths. */
export function health_statement(range: Range, step_us: number, where: string): string {
  const before = { from_us: 2 * range.from_us - range.to_us, to_us: range.from_us };
  const counts = `count(*) FILTER (WHERE ${IS_REQUEST}) AS requests,
       count(*) FILTER (WHERE ${IS_REQUEST} AND status_code = 'ERROR') AS errors,
       avg(duration) FILTER (WHERE ${IS_REQUEST}) AS mean,
       count(*) FILTER (WHERE kind <> 'log') AS spans, count(*) FILTER (WHERE kind <> 'log' AND status_code = 'ERROR') AS span_errors,
       count(*) FILTER (WHERE kind = 'log') AS logs, count(*) FILTER (WHERE kind = 'log' AND level IN ('ERROR', 'FATAL')) AS log_errors, NULL AS p`;
  const quantiles = `NULL, NULL, NULL, NULL, NULL, NULL, NULL, ${percentiles("duration", ["p50", "p95", "p99"])}`;
  const select = (part: string, bucket_us: number | undefined, what: string, { from_us, to_us }: Range, condition: string) =>
    `SELECT '${part}' AS part, coalesce(${SERVICE_SQL}, '') AS service, ${bucket_us === undefined ? "NULL" : bucket_sql(bucket_us)} AS b,
       ${what}
FROM ${TABLE}
WHERE ${and(time(from_us, to_us), where, condition)}
GROUP BY ${bucket_us === undefined ? "2" : "GROUPING SETS ((2), (2, 3))"}`;
  return `${[
    select("now", step_us, counts, range, ""),
    select("before", undefined, counts, before, ""),
    select("durations now", durations_step(range, step_us), quantiles, range, IS_REQUEST),
    select("durations before", undefined, quantiles, before, IS_REQUEST),
  ].join("\nUNION ALL\n")}
ORDER BY part, service, b NULLS FIRST`;
}

/* ---- one service ---- */

/* Of a service, or of one of its endpoints: the id is an element of `hashes`. */
export function of_service(service: string, endpoint = "", environment = ""): string {
  return and(environment, `${SERVICE_SQL} = ${quoted(service)}`, endpoint && `${quoted(endpoint)} = ANY(hashes)`);
}
/* What is counted of a service: its requests, or all its spans where it serves nothing. */
export type What = "request" | "span";
const is_counted = (what: What) => (what === "request" ? IS_REQUEST : "kind <> 'log'");
const requests = (range: Range, where: string, what: What = "request") => and(time(range.from_us, range.to_us), where, is_counted(what));

/* Rows: b, requests, errors, quantiles. */
export function series_statement(range: Range, step_us: number, where: string, what: What = "request"): string {
  return `SELECT ${bucket_sql(step_us)} AS b, count(*) AS requests, count(*) FILTER (WHERE status_code = 'ERROR') AS errors,
       ${percentiles("duration", ["p50", "p95", "p99"])} AS p
FROM ${TABLE}
WHERE ${requests(range, where, what)}
GROUP BY 1 ORDER BY 1`;
}

/* Rows: id, kind, method, route, requests, errors, mean, quantiles. */
export function endpoints_statement(range: Range, where: string): string {
  return `SELECT id, min(kind) AS kind, min(method) AS method, min(route) AS route, count(*) AS requests, count(*) FILTER (WHERE status_code = 'ERROR') AS errors,
       avg(duration) AS mean, percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration) AS p
FROM (
  SELECT unnest(hashes) AS id, kind, coalesce(attributes___http___request___method, '') AS method, coalesce(attributes___http___route, name) AS route, status_code, duration
  FROM ${TABLE}
  WHERE ${requests(range, where)}) r
WHERE length(id) = 36 AND strpos(id, ':') = 0
GROUP BY id ORDER BY requests DESC, id`;
}

/* What ran: version, instance, host, pod, first and last seen in twice the range, requests and errors in the range. */
export function instances_statement(range: Range, where: string, what: What = "request"): string {
  const is_now = `timestamp >= ${quoted(to_iso(range.from_us))} AND ${is_counted(what)}`;
  return `SELECT coalesce(resource___service___version, '') AS version, coalesce(resource___service___instance___id, '') AS instance,
       coalesce(resource___host___name, '') AS host, coalesce(resource___k8s___pod___name, '') AS pod, min(timestamp) AS first, max(timestamp) AS last,
       count(*) FILTER (WHERE ${is_now}) AS requests, count(*) FILTER (WHERE ${is_now} AND status_code = 'ERROR') AS errors
FROM ${TABLE}
WHERE ${and(time(2 * range.from_us - range.to_us, range.to_us), where)}
GROUP BY 1, 2, 3, 4 ORDER BY last DESC LIMIT 1000`;
}

export type TracesBy = "slowest" | "failed";
/* Requests whose traces are worth a look: time, name, duration, status, trace, span. */
export function traces_statement(range: Range, where: string, by: TracesBy, limit: number, what: What = "request"): string {
  return `SELECT timestamp, name, duration, status_code, context___trace_id, context___span_id
FROM ${TABLE}
WHERE ${and(requests(range, where, what), by === "failed" ? "status_code = 'ERROR'" : "duration IS NOT NULL")}
ORDER BY ${by === "failed" ? "timestamp" : "duration"} DESC LIMIT ${limit}`;
}

export function resource_statement(range: Range, where: string): string {
  return `SELECT resource FROM ${TABLE}
WHERE ${and(time(range.from_us, range.to_us), where)}
ORDER BY timestamp DESC LIMIT 1`;
}
