import { describe, expect, it } from "vitest";
import { from_iso, parse_range, parse_time, show_duration, show_time, step_us, to_iso } from "./time";

const NOW = Date.UTC(2026, 10, 27, 3, 0, 0) * 1e3;

describe("parse_time", () => {
  it("takes what people type", () => {
    expect(parse_time("now", NOW)).toBe(NOW);
    expect(parse_time("now-1h", NOW)).toBe(NOW - 3600e6);
    expect(parse_time("-90m", NOW)).toBe(NOW - 5400e6);
    expect(parse_time("15m", NOW)).toBe(NOW - 900e6);
    expect(parse_time("2026-11-27 02:30", NOW, true)).toBe(NOW - 1800e6);
    expect(parse_time("2026-11-27T02:30:00.5Z", NOW)).toBe(NOW - 1800e6 + 5e5);
    expect(parse_time("2026-11-27T03:30:00+01:00", NOW)).toBe(NOW - 1800e6);
    expect(parse_time("1795748400", NOW)).toBe(1795748400e6);
  });
  it("answers NaN for what is none", () => {
    for (const text of ["", "yesterday", "now+1h", "2026-13-01", "2026-11-27 25:00", "1h2m"]) expect(parse_time(text, NOW)).toBeNaN();
  });
});

describe("parse_range", () => {
  it("is the last hour when it cannot be read or is empty", () => {
    const hour = { from_us: NOW - 3600e6, to_us: NOW };
    expect(parse_range("", "", NOW)).toEqual(hour);
    expect(parse_range("now", "now-1h", NOW)).toEqual(hour);
    expect(parse_range("nonsense", "", NOW)).toEqual(hour);
  });
});

it("keeps microseconds to ISO and back", () => {
  const us = NOW + 123456;
  expect(to_iso(us)).toBe("2026-11-27T03:00:00.123456Z");
  expect(from_iso(to_iso(us))).toBe(us);
  expect(from_iso("2026-11-27 03:00:00.123456+00")).toBe(us);
  expect(show_time(us, 6, true)).toBe("2026-11-27 03:00:00.123456");
});

it("shows durations in the unit that people read", () => {
  expect([800, 12_340, 1_234_000, 12_340_000, 1.5e9, 90e9, 3.6e12 * 5].map(show_duration)).toEqual(["800 ns", "12.3 µs", "1.23 ms", "12.3 ms", "1.50 s", "1 m 30 s", "5 h 0 m"]);
});

it("chooses steps that make about as many bars as asked", () => {
  for (const hours of [0.01, 1, 24, 24 * 30]) {
    const range = { from_us: NOW - hours * 3600e6, to_us: NOW };
    const bars = (hours * 3600e6) / step_us(range);
    expect(bars).toBeGreaterThan(20);
    expect(bars).toBeLessThanOrEqual(81);
  }
});
