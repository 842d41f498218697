/* The service map: /p/{project}/services/map?q=&of=&hops=&ill=&node=&edge=&at=&as=&from=&to= */
import { useMemo } from "preact/hooks";
import { AnsweredBy } from "../api/answered";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { environment } from "../frame/environment";
import { useNarrow } from "../frame/narrow";
import { range } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { change, href, param, project_name, project_path } from "../url";
import { load_edges } from "./edges";
import { kept } from "./kept";
import { useLive } from "./live";
import { MapDraw } from "./map_draw";
import { layout } from "./map_layout";
import { Panel } from "./map_panel";
import { CALLER, graph_of, hops_read, narrowed_map, with_entries, type Graph } from "./map_shape";
import { MapTable } from "./map_table";
import { NoServices } from "./nothing";
import { load_counted_health } from "./source";
import "./map.css";

const CALLERS = new Set([CALLER]);
const NO_GRAPH: Graph = { nodes: [], edges: [] };

export default function ServiceMap() {
  const project = project_name.value;
  const { from_us, to_us } = range.value;
  const load = useLoad([project, from_us, to_us].join("\n"), async (signal) => {
    const [calls, health] = await Promise.all([load_edges(project, range.value, signal), load_counted_health(project, range.value, signal)]);
    return { ...calls, health, graph: graph_of(calls.edges, health.services) };
  });
  const is_narrow = useNarrow();
  const is_table = param("as") === "table" || (is_narrow && param("as") !== "map");
  const [of, is_ill, words] = [param("of"), param("ill") === "1", param("q").toLowerCase()];
  const is_outside = [of, param("node")].includes(CALLER);
  const { graph, entries } = useMemo(() => {
    const part = load.value ? narrowed_map(load.value.graph, of, hops_read(param("hops")), is_ill) : NO_GRAPH;
    return with_entries(part, is_table || is_outside);
  }, [load.value, of, param("hops"), is_ill, is_table, is_outside]);
  /* Figures move, the map stands still: it is laid out anew when it has other nodes or edges. */
  const shape = [...graph.nodes.map((node) => node.id), ...graph.edges.map((edge) => edge.id)].sort().join("\n");
  const laid = useMemo(() => layout(graph.nodes.map((node) => node.id), graph.edges, CALLERS), [shape]);
  const found = useMemo(() => (words ? new Set(graph.nodes.filter((node) => node.title.toLowerCase().includes(words)).map((node) => node.id)) : undefined), [graph, words]);
  const around = load.value?.graph.nodes.find((node) => node.id === of);
  useLive();
  useActs({ title: "Service map", statement: undefined, is_private: true });
  useKeys([
    { keys: "/", text: "Search in the map", group: "Service map", run: () => document.getElementById("map-search")?.focus() },
    { keys: "v", text: "As a map or as a table", group: "Service map", run: () => change({ as: is_table ? "map" : "table" }) },
    { keys: "x", text: "Only what is ill, and what is next to it", group: "Service map", run: () => change({ ill: is_ill ? null : "1", at: null }) },
  ]);
  useKeys([{ keys: "escape", text: "Choose nothing; show all", group: "Service map", run: () => (param("node") || param("edge") ? change({ node: null, edge: null }) : change({ of: null, hops: null, at: null })) }], !!(param("node") || param("edge") || of));
  return (
    <div class="service-map">
      <header class="services-head">
        <div class="row">
          <a href={href(project_path("services"), kept())}>Services</a>
          <span class="soft" aria-hidden="true">
            /
          </span>
          <h1>Map</h1>
          <span class="soft" role="status">
            {load.value && `${show_whole(graph.nodes.length)} of ${show_whole(load.value.graph.nodes.length)} nodes, ${show_whole(graph.edges.length)} edges`}
          </span>
          <span class="grow" />
          {load.value && <AnsweredBy from="rollups" />}
        </div>
        <div class="row">
          <input
            id="map-search"
            type="search"
            class="grow"
            aria-label="Search in the map"
            placeholder="Search by name; Enter chooses"
            maxLength={200}
            value={param("q")}
            onInput={(event) => change({ q: event.currentTarget.value || null }, true)}
            onKeyDown={(event) => event.key === "Enter" && found && change({ node: [...found][0] ?? null, edge: null })}
          />
          {around && (
            <>
              <button onClick={() => change({ of: null, hops: null, at: null })}>
                around <b class="told">{around.title.slice(0, 60)}</b> ×
              </button>
              <select aria-label="How far" value={String(hops_read(param("hops")))} onChange={(event) => change({ hops: event.currentTarget.value === "1" ? null : event.currentTarget.value, at: null })}>
                <option value="1">one call</option>
                <option value="2">two calls</option>
                <option value="3">three calls</option>
              </select>
            </>
          )}
          <button aria-pressed={is_ill} onClick={() => change({ ill: is_ill ? null : "1", at: null })}>
            Ill ones
          </button>
          <button aria-pressed={is_table} onClick={() => change({ as: is_table ? "map" : "table" })}>
            As table
          </button>
        </div>
        {environment.value && <p class="soft">Calls are of all environments: the map shows them all.</p>}
        {load.value && !load.value.is_whole && <p class="warning">There are more calls than these ten thousand.</p>}
      </header>
      <div class={param("node") || param("edge") ? "map-body with-panel" : "map-body"} aria-busy={load.is_loading}>
        {load.problem ? (
          <Problem problem={load.problem} again={load.again} />
        ) : !load.value ? (
          <Waiting what="Reading the map" />
        ) : load.value.graph.nodes.length === 0 ? (
          <NoServices is_narrowed={false} />
        ) : graph.nodes.length === 0 ? (
          <Empty title="Nothing is ill">
            <button onClick={() => change({ ill: null, of: null, at: null })}>Show all</button>
          </Empty>
        ) : (
          <>
            {is_table ? <MapTable graph={graph} edges={load.value.edges} seconds={load.value.health.seconds} found={found} /> : <MapDraw graph={graph} laid={laid} seconds={load.value.health.seconds} found={found} shape={shape} entries={entries} />}
            <Panel graph={load.value.graph} edges={load.value.edges} health={load.value.health} />
          </>
        )}
      </div>
    </div>
  );
}
