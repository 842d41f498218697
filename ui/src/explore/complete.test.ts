import { describe, expect, it } from "vitest";
import { merged, proposals } from "./complete";
import { catalog_of } from "./fields";
import { SHORT } from "./short";

const catalog = catalog_of([
  { name: "resource___service___name", type: "text" },
  { name: "attributes___http___route", type: "text" },
]);
const known = merged([
  { place: "span", key: "tenant", rows: 5, values: [{ value: "acme", rows: 3 }, { value: "größe 2", rows: 2 }] },
  { place: "log", key: "tenant", rows: 9, values: [{ value: "beta", rows: 9 }] },
  { place: "metric", key: "tenant.metric", rows: 99, values: [] },
  { place: "span", key: "shop.tenants", rows: 1, values: [] },
]);
const of = (text: string, cursor = text.length) => proposals(text, cursor, catalog, [{ field: "service.name", list: ["payments", "web"] }], known);

describe("the query bar proposes", () => {
  it("names: short ones, columns, and attributes without a column", () => {
    expect(of("ten").list.map((one) => one.text)).toEqual(["tenant:", "shop.tenants:"]);
    expect(of("-serv").list[0]).toEqual({ text: "service:", hint: "service.name" });
    expect(of("(http.r").list.map((one) => one.text)).toEqual(["http.route:"]);
    expect(of("level:error ten").from).toBe(12);
    expect(of("").list).toEqual([]);
    expect(of('"some ten').list).toEqual([]);
  });
  it("values, of what stands in this range first, quoted where they must be", () => {
    expect(of("service:").list.map((one) => one.text)).toEqual(["payments ", "web "]);
    expect(of("tenant:").list.map((one) => one.text)).toEqual(["beta ", "acme ", '"größe 2" ']);
    expect(of("-tenant:!=gr").list).toEqual([{ text: '"größe 2" ', hint: "2 rows" }]);
    expect(of('tenant:"größe').from).toBe(7);
    expect(of('tenant:"größe').list).toHaveLength(1);
    expect(of("nothing:").list).toEqual([]);
  });
  it("in the middle of a text, too", () => {
    expect(of("service:we level:error", 10)).toEqual({ from: 8, list: [{ text: "web ", hint: "value" }] });
  });
  it("takes the short names from the server's list", () => {
    expect(SHORT["service"]).toBe("service.name");
    expect(SHORT["env"]).toBe("deployment.environment.name");
    expect(Object.keys(SHORT).length).toBeGreaterThan(14);
  });
});
