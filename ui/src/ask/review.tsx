/* The thumbs that the project's people gave, the newest first: what was asked, whether the answer was right, and what somebody says of it. */
import { useState } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { useLoad } from "../api/load";
import { is_utc } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { from_iso, show_time } from "../time";
import { href, param, change, project_name, project_path } from "../url";
import { thumbs, type Feedback } from "./load";
import type { Plan } from "./plan";
import { asked_write } from "./thread";

export function Review() {
  const [pages, add] = useState<Feedback[]>([]);
  const [next, set_next] = useState<string | null>(null);
  const [problem, set_problem] = useState<ApiProblem>();
  const first = useLoad(project_name.value, async (signal) => {
    const page = await thumbs(project_name.value, "", signal);
    add([]);
    set_next(page.next_cursor);
    return page.items;
  });
  const is_bad_only = param("bad") === "1";
  if (first.problem) return <Problem problem={first.problem} again={first.again} />;
  if (!first.value) return <Waiting what="Loading" />;
  const list = [...first.value, ...pages].filter((one) => !is_bad_only || !one.is_good);
  const more = () =>
    thumbs(project_name.value, next ?? "", new AbortController().signal).then(
      (page) => {
        add([...pages, ...page.items]);
        set_next(page.next_cursor);
      },
      (error: unknown) => set_problem(error instanceof ApiProblem ? error : new ApiProblem(0, "", String(error))),
    );
  return (
    <div class="ask">
      <header class="ask-head row">
        <h1>Answers that people judged</h1>
        <label class="row">
          <input type="checkbox" checked={is_bad_only} onChange={() => change({ bad: is_bad_only ? null : "1" }, true)} /> wrong answers alone
        </label>
        <span class="grow" />
        <a class="button" href={href(project_path("ask"))}>
          Ask
        </a>
      </header>
      {problem && <Problem problem={problem} />}
      {list.length === 0 ? (
        <Empty title={is_bad_only ? "Nobody called an answer wrong" : "Nobody judged an answer yet"}>
          <p class="soft">Below each answer stand “Right” and “Wrong”: what people press there comes here.</p>
        </Empty>
      ) : (
        <ul class="ask-review" aria-label="Judged answers">
          {list.map((one) => (
            <li key={one.id}>
              <span aria-label={one.is_good ? "right" : "wrong"} role="img">
                {one.is_good ? "✓" : "✗"}
              </span>
              <a class="told" href={href(project_path("ask"), asked_write(one.plan ? { q: one.question, plan: one.plan as Plan } : { q: one.question, at: one.created_at }))}>
                {one.question}
              </a>
              {one.note && <span class="told ask-note">{one.note}</span>}
              <span class="soft told">
                {one.by}, {show_time(from_iso(one.created_at), 0, is_utc.value)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {next && <button onClick={() => void more()}>Older ones</button>}
    </div>
  );
}
