import { describe, expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { pathname: "/", search: "" }, addEventListener: () => undefined });
vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
vi.stubGlobal("sessionStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
const { address_is_same, address_kept } = await import("./saved");

describe("a saved view's address", () => {
  it("is what is below the project, without what is of the moment", () => {
    expect(address_kept("/p/shop/explore", new URLSearchParams("q=level:error&view=1&open=2&from=now-1h"))).toBe("explore?q=level%3Aerror&from=now-1h");
    expect(address_kept("/p/shop/ask", new URLSearchParams("q=errors+today&at=2026-10-27T00:00:00Z"))).toBe("ask?q=errors+today");
    expect(address_kept("/p/sh%20op/trace/abc", new URLSearchParams(""))).toBe("trace/abc");
  });
  it("has only characters that addresses have", () => {
    const kept = address_kept("/p/shop/explore", new URLSearchParams({ q: 'a "b" <c> {d} ä|\\^`\n' }));
    expect(kept).toMatch(/^[!-~]+$/);
    expect(kept).not.toMatch(/["#<>\\^`{|}]/);
  });
  it("is the same in another order", () => {
    expect(address_is_same("explore?a=1&b=2", "explore?b=2&a=1&view=9")).toBe(true);
    expect(address_is_same("explore?a=%3A", "explore?a=:")).toBe(true);
    expect(address_is_same("explore?a=1", "explore?a=2")).toBe(false);
    expect(address_is_same("explore", "sql")).toBe(false);
    expect(address_is_same("explore", "explore?")).toBe(true);
  });
});
