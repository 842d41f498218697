import { describe, expect, it } from "vitest";
import { bounded, moved, overlap, place_free, settled } from "./layout";
import type { Panel } from "./load";

const panel = (id: string, x: number, y: number, w: number, h: number): Panel => ({ id, title: id, kind: "lines", source: { search: "" }, at: { x, y, w, h } });
const places = (panels: readonly Panel[]) => Object.fromEntries(panels.map(({ id, at }) => [id, at && [at.x, at.y, at.w, at.h]]));

describe("the grid", () => {
  it("keeps what is within it", () => {
    expect(bounded({ x: 11, y: -3, w: 6, h: 0 })).toEqual({ x: 6, y: 0, w: 6, h: 1 });
    expect(bounded({ x: -1, y: 2.4, w: 20, h: 99 })).toEqual({ x: 0, y: 2, w: 12, h: 40 });
  });
  it("pushes down what is in the way, and lets the rest go up", () => {
    const all = [panel("a", 0, 0, 6, 4), panel("b", 6, 0, 6, 4), panel("c", 0, 4, 12, 4)];
    expect(places(moved(all, "a", { x: 6, y: 0, w: 6, h: 4 }))).toEqual({ a: [6, 0, 6, 4], b: [6, 4, 6, 4], c: [0, 8, 12, 4] });
    expect(places(moved(all, "c", { x: 0, y: 0, w: 12, h: 4 }))).toEqual({ c: [0, 0, 12, 4], a: [0, 4, 6, 4], b: [6, 4, 6, 4] });
    expect(places(moved(all, "a", { x: 0, y: 0, w: 6, h: 6 }))).toEqual({ a: [0, 0, 6, 6], b: [6, 0, 6, 4], c: [0, 6, 12, 4] });
  });
  it("changes places downwards, too", () => {
    const all = [panel("a", 0, 0, 12, 4), panel("b", 0, 4, 12, 4)];
    expect(places(moved(all, "a", { x: 0, y: 1, w: 12, h: 4 }))).toEqual({ a: [0, 0, 12, 4], b: [0, 4, 12, 4] });
    expect(places(moved(all, "a", { x: 0, y: 2, w: 12, h: 4 }))).toEqual({ b: [0, 0, 12, 4], a: [0, 4, 12, 4] });
    expect(places(moved(all, "a", { x: 0, y: 30, w: 12, h: 4 }))).toEqual({ b: [0, 0, 12, 4], a: [0, 4, 12, 4] });
  });
  it("leaves no overlap, whatever it is given", () => {
    let seed = 7;
    const random = (most: number) => (seed = (seed * 16807) % 2147483647) % most;
    for (let round = 0; round < 100; round++) {
      const all = Array.from({ length: 12 }, (_, n) => panel(`p${n}`, random(12), random(20), 1 + random(12), 1 + random(8)));
      const done = settled(all, `p${random(12)}`);
      expect(done.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
      const upon = done.flatMap((one, n) => done.slice(n + 1).filter((other) => overlap(one.at!, other.at!)));
      expect([round, upon]).toEqual([round, []]);
      expect(settled(done)).toEqual(done);
    }
  });
  it("finds room", () => {
    expect(place_free([panel("a", 0, 0, 6, 4)], { w: 6, h: 4 })).toEqual({ x: 6, y: 0, w: 6, h: 4 });
    expect(place_free([panel("a", 0, 0, 8, 4)], { w: 6, h: 7 })).toEqual({ x: 0, y: 4, w: 6, h: 7 });
    expect(place_free([], { w: 6, h: 7 })).toEqual({ x: 0, y: 0, w: 6, h: 7 });
  });
});
