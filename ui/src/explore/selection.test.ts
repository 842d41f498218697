import { describe, expect, it } from "vitest";
import { selection_condition, selection_read, selection_write, with_values } from "./selection";

const duration = { name: "duration", sql: "duration", type: "number" as const };
describe("a selection", () => {
  it("is read as it was written, and nothing else is one", () => {
    for (const text of ["1000~2000", "1000~2000~0.5~17", "1000~2000~-9e15~1"]) expect(selection_read(selection_write(selection_read(text)!))).toEqual(selection_read(text));
    for (const text of ["", "1", "1~", "2000~1000", "1~2~3", "1~2~4~3", "1~2~~3", "a~b", "1~2~3~Infinity"]) expect(selection_read(text)).toBeUndefined();
  });
  it("is a condition that holds the first of each and not the second", () => {
    expect(selection_condition({ from_us: 0, to_us: 1e6, values: { low: 10, high: 20 } }, duration)).toBe("timestamp >= '1970-01-01T00:00:00.000Z' AND timestamp < '1970-01-01T00:00:01.000Z' AND duration >= 10 AND duration < 20");
  });
  it("becomes terms, in place of those of before", () => {
    expect(with_values("service:web duration:>=5ms duration:<1s", { low: 10, high: 20 }, duration)).toBe("service:web duration:>=10ns duration:<20ns");
    expect(with_values("", { low: 0, high: 20 }, { name: "cart.items", sql: "x", type: "text" as const })).toBe("cart.items:<20");
  });
});
