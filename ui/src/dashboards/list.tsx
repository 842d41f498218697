/* The project's dashboards: /p/{project}/dashboards?find=&ready=1 */
import { useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_utc } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { useKeys } from "../keys";
import { can_share } from "../session";
import { from_iso, show_time } from "../time";
import { change, go, href, param, project_name, project_path } from "../url";
import { Import } from "./import";
import { dashboard_make, dashboards_load, type DashboardItem } from "./load";
import { ReadyOnes } from "./ready";

export default function List() {
  const list = useLoad(project_name.value, () => dashboards_load());
  useActs({ title: "Dashboards", statement: undefined, is_private: true, is_timeless: true });
  useKeys([{ keys: "/", text: "To the search", group: "Dashboards", run: () => document.getElementById("dashboards-find")?.focus() }]);
  if (list.problem) return <Problem problem={list.problem} again={list.again} />;
  if (!list.value) return <Waiting what="Loading" />;
  const words = param("find").toLowerCase();
  const found = list.value.filter((one) => `${one.title} ${one.description} ${one.slug}`.toLowerCase().includes(words));
  return (
    <div class="dashboards">
      <header class="row">
        <h1>Dashboards</h1>
        <span class="grow" />
        {list.value.length > 0 && <input id="dashboards-find" type="search" aria-label="Find a dashboard" placeholder="Find" value={param("find")} onInput={(event) => change({ find: event.currentTarget.value || null }, true)} />}
        {can_share.value && (
          <>
            <Import onDone={list.again} />
            <NewOne />
          </>
        )}
      </header>
      {list.value.length === 0 ? (
        <Empty title="No dashboard yet">
          <p class="soft">{can_share.value ? 'Take one that is ready, make an empty one, or choose "Save to dashboard" where there is something worth looking at again: in the explorer, on the SQL page, below an answer.' : "Editors of the project make them."}</p>
          {can_share.value && <ReadyOnes taken={[]} />}
        </Empty>
      ) : found.length === 0 ? (
        <p class="soft">None of {list.value.length} has these words.</p>
      ) : (
        <ul class="dashboard-list">
          {found.map((one) => (
            <Line key={one.slug} one={one} />
          ))}
        </ul>
      )}
      {list.value.length > 0 && can_share.value && (
        <details open={param("ready") === "1"} onToggle={(event) => change({ ready: event.currentTarget.open ? "1" : null }, true)}>
          <summary>Ready dashboards</summary>
          {param("ready") === "1" && <ReadyOnes taken={list.value.map((one) => one.slug)} />}
        </details>
      )}
    </div>
  );
}

function Line({ one }: { one: DashboardItem }) {
  return (
    <li>
      <a href={href(project_path(`dashboards/${one.slug}`))}>
        <b class="told">{one.title}</b>
        {one.description && <span class="told soft ellipsis">{one.description}</span>}
      </a>
      <span class="soft">
        {one.panel_count} {one.panel_count === 1 ? "panel" : "panels"}
      </span>
      <span class="soft told ellipsis">
        {one.author}, {show_time(from_iso(one.changed_at), 0, is_utc.value)}
      </span>
    </li>
  );
}

function NewOne() {
  const [title, set_title] = useState<string>();
  const [is_busy, busy] = useState(false);
  if (title === undefined)
    return (
      <button class="primary" onClick={() => set_title("")}>
        New dashboard
      </button>
    );
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        busy(true);
        dashboard_make(title.trim()).then(
          (made) => go(project_path(`dashboards/${made.slug}`)),
          (error: unknown) => {
            busy(false);
            toast(error instanceof Error ? error.message : String(error), true);
          },
        );
      }}
    >
      <input aria-label="Its title" placeholder="Title" maxLength={120} autofocus value={title} onInput={(event) => set_title(event.currentTarget.value)} />
      <button class="primary" disabled={!title.trim() || is_busy}>
        Make it
      </button>
      <button type="button" onClick={() => set_title(undefined)}>
        Cancel
      </button>
    </form>
  );
}
