/* What the pages of services show, shaped: pure. What a figure means: docs/services.md.
 *
 *   /services/health, or a statement over the rows --source.ts--> Health --judged--> conditions --sorted--> the list
 *
 * A request is a server or a consumer span. Durations are nanoseconds; null: nothing has one. */
import type { AnsweredFrom } from "../api/client";
import type { Range } from "../time";
import { show_number } from "../charts/scale";

export interface Figures {
  requests: number;
  errors: number;
  mean: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}
export interface Service {
  name: string; /* empty: of senders that name none */
  now: Figures;
  before: Figures;
  spans: number;
  span_errors: number;
  logs: number;
  log_errors: number;
  points: number;
  over_time: { requests: (number | null)[]; errors: (number | null)[]; p95: (number | null)[] }; /* null: no value, or of a step that is only partly in the range */
}
export interface Health {
  range: Range; /* what was counted, and the range before it is as long */
  seconds: number; /* of it that are over: rates are of these */
  before_seconds: number;
  step_us: number;
  times: number[];
  is_whole: boolean;
  answered_from: AnsweredFrom;
  statement: string; /* SQL that gives the same */
  services: Service[];
}
export const NO_FIGURES: Figures = { requests: 0, errors: 0, mean: null, p50: null, p95: null, p99: null };

export const share = ({ requests, errors }: Figures): number | null => (requests > 0 ? errors / requests : null);
export const rate = ({ requests }: Figures, seconds: number): number => (seconds > 0 ? requests / seconds : 0);

/* By the second, or by what makes a number one can speak. */
export function show_rate(a_second: number): string {
  if (a_second === 0) return "0/s";
  if (a_second >= 1) return `${show_number(a_second)}/s`;
  if (a_second * 60 >= 1) return `${show_number(Number((a_second * 60).toPrecision(3)))}/min`;
  return `${show_number(Number((a_second * 3600).toPrecision(3)))}/h`;
}
export function show_share(part: number | null): string {
  if (part === null) return "–";
  if (part === 0) return "0 %";
  return part < 0.0001 ? "< 0.01 %" : `${(part * 100).toFixed(part < 0.1 ? 2 : 1)} %`;
}

/* Counts by step, without those of steps that are only partly in the range or not over yet: they would look like a fall. */
export function whole_steps(counts: readonly number[], times: readonly number[], step_us: number, range: Range, now_us: number): (number | null)[] {
  const end = Math.min(range.to_us, now_us);
  return times.map((t_us, at) => (t_us < range.from_us || t_us + step_us > end ? null : (counts[at] ?? 0)));
}

/* ---- compared with the range before ---- */

const FEW = 30; /* requests below which a percentile says little */
const SLOWER = 1.5;
const SLOWER_NS = 5e6;
const FAILING = 0.05;
const FAILING_ERRORS = 3;
const WORTH = 0.01; /* a share of errors that a person wants to be told of */
const SURE = 4; /* standard errors */
const SILENT = 20;
const SAME = 0.05;

/* How many standard errors two shares are apart: two-proportion z. */
export function shares_apart(now: Figures, before: Figures): number {
  const all = now.requests + before.requests;
  if (now.requests === 0 || before.requests === 0) return 0;
  const pooled = (now.errors + before.errors) / all;
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / now.requests + 1 / before.requests));
  return error > 0 ? (now.errors / now.requests - before.errors / before.requests) / error : 0;
}
export const errors_rose = (now: Figures, before: Figures): boolean =>
  (share(now) ?? 0) >= WORTH && shares_apart(now, before) > SURE && (share(now) ?? 0) >= 1.5 * (share(before) ?? 0);
const enough = (now: Figures, before: Figures) => now.requests >= FEW && before.requests >= FEW;
export const became_slow = (now: Figures, before: Figures): boolean =>
  enough(now, before) && now.p95 !== null && before.p95 !== null && now.p95 >= SLOWER * before.p95 && now.p95 - before.p95 >= SLOWER_NS;

