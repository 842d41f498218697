import { describe, expect, it } from "vitest";
import { inline, is_own_link, markdown_read } from "./markdown";

describe("markdown", () => {
  it("has blocks", () => {
    expect(markdown_read("# A\n\nb\nc\n\n- d\n- e\n1. f\n> g\n> h\n\n---\n```sql\nSELECT *\n```").map((block) => block.is)).toEqual(["heading", "paragraph", "list", "list", "quote", "rule", "code"]);
    expect(markdown_read("```\nnever closed <b>")).toEqual([{ is: "code", text: "never closed <b>" }]);
  });
  it("has emphasis, code and links to our pages", () => {
    expect(inline("a **b *c*** `d*` [e](explore?q=x)")).toEqual([
      { is: "text", text: "a " },
      { is: "strong", inside: [{ is: "text", text: "b " }, { is: "em", inside: [{ is: "text", text: "c" }] }] },
      { is: "text", text: " " },
      { is: "code", text: "d*" },
      { is: "text", text: " " },
      { is: "link", href: "explore?q=x", inside: [{ is: "text", text: "e" }] },
    ]);
    expect(inline("snake_case_name stays")).toEqual([{ is: "text", text: "snake_case_name stays" }]);
  });
  it("makes no link of what leads elsewhere, no picture, no HTML", () => {
    for (const [href, is_own] of [["explore?q=level:error", true], ["/p/shop/dashboards/web", true], ["trace/4bf9", true], ["https://x.example/", false], ["//x.example/a", false], ["javascript:alert(1)", false], ["/account", false], ["../x", false], ["explore/../../x", false], ["data:text/html,x", false]] as const)
      expect([href, is_own_link(href)]).toEqual([href, is_own]);
    expect(inline("[x](javascript:alert(1))")).toEqual([{ is: "text", text: "x (javascript:alert(1)" }, { is: "text", text: ")" }]);
    expect(inline("![x](explore)")).toEqual([{ is: "text", text: "![x](explore)" }]);
    expect(inline("<img src=x onerror=alert(1)>")).toEqual([{ is: "text", text: "<img src=x onerror=alert(1)>" }]);
  });
});
