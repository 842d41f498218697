/* What the page asks the server for. */
import { api, type Schemas } from "../api/client";
import { running } from "../api/running";
import { attributes_load } from "../explore/attributes";
import { is_utc } from "../frame/range";
import { ATTRIBUTES, FIELDS, type Answer, type Plan } from "./plan";
import { body_of, type Asked } from "./thread";

const path_of = (project: string, rest: string) => `/projects/${encodeURIComponent(project)}/${rest}`;
export const zone_here = () => (is_utc.value ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");

export async function ask(project: string, asked: Asked, signal: AbortSignal): Promise<Answer> {
  const end = new AbortController();
  const stop = () => end.abort();
  signal.addEventListener("abort", stop);
  const entry = running.begin(asked.q || "the question", stop);
  try {
    return await api<Answer>(path_of(project, "ask"), { method: "POST", body: body_of(asked, zone_here()), signal: end.signal });
  } finally {
    signal.removeEventListener("abort", stop);
    running.finish(entry);
  }
}

export type Feedback = Schemas["AskFeedbackItem"];
export function thumb(project: string, question: string, is_good: boolean, note: string, plan: Plan | undefined): Promise<void> {
  return api(path_of(project, "ask/feedback"), { method: "POST", body: { question, is_good, ...(note ? { note } : {}), ...(plan ? { plan } : {}) } });
}
export function thumbs(project: string, cursor: string, signal: AbortSignal): Promise<{ items: Feedback[]; next_cursor: string | null }> {
  return api(path_of(project, "ask/feedback"), { query: { limit: 50, cursor }, signal });
}

/* Names of the project, for examples and completion. */
export interface Names {
  services: string[]; /* those with most requests first */
  fields: string[];
  values: Map<string, string[]>; /* of a field of plans */
}
const FIXED: Record<string, string[]> = { level: ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"], outcome: ["ERROR", "OK", "UNSET"], kind: ["server", "client", "internal", "producer", "consumer", "log"] };

export async function names_load(project: string, signal: AbortSignal): Promise<Names> {
  const [services, known] = await Promise.all([api<{ items: Schemas["Service"][] }>(path_of(project, "services"), { query: { from: "now-7d", limit: 200 }, signal }), attributes_load(project)]);
  const values = new Map<string, string[]>(Object.entries(FIXED));
  const by_name = new Map(known.map((one) => [one.name, one.values.map((value) => value.value)]));
  for (const [field, name] of Object.entries(ATTRIBUTES)) values.set(field, by_name.get(name) ?? []);
  values.set("service", services.items.map((service) => service.name));
  const own = known.filter((one) => /^[A-Za-z0-9._-]{1,128}$/.test(one.name) && !Object.values(ATTRIBUTES).includes(one.name));
  for (const one of own) values.set(`attribute:${one.name}`, one.values.map((value) => value.value));
  return { services: [...services.items].sort((a, b) => b.requests - a.requests || b.logs - a.logs).map((service) => service.name), fields: [...FIELDS, ...own.slice(0, 200).map((one) => `attribute:${one.name}`)], values };
}

export function examples_of(names: Names | undefined): string[] {
  const first = names?.services.find((name) => /^[A-Za-z0-9._-]+$/.test(name));
  const second = names?.services.find((name) => name !== first && /^[A-Za-z0-9._-]+$/.test(name)) ?? first;
  const own = first ? [`p95 of ${first} per hour today`, `latest errors of ${second}`, `slowest traces of ${first} in the last hour`] : [];
  return [...own, "error rate by service in the last hour", "top 5 routes by errors today compared with yesterday", "requests per 10 minutes by service in the last 6 hours"];
}

/* One's own last questions, in this browser alone. */
const KEPT = 30;
const key_of = (project: string) => `monoscope.asked.${project}`;
export function history_of(project: string): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(key_of(project)) ?? "[]");
    return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return [];
  }
}
export function history_add(project: string, question: string): void {
  const list = [question, ...history_of(project).filter((one) => one !== question)].slice(0, KEPT);
  try {
    localStorage.setItem(key_of(project), JSON.stringify(list));
  } catch {
    /* a browser that keeps nothing: the page goes on without */
  }
}
