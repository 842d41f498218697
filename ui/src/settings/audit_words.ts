/* What the audit log is filtered by, and its details in words. Pure. */
export const ACTIONS: readonly { action: string; text: string }[] = [
  { action: "key.", text: "API keys" },
  { action: "member.", text: "members" },
  { action: "project.", text: "the project" },
  { action: "retention.", text: "retention" },
  { action: "redaction_rule.", text: "redaction rules" },
  { action: "replay", text: "recordings" },
  { action: "limit.", text: "limits" },
  { action: "llm.", text: "the language model" },
  { action: "share.", text: "share links" },
  { action: "error_rules.", text: "grouping rules" },
  { action: "source_map.", text: "source maps" },
  { action: "view.", text: "saved views" },
  { action: "sql.", text: "changes by SQL" },
  { action: "issue.", text: "issues" },
  { action: "team.", text: "teams" },
  { action: "user.", text: "users" },
  { action: "session.", text: "signing in" },
];
export const SINCE: readonly { from: string; text: string }[] = [
  { from: "", text: "ever" },
  { from: "now-1h", text: "an hour" },
  { from: "now-24h", text: "a day" },
  { from: "now-7d", text: "7 days" },
  { from: "now-30d", text: "30 days" },
];

/* {"role": "viewer", "at": null} -> "role viewer" */
export function details_words(details: Record<string, unknown>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
