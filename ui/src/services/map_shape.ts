/* The map: nodes and edges out of calls and of how services do. Pure. */
import type { Edge, NodeKind } from "./edges";
import { node_title } from "./edges";
import { condition_of, NO_FIGURES, share, type Condition, type Figures, type Service } from "./services";

export interface MapNode {
  id: string; /* "service:cart"; in the address as `node` */
  kind: NodeKind;
  name: string;
  title: string;
  figures: Figures; /* of its requests; of what was inferred: calls to it, or from it */
  condition: Condition;
}
export interface MapEdge {
  id: string; /* "service:web>service:cart" */
  from: string;
  to: string;
  figures: Figures;
}
export interface Graph {
  nodes: MapNode[];
  edges: MapEdge[];
}
export const CALLER = "caller:";
export const node_id = (kind: NodeKind, name: string): string => `${kind}:${name}`;

/* Figures of calls by several: counts add up, quantiles do not; the busiest says them. */
function together(list: readonly Figures[]): Figures {
  const busiest = list.reduce((most, one) => (one.requests > most.requests ? one : most), NO_FIGURES);
  return { ...busiest, requests: list.reduce((sum, one) => sum + one.requests, 0), errors: list.reduce((sum, one) => sum + one.errors, 0) };
}
const FAILING = 0.05;
const FAILING_ERRORS = 3;
export const is_failing = (figures: Figures): boolean => figures.errors >= FAILING_ERRORS && (share(figures) ?? 0) >= FAILING;

export function graph_of(calls: readonly Edge[], services: readonly Service[]): Graph {
  const nodes = new Map<string, MapNode>();
  const beside = new Map<string, { into: Figures[]; out: Figures[] }>();
  const known = new Map(services.map((one) => [one.name, one]));
  const put = (kind: NodeKind, name: string) => {
    const id = node_id(kind, name);
    if (!nodes.has(id)) {
      nodes.set(id, { id, kind, name, title: node_title(name, kind), figures: NO_FIGURES, condition: "quiet" });
      beside.set(id, { into: [], out: [] });
    }
    return id;
  };
  const edges = calls.map(({ source, source_kind, target, target_kind, figures }): MapEdge => {
    const from = put(source_kind, source);
    const to = put(target_kind, target);
    beside.get(from)?.out.push(figures);
    beside.get(to)?.into.push(figures);
    return { id: `${from}>${to}`, from, to, figures };
  });
  for (const service of services) if (service.name) put("service", service.name);
  for (const node of nodes.values()) {
    const service = node.kind === "service" ? known.get(node.name) : undefined;
    const { into = [], out = [] } = beside.get(node.id) ?? {};
    node.figures = service ? service.now : together(into.length > 0 ? into : out);
    node.condition = service ? condition_of(service) : is_failing(node.figures) ? "failing" : node.figures.requests > 0 ? "well" : "quiet";
  }
  return { nodes: [...nodes.values()], edges };
}

export const ILL: readonly Condition[] = ["failing", "silent", "slow"];

/* What is within so many calls of one of these, in either direction. */
export function around(graph: Graph, centres: ReadonlySet<string>, hops: number): Graph {
  let near = new Set(graph.nodes.filter((node) => centres.has(node.id)).map((node) => node.id));
  for (let hop = 0; hop < hops; hop++) {
    const next = new Set(near);
    for (const edge of graph.edges) {
      if (near.has(edge.from)) next.add(edge.to);
      if (near.has(edge.to)) next.add(edge.from);
    }
    near = next;
  }
  return { nodes: graph.nodes.filter((node) => near.has(node.id)), edges: graph.edges.filter((edge) => near.has(edge.from) && near.has(edge.to)) };
}
const ENTRIES = 12;
/* Callers from outside are one node; where they call more than a dozen its lines would cover the map: then each of those has a mark
 * instead. is_kept: it was chosen. */
