/* What the pages of issues show and ask, shaped: pure. The server's own words of it: docs/issues.md. */
import type { Schemas } from "../api/client";
import { show_whole } from "../number";
import { from_iso } from "../time";

export type Issue = Schemas["Issue"];
export type IssueDetail = Schemas["IssueDetail"];
export type IssueChange = Schemas["IssueChange"];
export type State = Schemas["IssueState"];

export interface StateLook {
  name: State;
  title: string;
  mark: string; /* its shape, for who does not see colours apart */
}
export const STATES: readonly StateLook[] = [
  { name: "new", title: "New", mark: "✚" },
  { name: "escalating", title: "Escalating", mark: "▲" },
  { name: "regressed", title: "Regressed", mark: "↺" },
  { name: "ongoing", title: "Ongoing", mark: "●" },
  { name: "resolved", title: "Resolved", mark: "✓" },
  { name: "ignored", title: "Ignored", mark: "⊘" },
];
export const OPEN: readonly State[] = ["new", "escalating", "regressed", "ongoing"];
export const is_open = (state: State): boolean => OPEN.includes(state);
export const look_of = (state: State): StateLook => STATES.find((one) => one.name === state) ?? (STATES[0] as StateLook);

/* What the list can be narrowed to by its state: a button each. */
export const STATE_FILTERS: readonly { value: string; title: string; mark: string; states: readonly State[] }[] = [
  { value: "", title: "Open", mark: "", states: OPEN },
  ...STATES.map((one) => ({ value: one.name, title: one.title, mark: one.mark, states: [one.name] })),
  { value: "all", title: "All", mark: "", states: STATES.map((one) => one.name) },
];

export const ORDERS = [
  { name: "last", title: "last seen" },
  { name: "first", title: "first seen" },
  { name: "count", title: "most events" },
  { name: "users", title: "most users" },
] as const;

/* The list's own part of the address; what the server is asked has the same names. */
export const FILTERS = ["q", "state", "service", "category", "assignee", "sort"] as const;
export function list_query(query: URLSearchParams): Record<string, string> {
  const asked: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = query.get(name)?.trim();
    if (value) asked[name] = value;
  }
  const environment = query.get("env");
  if (environment) asked["environment"] = environment;
  return asked;
}
/* The same in an address, so that an issue's page knows its neighbours and the way back. */
export function kept_query(query: URLSearchParams): Record<string, string | null> {
  return Object.fromEntries([...FILTERS, "from", "to", "tz", "env", "live"].map((name) => [name, query.get(name)]));
}
export const is_narrowed = (query: URLSearchParams): boolean => ["q", "state", "service", "category", "assignee", "env"].some((name) => query.get(name));

/* "chosen" of the address: numbers with commas between. */
export function chosen_read(text: string): number[] {
  const numbers = text.split(",").map(Number).filter((number) => Number.isInteger(number) && number > 0);
  return [...new Set(numbers)].slice(0, 100);
}
export function chosen_turn(chosen: readonly number[], number: number): number[] {
  return chosen.includes(number) ? chosen.filter((one) => one !== number) : [...chosen, number];
}

/* A list that is read anew while somebody works in it keeps its order: lines change where they stand, new ones wait. */
export function without_jump(shown: readonly Issue[], fresh: readonly Issue[], is_held: boolean): { rows: Issue[]; waiting: number } {
  if (!is_held || shown.length === 0) return { rows: [...fresh], waiting: 0 };
  const by_number = new Map(fresh.map((issue) => [issue.number, issue]));
  const here = new Set(shown.map((issue) => issue.number));
  return { rows: shown.map((issue) => by_number.get(issue.number) ?? issue), waiting: fresh.filter((issue) => !here.has(issue.number)).length };
}

/* What puts things back as they were, in as few requests as it takes. An issue that was new becomes ongoing: somebody saw it. */
export function undo_of(before: readonly Issue[], change: IssueChange): { issues: number[]; change: IssueChange }[] {
  const by_change = new Map<string, number[]>();
  for (const issue of before) {
    const back: IssueChange = {};
    if (change.state !== undefined) Object.assign(back, state_back(issue));
    if (change.assignee !== undefined) back.assignee = issue.assignee?.id ?? null;
    const key = JSON.stringify(back);
    by_change.set(key, [...(by_change.get(key) ?? []), issue.number]);
  }
  return [...by_change].map(([key, issues]) => ({ issues, change: JSON.parse(key) as IssueChange }));
}
function state_back(issue: Issue): IssueChange {
  if (issue.state === "resolved") return { state: "resolved", release: issue.resolved_in_release };
  if (issue.state !== "ignored") return { state: "ongoing" };
  const { until, events, users, events_so_far, users_so_far } = issue.ignored ?? { until: null, events: null, users: null, events_so_far: 0, users_so_far: 0 };
  const left = (count: number | null, so_far: number) => (count === null ? null : Math.max(1, count - so_far));
  return { state: "ignored", ignore: { until, events: left(events, events_so_far), users: left(users, users_so_far) } };
}

