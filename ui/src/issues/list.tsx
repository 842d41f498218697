/* The list: /p/{project}/issues?q=&state=&service=&category=&assignee=&sort=&env=&from=&to=&chosen=1,2 */
import { useEffect, useRef, useState } from "preact/hooks";
import { trend_path } from "../charts/top_list";
import { useActs } from "../frame/acts";
import { is_utc, range_set } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_count, show_whole } from "../number";
import { show_time } from "../time";
import { address, change, href, param, project_path } from "../url";
import { IssueActs } from "./acts";
import { Filters } from "./filters";
import { ago, chosen_read, chosen_turn, counted, kept_query, ORDERS, seen_us, type Issue } from "./issues";
import { can_change } from "./load";
import { StateMark } from "./mark";
import { NoIssues } from "./nothing";
import { useList } from "./use_list";

export const RANGE_OF_ISSUES = "now-1d";

export default function List() {
  const box = useRef<HTMLDivElement>(null);
  const chosen = chosen_read(param("chosen"));
  const list = useList(() => chosen.length > 0 || (box.current?.scrollTop ?? 0) > 0 || !!box.current?.contains(document.activeElement) || !!box.current?.matches(":hover"));
  const [round, set_round] = useState(0);
  useActs({ title: "Issues", statement: undefined, is_private: true });
  useEffect(() => {
    if (!param("from")) range_set(RANGE_OF_ISSUES); /* an hour is short for errors */
  }, [param("from")]);
  const links = () => [...(box.current?.querySelectorAll<HTMLElement>(".issue-main") ?? [])];
  const step = (by: number) => {
    const all = links();
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  };
  const focused = () => list.rows.find((one) => String(one.number) === (document.activeElement as HTMLElement | null)?.dataset["issue"]);
  const choose = (numbers: readonly number[]) => change({ chosen: numbers.join(",") || null }, true);
  const turn = (number: number) => choose(chosen_turn(chosen, number));
  const selected = list.rows.filter((one) => chosen.includes(one.number));
  const all_numbers = list.rows.map((one) => one.number).slice(0, 100);
  useKeys([
    { keys: "j", text: "Next issue", group: "Issues", run: () => step(1) },
    { keys: "k", text: "Issue before", group: "Issues", run: () => step(-1) },
    { keys: "o", text: "Open the issue", group: "Issues", run: () => (document.activeElement as HTMLElement | null)?.matches(".issue-main") && (document.activeElement as HTMLElement).click() },
    { keys: "/", text: "Search in issues", group: "Issues", run: () => document.getElementById("issues-search")?.focus() },
    { keys: "x", text: "Choose, or let go", group: "Issues", run: () => { const one = focused(); if (one) turn(one.number); } },
    { keys: "shift+x", text: "Choose all that are shown", group: "Issues", run: () => choose(chosen.length > 0 ? [] : all_numbers) },
  ], can_change.value || list.rows.length > 0);
  useKeys([{ keys: "escape", text: "Choose nothing", group: "Issues", run: () => choose([]) }], chosen.length > 0);
  const done = () => {
    choose([]);
    list.again();
    set_round((n) => n + 1);
  };
  const most_kept = kept_query(address.value.query);
  const is_all = selected.length > 0 && selected.length === list.rows.length;
  return (
    <div class="issues">
      <header class="issues-head">
        <div class="row">
          <h1>Issues</h1>
          <span class="grow" />
          <a class="button plain" href={href(project_path("issues/rules"), { from: param("from"), to: param("to") })}>
            Grouping rules
          </a>
        </div>
        <Filters round={round} />
        <div class="row issues-bar">
          {can_change.value && (
            <input type="checkbox" aria-label="Choose all that are shown" checked={is_all} onChange={() => choose(is_all ? [] : all_numbers)} disabled={list.rows.length === 0} />
          )}
          {selected.length > 0 ? (
            <IssueActs issues={selected} onDone={done}>
              <button class="plain" onClick={() => choose([])}>
                {counted(selected.length, "issue")} chosen ×
              </button>
            </IssueActs>
          ) : (
            <>
              <span role="status" class="soft">
                {!list.is_first && !list.problem && `${counted(list.rows.length, "issue")}${list.cursor ? ", and more" : ""}`}
              </span>
              {list.waiting > 0 && <button onClick={list.again}>{list.waiting} new: show</button>}
            </>
          )}
          <span class="grow" />
          <label class="row soft">
            By
            <select value={param("sort") || "last"} aria-label="Order" onChange={(event) => change({ sort: event.currentTarget.value === "last" ? null : event.currentTarget.value })}>
              {ORDERS.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.title}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <div class="issues-box" ref={box} aria-busy={list.is_loading}>
        {list.problem ? (
          <Problem problem={list.problem} again={list.again} />
        ) : list.rows.length > 0 ? (
          <>
            <div class="issue-line list-head" aria-hidden="true">
              <span class="issue-check" />
              <span class="issue-sign" />
              <span>issue</span>
              <span>service</span>
              <span>over time</span>
              <span class="number">events</span>
              <span class="number">users</span>
              <span>last seen</span>
              <span>first seen</span>
              <span>assignee</span>
            </div>
            <ol class="issue-list" aria-label="Issues">
              {list.rows.map((issue) => (
                <Line key={issue.number} issue={issue} now_us={Math.max(list.to_us, seen_us(issue.last_seen))} kept={most_kept} is_chosen={chosen.includes(issue.number)} onTurn={() => turn(issue.number)} />
              ))}
            </ol>
            {list.cursor && (
              <button class="issues-more" onClick={list.more} disabled={list.is_loading}>
                Show more
              </button>
            )}
          </>
        ) : list.is_loading ? (
          <Waiting what="Reading the issues" />
        ) : (
          <NoIssues />
        )}
      </div>
    </div>
  );
}

