/* Nothing in this range: where the newest row is, or how to send the first. */
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { First } from "../frame/first";
import { is_utc, range_zoom } from "../frame/range";
import { Empty, Waiting } from "../frame/state";
import { show_time } from "../time";
import { change } from "../url";
import type { Scope } from "./statement";

export function Nothing({ project, scope }: { project: string; scope: Scope }) {
  const newest = useLoad(`${project}\nnewest`, async (signal) => {
    const table = await query(project, "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 1", { signal, what: "the newest row" });
    return table.rows[0] ? Number(table.rows[0][0]) : 0;
  });
  if (newest.value === undefined) return <Waiting what="Looking further" />;
  if (newest.value === 0) return <First />;
  return (
    <Empty title="No row in this range">
      <p class="soft">
        {scope.where ? "None that was asked for. " : ""}The newest row of the project is of {show_time(newest.value, 0, is_utc.value)}.
      </p>
      <div class="row">
        {scope.where && <button onClick={() => change({ q: null })}>Ask for all</button>}
        <button class="primary" onClick={() => range_zoom((newest.value ?? 0) - 1800e6, (newest.value ?? 0) + 60e6)}>
          Show the time of the newest
        </button>
      </div>
    </Empty>
  );
}
