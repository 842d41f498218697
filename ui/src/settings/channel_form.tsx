/* The form of a channel: its fields are those of its kind. */
import { useState } from "preact/hooks";
import { api } from "../api/client";
import { toast } from "../frame/toast";
import { body_of, draft_of, is_whole, KIND_NAMES, KINDS, NEW_CHANNEL, type Channel, type ChannelDraft, type Kind, type KindField } from "./channel_kinds";
import { Field, FormEnd, useForm } from "./form";
import { path_of } from "./load";

export function ChannelForm({ changed, onDone, onEnd }: { changed: Channel | undefined; onDone: (channel: Channel) => void; onEnd: () => void }) {
  const [draft, set_draft] = useState<ChannelDraft>(() => (changed ? draft_of(changed) : NEW_CHANNEL));
  const [is_routed, set_routed] = useState((changed?.routes.length ?? 0) < 2);
  const form = useForm();
  const is_new = !changed;
  const kind = KINDS[draft.kind];
  const set = (part: Partial<ChannelDraft>) => set_draft({ ...draft, ...part });
  const set_route = (part: Partial<ChannelDraft>) => (set_routed(true), set(part));
  const pointer = (field: KindField) => `/${field.is_secret ? "secrets" : "settings"}/${field.name}`;
  const ask = () => api<Channel>(path_of(changed ? `/channels/${changed.id}` : "/channels"), { method: changed ? "PATCH" : "POST", body: body_of(draft, is_new, is_routed) });
  const done = (channel: Channel) => {
    toast(`"${channel.name}" is ${is_new ? "made: send it a test" : "changed"}`);
    set_draft(NEW_CHANNEL);
    onDone(channel);
  };
  return (
    <section aria-labelledby="channel-form">
      <h2 id="channel-form">{changed ? `Change ${changed.name}` : "A new channel"}</h2>
      <form onSubmit={form.submit(ask, done)}>
        {is_new && (
          <Field form={form} at="/kind" label="Kind">
            {(field) => (
              <select {...field} value={draft.kind} onChange={(event) => set({ kind: event.currentTarget.value as Kind, values: {} })}>
                {KIND_NAMES.map((name) => (
                  <option key={name} value={name}>
                    {KINDS[name].title}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Field form={form} at="/name" takes_exists label="Name">
          {(field) => <input {...field} value={draft.name} maxLength={100} onInput={(event) => set({ name: event.currentTarget.value })} />}
        </Field>
        {kind.fields.map((one) => (
          <Field key={one.name} form={form} at={pointer(one)} label={one.label + (one.is_needed ? "" : " (may be empty)")} hint={hint_of(one, changed)}>
            {(field) => <Value field={field} one={one} value={draft.values[one.name] ?? ""} onValue={(value) => set({ values: { ...draft.values, [one.name]: value } })} />}
          </Field>
        ))}
        <Field form={form} at="/routes" label="What comes here by itself" hint={is_routed ? "Monitors and agents may name the channel besides." : "It has several routes, made by the API: they stay unless you choose here."}>
          {(field) => (
            <select {...field} value={draft.severity} onChange={(event) => set_route({ severity: event.currentTarget.value as ChannelDraft["severity"] })}>
              <option value="critical">Incidents that are critical</option>
              <option value="warning">Warnings too</option>
              <option value="info">All incidents</option>
              <option value="">Nothing, only what names it</option>
            </select>
          )}
        </Field>
        {draft.severity !== "" && (
          <>
            <Field form={form} at="/routes/0/services" label="Of services (may be empty)" hint="Patterns such as shop-*, with blanks between. None: all.">
              {(field) => <input {...field} value={draft.services} spellcheck={false} onInput={(event) => set_route({ services: event.currentTarget.value })} />}
            </Field>
            <Field form={form} at="/routes/0/environments" label="In environments (may be empty)">
              {(field) => <input {...field} value={draft.environments} spellcheck={false} onInput={(event) => set_route({ environments: event.currentTarget.value })} />}
            </Field>
          </>
        )}
        <FormEnd form={form} fields={["/kind", "/name", ...kind.fields.map(pointer), "/routes"]} exists_at="/name">
          <button class="primary" disabled={form.is_busy || !is_whole(draft, is_new)}>
            {changed ? "Save" : "Make the channel"}
          </button>
          {changed && (
            <button type="button" onClick={onEnd}>
              Leave it
            </button>
          )}
        </FormEnd>
      </form>
    </section>
  );
}

function hint_of(one: KindField, changed: Channel | undefined): string | undefined {
  if (!one.is_secret || !changed) return one.hint;
  const back = one.is_back && changed.inbound_url ? ` Its address for what comes back is ${changed.inbound_url}.` : "";
  return `${one.hint ?? ""}${back} What is there stays while this is empty.`;
}

type Given = { id: string; "aria-describedby": string; "aria-invalid": boolean };
function Value({ field, one, value, onValue }: { field: Given; one: KindField; value: string; onValue: (value: string) => void }) {
  if (one.choices)
    return (
      <select {...field} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {one.choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.text}
          </option>
        ))}
      </select>
    );
  if (one.is_long) return <textarea {...field} class="mono" rows={4} value={value} spellcheck={false} onInput={(event) => onValue(event.currentTarget.value)} />;
  if (one.is_secret) return <input {...field} type="password" autocomplete="new-password" placeholder={one.place} value={value} onInput={(event) => onValue(event.currentTarget.value)} />;
  return <input {...field} autocomplete="off" placeholder={one.place} value={value} spellcheck={false} onInput={(event) => onValue(event.currentTarget.value)} />;
}
