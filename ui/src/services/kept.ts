/* Addresses: what goes along from page to page of services (the time, the environment, what the list is narrowed to), and where
 * else what is shown leads. */
import { address, href, project_path, type Changes } from "../url";
import { term } from "../explore/search";
import type { NodeKind } from "./edges";
import { service_segment } from "./services";

const KEPT = ["from", "to", "tz", "env", "live"];
const OF_LIST = ["q", "sort", "state"];

export function kept(): Record<string, string | null> {
  return Object.fromEntries(KEPT.map((name) => [name, address.value.query.get(name)]));
}
export function list_kept(): Record<string, string | null> {
  return Object.fromEntries([...KEPT, ...OF_LIST].map((name) => [name, address.value.query.get(name)]));
}
export function service_href(name: string, more: Changes = {}): string {
  return href(project_path(`services/${service_segment(name)}`), { ...list_kept(), ...more });
}
/* Its rows in the explorer, narrowed by further words of the search language. */
export function rows_href(name: string, words = "", more: Changes = {}): string {
  return href(project_path("explore"), { ...kept(), q: [term("service", name), words].filter(Boolean).join(" "), ...more });
}
/* Of a node of the map: a service's page; the rows of a service that name it where it was inferred. Empty: nowhere. */
export function node_href(name: string, kind: NodeKind, of: string): string {
  if (kind === "service") return name ? service_href(name) : "";
  if (kind === "caller") return of ? rows_href(of, "kind:server") : "";
  const [system = "", ...rest] = name.split("/");
  const which = rest.join("/");
  if (kind === "database") return rows_href(of, [term("db.system.name", system), which && term("db.namespace", which)].filter(Boolean).join(" "));
  if (kind === "messaging") return rows_href(of, [term("messaging.system", system), which && term("messaging.destination.name", which)].filter(Boolean).join(" "));
  return name ? rows_href(of, term("server.address", name)) : rows_href(of, "kind:client");
}
