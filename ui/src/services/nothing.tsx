/* An empty list: nothing was ever sent, nothing in this time, or none is what was asked for. */
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { environment } from "../frame/environment";
import { First } from "../frame/first";
import { range_set } from "../frame/range";
import { Empty, Waiting } from "../frame/state";
import { change, project_name } from "../url";
import { project_api } from "./paths";

const EVER = "now-400d";

export function NoServices({ is_narrowed }: { is_narrowed: boolean }) {
  const any = useLoad(is_narrowed ? null : project_name.value, (signal) => api<{ items: Schemas["Service"][] }>(project_api(project_name.value, "services"), { query: { from: EVER, limit: 1 }, signal }));
  if (is_narrowed)
    return (
      <Empty title="No service is what was asked for">
        <button onClick={() => change({ q: null, state: null })}>Show all</button>
      </Empty>
    );
  if (any.is_loading && !any.value) return <Waiting what="Looking further" />;
  if (any.value?.items.length === 0) return <First />;
  return (
    <Empty title="No service sent anything in this time">
      <p class="soft">{environment.value ? `Of ${environment.value} there is nothing here; other environments may have sent.` : "What was sent is at another time."}</p>
      <div class="row">
        {environment.value && <button onClick={() => change({ env: null })}>All environments</button>}
        <button class="primary" onClick={() => range_set("now-7d")}>
          The last 7 days
        </button>
      </div>
    </Empty>
  );
}
