/* An agent while it is edited: fields of a form <-> what the API takes. Pure. */
import type { Agent, AgentSet, Severity } from "./load";
import { TEMPLATES } from "./load";

export interface Draft {
  name: string;
  template: Agent["template"];
  prompt: string;
  schedule: string;
  zone: string;
  range_hours: string;
  uses_model: boolean;
  is_paused: boolean;
  services: string;
  error_types: string;
  metrics: string;
  environment: string;
  recipients: { channel_id: number; severity: Severity }[];
  seconds: string;
  tokens: string;
  queries: string;
  jitter_seconds: string;
}

export function draft_new(template: Agent["template"], zone: string): Draft {
  const of = TEMPLATES.find((one) => one.name === template);
  return {
    name: of?.title ?? "",
    template,
    prompt: "",
    schedule: of?.schedule ?? "daily 08:00",
    zone,
    range_hours: "",
    uses_model: template === "prompt",
    is_paused: false,
    services: "",
    error_types: "",
    metrics: "",
    environment: "",
    recipients: [],
    seconds: "",
    tokens: "",
    queries: "",
    jitter_seconds: "",
  };
}

const text_of = (value: number | undefined) => (value === undefined ? "" : String(value));

export function draft_of(agent: Agent): Draft {
  return {
    name: agent.name,
    template: agent.template,
    prompt: agent.prompt ?? "",
    schedule: agent.schedule,
    zone: agent.zone,
    range_hours: text_of(agent.range_hours),
    uses_model: agent.uses_model,
    is_paused: agent.is_paused,
    services: (agent.scope?.services ?? []).join(", "),
    error_types: (agent.scope?.error_types ?? []).join(", "),
    metrics: (agent.scope?.metrics ?? []).join(", "),
    environment: agent.scope?.environment ?? "",
    recipients: (agent.recipients ?? []).map((one) => ({ channel_id: one.channel_id, severity: one.severity ?? "info" })),
    seconds: text_of(agent.budget?.seconds),
    tokens: text_of(agent.budget?.tokens),
    queries: text_of(agent.budget?.queries),
    jitter_seconds: text_of(agent.jitter_seconds),
  };
}

/* "a, b" -> ["a", "b"] */
export function list_of(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/* What is empty is left to the server's own. A number that is none is sent as it is: the server says what is wrong with it. */
function number_of(text: string): number | undefined {
  return text.trim() === "" ? undefined : Number(text.trim());
}

function without_empty<T extends object>(of: T): T | undefined {
  const kept = Object.entries(of).filter(([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0));
  return kept.length > 0 ? (Object.fromEntries(kept) as T) : undefined;
}

export function body_of(draft: Draft): AgentSet {
  const scope = without_empty({ services: list_of(draft.services), error_types: list_of(draft.error_types), metrics: list_of(draft.metrics), environment: draft.environment.trim() });
  const budget = without_empty({ seconds: number_of(draft.seconds), tokens: number_of(draft.tokens), queries: number_of(draft.queries) });
  const more = without_empty({ prompt: draft.prompt.trim(), range_hours: number_of(draft.range_hours), jitter_seconds: number_of(draft.jitter_seconds), scope, budget, recipients: draft.recipients });
  return { name: draft.name.trim(), template: draft.template, schedule: draft.schedule.trim(), zone: draft.zone.trim() || "UTC", uses_model: draft.uses_model, is_paused: draft.is_paused, ...more } as AgentSet;
}
