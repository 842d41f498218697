/* What the intake tells, as it is shown: how a key does, rates, how late, words of senders. Pure. */
import type { Schemas } from "../api/client";
import { from_iso, show_duration } from "../time";

export type Intake = Schemas["Intake"];
export type IntakeKey = Schemas["IntakeKey"];
export type IntakeSignal = Schemas["IntakeSignal"];
export type Reason = Schemas["IntakeReason"];
export type Sender = Schemas["IntakeSender"];
type Bar = IntakeSignal["series"][number];

/* How it does now. fails: its last request was refused. quiet: it sent, and has not for a while. */
export type Health = "sends" | "fails" | "quiet" | "never";
export const HEALTH: Record<Health, { mark: string; word: string; text: string }> = {
  sends: { mark: "●", word: "sends", text: "It sent within the last five minutes, and was taken." },
  fails: { mark: "✖", word: "refused", text: "Its last request was refused: see why below." },
  quiet: { mark: "○", word: "quiet", text: "It has not sent for more than five minutes." },
  never: { mark: "–", word: "never", text: "Nothing came with it in the last 32 days." },
};
const QUIET_US = 300e6;

function latest(times: readonly (string | null)[]): string | null {
  return times.reduce<string | null>((last, time) => (time !== null && (last === null || time > last) ? time : last), null);
}
export function seen_at(signals: readonly IntakeSignal[]): string | null {
  return latest(signals.map((signal) => signal.seen_at));
}
export function accepted_at(signals: readonly IntakeSignal[]): string | null {
  return latest(signals.map((signal) => signal.accepted_at));
}
export function health_of(signals: readonly IntakeSignal[], now_us: number): Health {
  const seen = seen_at(signals);
  if (seen === null) return "never";
  if (now_us - from_iso(seen) > QUIET_US) return "quiet";
  return signals.some((signal) => signal.seen_at !== null && signal.seen_at !== signal.accepted_at && now_us - from_iso(signal.seen_at) <= QUIET_US) ? "fails" : "sends";
}

/* One value a step over the whole range: 0 where nothing came. */
export function bars_of(series: readonly Bar[], of: (bar: Bar) => number, from: string, to: string, step_s: number): number[] {
  const step_us = step_s * 1e6;
  const first = Math.floor(from_iso(from) / step_us);
  const count = Math.max(1, Math.min(1000, Math.ceil(from_iso(to) / step_us) - first));
  const values = new Array<number>(count).fill(0);
  for (const bar of series) {
    const at = Math.floor(from_iso(bar.at) / step_us) - first;
    if (at >= 0 && at < count) values[at] = (values[at] ?? 0) + of(bar);
  }
  return values;
}
/* Bars of a line of 100 x 20; what is there at all has a height that is seen. */
export function bars_path(values: readonly number[], most: number, below: readonly number[] = []): string {
  const width = 100 / Math.max(1, values.length);
  const high = (value: number) => (value <= 0 ? 0 : Math.max(1, (value / Math.max(1, most)) * 20));
  return values
    .map((value, at) => {
      if (value <= 0) return "";
      const under = high(below[at] ?? 0);
      return `M${(at * width).toFixed(2)} ${(20 - under).toFixed(2)}v-${high(value).toFixed(2)}h${(width * 0.9).toFixed(2)}v${high(value).toFixed(2)}z`;
    })
    .join("");
}

/* "0.4 s, at most 3.2 s"; less than a millisecond is at once; a clock that is ahead is told. */
export function lag_words(lag: IntakeSignal["lag"]): string {
  if (!lag) return "";
  const show = (ms: number) => (ms < 1 ? "at once" : show_duration(ms * 1e6));
  const words = lag.max_ms < 1 ? "at once" : `${show(lag.mean_ms)}, at most ${show(lag.max_ms)}`;
  return `${words}${is_ahead(lag) ? `; its clock is ${show(-(lag.min_ms ?? 0))} ahead` : ""}`;
}
export function is_ahead(lag: IntakeSignal["lag"]): boolean {
  return !!lag && (lag.min_ms ?? 0) < -1000;
}
export function sender_words(sender: Sender): string {
  return [sender.sdk, sender.agent].filter(Boolean).join(" · ") || "says nothing of itself";
}
/* Senders that say the same of themselves for several signals are one line. */
export function senders_of(senders: readonly Sender[]): { words: string; signals: string; requests: number; seen_at: string }[] {
  const all = new Map<string, { words: string; signals: string[]; requests: number; seen_at: string }>();
  for (const sender of senders) {
    const words = sender_words(sender);
    const one = all.get(words) ?? { words, signals: [], requests: 0, seen_at: sender.seen_at };
    all.set(words, { words, signals: [...new Set([...one.signals, sender.signal])], requests: one.requests + sender.requests, seen_at: latest([one.seen_at, sender.seen_at]) ?? sender.seen_at });
  }
  return [...all.values()].map((one) => ({ ...one, signals: one.signals.sort().join(", ") }));
}
export function partial_of(reason: Reason): boolean {
  return reason.code === "partial";
}
/* What happened since, the latest first: for who waits for a first request. */
export function since(reasons: readonly Reason[], since_us: number): Reason[] {
  return reasons.filter((reason) => from_iso(reason.seen_at) >= since_us).sort((a, b) => (a.seen_at < b.seen_at ? 1 : -1));
}
