import { describe, expect, it } from "vitest";
import { catalog, columns_of } from "./columns";

describe("columns", () => {
  it("reads names and types, and leaves what is for people", () => {
    const text = "# a line for people\ntimestamp                    timestamptz        not_null\n\nhashes  text[]  bloom\nbody json\nduration bigint\n";
    expect(columns_of(text)).toEqual([
      { name: "timestamp", type: "timestamp with time zone" },
      { name: "hashes", type: "ARRAY" },
      { name: "body", type: "jsonb" },
      { name: "duration", type: "bigint" },
    ]);
  });
  it("has the fields of the server's list", () => {
    expect(catalog.by_name.get("service.name")?.sql).toBe("resource___service___name");
    expect(catalog.by_name.get("duration")?.type).toBe("number");
    expect(catalog.by_name.get("body")?.type).toBe("json");
    expect(catalog.by_name.get("timestamp")?.type).toBe("time");
    expect(catalog.by_name.has("project_id")).toBe(false);
  });
});
