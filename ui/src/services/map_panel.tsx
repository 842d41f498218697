/* Beside the map: what is chosen on it, a node or an edge, its figures, and where it leads. */
import { show_value } from "../charts/scale";
import { show_whole } from "../number";
import { change, param } from "../url";
import { ConditionMark } from "./change";
import { callers_of, calls_of, KINDS, type Edge } from "./edges";
import { node_href, rows_href, service_href } from "./kept";
import type { Graph, MapNode } from "./map_shape";
import { NodeName, Side } from "./page_neighbours";
import { rate, share, show_rate, show_share, trouble_of, type Figures, type Health } from "./services";

interface PanelProps {
  graph: Graph;
  edges: readonly Edge[];
  health: Health;
}
export function Panel({ graph, edges, health }: PanelProps) {
  const node = graph.nodes.find((one) => one.id === param("node"));
  const edge = graph.edges.find((one) => one.id === param("edge"));
  if (node) return <NodePanel node={node} edges={edges} health={health} />;
  const from = graph.nodes.find((one) => one.id === edge?.from);
  const to = graph.nodes.find((one) => one.id === edge?.to);
  if (!edge || !from || !to) return param("node") || param("edge") ? <Gone /> : null;
  return (
    <aside class="map-panel" aria-label="What is chosen">
      <Close />
      <h2 class="map-panel-edge">
        <NodeName name={from.name} kind={from.kind} of={to.name} />
        <span class="soft">calls</span>
        <NodeName name={to.name} kind={to.kind} of={from.name} />
      </h2>
      <p class="soft">As the caller sees it.</p>
      <Figures figures={edge.figures} seconds={health.seconds} what="calls" />
      {from.kind === "service" && <a href={rows_href(from.name, from.name && edge.figures.errors > 0 ? "kind:client status:error" : "kind:client")}>{edge.figures.errors > 0 ? "Failed calls" : "Calls"} of {from.title} in the explorer</a>}
    </aside>
  );
}

function NodePanel({ node, edges, health }: { node: MapNode; edges: readonly Edge[]; health: Health }) {
  const service = node.kind === "service" ? health.services.find((one) => one.name === node.name) : undefined;
  const words = service && trouble_of(service);
  const callers = callers_of(edges, node.name, node.kind);
  const calls = calls_of(edges, node.name, node.kind);
  const near = callers[0]?.source || calls[0]?.target || "";
  return (
    <aside class="map-panel" aria-label="What is chosen">
      <Close />
      <h2 class="told">{node.title.slice(0, 200)}</h2>
      <p class="row">
        <span class="soft">{KINDS[node.kind].title}</span>
        <ConditionMark condition={node.condition} is_worded />
      </p>
      {words && <p>{words}</p>}
      <Figures figures={node.figures} seconds={health.seconds} what={node.kind === "service" ? "requests" : "calls"} />
      <p class="row">
        {node.kind === "service" && node.name && (
          <a class="button primary" href={service_href(node.name, { q: null })}>
            Its page
          </a>
        )}
        {node.kind === "service" ? (
          <a class="button" href={rows_href(node.name)}>
            Rows
          </a>
        ) : (
          <a class="button" href={node_href(node.name, node.kind, near)}>
            Rows
          </a>
        )}
        <button onClick={() => change({ of: node.id, at: null })} aria-pressed={param("of") === node.id}>
          Only around it
        </button>
      </p>
      {calls.length > 0 && <Side title="Calls" nothing="" list={calls} end="target" of={node.name} seconds={health.seconds} is_known />}
      {callers.length > 0 && <Side title="Called by" nothing="" list={callers} end="source" of={node.name} seconds={health.seconds} is_known />}
    </aside>
  );
}

const Close = () => (
  <button class="plain map-panel-close" aria-label="Close" onClick={() => change({ node: null, edge: null })}>
    ×
  </button>
);
function Gone() {
  return (
    <aside class="map-panel" aria-label="What is chosen">
      <Close />
      <p class="soft">What was chosen is not in this time.</p>
    </aside>
  );
}

function Figures({ figures, seconds, what }: { figures: Figures; seconds: number; what: string }) {
  return (
    <dl class="map-figures">
      <div>
        <dt>rate</dt>
        <dd title={`${show_whole(figures.requests)} ${what}`}>{show_rate(rate(figures, seconds))}</dd>
      </div>
      <div>
        <dt>errors</dt>
        <dd class={figures.errors > 0 ? "error-text" : ""} title={`${show_whole(figures.errors)} failed`}>
          {show_share(share(figures))}
        </dd>
      </div>
      {(["p50", "p95", "p99"] as const).map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{show_value(figures[name], "ns")}</dd>
        </div>
      ))}
    </dl>
  );
}