const SHOWN = 300;
function Line({ issue, now_us, kept, is_chosen, onTurn }: { issue: Issue; now_us: number; kept: Record<string, string | null>; is_chosen: boolean; onTurn: () => void }) {
  const counts = issue.over_time.counts;
  const most = counts.reduce((max, one) => Math.max(max, one), 0);
  const when = (at: string | null) => (at ? show_time(seen_us(at), 0, is_utc.value) : "never");
  return (
    <li class={is_chosen ? "issue-line chosen" : "issue-line"} data-number={issue.number} data-state={issue.state}>
      <span class="issue-check">{can_change.value && <input type="checkbox" aria-label={`Choose #${issue.number}`} checked={is_chosen} onChange={onTurn} />}</span>
      <span class="issue-sign">
        <StateMark state={issue.state} />
      </span>
      <a class="issue-main" data-issue={issue.number} href={href(project_path(`issues/${issue.number}`), kept)}>
        <span class="issue-title">
          <b class="told">{issue.title.slice(0, SHOWN) || "error"}</b> <span class="told">{issue.message.slice(0, SHOWN)}</span>
        </span>
        <span class="issue-under soft">
          <span>#{issue.number}</span>
          {issue.category && <span class="issue-category told">{issue.category}</span>}
          <span class="told ellipsis mono">{issue.culprit.slice(0, SHOWN)}</span>
        </span>
      </a>
      <span class="issue-service told ellipsis" title={issue.service}>
        {issue.service.slice(0, 100)}
      </span>
      <svg class="trend issue-trend" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
        <path d={trend_path(counts, most)} />
      </svg>
      <span class="issue-events number" title={`${show_whole(issue.count)} events in the range, ${show_whole(issue.total_count)} ever`}>
        {show_count(issue.count)}
        <span class="issue-word"> {issue.count === 1 ? "event" : "events"}</span>
      </span>
      <span class="issue-users number" title={`${show_whole(issue.users)} users in the range, ${show_whole(issue.total_users)} ever`}>
        {show_count(issue.users)}
        <span class="issue-word"> {issue.users === 1 ? "user" : "users"}</span>
      </span>
      <span class="issue-last" title={when(issue.last_seen)}>
        {ago(seen_us(issue.last_seen), now_us)}
      </span>
      <span class="issue-first soft" title={when(issue.first_seen)}>
        {ago(seen_us(issue.first_seen), now_us)}
      </span>
      <span class="issue-assignee soft told ellipsis" title={issue.assignee?.email ?? issue.assignee?.name ?? ""}>
        {issue.assignee ? issue.assignee.name || issue.assignee.email : ""}
      </span>
    </li>
  );
}
