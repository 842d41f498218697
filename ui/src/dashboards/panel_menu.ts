/* What can be done with a panel. */
import { download } from "../frame/acts";
import type { MenuItem } from "../frame/menu";
import { environment } from "../frame/environment";
import { range } from "../frame/range";
import { sql_open } from "../frame/sql_open";
import { copy } from "../frame/toast";
import { address, change, go, href, project_path } from "../url";
import { explorer_params } from "./asks";
import type { Panel } from "./load";
import type { Values } from "./variables";

export interface PanelActs {
  onEdit: (panel: Panel) => void;
  onCopy: (panel: Panel) => void;
  onRemove: (panel: Panel) => void;
}
/* acts: undefined where nothing may be changed. */
export function panel_items(panel: Panel, statement: string, values: Values, acts: PanelActs | undefined): MenuItem[] {
  const { query, path } = address.value;
  const list: MenuItem[] = [{ text: "Full screen", run: () => change({ full: panel.id ?? null }) }];
  if (acts) list.push({ text: "Edit …", run: () => acts.onEdit(panel) });
  if (panel.source.search !== undefined)
    list.push({
      text: "Open in the explorer",
      run: () => {
        const params = explorer_params(panel, values, { range: range.value, environment: environment.value });
        for (const [name, value] of query) if (["from", "to", "tz", "env"].includes(name) || name.startsWith("var.")) params.set(name, value);
        go(project_path("explore"), params);
      },
    });
  const plan = panel.source.ask;
  if (plan) list.push({ text: "Open the question", run: () => go(project_path("ask"), { q: panel.title, plan: JSON.stringify(plan) }) });
  if (statement)
    list.push(
      { text: "Open as SQL", run: () => sql_open(statement) },
      { text: "Download CSV", run: () => download(statement, "csv", panel.title, range.value) },
      { text: "Download Parquet", run: () => download(statement, "parquet", panel.title, range.value) },
    );
  list.push({ text: "Copy its address", run: () => void copy(`${window.location.origin}${href(path, { from: query.get("from"), to: query.get("to"), panel: panel.id ?? null })}`, "address") });
  if (acts) list.push({ text: "Duplicate", run: () => acts.onCopy(panel) }, { text: "Remove", run: () => acts.onRemove(panel) });
  return list;
}
