/* What pages show of monitors: pure. */
import type { Schemas } from "../api/client";
import { named_series, type NamedPoint, type TimeSeries } from "../charts/series";
import { from_iso, type Range } from "../time";

export type Item = Schemas["MonitorItem"];
export type Monitor = Schemas["Monitor"];
export type Definition = Schemas["MonitorSet"];
export type State = Schemas["MonitorState"];
export type Happened = Schemas["MonitorEvent"];
export type Dry = Schemas["MonitorDry"];
export type Level = Item["level"];

export const KINDS = [
  { name: "threshold", title: "Threshold", words: "The value is above or below a level" },
  { name: "change", title: "Change", words: "It differs from the time before" },
  { name: "anomaly", title: "Anomaly", words: "It is not what is usual at this hour of the week, in deviations" },
  { name: "absence", title: "Absence", words: "Nothing comes" },
  { name: "burn", title: "Error budget", words: "The budget of an objective is spent too fast" },
] as const;

export const LEVEL_WORDS: Record<Level, string> = { ok: "OK", warning: "Warning", alert: "Alert", no_data: "No data" };
/* What stands in the list: the worst that is known of it. */
export function status_of(item: Pick<Item, "is_on" | "broken_since" | "level" | "evaluated_at">): { word: string; mark: "off" | "broken" | "new" | Level } {
  if (!item.is_on) return { word: "Off", mark: "off" };
  if (item.broken_since) return { word: "Not evaluated", mark: "broken" };
  if (!item.evaluated_at) return { word: "Not yet", mark: "new" };
  return { word: LEVEL_WORDS[item.level], mark: item.level };
}
const ORDER = ["broken", "alert", "no_data", "warning", "new", "ok", "off"];
export function listed(items: readonly Item[], words: string, level: string): Item[] {
  return items
    .filter((one) => `${one.title} ${one.slug} ${one.service}`.toLowerCase().includes(words.toLowerCase()) && (!level || status_of(one).mark === level))
    .sort((a, b) => ORDER.indexOf(status_of(a).mark) - ORDER.indexOf(status_of(b).mark) || a.title.localeCompare(b.title));
}

/* The answer of a dry run as a chart: values by group, and the levels as lines of their own. */
export function drawn_of(dry: Dry, condition: Definition["condition"], range: Range): TimeSeries {
  const shown = dry.series.filter((one, _, all) => one.group || all.length === 1); /* before there were groups there was one without a name */
  const points = shown.flatMap(({ group, points: list }): NamedPoint[] => list.map(([ms, value]) => ({ t_us: (ms ?? 0) * 1e3, name: group || "value", keys: group ? [group] : [], value: value ?? null })));
  const times = points.map((point) => point.t_us);
  const first = times.reduce((a, b) => Math.min(a, b), Infinity);
  const last = times.reduce((a, b) => Math.max(a, b), -Infinity);
  const levels: [string, number | undefined][] = condition.kind === "threshold" ? [["alert", condition.alert], ["warning", condition.warning]] : [];
  const step_us = dry.every_s * 1e6;
  for (const [name, level] of levels) if (level !== undefined) for (let t_us = first; t_us <= last; t_us += step_us) points.push({ t_us, name, keys: [name], value: level });
  return named_series(points, { range, step_us, unit: "number", adds_up: false, series_max: 12 });
}
/* What rises: a warning that an alert falls back to is no news. */
export const rises = (events: readonly Happened[]) => events.filter((one) => one.to !== "ok" && !(one.to === "warning" && one.from !== "ok"));
export const marks_of = (events: readonly Happened[]) => rises(events).map((one) => ({ t_us: from_iso(one.at), text: `${LEVEL_WORDS[one.to]}${one.group ? `: ${one.group}` : ""}` }));
