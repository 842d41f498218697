/* The form of the language model, and the body of its PUT, which says all of it. Pure. */
import type { Schemas } from "../api/client";

export type Llm = Schemas["Llm"];
export interface ModelDraft {
  which: "server" | "own" | "none";
  url: string;
  model: string;
  key: string; /* empty: what is kept stays */
  input_price: string;
  output_price: string;
  tokens_day: string;
  tokens_month: string;
  cost_day: string;
  cost_month: string;
  audit: Llm["audit"];
  audit_days: number;
  ask: Llm["ask"];
}

export function draft_of(llm: Llm): ModelDraft {
  return {
    which: !llm.is_on ? "none" : llm.url ? "own" : "server",
    url: llm.url ?? "",
    model: llm.model ?? "",
    key: "",
    input_price: String(llm.input_price),
    output_price: String(llm.output_price),
    tokens_day: String(llm.budget.tokens_day),
    tokens_month: String(llm.budget.tokens_month),
    cost_day: String(llm.budget.cost_day),
    cost_month: String(llm.budget.cost_month),
    audit: llm.audit,
    audit_days: llm.audit_days,
    ask: llm.ask,
  };
}
export function body_of(draft: ModelDraft): Schemas["LlmSet"] {
  const own = draft.which === "own";
  const number = (text: string) => (text.trim() === "" ? 0 : Number(text));
  return {
    is_on: draft.which !== "none",
    url: own ? draft.url.trim() : null,
    model: own ? draft.model.trim() : null,
    ...(own ? (draft.key ? { key: draft.key } : {}) : { key: null }),
    input_price: own ? number(draft.input_price) : 0,
    output_price: own ? number(draft.output_price) : 0,
    tokens_day: number(draft.tokens_day),
    tokens_month: number(draft.tokens_month),
    cost_day: number(draft.cost_day),
    cost_month: number(draft.cost_month),
    audit: draft.audit,
    audit_days: draft.audit_days,
    ask: draft.ask,
  };
}
