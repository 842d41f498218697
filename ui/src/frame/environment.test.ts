import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { pathname: "/", search: "" }, addEventListener: () => undefined });
const { environment_condition, other_environments, with_environment } = await import("./environment");

describe("environment", () => {
  it("is a condition beside any other", () => {
    expect(environment_condition("")).toBe("");
    expect(environment_condition("it's")).toBe("resource___deployment___environment___name = 'it''s'");
    expect(with_environment("a OR b", "prod")).toBe("resource___deployment___environment___name = 'prod' AND (a OR b)");
    expect(with_environment("", "prod")).toBe("resource___deployment___environment___name = 'prod'");
    expect(with_environment("a OR b", "")).toBe("a OR b");
  });
  it("knows what else a trace has", () => {
    expect(other_environments(["prod", "test", "", "prod", "test"], "prod")).toEqual(["", "test"]);
    expect(other_environments(["prod", "test"], "")).toEqual([]);
  });
});
