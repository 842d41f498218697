/* The map as a table: each edge a line, the ill ones first; and the nodes that stand alone. */
import { change, param } from "../url";
import type { Edge } from "./edges";
import { FigureCells, FigureHeads } from "./figure_cells";
import { is_failing, node_id, type Graph } from "./map_shape";
import { NodeName } from "./page_neighbours";

interface MapTableProps {
  graph: Graph;
  edges: readonly Edge[];
  seconds: number;
  found: ReadonlySet<string> | undefined; /* those between others are left out */
}
export function MapTable({ graph, edges, seconds, found }: MapTableProps) {
  const shown = new Set(graph.edges.map((edge) => edge.id));
  const id_of = (edge: Edge) => `${node_id(edge.source_kind, edge.source)}>${node_id(edge.target_kind, edge.target)}`;
  const is_found = (edge: Edge) => !found || found.has(node_id(edge.source_kind, edge.source)) || found.has(node_id(edge.target_kind, edge.target));
  const lines = edges.filter((edge) => shown.has(id_of(edge)) && is_found(edge)).sort((a, b) => Number(is_failing(b.figures)) - Number(is_failing(a.figures)) || b.figures.requests - a.figures.requests);
  const joined = new Set(graph.edges.flatMap((edge) => [edge.from, edge.to]));
  const alone = graph.nodes.filter((node) => !joined.has(node.id) && (!found || found.has(node.id)));
  return (
    <div class="map-table" role="region" aria-label="Table of the map" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">Calls</th>
            <FigureHeads />
            <th scope="col">
              <span class="unseen">Choose</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {lines.map((edge) => (
            <tr key={id_of(edge)} data-edge={id_of(edge)} class={param("edge") === id_of(edge) ? "chosen" : ""}>
              <th scope="row">
                <NodeName name={edge.source} kind={edge.source_kind} of={edge.target} />
              </th>
              <td>
                <NodeName name={edge.target} kind={edge.target_kind} of={edge.source} />
              </td>
              <FigureCells figures={edge.figures} seconds={seconds} what="calls" />
              <td class="map-table-more">
                <button class="plain" aria-label={`More of ${edge.source || "callers from outside"} calls ${edge.target || "somebody"}`} onClick={() => change({ edge: id_of(edge), node: null })}>
                  ⋯
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {alone.length > 0 && (
        <section class="map-alone" aria-label="Without calls">
          <h2>Without calls</h2>
          <ul>
            {alone.map((node) => (
              <li key={node.id}>
                <NodeName name={node.name} kind={node.kind} of={node.name} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
