import { expect, test } from "vitest";
import { change_words, main_level, pattern_condition, pattern_parts, patterns_statement, share_words } from "./patterns";

test("a pattern is what its lines share and where they differ", () => {
  expect(pattern_parts("user <*> paid <*>EUR")).toEqual([
    { text: "user ", is_wild: false },
    { text: "<*>", is_wild: true },
    { text: " paid ", is_wild: false },
    { text: "<*>", is_wild: true },
    { text: "EUR", is_wild: false },
  ]);
  expect(pattern_parts("<b>&amp;</b><*><*>").map((part) => part.text)).toEqual(["<b>&amp;</b>", "<*>", "<*>"]);
  expect(pattern_parts("")).toEqual([]);
});

test("the level of most lines marks the pattern", () => {
  expect(main_level({ info: 3, error: 5, none: 9 })).toBe("error");
  expect(main_level({ none: 9 })).toBe("");
  expect(main_level({})).toBe("");
});

test("a change is told in words", () => {
  expect(change_words({ change: "new", count: 5, before: 0 })).toBe("new in this range");
  expect(change_words({ change: "more", count: 52, before: 10 })).toBe("5.2 times as many");
  expect(change_words({ change: "more", count: 52, before: 0 })).toBe("none before");
  expect(change_words({ change: "less", count: 0, before: 3000 })).toBe("3 000 times fewer");
  expect(change_words({ change: "gone", count: 0, before: 50 })).toBe("gone: 50 before");
  expect(change_words({ change: "same", count: 1, before: 1 })).toBe("");
});

test("shares are short", () => {
  expect(share_words(0.5)).toBe("50.0 %");
  expect(share_words(0.0004)).toBe("< 0.1 %");
  expect(share_words(0)).toBe("0.0 %");
});

test("statements have the condition and quote what they are given", () => {
  const scope = { where: "level = 'ERROR'", range: { from_us: 0, to_us: 1e6 } };
  expect(patterns_statement(scope)).toContain("AND (level = 'ERROR')");
  expect(pattern_condition(["a'b", "c"], false)).toBe("hashes && ARRAY['pat:a''b', 'pat:c']");
  expect(pattern_condition(["c"], true)).toBe("(hashes && ARRAY['pat:c']) IS NOT TRUE");
});
