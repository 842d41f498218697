/* An agent's form: agents/new?template=weekly, agents/7/edit. */
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { Field, FormEnd, useForm } from "../settings/form";
import { path_of } from "../settings/load";
import { go, href, param, project_name, project_path } from "../url";
import { body_of, draft_new, draft_of, type Draft } from "./draft";
import { TEMPLATES, type Agent, type Page, type Severity } from "./load";

const SEVERITIES: readonly Severity[] = ["info", "warning", "critical"];
const zone_here = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function Editor({ id }: { id?: number }) {
  const agent = useLoad(id === undefined ? null : `${project_name.value} ${id}`, (signal) => api<Agent>(path_of(`/agents/${id}`), { signal }));
  if (id === undefined) {
    const template = TEMPLATES.find((one) => one.name === param("template"))?.name ?? "health";
    return <Form key={template} first={draft_new(template, zone_here())} title="New agent" />;
  }
  if (agent.problem) return <Problem problem={agent.problem} again={agent.again} />;
  if (!agent.value) return <Waiting what="Reading the agent" />;
  return <Form first={draft_of(agent.value)} title={`Change ${agent.value.name}`} id={id} />;
}

function Form({ first, title, id }: { first: Draft; title: string; id?: number }) {
  const [draft, set] = useState(first);
  const form = useForm();
  const channels = useLoad(project_name.value, (signal) => api<Page<{ id: number; name: string }>>(path_of("/channels"), { query: { limit: 100 }, signal }));
  const put = (changes: Partial<Draft>) => set((before) => ({ ...before, ...changes }));
  const text = (name: keyof Draft) => ({ value: draft[name] as string, onInput: (event: { currentTarget: { value: string } }) => put({ [name]: event.currentTarget.value } as Partial<Draft>) });
  useEffect(() => form.clear(), [draft]);
  const save = form.submit(
    () => api<Agent>(path_of(id === undefined ? "/agents" : `/agents/${id}`), { method: id === undefined ? "POST" : "PUT", body: body_of(draft) }),
    (saved) => {
      toast(`${saved.name} is saved`);
      go(project_path(`agents/${saved.id}`));
    },
  );
  const template = (name: Agent["template"]) => {
    const fresh = draft_new(name, draft.zone);
    const was = draft_new(draft.template, draft.zone);
    put({ template: name, uses_model: fresh.uses_model || draft.uses_model, ...(draft.name === was.name ? { name: fresh.name } : {}), ...(draft.schedule === was.schedule ? { schedule: fresh.schedule } : {}) });
  };
  return (
    <div class="agents">
      <h1 class="told">{title}</h1>
      <form class="agents-form" onSubmit={save}>
        <Field form={form} at="/template" label="Looks at" hint={TEMPLATES.find((one) => one.name === draft.template)?.words}>
          {(field) => (
            <select {...field} value={draft.template} onChange={(event) => template(event.currentTarget.value as Agent["template"])}>
              {TEMPLATES.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field form={form} at="/name" label="Name" takes_exists>
          {(field) => <input {...field} required maxLength={100} {...text("name")} />}
        </Field>
        {draft.template === "prompt" && (
          <Field form={form} at="/prompt" label="Prompt" hint="What it is to find out. Its findings have to cite what the tools answered.">
            {(field) => <textarea {...field} rows={5} required maxLength={8000} {...text("prompt")} />}
          </Field>
        )}
        <div class="agents-pair">
          <Field form={form} at="/schedule" label="When" hint="hourly, daily 08:00, weekly mon 08:00, or five fields of cron">
            {(field) => <input {...field} required {...text("schedule")} />}
          </Field>
          <Field form={form} at="/zone" label="Time zone">
            {(field) => <input {...field} {...text("zone")} />}
          </Field>
        </div>
        <label class="agents-check">
          <input type="checkbox" checked={draft.uses_model} onChange={(event) => put({ uses_model: event.currentTarget.checked })} /> The project's language model looks at the evidence, too
        </label>
        <Recipients draft={draft} put={put} channels={channels.value?.items ?? []} />
        <details>
          <summary>Scope and budget</summary>
          <Field form={form} at="/scope/services" label="Only these services" hint="Separated by commas; all when it is empty">
            {(field) => <input {...field} {...text("services")} />}
          </Field>
          <Field form={form} at="/scope/error_types" label="Only these types of errors">
            {(field) => <input {...field} {...text("error_types")} />}
          </Field>
          <Field form={form} at="/scope/metrics" label="Metrics the model is told to look at">
            {(field) => <input {...field} {...text("metrics")} />}
          </Field>
          <Field form={form} at="/scope/environment" label="Environment">
            {(field) => <input {...field} {...text("environment")} />}
          </Field>
          <div class="agents-pair">
            <Field form={form} at="/range_hours" label="Hours it looks at">
              {(field) => <input {...field} inputMode="numeric" placeholder={draft.template === "weekly" ? "168" : "24"} {...text("range_hours")} />}
            </Field>
            <Field form={form} at="/budget/seconds" label="Seconds a run">
              {(field) => <input {...field} inputMode="numeric" placeholder="300" {...text("seconds")} />}
            </Field>
            <Field form={form} at="/budget/queries" label="Queries a run">
              {(field) => <input {...field} inputMode="numeric" placeholder="30" {...text("queries")} />}
            </Field>
            <Field form={form} at="/budget/tokens" label="Tokens a run">
              {(field) => <input {...field} inputMode="numeric" placeholder="50000" {...text("tokens")} />}
            </Field>
          </div>
        </details>
        <FormEnd form={form} fields={["/template", "/name", "/prompt", "/schedule", "/zone", "/scope/services", "/scope/error_types", "/scope/metrics", "/scope/environment", "/range_hours", "/budget/seconds", "/budget/queries", "/budget/tokens"]} exists_at="/name">
          <button class="primary" disabled={form.is_busy}>
            Save
          </button>
          <a class="button" href={href(project_path(id === undefined ? "agents" : `agents/${id}`))}>
            Cancel
          </a>
        </FormEnd>
      </form>
    </div>
  );
}

function Recipients({ draft, put, channels }: { draft: Draft; put: (changes: Partial<Draft>) => void; channels: readonly { id: number; name: string }[] }) {
  if (channels.length === 0) return <p class="soft">Reports stay here: the project has no channel to tell people by.</p>;
  const set = (channel: number, severity: Severity | "") => put({ recipients: [...draft.recipients.filter((one) => one.channel_id !== channel), ...(severity ? [{ channel_id: channel, severity }] : [])] });
  return (
    <fieldset class="agents-recipients">
      <legend>Who is told</legend>
      {channels.map((channel) => (
        <label key={channel.id} class="row">
          <span class="told grow">{channel.name}</span>
          <select value={draft.recipients.find((one) => one.channel_id === channel.id)?.severity ?? ""} onChange={(event) => set(channel.id, event.currentTarget.value as Severity | "")}>
            <option value="">nothing</option>
            {SEVERITIES.map((one) => (
              <option key={one} value={one}>
                {one === "info" ? "all reports" : `from ${one} on`}
              </option>
            ))}
          </select>
        </label>
      ))}
    </fieldset>
  );
}
