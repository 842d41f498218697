import { describe, expect, it } from "vitest";
import { download_href, file_name } from "./download";

const at = (text: string) => Date.parse(text) * 1e3;

describe("a file", () => {
  it("is named by what it is and of when", () => {
    expect(file_name("Logs and spans", { from_us: at("2026-11-27T03:00:00Z"), to_us: at("2026-11-27T04:10:00Z") })).toBe("logs-and-spans_2026-11-27T0300_0410");
    expect(file_name("p95 of «ä/..x»", { from_us: at("2026-11-26T23:00:00Z"), to_us: at("2026-11-27T04:10:00Z") })).toBe("p95-of-..x_2026-11-26T2300_2026-11-27T0410");
    expect(file_name("é", { from_us: 0, to_us: 0 })).toBe("rows_1970-01-01T0000");
  });
  it("comes by a link that says the statement whole", () => {
    const url = new URL(download_href("a b", "SELECT 'x&y' || '+ü'", "csv", "f"), "http://h");
    expect(url.pathname).toBe("/api/v1/projects/a%20b/query");
    expect(url.searchParams.get("sql")).toBe("SELECT 'x&y' || '+ü'");
  });
});
