/* Ask: /p/{project}/ask?q=&plan=&at=&thread=&by=&as=&trace= (thread.ts says what they are), and ask/review, the thumbs. */
import "./ask.css";
import "../row/row.css";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { is_guest } from "../session";
import { from_iso, now_us, to_iso } from "../time";
import { address, change, go, href, param, project_name, project_path } from "../url";
import { AnswerView } from "./answer";
import { Bar } from "./bar";
import { ask, examples_of, history_add, history_of, names_load, zone_here } from "./load";
import { sql_whole, type Plan } from "./plan";
import { Review } from "./review";
import { asked_read, asked_write, step_again, type Asked, type Step } from "./thread";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Questions are for members of the project">
        <p class="soft">A link shows rows and traces of its time. Who has an account can ask too.</p>
      </Empty>
    );
  return rest === "review" ? <Review /> : <Ask />;
}

function Ask() {
  const project = project_name.value;
  const asked = asked_read(address.value.query);
  const names = useLoad(project, (signal) => names_load(project, signal));
  const is_asked = asked.q !== "" || asked.plan !== undefined;
  const key = is_asked ? `${project}\n${zone_here()}\n${JSON.stringify(asked)}` : null;
  const answer = useLoad(key, async (signal) => ({ key, project, asked, answer: await ask(project, asked, signal) }));
  const shown = answer.value?.key === key ? answer.value.answer : undefined;
  const seen = answer.value?.project === project ? answer.value : undefined; /* the one before stands until the next is there */
  const sql = shown?.sql ? sql_whole(shown.sql, shown.parameters ?? []) : undefined;
  const plan = shown?.plan;
  useActs({ title: asked.q || shown?.reading || "Question", statement: sql, is_timeless: true, is_private: true, ...(plan ? { of_time: { from_us: from_iso(plan.from), to_us: from_iso(plan.to) } } : {}) });
  useKeys([{ keys: "/", text: "To the question", group: "Ask", run: () => (document.getElementById("ask-more") ?? document.getElementById("ask"))?.focus() }]);
  const open = (next: Partial<Asked>) => go(address.value.path, address_of(next));
  const ask_new = (q: string) => {
    history_add(project, q);
    open({ q, at: to_iso(now_us()), thread: shown && !shown.understood ? asked.thread : [] }); /* a step in other words is that step */
  };
  const ask_more = (q: string) => {
    history_add(project, q);
    open({ q, at: to_iso(now_us()), thread: plan ? [...asked.thread, { q: asked.q, plan }] : asked.thread });
  };
  const put = (next: Plan) => go(address.value.path, { ...address_of({ ...asked, plan: next, by: "" }), as: next.display === plan?.display ? param("as") : null });
  const examples = examples_of(names.value);
  const before = history_of(project);
  return (
    <div class={is_asked ? "ask" : "ask ask-home"}>
      <header class="ask-head">
        {!is_asked && <h1>What do you want to know?</h1>}
        {asked.thread.length > 0 && <Thread thread={asked.thread} />}
        <Bar key={asked.q} value={asked.q} label="Question in plain English" placeholder={`${examples[0] ?? "error rate by service today"}   ( / )`} before={before} examples={examples} onAsk={ask_new} />
      </header>
      {!is_asked ? (
        <Home examples={examples} before={before} onAsk={ask_new} />
      ) : answer.problem && !answer.is_loading ? (
        <Problem problem={answer.problem} again={answer.again} />
      ) : !seen ? (
        <Waiting what="Answering" />
      ) : (
        <>
          <AnswerView asked={seen.asked} answer={seen.answer} is_old={!shown} names={names.value} onPlan={put} onAsk={(q) => change(asked_write({ ...asked, q, plan: undefined }))} onModel={() => change(asked_write({ ...asked, plan: undefined, by: "model" }))} />
          {shown?.understood && <Bar is_follow_up value="" label="Go on from this answer" placeholder="Go on: by route, only 500s, last week instead" before={[]} examples={FOLLOW_UPS} onAsk={ask_more} />}
        </>
      )}
    </div>
  );
}
/* The zone, the environment and the saved view that was opened go along. */
const address_of = (asked: Partial<Asked>) => ({ ...asked_write(asked), tz: param("tz"), env: param("env"), view: param("view") });
const FOLLOW_UPS = ["per hour", "by service", "by route", "only errors", "last week instead", "compared with the day before"];

function Home({ examples, before, onAsk }: { examples: readonly string[]; before: readonly string[]; onAsk: (q: string) => void }) {
  return (
    <div class="ask-starts">
      <Questions title="Can be asked here" list={examples} onAsk={onAsk} />
      {before.length > 0 && <Questions title="You asked before" list={before.slice(0, 8)} onAsk={onAsk} />}
      <p class="soft">
        What it does not understand it says; it does not guess. <a href={href(project_path("ask/review"))}>Answers that people judged</a>
      </p>
    </div>
  );
}
function Questions({ title, list, onAsk }: { title: string; list: readonly string[]; onAsk: (q: string) => void }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <ul class="ask-questions">
        {list.map((one) => (
          <li key={one}>
            <button class="plain told" onClick={() => onAsk(one)}>
              {one}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Thread({ thread }: { thread: readonly Step[] }) {
  return (
    <ol class="ask-thread" aria-label="Asked before in this thread">
      {thread.map((step, at) => (
        <li key={at}>
          <a class="told" href={href(address.value.path, address_of(step_again(thread, at)))}>
            {step.q || "a plan made by hand"}
          </a>
        </li>
      ))}
    </ol>
  );
}
