/* API keys: made (the secret is shown once, with lines to paste), limited to pages of the web, revoked. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { copy, toast } from "../frame/toast";
import { Ways } from "../frame/ways";
import { all_of } from "../session";
import { href, project_name, project_path } from "../url";
import { may } from "./access";
import { ago } from "./ago";
import { Field, FormEnd, useForm } from "./form";
import { scopes_of, expires_of, LIVES, SCOPES, type Scope } from "./key_make";
import { failed, path_of, role_here, when } from "./load";
import { Cards, ReadOnly, Sure } from "./parts";

type Key = Schemas["Key"];
type KeyCreated = Schemas["KeyCreated"];

export function KeysPage() {
  const keys = useLoad(project_name.value, () => all_of<Key>(path_of("/keys")));
  const [made, set_made] = useState<KeyCreated>();
  const can_write = may(role_here.value, "KEY_WRITE");
  const revoke = async (key: Key) => {
    try {
      await api(path_of(`/keys/${key.id}`), { method: "DELETE" });
      toast(`"${key.name}" is revoked: within a second it opens nothing on any process`);
      if (made?.id === key.id) set_made(undefined);
      keys.again();
    } catch (error) {
      failed(error);
    }
  };
  return (
    <>
      {made && <Made key={made.id} made={made} onClose={() => set_made(undefined)} />}
      {can_write ? (
        <Make
          onMade={(key) => {
            set_made(key);
            keys.again();
          }}
        />
      ) : (
        <ReadOnly permission="KEY_WRITE" what="make and revoke keys" />
      )}
      <section>
        <h2>Keys that are open</h2>
        {keys.problem && <Problem problem={keys.problem} again={keys.again} />}
        {!keys.value && keys.is_loading && <Waiting what="Reading the keys" />}
        {keys.value?.length === 0 && <p class="soft">There is none: nothing can be sent to this project.</p>}
        {keys.value && keys.value.length > 0 && (
          <Cards label="API keys" heads={["Name", "Begins with", "May", "Last used", "Made", "Ends", ""]}>
            {keys.value.map((key) => (
              <tr key={key.id} data-key={key.name}>
                <td data-of="Name">
                  <b class="told">{key.name}</b>
                </td>
                <td data-of="Begins with">{key.prefix ? <code class="told">{key.prefix}…</code> : <span class="soft">not known</span>}</td>
                <td data-of="May">
                  {key.origins.length > 0 ? (
                    <>
                      send, from <span class="told">{key.origins.join(", ")}</span>
                    </>
                  ) : (
                    scopes_of(key.scopes)
                  )}
                </td>
                <td data-of="Last used" title={when(key.used_at)}>
                  {ago(key.used_at)}
                </td>
                <td data-of="Made" title={when(key.created_at)}>
                  {ago(key.created_at)}
                </td>
                <td data-of="Ends" title={key.expires_at ? when(key.expires_at) : ""}>
                  {key.expires_at ? ago(key.expires_at) : "never"}
                </td>
                <td>{can_write && <Sure text="Revoke" label={`Revoke ${key.name}`} sure="Really revoke" run={() => void revoke(key)} />}</td>
              </tr>
            ))}
          </Cards>
        )}
        <p class="soft">
          Last used is right to within a minute. What each one sends, and what of it was refused: <a href={href(project_path("intake"))}>Intake</a>.
        </p>
      </section>
    </>
  );
}

function Make({ onMade }: { onMade: (key: KeyCreated) => void }) {
  const [name, set_name] = useState("");
  const [kind, set_kind] = useState<"program" | "browser">("program");
  const [scopes, set_scopes] = useState<readonly Scope[]>(["ingest"]);
  const [origins, set_origins] = useState("");
  const [days, set_days] = useState(0);
  const form = useForm();
  const is_browser = kind === "browser";
  const pages = origins.split(/[\s,]+/).filter(Boolean);
  const ask = () =>
    api<KeyCreated>(path_of("/keys"), {
      method: "POST",
      body: { name: name.trim(), ...(is_browser ? { origins: pages } : { scopes }), ...(days > 0 ? { expires_at: expires_of(days, Date.now()) } : {}) },
    });
  const done = (key: KeyCreated) => {
    set_name("");
    set_origins("");
    onMade(key);
  };
  return (
    <section>
      <h2>A new key</h2>
      <form onSubmit={form.submit(ask, done)}>
        <Field form={form} at="/name" takes_exists label="Name" hint="What uses it: checkout in production, the CI, a laptop.">
          {(field) => <input {...field} value={name} maxLength={63} onInput={(event) => set_name(event.currentTarget.value)} />}
        </Field>
        <Field form={form} at="/kind" label="For">
          {(field) => (
            <select {...field} value={kind} onChange={(event) => set_kind(event.currentTarget.value === "browser" ? "browser" : "program")}>
              <option value="program">a program, a Collector, the shell</option>
              <option value="browser">web pages: everyone who opens one can read the key</option>
            </select>
          )}
        </Field>
        {is_browser ? (
          <Field form={form} at="/origins" label="Pages that may use it" hint="Origins as the address bar has them, with blanks or commas between: https://shop.example, https://*.shop.example. * alone is every page. Such a key only sends.">
            {(field) => <input {...field} value={origins} placeholder="https://shop.example" spellcheck={false} onInput={(event) => set_origins(event.currentTarget.value)} />}
          </Field>
        ) : (
          <fieldset class="checks">
            <legend>It may</legend>
            {SCOPES.map((scope) => (
              <label key={scope.name}>
                <input
                  type="checkbox"
                  checked={scopes.includes(scope.name)}
                  onChange={(event) => set_scopes(event.currentTarget.checked ? [...scopes, scope.name] : scopes.filter((one) => one !== scope.name))}
                />
                <span>
                  <b>{scope.word}</b> <span class="soft">{scope.text}</span>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        <Field form={form} at="/expires_at" label="Ends">
          {(field) => (
            <select {...field} value={days} onChange={(event) => set_days(Number(event.currentTarget.value))}>
              {LIVES.map((life) => (
                <option key={life.days} value={life.days}>
                  {life.text}
                </option>
              ))}
            </select>
          )}
        </Field>
        <FormEnd form={form} fields={["/name", "/expires_at", ...(is_browser ? ["/origins"] : [])]} exists_at="/name">
          <button class="primary" disabled={form.is_busy || !name.trim() || (is_browser ? pages.length === 0 : scopes.length === 0)}>
            Make the key
          </button>
        </FormEnd>
      </form>
    </section>
  );
}

function Made({ made, onClose }: { made: KeyCreated; onClose: () => void }) {
  const secret = made.secret ?? "";
  return (
    <section class="made" role="region" aria-label="The new key">
      <div class="row">
        <h2 class="grow">
          <span class="told">{made.name}</span>: shown this once, kept nowhere
        </h2>
        <button class="plain" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </div>
      <div class="row">
        <input class="grow mono secret" readOnly aria-label="The key" value={secret} onFocus={(event) => event.currentTarget.select()} ref={(field) => field?.focus()} />
        <button class="primary" onClick={() => void copy(secret, "key")}>
          Copy
        </button>
      </div>
      {made.scopes.includes("ingest") && made.origins.length === 0 && (
        <Ways secret={secret}>
          <a class="button" href={href(project_path("intake"), { key: made.id })}>
            See what it sends
          </a>
        </Ways>
      )}
      {made.origins.length > 0 && (
        <pre class="paste" tabIndex={0} aria-label="Lines to paste">{`new OTLPTraceExporter({ url: "${window.location.protocol}//${window.location.hostname}:4318/v1/traces", headers: { "x-api-key": "${secret}" } })`}</pre>
      )}
    </section>
  );
}
