import { describe, expect, it } from "vitest";
import { layout, NODE_HEIGHT, spread, type Link } from "./map_layout";
import { around, edge_width, fitted, graph_of, hops_read, narrowed_map, shown_at, step_to, with_entries, zoomed, type Graph } from "./map_shape";
import { line_of } from "./map_path";
import { NO_FIGURES, type Service } from "./services";
import type { Edge } from "./edges";

const link = (text: string): Link => ({ from: text[0] ?? "", to: text[1] ?? "" });
const ids = (links: readonly Link[]) => [...new Set(links.flatMap((one) => [one.from, one.to]))];

function random(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}
/* Services that call those behind them, and now and then one before them. */
function large(count: number): { nodes: string[]; links: Link[] } {
  const next = random(7);
  const nodes = Array.from({ length: count }, (_, at) => `service-${at}`);
  const links: Link[] = [];
  for (let at = 0; at < count; at++)
    for (let n = 0; n < 1 + Math.floor(next() * 4); n++) {
      const to = next() < 0.05 ? Math.floor(next() * count) : Math.min(count - 1, at + 1 + Math.floor(next() * 40));
      links.push({ from: `service-${at}`, to: `service-${to}` });
    }
  return { nodes, links };
}

describe("the layout", () => {
  it("has whoever calls left of whom it calls", () => {
    const links = ["ab", "ac", "bd", "cd", "ad"].map(link);
    const { places, layers, paths } = layout(ids(links), links);
    for (const { from, to } of links) expect(places.get(from)?.x).toBeLessThan(places.get(to)?.x ?? 0);
    expect(layers).toEqual([["a"], ["b", "c"], ["d"]]);
    expect(paths.get(links[4] as Link)?.length).toBe(3); /* a bend in the layer between */
  });
  it("turns edges that close a circle, and draws none to itself", () => {
    const links = ["ab", "bc", "ca", "aa"].map(link);
    const { places, paths } = layout(ids(links), links);
    expect(places.size).toBe(3);
    expect(paths.size).toBe(3);
    const back = paths.get(links[2] as Link) ?? [];
    expect(back[0]).toEqual(places.get("c"));
    expect(back.at(-1)).toEqual(places.get("a"));
  });
  it("is the same in whatever order nodes and edges come", () => {
    const { nodes, links } = large(60);
    const one = layout(nodes, links);
    const other = layout([...nodes].reverse(), [...links].reverse());
    expect([...other.places].sort()).toEqual([...one.places].sort());
  });
  it("takes crossings away where it can", () => {
    const links = ["az", "by", "cx", "ax"].map(link); /* by their names they would cross */
    const { places } = layout(ids(links), links);
    const y = (id: string) => places.get(id)?.y ?? NaN;
    const crossed = links.flatMap((a) => links.filter((b) => (y(a.from) - y(b.from)) * (y(a.to) - y(b.to)) < 0));
    expect(crossed).toEqual([]);
  });
  it("of 200 services overlaps nowhere, and takes a moment", () => {
    const { nodes, links } = large(200);
    const begin = performance.now();
    const { places, layers, height } = layout(nodes, links);
    expect(performance.now() - begin).toBeLessThan(3000); /* 60 ms when the machine is idle */
    expect(places.size).toBe(200);
    for (const layer of layers)
      layer.forEach((id, at) => {
        if (at > 0) expect((places.get(id)?.y ?? 0) - (places.get(layer[at - 1] ?? "")?.y ?? 0)).toBeGreaterThanOrEqual(NODE_HEIGHT);
      });
    for (const { y } of places.values()) expect(y >= 0 && y <= height).toBe(true);
  });
  it("puts those that nobody calls below the others; of nothing it is nothing", () => {
    const links = ["ab"].map(link);
    const { places, height } = layout(["a", "b", "x", "y"], links);
    for (const id of ["x", "y"]) expect(places.get(id)?.y).toBeGreaterThan(places.get("a")?.y ?? 0);
    expect(height).toBeGreaterThan(places.get("x")?.y ?? 0);
    expect(layout([], [])).toMatchObject({ width: 0, height: 0 });
    expect(layout(["a"], []).places.get("a")).toEqual({ x: 102, y: 22 });
  });
  it("callers stand at the very left", () => {
    const links = ["az", "bc", "cz"].map(link);
    expect(layout(ids(links), links, new Set(["a"])).places.get("a")?.x).toBe(layout(ids(links), links).places.get("b")?.x);
    expect(layout(ids(links), links).places.get("a")?.x).toBe(layout(ids(links), links).places.get("c")?.x);
  });
  it("heights are as near to the wanted ones as the distances allow", () => {
    expect(spread([0, 100, 200], [10, 10])).toEqual([0, 100, 200]);
    expect(spread([50, 50, 50], [10, 10])).toEqual([40, 50, 60]);
    expect(spread([100, 0], [20])).toEqual([40, 60]);
    expect(spread([], [])).toEqual([]);
  });
});

