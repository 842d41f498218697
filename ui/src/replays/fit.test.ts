import { expect, test } from "vitest";
import { event_fit } from "./fit";

const built = (tagName: string, attributes: Record<string, unknown>, childNodes: unknown[] = []) => {
  const node = { type: 2, tagName, attributes, childNodes };
  event_fit({ type: 2, timestamp: 1, data: { node: { type: 0, childNodes: [node] } } });
  return node;
};
test("what could run, load or send is taken out of a snapshot", () => {
  expect(built("script", { src: "https://evil.example/x.js" }, [{ type: 3, textContent: "alert(1)" }])).toMatchObject({ tagName: "noscript", attributes: {}, childNodes: [] });
  expect(built("img", { src: "https://evil.example/b.gif", srcset: "https://evil.example/c 2x", onerror: "alert(1)", alt: "x" }).attributes).toEqual({ alt: "x" });
  expect(built("img", { src: "data:image/gif;base64,R0" }).attributes).toEqual({ src: "data:image/gif;base64,R0" });
  expect(built("iframe", { src: "https://evil.example", srcdoc: "<script>", sandbox: "allow-scripts" }).attributes).toEqual({});
  expect(built("a", { href: " javascript:alert(1)", ping: "https://evil.example", ONCLICK: "x" }).attributes).toEqual({ href: "#" });
  expect(built("a", { href: "#top" }).attributes).toEqual({ href: "#top" });
  expect(built("form", { action: "https://evil.example", method: "post" }).attributes).toEqual({ method: "post" });
  expect(built("meta", { "http-equiv": "refresh", content: "0;url=https://evil.example" }).attributes).toEqual({});
  expect(built("link", { rel: "dns-prefetch", href: "//secret.evil.example" }).attributes).toEqual({});
  expect(built("link", { rel: "stylesheet", href: "https://x", _cssText: "a{}" }).attributes).toEqual({ rel: "stylesheet", _cssText: "a{}" });
  expect(built("base", { href: "https://evil.example" }).tagName).toBe("noscript");
  expect(built("a b", {}).tagName).toBe("noscript");
});
test("and out of changes", () => {
  const data = { source: 0, adds: [{ node: { type: 2, tagName: "script", attributes: {}, childNodes: [] } }], attributes: [{ id: 1, attributes: { onload: "x", src: "https://evil.example/", class: "a" } }] };
  event_fit({ type: 3, timestamp: 1, data });
  expect(data.adds[0]?.node.tagName).toBe("noscript");
  expect(data.attributes[0]?.attributes).toEqual({ class: "a" });
});
test("sizes are those of a window; what is no node does no harm", () => {
  const meta = event_fit({ type: 4, timestamp: 1, data: { width: 1e12, height: -4 } });
  expect([meta.data["width"], meta.data["height"]]).toEqual([8192, 1]);
  for (const node of [null, 7, { type: 2 }, { type: 2, tagName: 5, attributes: null, childNodes: "x" }, { type: 0, childNodes: [null, 3] }]) event_fit({ type: 2, timestamp: 1, data: { node } });
});
