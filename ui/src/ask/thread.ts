/* What the address of the page holds: pure.
 *
 *   q       the question; with plan: what the plan came of
 *   plan    a plan corrected by hand, asked instead of q
 *   at      the moment that "today" is of: set when a question is asked, so that a link means the same instants
 *   thread  the steps before, the newest last: a follow-up goes on from the last one
 *   by      "model": the project's language model shall read it
 */
import type { Plan } from "./plan";

export interface Step {
  q: string;
  plan: Plan;
}
export interface Asked {
  q: string;
  plan: Plan | undefined;
  at: string;
  thread: Step[];
  by: string;
}
const STEPS_MAX = 6; /* an address has its bounds */

function read<T>(text: string, is_right: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return is_right(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
function is_plan(value: unknown): value is Plan {
  const plan = value as Partial<Plan> | null;
  return typeof plan === "object" && plan !== null && typeof plan.display === "string" && typeof plan.from === "string" && typeof plan.to === "string" && [plan.filters, plan.measures, plan.groups].every(Array.isArray);
}
function is_thread(value: unknown): value is Step[] {
  return Array.isArray(value) && value.every((step: Partial<Step> | null) => typeof step?.q === "string" && is_plan(step.plan));
}

export function asked_read(query: URLSearchParams): Asked {
  return {
    q: (query.get("q") ?? "").trim(),
    plan: read(query.get("plan") ?? "", is_plan),
    at: query.get("at") ?? "",
    thread: (read(query.get("thread") ?? "", is_thread) ?? []).slice(-STEPS_MAX),
    by: query.get("by") === "model" ? "model" : "",
  };
}
export type Changes = Record<string, string | null>;
export function asked_write(asked: Partial<Asked>): Changes {
  const thread = (asked.thread ?? []).slice(-STEPS_MAX);
  return { q: asked.q || null, plan: asked.plan ? JSON.stringify(asked.plan) : null, at: asked.at || null, thread: thread.length > 0 ? JSON.stringify(thread) : null, by: asked.by || null };
}

/* The step before, shown again as it was: those after it go. */
export function step_again(thread: readonly Step[], at: number): Partial<Asked> {
  const step = thread[at];
  return step ? { q: step.q, plan: step.plan, thread: thread.slice(0, at) } : {};
}
/* What goes to the server. */
export function body_of({ q, plan, at, thread, by }: Asked, zone: string): Record<string, unknown> {
  if (plan) return { plan };
  const before = thread.at(-1);
  return { question: q, zone, ...(at ? { now: at } : {}), ...(before ? { context: before.plan, ...(before.q ? { context_question: before.q } : {}) } : {}), ...(by ? { translator: "model" } : {}) };
}
