/* A panel made of what a page shows: pure. The explorer gives its address, the SQL page its statement, a question its plan. */
import { step_of, type Plan } from "../ask/plan";
import type { Panel, PanelKind } from "./load";

const KINDS: Record<string, PanelKind> = { "": "rows", rows: "rows", line: "lines", bar: "bars", stacked: "stacked", top: "top", table: "table", heat: "heat" };
const OF_SEARCH = ["q", "sql", "by", "agg", "of", "top", "across", "cols"];

const titled = (title: string) => title.slice(0, 120);

/* undefined: no panel shows it. */
export function panel_of_page(path: string, query: URLSearchParams, title: string, statement: string | undefined): Panel | undefined {
  const view = /^\/p\/[^/]+\/([^/]*)/.exec(path)?.[1];
  if (view === "sql" && statement) return { title: titled(title), kind: "table", source: { sql: statement } };
  if (view !== "explore") return undefined;
  const kind = KINDS[query.get("viz") ?? ""];
  if (!kind) return undefined;
  const kept = new URLSearchParams();
  for (const name of OF_SEARCH) {
    const value = query.get(name);
    if (value) kept.set(name, value);
  }
  return { title: titled(title), kind, source: { search: kept.toString() } };
}

/* as: how the page draws it. */
export function panel_of_plan(plan: Plan, title: string, as: string): Panel {
  const is_list = plan.display === "table" && plan.groups.length === 1 && plan.measures.length === 1 && as !== "table";
  const chart: PanelKind = as === "table" ? "table" : as === "line" || as === "grouped" ? "lines" : as === "areas" ? "stacked" : plan.measures.length === 1 && (plan.measures[0]?.kind === "count" || plan.measures[0]?.kind === "sum") ? "bars" : "lines";
  const kind: PanelKind = plan.display === "number" ? "stat" : plan.display === "chart" ? chart : plan.display === "table" ? (is_list ? "top" : "table") : "rows";
  return { title: titled(title), kind, source: { ask: { ...plan, before: null, ...(plan.display === "chart" ? { step: step_of(plan) } : {}) } } };
}

/* Which kinds can show the same source. */
export function kinds_of(panel: Panel): readonly PanelKind[] {
  const { source } = panel;
  if (source.markdown !== undefined) return ["markdown"];
  if (source.metric) return ["lines", "bars", "stacked", "top", "table", "heat", "stat"];
  if (source.ask) {
    const { display } = source.ask;
    return display === "chart" ? ["lines", "bars", "stacked", "top"] : display === "table" ? ["top", "table"] : display === "number" ? ["stat"] : ["rows"];
  }
  const all: readonly PanelKind[] = ["lines", "bars", "stacked", "top", "table", "heat", "stat", "rows"];
  return source.sql === undefined ? all : all.filter((kind) => kind !== "rows");
}
export const KIND_TITLES: Record<PanelKind, string> = { lines: "Lines", bars: "Bars", stacked: "Stacked", top: "Top list", table: "Table", heat: "Heat map", stat: "Number", rows: "Rows", markdown: "Words" };
