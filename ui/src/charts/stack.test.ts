import { expect, it } from "vitest";
import { OTHERS, stack } from "./stack";

const range = { from_us: 0, to_us: 50 };
it("has a bar for each step, empty ones too, and the sums are what came in", () => {
  const stacked = stack(
    [
      { t_us: 0, series: "a", count: 1 },
      { t_us: 20, series: "b", count: 5 },
      { t_us: 20, series: "a", count: 2 },
      { t_us: 40, series: "a", count: 4 },
    ],
    range,
    10,
  );
  expect(stacked.series).toEqual(["a", "b"]);
  expect(stacked.bars.map((bar) => bar.sum)).toEqual([1, 0, 7, 0, 4]);
  expect(stacked.totals).toEqual([7, 5]);
  expect(stacked.max).toBe(7);
});
it("puts what is beyond the eighth series together, and named ones first", () => {
  const points = Array.from({ length: 20 }, (_, at) => ({ t_us: 0, series: `s${at}`, count: at + 1 }));
  const stacked = stack(points, range, 10, 8, ["s3"]);
  expect(stacked.series).toEqual(["s3", "s19", "s18", "s17", "s16", "s15", "s14", OTHERS]);
  expect(stacked.bars[0]?.sum).toBe(210);
});
it("draws a range that does not begin at a step", () => {
  const stacked = stack([{ t_us: 10, series: "", count: 3 }], { from_us: 17, to_us: 35 }, 10);
  expect(stacked.bars.map((bar) => [bar.t_us, bar.sum])).toEqual([
    [10, 3],
    [20, 0],
    [30, 0],
  ]);
});
