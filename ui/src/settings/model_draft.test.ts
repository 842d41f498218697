import { describe, expect, it } from "vitest";
import { body_of, draft_of, type Llm } from "./model_draft";

const used = { requests: 0, failures: 0, input_tokens: 0, output_tokens: 0, cost: 0 };
const llm: Llm = {
  is_default: false,
  is_on: true,
  url: "https://models.example/v1",
  model: "small",
  has_key: true,
  input_price: 1.5,
  output_price: 3,
  budget: { tokens_day: 1000, tokens_month: 0, cost_day: 0, cost_month: 20 },
  audit: "on",
  audit_days: 14,
  ask: "default",
  changed_at: null,
  in_use: null,
  used: { day: used, month: used, reserved_tokens: 0, reserved_cost: 0 },
};
describe("the form of the language model", () => {
  it("says all that was said before, and leaves the key as it is", () => {
    const body = body_of(draft_of(llm));
    expect(body).toEqual({ is_on: true, url: "https://models.example/v1", model: "small", input_price: 1.5, output_price: 3, tokens_day: 1000, tokens_month: 0, cost_day: 0, cost_month: 20, audit: "on", audit_days: 14, ask: "default" });
  });
  it("takes the key away with the own model, not with a budget", () => {
    expect(body_of({ ...draft_of(llm), which: "server" })).toMatchObject({ is_on: true, url: null, model: null, key: null, tokens_day: 1000 });
    expect(body_of({ ...draft_of(llm), which: "none" })).toMatchObject({ is_on: false, key: null });
    expect(body_of({ ...draft_of(llm), key: "secret", tokens_day: "" })).toMatchObject({ key: "secret", tokens_day: 0 });
  });
});
