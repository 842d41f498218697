/* One condition of a plan: field, test, values, with the values that the project has. */
import { useId, useState } from "preact/hooks";
import type { Names } from "./load";
import { duration_read, duration_show, tests_of, TEST_TITLES, values_of, type Filter } from "./plan";

interface FilterEditorProps {
  filter: Filter | undefined; /* undefined: a new one */
  names: Names | undefined;
  onPut: (filter: Filter | undefined) => void; /* undefined: it goes */
}
const NEW: Filter = { field: "service", test: "is", values: [] };

export function FilterEditor({ filter, names, onPut }: FilterEditorProps) {
  const first = filter ?? NEW;
  const [field, set_field] = useState(first.field);
  const [test, set_test] = useState(first.test);
  const [text, set_text] = useState(first.field === "duration" ? duration_show(first.values[0] ?? "0") : first.values.join(", "));
  const list = useId();
  const tests = tests_of(field);
  const has_list = test === "is" || test === "is_not";
  const known = names?.values.get(field) ?? [];
  const values = test === "has" ? [] : field === "duration" ? [duration_read(text)].filter(Boolean) : has_list ? values_of(text, [...(field === first.field ? [first.values] : []), ...known.map((one) => [one])]) : [text.trim()].filter(Boolean);
  const is_right = test === "has" || values.length > 0;
  const choose_field = (next: string) => {
    set_field(next);
    set_text("");
    if (!tests_of(next).includes(test)) set_test(tests_of(next)[0] ?? "is");
  };
  return (
    <form
      class="ask-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (is_right) onPut({ field, test, values });
      }}
    >
      <label class="field">
        Field
        <select value={field} onChange={(event) => choose_field(event.currentTarget.value)}>
          {[...new Set([field, ...(names?.fields ?? [])])].map((name) => (
            <option key={name} value={name}>
              {name.replace(/^(attribute|resource):/, "")}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Test
        <select value={test} onChange={(event) => set_test(event.currentTarget.value as Filter["test"])}>
          {tests.map((one) => (
            <option key={one} value={one}>
              {TEST_TITLES[one]}
            </option>
          ))}
        </select>
      </label>
      {test !== "has" && (
        <label class="field">
          {has_list ? "Values, with commas between" : field === "duration" ? "Duration, such as 500 ms or 2s" : "Value"}
          <input type="text" list={list} value={text} maxLength={256} onInput={(event) => set_text(event.currentTarget.value)} />
          <datalist id={list}>
            {known.slice(0, 50).map((value) => (
              <option key={value} value={value} />
            ))}
          </datalist>
        </label>
      )}
      <div class="row">
        <button class="primary" disabled={!is_right}>
          Apply
        </button>
        {filter && (
          <button type="button" onClick={() => onPut(undefined)}>
            Remove
          </button>
        )}
      </div>
    </form>
  );
}
