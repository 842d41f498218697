/* What a recording is made of, for the player: pure.
 *
 *   batches --events_of--> stage: what rrweb's Replayer builds; marks: what happened, in order; holes: when nothing came, and why
 */
export interface ReplayEvent {
  type: number;
  timestamp: number;
  data: Record<string, unknown>;
}
export interface Batch {
  tab: string;
  recording: string;
  sequence?: number; /* absent: the recorder does not number them */
  isLast?: boolean;
  events: ReplayEvent[];
}
export type MarkKind = "click" | "navigation" | "error" | "rage_click" | "console" | "network" | "vital" | "event";
export interface Mark {
  kind: MarkKind;
  at_ms: number; /* unix */
  title: string;
  level: string; /* error, warn or "" */
  trace_id: string;
  span_id: string;
  duration_ms: number;
}
export interface Hole {
  from_ms: number;
  to_ms: number;
  why: string;
}
export interface Shaped {
  stage: ReplayEvent[];
  marks: Mark[];
  holes: Hole[];
  from_ms: number; /* of the first event */
  to_ms: number;
  seen_ms: number; /* from here on there is something to see; Infinity: never */
}
const META = 4, FULL_SNAPSHOT = 2, INCREMENTAL = 3, CUSTOM = 5;
const MARKS_MAX = 20000;

const text = (value: unknown): string => (typeof value === "string" ? value : value === undefined || value === null ? "" : String(value));
const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);
const id = (value: unknown, digits: number): string => (typeof value === "string" && value.length === digits && /^[0-9a-f]+$/.test(value) ? value : "");

/* Events as a page sent them may be anything: what has no time or no data is left out. */
function is_event(value: unknown): value is ReplayEvent {
  const event = value as ReplayEvent | null;
  return typeof event === "object" && event !== null && Number.isFinite(event.type) && Number.isFinite(event.timestamp) && event.timestamp > 0 && typeof event.data === "object" && event.data !== null;
}

export function mark_of(event: ReplayEvent): Mark | undefined {
  const base = { at_ms: event.timestamp, level: "", trace_id: "", span_id: "", duration_ms: 0 };
  if (event.type === META) return { ...base, kind: "navigation", title: text(event.data["href"]) };
  if (event.type === INCREMENTAL) return event.data["source"] === 2 && event.data["type"] === 2 ? { ...base, kind: "click", title: "Click" } : undefined;
  if (event.type !== CUSTOM) return undefined;
  const told = (typeof event.data["payload"] === "object" && event.data["payload"] !== null ? event.data["payload"] : {}) as Record<string, unknown>;
  switch (event.data["tag"]) {
    case "console":
      return { ...base, kind: "console", level: text(told["level"]), title: text(told["text"]) };
    case "network": {
      const status = number(told["status"]);
      const words = [text(told["method"]), text(told["url"]), status ? String(status) : "no answer"].filter(Boolean).join(" ");
      return { ...base, kind: "network", at_ms: number(told["start_ms"]) || event.timestamp, level: status >= 400 || status === 0 ? "error" : "", title: words, trace_id: id(told["trace_id"], 32), span_id: id(told["span_id"], 16), duration_ms: number(told["duration_ms"]) };
    }
    case "error":
      return { ...base, kind: "error", level: "error", title: [text(told["type"]), text(told["message"])].filter(Boolean).join(": ") || "Error", trace_id: id(told["trace_id"], 32) };
    case "navigation":
      return { ...base, kind: "navigation", title: text(told["url"]) };
    case "rage_click":
      return { ...base, kind: "rage_click", level: "warn", title: `Clicked again and again: ${text(told["selector"])}` };
    case "vital":
      return { ...base, kind: "vital", title: `${text(told["name"])} ${Math.round(number(told["value"]) * 1000) / 1000}` };
    case "event":
      return { ...base, kind: "event", title: text(told["name"]) };
    default:
      return undefined;
  }
}

function pause_of(event: ReplayEvent): string {
  const tag = event.type === CUSTOM ? event.data["tag"] : undefined;
  if (tag === "idle") return "nobody did anything: the recorder waited";
  return tag === "throttled" ? "the page changed more than is recorded: the recorder waited" : "";
}

/* Of one tab. Batches in any order; one that is there twice counts once. */
export function shape(batches: readonly Batch[]): Shaped {
  const shaped: Shaped = { stage: [], marks: [], holes: [], from_ms: Infinity, to_ms: 0, seen_ms: Infinity };
  const recordings = new Map<string, Map<number | Batch, Batch>>();
  for (const batch of batches) {
    const own = recordings.get(batch.recording) ?? new Map<number | Batch, Batch>();
    recordings.set(batch.recording, own.set(batch.sequence ?? batch, batch));
  }
  for (const own of recordings.values()) recording_add(shaped, [...own.values()].sort((a, b) => place_of(a) - place_of(b)));
  shaped.stage.sort((a, b) => a.timestamp - b.timestamp); /* stable: those of one millisecond stay as they were recorded */
  shaped.marks.sort((a, b) => a.at_ms - b.at_ms);
  shaped.marks.length = Math.min(shaped.marks.length, MARKS_MAX);
  shaped.holes.sort((a, b) => a.from_ms - b.from_ms);
  const first = shaped.stage.find((event) => event.type === FULL_SNAPSHOT);
  if (first) shaped.seen_ms = first.timestamp;
  return shaped;
}

