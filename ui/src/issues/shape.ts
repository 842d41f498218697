/* What the page of an issue draws, out of what the server says: pure. */
import type { TimeMark } from "../charts/draw";
import type { TimeSeries } from "../charts/series";
import { from_iso, type Range } from "../time";
import type { IssueDetail } from "./issues";

const SERIES = 6;

/* A series for each environment; of more than six the rest together. */
export function over_time(detail: IssueDetail): TimeSeries {
  const { from, to, step_seconds, counts } = detail.issue.over_time;
  const begin_us = from_iso(from);
  const step_us = step_seconds * 1e6;
  const times = counts.map((_, at) => begin_us + at * step_us);
  const named = detail.environments.slice(0, SERIES);
  const rest = detail.environments.slice(SERIES);
  const series = named.map((one) => ({ name: one.environment || "no environment", keys: [one.environment], is_rest: false, values: [...one.counts], total: one.count }));
  if (rest.length > 0)
    series.push({ name: `others (${rest.length})`, keys: [], is_rest: true, values: counts.map((_, at) => rest.reduce((sum, one) => sum + (one.counts[at] ?? 0), 0)), total: rest.reduce((sum, one) => sum + one.count, 0) });
  if (series.length === 0) series.push({ name: "events", keys: [], is_rest: false, values: [...counts], total: detail.issue.count });
  return { range: { from_us: begin_us, to_us: Math.max(from_iso(to), begin_us + 1) }, step_us, times, series, unit: "number", adds_up: true, groups: series.length };
}

const MARKS = 20;
/* Where a release was first met in the range, whichever environment saw it first. */
export function release_marks(detail: IssueDetail, range: Range): TimeMark[] {
  const first = new Map<string, number>();
  for (const one of detail.releases) {
    const t_us = one.first_seen ? from_iso(one.first_seen) : NaN;
    if (one.release && t_us >= range.from_us && t_us < range.to_us) first.set(one.release, Math.min(first.get(one.release) ?? Infinity, t_us));
  }
  return [...first]
    .map(([text, t_us]) => ({ t_us, text }))
    .sort((a, b) => a.t_us - b.t_us)
    .slice(-MARKS);
}