describe("the graph", () => {
  const edge = (source: string, target: string, requests: number, more: Partial<Edge> = {}): Edge => ({ source, source_kind: "service", target, target_kind: "service", figures: { ...NO_FIGURES, requests }, ...more });
  const service = (name: string, requests: number, errors = 0): Service => ({ name, now: { ...NO_FIGURES, requests, errors }, before: NO_FIGURES, spans: requests, span_errors: 0, logs: 0, log_errors: 0, points: 0, over_time: { requests: [], errors: [], p95: [] } });
  const graph: Graph = graph_of(
    [edge("", "web", 90, { source_kind: "caller" }), edge("web", "cart", 40), edge("web", "pay", 50), edge("pay", "postgresql/shop", 50, { target_kind: "database", figures: { ...NO_FIGURES, requests: 50, errors: 20, p95: 7 } }), edge("cart", "postgresql/shop", 10, { target_kind: "database" })],
    [service("web", 90), service("pay", 50, 25), service("cart", 40), service("batch", 0)],
  );
  const node = (id: string) => graph.nodes.find((one) => one.id === id);
  it("has services, what was inferred, and callers from outside", () => {
    expect(graph.nodes.map((one) => one.id).sort()).toEqual(["caller:", "database:postgresql/shop", "service:batch", "service:cart", "service:pay", "service:web"]);
    expect(node("database:postgresql/shop")).toMatchObject({ figures: { requests: 60, errors: 20, p95: 7 }, condition: "failing" });
    expect(node("service:pay")?.condition).toBe("failing");
    expect(node("caller:")).toMatchObject({ title: "from outside", figures: { requests: 90 } });
    expect(node("service:batch")?.condition).toBe("quiet");
  });
  it("is narrowed to what is near one, and to what is ill", () => {
    const names = (part: Graph) => part.nodes.map((one) => one.id).sort();
    expect(names(narrowed_map(graph, "service:cart", 1, false))).toEqual(["database:postgresql/shop", "service:cart", "service:web"]);
    expect(names(narrowed_map(graph, "service:cart", 2, false)).length).toBe(5);
    expect(names(narrowed_map(graph, "", 1, true))).toEqual(["database:postgresql/shop", "service:cart", "service:pay", "service:web"]);
    expect(names(narrowed_map(graph, "service:gone", 1, false)).length).toBe(6);
    expect(around(graph, new Set(["service:batch"]), 3).edges).toEqual([]);
    expect([hops_read(""), hops_read("2"), hops_read("9")]).toEqual([1, 2, 1]);
  });
  it("has marks in place of a hundred lines from outside", () => {
    const many = graph_of(Array.from({ length: 13 }, (_, at) => edge("", `s${at}`, 1, { source_kind: "caller" })), []);
    expect(with_entries(many, false)).toMatchObject({ graph: { edges: [] }, entries: new Set(Array.from({ length: 13 }, (_, at) => `service:s${at}`)) });
    expect(with_entries(many, true).graph).toBe(many);
    expect(with_entries(graph, false)).toEqual({ graph, entries: new Set() });
  });
  it("is walked by arrows: along the busiest edge, and within a layer", () => {
    const { layers } = layout(graph.nodes.map((one) => one.id), graph.edges);
    expect(step_to(graph, layers, "service:web", "ArrowRight")).toBe("service:pay");
    expect(step_to(graph, layers, "service:web", "ArrowLeft")).toBe("caller:");
    expect(step_to(graph, layers, "caller:", "ArrowLeft")).toBeUndefined();
    const first = layers.find((layer) => layer.includes("service:pay"))?.[0] ?? "";
    expect(step_to(graph, layers, first, "ArrowUp")).toBeUndefined();
    expect(step_to(graph, layers, first, "ArrowDown")).not.toBe(first);
  });
});

describe("what is seen of it", () => {
  it("is all of it in the middle, or as much as can be read", () => {
    expect(fitted(400, 200, 1000, 600, 0)).toEqual({ x: -300, y: -200, scale: 1 });
    expect(fitted(400, 9000, 1000, 600, 4000)).toEqual({ x: (400 - 1250) / 2, y: 4000 - 375, scale: 0.8 });
    expect(fitted(1500, 100, 1000, 600, 0).scale).toBeCloseTo(952 / 1500); /* all of it, a little small */
    expect(fitted(400, 9000, 1000, 600, 0).y).toBe(-30);
    expect(fitted(400, 9000, 1000, 600, 9000).y).toBe(9000 - 750 + 30);
    expect(fitted(400, 9000, 1000, 600, 0, true).scale).toBe(0.15);
  });
  it("grows around the pointer", () => {
    const view = zoomed({ x: 10, y: 20, scale: 1 }, 2, 100, 50);
    expect(view).toEqual({ x: 60, y: 45, scale: 2 });
    expect(zoomed(view, 9, 0, 0).scale).toBe(2);
  });
  it("moves only to what is not there", () => {
    const view = { x: 0, y: 0, scale: 1 };
    expect(shown_at(view, 300, 200, 800, 600)).toBe(view);
    expect(shown_at(view, 3000, 200, 800, 600)).toEqual({ x: 2600, y: -100, scale: 1 });
  });
  it("lines go from side to side of the nodes, straight past those between", () => {
    const line = line_of([{ x: 102, y: 20 }, { x: 410, y: 40 }, { x: 718, y: 20 }]);
    expect(line.path).toBe("M204 20C256 20 256 40 308 40H512C560.5 40 560.5 20 609 20");
    expect(line.middle).toEqual({ x: 256, y: 30 });
    expect(line_of([{ x: 410, y: 20 }, { x: 102, y: 20 }]).path).toBe("M308 29C259.5 29 259.5 29 211 29"); /* back: lower, from the left side */
    expect(line_of([{ x: 0, y: 0 }, { x: 308, y: 100 }], 0.64).middle.y).toBeGreaterThan(65);
  });
  it("edges are wider the more calls there are", () => {
    expect(edge_width(1)).toBe(1);
    expect(edge_width(1e9)).toBe(5);
    expect(edge_width(100)).toBeGreaterThan(edge_width(10));
  });
});
