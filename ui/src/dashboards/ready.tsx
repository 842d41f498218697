/* Dashboards that the server has ready: one click makes one the project's own. */
import { useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { Problem } from "../frame/state";
import { toast } from "../frame/toast";
import { go, project_path } from "../url";
import { ready_load, ready_make, type Ready } from "./load";

export function ReadyOnes({ taken }: { taken: readonly string[] }) {
  const list = useLoad("ready", ready_load);
  const [is_busy, busy] = useState(false);
  if (list.problem) return <Problem problem={list.problem} again={list.again} />;
  const add = (ready: Ready) => {
    busy(true);
    ready_make(ready).then(
      (made) => go(project_path(`dashboards/${made.slug}`)),
      (error: unknown) => {
        busy(false);
        toast(error instanceof Error ? error.message : String(error), true);
      },
    );
  };
  return (
    <ul class="ready-list" aria-label="Ready dashboards">
      {(list.value ?? []).map((one) => (
        <li key={one.slug}>
          <b>{one.title}</b>
          <span class="soft">{one.description}</span>
          {taken.includes(one.slug ?? "") ? (
            <span class="soft">is there</span>
          ) : (
            <button disabled={is_busy} onClick={() => add(one)} aria-label={`Add ${one.title}`}>
              Add
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
