import { describe, expect, it } from "vitest";
import { catalog_of, field_name, field_of, quoted } from "./fields";
import { condition, rows_statement } from "./statement";

const catalog = catalog_of([
  { name: "level", type: "text" },
  { name: "duration", type: "bigint" },
  { name: "attributes", type: "jsonb" },
  { name: "resource___service___name", type: "text" },
  { name: "attributes___network___local__address", type: "text" },
  { name: "context___trace_id", type: "text" },
]);
const scope = { where: "level = 'ERROR'", range: { from_us: Date.UTC(2026, 10, 27) * 1e3, to_us: Date.UTC(2026, 10, 28) * 1e3 } };

describe("fields", () => {
  it("have OpenTelemetry's names", () => {
    expect(["resource___service___name", "attributes___network___local__address", "context___trace_id", "level"].map(field_name)).toEqual(["service.name", "network.local.address", "trace_id", "level"]);
  });
  it("are columns, or attributes by name, quoted", () => {
    expect(field_of(catalog, "service").sql).toBe("resource___service___name");
    expect(field_of(catalog, "http.route").sql).toBe("coalesce(attributes->>'http.route', resource->>'http.route')");
    expect(field_of(catalog, "it's").sql).toContain("'it''s'");
    expect(field_of(catalog, "attributes").sql).toContain("->>"); /* never the column itself */
  });
  it("cannot leave their quotes", () => {
    expect(quoted("a'; DROP TABLE x --")).toBe("'a''; DROP TABLE x --'");
  });
});

describe("statements", () => {
  it("keep the condition in brackets behind the range", () => {
    expect(condition({ ...scope, where: "a OR b" })).toContain("AND (a OR b)");
    expect(condition({ ...scope, where: "" })).not.toContain("()");
    expect(condition(scope)).toContain("timestamp >= '2026-11-27T00:00:00.000Z' AND timestamp < '2026-11-28T00:00:00.000Z'");
  });
  it("page by the last row", () => {
    const next = rows_statement(scope, [], { timestamp: "2026-11-27 03:00:00+00", id: "x" });
    expect(next).toContain("timestamp < '2026-11-27 03:00:00+00' OR (timestamp = '2026-11-27 03:00:00+00' AND id < 'x')");
  });
});
