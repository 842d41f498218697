import { describe, expect, it, vi } from "vitest";
import { catalog_of } from "../explore/fields";
import type { Panel } from "./load";

vi.stubGlobal("window", { location: { pathname: "/", search: "" }, addEventListener: () => undefined });
const { search_asked } = await import("./asks");
const { together } = await import("./together");

const range = { from_us: 0, to_us: 86400e6 };
const catalog = catalog_of([{ name: "resource___service___name", type: "text" }, { name: "duration", type: "bigint" }]);
const panel = (id: string, kind: Panel["kind"], search: string, w = 6): Panel => ({ id, title: id, kind, source: { search }, at: { x: 0, y: 0, w, h: 7 } });

describe("panels that are asked together", () => {
  it("are percentiles of one field and one search, with the same steps", () => {
    const found = together(
      [
        panel("number", "stat", "q=service:$service&agg=p95"),
        panel("line", "lines", "q=service:web&agg=p99&of=duration"),
        panel("wide", "lines", "q=service:web&agg=p50", 12),
        panel("other", "lines", "q=service:api&agg=p99"),
        panel("grouped", "lines", "q=service:web&agg=p99&by=service.name"),
        panel("count", "stat", "q=service:web"),
        panel("top", "top", "q=service:web&agg=p95"),
      ],
      { service: "web" },
      { range, environment: "" },
      catalog,
    );
    expect([...found]).toEqual([
      ["number", { aggs: ["p95", "p99"], steps: 60 }],
      ["line", { aggs: ["p95", "p99"], steps: 60 }],
    ]);
  });
  it("have one statement, and each its own part of the answer", () => {
    const [number, line] = [panel("number", "stat", "agg=p95"), panel("line", "lines", "agg=p99")];
    const found = together([number, line], {}, { range, environment: "" }, catalog);
    const ask = (one: Panel) => search_asked(one, new URLSearchParams(one.source.search), { where: "", range }, catalog, found.get(one.id ?? ""));
    expect(ask(number).statement).toBe(ask(line).statement);
    expect(ask(number).statement).toContain("ARRAY[approx_percentile(0.95, percentile_agg(duration)), approx_percentile(0.99, percentile_agg(duration))]");
    const table = { columns: [], rows: [[null, 1, 1, [5, 9]], ["1970-01-01T00:00:00Z", 1, 1, [4, 8]], ["1970-01-01T00:30:00Z", 1, 1, null]], is_cut: false, warnings: [], duration_ms: 1, files: {}, answered_from: "raw" as const };
    expect(ask(number).read(table)).toMatchObject({ as: "stat", figures: [{ value: 5 }] });
    const drawn = ask(line).read(table);
    expect(drawn.as === "series" && [drawn.data.series[0]?.total, drawn.data.series[0]?.values.slice(0, 2)]).toEqual([9, [8, null]]);
  });
});
