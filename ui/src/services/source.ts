/* Where the figures come from: what was counted of services while rows came, which costs no scan; SQL where that cannot say it (one
 * environment) or says it late (a few minutes, of which the last is not counted yet). Roll-ups of files answer the SQL where they can. */
import { api, query, type Schemas } from "../api/client";
import { environment, environment_condition } from "../frame/environment";
import { now_us, step_us as step_of, to_iso, type Range } from "../time";
import { project_api } from "./paths";
import { counted_range, health_statement, of_service, SHORT_US } from "./statement";
import type { Health, Issues } from "./services";
import { health_of_rollups, health_of_rows } from "./shape";

const STEPS = 40;
const ROWS_MAX = 100000;

export function is_sql(range: Range, env = environment.value): boolean {
  return env !== "" || range.to_us - range.from_us <= SHORT_US;
}

/* service: of this one alone. */
export async function load_health(project: string, asked: Range, signal: AbortSignal, service = ""): Promise<Health> {
  const range = counted_range(asked);
  const step_us = Math.max(1e6, step_of(range, STEPS));
  const env = environment_condition(environment.value);
  const where = service ? of_service(service, "", env) : env;
  const statement = health_statement(range, step_us, where);
  if (!is_sql(asked)) return load_counted_health(project, asked, signal, service, statement);
  const table = await query(project, statement, { limit: ROWS_MAX, signal, what: "the services" });
  return health_of_rows(table, range, step_us, statement, now_us());
}

/* From the counts alone, of all environments: what goes with calls, which they alone know. */
export async function load_counted_health(project: string, range: Range, signal: AbortSignal, service = "", statement = ""): Promise<Health> {
  const answer = await api<Schemas["ServiceHealth"]>(project_api(project, "services/health"), { query: { from: to_iso(range.from_us), to: to_iso(range.to_us), service }, signal });
  return health_of_rollups(answer, statement, now_us());
}

/* Issues that are new and have an event in the range, by service. */
export async function load_issues(project: string, range: Range, signal: AbortSignal): Promise<Issues> {
  const facets = await api<Schemas["IssueFacets"]>(project_api(project, "issues/facets"), {
    query: { state: "new", environment: environment.value, from: to_iso(range.from_us), to: to_iso(range.to_us) },
    signal,
  });
  return new Map(facets.services.map((one) => [one.value, one.issues]));
}
