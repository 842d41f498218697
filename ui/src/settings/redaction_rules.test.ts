import { describe, expect, it } from "vitest";
import { attributes_of, rules_tried, type Rule } from "./redaction_rules";

const rule = (id: string, is_on = true): Rule => ({ id, name: id, finds: "built_in", pattern: "cards", does: "mask", is_on, found_30_days: 0, created_at: "2026-11-28T00:00:00Z" });
describe("what is tried", () => {
  it("are the rules there are, and the new one as the last", () => {
    const draft = { name: "mine", finds: "value", pattern: "x+", does: "drop" } as const;
    expect(rules_tried([rule("a"), rule("b", false)], draft, undefined).map((one) => [one.name, one.is_on])).toEqual([
      ["a", true],
      ["b", false],
      ["mine", true],
    ]);
    expect(rules_tried([rule("a"), rule("b")], draft, "a").map((one) => one.name)).toEqual(["mine", "b"]);
    expect(rules_tried([rule("a")], { ...draft, pattern: "" }, undefined).map((one) => one.name)).toEqual(["a"]);
    expect(rules_tried([rule("a")], undefined, undefined)).toHaveLength(1);
  });
  it("on attributes, one a line", () => {
    expect(attributes_of("user.email = ann@example.com\n\na=b=c\nname")).toEqual({ "user.email": "ann@example.com", a: "b=c", name: "" });
  });
});
