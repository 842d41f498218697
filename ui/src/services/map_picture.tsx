/* Nodes and edges as SVG. A node is a button; an edge is chosen by a click, or in the panel and the table. */
import { show_value } from "../charts/scale";
import { KINDS } from "./edges";
import { NODE_HEIGHT, NODE_WIDTH, type Layout } from "./map_layout";
import { line_of } from "./map_path";
import { edge_width, is_failing, type Graph, type MapEdge, type MapNode } from "./map_shape";
import { look_of, rate, share, show_rate, show_share } from "./services";

interface PictureProps {
  graph: Graph;
  laid: Layout;
  seconds: number;
  found: ReadonlySet<string> | undefined;
  entries: ReadonlySet<string>;
  chosen: string;
  chosen_edge: string;
  here: string;
  onChoose: (node: string) => void;
  onChooseEdge: (edge: string) => void;
  onFocus: (node: string) => void;
}
const LABELLED = 24; /* edges of which all can have their figures beside them */
const NAME = 20;
const compact = (part: number | null) => (part !== null && part >= 0.001 ? `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)} %` : show_share(part));
const short = (text: string) => (text.length > NAME ? `${text.slice(0, NAME - 1)}…` : text);

export function Picture({ graph, laid, seconds, found, entries, chosen, chosen_edge, here, onChoose, onChooseEdge, onFocus }: PictureProps) {
  const near = new Set(chosen ? graph.edges.filter((edge) => edge.from === chosen || edge.to === chosen).flatMap((edge) => [edge.from, edge.to]) : []);
  const is_faint = (id: string) => (found ? !found.has(id) : chosen !== "" && near.size > 0 && !near.has(id) && id !== chosen);
  /* Words of edges that part stand where those have parted, of edges that meet where they have not met yet. */
  const [outs, ins] = [count_of(graph.edges.map((edge) => edge.from)), count_of(graph.edges.map((edge) => edge.to))];
  const part_of = (edge: MapEdge) => {
    const more = (outs.get(edge.from) ?? 0) - (ins.get(edge.to) ?? 0);
    return more > 0 ? 0.64 : more < 0 ? 0.36 : 0.5;
  };
  const by_edge = new Map([...laid.paths].map(([link, points]) => [`${link.from}>${link.to}`, points]));
  return (
    <>
      <defs>
        {["", "failing"].map((kind) => (
          <marker key={kind} id={`map-arrow${kind}`} class={`map-arrow ${kind}`} viewBox="0 0 8 8" refX="1" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M0 0L8 4L0 8z" />
          </marker>
        ))}
      </defs>
      {graph.edges.map((edge) => {
        const points = by_edge.get(edge.id);
        if (!points) return null;
        const is_lit = edge.id === chosen_edge || edge.from === chosen || edge.to === chosen;
        return <EdgeLine key={edge.id} edge={edge} points={points} part={part_of(edge)} seconds={seconds} is_lit={is_lit} is_faint={!is_lit && (is_faint(edge.from) || is_faint(edge.to))} has_label={is_lit || graph.edges.length <= LABELLED} onChoose={onChooseEdge} />;
      })}
      {laid.layers.flat().map((id) => {
        const node = graph.nodes.find((one) => one.id === id);
        const place = laid.places.get(id);
        return node && place && <Node key={id} node={node} x={place.x} y={place.y} seconds={seconds} is_chosen={id === chosen} is_faint={is_faint(id)} is_here={id === here} is_entry={entries.has(id)} onChoose={onChoose} onFocus={onFocus} />;
      })}
    </>
  );
}

function count_of(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

interface EdgeProps {
  edge: MapEdge;
  points: readonly { x: number; y: number }[];
  part: number;
  seconds: number;
  is_lit: boolean;
  is_faint: boolean;
  has_label: boolean;
  onChoose: (edge: string) => void;
}
function EdgeLine({ edge, points, part, seconds, is_lit, is_faint, has_label, onChoose }: EdgeProps) {
  const { path, middle } = line_of(points, part);
  const { figures } = edge;
  const failing = is_failing(figures) ? "failing" : "";
  const failed = share(figures) ?? 0;
  return (
    <g class={`map-edge ${failing} ${is_lit ? "lit" : ""} ${is_faint ? "faint" : ""}`} data-edge={edge.id} onClick={() => onChoose(edge.id)}>
      <path class="map-edge-hit" d={path} />
      <path class="map-edge-line" d={path} stroke-width={edge_width(figures.requests)} marker-end={`url(#map-arrow${failing})`} />
      {has_label && (
        <text class="map-edge-label" x={middle.x} y={middle.y} aria-hidden="true">
          <tspan x={middle.x} dy="-4">
            {show_rate(rate(figures, seconds))}
          </tspan>
          <tspan x={middle.x} dy="17">
            {show_value(figures.p95, "ns")}
          </tspan>
          {failed > 0 && <tspan class="map-edge-failed"> ✖ {compact(failed)}</tspan>}
        </text>
      )}
    </g>
  );
}

interface NodeProps {
  node: MapNode;
  x: number;
  y: number;
  seconds: number;
  is_chosen: boolean;
  is_faint: boolean;
  is_here: boolean;
  is_entry: boolean;
  onChoose: (node: string) => void;
  onFocus: (node: string) => void;
}
function Node({ node, x, y, seconds, is_chosen, is_faint, is_here, is_entry, onChoose, onFocus }: NodeProps) {
  const { figures, condition, kind } = node;
  const look = look_of(condition);
  const failed = share(figures);
  const is_ill = condition === "failing" || condition === "slow" || condition === "silent";
  const words = [`${KINDS[kind].title} ${node.title}`, look.title, `${show_rate(rate(figures, seconds))}`, failed === null ? "" : `${show_share(failed)} failed`, figures.p95 === null ? "" : `p95 ${show_value(figures.p95, "ns")}`, is_entry ? "called from outside" : ""].filter(Boolean).join(", ");
  return (
    <g
      class={`map-node ${kind} ${condition} ${is_chosen ? "chosen" : ""} ${is_faint ? "faint" : ""}`}
      transform={`translate(${x - NODE_WIDTH / 2} ${Math.round(y - NODE_HEIGHT / 2)})`}
      role="button"
      tabIndex={is_here ? 0 : -1}
      aria-description={words}
      aria-pressed={is_chosen}
      data-node={node.id}
      onClick={() => onChoose(node.id)}
      onFocus={() => onFocus(node.id)}
    >
      {is_entry && (
        <text aria-hidden="true" class="map-node-entry" x="-12" y="26">
          ↘
        </text>
      )}
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx={kind === "service" ? 6 : 20} />
      <text aria-hidden="true" class="map-node-mark" x="14" y="19">
        {is_ill ? look.mark : KINDS[kind].mark}
      </text>
      <text class="map-node-name" x="32" y="19">
        {short(node.title)}
      </text>
      <text class="map-node-figures" x="32" y="35">
        {figures.requests > 0 ? `${show_rate(rate(figures, seconds))} · ${show_value(figures.p95, "ns")}` : condition === "silent" ? "silent" : "no requests"}
        {(failed ?? 0) > 0 && <tspan class="map-edge-failed"> ✖ {compact(failed)}</tspan>}
      </text>
    </g>
  );
}
