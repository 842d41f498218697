/* How long ago, and in how long, in one unit. Pure. */
import { from_iso, now_us } from "../time";

export function ago(text: string | null | undefined, now = now_us()): string {
  if (!text) return "never";
  const past_us = now - from_iso(text);
  if (past_us < 0) return `in ${one_unit(-past_us)}`;
  return past_us < 2e6 ? "just now" : `${one_unit(past_us)} ago`;
}
/* "3 s", "5 min", "12 h", "40 d" */
export function one_unit(us: number): string {
  if (us < 60e6) return `${Math.round(us / 1e6)} s`;
  if (us < 3600e6) return `${Math.floor(us / 60e6)} min`;
  return us < 2 * 86400e6 ? `${Math.floor(us / 3600e6)} h` : `${Math.floor(us / 86400e6)} d`;
}
