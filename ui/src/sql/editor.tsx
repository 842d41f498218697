/* A statement to write: lines with numbers, the place of an error marked where it is, proposals for the word under the cursor (Tab
 * takes one, arrows choose, Escape closes). */
import { useRef, useState } from "preact/hooks";
import type { Place } from "../place";
import { sql_proposals, type Schema, type SqlProposal } from "./complete";

interface EditorProps {
  text: string;
  place: Place | undefined; /* of the error */
  schema: Schema | undefined; /* until it is known nothing is proposed */
  onText: (text: string) => void;
  onLearn: () => void; /* somebody begins to write */
}

const field_of = () => document.getElementById("statement") as HTMLTextAreaElement | null;
function cursor_set(at: number): void {
  requestAnimationFrame(() => {
    field_of()?.focus();
    field_of()?.setSelectionRange(at, at);
  });
}
/* The statement with a name where the cursor is, or was. */
export function statement_insert(text: string, name: string): string {
  const field = field_of();
  const from = field ? Math.min(field.selectionStart, text.length) : text.length;
  const to = field ? Math.min(field.selectionEnd, text.length) : text.length;
  const blank = from > 0 && /[\w'")]/.test(text[from - 1] ?? "") ? " " : "";
  cursor_set(from + blank.length + name.length);
  return text.slice(0, from) + blank + name + text.slice(to);
}

export function Editor({ text, place, schema, onText, onLearn }: EditorProps) {
  const [cursor, set_cursor] = useState(-1); /* -1: nothing is proposed */
  const [chosen, choose] = useState(-1);
  const proposed = cursor >= 0 ? sql_proposals(text, cursor, schema) : { from: 0, list: [] };
  const take = (proposal: SqlProposal | undefined) => {
    const field = field_of();
    if (!proposal || !field) return;
    field.setRangeText(proposal.text, proposed.from, cursor, "end"); /* at once: the next key may come before the next frame */
    onText(field.value);
    set_cursor(-1);
    choose(-1);
  };
  const on_key = (event: KeyboardEvent) => {
    const count = proposed.list.length;
    if (count === 0 || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") choose((now) => (now + (event.key === "ArrowDown" ? 1 : count)) % count);
    else if (event.key === "Tab" && !event.shiftKey) take(proposed.list[Math.max(0, chosen)]);
    else if (event.key === "Enter" && chosen >= 0) take(proposed.list[chosen]);
    else if (event.key === "Escape") set_cursor(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const numbers = useRef<HTMLDivElement>(null);
  const marks = useRef<HTMLPreElement>(null);
  const lines = text.split("\n");
  const follow = (event: { currentTarget: HTMLTextAreaElement }) => {
    const { scrollTop, scrollLeft } = event.currentTarget;
    if (numbers.current) numbers.current.scrollTop = scrollTop;
    if (marks.current) {
      marks.current.scrollTop = scrollTop;
      marks.current.scrollLeft = scrollLeft;
    }
  };
  return (
    <div class="sql-editor">
      <div class="sql-numbers mono" ref={numbers} aria-hidden="true">
        {lines.map((_, at) => (
          <div key={at} class={place && at + 1 === place.line ? "bad" : ""}>
            {at + 1}
          </div>
        ))}
      </div>
      <div class="sql-text">
        <pre class="sql-marks mono" ref={marks} aria-hidden="true">
          {place ? (
            <>
              {text.slice(0, place.at)}
              <mark>{text.slice(place.at, place.end) || " "}</mark>
              {text.slice(place.end)}
            </>
          ) : (
            text
          )}
          {"\n"}
        </pre>
        <textarea
          id="statement"
          class="mono"
          aria-label="SQL statement"
          aria-invalid={!!place}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          wrap="off"
          value={text}
          rows={Math.max(6, Math.min(16, lines.length + 1))}
          aria-autocomplete="list"
          aria-controls={proposed.list.length > 0 ? "statement-proposals" : undefined}
          aria-activedescendant={chosen >= 0 && proposed.list.length > 0 ? `statement-proposal-${chosen}` : undefined}
          onInput={(event) => {
            onText(event.currentTarget.value);
            set_cursor(event.currentTarget.selectionStart);
            choose(-1);
          }}
          onKeyDown={on_key}
          onFocus={onLearn}
          onClick={() => set_cursor(-1)}
          onBlur={() => set_cursor(-1)}
          onScroll={follow}
        />
      </div>
      {proposed.list.length > 0 && (
        <ul class="sql-proposals" id="statement-proposals" role="listbox" aria-label="Proposals">
          {proposed.list.map((proposal, at) => (
            <li
              key={proposal.text}
              id={`statement-proposal-${at}`}
              role="option"
              aria-selected={at === chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                take(proposal);
              }}
            >
              <span class="told mono">{proposal.text}</span> <span class="soft">{proposal.hint}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
