/* The kind "patterns": what log lines say without what varies in them, how often, what is new and what has changed. Of all lines
 * of the project as the server counted them while they came; of those that the search finds by their rows. */
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { trend_path } from "../charts/top_list";
import { useActs } from "../frame/acts";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_count, show_whole } from "../number";
import { from_iso, show_time, to_iso } from "../time";
import { change, param } from "../url";
import type { KindProps } from "./kinds";
import { CHANGE_MARKS, change_words, main_level, ORDERS, pattern_condition, pattern_parts, patterns_statement, share_words, type Pattern, type PatternList } from "./patterns";
import { with_term } from "./search";
import "./patterns.css";

const PAGE = 100;

export default function Patterns({ project, scope, asked }: KindProps) {
  const order = ORDERS.find((one) => one.name === param("order")) ?? ORDERS[0];
  const text = param("find");
  const [typed, type] = useState(text); /* a page that is drawn anew meanwhile leaves it as it is */
  useEffect(() => type(text), [text]);
  const limit = Math.min(1000, Math.max(PAGE, Number(param("many")) || PAGE));
  const statement = patterns_statement(scope);
  useActs({ title: "Log patterns", statement: asked === null ? undefined : statement });
  const answer = useLoad(asked && `${asked}\n${order.name}\n${text}\n${limit}`, (signal) =>
    api<PatternList>(`/projects/${encodeURIComponent(project)}/patterns/search`, {
      method: "POST",
      body: { where: scope.where, from: to_iso(scope.range.from_us), to: to_iso(scope.range.to_us), sort: order.name, limit, ...(text ? { text } : {}) },
      signal,
    }),
  );
  const shown = answer.value;
  const list = useRef<HTMLOListElement>(null);
  const step = (by: number) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>(".pattern-main") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  };
  const focused = (): Pattern | undefined => shown?.items.find((one) => one.id === (document.activeElement as HTMLElement | null)?.dataset["pattern"]);
  const at_focused = (run: (pattern: Pattern) => void) => () => {
    const pattern = focused();
    if (pattern) run(pattern);
  };
  useKeys([
    { keys: "j", text: "Next pattern", group: "Patterns", run: () => step(1) },
    { keys: "k", text: "Pattern before", group: "Patterns", run: () => step(-1) },
    { keys: "f", text: "Only this pattern", group: "Patterns", run: at_focused((one) => choose(one, false, false)) },
    { keys: "x", text: "Without this pattern", group: "Patterns", run: at_focused((one) => choose(one, true, false)) },
    { keys: "o", text: "Rows of this pattern", group: "Patterns", run: at_focused((one) => choose(one, false, true)) },
  ]);
  return (
    <div class="kind-patterns" aria-busy={answer.is_loading}>
      <div class="row patterns-bar">
        <div class="row" role="group" aria-label="Order">
          {ORDERS.map((one) => (
            <button key={one.name} aria-pressed={one === order} onClick={() => change({ order: one === ORDERS[0] ? null : one.name })}>
              {one.title}
            </button>
          ))}
        </div>
        <input type="search" aria-label="Find in patterns" placeholder="Find in patterns" value={typed} onInput={(event) => type(event.currentTarget.value)} onChange={(event) => change({ find: event.currentTarget.value || null })} />
        <span role="status" class="soft">
          {shown && `${show_whole(shown.patterns)} ${shown.patterns === 1 ? "pattern" : "patterns"} of ${show_whole(shown.lines)} lines${shown.others > 0 ? `, ${show_whole(shown.others)} of them in none` : ""}`}
        </span>
      </div>
      {answer.problem ? (
        <Problem problem={answer.problem} again={answer.again} />
      ) : !shown ? (
        asked !== null && <Waiting what="Counting" />
      ) : shown.items.length === 0 ? (
        <Empty title="No log lines">
          <p class="soft">{text ? "No pattern has this text." : "No log line in this range was asked for. Lines are counted with the next flush of their rows, a minute at most."}</p>
        </Empty>
      ) : (
        <ol class="patterns" ref={list} aria-label="Log patterns">
          {shown.items.map((pattern) => (
            <Line key={pattern.id} pattern={pattern} max={shown.items.reduce((most, one) => Math.max(most, one.count), 0)} />
          ))}
          {shown.items.length < shown.patterns && shown.items.length < 1000 && (
            <li>
              <button onClick={() => change({ many: String(limit + 2 * PAGE) }, true)}>Show more</button>
            </li>
          )}
        </ol>
      )}
    </div>
  );
}

/* Into the query: `pattern:ID`, or the same as SQL. */
function choose(pattern: Pattern, is_excluded: boolean, as_rows: boolean): void {
  const q = param("q");
  const is_sql = param("sql") === "1";
  const some = pattern_condition(pattern.ids, is_excluded);
  const next = is_sql ? (q ? `(${q}) AND ${some}` : some) : with_term(q, "pattern", pattern.id, is_excluded);
  change({ q: next, open: null, ...(as_rows ? { viz: null } : {}) });
}

function Line({ pattern, max }: { pattern: Pattern; max: number }) {
  const [is_open, open] = useState(false);
  const level = main_level(pattern.levels);
  const words = change_words(pattern);
  const most = Math.max(...pattern.counts, 0);
  return (
    <li class="pattern" data-change={pattern.change}>
      <button class="plain pattern-main" data-pattern={pattern.id} aria-expanded={is_open} onClick={() => open(!is_open)}>
        <span class={`pattern-mark change-${pattern.change}`} title={words}>
          {CHANGE_MARKS[pattern.change]}
        </span>
        <span class="pattern-text told">
          {pattern_parts(pattern.text).map((part, at) => (part.is_wild ? <i key={at}>{part.text}</i> : <span key={at}>{part.text}</span>))}
        </span>
        <span class="pattern-facts">
          {level && <span class={`level ${level}`}>{level.toUpperCase()}</span>} <span class="soft told ellipsis">{pattern.service || "no service"}</span> {words && <span class={`change-${pattern.change}`}>{words}</span>}
        </span>
        <svg class="trend" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
          <path d={trend_path(pattern.counts, most)} />
        </svg>
        <span class="pattern-count" title={`${show_whole(pattern.count)} lines, ${show_whole(pattern.before)} in the range before`}>
          {show_count(pattern.count)}
        </span>
        <span class="pattern-share">
          <span class="pattern-bar" aria-hidden="true">
            <span style={{ width: `${max > 0 ? (pattern.count / max) * 100 : 0}%` }} />
          </span>
          <span class="soft">{share_words(pattern.share)}</span>
        </span>
      </button>
      {is_open && <Detail pattern={pattern} />}
    </li>
  );
}

function Detail({ pattern }: { pattern: Pattern }) {
  const seen = (at: string | null) => (at ? show_time(from_iso(at)) : "never");
  return (
    <div class="pattern-detail">
      {pattern.sample && <pre class="told">{pattern.sample}</pre>}
      <p class="soft">
        First seen {seen(pattern.first_seen)}, last {seen(pattern.last_seen)}; {show_whole(pattern.count)} lines here, {show_whole(pattern.before)} in the range before
        {pattern.templates > 1 && `; ${pattern.templates} wordings`}
        {Object.entries(pattern.levels).map(([name, count]) => `; ${name} ${show_whole(count)}`)}
      </p>
      <div class="row">
        <button class="primary" onClick={() => choose(pattern, false, true)}>
          Show rows
        </button>
        <button onClick={() => choose(pattern, false, false)}>Only this</button>
        <button onClick={() => choose(pattern, true, false)}>Without this</button>
      </div>
    </div>
  );
}