export function ago(us: number, now_us: number): string {
  const seconds = Math.max(0, (now_us - us) / 1e6);
  if (!Number.isFinite(seconds)) return "never";
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 86400 * 365) return `${Math.floor(seconds / 86400)} d ago`;
  return `${Math.floor(seconds / 86400 / 365)} y ago`;
}
export const seen_us = (at: string | null): number => (at ? from_iso(at) : NaN);

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${show_whole(count)} ${count === 1 ? one : many}`;
}

/* Until when an issue is ignored, in words. */
export function ignored_words(ignored: Schemas["IssueIgnored"], show: (us: number) => string): string {
  if (!ignored) return "";
  const ends: string[] = [];
  if (ignored.until) ends.push(show(from_iso(ignored.until)));
  if (ignored.events !== null) ends.push(`${counted(ignored.events, "further event")} (${show_whole(ignored.events_so_far)} so far)`);
  if (ignored.users !== null) ends.push(`${counted(ignored.users, "further user")} (${show_whole(ignored.users_so_far)} so far)`);
  return ends.length > 0 ? `until ${ends.join(", or ")}` : "until somebody says otherwise";
}

/* ---- a stack ---- */

export type Frame = Schemas["ErrorFrame"];
export interface FrameRun {
  is_app: boolean;
  frames: Frame[];
}
/* Frames of the program stand each for itself, those of libraries fold together. Where none is of the program, nothing folds. */
export function frame_runs(frames: readonly Frame[]): FrameRun[] {
  if (!frames.some((frame) => frame.in_app)) return frames.length > 0 ? [{ is_app: true, frames: [...frames] }] : [];
  const runs: FrameRun[] = [];
  for (const frame of frames) {
    const last = runs.at(-1);
    if (last && last.is_app === frame.in_app) last.frames.push(frame);
    else runs.push({ is_app: frame.in_app, frames: [frame] });
  }
  return runs;
}
export const LINK_WORDS: Readonly<Record<Schemas["ErrorException"]["link"], string>> = {
  first: "",
  cause: "caused by",
  during: "came while this was handled",
  inner: "one of several inside",
  suppressed: "suppressed while closing",
};
export function place_words(frame: Frame): string {
  const line = frame.line === null ? "" : `:${frame.line}${frame.column === null ? "" : `:${frame.column}`}`;
  return frame.file ? `${frame.file}${line}` : line.slice(1);
}
export function frame_words(frame: Frame): string {
  const name = frame.function || "(anonymous)";
  return frame.module && frame.module !== frame.file && !name.startsWith(frame.module) ? `${frame.module} ${name}` : name;
}

/* ---- what happened ---- */

const WHYS: Readonly<Record<string, string>> = {
  age: "it is there for a week",
  rises: "far more events than it usually has",
  subsided: "it has subsided",
  event: "it came again",
  time: "its time was over",
  count: "so many events came",
  users: "so many users met it",
};
/* A line of the activity: who, and what. */
export function activity_words(activity: Schemas["IssueActivity"], show: (us: number) => string): string {
  const detail = activity.detail as Record<string, unknown>;
  const text = (name: string) => (detail[name] === undefined || detail[name] === null ? "" : String(detail[name]));
  const number = (name: string) => Number(detail[name] ?? 0);
  const moved = () => counted(number("fingerprints"), "fingerprint");
  switch (activity.what) {
    case "began":
      return "was seen for the first time";
    case "assigned":
      return text("to") ? `assigned it to ${text("to")}` : "took the assignee away";
    case "merged_in":
      return `merged #${text("from")} into this: ${moved()}`;
    case "merged_into":
      return `merged this into #${text("into")}`;
    case "split_off":
      return `split ${moved()} off into #${text("into")}`;
    case "split_from":
      return `split this from #${text("from")}: ${moved()}`;
    default:
      return state_words(text, number, show, activity.actor !== null);
  }
}
function state_words(text: (name: string) => string, number: (name: string) => number, show: (us: number) => string, is_person: boolean): string {
  const to = text("to");
  const why = WHYS[text("why")];
  if (to === "resolved") return `resolved it${text("release") ? `, for what comes after release ${text("release")}` : ""}`;
  if (to === "ignored") {
    const ends = [number("until_unix_us") > 0 && show(number("until_unix_us")), number("until_count") > 0 && counted(number("until_count"), "further event"), number("until_users") > 0 && counted(number("until_users"), "further user")].filter(Boolean);
    return `ignored it ${ends.length > 0 ? `until ${ends.join(", or ")}` : "until somebody says otherwise"}`;
  }
  if (is_person) return to === "ongoing" && (text("from") === "resolved" || text("from") === "ignored") ? "opened it again" : `said that it was seen: ${to}`;
  const release = text("release");
  return `became ${to}${why ? `: ${why}` : ""}${release ? `, in release ${release}` : ""}`;
}
