/* The project's audit log, newest first: /p/{project}/settings/audit?action=key.&actor=ann@example.com&object=...&since=now-7d&all=1 */
import { useEffect, useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { me } from "../session";
import { change, param, project_name } from "../url";
import { ACTIONS, details_words, SINCE } from "./audit_words";
import { failed, path_of, when } from "./load";
import { Cards } from "./parts";

type Row = Schemas["AuditRow"];
interface Page {
  items: Row[];
  next_cursor: string | null;
}
const PAGE = 50;

export function AuditPage() {
  const [action, actor, object, since] = ["action", "actor", "object", "since"].map(param) as [string, string, string, string];
  const is_all = param("all") === "1" && me.value?.is_instance_admin === true;
  const ask = (cursor?: string) => api<Page>(is_all ? "/audit" : path_of("/audit"), { query: { action, actor, object, from: since, limit: PAGE, cursor } });
  const key = [project_name.value, action, actor, object, since, is_all].join("\n");
  const first = useLoad(key, () => ask());
  const [more, set_more] = useState<Page[]>([]);
  useEffect(() => set_more([]), [first.value]);
  const pages = first.value ? [first.value, ...more] : [];
  const next = pages.at(-1)?.next_cursor;
  const rows = pages.flatMap((page) => page.items);
  const read_more = async () => {
    try {
      const page = await ask(next ?? undefined);
      set_more([...more, page]);
    } catch (error) {
      failed(error);
    }
  };
  return (
    <>
      <p>Every change, when it was tried and by whom. Rows are written with the change and can be changed by nobody.</p>
      <form class="row filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          What
          <select value={action} onChange={(event) => change({ action: event.currentTarget.value })}>
            <option value="">all</option>
            {ACTIONS.map((one) => (
              <option key={one.action} value={one.action}>
                {one.text}
              </option>
            ))}
          </select>
        </label>
        <Text name="actor" label="Who" value={actor} placeholder="e-mail, name of a key" />
        <Text name="object" label="About" value={object} placeholder="id or name" />
        <label>
          Since
          <select value={since} onChange={(event) => change({ since: event.currentTarget.value })}>
            {SINCE.map((one) => (
              <option key={one.from} value={one.from}>
                {one.text}
              </option>
            ))}
          </select>
        </label>
        {me.value?.is_instance_admin && (
          <label>
            Of
            <select value={is_all ? "1" : ""} onChange={(event) => change({ all: event.currentTarget.value })}>
              <option value="">this project</option>
              <option value="1">the whole server</option>
            </select>
          </label>
        )}
      </form>
      {first.problem && <Problem problem={first.problem} again={first.again} />}
      {!first.value && first.is_loading && <Waiting what="Reading the audit log" />}
      {first.value && rows.length === 0 && <p class="soft">Nothing like that happened.</p>}
      {rows.length > 0 && (
        <Cards label="Audit log" heads={["When", "Who", "What", "About", "Details", "From"]}>
          {rows.map((row) => (
            <tr key={row.number} class={row.is_refused ? "refused" : ""}>
              <td data-of="When" class="nowrap">
                {when(row.at)}
              </td>
              <td data-of="Who">
                {row.actor ? (
                  <button class="plain told" title="Only what they did" onClick={() => change({ actor: row.actor })}>
                    {row.actor}
                  </button>
                ) : (
                  row.actor_kind
                )}
              </td>
              <td data-of="What">
                <code>{row.action}</code> {row.is_refused && <b class="error-text">refused</b>}
              </td>
              <td data-of="About" class="told break">
                {row.object_kind} {row.object}
              </td>
              <td data-of="Details" class="told break">
                {details_words(row.details as Record<string, unknown>)}
              </td>
              <td data-of="From" class="told">
                {row.address}
              </td>
            </tr>
          ))}
        </Cards>
      )}
      {next && <button onClick={() => void read_more()}>Older</button>}
    </>
  );
}

/* Taken by Enter, and when the field is left. */
function Text({ name, label, value, placeholder }: { name: string; label: string; value: string; placeholder: string }) {
  const [text, set_text] = useState(value);
  useEffect(() => set_text(value), [value]);
  const take = () => change({ [name]: text.trim() });
  return (
    <label>
      {label}
      <input value={text} placeholder={placeholder} onInput={(event) => set_text(event.currentTarget.value)} onBlur={take} onKeyDown={(event) => event.key === "Enter" && take()} />
    </label>
  );
}