/* In its recording: its number, or the time of its first event. */
function place_of(batch: Batch): number {
  return batch.sequence ?? (Array.isArray(batch.events) ? batch.events.find(is_event)?.timestamp : undefined) ?? 0;
}

function recording_add(shaped: Shaped, batches: readonly Batch[]): void {
  let next = 0, last_ms = 0, paused = "", meta: ReplayEvent | undefined, has_snapshot = false, href = "";
  for (const batch of batches) {
    const events = (Array.isArray(batch.events) ? batch.events : []).filter(is_event);
    const first_ms = events[0]?.timestamp ?? last_ms;
    if (batch.sequence !== undefined && batch.sequence > next) {
      const missing = batch.sequence - next === 1 ? `batch ${next} has not come` : `batches ${next} to ${batch.sequence - 1} have not come`;
      shaped.holes.push({ from_ms: last_ms || first_ms, to_ms: first_ms, why: missing });
    }
    next = (batch.sequence ?? next) + 1;
    for (const event of events) {
      if (paused && event.type !== CUSTOM) {
        shaped.holes.push({ from_ms: last_ms, to_ms: event.timestamp, why: paused });
        paused = "";
      }
      paused = pause_of(event) || paused;
      last_ms = Math.max(last_ms, event.timestamp);
      shaped.from_ms = Math.min(shaped.from_ms, event.timestamp);
      shaped.to_ms = Math.max(shaped.to_ms, event.timestamp);
      const mark = mark_of(event);
      if (mark && !(mark.kind === "navigation" && mark.title === href)) shaped.marks.push(mark);
      if (mark?.kind === "navigation") href = mark.title;
      if (event.type === META) meta = event;
      if (event.type === FULL_SNAPSHOT && !has_snapshot) {
        has_snapshot = true;
        if (meta) shaped.stage.push(meta);
      }
      /* Changes of a document that is not known would be made to that of the recording before. */
      if (has_snapshot && (event.type === FULL_SNAPSHOT || event.type === INCREMENTAL || event.type === META) && event !== (shaped.stage.at(-1) ?? null)) shaped.stage.push(event);
    }
  }
  if (!has_snapshot && batches.length > 0 && last_ms > 0) {
    const from_ms = batches.flatMap((batch) => batch.events.filter(is_event))[0]?.timestamp ?? last_ms;
    shaped.holes.push({ from_ms, to_ms: last_ms, why: "its first snapshot has not come: there is nothing to show" });
  }
}

/* "3:07", "1:02:03" */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/* Which line is the present one: the last at or before; -1 none. */
export function present(list: readonly { at_ms: number }[], now_ms: number): number {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.at_ms ?? Infinity) <= now_ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/* "at" of the address: milliseconds since the session's beginning, or of the clock. */
export function moment(at: string, from_ms: number): number | undefined {
  if (!/^\d{1,14}$/.test(at)) return undefined;
  const ms = Number(at);
  return ms >= 1e12 ? ms : from_ms + ms;
}

/* "12 spans, 2 errors, of checkout, payments"; nothing while nobody has looked, or nothing was there. */
export function backend_words(backend: { spans: number; errors: number; services: readonly string[] }): string {
  if (backend.spans === 0) return "";
  const count = (n: number, one: string) => (n === 1 ? `1 ${one}` : `${n.toLocaleString("en-US")} ${one}s`);
  const services = backend.services.length > 3 ? `${backend.services.slice(0, 3).join(", ")} and ${backend.services.length - 3} more` : backend.services.join(", ");
  return `${count(backend.spans, "backend span")}, ${count(backend.errors, "error")}, of ${services}`;
}

/* Of a user agent, what people know it by. */
export function browser_of(agent: string): string {
  const found = /(Edg|OPR|Firefox|Chrome|Version)\/(\d+)/.exec(agent.replace(/Chrome\/\d+[\d.]* (?=.*(Edg|OPR)\/)/, ""));
  const name = { Edg: "Edge", OPR: "Opera", Firefox: "Firefox", Chrome: "Chrome", Version: "Safari" }[found?.[1] ?? ""];
  const system = /iPhone|iPad/.test(agent) ? "iOS" : /Android/.test(agent) ? "Android" : /Windows/.test(agent) ? "Windows" : /Mac OS X/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
  return [name ? `${name} ${found?.[2] ?? ""}` : "", system].filter(Boolean).join(", ");
}
