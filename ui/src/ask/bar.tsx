/* The bar: a question, proposals of what was asked before and what can be asked here. */
import { useEffect, useRef, useState } from "preact/hooks";
import "./bar.css";

interface BarProps {
  value: string;
  label: string;
  placeholder: string;
  before: readonly string[]; /* asked before */
  examples: readonly string[];
  is_follow_up?: boolean;
  onAsk: (question: string) => void;
}
const PROPOSALS = 8;

export function Bar({ value, label, placeholder, before, examples, is_follow_up = false, onAsk }: BarProps) {
  const id = is_follow_up ? "ask-more" : "ask";
  const [text, set_text] = useState(value);
  const [is_open, open] = useState(false);
  const [chosen, choose] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => set_text(value), [value]);
  const typed = text.trim().toLowerCase();
  const fits = (one: string) => one.toLowerCase().includes(typed) && one !== text;
  const proposed = is_open ? [...before.filter(fits).map((one) => ({ text: one, hint: "asked before" })), ...examples.filter((one) => fits(one) && !before.includes(one)).map((one) => ({ text: one, hint: "example" }))].slice(0, PROPOSALS) : [];
  const submit = (question: string) => {
    open(false);
    choose(-1);
    if (question.trim()) onAsk(question.trim());
    if (is_follow_up) set_text("");
  };
  const on_key = (event: KeyboardEvent) => {
    const count = proposed.length;
    if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) choose((now) => (now < 0 && event.key === "ArrowUp" ? count - 1 : (now + (event.key === "ArrowDown" ? 1 : count - 1)) % count));
    else if (event.key === "Tab" && !event.shiftKey && proposed[chosen]) set_text(proposed[chosen].text);
    else if (event.key === "Enter") submit(proposed[chosen]?.text ?? text);
    else if (event.key === "Escape" && is_open) open(false);
    else return;
    event.preventDefault();
  };
  return (
    <form
      class="ask-bar"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        submit(text);
      }}
    >
      <div class="ask-field">
        <input
          ref={field}
          id={id}
          type="text"
          role="combobox"
          aria-label={label}
          aria-expanded={proposed.length > 0}
          aria-controls={`${id}-proposals`}
          aria-autocomplete="list"
          aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
          placeholder={placeholder}
          maxLength={1000}
          autocomplete="off"
          value={text}
          onInput={(event) => {
            set_text(event.currentTarget.value);
            choose(-1);
            open(true);
          }}
          onFocus={() => open(true)}
          onBlur={() => open(false)}
          onKeyDown={on_key}
        />
        {proposed.length > 0 && (
          <ul class="popup ask-proposals" id={`${id}-proposals`} role="listbox" aria-label="Questions">
            {proposed.map((one, at) => (
              <li
                key={one.text}
                id={`${id}-${at}`}
                role="option"
                aria-selected={at === chosen}
                onMouseDown={(event) => {
                  event.preventDefault();
                  submit(one.text);
                }}
              >
                <span class="told ellipsis">{one.text}</span> <span class="soft">{one.hint}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <button class="primary">Ask</button>
    </form>
  );
}
