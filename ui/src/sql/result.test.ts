import { describe, expect, it } from "vitest";
import type { Table } from "../api/client";
import { order_next, order_of, sorted, widths } from "./result";
import { index_of, place_of } from "../place";

const table: Table = {
  columns: [
    { name: "service", type: "text" },
    { name: "n", type: "int8" },
  ],
  rows: [
    ["b", 10],
    ["a", 9],
    [null, null],
    ["a", 100],
  ],
  is_cut: false,
  warnings: [],
  duration_ms: 1,
  files: {},
  answered_from: "raw",
};

describe("an answer", () => {
  it("is sorted by a column, nulls last, equal ones as they came", () => {
    expect(sorted(table, order_of("", 2))).toEqual([0, 1, 2, 3]);
    expect(sorted(table, order_of("1", 2))).toEqual([1, 3, 0, 2]);
    expect(sorted(table, order_of("2", 2))).toEqual([1, 0, 3, 2]);
    expect(sorted(table, order_of("-2", 2))).toEqual([3, 0, 1, 2]);
  });
  it("has an order in the address that no column breaks", () => {
    expect(order_of("3", 2).column).toBe(-1);
    expect(order_of("x", 2).column).toBe(-1);
    expect(order_next(order_of("", 2), 1)).toBe("2");
    expect(order_next(order_of("2", 2), 1)).toBe("-2");
    expect(order_next(order_of("-2", 2), 1)).toBe(null);
  });
  it("has a width for each column", () => {
    expect(widths(table)).toHaveLength(2);
    expect(widths({ ...table, rows: [["x".repeat(5000), 1]] })[0]).toBeLessThan(500);
  });
});

describe("a place in a statement", () => {
  it("is counted in characters, whatever they are", () => {
    const text = "SELECT '😀ä',\n  lvel FROM t";
    const place = place_of(text, [..."SELECT '😀ä',\n  "].length + 1);
    expect(place).toEqual({ at: text.indexOf("lvel"), end: text.indexOf("lvel") + 4, line: 2, column: 3 });
    expect(place_of(text, 0)).toBeUndefined();
    expect(place_of(text, 9999)?.at).toBe(text.length);
    expect(index_of("😀b", 1)).toBe(2);
  });
});
