/* Who calls whom: edges of the roll-ups, and what they are for one service. Pure but for load_edges. */
import { api, type Schemas } from "../api/client";
import { to_iso, type Range } from "../time";
import { project_api } from "./paths";
import { figures_of } from "./shape";
import type { Figures } from "./services";

export type NodeKind = "service" | "database" | "messaging" | "external" | "caller";
export interface Edge {
  source: string;
  source_kind: NodeKind;
  target: string;
  target_kind: NodeKind;
  figures: Figures; /* of its calls, as the caller sees them */
}
const PAGES_MAX = 10;
const PAGE = 1000;

/* All, or those of one service. is_whole: false when there are more than ten thousand. */
export async function load_edges(project: string, range: Range, signal: AbortSignal, service = ""): Promise<{ edges: Edge[]; is_whole: boolean }> {
  const edges: Edge[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer: { items: Schemas["Edge"][]; next_cursor?: string | null } = await api(project_api(project, "edges"), { query: { from: to_iso(range.from_us), to: to_iso(range.to_us), limit: PAGE, cursor, ...(service && { service }) }, signal });
    for (const { source, source_kind, target, target_kind, calls, errors, duration_ns } of answer.items)
      edges.push({ source, source_kind, target, target_kind, figures: figures_of({ requests: calls, request_errors: errors, duration_ns }) });
    cursor = answer.next_cursor ?? undefined;
    if (!cursor) return { edges, is_whole: true };
  }
  return { edges, is_whole: false };
}

const by_calls = (a: Edge, b: Edge) => b.figures.requests - a.figures.requests || (a.source + a.target < b.source + b.target ? -1 : 1);
export const calls_of = (edges: readonly Edge[], name: string, kind: NodeKind = "service"): Edge[] => edges.filter((one) => one.source === name && one.source_kind === kind).sort(by_calls);
export const callers_of = (edges: readonly Edge[], name: string, kind: NodeKind = "service"): Edge[] => edges.filter((one) => one.target === name && one.target_kind === kind).sort(by_calls);

export const KINDS: Readonly<Record<NodeKind, { title: string; mark: string }>> = {
  service: { title: "service", mark: "◎" },
  database: { title: "database", mark: "▤" },
  messaging: { title: "queue", mark: "⇶" },
  external: { title: "outside", mark: "↗" },
  caller: { title: "callers from outside", mark: "↘" },
};
/* A caller from outside has no name, and some calls name nobody. */
export const node_title = (name: string, kind: NodeKind): string => name || (kind === "caller" ? "from outside" : "not named");
