import { describe, expect, it } from "vitest";
import { extent_of, is_part, smallest_and_largest, time_series, told_at, with_first, type Point } from "./series";

const range = { from_us: 5, to_us: 45 };
const shape = { range, step_us: 10, unit: "count" as const, adds_up: true, empty: 0 as const, top: 2, groups: 5 };
const point = (t_us: number | null, place: number, key: string | null, value: number | null): Point => ({ t_us, place, keys: key === null ? [""] : [key], value });

describe("series over time", () => {
  const points = [point(null, 1, "a", 7), point(0, 1, "a", 3), point(20, 1, "a", 4), point(null, 2, "b", 2), point(40, 2, "b", 2), point(null, 3, null, 9), point(10, 3, null, 9)];
  it("have a value for each step: none counted is zero, and what is behind the last place is together", () => {
    const data = time_series(points, shape);
    expect(data.times).toEqual([0, 10, 20, 30, 40]);
    expect(data.series.map((one) => [one.name, one.values, one.total, one.is_rest])).toEqual([
      ["a", [3, 0, 4, 0, 0], 7, false],
      ["b", [0, 0, 0, 0, 2], 2, false],
      ["others (3)", [0, 9, 0, 0, 0], 9, true],
    ]);
  });
  it("keep a gap a gap where nothing was measured", () => {
    const data = time_series([point(0, 1, "a", 3), point(20, 1, "a", null)], { ...shape, empty: null });
    expect(data.series[0]?.values).toEqual([3, null, null, null, null]);
    expect(smallest_and_largest(data.series[0]?.values ?? [])).toEqual({ min: 3, max: 3 });
    expect(smallest_and_largest([null])).toBeUndefined();
  });
  it("call a value that is called others by its name", () => {
    const data = time_series([point(0, 1, "others (3)", 1), point(0, 3, null, 1)], shape);
    expect(data.series.map((one) => one.is_rest)).toEqual([false, true]);
  });
  it("say how high they are, alone and upon each other, and which steps are cut", () => {
    const data = time_series(points, shape);
    expect([extent_of(data, false).max, extent_of(data, true).max]).toEqual([9, 9]);
    expect(data.times.map((_, at) => is_part(data, at))).toEqual([true, false, false, false, true]);
    expect(told_at(data, 1).map((one) => one.name)).toEqual(["others (3)", "a", "b"]);
    expect(with_first(data, ["b"]).series.map((one) => one.name)).toEqual(["b", "a", "others (3)"]);
  });
});
