import { expect, test } from "vitest";
import { series_of } from "./report_series";

test("milliseconds are drawn as times, gaps stay gaps", () => {
  const drawn = series_of({ kind: "chart", heading: "p95", evidence: [], unit: "ms", form: "lines", from_unix_us: 120e6, step_us: 60e6, series: [{ name: "p95", values: [1.5, null] }] });
  expect(drawn?.unit).toBe("ns");
  expect(drawn?.series[0]?.values).toEqual([1.5e6, null]);
  expect(drawn?.times).toEqual([120e6, 180e6]);
  expect(drawn?.range).toEqual({ from_us: 120e6, to_us: 240e6 });
});

test("what is no chart is none", () => {
  expect(series_of({ kind: "note", heading: "", evidence: [] })).toBeUndefined();
});
