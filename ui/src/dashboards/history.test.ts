import { describe, expect, it } from "vitest";
import { begun, done, redone, undone, with_copy, with_panel, with_place, without_panel } from "./history";
import type { Content, Panel } from "./load";

const panel = (id: string, x = 0, y = 0): Panel => ({ id, title: id, kind: "lines", source: { search: "" }, at: { x, y, w: 6, h: 4 } });
const content = (...panels: Panel[]): Content => ({ title: "t", panels });

describe("editing", () => {
  it("goes back and forth", () => {
    const first = begun(content());
    const second = done(first, content(panel("a")));
    const third = done(second, content(panel("a"), panel("b", 6)));
    expect(undone(third).now).toEqual(second.now);
    expect(undone(undone(undone(third)))).toEqual({ now: first.now, before: [], after: [second.now, third.now] });
    expect(redone(undone(third))).toEqual(third);
    expect(redone(third)).toBe(third);
    expect(done(undone(third), content(panel("c"))).after).toEqual([]);
    expect(done(third, content(panel("a"), panel("b", 6)))).toBe(third); /* nothing was changed */
  });
  it("adds, copies, moves and takes out panels", () => {
    const one = with_panel(content(), { title: "n", kind: "stat", source: { sql: "SELECT 1" } });
    expect(one.panels).toEqual([{ id: "p1", title: "n", kind: "stat", source: { sql: "SELECT 1" }, at: { x: 0, y: 0, w: 3, h: 4 } }]);
    const two = with_copy(one, "p1");
    expect(two.panels.map(({ id, at }) => [id, at?.x, at?.y])).toEqual([["p1", 0, 0], ["p2", 3, 0]]);
    expect(with_place(two, "p2", { x: 0, y: 0, w: 6, h: 4 }).panels.map(({ at }) => [at?.x, at?.y, at?.w])).toEqual([[0, 4, 3], [0, 0, 6]]);
    expect(without_panel(two, "p1").panels.map(({ id, at }) => [id, at?.x, at?.y])).toEqual([["p2", 3, 0]]);
    expect(with_panel(two, { ...panel("p1"), title: "other" }).panels[0]?.title).toBe("other");
  });
});
