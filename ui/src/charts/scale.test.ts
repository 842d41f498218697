import { describe, expect, it } from "vitest";
import { apart, log_ticks, scale_of, show_value, tick_step, time_ticks } from "./scale";

describe("values", () => {
  it("have their units", () => {
    expect([show_value(1.5e9, "ns"), show_value(2048, "bytes"), show_value(0.0123456, "rate"), show_value(1234567, "count"), show_value(null, "ns")]).toEqual(["1.50 s", "2.0 KB", "0.0123/s", "1.2 M", "–"]);
  });
});
describe("an axis", () => {
  it("goes from zero to the line above the largest, in steps that people count in", () => {
    expect(scale_of(0, 1830e6, "ns", 5)).toEqual({ bottom: 0, top: 2e9, ticks: [0, 0.5e9, 1e9, 1.5e9, 2e9] });
    expect(scale_of(0, 3, "count", 5).ticks).toEqual([0, 1, 2, 3]);
    expect(tick_step(2 * 3600e9, "ns", 4)).toBe(1800e9);
    expect(scale_of(0, 0.03, "rate", 3).ticks).toHaveLength(4);
  });
  it("has room for what is below zero, and stands when all is zero", () => {
    const { bottom, top, ticks } = scale_of(-5, 12, "number");
    expect([bottom, top, ticks.includes(0)]).toEqual([-5, 15, true]);
    expect(scale_of(0, 0, "count").top).toBeGreaterThan(0);
  });
  it("of powers has few lines over many decades and more over few", () => {
    expect(log_ticks(1e3, 1e9)).toEqual([1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]);
    expect(log_ticks(1, 10)).toEqual([1, 2, 5, 10]);
  });
  it("leaves out lines whose texts would lie over each other", () => {
    expect(apart([0, 1, 2, 3, 4, 5], (tick) => tick * 20)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(apart([0, 1, 2, 3, 4, 5], (tick) => tick * 8)).toEqual([0, 2, 4]);
    expect(apart([1, 3, 10, 30, 100], (tick) => Math.log10(tick) * 16)).toEqual([1, 10, 100]);
    expect(apart([0, 1, 2], (tick) => tick)).toEqual([0]);
    expect(apart([], (tick) => tick)).toEqual([]);
  });
  it("of times stands at whole minutes of the zone", () => {
    expect(time_ticks(90e6, 400e6, 3, 0)).toEqual({ ticks: [120e6, 240e6, 360e6], step: 120e6 });
    expect(time_ticks(0, 86400e6, 2, 1800e6).ticks[0]).toBe(43200e6 - 1800e6);
  });
});
