/* An empty list: no error was ever sent, or none is what was asked for. */
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { range_set } from "../frame/range";
import { Empty, Waiting } from "../frame/state";
import { copy } from "../frame/toast";
import { address, change, param, project_name } from "../url";
import { is_narrowed, type Issue } from "./issues";
import { error_line } from "./error_line";
import { failed, issues_path, type Page } from "./load";

export function NoIssues() {
  const any = useLoad(project_name.value, (signal) => api<Page<Issue>>(issues_path(), { query: { state: "all", from: "1970-01-01T00:00:00Z", limit: 1 }, signal }));
  if (any.is_loading && !any.value) return <Waiting what="Looking further" />;
  if (any.value?.items.length === 0) return <NoErrors />;
  const is_open_only = !param("state");
  return (
    <Empty title="Nothing matches">
      <p class="soft">{is_narrowed(address.value.query) ? "No issue with an event in this time is what was asked for." : "No open issue has an event in this time."}</p>
      <div class="row">
        {is_narrowed(address.value.query) && <button onClick={() => change({ q: null, state: null, service: null, category: null, assignee: null, env: null })}>Ask for all</button>}
        {is_open_only && <button onClick={() => change({ state: "all" })}>Resolved and ignored too</button>}
        <button class="primary" onClick={() => range_set("now-30d")}>
          Of the last 30 days
        </button>
      </div>
    </Empty>
  );
}

function NoErrors() {
  const [key, set_key] = useState("");
  const make = () =>
    api<{ secret: string }>(`/projects/${encodeURIComponent(project_name.value)}/keys`, { method: "POST", body: { name: `first error ${new Date().toISOString().slice(0, 10)}`, scopes: ["ingest"] } }).then((made) => set_key(made.secret), failed);
  const text = error_line(window.location.hostname, key || "YOUR_KEY");
  return (
    <div class="state first">
      <h2>No errors yet</h2>
      <p class="soft">Exceptions of spans and logs become issues by themselves, from any OpenTelemetry SDK. To see one now:</p>
      <pre class="paste" tabIndex={0}>
        {text}
      </pre>
      <div class="row">
        <button class="primary" onClick={() => void copy(text, "line")}>
          Copy
        </button>
        {key ? <span class="soft">The key is shown this once: keep it.</span> : <button onClick={() => void make()}>Put a new key in</button>}
      </div>
    </div>
  );
}
