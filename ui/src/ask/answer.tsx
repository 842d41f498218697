/* An answer: what was read, the plan as chips, what is shown, and what to do with it. */
import { AnsweredBy } from "../api/answered";
import { useState } from "preact/hooks";
import { environment } from "../frame/environment";
import { sql_open } from "../frame/sql_open";
import { panel_of_plan } from "../dashboards/draft";
import { panel_save } from "../frame/sheets";
import { useKeys } from "../keys";
import { index_of } from "../place";
import { can_share } from "../session";
import { href, param, project_name, project_path } from "../url";
import { Chips } from "./chips";
import type { Names } from "./load";
import { thumb } from "./load";
import { DISPLAYS, explorer_query, names_environment, of_environment, sql_whole, with_display, type Answer, type Plan } from "./plan";
import { AsTable, can_be_table, Drawing, Shown } from "./shown";
import type { Asked } from "./thread";
import { toast } from "../frame/toast";

interface AnswerProps {
  asked: Asked;
  answer: Answer;
  is_old: boolean; /* another one is on its way */
  names: Names | undefined;
  onPlan: (plan: Plan) => void;
  onAsk: (question: string) => void;
  onModel: () => void;
}

export function AnswerView({ asked, answer, is_old, names, onPlan, onAsk, onModel }: AnswerProps) {
  const { plan } = answer;
  useKeys(plan ? DISPLAYS.map((one) => ({ keys: one.keys, text: `Show as ${one.title.toLowerCase()}`, group: "Ask", run: () => onPlan(with_display(plan, one.name)) })) : []);
  if (!answer.understood || !plan) return <NotUnderstood asked={asked} answer={answer} is_old={is_old} onAsk={onAsk} onModel={onModel} />;
  return (
    <section class="ask-answer" aria-label="Answer" aria-busy={is_old}>
      <p class="ask-reading told" role="status">
        {answer.reading}
      </p>
      <Chips answer={answer} plan={plan} names={names} onPlan={onPlan} />
      {environment.value !== "" && !names_environment(plan) && (
        <p class="warning row">
          <span>
            Of all environments, not of <span class="told">{environment.value}</span> alone.
          </span>
          <button onClick={() => onPlan(of_environment(plan, environment.value))}>Of it alone</button>
        </p>
      )}
      {answer.warnings?.map((warning) => (
        <p class="warning told" key={warning}>
          {warning}
        </p>
      ))}
      {answer.is_cut && <p class="warning">Only the first rows are shown: there are more than one answer holds.</p>}
      <div class="row ask-acts">
        <div class="row" role="group" aria-label="Show as">
          {DISPLAYS.map((one) => (
            <button key={one.name} title={`(${one.keys})`} aria-pressed={plan.display === one.name} onClick={() => onPlan(with_display(plan, one.name))}>
              {one.title}
            </button>
          ))}
        </div>
        {plan.display === "chart" && <Drawing plan={plan} />}
        {can_be_table(plan) && <AsTable />}
        <span class="grow" />
        <a class="button" href={href(project_path("explore"), explorer_query(plan))}>
          Open in the explorer
        </a>
        {answer.sql && (
          <button onClick={() => sql_open(sql_whole(answer.sql ?? "", answer.parameters ?? []))}>
            Open as SQL
          </button>
        )}
        {can_share.value && <button onClick={() => panel_save(panel_of_plan(plan, asked.q || answer.reading, param("as")))}>Save to dashboard</button>}
      </div>
      <div class="ask-shown">
        <Shown answer={answer} plan={plan} onPlan={onPlan} />
      </div>
      <footer class="row ask-foot">
        <Who answer={answer} onModel={onModel} />
        <span class="grow" />
        {asked.q && <Thumbs key={answer.reading} question={asked.q} plan={plan} />}
      </footer>
    </section>
  );
}

