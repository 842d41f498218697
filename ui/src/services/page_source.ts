/* What the page of one service asks: the counts of services where they can say it, else SQL. */
import { api, query, type Schemas } from "../api/client";
import { environment, environment_condition } from "../frame/environment";
import { step_us as step_of, to_iso, type Range } from "../time";
import { endpoints_of, endpoints_of_rows, instances_of, steps_of_counts, steps_of_rows, traces_of, type Endpoint, type Instance, type Steps, type TraceLine } from "./page_shape";
import { project_api } from "./paths";
import { is_sql } from "./source";
import { endpoints_statement, instances_statement, of_service, resource_statement, series_statement, traces_statement, type TracesBy, type What } from "./statement";
import { flat, type Attribute } from "../row/flat";

const STEPS = 80;
const ROWS_MAX = 100000;
export const TRACES = 10;
const where_of = (service: string, endpoint = "") => of_service(service, endpoint, environment_condition(environment.value));

export async function load_steps(project: string, range: Range, service: string, endpoint: string, what: What, signal: AbortSignal): Promise<Steps> {
  const step = Math.max(1e6, step_of(range, STEPS));
  const statement = series_statement(range, step, where_of(service, endpoint), what);
  if (is_sql(range)) return steps_of_rows(await query(project, statement, { limit: ROWS_MAX, signal, what: "requests over time" }), range, step, statement);
  const counts = await api<Schemas["Counts"]>(project_api(project, "counts"), { query: { from: to_iso(range.from_us), to: to_iso(range.to_us), service, kind: what, endpoint, step: Math.max(60, step / 1e6) }, signal });
  return steps_of_counts(counts, statement);
}

export async function load_endpoints(project: string, range: Range, service: string, signal: AbortSignal): Promise<Endpoint[]> {
  if (is_sql(range)) return endpoints_of_rows((await query(project, endpoints_statement(range, where_of(service)), { limit: 5000, signal, what: "endpoints" })).rows);
  const items: Schemas["Endpoint"][] = [];
  let cursor: string | undefined;
  do {
    const page: { items: Schemas["Endpoint"][]; next_cursor?: string | null } = await api(project_api(project, "endpoints"), { query: { service, from: to_iso(range.from_us), to: to_iso(range.to_us), limit: 1000, cursor }, signal });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor && items.length < 5000);
  return endpoints_of(items);
}

export async function load_instances(project: string, range: Range, service: string, what: What, signal: AbortSignal): Promise<Instance[]> {
  return instances_of((await query(project, instances_statement(range, where_of(service), what), { limit: 1000, signal, what: "releases and instances" })).rows);
}
export async function load_traces(project: string, range: Range, service: string, endpoint: string, by: TracesBy, what: What, signal: AbortSignal): Promise<TraceLine[]> {
  return traces_of((await query(project, traces_statement(range, where_of(service, endpoint), by, TRACES, what), { signal, what: "traces" })).rows);
}
export async function load_resource(project: string, range: Range, service: string, signal: AbortSignal): Promise<Attribute[]> {
  return flat((await query(project, resource_statement(range, where_of(service)), { signal, what: "its resource" })).rows[0]?.[0]);
}
