import { expect, test } from "vitest";
import { Budget, Ring } from "./replay_ring";

test("a ring begins with a snapshot, whatever went", () => {
  const ring = new Ring();
  ring.add("before", false, 0);
  for (let minute = 0; minute < 5; minute++) {
    ring.add(`meta ${minute}`, true, minute * 60_000);
    for (let n = 0; n < 3; n++) ring.add(`${minute}.${n}`, false, minute * 60_000 + n);
  }
  expect(ring.take()).toEqual(["meta 3", "3.0", "3.1", "3.2", "meta 4", "4.0", "4.1", "4.2"]);
  expect(ring.take()).toEqual([]);
});

test("it asks for the next snapshot after a minute, or when much has come, and never holds more than its bytes", () => {
  const ring = new Ring();
  ring.add("meta", true, 0);
  expect(ring.add("a", false, 59_000)).toBe(false);
  expect(ring.add("a", false, 61_000)).toBe(true);
  const big = new Ring(), megabyte = "x".repeat(1 << 20);
  big.add("meta", true, 0);
  expect([big.add(megabyte, false, 1), big.add(megabyte, false, 2)]).toEqual([false, false]);
  expect(big.add(megabyte, false, 11_000)).toBe(true);
  for (let n = 0; n < 20; n++) big.add(megabyte, false, 12_000 + n);
  expect(big.take()).toEqual([]); /* cut in the middle it could not be played */
});

test("a budget lets a page be built, and stops a storm", () => {
  const budget = new Budget(100);
  expect(budget.spend(1900, 1000)).toBe(true);
  for (let s = 1; s < 60; s++) expect(budget.spend(100, 1000 + s * 1000)).toBe(true);
  expect(budget.spend(2100, 61_000)).toBe(false);
  budget.refill();
  expect(budget.spend(100, 61_001)).toBe(true);
});
