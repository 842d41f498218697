/* The dialogs of saved views: save this one; all of them, to open, rename, share with the project and delete. */
import { useState } from "preact/hooks";
import { is_relative } from "../time";
import { param } from "../url";
import { address_here, saved_views, view_change, view_delete, view_open, view_save, type SavedView } from "./saved";
import { told } from "./saved_bar";
import { Sheet } from "./sheet";
import { toast } from "./toast";
import { can_share } from "../session";

export function SaveSheet({ title, onClose }: { title: string; onClose: () => void }) {
  const [name, set_name] = useState(title);
  const [is_shared, share] = useState(false);
  const [is_busy, busy] = useState(false);
  const moves = is_relative(param("from")) && is_relative(param("to"));
  return (
    <Sheet title="Save this view" onClose={onClose}>
      <form
        class="sheet-form"
        onSubmit={(event) => {
          event.preventDefault();
          busy(true);
          view_save(name.trim(), is_shared).then(
            (view) => {
              toast(`"${view.name}" is saved`);
              onClose();
            },
            (error: unknown) => {
              busy(false);
              told(error);
            },
          );
        }}
      >
        <h1>Save this view</h1>
        <label>
          Name
          <input value={name} maxLength={100} autofocus onInput={(event) => set_name(event.currentTarget.value)} onFocus={(event) => event.currentTarget.select()} />
        </label>
        {can_share.value && (
          <label class="row">
            <input type="checkbox" checked={is_shared} onChange={(event) => share(event.currentTarget.checked)} />
            For all who see this project
          </label>
        )}
        <p class="soft">{moves ? "Its time moves on: it will show the last minutes or hours when it is opened." : "Its time is fixed: it will show this range when it is opened."}</p>
        <div class="row">
          <button class="primary" disabled={!name.trim() || is_busy || address_here.value.length > 8000}>
            Save
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Sheet>
  );
}

export function ViewsSheet({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title="Saved views" onClose={onClose} wide>
      <h1>Saved views</h1>
      {saved_views.value.length === 0 && <p class="soft">None yet. "Save view" in the menu of a view keeps it here.</p>}
      <ul class="saved-list">
        {saved_views.value.map((view) => (
          <Line key={view.id} view={view} onOpen={() => (onClose(), view_open(view))} />
        ))}
      </ul>
      <button onClick={onClose}>Close</button>
    </Sheet>
  );
}

function Line({ view, onOpen }: { view: SavedView; onOpen: () => void }) {
  const [name, set_name] = useState<string>();
  const [is_leaving, leave] = useState(false);
  if (name !== undefined)
    return (
      <li>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            view_change(view, { name: name.trim() }).then(() => set_name(undefined), told);
          }}
        >
          <input class="grow" aria-label={`New name of ${view.name}`} value={name} maxLength={100} autofocus onInput={(event) => set_name(event.currentTarget.value)} />
          <button class="primary" disabled={!name.trim()}>
            Rename
          </button>
          <button type="button" onClick={() => set_name(undefined)}>
            Cancel
          </button>
        </form>
      </li>
    );
  return (
    <li class="row">
      <button class="plain grow saved-open" onClick={onOpen}>
        <b class="told ellipsis">{view.name}</b>
        <span class="soft told ellipsis">
          {view.address.split("?")[0]}, {view.is_own ? "yours" : view.owner}
          {view.is_shared ? ", for the project" : ""}
        </span>
      </button>
      {view.can_change && (
        <>
          <button onClick={() => set_name(view.name)} aria-label={`Rename ${view.name}`}>
            Rename
          </button>
          {can_share.value && (
            <button onClick={() => view_change(view, { is_shared: !view.is_shared }).catch(told)} aria-label={view.is_shared ? `Only for me: ${view.name}` : `For the project: ${view.name}`} aria-pressed={view.is_shared}>
              For the project
            </button>
          )}
          {is_leaving ? (
            <button class="danger" autofocus onClick={() => view_delete(view).then(() => toast(`"${view.name}" is deleted`), told)}>
              Really delete
            </button>
          ) : (
            <button onClick={() => leave(true)} aria-label={`Delete ${view.name}`}>
              Delete
            </button>
          )}
        </>
      )}
    </li>
  );
}
