import { describe, expect, it } from "vitest";
import { condition_of, groups_of, show_share, term_of, words_of, type Finding } from "./difference";
import { catalog_of } from "./fields";

const catalog = catalog_of([
  { name: "attributes___user___id", type: "text" },
  { name: "duration", type: "bigint" },
]);
const finding = (more: Partial<Finding>): Finding => ({ field: "user.id", kind: "is", value: "u 42", in_count: 9, out_count: 1, in_share: 0.9, out_share: 0.01, score: 0.88, g: 100, group: 0, ...more });

describe("findings", () => {
  it("stand together when they are about the same rows", () => {
    const groups = groups_of([finding({}), finding({ field: "plan" }), finding({ field: "region", group: 2 })]);
    expect(groups.map((group) => [group.best.field, group.same.map((one) => one.field)])).toEqual([
      ["user.id", ["plan"]],
      ["region", []],
    ]);
  });
  it("are terms of the search language, and of SQL", () => {
    expect(term_of(finding({}), false)).toBe('user.id:"u 42"');
    expect(term_of(finding({ value: "NOT" }), true)).toBe('-user.id:"NOT"');
    expect(term_of(finding({ kind: "absent" }), false)).toBe("-user.id:*");
    expect(term_of(finding({ kind: "between", field: "size", low: 10, high: 20.5 }), true)).toBe("-size:10..20.5");
    expect(condition_of(finding({ value: "it's" }), catalog, false)).toBe("attributes___user___id = 'it''s'");
    expect(condition_of(finding({}), catalog, true)).toBe("(attributes___user___id = 'u 42') IS NOT TRUE");
    expect(condition_of(finding({ kind: "absent" }), catalog, false)).toBe("attributes___user___id IS NULL");
    expect(condition_of(finding({ kind: "between", field: "duration", low: 1, high: 2 }), catalog, false)).toBe("duration BETWEEN 1 AND 2");
  });
  it("are told in words", () => {
    expect(words_of(finding({ kind: "between", field: "duration", low: 2e8, high: 1.5e9 })).value).toMatch(/200.* ms to 1\.5.* s/);
    expect(words_of(finding({ kind: "absent" })).value).toBe("is not there");
    expect([show_share(0), show_share(0.0012), show_share(0.123), show_share(1)]).toEqual(["0 %", "0.12 %", "12 %", "100 %"]);
  });
});
