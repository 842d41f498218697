import { describe, expect, it } from "vitest";
import { days_of, days_words, dropped_before_us } from "./retention_days";

const at = (text: string) => Date.parse(text) * 1e3;
describe("retention", () => {
  it("drops whole UTC days, once all of their rows are older", () => {
    expect(dropped_before_us(1, at("2026-11-28T01:30:00Z"))).toBe(at("2026-11-27T00:00:00Z"));
    expect(dropped_before_us(30, at("2026-11-28T23:59:59Z"))).toBe(at("2026-10-29T00:00:00Z"));
    expect(dropped_before_us(0, at("2026-11-28T00:00:00Z"))).toBeUndefined();
    expect(dropped_before_us(1.5, at("2026-11-28T00:00:00Z"))).toBeUndefined();
  });
  it("is read as whole days, or nothing for ever", () => {
    expect(days_of("")).toBe(0);
    expect(days_of(" 30 ")).toBe(30);
    expect(days_of("36500")).toBe(36500);
    expect([days_of("36501"), days_of("-1"), days_of("3d"), days_of("1e3"), days_of("99999")]).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
  it("has words", () => {
    expect([days_words(0), days_words(1), days_words(30)]).toEqual(["for ever", "1 day", "30 days"]);
  });
});
