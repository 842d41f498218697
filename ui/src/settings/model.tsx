/* The language model of the project: the server's, an own one, or none; what it may spend, what is kept, a test. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { show_count } from "../number";
import { project_name } from "../url";
import { Field, FormEnd, problem_of, useForm } from "./form";
import { failed, path_of } from "./load";
import { body_of, draft_of, type Llm, type ModelDraft } from "./model_draft";
import { Used } from "./parts";

type Tested = Schemas["LlmTested"];

export function ModelPage() {
  const llm = useLoad(project_name.value, () => api<Llm>(path_of("/llm")));
  if (llm.problem) return <Problem problem={llm.problem} again={llm.again} />;
  if (!llm.value) return <Waiting what="Reading" />;
  return (
    <>
      <Now llm={llm.value} onChange={llm.again} />
      <Edit key={llm.value.changed_at ?? ""} llm={llm.value} onChange={llm.again} />
    </>
  );
}

function Now({ llm, onChange }: { llm: Llm; onChange: () => void }) {
  const [tested, set_tested] = useState<Tested>();
  const [is_busy, busy] = useState(false);
  const test = async () => {
    busy(true);
    try {
      set_tested(await api<Tested>(path_of("/llm/test"), { method: "POST" }));
      onChange();
    } catch (error) {
      set_tested({ is_ok: false, model: null, host: null, ms: 0, problem: problem_of(error).detail });
    }
    busy(false);
  };
  const { day, month } = llm.used;
  const budget = llm.in_use?.budget ?? llm.budget;
  return (
    <section>
      <h2>What counts now</h2>
      {llm.in_use ? (
        <p>
          <b class="told">{llm.in_use.model}</b> at <span class="told">{llm.in_use.host}</span>, {llm.in_use.is_own ? "the project's own" : "the server's"}. Questions in plain English {llm.in_use.may_ask ? "may" : "may not"} go to it; prompts and answers are {llm.in_use.is_kept ? "kept, without secrets" : "not kept"}.
        </p>
      ) : (
        <p>
          No model is asked. <span class="soft told">{llm.problem}</span>
        </p>
      )}
      <dl class="facts">
        <div>
          <dt>Today</dt>
          <dd>
            {show_count(day.requests)} requests{day.failures > 0 && `, ${show_count(day.failures)} failed`}, {show_count(day.input_tokens + day.output_tokens)} tokens
            {budget.tokens_day > 0 && <> of {show_count(budget.tokens_day)} <Used used={day.input_tokens + day.output_tokens} of={budget.tokens_day} label="Tokens of today's budget" /></>}
          </dd>
        </div>
        <div>
          <dt>This month</dt>
          <dd>
            {show_count(month.requests)} requests, {show_count(month.input_tokens + month.output_tokens)} tokens
            {budget.tokens_month > 0 && <> of {show_count(budget.tokens_month)} <Used used={month.input_tokens + month.output_tokens} of={budget.tokens_month} label="Tokens of the month's budget" /></>}
            {month.cost > 0 && `, cost ${month.cost.toFixed(2)}`}
          </dd>
        </div>
      </dl>
      <div class="row">
        <button disabled={is_busy || !llm.in_use} onClick={() => void test()}>
          {is_busy ? "Asking …" : "Ask it for one word"}
        </button>
        <span role="status">
          {tested &&
            (tested.is_ok ? (
              `It answered in ${tested.ms} ms.`
            ) : (
              <span class="error-text told">{tested.problem}</span>
            ))}
        </span>
      </div>
    </section>
  );
}

function Edit({ llm, onChange }: { llm: Llm; onChange: () => void }) {
  const [draft, set_draft] = useState<ModelDraft>(() => draft_of(llm));
  const form = useForm();
  const set = (part: Partial<ModelDraft>) => set_draft({ ...draft, ...part });
  const clear = async () => {
    try {
      await api(path_of("/llm"), { method: "DELETE" });
      toast("The server's settings count again; the project's key is gone");
      onChange();
    } catch (error) {
      failed(error);
    }
  };
  const done = () => {
    toast("Kept");
    onChange();
  };
  const number = (name: "tokens_day" | "tokens_month" | "cost_day" | "cost_month" | "input_price" | "output_price", label: string, hint?: string) => (
    <Field form={form} at={`/${name}`} label={label} hint={hint}>
      {(field) => <input {...field} type="number" min={0} step={name.startsWith("tokens") ? 1 : "any"} value={draft[name]} onInput={(event) => set({ [name]: event.currentTarget.value })} />}
    </Field>
  );
  const own = draft.which === "own";
  return (
    <section>
      <h2>What the project says</h2>
      <form onSubmit={form.submit(() => api(path_of("/llm"), { method: "PUT", body: body_of(draft) }), done)}>
        <Field form={form} at="/is_on" label="Model">
          {(field) => (
            <select {...field} value={draft.which} onChange={(event) => set({ which: event.currentTarget.value as ModelDraft["which"] })}>
              <option value="server">the server's</option>
              <option value="own">one of our own</option>
              <option value="none">none: nothing of this project goes to a model</option>
            </select>
          )}
        </Field>
        {own && (
          <>
            <Field form={form} at="/url" label="URL" hint="OpenAI's API, such as https://host/v1, or Anthropic's, ending with /messages.">
              {(field) => <input {...field} class="mono" value={draft.url} maxLength={511} spellcheck={false} onInput={(event) => set({ url: event.currentTarget.value })} />}
            </Field>
            <Field form={form} at="/model" label="Model's name">
              {(field) => <input {...field} class="mono" value={draft.model} maxLength={127} spellcheck={false} onInput={(event) => set({ model: event.currentTarget.value })} />}
            </Field>
            <Field form={form} at="/key" label="Key" hint={llm.has_key ? "One is kept, and never shown. Left empty it stays, if the URL is the same." : "It is written, and never shown."}>
              {(field) => <input {...field} type="password" autocomplete="off" value={draft.key} maxLength={511} onInput={(event) => set({ key: event.currentTarget.value })} />}
            </Field>
            {number("input_price", "Price of a million tokens, asked")}
            {number("output_price", "and answered")}
          </>
        )}
        {draft.which !== "none" && (
          <>
            <Field form={form} at="/ask" label="Questions in plain English" hint="What is asked, and names of services, fields and metrics go to the model then: no rows.">
              {(field) => <Say field={field} value={draft.ask} onChange={(ask) => set({ ask })} on="may go to it" off="stay here: the built-in grammar answers" />}
            </Field>
            <Field form={form} at="/audit" label="Prompts and answers">
              {(field) => <Say field={field} value={draft.audit} onChange={(audit) => set({ audit })} on="are kept, without secrets" off="are not kept" />}
            </Field>
            {number("tokens_day", "Tokens a day, at most", "0: no limit.")}
            {number("tokens_month", "Tokens a month, at most")}
            {number("cost_day", "Cost a day, at most")}
            {number("cost_month", "Cost a month, at most")}
          </>
        )}
        <FormEnd form={form} fields={["/is_on", "/ask", "/audit", "/tokens_day", "/tokens_month", "/cost_day", "/cost_month", ...(own ? ["/url", "/model", "/key", "/input_price", "/output_price"] : [])]}>
          <button class="primary" disabled={form.is_busy || (own && (!draft.url.trim() || !draft.model.trim()))}>
            Keep
          </button>
          {!llm.is_default && (
            <button type="button" onClick={() => void clear()}>
              As the server's settings
            </button>
          )}
        </FormEnd>
      </form>
    </section>
  );
}

interface SayProps {
  field: { id: string; "aria-describedby": string; "aria-invalid": boolean };
  value: ModelDraft["ask"];
  on: string;
  off: string;
  onChange: (value: ModelDraft["ask"]) => void;
}
function Say({ field, value, on, off, onChange }: SayProps) {
  return (
    <select {...field} value={value} onChange={(event) => onChange(event.currentTarget.value as ModelDraft["ask"])}>
      <option value="default">as the server's setting</option>
      <option value="on">{on}</option>
      <option value="off">{off}</option>
    </select>
  );
}
