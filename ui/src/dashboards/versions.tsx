/* What a dashboard was: who changed it when, and back to it. */
import { useLoad } from "../api/load";
import { is_utc } from "../frame/range";
import { Sheet } from "../frame/sheet";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { can_share } from "../session";
import { from_iso, show_time } from "../time";
import { dashboard_load, version_restore, versions_load, type Dashboard, type Read } from "./load";

export function Versions({ dashboard, onRestored, onClose }: { dashboard: Dashboard; onRestored: (read: Read) => void; onClose: () => void }) {
  const list = useLoad(`${dashboard.slug}\n${dashboard.version}`, () => versions_load(dashboard.slug));
  const restore = async (version: number) => {
    await version_restore(dashboard.slug, version);
    onRestored(await dashboard_load(dashboard.slug));
    toast(`It is again what it was as version ${version}`);
    onClose();
  };
  return (
    <Sheet title="Versions" onClose={onClose} wide>
      <h1>Versions of {dashboard.title}</h1>
      {list.problem ? (
        <Problem problem={list.problem} again={list.again} />
      ) : !list.value ? (
        <Waiting what="Loading" />
      ) : (
        <ol class="version-list">
          {list.value.map((one) => (
            <li key={one.version} class="row">
              <b>{one.version}</b>
              <span class="soft">{show_time(from_iso(one.stored_at), 0, is_utc.value)}</span>
              <span class="told ellipsis grow">
                {one.author}
                <span class="soft">
                  {" "}
                  {one.title}, {one.panel_count} {one.panel_count === 1 ? "panel" : "panels"}
                  {one.restored_version ? `, equal to version ${one.restored_version}` : ""}
                </span>
              </span>
              {one.version === dashboard.version ? (
                <span class="soft">is shown</span>
              ) : (
                can_share.value && (
                  <button aria-label={`Restore version ${one.version}`} onClick={() => restore(one.version).catch((error: unknown) => toast(error instanceof Error ? error.message : String(error), true))}>
                    Restore
                  </button>
                )
              )}
            </li>
          ))}
        </ol>
      )}
      <button onClick={onClose}>Close</button>
    </Sheet>
  );
}
