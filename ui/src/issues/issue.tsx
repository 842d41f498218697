/* One issue: /p/{project}/issues/12?event=first&raw=1&env=&from=&to=, and the list's own filters, for its neighbours. */
import { useEffect, useState } from "preact/hooks";
import { api, ApiProblem } from "../api/client";
import { useLoad } from "../api/load";
import { translate } from "../explore/search";
import { rows_statement } from "../explore/statement";
import { useActs } from "../frame/acts";
import { with_environment } from "../frame/environment";
import { is_live, is_utc, range, range_set, refresh } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { copy, toast } from "../frame/toast";
import { useKeys } from "../keys";
import { show_time, to_iso } from "../time";
import { address, change, go, href, param, project_name, project_path } from "../url";
import { IssueActs } from "./acts";
import { Activity } from "./activity";
import { IssueEvents } from "./events";
import { Facts } from "./facts";
import { ignored_words, kept_query, list_query, seen_us, type Issue, type IssueDetail } from "./issues";
import { RANGE_OF_ISSUES } from "./list";
import { issues_path, type Page } from "./load";
import { StateMark } from "./mark";
import { OverTime } from "./over_time";
import { StackOf } from "./stack";
import { Why } from "./why";

const LIVE_MS = 5000;

export function IssuePage({ number }: { number: number }) {
  const { from_us, to_us } = range.value;
  const [round, set_round] = useState(0);
  useEffect(() => {
    if (!param("from")) change({ from: RANGE_OF_ISSUES }, true);
  }, [param("from")]);
  const detail = useLoad(`${project_name.value}\n${number}\n${from_us}\n${to_us}\n${param("env")}\n${round}`, (signal) =>
    api<IssueDetail>(issues_path(`/${number}`), { query: { from: to_iso(from_us), to: to_iso(to_us), environment: param("env") }, signal }),
  );
  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, LIVE_MS);
    return () => clearInterval(timer);
  }, [is_live.value]);
  const here = detail.value?.issue.number;
  useEffect(() => {
    if (here === undefined || here === number) return;
    toast(`#${number} was merged into #${here}`);
    go_to(here, true);
  }, [here]);
  const where = useLoad(`${project_name.value}\nissue:${number}`, (signal) => translate(project_name.value, `issue:${number}`, signal));
  const statement = where.value && where.value.problems.length === 0 ? rows_statement({ where: with_environment(where.value.where), range: { from_us, to_us } }, []) : undefined;
  useActs({ title: `Issue ${number}`, statement, is_private: true });
  const list = () => go(project_path("issues"), kept_query(address.value.query));
  useKeys([{ keys: "escape", text: "Back to the list", group: "Issues", run: list }]);
  if (detail.problem)
    return (
      <div class="issue-alone">
        <Problem problem={detail.problem.status === 404 ? new ApiProblem(404, "not_found", `there is no issue #${number} in this project`) : detail.problem} again={detail.again} />
        <a class="button" href={href(project_path("issues"), kept_query(address.value.query))}>
          All issues
        </a>
      </div>
    );
  if (!detail.value) return <Waiting what="Reading the issue" />;
  const changed = (into?: number) => {
    if (into !== undefined && into !== number) go_to(into);
    else set_round((n) => n + 1);
  };
  return <Shown detail={detail.value} round={round} onChanged={changed} />;
}

export function go_to(number: number, is_replacing = false): void {
  const path = project_path(`issues/${number}`);
  const query = kept_query(address.value.query);
  if (is_replacing) {
    window.history.replaceState(null, "", href(path, query));
    window.dispatchEvent(new PopStateEvent("popstate"));
  } else go(path, query);
}

/* The issues before and behind it in the list that it was opened from. */
function useNeighbours(number: number): { before: number | undefined; behind: number | undefined } {
  const asked = list_query(address.value.query);
  const list = useLoad(`${project_name.value}\n${JSON.stringify(asked)}\n${param("from")}\n${param("to")}`, (signal) =>
    api<Page<Issue>>(issues_path(), { query: { ...asked, from: to_iso(range.value.from_us), to: to_iso(range.value.to_us), limit: 100 }, signal }),
  );
  const numbers = list.value?.items.map((one) => one.number) ?? [];
  const at = numbers.indexOf(number);
  return { before: at > 0 ? numbers[at - 1] : undefined, behind: at < 0 ? numbers[0] : numbers[at + 1] };
}

