/* Percentiles cost a reading of all rows each; those of one field and one search are read together: pure.
 *
 *   p95 as a number, p99 as a line, both of duration of service:web --together--> one statement with both, asked once (slots.ts)
 *
 * Panels whose steps of time differ stay apart; a number has no steps of its own and goes with the others. What groups is asked alone: which
 * groups come first depends on the measure. All else needs no such care: the server keeps sums of files. */
import type { Agg } from "../explore/measure";
import { is_percentile, measure_of } from "../explore/measure";
import type { Catalog } from "../explore/fields";
import { TREND_STEPS, search_of, steps_of } from "./asks";
import type { Panel } from "./load";
import type { Page, Values } from "./variables";

export interface Shared {
  aggs: readonly Agg[]; /* at least two */
  steps: number;
}
interface Member {
  id: string;
  agg: Agg;
  steps: number | undefined; /* undefined: any */
}

/* By the panel's id; those that are alone are not in it. */
export function together(panels: readonly Panel[], values: Values, page: Page, catalog: Catalog): Map<string, Shared> {
  const by_question = new Map<string, Member[]>();
  for (const panel of panels) {
    if (panel.source.search === undefined || !["stat", "lines", "bars", "stacked"].includes(panel.kind)) continue;
    const { q, is_sql, params } = search_of(panel, values, page);
    const { agg, of } = measure_of(catalog, params.get("agg") ?? "", params.get("of") ?? "");
    if (!is_percentile(agg) || (panel.kind !== "stat" && params.get("by"))) continue;
    const key = JSON.stringify([q, is_sql, of.sql]);
    const list = by_question.get(key) ?? [];
    by_question.set(key, list);
    list.push({ id: panel.id ?? "", agg, steps: panel.kind === "stat" ? undefined : steps_of(panel) });
  }
  const found = new Map<string, Shared>();
  for (const members of by_question.values()) {
    const first = members.find((one) => one.steps !== undefined)?.steps ?? TREND_STEPS;
    for (const steps of new Set(members.map((one) => one.steps ?? first))) {
      const those = members.filter((one) => (one.steps ?? first) === steps);
      const aggs = [...new Set(those.map((one) => one.agg))].sort();
      if (those.length > 1) for (const one of those) found.set(one.id, { aggs, steps });
    }
  }
  return found;
}
