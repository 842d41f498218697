/* SQL: /p/{project}/sql?q=STATEMENT&sort=COLUMN&row=NUMBER&plan=1&side=schema|history. What stands in the address is read when the page opens; a statement
 * that changes rows runs only when a person presses Run. */
import { useEffect, useRef, useState } from "preact/hooks";
import "./sql.css";
import { AnsweredBy } from "../api/answered";
import { query, type Table } from "../api/client";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { Empty, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { is_guest } from "../session";
import { change, href, param, project_name, project_path } from "../url";
import { Editor, statement_insert } from "./editor";
import { history_add } from "./history";
import { can_explain } from "./plan";
import { PlanView } from "./plan_view";
import { schema_read } from "./schema";
import { HistoryList, SchemaList } from "./side";
import { place_of } from "../place";
import { cell_text, order_of } from "./result";
import { Result } from "./table";

const ROWS_MAX = 10000; /* in the page; a download has all */

export default function View() {
  const q = param("q");
  const [text, set_text] = useState(q);
  const [run, set_run] = useState({ text: "", round: 0 }); /* what a person ran here */
  useEffect(() => set_text(q), [q]);
  const [is_learning, learn] = useState(false); /* of the schema: when somebody begins to write, or looks at it */
  const side = is_guest.value ? "" : param("side");
  const schema = useLoad(is_learning || side === "schema" ? project_name.value : null, schema_read);
  const is_plan = param("plan") === "1" && can_explain(q);
  const loaded = useLoad(q.trim() ? `${project_name.value}\n${q}\n${run.round}` : null, (signal) =>
    query(project_name.value, q, { limit: ROWS_MAX, signal, what: "the statement", is_read_only: run.text !== q }),
  );
  const kept = useRef<unknown>(undefined); /* the answer that is in the history */
  useEffect(() => {
    const answer = loaded.problem ?? loaded.value;
    if (loaded.is_loading || !answer || kept.current === answer || run.text !== q || is_guest.value) return;
    kept.current = answer;
    history_add(project_name.value, { sql: q, at_ms: Date.now(), rows: loaded.problem ? null : (loaded.value?.rows.length ?? 0), ms: loaded.value?.duration_ms ?? 0 });
    set_kept_round((n) => n + 1);
  }, [loaded.is_loading, loaded.value, loaded.problem]);
  const [kept_round, set_kept_round] = useState(0);
  useActs({ title: "SQL", statement: q.trim() ? q : undefined, is_timeless: true });
  const start = () => {
    if (!text.trim()) return;
    set_run({ text, round: run.round + 1 });
    change({ q: text, sort: null, row: null });
  };
  useKeys([
    { keys: "mod+enter", text: "Run the statement", group: "SQL", run: start },
    { keys: "/", text: "To the statement", group: "SQL", run: () => document.getElementById("statement")?.focus() },
    { keys: "s", text: "Tables and columns", group: "SQL", run: () => change({ side: side === "schema" ? null : "schema" }, true) },
    { keys: "h", text: "What was run before", group: "SQL", run: () => change({ side: side === "history" ? null : "history" }, true) },
    { keys: "p", text: "The plan, or the rows", group: "SQL", run: () => change({ plan: is_plan ? null : "1" }, true) },
    { keys: "escape", text: "Close the row", group: "SQL", run: () => change({ row: null, side: null }, true) },
  ]);
  const problem = loaded.is_loading ? undefined : loaded.problem;
  const place = problem?.position && text === q ? place_of(q, problem.position) : undefined;
  const table = loaded.problem ? undefined : loaded.value;
  const open = table && param("row") !== "" && Number(param("row")) < table.rows.length ? Number(param("row")) : -1;
  const has_side = side === "schema" || side === "history";
  return (
    <div class={`sql ${(open >= 0 && !is_plan) || has_side ? "with-detail" : ""}`}>
      <header class="sql-head">
        <Editor text={text} place={place} schema={schema.value} onText={set_text} onLearn={() => learn(true)} />
        <div class="row">
          <button class="primary" onClick={start} disabled={!text.trim()} title="Ctrl Enter">
            Run
          </button>
          <span class="soft" role="status">
            {loaded.is_loading ? "Running …" : table ? told(table) : ""} {!loaded.is_loading && <AnsweredBy from={table?.answered_from} />}
          </span>
          <span class="grow" />
          {can_explain(q) && (
            <button aria-pressed={is_plan} onClick={() => change({ plan: is_plan ? null : "1" }, true)}>
              Plan
            </button>
          )}
          {!is_guest.value &&
            (["schema", "history"] as const).map((name) => (
              <button key={name} aria-pressed={side === name} onClick={() => change({ side: side === name ? null : name }, true)}>
                {name === "schema" ? "Schema" : "History"}
              </button>
            ))}
          {text !== q && q && (
            <button class="plain" onClick={() => set_text(q)}>
              Back to what was run
            </button>
          )}
        </div>
        {problem && (
          <p class="error-text sql-problem" role="alert">
            {place && `Line ${place.line}, column ${place.column}: `}
            <span class="told">{problem.detail}</span>{" "}
            {place && (
              <button
                onClick={() => {
                  const field = document.getElementById("statement") as HTMLTextAreaElement | null;
                  field?.focus();
                  field?.setSelectionRange(place.at, place.end);
                }}
              >
                Go there
              </button>
            )}
          </p>
        )}
        {table?.is_cut && <p class="warning">The first {show_whole(table.rows.length)} rows are shown; a download has all of them.</p>}
        {table?.warnings.map((warning) => (
          <p class="warning told" key={warning}>
            {warning}
          </p>
        ))}
      </header>
      <div class="sql-answer">
        {is_plan && !problem ? (
          <PlanView sql={q} round={run.round} />
        ) : table && table.columns.length > 0 && table.rows.length > 0 ? (
          <Result table={table} order={order_of(param("sort"), table.columns.length)} open={open} onOrder={(sort) => change({ sort }, true)} onOpen={(row) => change({ row: row === open ? null : String(row) }, true)} />
        ) : table ? (
          <Empty title={table.columns.length > 0 ? "No row" : "Done"} />
        ) : loaded.is_loading ? (
          <Waiting what="Reading" />
        ) : problem ? null : (
          <First />
        )}
      </div>
      {side === "schema" ? (
        <SchemaList schema={schema.value} onTake={(taken) => set_text(statement_insert(text, taken))} />
      ) : side === "history" ? (
        <HistoryList round={kept_round} onTake={set_text} />
      ) : (
        table && open >= 0 && !is_plan && <Row table={table} row={open} />
      )}
    </div>
  );
}

function told(table: Table): string {
  return `${show_whole(table.rows.length)} ${table.rows.length === 1 ? "row" : "rows"} · ${table.duration_ms.toFixed(0)} ms`;
}

/* One row whole: a column under another. */
function Row({ table, row }: { table: Table; row: number }) {
  return (
    <aside class="sql-detail" aria-label="Row">
      <div class="row">
        <h2 class="grow">Row {show_whole(row + 1)} of the answer</h2>
        <button class="plain" aria-label="Close" onClick={() => change({ row: null }, true)}>
          ×
        </button>
      </div>
      <dl>
        {table.columns.map((column, at) => {
          const cell = table.rows[row]?.[at];
          if (cell === null || cell === undefined) return null;
          return (
            <div key={at}>
              <dt class="soft told">{column.name}</dt>
              <dd class="mono told">{typeof cell === "object" ? JSON.stringify(cell, null, 2) : cell_text(cell)}</dd>
            </div>
          );
        })}
      </dl>
    </aside>
  );
}

const FIRST: readonly { text: string; sql: string }[] = [
  { text: "The newest rows", sql: "SELECT timestamp, level, resource___service___name, name, body\nFROM otel_logs_and_spans\nORDER BY timestamp DESC LIMIT 100" },
  { text: "Errors by service, last hour", sql: "SELECT resource___service___name, count(*) AS n\nFROM otel_logs_and_spans\nWHERE timestamp > now() - interval '1 hour' AND (level = 'ERROR' OR status_code = 'ERROR')\nGROUP BY 1 ORDER BY n DESC" },
  { text: "Slowest routes, last hour", sql: "SELECT attributes___http___route, count(*) AS n, approx_percentile(0.95, percentile_agg(duration)) / 1e6 AS p95_ms\nFROM otel_logs_and_spans\nWHERE timestamp > now() - interval '1 hour' AND kind = 'server'\nGROUP BY 1 ORDER BY p95_ms DESC LIMIT 20" },
  { text: "Tables and columns", sql: "SELECT table_name, column_name, data_type\nFROM information_schema.columns\nORDER BY table_name, ordinal_position" },
];

function First() {
  return (
    <Empty title="Ask in SQL">
      <p class="soft">PostgreSQL's dialect over this project's tables: otel_logs_and_spans, otel_metrics. "This view" on any page opens here what it asked.</p>
      <div class="row">
        {FIRST.map((one) => (
          <a key={one.text} class="button" href={href(project_path("sql"), { q: one.sql })}>
            {one.text}
          </a>
        ))}
      </div>
    </Empty>
  );
}
