import { describe, expect, it } from "vitest";
import { drawn_of, lines_query, list_query, type Finding } from "./findings";

const finding: Finding = {
  number: 3, kind: "error_rate", is_up: true, title: "More errors", text: "", service: "cart", severity: "critical", since: "2026-11-28T07:00:00Z", found_at: "2026-11-28T07:05:00Z", ended_at: null, is_accepted: false,
  window_minutes: 10, value: 0.3, expected: 0.01, low: 0, high: 0.02, z: 12, rows: 400, incident: null, issue: null, patterns: null, metric: null, cause: null, statement: "SELECT 1",
};
describe("findings", () => {
  it("are those that go on unless all are asked for", () => {
    expect(list_query(new URLSearchParams(""))).toEqual({ open: "true" });
    expect(list_query(new URLSearchParams("state=all&service=cart"))).toEqual({ service: "cart" });
  });
  it("are drawn from an hour before to half an hour behind, with what was expected", () => {
    const data = drawn_of(finding, [["2026-11-28T07:01:00Z", 0.4]]);
    expect(data.times).toHaveLength(95);
    expect(data.series.map((one) => one.name).sort()).toEqual(["expected", "least", "most of 95 in 100", "seen"]);
    const seen = data.series.find((one) => one.name === "seen")?.values ?? [];
    expect([seen[60], seen[61], seen[62]]).toEqual([null, 0.4, null]);
    const silent = drawn_of({ ...finding, kind: "silence" }, [["2026-11-28T06:59:00Z", 40]]).series.find((one) => one.name === "seen")?.values ?? [];
    expect([silent[59], silent[60], silent[94]]).toEqual([40, 0, 0]);
  });
  it("of metrics have no value where nothing came", () => {
    const seen = drawn_of({ ...finding, kind: "metric", metric: "queue" }, [["2026-11-28T06:58:00Z", 2], ["2026-11-28T07:01:00Z", 4]]).series.find((one) => one.name === "seen")?.values ?? [];
    expect([seen[58], seen[59], seen[61]]).toEqual([2, null, 4]);
  });
  it("of new log patterns lead to their lines, of all of them", () => {
    expect(lines_query(finding)).toBeNull();
    expect(lines_query({ ...finding, kind: "new_pattern", patterns: ["a", "b"], ended_at: "2026-11-28T08:00:00Z" })).toEqual({ from: "2026-11-28T07:00:00Z", to: "2026-11-28T08:30:00.000Z", q: "pattern:a OR pattern:b" });
  });
});
