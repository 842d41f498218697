/* One span: what it is, what it carried, what happened in it, its logs. Read when it is chosen. */
import { query, type Cell } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { copy } from "../frame/toast";
import { is_utc } from "../frame/range";
import { from_iso, show_clock, show_duration, show_time } from "../time";
import { href, project_name, project_path } from "../url";
import { flat, row_of, shown_body, span_statement, type Attribute, type Log } from "./load";
import type { Trace } from "./rows";

const list_of = (cell: Cell | undefined): { [name: string]: Cell }[] => {
  const value = typeof cell === "string" ? (JSON.parse(cell) as Cell) : cell;
  return Array.isArray(value) ? (value.filter((one) => one !== null && typeof one === "object" && !Array.isArray(one)) as { [name: string]: Cell }[]) : [];
};

function Attributes({ title, list }: { title: string; list: Attribute[] }) {
  if (list.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <table class="attributes">
        <tbody>
          {list.map((one) => (
            <tr key={one.name}>
              <th class="told">{one.name}</th>
              <td>
                <span class="told mono">{one.value.length > 2000 ? `${one.value.slice(0, 2000)} …` : one.value}</span>
                <span class="attribute-acts">
                  <a href={href(project_path("explore"), { q: `${one.name}:${JSON.stringify(one.value.slice(0, 500))}` })} title="Rows with this value">
                    find<span class="unseen"> rows with {one.name} like this</span>
                  </a>
                  <button class="plain" title="Copy" aria-label={`Copy ${one.name}`} onClick={() => void copy(one.value, "value")}>
                    copy
                  </button>
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Happened({ events, start_us }: { events: { [name: string]: Cell }[]; start_us: number }) {
  if (events.length === 0) return null;
  return (
    <section>
      <h3>Events</h3>
      {events.slice(0, 200).map((event, at) => {
        const attributes = flat(event.attributes);
        const stack = attributes.find((one) => one.name === "exception.stacktrace");
        const time_us = from_iso(shown_body(event.time));
        return (
          <details key={at} open={at < 3} class="event">
            <summary class="told">
              {shown_body(event.name)}
              {Number.isFinite(time_us) && <span class="soft"> +{show_duration((time_us - start_us) * 1e3)}</span>}
            </summary>
            <dl>
              {attributes
                .filter((one) => one !== stack)
                .map((one) => (
                  <div key={one.name}>
                    <dt class="told soft">{one.name}</dt>
                    <dd class="told">{one.value}</dd>
                  </div>
                ))}
            </dl>
            {stack && <pre class="told stack">{stack.value}</pre>}
          </details>
        );
      })}
    </section>
  );
}

export function Detail({ trace, at, trace_id, logs, onClose, onChoose }: { trace: Trace; at: number; trace_id: string; logs: Log[]; onClose: () => void; onChoose: (at: number) => void }) {
  const span = trace.spans[at];
  const row = useLoad(span ? `${trace_id}/${span.id}` : null, async (signal) => row_of(await query(project_name.value, span_statement(trace_id, span?.id ?? ""), { signal, what: "the span" })));
  if (!span) return null;
  const value = row.value ?? {};
  const above = trace.parent[at] ?? -1;
  const links = list_of(value.links);
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
      {span.is_error && <p class="problem-line told">✖ {shown_body(value.status_message) || "error"}</p>}
      <div class="row">
        {above >= 0 && <button onClick={() => onChoose(above)}>Parent</button>}
        <button onClick={() => void copy(span.id, "span id")}>Copy id</button>
        <a class="button" href={href(project_path("explore"), { q: `service:${JSON.stringify(span.service)} name:${JSON.stringify(span.name)}` })}>
          Others like it
        </a>
      </div>
      {row.problem && <Problem problem={row.problem} again={row.again} />}
      {row.is_loading && !row.value && <Waiting what="Reading the span" />}
      <Happened events={list_of(value.events)} start_us={span.start_us} />
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
      <Attributes title="Attributes" list={flat(value.attributes)} />
      <Attributes title="Resource" list={flat(value.resource)} />
      {links.length > 0 && (
        <section>
          <h3>Links</h3>
          <ul>
            {links.map((link, n) => {
              const other = shown_body(link.trace_id);
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
