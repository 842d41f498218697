/* Which deployment environment is looked at: `env` of the address, empty for all of them. Every statement over rows adds
 * its condition, by the one function here; a trace is shown whole and says what else is in it.
 *
 *   with_environment("level = 'ERROR'")   -> resource___deployment___environment___name = 'prod' AND (level = 'ERROR')
 */
import { computed } from "@preact/signals";
import { quoted } from "../explore/fields";
import { param } from "../url";

export const ENVIRONMENT = "deployment.environment.name";
export const ENVIRONMENT_SQL = "resource___deployment___environment___name";
export const environment = computed(() => param("env"));

/* Empty: rows of all. */
export function environment_condition(name: string): string {
  return name ? `${ENVIRONMENT_SQL} = ${quoted(name)}` : "";
}

export function with_environment(where: string, name = environment.value): string {
  const own = environment_condition(name);
  return own && where ? `${own} AND (${where})` : own || where;
}

/* Those that spans of a trace have beside the one looked at, each once; none when all are looked at. */
export function other_environments(names: readonly string[], name: string): string[] {
  return name ? [...new Set(names)].filter((one) => one !== name).sort() : [];
}
