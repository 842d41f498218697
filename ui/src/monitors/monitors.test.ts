import { describe, expect, it } from "vitest";
import { definition_of, draft_new, draft_of } from "./draft";
import { drawn_of, listed, marks_of, status_of, type Definition, type Item } from "./monitors";

const item = (more: Partial<Item>): Item => ({ slug: "a", title: "A", kind: "threshold", service: "", is_on: true, level: "ok", groups: 1, groups_ill: 0, evaluated_at: "2026-11-28T06:00:00Z", broken_since: null, broken_why: null, muted_until: null, ...more });

describe("the list", () => {
  it("shows the worst that is known, the worst first", () => {
    const items = [item({ slug: "fine" }), item({ slug: "off", is_on: false, level: "alert" }), item({ slug: "ill", level: "alert" }), item({ slug: "broken", level: "ok", broken_since: "2026-11-28T06:00:00Z" })];
    expect(listed(items, "", "").map((one) => one.slug)).toEqual(["broken", "ill", "fine", "off"]);
    expect(listed(items, "ILL", "").map((one) => one.slug)).toEqual(["ill"]);
    expect(listed(items, "", "off").map((one) => one.slug)).toEqual(["off"]);
    expect(status_of(item({ evaluated_at: null })).mark).toBe("new");
  });
});

describe("the form", () => {
  it("gives back the definition that it was made of", () => {
    const kinds: Definition["condition"][] = [{ kind: "threshold", side: "above", alert: 5, warning: 3, alert_recovery: 4 }, { kind: "change", side: "both", against: "day", as: "percent", alert: 50 }, { kind: "absence" }, { kind: "burn", objective: 99.5, bad: "status:error" }];
    for (const condition of kinds) {
      const wanted: Definition = { title: "T", query: { search: "q=a" }, condition, window_s: 600, for_s: 60, no_data: "keep", service: "cart", message: "m", is_on: false, maintenance: [{ from: "23:00", to: "05:00", days: [6] }] };
      expect(definition_of(draft_of(wanted), wanted)).toEqual(wanted);
    }
  });
  it("keeps a metric that it does not show", () => {
    const wanted: Definition = { title: "T", query: { metric: { name: "cpu", aggregate: "avg" } }, condition: { kind: "threshold", side: "above", alert: 5 }, window_s: 300, for_s: 0, no_data: "ok", is_on: true };
    expect(definition_of(draft_of(wanted), wanted)).toEqual(wanted);
  });
  it("begins with what the page shows", () => {
    expect(definition_of(draft_new("q=x&by=y", "")).query).toEqual({ search: "q=x&by=y" });
    expect(definition_of(draft_new("", "SELECT 1")).query).toEqual({ sql: "SELECT 1" });
  });
});

it("draws values, levels and what would have been told", () => {
  const dry = { events: [{ at: "2026-11-28T06:01:00Z", group: "cart", from: "ok" as const, to: "alert" as const, value: 9, compared: 9, is_quiet: false }], series: [{ group: "cart", points: [[60e3, 1], [120e3, null], [180e3, 9]] }], moments: 3, every_s: 60, is_exact: true, is_cut: false };
  const data = drawn_of(dry, { kind: "threshold", alert: 5 }, { from_us: 0, to_us: 240e6 });
  expect(data.series.map((one) => one.name).sort()).toEqual(["alert", "cart"]);
  expect(data.series.find((one) => one.name === "cart")?.values.filter((value) => value !== null)).toEqual([1, 9]);
  expect(marks_of(dry.events)).toEqual([{ t_us: Date.parse("2026-11-28T06:01:00Z") * 1e3, text: "Alert: cart" }]);
});
