/* Redaction rules: what never gets kept. Each can be switched off, changed, deleted; all, with a new one, are tried on a text first. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { show_whole } from "../number";
import { all_of } from "../session";
import { project_name } from "../url";
import { GIVEN, may, type GivenRole } from "./access";
import { Field, FormEnd, useForm } from "./form";
import { failed, path_of, role_here } from "./load";
import { Cards, ReadOnly, Sure } from "./parts";
import { attributes_of, BUILT_IN, DOES, FINDS, rules_tried, UNMASKED, type Draft, type Rule } from "./redaction_rules";

const NONE: Draft = { name: "", finds: "built_in", pattern: "credentials", does: "mask" };

export function RedactionPage() {
  const rules = useLoad(project_name.value, () => all_of<Rule>(path_of("/redaction-rules")));
  const [draft, set_draft] = useState<Draft>(NONE);
  const [changed, set_changed] = useState<Rule>(); /* the one that the form changes */
  const can_write = may(role_here.value, "REDACTION_WRITE");
  const act = async (rule: Rule, what: () => Promise<unknown>, words: string) => {
    try {
      await what();
      toast(`"${rule.name}" ${words}`);
    } catch (error) {
      failed(error);
    }
    rules.again();
  };
  const end = () => {
    set_draft(NONE);
    set_changed(undefined);
  };
  return (
    <>
      <p>Rules are applied when telemetry and recordings come in, before anything of them is kept anywhere. What came before stays as it is. They are tried in their order: the first that finds something at a place decides.</p>
      {can_write ? <Edit key={changed?.id ?? "new"} draft={draft} changed={changed} onDraft={set_draft} onEnd={end} onDone={rules.again} /> : <ReadOnly permission="REDACTION_WRITE" what="make and change rules" />}
      <Try rules={rules_tried(rules.value ?? [], can_write ? draft : undefined, changed?.id)} has_draft={can_write && draft.name.trim() !== "" && draft.pattern !== ""} />
      <Unmasked can_write={can_write} />
      <section>
        <h2>Rules</h2>
        {rules.problem && <Problem problem={rules.problem} again={rules.again} />}
        {!rules.value && rules.is_loading && <Waiting what="Reading the rules" />}
        {rules.value?.length === 0 && <p class="soft">There is none: everything is kept as it is sent.</p>}
        {rules.value && rules.value.length > 0 && (
          <Cards label="Redaction rules" heads={["Name", "Finds", "Does", "Found in 30 days", ""]}>
            {rules.value.map((rule) => (
              <tr key={rule.id} data-rule={rule.name} class={rule.is_on ? "" : "off"}>
                <td data-of="Name">
                  <b class="told">{rule.name}</b> {!rule.is_on && <span class="soft">off</span>}
                </td>
                <td data-of="Finds">
                  {FINDS[rule.finds].word} <code class="told">{rule.pattern}</code>
                </td>
                <td data-of="Does">{rule.does}</td>
                <td data-of="Found in 30 days">{show_whole(rule.found_30_days)}</td>
                <td>
                  {can_write && (
                    <span class="row">
                      <button onClick={() => void act(rule, () => api(path_of(`/redaction-rules/${rule.id}`), { method: "PATCH", body: { is_on: !rule.is_on } }), rule.is_on ? "is off" : "is on")} aria-label={`Switch ${rule.name} ${rule.is_on ? "off" : "on"}`}>
                        {rule.is_on ? "Off" : "On"}
                      </button>
                      <button
                        aria-label={`Change ${rule.name}`}
                        onClick={() => {
                          set_changed(rule);
                          set_draft({ name: rule.name, finds: rule.finds, pattern: rule.pattern, does: rule.does });
                        }}
                      >
                        Change
                      </button>
                      <Sure text="Delete" label={`Delete ${rule.name}`} sure="Really delete" run={() => void act(rule, () => api(path_of(`/redaction-rules/${rule.id}`), { method: "DELETE" }), "is deleted")} />
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </Cards>
        )}
      </section>
    </>
  );
}

/* From which role on recordings are shown with the texts that pages left unmasked. */
function Unmasked({ can_write }: { can_write: boolean }) {
  const kept = useLoad(project_name.value, () => api<Schemas["ReplaySettings"]>(path_of("/replay-settings")));
  const set = async (role: string) => {
    try {
      await api(path_of("/replay-settings"), { method: "PUT", body: { unmasked_role: role } });
      toast(`Texts of recordings: ${UNMASKED[role as GivenRole]}`);
    } catch (error) {
      failed(error);
    }
    kept.again();
  };
  return (
    <section>
      <h2>Texts of recordings</h2>
      <p class="soft">Pages mask what they show and what is typed, unless they are told to leave something unmasked. Who may see that? All others see stars.</p>
      {kept.problem && <Problem problem={kept.problem} again={kept.again} />}
      {kept.value && (
        <select aria-label="Who sees unmasked texts" disabled={!can_write} value={kept.value.unmasked_role} onChange={(event) => void set(event.currentTarget.value)}>
          {GIVEN.map((role) => (
            <option key={role} value={role}>
              {UNMASKED[role]}
            </option>
          ))}
        </select>
      )}
    </section>
  );
}

interface EditProps {
  draft: Draft;
  changed: Rule | undefined;
  onDraft: (draft: Draft) => void;
  onEnd: () => void;
  onDone: () => void;
}
function Edit({ draft, changed, onDraft, onEnd, onDone }: EditProps) {
  const form = useForm();
  const ask = () => (changed ? api<Rule>(path_of(`/redaction-rules/${changed.id}`), { method: "PATCH", body: draft }) : api<Rule>(path_of("/redaction-rules"), { method: "POST", body: { ...draft, name: draft.name.trim() } }));
  const done = (rule: Rule) => {
    toast(`"${rule.name}" counts within a second`);
    onEnd();
    onDone();
  };
  return (
    <section>
      <h2>{changed ? `Change ${changed.name}` : "A new rule, as the last"}</h2>
      <form onSubmit={form.submit(ask, done)}>
        <Field form={form} at="/name" takes_exists label="Name">
          {(field) => <input {...field} value={draft.name} maxLength={63} onInput={(event) => onDraft({ ...draft, name: event.currentTarget.value })} />}
        </Field>
        <Field form={form} at="/finds" label="Finds">
          {(field) => (
            <select
              {...field}
              value={draft.finds}
              onChange={(event) => {
                const finds = event.currentTarget.value as Draft["finds"];
                onDraft({ ...draft, finds, pattern: finds === "built_in" ? "credentials" : "" });
              }}
            >
              {Object.entries(FINDS).map(([name, one]) => (
                <option key={name} value={name}>
                  {one.text}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field form={form} at="/pattern" label={FINDS[draft.finds].label} hint={FINDS[draft.finds].hint}>
          {(field) =>
            draft.finds === "built_in" ? (
              <select {...field} value={draft.pattern} onChange={(event) => onDraft({ ...draft, pattern: event.currentTarget.value })}>
                {BUILT_IN.map((one) => (
                  <option key={one.name} value={one.name}>
                    {one.name}: {one.text}
                  </option>
                ))}
              </select>
            ) : (
              <input {...field} class="mono" value={draft.pattern} maxLength={511} spellcheck={false} placeholder={FINDS[draft.finds].example} onInput={(event) => onDraft({ ...draft, pattern: event.currentTarget.value })} />
            )
          }
        </Field>
        <Field form={form} at="/does" label="Does" hint={DOES[draft.does]}>
          {(field) => (
            <select {...field} value={draft.does} onChange={(event) => onDraft({ ...draft, does: event.currentTarget.value as Draft["does"] })}>
              {Object.keys(DOES).map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <FormEnd form={form} fields={["/name", "/finds", "/pattern", "/does"]} exists_at="/name">
          <button class="primary" disabled={form.is_busy || !draft.name.trim() || !draft.pattern}>
            {changed ? "Keep the change" : "Add the rule"}
          </button>
          {(changed || draft.name) && (
            <button type="button" onClick={onEnd}>
              Cancel
            </button>
          )}
        </FormEnd>
      </form>
    </section>
  );
}

function Try({ rules, has_draft }: { rules: Schemas["RedactionRuleCreate"][]; has_draft: boolean }) {
  const [text, set_text] = useState("paid with 4111 1111 1111 1111, password=hunter2, by ann@example.com");
  const [attributes, set_attributes] = useState("user.email=ann@example.com");
  const [tried, set_tried] = useState<Schemas["RedactionTried"]>();
  const form = useForm();
  const ask = () => api<Schemas["RedactionTried"]>(path_of("/redaction-rules/try"), { method: "POST", body: { text, attributes: attributes_of(attributes), rules } });
  const done = (answer: Schemas["RedactionTried"]) => set_tried(answer);
  return (
    <section>
      <h2>Try them</h2>
      <form onSubmit={form.submit(ask, done)}>
        <Field form={form} at="/text" label="A text, as the body of a log record">
          {(field) => <textarea {...field} class="mono" rows={3} maxLength={65536} spellcheck={false} value={text} onInput={(event) => set_text(event.currentTarget.value)} />}
        </Field>
        <Field form={form} at="/attributes" label="Attributes, one a line: name=value">
          {(field) => <textarea {...field} class="mono" rows={2} spellcheck={false} value={attributes} onInput={(event) => set_attributes(event.currentTarget.value)} />}
        </Field>
        <FormEnd form={form} fields={["/text", "/attributes"]}>
          <button disabled={form.is_busy}>{has_draft ? "Try, with the rule above" : "Try"}</button>
        </FormEnd>
      </form>
      {tried && (
        <div class="tried" role="status">
          <p>
            {tried.found.length === 0 ? "Nothing was found: all of it would be kept." : tried.found.map((one) => `${one.rule} found ${one.count}`).join(", ")}
          </p>
          <pre class="told" tabIndex={0} aria-label="What would be kept">
            {[tried.text ?? "", ...Object.entries(tried.attributes as Record<string, unknown>).map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)].join("\n")}
          </pre>
        </div>
      )}
    </section>
  );
}
