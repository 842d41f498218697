/* What EXPLAIN says, as the page shows it: how many files were left to read, and the steps. Pure. */
import type { Table } from "../api/client";
import { cell_text } from "./result";

export interface Plan {
  opened: number | undefined;
  considered: number | undefined;
  rollups: number | undefined; /* files answered from what was counted before */
  lines: string[];
}
export function plan_of(table: Table): Plan {
  const lines = table.rows.flatMap((row) => row.map(cell_text).join("  ").split("\n"));
  const files = lines.map((line) => /^\s*Files: (\d+) of (\d+)/.exec(line)).find(Boolean);
  const rollups = lines.map((line) => /^\s*Files answered from roll-ups: (\d+)/.exec(line)).find(Boolean);
  return { opened: files ? Number(files[1]) : undefined, considered: files ? Number(files[2]) : undefined, rollups: rollups ? Number(rollups[1]) : undefined, lines };
}
/* What can be explained: a statement that asks. */
export function can_explain(sql: string): boolean {
  return /^\s*(?:\/\*[\s\S]*?\*\/\s*|--[^\n]*\n\s*)*(?:select|with|values|table)\b/i.test(sql);
}
export function plan_words(plan: Plan): string {
  if (plan.opened === undefined || plan.considered === undefined) return "It reads no files.";
  const left = plan.considered - plan.opened;
  const words = plan.considered === 0 ? "There is no file yet: rows are in memory." : `${plan.opened} of ${plan.considered} files are read; ${left === 0 ? "none" : left} ${left === 1 ? "is" : "are"} left out by the conditions.`;
  return plan.rollups ? `${words} ${plan.rollups} are answered from roll-ups.` : words;
}
