/* Whom it calls and who calls it: databases and queues among them, as they are named in spans. */
import { useLoad } from "../api/load";
import { environment } from "../frame/environment";
import { range } from "../frame/range";
import { Problem } from "../frame/state";
import { project_name } from "../url";
import { callers_of, calls_of, KINDS, load_edges, node_title, type Edge, type NodeKind } from "./edges";
import { FigureCells, FigureHeads } from "./figure_cells";
import { node_href } from "./kept";
import { load_counted_health } from "./source";

/* seconds: of what roll-ups counted, where the page has it already. */
export function Neighbours({ name, seconds: known }: { name: string; seconds: number | undefined }) {
  const { from_us, to_us } = range.value;
  const project = project_name.value;
  const edges = useLoad([project, name, from_us, to_us].join("\n"), async (signal) => {
    const counted = known === undefined ? load_counted_health(project, range.value, signal, name).then((health) => health.seconds) : known;
    const [calls, seconds] = await Promise.all([load_edges(project, range.value, signal, name), counted]);
    return { ...calls, seconds };
  });
  if (edges.problem) return <Problem problem={edges.problem} again={edges.again} />;
  const all = edges.value?.edges ?? [];
  const seconds = edges.value?.seconds ?? 1;
  return (
    <section class="service-part" aria-label="Dependencies" aria-busy={edges.is_loading}>
      <div class="service-pair">
        <Side title="Calls" nothing="It called nobody in this time." list={calls_of(all, name)} end="target" of={name} seconds={seconds} is_known={!!edges.value} />
        <Side title="Called by" nothing="Nobody called it in this time." list={callers_of(all, name)} end="source" of={name} seconds={seconds} is_known={!!edges.value} />
      </div>
      {environment.value && edges.value && <p class="soft">Calls are of all environments.</p>}
    </section>
  );
}

interface SideProps {
  title: string;
  nothing: string;
  list: readonly Edge[];
  end: "source" | "target";
  of: string;
  seconds: number;
  is_known: boolean;
}
export function Side({ title, nothing, list, end, of, seconds, is_known }: SideProps) {
  return (
    <div class="service-side">
      <h2>{title}</h2>
      {is_known && list.length === 0 && <p class="soft">{nothing}</p>}
      {list.length > 0 && (
        <div class="service-table" role="region" aria-label={`Table: ${title}`} tabIndex={0}>
          <table data-side={end}>
            <thead>
              <tr>
                <th scope="col">{end === "target" ? "Whom" : "Who"}</th>
                <FigureHeads />
              </tr>
            </thead>
            <tbody>
              {list.map((edge) => (
                <tr key={`${edge[end]}\n${kind_of(edge, end)}`} data-node={edge[end]}>
                  <th scope="row">
                    <NodeName name={edge[end]} kind={kind_of(edge, end)} of={of} />
                  </th>
                  <FigureCells figures={edge.figures} seconds={seconds} what="calls" />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
const kind_of = (edge: Edge, end: "source" | "target"): NodeKind => (end === "source" ? edge.source_kind : edge.target_kind);

/* A service leads to its page, what was inferred to the rows that name it. */
export function NodeName({ name, kind, of }: { name: string; kind: NodeKind; of: string }) {
  const address = node_href(name, kind, of);
  const title = node_title(name, kind).slice(0, 120);
  return (
    <span class="node-name">
      <span class="soft" aria-hidden="true" title={KINDS[kind].title}>
        {KINDS[kind].mark}
      </span>{" "}
      {address ? (
        <a class="told" href={address}>
          {title}
        </a>
      ) : (
        <span class="told">{title}</span>
      )}
      {kind !== "service" && <span class="soft node-kind">{KINDS[kind].title}</span>}
    </span>
  );
}
