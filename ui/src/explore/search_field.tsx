/* A field of the search language with its proposals: Tab or a click takes one, arrows choose, Enter asks. */
import type { Ref } from "preact";
import { useRef, useState } from "preact/hooks";
import type { Proposal } from "./complete";
import "./search_field.css";

interface SearchFieldProps {
  id: string;
  label: string;
  placeholder: string;
  text: string;
  is_invalid: boolean;
  field?: Ref<HTMLInputElement>;
  propose: (text: string, cursor: number) => { from: number; list: Proposal[] };
  onText: (text: string) => void;
  onSubmit: () => void;
  onLearn?: () => void; /* somebody begins to type */
}
export function SearchField({ id, label, placeholder, text, is_invalid, field, propose, onText, onSubmit, onLearn }: SearchFieldProps) {
  const [is_open, open] = useState(false);
  const [chosen, choose] = useState(-1);
  const [cursor, set_cursor] = useState(0);
  const own = useRef<HTMLInputElement | null>(null);
  const proposed = is_open ? propose(text, cursor) : { from: 0, list: [] };
  const take = (proposal: Proposal | undefined) => {
    if (!proposal) return;
    const place = proposed.from + proposal.text.length;
    onText(text.slice(0, proposed.from) + proposal.text + text.slice(cursor));
    set_cursor(place);
    choose(-1);
    requestAnimationFrame(() => own.current?.setSelectionRange(place, place));
  };
  const on_key = (event: KeyboardEvent) => {
    const count = proposed.list.length;
    if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) choose((now) => (now + (event.key === "ArrowDown" ? 1 : count)) % count);
    else if (count > 0 && event.key === "Tab" && !event.shiftKey) take(proposed.list[Math.max(0, chosen)]);
    else if (event.key === "Enter" && !event.shiftKey && chosen >= 0) take(proposed.list[chosen]);
    else if (event.key === "Enter" && !event.shiftKey) {
      open(false);
      onSubmit();
    } else if (event.key === "Escape" && is_open) open(false);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        ref={(element) => {
          own.current = element;
          if (typeof field === "function") field(element);
          else if (field) field.current = element;
        }}
        id={id}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={proposed.list.length > 0}
        aria-controls={`${id}-proposals`}
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 ? `${id}-proposal-${chosen}` : undefined}
        aria-invalid={is_invalid}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        value={text}
        onInput={(event) => {
          onText(event.currentTarget.value);
          set_cursor(event.currentTarget.selectionStart ?? 0);
          choose(-1);
          open(true);
        }}
        onKeyUp={(event) => set_cursor(event.currentTarget.selectionStart ?? 0)}
        onClick={(event) => set_cursor(event.currentTarget.selectionStart ?? 0)}
        onKeyDown={on_key}
        {...(onLearn ? { onFocus: onLearn } : {})}
        onBlur={() => open(false)}
      />
      {proposed.list.length > 0 && (
        <ul class="popup query-proposals" id={`${id}-proposals`} role="listbox" aria-label="Proposals">
          {proposed.list.map((proposal, at) => (
            <li
              key={proposal.text}
              id={`${id}-proposal-${at}`}
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
    </>
  );
}
