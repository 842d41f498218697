/* The query bar: the search language, or an SQL condition; problems are marked where they are. */
import { useEffect, useRef, useState } from "preact/hooks";
import { is_guest } from "../session";
import { now_us, to_iso } from "../time";
import { change, go, param, project_name, project_path } from "../url";
import { index_of } from "../place";
import { attributes_load } from "./attributes";
import { proposals, type Known, type Values } from "./complete";
import type { Catalog } from "./fields";
import type { SearchProblem } from "./search";
import { SearchField } from "./search_field";

export function QueryBar({ problems, catalog, values }: { problems: readonly SearchProblem[]; catalog: Catalog | undefined; values: readonly Values[] }) {
  const is_sql = param("sql") === "1";
  const [is_english, speak] = useState(false); /* the third face: what is typed is asked on the page of questions */
  const [text, set_text] = useState(param("q"));
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => set_text(param("q")), [param("q"), is_sql]);
  const [known, set_known] = useState<Known[]>([]);
  /* Asked for when somebody begins to type: the page itself does without. */
  const learn = () => void attributes_load(project_name.value).then(set_known, () => undefined);
  const submit = () => {
    if (is_english && text.trim()) go(project_path("ask"), { q: text.trim(), at: to_iso(now_us()), tz: param("tz") });
    else if (!is_english) change({ q: text.trim(), open: null });
  };
  const english = () => {
    if (is_sql) change({ sql: null, q: null });
    speak(true);
    set_text("");
    requestAnimationFrame(() => field.current?.focus());
  };
  const face_set = (sql: string | null) => {
    if (is_english) set_text(param("q"));
    else change({ sql, q: is_sql === (sql !== null) ? text : null });
    if (is_english && is_sql !== (sql !== null)) change({ sql, q: null });
    speak(false);
  };
  const on_key = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      class="query-bar"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div class="query-field">
        {is_sql ? (
          <textarea
            id="query"
            rows={2}
            class="mono"
            aria-label="SQL condition"
            aria-invalid={problems.length > 0}
            placeholder="level = 'ERROR' AND attributes->>'http.route' = '/cart'"
            spellcheck={false}
            value={text}
            onInput={(event) => set_text(event.currentTarget.value)}
            onKeyDown={on_key}
          />
        ) : (
          <SearchField
            id="query"
            field={field}
            label={is_english ? "Question in plain English" : "Search"}
            placeholder={is_english ? "p95 of checkout per hour yesterday" : 'service:checkout level:error "timed out" -user:u42   ( / )'}
            text={text}
            is_invalid={problems.length > 0 && !is_english}
            propose={(typed, cursor) => (is_english ? { from: 0, list: [] } : proposals(typed, cursor, catalog, values, known))}
            onText={set_text}
            onSubmit={submit}
            onLearn={learn}
          />
        )}
      </div>
      <div class="row" role="group" aria-label="Language">
        <button type="button" aria-pressed={!is_sql && !is_english} onClick={() => face_set(null)}>
          Search
        </button>
        <button type="button" aria-pressed={is_sql && !is_english} onClick={() => face_set("1")}>
          SQL
        </button>
        {!is_guest.value && (
          <button type="button" aria-pressed={is_english} title="Ask in plain English" onClick={english}>
            English
          </button>
        )}
      </div>
      <button class="primary">{is_english ? "Ask" : "Run"}</button>
      {problems.length > 0 && !is_english && (
        <div class="query-problems" role="alert">
        <ul>
          {problems.map((problem) => (
            <Marked key={`${problem.from}${problem.text}`} text={text} problem={problem} />
          ))}
        </ul>
        </div>
      )}
    </form>
  );
}

/* The place of a problem, which the server counts in characters. */
function Marked({ text, problem }: { text: string; problem: SearchProblem }) {
  const from = index_of(text, problem.from);
  const to = Math.max(index_of(text, problem.to), index_of(text, problem.from + 1));
  return (
    <li>
      <code class="told">
        {text.slice(Math.max(0, from - 20), from)}
        <mark>{text.slice(from, to) || "␣"}</mark>
        {text.slice(to, to + 20)}
      </code>{" "}
      {problem.text}
    </li>
  );
}
