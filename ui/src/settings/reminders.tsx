/* How often people are reminded of an incident that nobody acknowledged. */
import { useEffect, useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { toast } from "../frame/toast";
import { project_name } from "../url";
import { may } from "./access";
import { Field, FormEnd, useForm } from "./form";
import { path_of, role_here } from "./load";

type Settings = Schemas["IncidentSettings"];

export function Reminders() {
  const read = useLoad(project_name.value, (signal) => api<Settings>(path_of("/incident-settings"), { signal }));
  const [draft, set_draft] = useState<Settings>({ remind_minutes: 0, reminders_max: 0 });
  const form = useForm();
  const can_write = may(role_here.value, "PROJECT_WRITE");
  useEffect(() => {
    if (read.value) set_draft(read.value);
  }, [read.value]);
  if (!read.value) return null;
  const ask = () => api<Settings>(path_of("/incident-settings"), { method: "PUT", body: draft });
  return (
    <section aria-labelledby="reminders">
      <h2 id="reminders">Reminders</h2>
      <form onSubmit={form.submit(ask, () => toast("Kept"))}>
        <Field form={form} at="/remind_minutes" label="Minutes between reminders" hint="Of an incident that nobody acknowledged. 0: none.">
          {(field) => <input {...field} type="number" min={0} max={10080} disabled={!can_write} value={draft.remind_minutes} onInput={(event) => set_draft({ ...draft, remind_minutes: Number(event.currentTarget.value) })} />}
        </Field>
        <Field form={form} at="/reminders_max" label="At most">
          {(field) => <input {...field} type="number" min={0} max={100} disabled={!can_write} value={draft.reminders_max} onInput={(event) => set_draft({ ...draft, reminders_max: Number(event.currentTarget.value) })} />}
        </Field>
        {can_write && (
          <FormEnd form={form} fields={["/remind_minutes", "/reminders_max"]}>
            <button disabled={form.is_busy}>Keep</button>
          </FormEnd>
        )}
      </form>
    </section>
  );
}
