import { describe, expect, it } from "vitest";
import { cross_answer, groups_answer, series_answer } from "./answer";
import { catalog_of, field_of } from "./fields";
import { bucket_sql, grouped_step, measured_step, cross_statement, groups_statement, heat_statement, series_statement } from "./group";
import { adds_up, AGGS, measure_of, number_sql, title_of, unit_of } from "./measure";

const catalog = catalog_of([
  { name: "level", type: "text" },
  { name: "duration", type: "bigint" },
  { name: "resource___service___name", type: "text" },
]);
const scope = { where: "level = 'ERROR'", range: { from_us: 0, to_us: 3600e6 } };
const service = field_of(catalog, "service.name");
const hostile = field_of(catalog, "it's \"; DROP TABLE x --");
const measured = (agg: string, of = "") => measure_of(catalog, agg, of);

describe("what is measured", () => {
  it("is what the address says, or rows; a field's name says its unit", () => {
    expect(measured("nonsense").agg).toBe("count");
    expect([unit_of(measured("p95")), unit_of(measured("p95", "http.response.body.size")), unit_of(measured("avg", "cart.items")), unit_of(measured("distinct")), unit_of(measured("rate"))]).toEqual(["ns", "bytes", "number", "count", "rate"]);
    expect(title_of(measured("p95"))).toBe("p95 of duration");
    expect(AGGS.filter(adds_up)).toEqual(["count", "rate", "errors", "sum"]);
  });
  it("is a number, also where the field is text", () => {
    expect(number_sql(field_of(catalog, "duration"))).toBe("duration");
    expect(number_sql(field_of(catalog, "cart.items"))).toMatch(/^CASE WHEN .* ~ .* THEN .*::double precision END$/);
  });
});

describe("statements of groups", () => {
  it("read the rows once where sums can be made of sums, and otherwise group by time and over the whole range in one pass", () => {
    const count = series_statement(scope, { by: [service], measure: measured("count") }, 60e6, 10);
    expect(count).toContain("GROUP BY 1, 2)");
    expect(count).toContain("row_number() OVER (ORDER BY sum(n) DESC NULLS LAST, g0)");
    const p95 = series_statement(scope, { by: [service], measure: measured("p95") }, 60e6, 10);
    expect(p95).toContain("approx_percentile(0.95, percentile_agg(duration)) AS value");
    expect(p95).toContain("GROUP BY GROUPING SETS ((b, g0), (g0))");
    expect(p95).toContain("WHERE place <= 10");
    expect(p95.split("FROM otel_logs_and_spans")).toHaveLength(2);
    const other = series_statement(scope, { by: [service], measure: measured("p95", "cart.items") }, 60e6, 10);
    expect(other).toContain("percentile_cont(0.95) WITHIN GROUP (ORDER BY v) AS value");
  });
  it("keep the condition in brackets and every name in its quotes", () => {
    for (const agg of AGGS)
      for (const text of [
        series_statement({ ...scope, where: "a OR b" }, { by: [service, hostile], measure: measured(agg, hostile.name) }, 60e6, 10),
        groups_statement({ ...scope, where: "a OR b" }, { by: [service, hostile], measure: measured(agg, hostile.name) }, 100),
        cross_statement({ ...scope, where: "a OR b" }, { by: [service, hostile], measure: measured(agg, hostile.name) }, 12, 100),
        heat_statement({ ...scope, where: "a OR b" }, hostile, 60e6),
      ]) {
        expect(text).toContain("AND (a OR b)");
        expect(text.replaceAll("'it''s \"; DROP TABLE x --'", "")).not.toContain("DROP");
      }
  });
  it("of durations have steps that roll-ups know", () => {
    const day = { from_us: 0, to_us: 86460e6 };
    const duration = field_of(catalog, "duration");
    expect([measured_step(day, 100, { agg: "p95", of: duration }), measured_step(day, 100, { of: duration }), measured_step(day, 100, { agg: "avg", of: duration })]).toEqual([1800e6, 1800e6, 900e6]);
    const name = { name: "name", sql: "name", type: "text" } as const;
    expect([grouped_step(day, 100, [name]), grouped_step(day, 100, []), measured_step(day, 100, { agg: "count", of: duration }, [name]), grouped_step({ from_us: 0, to_us: 3600e6 }, 100, [name])]).toEqual([1800e6, 900e6, 1800e6, 60e6]);
    expect([measured_step(day, 100, { agg: "p95", of: field_of(catalog, "cart.items") }), measured_step({ from_us: 0, to_us: 3600e6 }, 100, { of: duration })]).toEqual([900e6, 60e6]);
  });
  it("bucket by steps from 1970 on, and never divide whole numbers", () => {
    expect(bucket_sql(500e3)).toBe("(extract(epoch FROM timestamp) * 1000000)::bigint / 500000");
    expect(series_statement(scope, { by: [], measure: measured("rate") }, 500e3, 10)).toContain("to_timestamp(b * 0.5) AS t");
    expect(groups_statement(scope, { by: [], measure: measured("rate") }, 1)).toContain("count(*) / 3600.0");
  });
});

describe("answers", () => {
  it("of series: the whole range first, times after it", () => {
    const data = series_answer(
      [
        [null, 1, 2, 5, "web"],
        ["1970-01-01T00:01:00.000000Z", 1, 2, 5, "web"],
        [null, 2, 2, 1, ""],
      ],
      { from_us: 0, to_us: 120e6 },
      60e6,
      measured("count"),
      10,
    );
    expect(data.series.map((one) => [one.name, one.values, one.total])).toEqual([
      ["web", [0, 5], 5],
      ["none", [0, 0], 1],
    ]);
  });
  it("of a table: errors of rows beside them", () => {
    const { table, groups } = groups_answer([["web", 3, 10, 10, 2, 1, 2, 3, 4, null]], ["service.name"], measured("count"));
    expect(table.columns.map((column) => column.title)).toEqual(["service.name", "rows", "errors", "errors of rows", "average", "p50", "p95", "p99", "max"]);
    expect(table.rows).toEqual([["web", 10, 2, 0.2, 1, 2, 3, 4, null]]);
    expect(groups).toBe(3);
  });
  it("of a cross table: what is not there is zero for counts and nothing for durations", () => {
    const rows = [
      [0, 14, 2, 9, null, "web"],
      [1, 14, 2, 7, "GET", "web"],
      [13, 14, 2, 2, null, "web"],
      [0, 14, 2, 1, null, "mail"],
      [1, 14, 2, 1, "GET", "mail"],
    ];
    const { table } = cross_answer(rows, ["service.name", "method"], measured("count"), 12);
    expect(table.columns.map((column) => column.title)).toEqual(["service.name", "all", "GET", "others (2)"]);
    expect(table.rows).toEqual([
      ["web", 9, 7, 2],
      ["mail", 1, 1, 0],
    ]);
    expect(cross_answer(rows, ["service.name", "method"], measured("p95"), 12).table.rows[1]?.[3]).toBeNull();
  });
});
