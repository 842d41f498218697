/* What the project may send and ask, what is used of that; and what each key sent in the last 30 days. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { show_bytes, show_count, show_whole } from "../number";
import { project_name } from "../url";
import { may } from "./access";
import { useForm } from "./form";
import { limit_of, show_limit, used_of, LIMIT_WORDS, type Limits } from "./limit_words";
import { path_of, role_here } from "./load";
import { Cards, ReadOnly, Used } from "./parts";

export function LimitsPage() {
  const limits = useLoad(project_name.value, () => api<Limits>(path_of("/limits")));
  const usage = useLoad(project_name.value, () => api<Schemas["Usage"]>(path_of("/usage")));
  const can_write = may(role_here.value, "LIMIT_WRITE");
  return (
    <>
      <p>What is over a limit is refused with the words of which, whose and when there is room again; senders wait and try again. 0 is no limit.</p>
      {!can_write && <ReadOnly permission="LIMIT_WRITE" what="change them" />}
      {limits.problem && <Problem problem={limits.problem} again={limits.again} />}
      {!limits.value && limits.is_loading && <Waiting what="Reading the limits" />}
      {limits.value && (
        <section>
          <Cards label="Limits" heads={["Limit", "Of", "Used", can_write ? "Set" : "From"]}>
            {limits.value.limits.map((limit) => {
              const used = used_of(limit.name, limits.value?.used);
              return (
                <tr key={limit.name} data-limit={limit.name}>
                  <td data-of="Limit">
                    <b>{limit.words ?? limit.name}</b> <div class="soft">{LIMIT_WORDS[limit.name]}</div>
                  </td>
                  <td data-of="Of" class="nowrap">
                    {show_limit(limit.name, limit.value)}
                    {limit.is_default && <span class="soft">, the server's setting</span>}
                  </td>
                  <td data-of="Used">
                    {used === undefined ? (
                      <span class="soft">counted as they come</span>
                    ) : (
                      <>
                        {show_limit(limit.name, used, false)} {limit.value > 0 && <Used used={used} of={limit.value} label={`${limit.words ?? limit.name}: used`} />}
                      </>
                    )}
                  </td>
                  <td>{can_write ? <Set limit={limit} onDone={limits.again} /> : limit.is_default ? "the server" : "the project"}</td>
                </tr>
              );
            })}
          </Cards>
        </section>
      )}
      {usage.problem && <Problem problem={usage.problem} again={usage.again} />}
      {usage.value && <Usage usage={usage.value} />}
    </>
  );
}

function Set({ limit, onDone }: { limit: Limits["limits"][number]; onDone: () => void }) {
  const [text, set_text] = useState(String(limit.value));
  const form = useForm();
  const wanted = limit_of(text);
  const path = path_of(`/limits/${limit.name}`);
  const done = (words: string) => () => {
    toast(words);
    onDone();
  };
  const save = form.submit(() => api(path, { method: "PUT", body: { value: wanted } }), done(`${limit.words ?? limit.name}: ${show_limit(limit.name, wanted ?? 0)}`));
  return (
    <form class="row limit-set" onSubmit={save}>
      <input aria-label={`Limit of ${limit.words ?? limit.name}`} aria-invalid={wanted === undefined || !!form.problem} inputMode="numeric" value={text} onInput={(event) => set_text(event.currentTarget.value)} />
      <button disabled={form.is_busy || wanted === undefined || (wanted === limit.value && !limit.is_default)}>Set</button>
      {!limit.is_default && (
        <button type="button" class="plain" onClick={() => void form.run(() => api(path, { method: "DELETE" }), done(`${limit.words ?? limit.name}: the server's setting counts`))}>
          Default
        </button>
      )}
      {wanted === undefined && <span class="error-text">a whole number; 5k, 2M, 1G are read too</span>}
      {form.problem && (
        <span class="error-text told" role="alert">
          {form.problem.detail}
        </span>
      )}
    </form>
  );
}

function Usage({ usage }: { usage: Schemas["Usage"] }) {
  return (
    <section>
      <h2>Used by keys in the last 30 days</h2>
      {usage.keys.length === 0 && <p class="soft">Nothing was sent or asked.</p>}
      {usage.keys.length > 0 && (
        <Cards label="Used by keys" heads={["Key", "Requests", "Bytes", "Logs", "Spans", "Points", "Over a limit", "Redacted", "Queries"]}>
          {usage.keys.map((key) => (
            <tr key={key.key_id ?? ""}>
              <td data-of="Key">{key.key_id === null ? <span class="soft">people</span> : <b class="told">{key.name ?? "revoked"}</b>}</td>
              <td data-of="Requests">{show_whole(key.counts.requests)}</td>
              <td data-of="Bytes">{show_bytes(key.counts.bytes)}</td>
              <td data-of="Logs">{show_count(key.counts.logs)}</td>
              <td data-of="Spans">{show_count(key.counts.spans)}</td>
              <td data-of="Points">{show_count(key.counts.points)}</td>
              <td data-of="Over a limit">{show_whole(key.counts.refused)}</td>
              <td data-of="Redacted">{show_whole(key.counts.redacted)}</td>
              <td data-of="Queries">{show_whole(key.counts.queries)}</td>
            </tr>
          ))}
        </Cards>
      )}
    </section>
  );
}
