/* The form of a monitor, and beside it what it would have told: monitors/new?search=&sql=, monitors/web-errors/edit */
import { useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { Field, FormEnd, useForm } from "../settings/form";
import { go, href, param, project_name, project_path } from "../url";
import { definition_of, draft_new, draft_of, type Draft } from "./draft";
import { Dryness } from "./dry";
import { monitor_load, monitor_make, monitor_save } from "./load";
import { KINDS, type Definition, type Monitor } from "./monitors";

export function Editor({ slug }: { slug?: string }) {
  const monitor = useLoad(slug === undefined ? null : `${project_name.value} ${slug}`, (signal) => monitor_load(slug ?? "", signal));
  useActs({ title: slug === undefined ? "New monitor" : "Change a monitor", statement: undefined, is_private: true, is_timeless: true });
  if (slug === undefined) return <Form first={draft_new(param("search"), param("sql"))} />;
  if (monitor.problem) return <Problem problem={monitor.problem} again={monitor.again} />;
  if (!monitor.value) return <Waiting what="Reading the monitor" />;
  return <Form first={draft_of(monitor.value)} monitor={monitor.value} />;
}

function kept_of(monitor: Monitor | undefined): Definition | undefined {
  if (!monitor) return undefined;
  const { version, author, created_at, changed_at, ...kept } = monitor;
  return kept;
}

function Form({ first, monitor }: { first: Draft; monitor?: Monitor }) {
  const [draft, set] = useState(first);
  const form = useForm();
  const put = (changes: Partial<Draft>) => {
    form.clear();
    set((before) => ({ ...before, ...changes }));
  };
  const text = (name: keyof Draft) => ({ value: draft[name] as string, onInput: (event: { currentTarget: { value: string } }) => put({ [name]: event.currentTarget.value } as Partial<Draft>) });
  const choice = (name: keyof Draft) => ({ value: draft[name] as string, onChange: (event: { currentTarget: { value: string } }) => put({ [name]: event.currentTarget.value } as Partial<Draft>) });
  const definition = definition_of(draft, kept_of(monitor));
  const save = form.submit(
    () => (monitor ? monitor_save(monitor.slug, definition) : monitor_make(definition)),
    (saved) => {
      toast(`${saved.title} is saved`);
      go(project_path(`monitors/${saved.slug}`));
    },
  );
  const has_levels = draft.kind !== "absence" && draft.kind !== "burn";
  return (
    <div class="monitors">
      <h1 class="told">{monitor ? `Change ${monitor.title}` : "New monitor"}</h1>
      <Dryness definition={definition} label={definition.title} />
      <form class="monitor-form" onSubmit={save}>
        <Field form={form} at="/title" label="Title">
          {(field) => <input {...field} required maxLength={120} {...text("title")} />}
        </Field>
        <Field form={form} at="/source" label="Asks by">
          {(field) => (
            <select {...field} {...choice("source")}>
              <option value="search">A search, as the explorer's address has it</option>
              <option value="sql">SQL</option>
            </select>
          )}
        </Field>
        <Field form={form} at={`/query/${draft.source}`} label={draft.source === "sql" ? "Statement" : "Search"} hint={draft.source === "sql" ? "Columns of the group, then a number; $from and $to are the window" : "q, by, agg, of: q=kind:server&by=service.name&agg=p95&of=duration"}>
          {(field) => <textarea {...field} rows={draft.source === "sql" ? 5 : 2} required spellcheck={false} {...text("query")} />}
        </Field>
        <Field form={form} at="/condition/kind" label="Condition" hint={KINDS.find((one) => one.name === draft.kind)?.words}>
          {(field) => (
            <select {...field} {...choice("kind")}>
              {KINDS.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}
                </option>
              ))}
            </select>
          )}
        </Field>
        {has_levels && <Levels form={form} draft={draft} text={text} choice={choice} />}
        {draft.kind === "burn" && (
          <div class="monitor-pair">
            <Field form={form} at="/condition/objective" label="Objective, percent">
              {(field) => <input {...field} inputMode="decimal" {...text("objective")} />}
            </Field>
            {draft.source === "search" && (
              <Field form={form} at="/condition/bad" label="The bad ones">
                {(field) => <input {...field} {...text("bad")} />}
              </Field>
            )}
          </div>
        )}
        <div class="monitor-pair">
          <Field form={form} at="/window_s" label="Window, minutes">
            {(field) => <input {...field} inputMode="decimal" {...text("window_min")} />}
          </Field>
          <Field form={form} at="/for_s" label="For, minutes">
            {(field) => <input {...field} inputMode="decimal" {...text("for_min")} />}
          </Field>
          <Field form={form} at="/no_data" label="Without data">
            {(field) => (
              <select {...field} {...choice("no_data")}>
                <option value="ok">It is OK</option>
                <option value="alert">It is told</option>
                <option value="keep">It stays as it was</option>
              </select>
            )}
          </Field>
        </div>
        <Field form={form} at="/service" label="Service" hint="Which service incidents are of; {{group}} is the group's name">
          {(field) => <input {...field} maxLength={255} {...text("service")} />}
        </Field>
        <Field form={form} at="/message" label="Message" hint="With {{value}}, {{group}}, {{level}}, {{window}}, {{alert}}; empty: the usual words">
          {(field) => <textarea {...field} rows={2} maxLength={4000} {...text("message")} />}
        </Field>
        <label class="row">
          <input type="checkbox" checked={draft.is_on} onChange={(event) => put({ is_on: event.currentTarget.checked })} /> It is on
        </label>
        <FormEnd form={form}>
          <button class="primary">Save</button>
          <a class="button" href={href(project_path(monitor ? `monitors/${monitor.slug}` : "monitors"))}>
            Cancel
          </a>
        </FormEnd>
      </form>
    </div>
  );
}

interface LevelsProps {
  form: ReturnType<typeof useForm>;
  draft: Draft;
  text: (name: keyof Draft) => { value: string; onInput: (event: { currentTarget: { value: string } }) => void };
  choice: (name: keyof Draft) => { value: string; onChange: (event: { currentTarget: { value: string } }) => void };
}
function Levels({ form, draft, text, choice }: LevelsProps) {
  const numbers = [
    ["alert", "Alert"],
    ["warning", "Warning"],
    ["alert_recovery", "Recovers at"],
  ] as const;
  return (
    <>
      <div class="monitor-pair">
        <Field form={form} at="/condition/side" label="Side">
          {(field) => (
            <select {...field} {...choice("side")}>
              <option value="above">Above</option>
              <option value="below">Below</option>
              {draft.kind !== "threshold" && <option value="both">Both</option>}
            </select>
          )}
        </Field>
        {draft.kind === "change" && (
          <>
            <Field form={form} at="/condition/against" label="Against">
              {(field) => (
                <select {...field} {...choice("against")}>
                  <option value="before">The window before</option>
                  <option value="day">A day before</option>
                  <option value="week">A week before</option>
                </select>
              )}
            </Field>
            <Field form={form} at="/condition/as" label="As">
              {(field) => (
                <select {...field} {...choice("as")}>
                  <option value="percent">Percent</option>
                  <option value="absolute">A difference</option>
                </select>
              )}
            </Field>
          </>
        )}
      </div>
      <div class="monitor-pair">
        {numbers.map(([name, label]) => (
          <Field key={name} form={form} at={`/condition/${name}`} label={label}>
            {(field) => <input {...field} inputMode="decimal" required={name === "alert"} {...text(name)} />}
          </Field>
        ))}
      </div>
    </>
  );
}
