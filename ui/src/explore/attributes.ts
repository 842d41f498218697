/* The attributes that a project's rows have, with values that come often: what the query bar proposes. Kept for a minute. */
import { api, type Schemas } from "../api/client";
import { merged, type Known } from "./complete";

type Page = { items: Schemas["Attribute"][]; next_cursor?: string };
const KEPT_MS = 60000;
const ATTRIBUTES_MAX = 2000;
const VALUES = 30;

let kept: { project: string; at_ms: number; list: Promise<Known[]> } | undefined;

export function attributes_load(project: string): Promise<Known[]> {
  if (kept?.project === project && Date.now() - kept.at_ms < KEPT_MS) return kept.list;
  const list = read(project);
  kept = { project, at_ms: Date.now(), list };
  list.catch(() => (kept = undefined));
  return list;
}

async function read(project: string): Promise<Known[]> {
  const items: Page["items"] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await api<Page>(`/projects/${encodeURIComponent(project)}/attributes`, { query: { values: VALUES, from: "now-7d", limit: 500, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < ATTRIBUTES_MAX);
  return merged(items);
}
