/* What goes along from page to page of services: the time, the environment, and what the list is narrowed to. */
import { href, project_path, type Changes } from "../url";
import { address } from "../url";
import { term } from "../explore/search";

const KEPT = ["from", "to", "tz", "env", "live"];
const OF_LIST = ["q", "sort", "state"];

export function kept(): Record<string, string | null> {
  return Object.fromEntries(KEPT.map((name) => [name, address.value.query.get(name)]));
}
export function list_kept(): Record<string, string | null> {
  return Object.fromEntries([...KEPT, ...OF_LIST].map((name) => [name, address.value.query.get(name)]));
}
export function service_href(name: string, more: Changes = {}): string {
  return href(project_path("explore"), { ...kept(), q: term("service", name), ...more });
}
