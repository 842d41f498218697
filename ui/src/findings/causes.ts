/* What a finding likely comes from, and where each cause leads: pure. */
import type { Schemas } from "../api/client";
import { selection_write } from "../explore/selection";
import { term } from "../explore/search";
import { service_segment } from "../services/services";
import { from_iso, to_iso } from "../time";

export type Cause = Schemas["FindingCause"];
export type Causes = NonNullable<Schemas["FindingCauses"]>;
export interface Way {
  text: string;
  path: string; /* below the project */
  query: Record<string, string>;
}
const KINDS: Record<Cause["kind"], string> = { service: "service", database: "database", messaging: "queue", external: "host outside", caller: "caller from outside" };

export const kind_words = (cause: Cause): string => KINDS[cause.kind];
/* Of what all causes share: "82%"; less than one of a hundred is not none. */
export const show_score = (score: number): string => (score < 0.01 ? "<1%" : `${Math.round(score * 100)}%`);

/* Where one looks next: its service with the time around, its issue, its traces since and before, those with what sets them apart, and what else changed then. */
export function ways_of(cause: Cause, { from, since, to }: Causes): Way[] {
  const around = { from, to: to_iso(from_iso(to)) };
  const ways: Way[] = [];
  const service = term("service", cause.place);
  if (cause.kind === "service") ways.push({ text: "Service", path: `services/${service_segment(cause.place)}`, query: around });
  else ways.push({ text: "Map", path: "services/map", query: around });
  if (cause.issue) ways.push({ text: `Issue #${cause.issue.number}`, path: `issues/${cause.issue.number}`, query: {} });
  if (cause.kind !== "service") return ways;
  const rows = `${service} kind:server${cause.trouble === "errors" ? " status:error" : ""}`;
  ways.push({ text: "Requests since", path: "explore", query: { from: since, to: around.to, q: rows } }, { text: "Before", path: "explore", query: { from, to: since, q: rows } });
  if (cause.attribute) ways.push({ text: "Its rows", path: "explore", query: { ...around, from: since, q: `${service} ${term(cause.attribute.name, cause.attribute.value)}` } });
  ways.push({ text: "What is different", path: "explore", query: { ...around, q: service, sel: selection_write({ from_us: from_iso(since), to_us: from_iso(to) }), viz: "difference" } });
  return ways;
}
