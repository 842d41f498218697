/* Addresses: what goes along from the catalog to a metric and back. */
import { address, href, project_path, type Changes } from "../url";

const KEPT = ["from", "to", "tz", "env", "live"];
export function kept(): Record<string, string | null> {
  return Object.fromEntries(KEPT.map((name) => [name, address.value.query.get(name)]));
}
export const metric_href = (name: string, more: Changes = {}) => href(project_path(`metrics/${encodeURIComponent(name)}`), { ...kept(), ...more });
export const catalog_href = () => href(project_path("metrics"), kept());
