/* Times in few words, for chips: the reading has them whole. Pure. */
import { from_iso, show_time } from "../time";

const MINUTES_US = 600e6; /* seconds matter to what is shorter */

/* "2026-10-26", "2026-10-20 to 2026-10-26" (whole days, the last one too), "2026-10-26 09:00 to 11:30". */
export function range_words({ from, to }: { from: string; to: string }, is_utc: boolean): string {
  const from_us = from_iso(from);
  const to_us = from_iso(to);
  const first = show_time(from_us, 0, is_utc);
  const end = show_time(to_us, 0, is_utc);
  if (first.endsWith(" 00:00:00") && end.endsWith(" 00:00:00") && to_us > from_us) {
    const last = show_time(to_us - 1, 0, is_utc).slice(0, 10);
    return last === first.slice(0, 10) ? last : `${first.slice(0, 10)} to ${last}`;
  }
  const length = to_us - from_us < MINUTES_US ? 19 : 16;
  const is_one_day = first.slice(0, 10) === end.slice(0, 10);
  return `${first.slice(0, length)} to ${end.slice(is_one_day ? 11 : 0, length)}`;
}