export function with_entries(graph: Graph, is_kept: boolean): { graph: Graph; entries: ReadonlySet<string> } {
  const from_outside = graph.edges.filter((edge) => edge.from === CALLER);
  if (is_kept || from_outside.length <= ENTRIES) return { graph, entries: new Set() };
  return { graph: { nodes: graph.nodes.filter((node) => node.id !== CALLER), edges: graph.edges.filter((edge) => edge.from !== CALLER) }, entries: new Set(from_outside.map((edge) => edge.to)) };
}
/* of: around one node; is_ill: around those that are ill. */
export function narrowed_map(graph: Graph, of: string, hops: number, is_ill: boolean): Graph {
  const part = of && graph.nodes.some((node) => node.id === of) ? around(graph, new Set([of]), hops) : graph;
  if (!is_ill) return part;
  return around(part, new Set(part.nodes.filter((node) => ILL.includes(node.condition)).map((node) => node.id)), 1);
}
/* "hops" of the address. */
export const hops_read = (text: string): number => ({ "2": 2, "3": 3 })[text] ?? 1;

/* From a node to the next by an arrow key: along the busiest edge, or within the layer. */
export function step_to(graph: Graph, layers: readonly (readonly string[])[], from: string, key: string): string | undefined {
  const layer = layers.find((ids) => ids.includes(from)) ?? [];
  if (key === "ArrowUp") return layer[layer.indexOf(from) - 1];
  if (key === "ArrowDown") return layer[layer.indexOf(from) + 1];
  const is_right = key === "ArrowRight";
  const edges = graph.edges.filter((edge) => (is_right ? edge.from : edge.to) === from && edge.from !== edge.to);
  const busiest = edges.reduce<MapEdge | undefined>((most, edge) => (!most || edge.figures.requests > most.figures.requests ? edge : most), undefined);
  return busiest && (is_right ? busiest.to : busiest.from);
}

/* ---- what is seen ---- */

export interface View {
  x: number; /* of the map, at the left edge */
  y: number;
  scale: number;
}
export const SCALE_MIN = 0.15;
export const SCALE_MAX = 2;
const READABLE = 0.8;
const LEAST = 0.6; /* for all of it to be seen at once */
export const FAR = 0.5; /* below it names alone are shown */
/* All of it where it can be read, else the beginning of it, as large as can be read, with `middle` in the middle of the height. */
export function fitted(width: number, height: number, box_width: number, box_height: number, middle: number, is_all = false): View {
  const margin = 24;
  const scale = Math.min(1, (box_width - 2 * margin) / Math.max(1, width), (box_height - 2 * margin) / Math.max(1, height));
  const used = is_all ? Math.max(SCALE_MIN, scale) : scale >= LEAST ? scale : READABLE;
  const has_room = (size: number, box: number) => size * used + 2 * margin <= box + 0.5;
  const begin = -margin / used;
  const top = Math.max(begin, Math.min(middle - box_height / used / 2, height - box_height / used - begin));
  return { x: has_room(width, box_width) ? (width - box_width / used) / 2 : begin, y: has_room(height, box_height) ? (height - box_height / used) / 2 : top, scale: used };
}
/* Larger or smaller, what is under the point stays there. */
export function zoomed(view: View, factor: number, px: number, py: number): View {
  const scale = Math.max(SCALE_MIN, Math.min(SCALE_MAX, view.scale * factor));
  return { scale, x: view.x + px / view.scale - px / scale, y: view.y + py / view.scale - py / scale };
}
/* So that a place is in the box; it stays where it is when it is. */
export function shown_at(view: View, x: number, y: number, box_width: number, box_height: number): View {
  const left = (x - view.x) * view.scale;
  const top = (y - view.y) * view.scale;
  const is_in = left > 100 && left < box_width - 100 && top > 40 && top < box_height - 40;
  return is_in ? view : { ...view, x: x - box_width / view.scale / 2, y: y - box_height / view.scale / 2 };
}
/* Wider the more calls there are: each tenfold is as much. */
export const edge_width = (requests: number): number => 1 + Math.min(4, Math.log10(Math.max(1, requests)) * 0.8);
