/* One dashboard: /p/{project}/dashboards/{slug}?from=&to=&var.NAME=&panel=ID */
import { useEffect, useMemo, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { catalog_load } from "../explore/fields";
import { useActs } from "../frame/acts";
import { environment } from "../frame/environment";
import { is_live, range, refresh } from "../frame/range";
import type { MenuItem } from "../frame/menu";
import { Empty, Problem, Waiting } from "../frame/state";
import { address, change, go, href, param, project_name, project_path } from "../url";
import { sql_open } from "../frame/sql_open";
import { explorer_params } from "./asks";
import { by_place, grid_style } from "./layout";
import { dashboard_load, type Dashboard, type Panel } from "./load";
import { PanelBox } from "./panel";
import type { PanelContext } from "./use_panel";
import { values_of, type Values } from "./variables";
import { VariablesBar } from "./variables_bar";

const LIVE_MS = 10000;

export default function Board({ slug }: { slug: string }) {
  const read = useLoad(`${project_name.value}\n${slug}`, (signal) => dashboard_load(slug, signal));
  const catalog = useLoad(project_name.value, () => catalog_load(project_name.value));
  const problem = read.problem ?? catalog.problem;
  if (problem) return <Problem problem={problem} again={() => (read.again(), catalog.again())} />;
  if (!read.value || !catalog.value) return <Waiting what="Loading" />;
  return <Shown key={read.value.dashboard.slug} dashboard={read.value.dashboard} catalog={catalog.value} />;
}

function Shown({ dashboard, catalog }: { dashboard: Dashboard; catalog: PanelContext["catalog"] }) {
  const { from_us, to_us } = range.value;
  useActs({ title: dashboard.title, statement: undefined, is_private: true });
  useEffect(() => {
    if (!param("from") && dashboard.from) change({ from: dashboard.from }, true);
  }, []);
  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, LIVE_MS);
    return () => clearInterval(timer);
  }, [is_live.value]);
  useEffect(() => document.querySelector(`[data-panel="${CSS.escape(param("panel"))}"]`)?.scrollIntoView({ block: "center" }), [param("panel")]);
  const values = values_of(dashboard.variables, address.value.query);
  const round = useRound(from_us, to_us);
  const context: PanelContext = { project: project_name.value, catalog, range: { from_us, to_us }, values, environment: environment.value, round };
  const panels = useMemo(() => by_place(dashboard.panels), [dashboard]);
  return (
    <div class="board">
      <header class="board-head">
        <div class="row">
          <h1 class="told">{dashboard.title}</h1>
          <span class="grow" />
        </div>
        {dashboard.description && <p class="soft told">{dashboard.description}</p>}
        <VariablesBar variables={dashboard.variables} values={values} />
      </header>
      {panels.length === 0 ? (
        <Empty title="No panel yet">
          <p class="soft">"Save to dashboard" in the explorer, on the SQL page and below an answer puts one here.</p>
        </Empty>
      ) : (
        <div class="grid">
          {panels.map((panel) => (
            <div key={panel.id} class="grid-cell" style={grid_style(panel)}>
              <PanelBox panel={panel} context={context} is_chosen={param("panel") === panel.id} items={(one, statement) => ways_out(one, statement, values)} />
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

/* Read anew with the same ends (an absolute time, and "r") is another round. */
function useRound(from_us: number, to_us: number): number {
  const [round, set] = useState({ n: 0, from_us, to_us });
  useEffect(() => set((now) => ({ n: now.n + 1, from_us, to_us })), [range.value]);
  return round.n;
}

export function ways_out(panel: Panel, statement: string, values: Values): MenuItem[] {
  const query = address.value.query;
  const list: MenuItem[] = [];
  if (panel.source.search !== undefined)
    list.push({
      text: "Open in the explorer",
      run: () => {
        const params = explorer_params(panel, values, range.value);
        for (const [name, value] of query) if (["from", "to", "tz", "env"].includes(name) || name.startsWith("var.")) params.set(name, value);
        go(project_path("explore"), params);
      },
    });
  if (panel.source.ask) {
    const plan = panel.source.ask;
    list.push({ text: "Open the question", run: () => go(project_path("ask"), { plan: JSON.stringify(plan) }) });
  }
  if (statement) list.push({ text: "Open as SQL", run: () => sql_open(statement) });
  list.push({ text: "Address of the panel", run: () => change({ panel: panel.id ?? null }) });
  return list;
}
export const board_href = (slug: string, panel?: string) => href(project_path(`dashboards/${slug}`), { panel: panel ?? null });