export type Signal = "worse" | "better" | "";
export interface Change {
  arrow: "↑" | "↓" | "≈" | "";
  words: string; /* "34 % more" */
  signal: Signal;
}
const NONE: Change = { arrow: "", words: "", signal: "" };

/* By how much a number is another: parts of the one before. */
function change_of(now: number | null, before: number | null, more: string, less: string, signal: Signal): Change {
  if (now === null || before === null || (now === 0 && before === 0)) return NONE;
  if (before === 0) return { arrow: "↑", words: "none before", signal };
  const by = now / before - 1;
  if (now === 0) return { arrow: "↓", words: "none now", signal };
  if (Math.abs(by) < SAME) return { arrow: "≈", words: "as before", signal: "" };
  const size = now >= 3 * before ? `${(now / before).toFixed(now >= 10 * before ? 0 : 1)} ×` : `${Math.round(Math.abs(by) * 100)} % ${by > 0 ? more : less}`;
  return { arrow: by > 0 ? "↑" : "↓", words: now >= 3 * before ? `${size} as ${more === "slower" ? "slow" : "much"}` : size, signal };
}
export function rate_change(service: Service, health: Pick<Health, "seconds" | "before_seconds">): Change {
  const silent = service.now.requests === 0 && service.before.requests >= SILENT;
  return change_of(rate(service.now, health.seconds), rate(service.before, health.before_seconds), "more", "fewer", silent ? "worse" : "");
}
export function share_change({ now, before }: Service): Change {
  const apart = shares_apart(now, before);
  const signal = errors_rose(now, before) ? "worse" : apart < -SURE && (share(before) ?? 0) >= WORTH ? "better" : "";
  return change_of(share(now), share(before), "more", "fewer", signal);
}
export function p95_change({ now, before }: Service): Change {
  return change_of(now.p95, before.p95, "slower", "faster", became_slow(now, before) ? "worse" : became_slow(before, now) ? "better" : "");
}

/* ---- how it does ---- */

export type Condition = "failing" | "silent" | "slow" | "well" | "quiet";
export interface ConditionLook {
  name: Condition;
  title: string;
  mark: string; /* its shape, for who does not see colours apart */
  means: string;
}
export const CONDITIONS: readonly ConditionLook[] = [
  { name: "failing", title: "Failing", mark: "✖", means: "5 % of its requests fail, or far more than before" },
  { name: "silent", title: "Silent", mark: "◌", means: "it had requests in the time before, and has none" },
  { name: "slow", title: "Slow", mark: "▲", means: "its p95 is half as much again as before" },
  { name: "well", title: "Well", mark: "●", means: "nothing of these" },
  { name: "quiet", title: "No requests", mark: "–", means: "it serves nothing: spans of other kinds, logs or metrics alone" },
];
export const look_of = (condition: Condition): ConditionLook => CONDITIONS.find((one) => one.name === condition) ?? (CONDITIONS[3] as ConditionLook);

export function condition_of({ now, before }: Service): Condition {
  if (now.requests === 0) return before.requests >= SILENT ? "silent" : before.requests > 0 ? "well" : "quiet";
  if (now.errors >= FAILING_ERRORS && ((share(now) ?? 0) >= FAILING || errors_rose(now, before))) return "failing";
  return became_slow(now, before) ? "slow" : "well";
}
/* What is wrong, as a sentence; empty: nothing. */
export function trouble_of(service: Service): string {
  const { now, before } = service;
  const condition = condition_of(service);
  if (condition === "failing") return `${show_share(share(now))} of its requests fail${before.requests > 0 ? `; ${show_share(share(before))} before` : ""}`;
  if (condition === "silent") return `no request; ${before.requests} in the time before`;
  if (condition === "slow") return `p95 is ${((now.p95 ?? 0) / (before.p95 ?? 1)).toFixed(1)} times what it was before`;
  return "";
}

/* ---- the list's state in the address ---- */

