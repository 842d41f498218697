/* The time range of the page, from `from`, `to`, `tz` and `live` of the address. Relative ranges are fixed when they are read
 * (a chart and a table of one view must mean the same minute) and read anew by `refresh`, every some seconds when live.
 */
import { computed, effect, signal } from "@preact/signals";
import { me } from "../session";
import { change, param } from "../url";
import { from_iso, is_relative, parse_range, RANGE_FIRST, to_iso, within, type Range } from "../time";

const read_at = signal(Date.now() * 1e3);
export const is_utc = computed(() => param("tz") === "utc");
export const from_text = computed(() => param("from") || RANGE_FIRST);
export const to_text = computed(() => param("to"));
export const is_live = computed(() => param("live") === "1" && !bounds.value && is_relative(to_text.value));
/* Who came by a link sees no other time. */
export const bounds = computed<Range | undefined>(() => (me.value?.kind === "share" ? { from_us: from_iso(me.value.from ?? ""), to_us: from_iso(me.value.to ?? "") } : undefined));
export const range = computed<Range>(() => within(parse_range(from_text.value, to_text.value, read_at.value, is_utc.value), bounds.value));

export function refresh(): void {
  read_at.value = Date.now() * 1e3;
}
/* Another range is another reading of the clock. */
effect(() => {
  void (from_text.value + to_text.value);
  refresh();
});

export function range_set(from: string, to = ""): void {
  change({ from, to, live: null });
}
export function range_zoom(wanted_from_us: number, wanted_to_us: number): void {
  const { from_us, to_us } = within({ from_us: wanted_from_us, to_us: wanted_to_us }, bounds.value);
  if (to_us - from_us >= 1000) range_set(to_iso(from_us), to_iso(to_us));
}
/* The same length, by its middle; factor 2 shows twice as much. */
export function range_scale(factor: number): void {
  const { from_us, to_us } = range.value;
  const middle = (from_us + to_us) / 2;
  const half = ((to_us - from_us) / 2) * factor;
  range_zoom(middle - half, Math.min(middle + half, Date.now() * 1e3));
}
export function range_shift(steps: number): void {
  const { from_us, to_us } = range.value;
  const width = (to_us - from_us) * steps;
  range_zoom(from_us + width, to_us + width);
}
