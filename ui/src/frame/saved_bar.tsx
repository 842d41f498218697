/* In the bar: the saved view that is shown, whether it has been changed since, and all the others. */
import { useEffect } from "preact/hooks";
import { is_guest } from "../session";
import { change, project_name } from "../url";
import { Menu } from "./menu";
import { address_here, saved_views, view_change, view_open, views_load, view_shown } from "./saved";
import { sheet_open } from "./sheets";
import { toast } from "./toast";

export function told(error: unknown): void {
  toast(error instanceof Error ? error.message : String(error), true);
}

export function SavedBar() {
  useEffect(() => {
    saved_views.value = [];
    views_load().catch(told);
  }, [project_name.value]);
  if (is_guest.value) return null;
  const shown = view_shown.value;
  const save_again = () => {
    if (!shown) return;
    view_change(shown.view, { address: address_here.value }).then(() => toast(`"${shown.view.name}" is saved as it is shown`), told);
  };
  return (
    <div class="saved row">
      {shown && (
        <>
          <b class="told ellipsis saved-name">{shown.view.name}</b>
          {shown.is_changed && (
            <>
              <span class="saved-changed">changed</span>
              {shown.view.can_change && (
                <button class="plain" onClick={save_again}>
                  Save again
                </button>
              )}
              <button class="plain" title="As it was saved" onClick={() => view_open(shown.view)}>
                Back
              </button>
            </>
          )}
          <button class="plain" aria-label={`Leave the saved view ${shown.view.name}`} onClick={() => change({ view: null })}>
            ×
          </button>
        </>
      )}
      <Menu
        label="Saved views"
        items={() => [
          ...saved_views.value.slice(0, 30).map((view) => ({ text: view.is_own ? view.name : `${view.name} (${view.owner})`, run: () => view_open(view) })),
          { text: "Save this view …", run: () => (sheet_open.value = "save") },
          ...(saved_views.value.length > 0 ? [{ text: "All saved views …", run: () => (sheet_open.value = "views") }] : []),
        ]}
      >
        ★ <span class="acts-name">Views</span>
      </Menu>
    </div>
  );
}
