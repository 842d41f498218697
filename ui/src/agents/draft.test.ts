import { expect, test } from "vitest";
import { body_of, draft_new, draft_of, list_of } from "./draft";
import type { Agent } from "./load";

const agent: Agent = {
  id: 3,
  name: "Health",
  template: "health",
  schedule: "daily 08:00",
  zone: "Europe/Berlin",
  is_paused: false,
  uses_model: true,
  range_hours: 12,
  scope: { services: ["a", "b"], environment: "production" },
  recipients: [{ channel_id: 7, severity: "warning" }],
  budget: { seconds: 60, tokens: 9000, queries: 5 },
  next_at: null,
  is_asked: false,
  author: "x",
  created_at: "2026-11-28T00:00:00Z",
  changed_at: "2026-11-28T00:00:00Z",
};

test("what was read can be written back, and says nothing of what it did not say", () => {
  expect(body_of(draft_of(agent))).toEqual({
    name: "Health",
    template: "health",
    schedule: "daily 08:00",
    zone: "Europe/Berlin",
    uses_model: true,
    is_paused: false,
    range_hours: 12,
    scope: { services: ["a", "b"], environment: "production" },
    recipients: [{ channel_id: 7, severity: "warning" }],
    budget: { seconds: 60, tokens: 9000, queries: 5 },
  });
});

test("a new one is as its template has it", () => {
  expect(body_of(draft_new("weekly", "UTC"))).toEqual({ name: "Weekly review", template: "weekly", schedule: "weekly mon 08:00", zone: "UTC", uses_model: false, is_paused: false });
  expect(draft_new("prompt", "UTC").uses_model).toBe(true);
});

test("lists", () => {
  expect(list_of(" a, ,b c ,")).toEqual(["a", "b c"]);
  expect(list_of("")).toEqual([]);
});
