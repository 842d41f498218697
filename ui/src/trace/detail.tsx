/* One span: what it is, what it carried, what happened in it, its logs. Read when it is chosen. */
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { copy } from "../frame/toast";
import { is_utc } from "../frame/range";
import { show_clock, show_duration, show_time } from "../time";
import { term } from "../explore/search";
import { Attributes } from "../row/attributes";
import type { AttributeActs } from "../row/field_menu";
import { Events, thrown_text } from "../row/events";
import { IssueLinks } from "../row/issue_link";
import { ReplayLink } from "../row/replay_link";
import { flat, list_of, row_of, shown } from "../row/flat";
import { go, href, param, project_name, project_path } from "../url";
import { span_statement, type Log } from "./load";
import type { Trace } from "./rows";

/* From a span into the explorer, over the page's range. */
const to_explorer = (query: Record<string, string>) => go(project_path("explore"), { from: param("from"), to: param("to"), tz: param("tz"), env: param("env"), ...query });
const ACTS: AttributeActs = {
  onFilter: (name, value, is_excluded) => to_explorer({ q: term(name, value, is_excluded) }),
  onGroup: (name) => to_explorer({ by: name, viz: "top" }),
  onMeasure: (name) => to_explorer({ of: name, agg: "p95", viz: "line" }),
};

export function Detail({ trace, at, trace_id, logs, onClose, onChoose }: { trace: Trace; at: number; trace_id: string; logs: Log[]; onClose: () => void; onChoose: (at: number) => void }) {
  const span = trace.spans[at];
  const row = useLoad(span ? `${trace_id}/${span.id}` : null, async (signal) => row_of(await query(project_name.value, span_statement(trace_id, span?.id ?? ""), { signal, what: "the span" })));
  if (!span) return null;
  const value = row.value ?? {};
  const above = trace.parent[at] ?? -1;
  const links = list_of(value.links);
  const events = list_of(value.events);
  return (
    <aside class="detail" aria-label="Span">
      <header>
        <h2 class="told">{span.name}</h2>
        <button class="plain" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <p class="soft">
        <b class="told">{span.service}</b> · {span.kind} · {show_time(span.start_us, 6, is_utc.value)}
      </p>
      <dl class="facts">
        <div>
          <dt>Duration</dt>
          <dd>{show_duration(span.duration_ns)}</dd>
        </div>
        <div>
          <dt>Itself</dt>
          <dd>
            {show_duration(trace.self_ns[at] ?? 0)} ({span.duration_ns ? Math.round(((trace.self_ns[at] ?? 0) / span.duration_ns) * 100) : 0} %)
          </dd>
        </div>
        <div>
          <dt>Begins after</dt>
          <dd>{show_duration((span.start_us - trace.begin_us) * 1e3)}</dd>
        </div>
        {trace.on_path[at] === 1 && (
          <div>
            <dt>Critical path</dt>
            <dd>on it</dd>
          </div>
        )}
      </dl>
      {span.is_error && <p class="problem-line told">✖ {shown(value.status_message) || thrown_text(events) || "error"}</p>}
      <div class="row">
        <IssueLinks row={value} />
        <ReplayLink row={value} />
        {above >= 0 && <button onClick={() => onChoose(above)}>Parent</button>}
        <button onClick={() => void copy(span.id, "span id")}>Copy id</button>
        <a class="button" href={href(project_path("explore"), { q: `${term("service", span.service)} ${term("name", span.name)}` })}>
          Others like it
        </a>
      </div>
      {row.problem && <Problem problem={row.problem} again={row.again} />}
      {row.is_loading && !row.value && <Waiting what="Reading the span" />}
      <Events events={events} start_us={span.start_us} />
      {logs.length > 0 && (
        <section>
          <h3>Logs</h3>
          <ul class="logs">
            {logs.slice(0, 200).map((log) => (
              <li key={log.id}>
                <span class="soft">{show_clock(log.time_us, 3, is_utc.value)}</span> <span class={`level ${log.level.toLowerCase()}`}>{log.level}</span> <span class="told">{log.body.slice(0, 2000)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Attributes title="Attributes" list={flat(value.attributes)} acts={ACTS} />
      <Attributes title="Resource" list={flat(value.resource)} acts={ACTS} />
      {links.length > 0 && (
        <section>
          <h3>Links</h3>
          <ul>
            {links.map((link, n) => {
              const other = shown(link.trace_id);
              return (
                <li key={n}>
                  <a href={href(project_path(`trace/${encodeURIComponent(other)}`))} class="mono told">
                    {other}
                  </a>
                </li>
              );
            })}
          </ul>
        </section>
      )}
    </aside>
  );
}
