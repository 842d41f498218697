/* Times: what a person types (now-1h, 2026-11-27 03:00, 15m) and what is shown.
 *
 * A range is two texts, in the address as `from` and `to`: relative ones move with the clock, absolute ones stay, so a shared
 * link shows what its sender saw when its times are absolute. All is microseconds since 1970, as the store keeps it; zones:
 * the browser's, or UTC (`tz=utc`).
 */
export interface Range {
  from_us: number;
  to_us: number;
}

const UNITS: Record<string, number> = { ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6, w: 7 * 86400e6 };

export const RANGES: readonly { text: string; from: string }[] = [
  { text: "5 minutes", from: "now-5m" },
  { text: "15 minutes", from: "now-15m" },
  { text: "1 hour", from: "now-1h" },
  { text: "4 hours", from: "now-4h" },
  { text: "1 day", from: "now-1d" },
  { text: "7 days", from: "now-7d" },
  { text: "30 days", from: "now-30d" },
];
export const RANGE_FIRST = "now-1h";

/* Answers NaN for what is no time. */
export function parse_time(text: string, now_us: number, is_utc = false): number {
  const words = text.trim();
  if (words === "now") return now_us;
  const relative = /^(?:now\s*)?-\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(words) ?? /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(words);
  if (relative) return now_us - Number(relative[1]) * (UNITS[relative[2] ?? ""] ?? NaN);
  if (/^\d{10}$/.test(words)) return Number(words) * 1e6;
  if (/^\d{13}$/.test(words)) return Number(words) * 1e3;
  const date = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(words);
  if (!date) return NaN;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((at) => Number(date[at] ?? 0)) as [number, number, number, number, number, number];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return NaN;
  const fraction_us = Number(((date[7] ?? "") + "000000").slice(0, 6));
  const zone = date[8];
  if (zone || is_utc) {
    const offset = !zone || zone === "Z" ? 0 : (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
    return Date.UTC(year, month - 1, day, hour, minute - offset, second) * 1e3 + fraction_us;
  }
  return new Date(year, month - 1, day, hour, minute, second).getTime() * 1e3 + fraction_us;
}

export function now_us(): number {
  return Date.now() * 1e3;
}

/* to before from, or what is no time: the hour before now. */
export function parse_range(from: string, to: string, now = now_us(), is_utc = false): Range {
  const to_us = to ? parse_time(to, now, is_utc) : now;
  const from_us = parse_time(from || RANGE_FIRST, now, is_utc);
  if (Number.isNaN(from_us) || Number.isNaN(to_us) || from_us >= to_us) return { from_us: now - 3600e6, to_us: now };
  return { from_us, to_us };
}

/* The part of a range that is within another; where there is none, all of that. */
export function within(range: Range, bounds: Range | undefined): Range {
  if (!bounds) return range;
  const from_us = Math.max(range.from_us, bounds.from_us);
  const to_us = Math.min(range.to_us, bounds.to_us);
  return from_us < to_us ? { from_us, to_us } : bounds;
}

export function is_relative(text: string): boolean {
  return text === "" || text.startsWith("now");
}

export function to_iso(us: number): string {
  const ms = Math.floor(us / 1e3);
  const rest = Math.round(us - ms * 1e3);
  return new Date(ms).toISOString().replace("Z", rest ? String(rest).padStart(3, "0") + "Z" : "Z");
}

/* "2026-11-27T02:03:04.123456Z" and "2026-11-27 02:03:04.123456+00" */
export function from_iso(text: string): number {
  return parse_time(text.replace(/([+-]\d\d)$/, "$1:00"), 0, true);
}

const parts = (us: number, is_utc: boolean) => {
  const date = new Date(us / 1e3);
  return is_utc
    ? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
};
const two = (number: number | undefined) => String(number ?? 0).padStart(2, "0");

/* digits: of the second's fraction, 0 to 6. */
export function show_time(us: number, digits = 3, is_utc = false): string {
  const [year, month, day, hour, minute, second] = parts(us, is_utc);
  const fraction = digits ? "." + String(Math.floor(((us % 1e6) + 1e6) % 1e6)).padStart(6, "0").slice(0, digits) : "";
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
}
export function show_clock(us: number, digits = 3, is_utc = false): string {
  return show_time(us, digits, is_utc).slice(11);
}

export function show_duration(ns: number): string {
  if (!Number.isFinite(ns)) return "";
  const size = Math.abs(ns);
  if (size < 1e3) return `${Math.round(ns)} ns`;
  if (size < 1e6) return `${trim(ns / 1e3)} µs`;
  if (size < 1e9) return `${trim(ns / 1e6)} ms`;
  if (size < 60e9) return `${trim(ns / 1e9)} s`;
  if (size < 3600e9) return `${Math.floor(ns / 60e9)} m ${Math.round((ns % 60e9) / 1e9)} s`;
  if (size < 86400e9) return `${Math.floor(ns / 3600e9)} h ${Math.round((ns % 3600e9) / 60e9)} m`;
  return `${Math.floor(ns / 86400e9)} d ${Math.round((ns % 86400e9) / 3600e9)} h`;
}
function trim(number: number): string {
  return Math.abs(number) >= 100 ? number.toFixed(0) : Math.abs(number) >= 10 ? number.toFixed(1) : number.toFixed(2);
}

/* A width of bars that people can read, about `bars` of them over the range. */
const STEPS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
export function step_us(range: Range, bars = 80): number {
  const wanted = (range.to_us - range.from_us) / 1e6 / bars;
  return (STEPS_S.find((step) => step >= wanted) ?? 2592000) * 1e6;
}
