/* The query bar: the search language, or an SQL condition; problems are marked where they are. */
import { useEffect, useRef, useState } from "preact/hooks";
import { change, param } from "../url";
import type { Catalog } from "./fields";
import { SHORT } from "./fields";
import type { SearchProblem } from "./search";

interface Proposal {
  text: string; /* what is put in place of the word under the cursor */
  hint: string;
}
export interface Values {
  field: string;
  list: string[];
}

/* The word under the cursor and what could stand there: fields before a colon, values of the facets behind it. */
export function proposals(text: string, cursor: number, catalog: Catalog | undefined, values: readonly Values[]): { from: number; list: Proposal[] } {
  const before = /(?:^|[\s(])(-?)([^\s()"]*)$/.exec(text.slice(0, cursor));
  if (!before || !catalog) return { from: cursor, list: [] };
  const sign = before[1] ?? "";
  const word = before[2] ?? "";
  const from = cursor - word.length;
  const colon = word.indexOf(":");
  if (colon > 0) {
    const name = word.slice(0, colon);
    const typed = word.slice(colon + 1).toLowerCase();
    const full = SHORT[name] ?? name;
    const found = values.find((one) => one.field === full)?.list ?? [];
    return {
      from,
      list: found
        .filter((value) => value.toLowerCase().includes(typed))
        .slice(0, 12)
        .map((value) => ({ text: `${name}:${/^[\w./@-]+$/.test(value) ? value : JSON.stringify(value)} `, hint: "value" })),
    };
  }
  if (word.length === 0 && sign === "") return { from, list: [] };
  const names = [...Object.keys(SHORT), ...catalog.columns.map((field) => field.name), ...values.map((one) => one.field)];
  const typed = word.toLowerCase();
  return {
    from,
    list: [...new Set(names)]
      .filter((name) => name.toLowerCase().includes(typed))
      .sort((a, b) => Number(b.toLowerCase().startsWith(typed)) - Number(a.toLowerCase().startsWith(typed)) || a.length - b.length)
      .slice(0, 12)
      .map((name) => ({ text: `${name}:`, hint: SHORT[name] ?? "field" })),
  };
}

export function QueryBar({ problems, catalog, values }: { problems: readonly SearchProblem[]; catalog: Catalog | undefined; values: readonly Values[] }) {
  const is_sql = param("sql") === "1";
  const [text, set_text] = useState(param("q"));
  const [is_open, open] = useState(false);
  const [chosen, choose] = useState(-1);
  const [cursor, set_cursor] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => set_text(param("q")), [param("q"), is_sql]);
  const proposed = is_open && !is_sql ? proposals(text, cursor, catalog, values) : { from: 0, list: [] };
  const submit = () => {
    open(false);
    change({ q: text.trim(), open: null });
  };
  const take = (proposal: Proposal | undefined) => {
    if (!proposal) return;
    const next = text.slice(0, proposed.from) + proposal.text + text.slice(cursor);
    const place = proposed.from + proposal.text.length;
    set_text(next);
    set_cursor(place);
    choose(-1);
    requestAnimationFrame(() => field.current?.setSelectionRange(place, place));
  };
  const on_key = (event: KeyboardEvent) => {
    const count = proposed.list.length;
    if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) choose((now) => (now + (event.key === "ArrowDown" ? 1 : count)) % count);
    else if (count > 0 && event.key === "Tab" && !event.shiftKey) take(proposed.list[Math.max(0, chosen)]);
    else if (event.key === "Enter" && !event.shiftKey && chosen >= 0) take(proposed.list[chosen]);
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else if (event.key === "Escape" && is_open) open(false);
    else return;
    event.preventDefault();
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
          <input
            ref={field}
            id="query"
            type="text"
            role="combobox"
            aria-label="Search"
            aria-expanded={proposed.list.length > 0}
            aria-controls="query-proposals"
            aria-autocomplete="list"
            aria-activedescendant={chosen >= 0 ? `proposal-${chosen}` : undefined}
            aria-invalid={problems.length > 0}
            placeholder={'service:checkout level:error "timed out" -user:u42   ( / )'}
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            value={text}
            onInput={(event) => {
              set_text(event.currentTarget.value);
              set_cursor(event.currentTarget.selectionStart ?? 0);
              choose(-1);
              open(true);
            }}
            onKeyUp={(event) => set_cursor(event.currentTarget.selectionStart ?? 0)}
            onClick={(event) => set_cursor(event.currentTarget.selectionStart ?? 0)}
            onKeyDown={on_key}
            onBlur={() => open(false)}
          />
        )}
        {proposed.list.length > 0 && (
          <ul class="popup query-proposals" id="query-proposals" role="listbox" aria-label="Proposals">
            {proposed.list.map((proposal, at) => (
              <li
                key={proposal.text}
                id={`proposal-${at}`}
                role="option"
                aria-selected={at === chosen}
                onMouseDown={(event) => {
                  event.preventDefault();
                  take(proposal);
                }}
              >
                <span class="told mono ellipsis">{proposal.text}</span> <span class="soft">{proposal.hint}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <div class="row" role="group" aria-label="Language">
        <button type="button" aria-pressed={!is_sql} onClick={() => change({ sql: null, q: is_sql ? null : text })}>
          Search
        </button>
        <button type="button" aria-pressed={is_sql} onClick={() => change({ sql: "1", q: is_sql ? text : null })}>
          SQL
        </button>
      </div>
      <button class="primary">Run</button>
      {problems.length > 0 && (
        <div class="query-problems" role="alert">
        <ul>
          {problems.map((problem) => (
            <li key={`${problem.from}${problem.text}`}>
              <code class="told">
                {text.slice(Math.max(0, problem.from - 20), problem.from)}
                <mark>{text.slice(problem.from, Math.max(problem.to, problem.from + 1)) || "␣"}</mark>
                {text.slice(Math.max(problem.to, problem.from + 1), problem.to + 20)}
              </code>{" "}
              {problem.text}
            </li>
          ))}
        </ul>
        </div>
      )}
    </form>
  );
}
