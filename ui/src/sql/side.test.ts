import { describe, expect, it } from "vitest";
import { place_kind, sql_proposals, type Schema } from "./complete";
import { found, read_list, remembered, type Ran } from "./history";
import { can_explain, plan_of, plan_words } from "./plan";

const schema: Schema = {
  columns: [
    { table: "otel_logs_and_spans", name: "timestamp", type: "timestamptz" },
    { table: "otel_logs_and_spans", name: "resource___service___name", type: "text" },
    { table: "otel_metrics", name: "timestamp", type: "timestamptz" },
    { table: "otel_metrics", name: "metric_name", type: "text" },
  ],
  attributes: ["cart.tier", "cart.items", "tenant"],
};
const proposed = (text: string) => sql_proposals(text, text.length, schema).list.map((one) => one.text);

describe("the editor proposes", () => {
  it("columns, tables, functions and keywords, by how they begin or by a word of theirs", () => {
    expect(proposed("SELECT tim")).toEqual(["timestamp", "time_bucket("]);
    expect(proposed("SELECT serv")).toEqual(["resource___service___name"]);
    expect(proposed("SELECT 1 FROM otel")).toEqual(["otel_logs_and_spans", "otel_metrics"]);
    expect(proposed("SELECT n FROM t GROUP")).toEqual(["GROUP BY"]);
    expect(proposed("SELECT met")[0]).toBe("metric_name");
  });
  it("names of attributes behind attributes->>'", () => {
    expect(proposed("SELECT attributes->>'ca")).toEqual(["cart.tier'", "cart.items'"]);
    expect(sql_proposals("SELECT attributes->>'ca", 23, schema).from).toBe(21);
  });
  it("nothing in texts, comments, within a word, or before it knows the schema", () => {
    expect(proposed("SELECT 'tim")).toEqual([]);
    expect(proposed("SELECT 1 -- tim")).toEqual([]);
    expect(proposed("SELECT /* tim")).toEqual([]);
    expect(sql_proposals("SELECT timx", 10, schema).list).toEqual([]);
    expect(sql_proposals("SELECT tim", 10, undefined).list).toEqual([]);
    expect(place_kind("SELECT 'it''s' /* ' */ -- \n")).toBe("code");
    expect(place_kind('SELECT "na')).toBe("name");
  });
});

describe("the history", () => {
  const ran = (sql: string, at_ms: number): Ran => ({ sql, at_ms, rows: 1, ms: 2 });
  it("keeps the last run of a statement, the last first, and no more than fifty", () => {
    expect(remembered([ran("a", 1), ran("b", 2)], ran("b", 3)).map((one) => [one.sql, one.at_ms])).toEqual([["b", 3], ["a", 1]]);
    expect(remembered([], ran("x".repeat(20001), 1))).toEqual([]);
    const many = Array.from({ length: 60 }).reduce<Ran[]>((list, _, at) => remembered(list, ran(`s${at}`, at)), []);
    expect([many.length, many[0]?.sql]).toEqual([50, "s59"]);
  });
  it("is searched by words, and nothing else is read as one", () => {
    expect(found([ran("SELECT a FROM t", 1), ran("SELECT b", 2)], "from SELECT").map((one) => one.sql)).toEqual(["SELECT a FROM t"]);
    expect([read_list("{"), read_list('{"a":1}'), read_list('[1,{"sql":5}]'), read_list(null)]).toEqual([[], [], [], []]);
  });
});

describe("a plan", () => {
  const table = (lines: string[]) => ({ columns: [{ name: "QUERY PLAN", type: "text" }], rows: lines.map((line) => [line]), is_cut: false, warnings: [], duration_ms: 1, files: {}, answered_from: "raw" as const });
  it("says how many files are read", () => {
    const plan = plan_of(table(["Files: 3 of 120", "Files answered from roll-ups: 2", "SCAN\n  FILTER"]));
    expect([plan.opened, plan.considered, plan.rollups, plan.lines.length]).toEqual([3, 120, 2, 4]);
    expect(plan_words(plan)).toBe("3 of 120 files are read; 117 are left out by the conditions. 2 are answered from roll-ups.");
    expect(plan_words(plan_of(table(["Files: 0 of 0"])))).toContain("no file yet");
    expect(plan_words(plan_of(table(["RESULT"])))).toBe("It reads no files.");
  });
  it("is made of what asks, not of what changes", () => {
    expect([can_explain("/* x */ select 1"), can_explain("-- a\nWITH x AS (SELECT 1) SELECT 1"), can_explain("DELETE FROM t"), can_explain("EXPLAIN SELECT 1")]).toEqual([true, true, false, false]);
  });
});
