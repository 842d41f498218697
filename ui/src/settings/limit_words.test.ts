import { describe, expect, it } from "vitest";
import { limit_of, show_limit, used_of } from "./limit_words";

describe("a limit", () => {
  it("is read as people write it", () => {
    expect([limit_of("5000"), limit_of("5k"), limit_of("2.5 M"), limit_of("1 000 000"), limit_of("1GB"), limit_of("0")]).toEqual([5000, 5000, 2.5e6, 1e6, 1e9, 0]);
    expect([limit_of(""), limit_of("-1"), limit_of("1.5"), limit_of("ten"), limit_of("99999999T")]).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
  it("is shown in its unit, 0 as none", () => {
    expect(show_limit("bytes_per_day", 5e6)).toBe("5.0 MB");
    expect(show_limit("queries", 0)).toBe("no limit");
    expect(show_limit("queries", 0, false)).toBe("0");
  });
  it("has what is used of it, where that is counted over time", () => {
    const used = { bytes_today: 1, events_this_month: 2, queries_now: 3 };
    expect([used_of("bytes_per_day", used), used_of("events_per_month", used), used_of("queries", used), used_of("bytes_per_second", used)]).toEqual([1, 2, 3, undefined]);
  });
});
