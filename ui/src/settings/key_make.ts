/* What a key may, and how long. Pure. */
import type { Schemas } from "../api/client";

export type Scope = Schemas["KeyScope"];
export const SCOPES: readonly { name: Scope; word: string; text: string }[] = [
  { name: "ingest", word: "send", text: "telemetry, by gRPC and HTTP" },
  { name: "query", word: "read", text: "SQL, search, what a viewer reads by the API" },
  { name: "admin", word: "change", text: "keys, redaction rules, retention, members" },
];
export function scopes_of(scopes: readonly Scope[]): string {
  const words = SCOPES.filter((scope) => scopes.includes(scope.name)).map((scope) => scope.word);
  return words.length < 2 ? (words[0] ?? "nothing") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

export const LIVES: readonly { days: number; text: string }[] = [
  { days: 0, text: "never, until it is revoked" },
  { days: 7, text: "in 7 days" },
  { days: 30, text: "in 30 days" },
  { days: 90, text: "in 90 days" },
  { days: 365, text: "in a year" },
];
export function expires_of(days: number, now_ms: number): string {
  return new Date(now_ms + days * 86400e3).toISOString();
}