export const COLUMNS = ["ill", "name", "rate", "errors", "p50", "p95", "p99", "issues"] as const;
export type Column = (typeof COLUMNS)[number];
export interface Order {
  by: Column;
  is_down: boolean;
}
/* "sort" of the address: a column, with "-" before it the other way round. Numbers begin with the largest. */
export function order_read(text: string): Order {
  const by = COLUMNS.find((one) => one === text.replace(/^-/, "")) ?? "ill";
  const is_turned = text.startsWith("-") && by !== "ill";
  return { by, is_down: (by !== "name") !== is_turned };
}
export function order_write(order: Order): string {
  const is_turned = order.is_down !== (order.by !== "name");
  return order.by === "ill" ? "" : `${is_turned ? "-" : ""}${order.by}`;
}
export function order_next(now: Order, by: Column): Order {
  return now.by === by ? { by, is_down: !now.is_down } : { by, is_down: by !== "name" };
}

export type Issues = ReadonlyMap<string, number>; /* new ones by service */
const by_name = (a: Service, b: Service) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/* How ill: the condition first, then how much of it. */
function illness(service: Service, issues: Issues): number[] {
  const condition = condition_of(service);
  const place = CONDITIONS.findIndex((one) => one.name === condition);
  const much = condition === "failing" ? (share(service.now) ?? 0) : condition === "slow" ? (service.now.p95 ?? 0) / (service.before.p95 ?? 1) : condition === "silent" ? service.before.requests : 0;
  return [-place, much, issues.get(service.name) ?? 0, service.now.requests, service.spans];
}
const value_of: Record<Exclude<Column, "ill" | "name">, (service: Service, issues: Issues) => number | null> = {
  rate: ({ now }) => now.requests,
  errors: ({ now }) => share(now),
  p50: ({ now }) => now.p50,
  p95: ({ now }) => now.p95,
  p99: ({ now }) => now.p99,
  issues: ({ name }, issues) => issues.get(name) ?? 0,
};
/* Those without a value last, whichever way. */
export function sorted(services: readonly Service[], order: Order, issues: Issues): Service[] {
  const sign = order.is_down ? -1 : 1;
  if (order.by === "name") return [...services].sort((a, b) => sign * by_name(a, b));
  if (order.by === "ill") {
    const ill = new Map(services.map((one) => [one, illness(one, issues)]));
    return [...services].sort((a, b) => {
      const left = ill.get(a) ?? [];
      const right = ill.get(b) ?? [];
      const at = left.findIndex((value, n) => value !== right[n]);
      return at < 0 ? by_name(a, b) : (right[at] ?? 0) - (left[at] ?? 0);
    });
  }
  const value = value_of[order.by];
  return [...services].sort((a, b) => {
    const left = value(a, issues);
    const right = value(b, issues);
    if (left === null || right === null) return left === right ? by_name(a, b) : left === null ? 1 : -1;
    return (left - right) * sign || by_name(a, b);
  });
}

/* Each word is somewhere in the name. */
export function narrowed(services: readonly Service[], words: string, condition: string): Service[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return services.filter((one) => wanted.every((word) => one.name.toLowerCase().includes(word)) && (!condition || condition_of(one) === condition));
}
export function counts_of(services: readonly Service[]): Map<Condition, number> {
  const counts = new Map<Condition, number>();
  for (const one of services) counts.set(condition_of(one), (counts.get(condition_of(one)) ?? 0) + 1);
  return counts;
}

/* What a service sends that serves nothing. */
export function sends_words(service: Service): string {
  const parts: string[] = [];
  const put = (count: number, one: string, errors: number) => {
    if (count > 0) parts.push(`${show_number(count)} ${one}${count === 1 ? "" : "s"}${errors > 0 ? ` (${show_number(errors)} with errors)` : ""}`);
  };
  put(service.spans, "span", service.span_errors);
  put(service.logs, "log", service.log_errors);
  put(service.points, "metric point", 0);
  return parts.join(", ");
}

/* ---- addresses ---- */

/* services/{name}; one that is called "map" is written otherwise than the page of the map. */
export const service_segment = (name: string): string => (name === "map" ? "%6Dap" : encodeURIComponent(name));
export function service_of_rest(rest: string): string | undefined {
  try {
    return rest.includes("/") ? undefined : decodeURIComponent(rest);
  } catch {
    return undefined;
  }
}
