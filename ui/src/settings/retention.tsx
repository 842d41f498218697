/* How long each table keeps its rows; before it is set, how many rows would go. */
import { useState } from "preact/hooks";
import { api, query, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { show_whole } from "../number";
import { now_us, show_time, to_iso } from "../time";
import { project_name } from "../url";
import { may } from "./access";
import { Field, FormEnd, useForm } from "./form";
import { failed, path_of, role_here } from "./load";
import { ReadOnly } from "./parts";
import { days_of, days_words, dropped_before_us, TABLE_WORDS } from "./retention_days";

type Kept = Schemas["TableRetention"];

export function RetentionPage() {
  const kept = useLoad(project_name.value, () => api<Schemas["Retention"]>(path_of("/retention")));
  return (
    <>
      <p>Whole days (UTC) are dropped, each once all of its rows are older. The bytes stay on the disk for 7 days more, so that an operator can undo a mistake.</p>
      {!may(role_here.value, "PROJECT_WRITE") && <ReadOnly permission="PROJECT_WRITE" what="change it" />}
      {kept.problem && <Problem problem={kept.problem} again={kept.again} />}
      {!kept.value && kept.is_loading && <Waiting what="Reading" />}
      {kept.value?.tables.map((table) => <OneTable key={table.table} kept={table} onChange={kept.again} />)}
    </>
  );
}

interface Dropped {
  rows: number;
  all: number;
}
/* Of a table's rows, those before a time. */
async function dropped_of(table: string, before_us: number, signal: AbortSignal): Promise<Dropped> {
  const answer = await query(project_name.value, `SELECT count(*) FILTER (WHERE timestamp < '${to_iso(before_us)}') AS dropped, count(*) AS rows FROM ${table}`, { signal, what: "what would be dropped", is_read_only: true });
  const row = answer.rows[0] ?? [];
  return { rows: Number(row[0] ?? 0), all: Number(row[1] ?? 0) };
}

function OneTable({ kept, onChange }: { kept: Kept; onChange: () => void }) {
  const [text, set_text] = useState(kept.days === 0 ? "" : String(kept.days));
  const form = useForm();
  const can_write = may(role_here.value, "PROJECT_WRITE");
  const days = days_of(text);
  const is_changed = days !== undefined && (days !== kept.days || kept.is_default);
  const before_us = days === undefined ? undefined : dropped_before_us(days, now_us());
  const dropped = useLoad(can_write && before_us !== undefined ? `${project_name.value} ${kept.table} ${before_us}` : null, (signal) => dropped_of(kept.table, before_us ?? 0, signal));
  const words = TABLE_WORDS[kept.table] ?? kept.table;
  const clear = async () => {
    try {
      await api(path_of(`/retention/${kept.table}`), { method: "DELETE" });
      toast(`${words}: the server's setting counts`);
      onChange();
    } catch (error) {
      failed(error);
    }
  };
  return (
    <section data-table={kept.table}>
      <h2>
        {words} <code class="soft">{kept.table}</code>
      </h2>
      <p>
        Rows are kept <b>{days_words(kept.days)}</b>
        {kept.is_default ? ", as the server's setting says." : "."}
      </p>
      {can_write && (
        <form
          onSubmit={form.submit(
            () => api<Kept>(path_of(`/retention/${kept.table}`), { method: "PUT", body: { days } }),
            (set) => {
              toast(`${words} are kept ${days_words(set.days)}`);
              onChange();
            },
          )}
        >
          <Field form={form} at="/days" label="Days" hint={days === undefined ? "A whole number of days, up to 36500; nothing: for ever." : "Nothing: for ever."}>
            {(field) => <input {...field} aria-invalid={days === undefined} inputMode="numeric" value={text} maxLength={6} placeholder="for ever" onInput={(event) => set_text(event.currentTarget.value)} />}
          </Field>
          <p class="dropped" role="status">
            {days === undefined
              ? ""
              : before_us === undefined
                ? "Nothing is dropped."
                : dropped.problem
                  ? `What would be dropped is not known: ${dropped.problem.detail}`
                  : dropped.is_loading || !dropped.value
                    ? "Counting what would be dropped …"
                    : dropped.value.rows === 0
                      ? `No row is older: of ${show_whole(dropped.value.all)} none would be dropped now.`
                      : `${show_whole(dropped.value.rows)} of ${show_whole(dropped.value.all)} rows are from before ${show_time(before_us, 0, true)} UTC and ${is_changed ? "would be" : "will be"} dropped.`}
          </p>
          <FormEnd form={form} fields={["/days"]}>
            <button class={is_changed && (dropped.value?.rows ?? 0) > 0 ? "danger" : "primary"} disabled={form.is_busy || !is_changed}>
              {is_changed && before_us !== undefined && (dropped.value?.rows ?? 0) > 0 ? "Set it, and drop them" : "Set it"}
            </button>
            {!kept.is_default && (
              <button type="button" onClick={() => void clear()}>
                As the server's setting
              </button>
            )}
          </FormEnd>
        </form>
      )}
    </section>
  );
}
