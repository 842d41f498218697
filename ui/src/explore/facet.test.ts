import { describe, expect, it } from "vitest";
import { facets_of, facets_statement, has_few_values, is_slow, newest_from } from "./facet";
import { catalog_of, field_of } from "./fields";

const catalog = catalog_of([
  { name: "level", type: "text" },
  { name: "kind", type: "text" },
  { name: "resource___service___name", type: "text" },
  { name: "attributes___user___id", type: "text" },
]);
const scope = { where: "", range: { from_us: 0, to_us: 4e6 } };
const bars = (values: (number | null)[][]) => ({ times: [0, 1e6, 2e6, 3e6], step_us: 1e6, series: values.map((one) => ({ name: "", keys: [], is_rest: false, total: null, values: one })) });

describe("facets", () => {
  it("read facets back by their grouping", () => {
    const fields = [field_of(catalog, "level"), field_of(catalog, "service"), field_of(catalog, "kind")];
    expect(facets_statement(scope, fields)).toContain("GROUPING SETS ((f0), (f1), (f2))");
    const rows = [
      ["ERROR", null, null, 3, 7, 1],
      ["INFO", null, null, 3, 5, 2],
      [null, "shop", null, 5, 12, 1],
      [null, null, null, 6, 12, 1],
    ];
    expect(facets_of(fields, rows)).toEqual([
      { field: "level", values: [{ value: "ERROR", count: 7 }, { value: "INFO", count: 5 }] },
      { field: "service.name", values: [{ value: "shop", count: 12 }] },
    ]);
  });
  it("are exact for columns of few values alone", () => {
    expect(["level", "service.name", "user.id", "http.route"].map((name) => has_few_values(field_of(catalog, name)))).toEqual([true, true, false, false]);
  });
  it("know the conditions that read every row's text", () => {
    expect(["level = 'ERROR'", "attributes->>'a' = 'b'", "name ILIKE '%x%'", ""].map(is_slow)).toEqual([false, true, true, false]);
  });
});

describe("the newest rows", () => {
  it("begin inside the bar in which so many are reached", () => {
    expect(newest_from(bars([[50, 50, 50, 50], [50, 50, 50, null]]), 4e6, 100)).toEqual({ inside_us: 2.5e6, bar_us: 2e6 });
    expect(newest_from(bars([[0, 0, 0, 1000]]), 4e6, 10)).toEqual({ inside_us: 3.99e6, bar_us: 3e6 });
  });
  it("begin before the end of the range, which the last bar may reach beyond", () => {
    expect(newest_from(bars([[0, 0, 0, 1000]]), 3.2e6, 500)).toEqual({ inside_us: 3.1e6, bar_us: 3e6 });
  });
  it("are all of them when there are not more", () => {
    expect(newest_from(bars([[1, 2, 3, 4]]), 4e6, 10)).toBeUndefined();
    expect(newest_from(bars([]), 4e6, 10)).toBeUndefined();
  });
});