function Who({ answer, onModel }: { answer: Answer; onModel: () => void }) {
  const { model } = answer;
  return (
    <>
      <span class="soft">
        {answer.translator === "model" ? `Read by ${model.name ?? "the language model"}` : answer.translator === "client" ? "A plan made by hand" : "Read by the grammar"}, {Math.round(answer.duration_ms)} ms <AnsweredBy from={answer.answered_from} />
        {answer.translator === "model" && model.input_tokens !== undefined && `, ${model.input_tokens + (model.output_tokens ?? 0)} tokens`}
      </span>
      {model.note && <span class="told">{model.note}</span>}
      {model.problem && model.why_not !== "none" && <span class="told error-text">{model.problem}</span>}
      {answer.translator === "embedded" && model.may_ask && <button onClick={onModel}>Ask {model.name ?? "the model"}</button>}
    </>
  );
}

/* What was not understood, marked where it stands; a name that may be meant is one click. */
function NotUnderstood({ asked, answer, is_old, onAsk, onModel }: Omit<AnswerProps, "names" | "onPlan">) {
  const { q } = asked;
  const troubles = answer.not_understood ?? [];
  const place = (trouble: (typeof troubles)[number]) => ({ from: index_of(q, trouble.from), to: Math.max(index_of(q, trouble.to), index_of(q, trouble.from)) });
  return (
    <section class="ask-answer state" aria-label="Answer" aria-busy={is_old}>
      <h2>Not understood</h2>
      <p class="unseen told" role="status">
        {answer.reading}
      </p>
      <ul class="ask-troubles">
        {troubles.map((trouble, at) => {
          const { from, to } = place(trouble);
          return (
            <li key={at}>
              <code class="told">
                {q.slice(0, from)}
                <mark>{q.slice(from, to) || "…"}</mark>
                {q.slice(to)}
              </code>{" "}
              <span class="told">{trouble.text}</span>
              {trouble.suggestions.map((name) => (
                <button key={name} class="told" onClick={() => onAsk(`${q.slice(0, from)}${name}${q.slice(to)}`)}>
                  {name}
                </button>
              ))}
            </li>
          );
        })}
      </ul>
      <div class="row">
        {answer.model.may_ask && (
          <button class="primary" onClick={onModel}>
            Ask {answer.model.name ?? "the model"}
          </button>
        )}
        {answer.model.problem && answer.model.why_not !== "none" && <span class="soft told">{answer.model.problem}</span>}
        <Wanted question={q} />
      </div>
    </section>
  );
}

/* A question that nobody could read is worth a line on the review list too. */
function Wanted({ question }: { question: string }) {
  const [is_sent, sent] = useState(false);
  const send = () => thumb(project_name.value, question, false, "It was not understood", undefined).then(() => sent(true), (error: unknown) => toast(error instanceof Error ? error.message : String(error), true));
  return is_sent ? <span class="soft">Kept for review</span> : <button onClick={() => void send()}>It should be understood</button>;
}

function Thumbs({ question, plan }: { question: string; plan: Plan }) {
  const [is_good, judge] = useState<boolean>();
  const [note, set_note] = useState("");
  const [is_sent, sent] = useState(false);
  const send = (good: boolean, words: string) =>
    thumb(project_name.value, question, good, words, plan).then(
      () => {
        sent(true);
        toast("Thank you: it is on the review list");
      },
      (error: unknown) => toast(error instanceof Error ? error.message : String(error), true),
    );
  if (is_sent) return <span class="soft">{is_good ? "Right" : "Wrong"}: kept for review</span>;
  if (is_good === false)
    return (
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void send(false, note.trim());
        }}
      >
        <input type="text" aria-label="What is wrong with the answer" placeholder="What is wrong with it?" maxLength={2000} value={note} onInput={(event) => set_note(event.currentTarget.value)} />
        <button class="primary">Send</button>
      </form>
    );
  return (
    <div class="row" role="group" aria-label="Is the answer right?">
      <button
        title="The answer is what was asked"
        onClick={() => {
          judge(true);
          void send(true, "");
        }}
      >
        <span aria-hidden="true">✓</span> Right
      </button>
      <button title="The answer is another one's" onClick={() => judge(false)}>
        <span aria-hidden="true">✗</span> Wrong
      </button>
    </div>
  );
}
