/* Words of incidents. Pure. */
import type { Schemas } from "../api/client";

export type Incident = Schemas["Incident"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type IncidentEvent = IncidentDetail["events"][number];

export const STATES = [
  { name: "not_resolved", title: "Not resolved" },
  { name: "open", title: "Open" },
  { name: "acknowledged", title: "Acknowledged" },
  { name: "resolved", title: "Resolved" },
  { name: "all", title: "All" },
] as const;
export const SEVERITIES = ["info", "warning", "critical"] as const;

/* What the list asks for. */
export function list_query(query: URLSearchParams): Record<string, string | undefined> {
  const state = query.get("state") || "not_resolved";
  return {
    state: STATES.some((one) => one.name === state) ? state : "not_resolved",
    severity: query.get("severity") || undefined,
    service: query.get("service") || undefined,
    environment: query.get("env") || undefined,
  };
}

const WORDS: Record<string, string> = {
  opened: "opened",
  joined: "joined",
  worse: "got worse",
  signal_over: "is over",
  acknowledged: "acknowledged it",
  resolved: "resolved",
  reopened: "opened again",
  reminded: "people were reminded",
  muted: "muted it",
  unmuted: "ended the mute",
  note: "noted",
};

/* One line of the timeline. show: of a time in microseconds. */
export function event_words(event: IncidentEvent, show: (us: number) => string): { words: string; about: string } {
  const detail = (event.detail ?? {}) as Record<string, unknown>;
  const text = (name: string) => (typeof detail[name] === "string" ? (detail[name] as string) : "");
  const words = event.actor ? WORDS[event.what] ?? event.what : event.what === "resolved" ? "resolved: nothing of it goes on any more" : event.what === "unmuted" ? "the mute ended" : WORDS[event.what] ?? event.what;
  if (event.what === "muted" && typeof detail["until_unix_us"] === "number") return { words: `muted it until ${show(detail["until_unix_us"])}`, about: "" };
  if (event.what === "note") return { words, about: text("text") };
  return { words, about: [text("title"), text("severity")].filter(Boolean).join(", ") };
}

/* How long it lasted, or lasts. */
export function lasted_us(incident: Pick<Incident, "first_at" | "ended_at">, from_iso: (text: string) => number, now_us: number): number {
  return Math.max(0, (incident.ended_at ? from_iso(incident.ended_at) : now_us) - from_iso(incident.first_at));
}

/* The finding whose causes are shown: of what goes on the first, else of all; 0: none of it is one. */
export function first_finding(signals: readonly Pick<IncidentDetail["signals"][number], "path" | "ended_at">[]): number {
  const found = signals.filter((one) => /^findings\/[1-9]\d{0,11}$/.test(one.path ?? ""));
  const first = found.find((one) => !one.ended_at) ?? found[0];
  return first ? Number((first.path ?? "").slice("findings/".length)) : 0;
}
