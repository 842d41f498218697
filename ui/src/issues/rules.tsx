/* The project's own rules of what is one error: /p/{project}/issues/rules. Tried on an issue's latest event or on a stack that is
 * pasted, before they are kept; a mistake is told at its line. */
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiProblem, fetch_api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_utc } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { project_here } from "../session";
import { show_time } from "../time";
import { href, project_name, project_path } from "../url";
import { seen_us } from "./issues";
import { can_change, failed } from "./load";
import { line_of } from "./rule_line";

type Rules = Schemas["ErrorRules"];
type Tried = Schemas["ErrorRulesTried"];
const path_of = (rest = "") => `/projects/${encodeURIComponent(project_name.value)}/error-rules${rest}`;
const EXAMPLE = "# what the payment provider does is one error a kind, over all services\ntype:*PaymentDeclined -> payments, {{ message }}\nfunction:\"com.acme.Repository.*\" !service:batch -> {{ default }}, {{ service }}";

export function GroupingHead({ here }: { here: "rules" | "maps" }) {
  return (
    <header class="grouping-head">
      <div class="row">
        <a class="soft" href={href(project_path("issues"))}>
          Issues
        </a>
        <h1>{here === "rules" ? "Grouping rules" : "Source maps"}</h1>
        <span class="grow" />
        <a class="button" aria-current={here === "rules" ? "page" : undefined} href={href(project_path("issues/rules"))}>
          Rules
        </a>
        <a class="button" aria-current={here === "maps" ? "page" : undefined} href={href(project_path("issues/maps"))}>
          Source maps
        </a>
      </div>
    </header>
  );
}

export function RulesPage() {
  useActs({ title: "Grouping rules", statement: undefined, is_private: true });
  const kept = useLoad(project_name.value, async (signal) => {
    const response = await fetch_api(path_of(), { signal });
    return { rules: (await response.json()) as Rules, tag: response.headers.get("etag") ?? "" };
  });
  if (kept.problem) return <Problem problem={kept.problem} again={kept.again} />;
  if (!kept.value) return <Waiting what="Reading the rules" />;
  return (
    <div class="grouping">
      <GroupingHead here="rules" />
      <Editor rules={kept.value.rules} tag={kept.value.tag} onSaved={kept.again} />
    </div>
  );
}

function Editor({ rules, tag, onSaved }: { rules: Rules; tag: string; onSaved: () => void }) {
  const [text, set_text] = useState(rules.rules);
  const [problem, set_problem] = useState("");
  const [is_busy, busy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const can_set = can_change.value && project_here.value?.role !== "editor";
  useEffect(() => set_text(rules.rules), [rules.version]);
  const wrong = line_of(problem, text);
  const told = (error: unknown) => {
    if (error instanceof ApiProblem && error.pointer === "/rules") set_problem(error.detail);
    else failed(error);
  };
  const save = async () => {
    busy(true);
    try {
      const saved = await api<Rules>(path_of(), { method: "PUT", body: { rules: text }, headers: tag ? { "if-match": tag } : {} });
      set_problem("");
      toast(`Kept: they count for what comes from ${saved.valid_from ? show_time(seen_us(saved.valid_from), 0, is_utc.value) : "now"} on`);
      onSaved();
    } catch (error) {
      told(error);
    }
    busy(false);
  };
  const to_line = () => {
    if (!wrong || !area.current) return;
    area.current.focus();
    area.current.setSelectionRange(wrong.begin, wrong.end);
  };
  return (
    <div class="grouping-body">
      <section>
        <p class="soft">
          What makes two errors one, where the built-in rules do not know it: matchers, an arrow, the parts of the fingerprint. The first line that fits wins. They count for what is received from now on; issues that are there stay.
        </p>
        <label class="unseen" for="error-rules">
          Rules, one a line
        </label>
        <textarea
          id="error-rules"
          ref={area}
          class="mono rules-text"
          spellcheck={false}
          rows={Math.min(24, Math.max(8, text.split("\n").length + 1))}
          placeholder={EXAMPLE}
          value={text}
          readOnly={!can_set}
          aria-invalid={problem !== ""}
          aria-describedby="error-rules-problem"
          onInput={(event) => {
            set_text(event.currentTarget.value);
            set_problem("");
          }}
        />
        <div id="error-rules-problem" role="alert">
          {problem && (
            <p class="problem-line">
              <span class="told">{problem}</span>{" "}
              {wrong && (
                <button class="plain" onClick={to_line}>
                  Line {wrong.line}: <code class="told">{wrong.text.slice(0, 200)}</code>
                </button>
              )}
            </p>
          )}
        </div>
        <div class="row">
          <button class="primary" disabled={!can_set || is_busy || text === rules.rules} onClick={() => void save()}>
            Keep the rules
          </button>
          {text !== rules.rules && <button onClick={() => set_text(rules.rules)}>As they were</button>}
          <span class="soft">
            {rules.version === 0 ? "Nobody wrote any yet." : `Version ${rules.version}${rules.author ? `, of ${rules.author}` : ""}${rules.stored_at ? `, ${show_time(seen_us(rules.stored_at), 0, is_utc.value)}` : ""}.`}
            {!can_set && " Admins of the project change them."}
          </span>
        </div>
      </section>
      <Try rules={text} onProblem={told} onRight={() => set_problem("")} />
    </div>
  );
}

function Try({ rules, onProblem, onRight }: { rules: string; onProblem: (error: unknown) => void; onRight: () => void }) {
  const [issue, set_issue] = useState("");
  const [stack, set_stack] = useState("");
  const [service, set_service] = useState("");
  const [tried, set] = useState<Tried>();
  const [is_busy, busy] = useState(false);
  const number = Number(issue.trim().replace(/^#/, ""));
  const has_issue = issue.trim() !== "";
  const is_right = has_issue ? Number.isInteger(number) && number > 0 : stack.trim() !== "";
  const run = async () => {
    busy(true);
    try {
      set(await api<Tried>(path_of("/try"), { method: "POST", body: { rules, ...(has_issue ? { issue: number } : { event: { stacktrace: stack, service } }) } }));
      onRight();
    } catch (error) {
      set(undefined);
      onProblem(error);
    }
    busy(false);
  };
  return (
    <section>
      <h2>Try them</h2>
      <form
        class="sheet-form"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <label>
          On the latest event of the issue
          <input value={issue} placeholder="#12" inputMode="numeric" onInput={(event) => set_issue(event.currentTarget.value)} />
        </label>
        {!has_issue && (
          <>
            <label>
              Or on a stack trace
              <textarea class="mono" rows={6} spellcheck={false} value={stack} onInput={(event) => set_stack(event.currentTarget.value)} />
            </label>
            <label>
              of the service
              <input value={service} placeholder="checkout" onInput={(event) => set_service(event.currentTarget.value)} />
            </label>
          </>
        )}
        <button disabled={!is_right || is_busy}>Try</button>
      </form>
      {tried && (
        <div class="tried" role="status">
          <p>
            {tried.by === "rule" ? <b>Line {tried.line} makes the fingerprint</b> : <b>No rule fits: it is by {tried.by === "known" ? "what is known of it" : `the ${tried.by}`}</b>}
            {tried.issue !== null ? (
              <>
                {", and is in "}
                <a href={href(project_path(`issues/${tried.issue}`))}>#{tried.issue}</a>
              </>
            ) : (
              ", and is in no issue yet"
            )}
            .
          </p>
          <pre class="told made-of" tabIndex={0}>
            {tried.why.slice(0, 20000)}
          </pre>
          <p class="soft mono">{tried.fingerprint}</p>
        </div>
      )}
    </section>
  );
}
