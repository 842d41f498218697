/* "Save to dashboard": what a page shows becomes a panel, of a dashboard that is there or of a new one. */
import { useEffect, useState } from "preact/hooks";
import "./dashboards.css";
import { useLoad } from "../api/load";
import { Sheet } from "../frame/sheet";
import { toast } from "../frame/toast";
import { go, project_name, project_path } from "../url";
import { KIND_TITLES, kinds_of } from "./draft";
import { dashboard_make, dashboards_load, panel_add, type Dashboard, type Panel, type PanelKind } from "./load";

const LAST = "monoscope.dashboard"; /* where the last one went */

export function SaveToDashboard({ panel, onClose }: { panel: Panel; onClose: () => void }) {
  const list = useLoad(project_name.value, () => dashboards_load());
  const [slug, set_slug] = useState("");
  const [name, set_name] = useState("");
  const [title, set_title] = useState(panel.title);
  const [kind, set_kind] = useState<PanelKind>(panel.kind);
  const [is_busy, busy] = useState(false);
  const dashboards = list.value ?? [];
  useEffect(() => {
    const last = localStorage.getItem(`${LAST}.${project_name.value}`);
    if (list.value) set_slug((list.value.find((one) => one.slug === last) ?? list.value[0])?.slug ?? "");
  }, [list.value]);
  const save = async (): Promise<Dashboard> => {
    const wanted: Panel = { ...panel, title: title.trim(), kind };
    return slug ? panel_add(slug, wanted) : dashboard_make(name.trim(), [wanted]);
  };
  return (
    <Sheet title="Save to dashboard" onClose={onClose}>
      <form
        class="sheet-form panel-form"
        onSubmit={(event) => {
          event.preventDefault();
          busy(true);
          save().then(
            (saved) => {
              localStorage.setItem(`${LAST}.${project_name.value}`, saved.slug);
              const added = saved.panels.at(-1)?.id;
              toast(`Saved to "${saved.title}"`, false, { text: "Open it", run: () => go(project_path(`dashboards/${saved.slug}`), { panel: added ?? null }) });
              onClose();
            },
            (error: unknown) => {
              busy(false);
              toast(error instanceof Error ? error.message : String(error), true);
            },
          );
        }}
      >
        <h1>Save to dashboard</h1>
        <label>
          Dashboard
          <select value={slug} disabled={list.is_loading} onChange={(event) => set_slug(event.currentTarget.value)}>
            {dashboards.map((one) => (
              <option key={one.slug} value={one.slug}>
                {one.title}
              </option>
            ))}
            <option value="">A new one</option>
          </select>
        </label>
        {slug === "" && !list.is_loading && (
          <label>
            Its title
            <input value={name} maxLength={120} onInput={(event) => set_name(event.currentTarget.value)} />
          </label>
        )}
        <label>
          Title of the panel
          <input value={title} maxLength={120} autofocus onInput={(event) => set_title(event.currentTarget.value)} onFocus={(event) => event.currentTarget.select()} />
        </label>
        <label>
          Shown as
          <select value={kind} onChange={(event) => set_kind(event.currentTarget.value as PanelKind)}>
            {kinds_of(panel).map((one) => (
              <option key={one} value={one}>
                {KIND_TITLES[one]}
              </option>
            ))}
          </select>
        </label>
        <p class="soft">{panel.source.sql === undefined ? "It will show the time that the dashboard shows." : "Its time is what the statement says: $from and $to in it are the dashboard's."}</p>
        <div class="row">
          <button class="primary" disabled={is_busy || list.is_loading || (slug === "" && !name.trim())}>
            Save
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
        {list.problem && <p class="error-text told">{list.problem.detail}</p>}
      </form>
    </Sheet>
  );
}
