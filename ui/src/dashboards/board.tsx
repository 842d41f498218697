/* One dashboard: /p/{project}/dashboards/{slug}?from=&to=&var.NAME=&panel=ID&full=ID&edit=1&editor=ID|new&sheet=settings|versions */
import { useEffect, useRef, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { catalog } from "../explore/columns";
import { useActs } from "../frame/acts";
import { environment } from "../frame/environment";
import { is_live, range, refresh } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { can_share } from "../session";
import { address, change, param, project_name } from "../url";
import { Editor, PANEL_FIRST } from "./editor";
import { Grid } from "./grid";
import { with_copy, with_panel, with_place, without_panel } from "./history";
import { dashboard_load, type Panel, type Read } from "./load";
import { PanelBox } from "./panel";
import { panel_items, type PanelActs } from "./panel_menu";
import { Settings } from "./settings";
import { together } from "./together";
import { Tools } from "./tools";
import { useEditing } from "./use_editing";
import type { PanelContext } from "./use_panel";
import { values_of } from "./variables";
import { VariablesBar } from "./variables_bar";
import { Versions } from "./versions";

const LIVE_MS = 10000;

export default function Board({ slug }: { slug: string }) {
  const [round, again] = useState(0);
  const read = useLoad(`${project_name.value}\n${slug}\n${round}`, (signal) => dashboard_load(slug, signal));
  if (read.problem) return <Problem problem={read.problem} again={read.again} />;
  if (!read.value) return <Waiting what="Loading" />;
  return <Shown key={read.value.tag} slug={slug} read={read.value} again={() => again(round + 1)} />;
}

function Shown({ slug, read, again }: { slug: string; read: Read; again: () => void }) {
  const { from_us, to_us } = range.value;
  const editing = useEditing(slug, read, again);
  const { content, is_on } = editing;
  const variables = content.variables ?? [];
  const may = can_share.value;
  useActs({ title: content.title, statement: undefined, is_private: true });
  useEffect(() => {
    if (!param("from") && content.from) change({ from: content.from }, true);
  }, []);
  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, LIVE_MS);
    return () => clearInterval(timer);
  }, [is_live.value]);
  const chosen = param("panel");
  useEffect(() => {
    if (chosen) document.querySelector(`[data-panel="${CSS.escape(chosen)}"]`)?.scrollIntoView({ block: "center" });
  }, [chosen]);
  const values = values_of(variables, address.value.query);
  const page = { range: { from_us, to_us }, environment: environment.value };
  const context: PanelContext = { ...page, project: project_name.value, catalog, values, together: together(content.panels, values, page, catalog), round: useRound() };
  const full = content.panels.find((panel) => panel.id === param("full"));
  const edited = param("editor") === "new" ? PANEL_FIRST : content.panels.find((panel) => panel.id === param("editor"));
  const acts: PanelActs | undefined = may
    ? {
        onEdit: (panel) => change({ edit: "1", editor: panel.id ?? null, full: null }),
        onCopy: (panel) => (editing.apply(with_copy(content, panel.id ?? "")), change({ edit: "1" })),
        onRemove: (panel) => (editing.apply(without_panel(content, panel.id ?? "")), change({ edit: "1", full: null })),
      }
    : undefined;
  const items = (panel: Panel, statement: string) => panel_items(panel, statement, values, acts);
  useBoardKeys(content.panels, may, is_on, editing.save, editing.undo, editing.redo);
  if (full)
    return (
      <div class="board board-full">
        <div class="row">
          <button onClick={() => change({ full: null })}>← {content.title}</button>
          <VariablesBar variables={variables} values={values} />
        </div>
        <PanelBox panel={{ ...full, at: { x: 0, y: 0, w: 12, h: 20 } }} context={context} items={items} />
      </div>
    );
  return (
    <div class="board">
      <header class="board-head">
        <Tools editing={editing} may={may} />
        {content.description && <p class="soft told">{content.description}</p>}
        <VariablesBar variables={variables} values={values} />
      </header>
      {content.panels.length === 0 ? (
        <Empty title="No panel yet">
          <p class="soft">"Save to dashboard" in the explorer, on the SQL page and below an answer puts one here.</p>
          {may && (
            <button class="primary" onClick={() => change({ edit: "1", editor: "new" })}>
              Make one here
            </button>
          )}
        </Empty>
      ) : (
        <Grid panels={content.panels} is_edited={is_on && may} onPlace={(id, at) => editing.apply(with_place(content, id, at))}>
          {(panel, handles) => (
            <PanelBox panel={panel} context={context} is_chosen={chosen === panel.id} items={items}>
              {handles}
            </PanelBox>
          )}
        </Grid>
      )}
      {is_on && may && edited && (
        <Editor
          key={param("editor")}
          panel={edited}
          variables={variables}
          context={context}
          onClose={() => change({ editor: null }, true)}
          onDone={(panel) => {
            editing.apply(with_panel(content, panel));
            change({ editor: null }, true);
          }}
        />
      )}
      {param("sheet") === "settings" && may && (
        <Settings
          content={content}
          read={editing.read}
          onClose={() => change({ sheet: null }, true)}
          onDone={(next) => {
            editing.apply(next);
            change({ sheet: null }, true);
          }}
        />
      )}
      {param("sheet") === "versions" && <Versions dashboard={editing.read.dashboard} onRestored={editing.take} onClose={() => change({ sheet: null }, true)} />}
    </div>
  );
}

/* Read anew with the same ends ("r" with an absolute time) is another round. */
function useRound(): number {
  const seen = useRef({ range: range.value, n: 0 });
  if (seen.current.range !== range.value) seen.current = { range: range.value, n: seen.current.n + 1 };
  return seen.current.n;
}

/* j and k go from panel to panel; what is meant by f, e and Delete is the one that has the focus. */
function useBoardKeys(panels: readonly Panel[], may: boolean, is_on: boolean, save: () => void, undo: () => void, redo: () => void): void {
  const boxes = () => [...document.querySelectorAll<HTMLElement>(".grid .panel")];
  const focused = () => document.activeElement?.closest<HTMLElement>(".grid .panel");
  const step = (by: number) => {
    const all = boxes();
    const at = all.findIndex((one) => one === focused());
    const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    next?.scrollIntoView({ block: "nearest" });
    next?.querySelector<HTMLElement>(".panel-head button")?.focus({ preventScroll: true });
  };
  const group = "Dashboard";
  useKeys(
    [
      { keys: "j", text: "Next panel", group, run: () => step(1) },
      { keys: "k", text: "Panel before", group, run: () => step(-1) },
      { keys: "f", text: "This panel over all of the page", group, run: () => change({ full: focused()?.dataset["panel"] ?? null }) },
      { keys: "escape", text: "Back from it", group, run: () => change({ full: null, panel: null }) },
    ],
    panels.length > 0,
  );
  useKeys(
    [
      { keys: "e", text: "Edit the dashboard; with a panel: that", group, run: () => change({ edit: "1", editor: is_on ? (focused()?.dataset["panel"] ?? null) : null }) },
      { keys: "n", text: "A new panel", group, run: () => change({ edit: "1", editor: "new" }) },
    ],
    may,
  );
  useKeys(
    [
      { keys: "mod+s", text: "Save", group, run: save },
      { keys: "mod+z", text: "Undo", group, run: undo },
      { keys: "mod+shift+z", text: "Do it again", group, run: redo },
    ],
    may && is_on && !param("editor") && !param("sheet"), /* a field has its own undo */
  );
}