function Shown({ detail, round, onChanged }: { detail: IssueDetail; round: number; onChanged: (into?: number) => void }) {
  const { issue } = detail;
  const event = param("event") === "first" ? detail.first_event : detail.latest_event;
  const { before, behind } = useNeighbours(issue.number);
  const kept = kept_query(address.value.query);
  const trace = event?.trace_id;
  const explorer = { q: `issue:${issue.number}`, from: param("from"), to: param("to"), tz: param("tz"), env: param("env") };
  const step = (to: number | undefined) => to !== undefined && go_to(to);
  useKeys([
    { keys: "j", text: "Next issue", group: "Issues", run: () => step(behind) },
    { keys: "k", text: "Issue before", group: "Issues", run: () => step(before) },
    { keys: "o", text: "Open the trace of the event", group: "Issues", run: () => trace && go(project_path(`trace/${trace}`), { span: "error", tz: param("tz") }) },
    { keys: "s", text: "Rows of the issue", group: "Issues", run: () => go(project_path("explore"), explorer) },
    { keys: "y", text: "Copy the address", group: "Issues", run: () => void copy(window.location.href, "address") },
  ]);
  const show = (us: number) => show_time(us, 0, is_utc.value);
  return (
    <article class="issue" aria-label={`Issue ${issue.number}`}>
      <header class="issue-head">
        <div class="row">
          <a class="soft" href={href(project_path("issues"), kept)}>
            Issues
          </a>
          <span class="soft">#{issue.number}</span>
          <StateMark state={issue.state} has_word />
          <span class="soft">
            {issue.state === "ignored" ? ignored_words(issue.ignored, show) : issue.state === "resolved" && issue.resolved_in_release ? `for what comes after ${issue.resolved_in_release}` : `since ${show(seen_us(issue.state_since))}`}
          </span>
          {issue.assignee && <span class="issue-who told">{issue.assignee.name || issue.assignee.email}</span>}
          <span class="grow" />
          <span class="row issue-steps">
            <button class="plain" disabled={before === undefined} onClick={() => step(before)} data-step="before">
              <span aria-hidden="true">‹</span> <span class="unseen">Issue before</span> <kbd aria-hidden="true">k</kbd>
            </button>
            <button class="plain" disabled={behind === undefined} onClick={() => step(behind)} data-step="behind">
              <kbd aria-hidden="true">j</kbd> <span class="unseen">Next issue</span> <span aria-hidden="true">›</span>
            </button>
          </span>
        </div>
        <h1 class="told">{issue.title.slice(0, 500) || "error"}</h1>
        {issue.message && <p class="issue-message told">{issue.message.slice(0, 2000)}</p>}
        <p class="soft issue-culprit">
          <b class="told">{issue.service || "no service"}</b>
          {issue.culprit && (
            <>
              {" · "}
              <span class="told mono">{issue.culprit.slice(0, 500)}</span>
            </>
          )}
          {issue.category && (
            <>
              {" · "}
              <span class="issue-category told">{issue.category}</span>
            </>
          )}
        </p>
        {detail.known && <p class="issue-known told">{detail.known.meaning}</p>}
        <div class="row">
          <IssueActs issues={[issue]} onDone={onChanged} />
          {trace && (
            <a class="button" href={href(project_path(`trace/${trace}`), { span: "error", tz: param("tz") })}>
              Open trace <kbd aria-hidden="true">o</kbd>
            </a>
          )}
          <a class="button" href={href(project_path("explore"), explorer)}>
            Rows <kbd aria-hidden="true">s</kbd>
          </a>
          <a class="button" href={href(project_path("explore"), { ...explorer, q: `service:${JSON.stringify(issue.service)}`, viz: "patterns", order: "change" })}>
            Log patterns
          </a>
          <button onClick={() => void copy(window.location.href, "address")}>
            Copy address <kbd aria-hidden="true">y</kbd>
          </button>
        </div>
      </header>
      <div class="issue-body">
        <div class="issue-main-part">
          <OverTime detail={detail} />
          {issue.count === 0 && (
            <p class="soft">
              No event in this time. <button onClick={() => range_set("now-30d")}>The last 30 days</button>
            </p>
          )}
          <StackOf event={event} has_two={detail.first_event?.timestamp !== detail.latest_event?.timestamp} />
          <IssueEvents number={issue.number} round={round} />
          <Why detail={detail} round={`${round}\n${issue.total_count}`} onSplit={onChanged} />
        </div>
        <aside class="issue-side" aria-label="Facts">
          <Facts detail={detail} />
          <Activity number={issue.number} round={`${round}\n${issue.state_since}`} />
        </aside>
      </div>
    </article>
  );
}
