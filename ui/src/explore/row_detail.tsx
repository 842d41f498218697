/* One row, whole, with the rows around it of the same service. */
import { useState } from "preact/hooks";
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { copy } from "../frame/toast";
import { is_utc } from "../frame/range";
import { Attributes } from "../row/attributes";
import type { AttributeActs } from "../row/field_menu";
import { Events } from "../row/events";
import { IssueLinks } from "../row/issue_link";
import { ReplayLink } from "../row/replay_link";
import { flat, list_of, row_of, shown } from "../row/flat";
import { from_iso, show_clock, show_duration, show_time } from "../time";
import { href, project_name, project_path } from "../url";
import type { Catalog } from "./fields";
import { row_from, type Row } from "./rows";
import { context_statement, whole_statement } from "./statement";

const AROUND = 10;

function Around({ catalog, row, onOpen }: { catalog: Catalog; row: Row; onOpen: (row: Row) => void }) {
  const around = useLoad(`${row.id}/around`, async (signal) => {
    const [before, after] = await Promise.all(
      [true, false].map(async (is_before) => (await query(project_name.value, context_statement(catalog, row, is_before, AROUND), { signal, what: "the rows around" })).rows.map(row_from)),
    );
    return [...(after ?? []).reverse(), row, ...(before ?? [])];
  });
  if (around.problem) return <Problem problem={around.problem} again={around.again} />;
  if (!around.value) return <Waiting what="Reading the rows around" />;
  return (
    <ol class="around">
      {around.value.map((one) => (
        <li key={one.id} class={one.id === row.id ? "chosen" : ""}>
          <button class="plain" onClick={() => onOpen(one)}>
            <span class="soft mono">{show_clock(from_iso(one.timestamp), 3, is_utc.value)}</span> <span class={`level ${one.level.toLowerCase()}`}>{one.level || one.kind}</span>
            <span class="told ellipsis">{one.text.slice(0, 300)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function RowDetail({ catalog, row, acts, onClose, onOpen }: { catalog: Catalog; row: Row; acts: AttributeActs; onClose: () => void; onOpen: (row: Row) => void }) {
  const [has_around, show_around] = useState("");
  const whole = useLoad(row.id, async (signal) => row_of(await query(project_name.value, whole_statement(row.id, row.timestamp), { signal, what: "the row" })));
  const value = whole.value ?? {};
  const body = shown(value.body);
  const is_log = row.kind === "log";
  const attributes = flat(value.attributes);
  const stack = attributes.find((one) => one.name === "exception.stacktrace");
  return (
    <aside class="detail" aria-label="Row">
      <header>
        <h2 class="told">{is_log ? "Log" : row.text}</h2>
        <button class="plain" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      <p class="soft">
        <b class="told">{row.service}</b> · {row.kind} · <span class={`level ${row.level.toLowerCase()}`}>{row.level}</span> · {show_time(from_iso(row.timestamp), 6, is_utc.value)}
        {row.duration_ns !== null && ` · ${show_duration(row.duration_ns)}`}
      </p>
      <div class="row">
        {row.trace_id && (
          <a class="button primary" href={href(project_path(`trace/${row.trace_id}`), { span: row.span_id })}>
            Open trace
          </a>
        )}
        <IssueLinks row={value} />
        <ReplayLink row={value} />
        <button aria-pressed={has_around === row.id} onClick={() => show_around(has_around === row.id ? "" : row.id)}>
          Rows around
        </button>
        <button onClick={() => void copy(JSON.stringify(value, null, 2), "row")}>Copy JSON</button>
      </div>
      {has_around === row.id && <Around catalog={catalog} row={row} onOpen={onOpen} />}
      {whole.problem && <Problem problem={whole.problem} again={whole.again} />}
      {whole.is_loading && !whole.value && <Waiting what="Reading the row" />}
      {is_log && body && <pre class="told body" tabIndex={0}>{body.length > 20000 ? `${body.slice(0, 20000)} … (${body.length} characters)` : body}</pre>}
      {shown(value.status_message) && <p class="problem-line told">✖ {shown(value.status_message)}</p>}
      <Events events={list_of(value.events)} start_us={from_iso(row.timestamp)} />
      {stack && <pre class="told stack" tabIndex={0}>{stack.value}</pre>}
      <Attributes title="Attributes" list={attributes.filter((one) => one !== stack)} acts={acts} />
      <Attributes title="Resource" list={flat(value.resource)} acts={acts} />
    </aside>
  );
}
