/* What a dashboard is besides its panels: title, words, the time it opens with, variables; and its end. */
import { useState } from "preact/hooks";
import { Sheet } from "../frame/sheet";
import { toast } from "../frame/toast";
import { RANGES } from "../time";
import { go, project_path } from "../url";
import { dashboard_delete, type Content, type Read, type Variable } from "./load";

interface SettingsProps {
  content: Content;
  read: Read;
  onDone: (content: Content) => void;
  onClose: () => void;
}
const NAME = /^[a-z][a-z0-9_]{1,30}$/;
const OF_TIME = ["from", "to", "step"];

export function Settings({ content, read, onDone, onClose }: SettingsProps) {
  const [draft, set] = useState(content);
  const variables = draft.variables ?? [];
  const set_variable = (at: number, next: Variable | undefined) => set({ ...draft, variables: next ? variables.map((one, n) => (n === at ? next : one)) : variables.filter((_, n) => n !== at) });
  const problem = variables.map((one, at) => problem_of(one, variables.slice(0, at))).find(Boolean);
  return (
    <Sheet title="Dashboard" onClose={onClose} wide>
      <form
        class="sheet-form panel-form"
        onSubmit={(event) => {
          event.preventDefault();
          onDone({ ...draft, title: draft.title.trim() });
        }}
      >
        <h1>Dashboard</h1>
        <label>
          Title
          <input value={draft.title} maxLength={120} autofocus onInput={(event) => set({ ...draft, title: event.currentTarget.value })} />
        </label>
        <label>
          What it is for
          <textarea rows={2} maxLength={2000} value={draft.description ?? ""} onInput={(event) => set({ ...draft, description: event.currentTarget.value })} />
        </label>
        <label>
          Opens with the last
          <select
            value={draft.from ?? ""}
            onChange={(event) => {
              const { from: _, ...rest } = draft;
              const from = event.currentTarget.value;
              set(from ? { ...rest, from } : rest);
            }}
          >
            <option value="">time of the page</option>
            {RANGES.map((one) => (
              <option key={one.from} value={one.from}>
                {one.text}
              </option>
            ))}
            {draft.from && !RANGES.some((one) => one.from === draft.from) && <option value={draft.from}>{draft.from}</option>}
          </select>
        </label>
        <fieldset class="variable-list">
          <legend>Variables: $name in what panels ask</legend>
          {variables.map((one, at) => (
            <Line key={at} variable={one} onChange={(next) => set_variable(at, next)} />
          ))}
          {variables.length < 16 && (
            <button type="button" onClick={() => set({ ...draft, variables: [...variables, { name: "", field: "service.name" }] })}>
              Another variable
            </button>
          )}
          {problem && (
            <p class="error-text" role="status">
              {problem}
            </p>
          )}
        </fieldset>
        <div class="row">
          <button class="primary" disabled={!draft.title.trim() || !!problem}>
            Take over
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <span class="grow" />
          <Delete read={read} />
        </div>
      </form>
    </Sheet>
  );
}

function problem_of(variable: Variable, before: readonly Variable[]): string {
  if (!NAME.test(variable.name)) return "A name has 2 to 31 of a-z, 0-9 and _, and begins with a letter.";
  if (OF_TIME.includes(variable.name)) return "$from, $to and $step are the time of the page.";
  if (before.some((one) => one.name === variable.name)) return `Two variables are called ${variable.name}.`;
  if (variable.values ? variable.values.length === 0 : !variable.field) return `${variable.name} needs a field or values.`;
  return variable.values && variable.default && !variable.values.includes(variable.default) ? `${variable.name}: what it begins with is none of its values.` : "";
}

function Line({ variable, onChange }: { variable: Variable; onChange: (next: Variable | undefined) => void }) {
  const { field: _field, values: _values, default: _first, ...rest } = variable;
  const is_list = variable.values !== undefined;
  const first = variable.default ? { default: variable.default } : {};
  return (
    <div class="row">
      <input class="mono" aria-label="Name" placeholder="service" size={12} value={variable.name} onInput={(event) => onChange({ ...variable, name: event.currentTarget.value.trim() })} />
      <input aria-label={`Label of ${variable.name}`} placeholder="Label" size={12} maxLength={60} value={variable.label ?? ""} onInput={(event) => {
        const { label: _, ...others } = variable;
        const label = event.currentTarget.value;
        onChange(label ? { ...others, label } : others);
      }} />
      <select aria-label={`Values of ${variable.name}`} value={is_list ? "values" : "field"} onChange={(event) => onChange(event.currentTarget.value === "values" ? { ...rest, values: [] } : { ...rest, field: "service.name" })}>
        <option value="field">values of the field</option>
        <option value="values">one of these</option>
      </select>
      {is_list ? (
        <input class="grow" aria-label={`List of ${variable.name}`} placeholder="a, b, c" defaultValue={(variable.values ?? []).join(", ")} onInput={(event) => onChange({ ...rest, ...first, values: event.currentTarget.value.split(",").map((one) => one.trim()).filter(Boolean).slice(0, 100) })} />
      ) : (
        <input class="grow" aria-label={`Field of ${variable.name}`} value={variable.field ?? ""} maxLength={140} onInput={(event) => onChange({ ...rest, ...first, field: event.currentTarget.value.trim() })} />
      )}
      <input aria-label={`${variable.name} begins with`} placeholder="any at first" size={12} maxLength={256} value={variable.default ?? ""} onInput={(event) => {
        const { default: _, ...others } = variable;
        onChange(event.currentTarget.value ? { ...others, default: event.currentTarget.value } : others);
      }} />
      <button type="button" class="plain" aria-label={`Without ${variable.name || "it"}`} onClick={() => onChange(undefined)}>
        ×
      </button>
    </div>
  );
}

function Delete({ read }: { read: Read }) {
  const [is_leaving, leave] = useState(false);
  const { slug, title } = read.dashboard;
  if (!is_leaving)
    return (
      <button type="button" onClick={() => leave(true)}>
        Delete the dashboard
      </button>
    );
  return (
    <button
      type="button"
      class="danger"
      autofocus
      onClick={() =>
        dashboard_delete(slug, read.tag).then(
          () => {
            toast(`"${title}" is deleted`);
            go(project_path("dashboards"));
          },
          (error: unknown) => toast(error instanceof Error ? error.message : String(error), true),
        )
      }
    >
      Really delete, with all its versions
    </button>
  );
}
