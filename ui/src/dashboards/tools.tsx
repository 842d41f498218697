/* The head of a dashboard: its title, and what can be done with it. */
import { change } from "../url";
import { yaml_href } from "./load";
import type { Editing } from "./use_editing";

export function Tools({ editing, may }: { editing: Editing; may: boolean }) {
  const { content, is_on, is_changed } = editing;
  const { slug } = editing.read.dashboard;
  return (
    <div class="row board-tools">
      <h1 class="told">{content.title}</h1>
      {is_changed && <span class="saved-changed">not saved</span>}
      <span class="grow" />
      {may && is_on && (
        <>
          <button onClick={() => change({ editor: "new" })}>Add a panel</button>
          <button onClick={() => change({ sheet: "settings" })}>Settings</button>
          <button disabled={!editing.can_undo} title="Ctrl Z" onClick={editing.undo}>
            Undo
          </button>
          <button disabled={!editing.can_redo} title="Ctrl Shift Z" onClick={editing.redo}>
            Again
          </button>
          <button class="primary" disabled={!is_changed || editing.is_saving} title="Ctrl S" onClick={editing.save}>
            Save
          </button>
          <button onClick={editing.leave}>{is_changed ? "Leave without saving" : "Done"}</button>
        </>
      )}
      {may && !is_on && (
        <button title="( e )" onClick={() => change({ edit: "1" })}>
          Edit
        </button>
      )}
      {!is_on && (
        <>
          <button onClick={() => change({ sheet: "versions" })}>Versions</button>
          <a class="button" href={yaml_href(slug)} download={`${slug}.yaml`} title="As a file, to be kept beside the code and imported">
            YAML
          </a>
        </>
      )}
    </div>
  );
}
