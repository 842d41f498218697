/* Log patterns as the kind "patterns" shows them: pure. The server makes the list (POST patterns/search). */
import type { Schemas } from "../api/client";
import { show_whole } from "../number";
import { condition, TABLE, type Scope } from "./statement";
import { quoted } from "./fields";

export type Pattern = Schemas["Pattern"];
export type PatternList = Schemas["PatternList"];

export const ORDERS = [
  { name: "count", title: "most lines" },
  { name: "change", title: "what changed" },
  { name: "new", title: "newest" },
] as const;

export interface Part {
  text: string;
  is_wild: boolean;
}
/* "user <*> paid": where lines differ, and what all have. */
export function pattern_parts(text: string): Part[] {
  return text
    .split(/(<\*>)/)
    .filter((part) => part !== "")
    .map((part) => ({ text: part, is_wild: part === "<*>" }));
}

/* The level of most of its lines. */
export function main_level(levels: Readonly<Record<string, number>>): string {
  let main = "";
  let most = 0;
  for (const [level, count] of Object.entries(levels)) {
    if (count <= most || level === "none") continue;
    main = level;
    most = count;
  }
  return main;
}

/* In words, for the mark and who hears it: "new", "5.2 times as many as before". */
export function change_words(pattern: Pick<Pattern, "change" | "count" | "before">): string {
  if (pattern.change === "new") return "new in this range";
  if (pattern.change === "gone") return `gone: ${show_whole(pattern.before)} before`;
  if (pattern.change === "same") return "";
  const ratio = pattern.change === "more" ? pattern.count / Math.max(1, pattern.before) : pattern.before / Math.max(1, pattern.count);
  const times = ratio >= 10 ? show_whole(ratio) : ratio.toFixed(1);
  return pattern.change === "more" ? (pattern.before === 0 ? "none before" : `${times} times as many`) : `${times} times fewer`;
}
export const CHANGE_MARKS: Readonly<Record<Pattern["change"], string>> = { new: "✚", more: "▲", less: "▼", gone: "○", same: "" };

export function share_words(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

/* What the list counts, as SQL: lines of each template by its element of hashes. */
export function patterns_statement(scope: Scope): string {
  return `SELECT h AS pattern, level, count(*) AS lines, min(timestamp) AS first, max(timestamp) AS last
FROM (SELECT unnest(hashes) AS h, level, timestamp FROM ${TABLE}
      WHERE kind = 'log' AND ${condition(scope)}) x
WHERE h LIKE 'pat:%'
GROUP BY 1, 2
ORDER BY lines DESC`;
}

/* Its rows, where the condition is typed as SQL. */
export function pattern_condition(ids: readonly string[], is_excluded: boolean): string {
  const some = `hashes && ARRAY[${ids.map((id) => quoted(`pat:${id}`)).join(", ")}]`;
  return is_excluded ? `(${some}) IS NOT TRUE` : some;
}
