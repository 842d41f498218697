import { expect, it as test } from "vitest";
import { event_words, first_finding, lasted_us, list_query, type IncidentEvent } from "./incidents";

const show = (us: number) => `<${us}>`;
const event = (what: string, actor: string | null, detail: unknown) => ({ at: "2026-01-01T00:00:00Z", what, actor, detail }) as IncidentEvent;

test("the list asks for what is not resolved, unless the address says else", () => {
  expect(list_query(new URLSearchParams(""))).toEqual({ state: "not_resolved", severity: undefined, service: undefined, environment: undefined });
  expect(list_query(new URLSearchParams("state=resolved&severity=critical&service=cart&env=prod"))).toEqual({ state: "resolved", severity: "critical", service: "cart", environment: "prod" });
  expect(list_query(new URLSearchParams("state=nonsense")).state).toBe("not_resolved");
});

test("a timeline says who did what, and what happened by itself", () => {
  expect(event_words(event("opened", null, { title: "p95", severity: "critical" }), show)).toEqual({ words: "opened", about: "p95, critical" });
  expect(event_words(event("resolved", null, null), show).words).toContain("nothing of it goes on");
  expect(event_words(event("resolved", "ann", null), show).words).toBe("resolved");
  expect(event_words(event("muted", "ann", { until_unix_us: 5 }), show).words).toBe("muted it until <5>");
  expect(event_words(event("note", "ann", { text: "see the deploy" }), show).about).toBe("see the deploy");
});

test("how long: to its end, else to now, never less than nothing", () => {
  const from_iso = (text: string) => Number(text);
  expect(lasted_us({ first_at: "10", ended_at: "25" }, from_iso, 99)).toBe(15);
  expect(lasted_us({ first_at: "10", ended_at: null }, from_iso, 99)).toBe(89);
  expect(lasted_us({ first_at: "100", ended_at: null }, from_iso, 99)).toBe(0);
});

test("causes are of the first finding that goes on", () => {
  expect(first_finding([])).toBe(0);
  expect(first_finding([{ path: "monitors/1", ended_at: null }])).toBe(0);
  expect(first_finding([{ path: "findings/7", ended_at: "2026-01-01T00:00:00Z" }, { path: "findings/12", ended_at: null }])).toBe(12);
  expect(first_finding([{ path: "findings/7", ended_at: "2026-01-01T00:00:00Z" }])).toBe(7);
});
