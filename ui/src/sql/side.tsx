/* Beside the editor: what there is to ask (tables, columns, attributes), and what was asked here before. */
import { useMemo, useState } from "preact/hooks";
import { show_whole } from "../number";
import { ago } from "../settings/ago";
import { change, project_name } from "../url";
import type { Schema } from "./complete";
import { found, history_forget, history_read } from "./history";

export function SchemaList({ schema, onTake }: { schema: Schema | undefined; onTake: (text: string) => void }) {
  const [text, set_text] = useState("");
  const wanted = text.trim().toLowerCase();
  const groups = useMemo(() => {
    const tables = [...new Set(schema?.columns.map((column) => column.table))];
    return [
      ...tables.map((table) => ({ name: table, take: table, items: (schema?.columns ?? []).filter((one) => one.table === table).map((one) => ({ text: one.name, hint: one.type, take: one.name })) })),
      { name: "attributes", take: "attributes", items: (schema?.attributes ?? []).map((name) => ({ text: name, hint: "attributes->>", take: `attributes->>'${name.replaceAll("'", "''")}'` })) },
    ].map((group) => ({ ...group, items: wanted ? group.items.filter((one) => one.text.toLowerCase().includes(wanted)) : group.items }));
  }, [schema, wanted]);
  return (
    <aside class="sql-side" aria-label="Schema">
      <Head title="Schema" />
      <input aria-label="Find a column" placeholder="Find a column" value={text} onInput={(event) => set_text(event.currentTarget.value)} />
      {!schema && <p class="soft">Reading …</p>}
      {groups.map((group) => (
        <details key={group.name + (wanted ? "found" : "")} open={wanted !== "" ? group.items.length > 0 : group.name === "otel_logs_and_spans"}>
          <summary>
            <b class="told">{group.name}</b> <span class="soft">{show_whole(group.items.length)}</span>
          </summary>
          <ul>
            {group.items.map((item) => (
              <li key={item.text}>
                <button class="plain" onClick={() => onTake(item.take)} title={`Put ${item.take} into the statement`}>
                  <span class="mono told ellipsis">{item.text}</span> <span class="soft">{item.hint}</span>
                </button>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </aside>
  );
}

/* round: another one when something was run. */
export function HistoryList({ round, onTake }: { round: number; onTake: (sql: string) => void }) {
  const [text, set_text] = useState("");
  const [forgot, set_forgot] = useState(0);
  const all = useMemo(() => history_read(project_name.value), [round, forgot, project_name.value]);
  const list = found(all, text);
  return (
    <aside class="sql-side" aria-label="History">
      <Head title="History" />
      <input aria-label="Find a statement" placeholder="Find a statement" value={text} onInput={(event) => set_text(event.currentTarget.value)} />
      {list.length === 0 && <p class="soft">{all.length === 0 ? "Nothing was run here yet. Statements are kept in this browser alone." : "None of them."}</p>}
      <ol class="sql-history">
        {list.map((one) => (
          <li key={one.at_ms}>
            <button class="plain" onClick={() => onTake(one.sql)}>
              <code class="told">{one.sql.slice(0, 300)}</code>
              <span class="soft">
                {ago(new Date(one.at_ms).toISOString())}, {one.rows === null ? "refused" : `${show_whole(one.rows)} ${one.rows === 1 ? "row" : "rows"}, ${one.ms.toFixed(0)} ms`}
              </span>
            </button>
          </li>
        ))}
      </ol>
      {all.length > 0 && (
        <button
          onClick={() => {
            history_forget(project_name.value);
            set_forgot(forgot + 1);
          }}
        >
          Forget all
        </button>
      )}
    </aside>
  );
}

function Head({ title }: { title: string }) {
  return (
    <div class="row">
      <h2 class="grow">{title}</h2>
      <button class="plain" aria-label={`Close ${title}`} onClick={() => change({ side: null }, true)}>
        ×
      </button>
    </div>
  );
}
