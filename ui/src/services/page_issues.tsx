/* Its open issues, those with most events first. */
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Trend } from "../charts/trend";
import { environment } from "../frame/environment";
import { range } from "../frame/range";
import { Problem } from "../frame/state";
import { StateMark } from "../issues/mark";
import { show_count } from "../number";
import { to_iso } from "../time";
import { href, project_name, project_path } from "../url";
import { kept } from "./kept";
import { project_api } from "./paths";

const SHOWN = 8;

export function Issues({ name }: { name: string }) {
  const { from_us, to_us } = range.value;
  const project = project_name.value;
  const list = useLoad([project, name, environment.value, from_us, to_us].join("\n"), (signal) =>
    api<{ items: Schemas["Issue"][]; next_cursor?: string | null }>(project_api(project, "issues"), { query: { service: name, environment: environment.value, sort: "count", from: to_iso(from_us), to: to_iso(to_us), limit: SHOWN }, signal }),
  );
  const items = list.value?.items ?? [];
  const all = href(project_path("issues"), { ...kept(), service: name, sort: "count" });
  return (
    <section class="service-part" aria-label="Issues" aria-busy={list.is_loading}>
      <h2>Issues</h2>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      {list.value && items.length === 0 && <p class="soft">No open issue has an event in this time.</p>}
      <ol class="service-issues">
        {items.map((issue) => (
          <li key={issue.number}>
            <StateMark state={issue.state} />
            <a href={href(project_path(`issues/${issue.number}`), { ...kept(), service: name })} class="ellipsis">
              <b class="told">{issue.title.slice(0, 100) || "error"}</b> <span class="told">{issue.message.slice(0, 200)}</span>
            </a>
            <Trend values={issue.over_time.counts} />
            <span class="number">{show_count(issue.count)}</span>
          </li>
        ))}
      </ol>
      {list.value?.next_cursor && <a href={all}>All of them</a>}
    </section>
  );
}
