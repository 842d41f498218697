import { describe, expect, it } from "vitest";
import { box_of, box_values, decades, EIGHTHS, eighth_of, heat_of, LOWEST, strength } from "./heat";

const range = { from_us: 0, to_us: 30 };
const points = [
  { t_us: 0, bucket: 144, count: 5 },
  { t_us: 10, bucket: 168, count: 2 },
  { t_us: 10, bucket: 169, count: 3 },
  { t_us: 20, bucket: 191, count: 1 },
];
describe("a heat map", () => {
  it("has lines between exact powers, and no row is lost when lines are put together", () => {
    const fine = heat_of(points, range, 10, decades(24), 100, "ns");
    expect(fine.edges[0]).toBe(1e6);
    expect(fine.edges.at(-1)).toBe(1e8);
    expect(fine.cells).toHaveLength(48);
    const coarse = heat_of(points, range, 10, decades(24), 10, "ns");
    expect(coarse.cells).toHaveLength(8);
    expect([coarse.total, coarse.max]).toEqual([11, 5]);
    expect(coarse.edges.filter((edge) => edge === 1e7)).toHaveLength(1);
  });
  it("has a line of its own for zero and less", () => {
    const heat = heat_of([...points, { t_us: 0, bucket: null, count: 4 }], range, 10, decades(24), 10, "ns");
    expect([heat.has_zero, heat.edges[0], heat.cells[0]?.[0], heat.total]).toEqual([true, LOWEST, 4, 15]);
    expect(heat_of([], range, 10, decades(24), 10, "ns").total).toBe(0);
  });
  it("gives a box's whole cells, and finds them again", () => {
    const heat = heat_of(points, range, 10, decades(24), 10, "ns");
    const box = { step0: 2, step1: 1, line0: 7, line1: 4 };
    const values = box_values(heat, box);
    expect(values).toMatchObject({ from_us: 10, to_us: 30, low: 1e7, high: 1e8, count: 6 });
    expect(box_of(heat, values.from_us, values.to_us, values.low, values.high)).toEqual({ step0: 1, step1: 2, line0: 4, line1: 7 });
    expect(box_of(heat, 0, 30, 1e9, 1e10)).toBeUndefined();
  });
  it("has eight lines to a doubling for durations, which begin where log_step() has them", () => {
    for (const low of [1, 2, 3, 7, 8, 9, 15, 16, 18, 30, 1024, 1152, 1 << 30, 15 * 2 ** 40]) expect(EIGHTHS(eighth_of(low))).toBe(low);
    expect(eighth_of(1151)).toBe(eighth_of(1024));
    expect(heat_of([{ t_us: 0, bucket: eighth_of(1024), count: 1 }], range, 10, EIGHTHS, 10, "ns").edges).toEqual([1024, 1152]);
  });
  it("shows one row beside thousands", () => {
    expect([strength(0, 10), strength(1, 100000) > 0.18, strength(10, 10)]).toEqual([0, true, 1]);
  });
});
