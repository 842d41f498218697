import { describe, expect, it } from "vitest";
import { address_value, fill_search, fill_sql, is_of_all, names_in, values_of } from "./variables";

const time = { range: { from_us: 0, to_us: 3600e6 }, step_us: 60e6, environment: "" };
const service = { name: "service", field: "service.name", default: "web" };

describe("values of variables", () => {
  it("are those of the address, else the first ones", () => {
    expect(values_of([service, { name: "tier", values: ["a"] }], new URLSearchParams())).toEqual({ service: "web", tier: "" });
    expect(values_of([service], new URLSearchParams("var.service=a b"))).toEqual({ service: "a b" });
    expect(values_of([service], new URLSearchParams("var.service=*"))).toEqual({ service: "" });
  });
  it("go back into the address", () => {
    expect([address_value(service, "web"), address_value(service, ""), address_value(service, "x")]).toEqual([null, "*", "x"]);
    expect(address_value({ name: "tier", values: ["a"] }, "")).toBeNull();
  });
});

describe("a search with variables", () => {
  it("has their values, quoted where they must be", () => {
    expect(fill_search("service:$service kind:server", { service: "web" })).toBe("service:web kind:server");
    expect(fill_search("service:$service", { service: 'a "b" c' })).toBe('service:"a \\"b\\" c"');
    expect(fill_search('"at $service now"', { service: 'a"b' })).toBe('"at a\\"b now"');
    expect(fill_search("service:$service", { service: "OR" })).toBe('service:"OR"');
  });
  it("loses the terms whose variable is not set", () => {
    expect(fill_search("service:$service (level:error OR name:$service) kind:server", { service: "" })).toBe("kind:server");
  });
  it("keeps what is no variable", () => {
    expect(fill_search("price:$5 a:$other", { service: "web" })).toBe("price:$5 a:$other");
  });
});

describe("SQL with variables", () => {
  it("has values, never SQL", () => {
    expect(fill_sql("a = $service", { service: "x'; DROP TABLE t; --" }, time)).toBe("a = 'x''; DROP TABLE t; --'");
    expect(fill_sql("$service IS NULL", { service: "" }, time)).toBe("NULL IS NULL");
  });
  it("has the page's time", () => {
    expect(fill_sql("t >= $from AND t < $to, $step", {}, time)).toBe("t >= timestamptz '1970-01-01T00:00:00.000Z' AND t < timestamptz '1970-01-01T01:00:00.000Z', interval '60 seconds'");
  });
  it("has the page's environment, unless a variable has its name", () => {
    const sql = "$environment IS NULL OR env = $environment";
    expect(fill_sql(sql, {}, time)).toBe("NULL IS NULL OR env = NULL");
    expect(fill_sql(sql, {}, { ...time, environment: "it's" })).toBe("'it''s' IS NULL OR env = 'it''s'");
    expect(fill_sql(sql, { environment: "own" }, { ...time, environment: "prod" })).toBe("'own' IS NULL OR env = 'own'");
    expect(fill_sql(sql, { environment: "" }, { ...time, environment: "prod" })).toBe("NULL IS NULL OR env = NULL");
  });
  it("is of all environments where it does not use the page's", () => {
    expect(is_of_all({ sql: "SELECT $environment" }, {}, "prod")).toBe(false);
    expect(is_of_all({ sql: "SELECT '$environment'" }, {}, "prod")).toBe(true);
    expect(is_of_all({ sql: "SELECT '$environment'" }, {}, "")).toBe(false);
    expect(is_of_all({ sql: "SELECT $environment" }, { environment: "own" }, "prod")).toBe(true);
    expect(is_of_all({ search: "q=a" }, {}, "prod")).toBe(false);
  });
  it("is left alone in texts, names and comments, as the server leaves it", () => {
    const values = { xx: "v" };
    for (const [sql, wanted] of [
      ["'$xx', \"$xx\" -- $xx\n, $xx", "'$xx', \"$xx\" -- $xx\n, 'v'"],
      ["/* $xx /* */ $xx */ $xx", "/* $xx /* */ $xx */ 'v'"],
      ["'it''s $xx' E'\\' $xx' $xx", "'it''s $xx' E'\\' $xx' 'v'"],
      ["$xx$ $xx $xx$", "$xx$ 'v' $xx$"],
      ["a$xx", "a$xx"],
      ["'$xx", "'$xx"],
      ["/* $xx", "/* $xx"],
      ["name'$xx' $xx", "name'$xx' 'v'"],
      ["$none $1 $Xx", "$none $1 $Xx"],
    ] as const)
      expect(fill_sql(sql, values, time)).toBe(wanted);
  });
  it("tells its names", () => {
    expect([...names_in("$from '$to' $service")]).toEqual(["from", "service"]);
  });
});
