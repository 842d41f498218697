import { expect, it } from "vitest";
import { csv, sorted } from "./table";

it("sorts numbers as numbers and leaves what has no value at the end", () => {
  const rows = [["a", 10], ["b", null], ["c", 9]];
  expect(sorted(rows, 1, true).map((row) => row[0])).toEqual(["a", "c", "b"]);
  expect(sorted(rows, 1, false).map((row) => row[0])).toEqual(["c", "a", "b"]);
});
it("writes CSV that stays text in a spreadsheet", () => {
  expect(csv({ columns: [{ title: "a" }, { title: "n", unit: "count" }], rows: [['x "y", z', -1.5], ["=HYPERLINK()", null], ["two\nlines", 0]] })).toBe('a,n\r\n"x ""y"", z",-1.5\r\n\'=HYPERLINK(),\r\n"two\nlines",0\r\n');
});
