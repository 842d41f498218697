/* Why this is one issue: its fingerprints, what put each there, how alike they are; some of them split off. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { is_utc } from "../frame/range";
import { Problem } from "../frame/state";
import { show_whole } from "../number";
import { show_time } from "../time";
import { change, href, param, project_name, project_path } from "../url";
import { counted, seen_us, type IssueDetail } from "./issues";
import { can_change, issues_path, split_issue, type Page } from "./load";

type Fingerprint = Schemas["IssueFingerprint"];
const TIERS: Readonly<Record<string, string>> = {
  new: "began the issue",
  fingerprint: "the same fingerprint",
  stack: "a stack like it",
  meaning: "words that mean the same",
  person: "moved by a person",
  judge: "a model said so",
};

export function Why({ detail, round, onSplit }: { detail: IssueDetail; round: string; onSplit: (into?: number) => void }) {
  const number = detail.issue.number;
  const [limit, set_limit] = useState(20);
  const list = useLoad(`${project_name.value}\n${number}\n${round}\n${limit}`, (signal) => api<Page<Fingerprint>>(issues_path(`/${number}/fingerprints`), { query: { limit }, signal }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const items = list.value?.items ?? [];
  const some = items.filter((one) => chosen.includes(one.id)).map((one) => one.id);
  const turn = (id: string) => choose(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id]);
  const is_all = some.length === detail.fingerprints;
  const split = () => {
    choose([]);
    void split_issue(number, some, () => onSplit());
  };
  return (
    <section class="why" aria-label="Why this is one issue">
      <header class="row">
        <h2>Why this is one issue</h2>
        <span class="soft">{counted(detail.fingerprints, "fingerprint")}</span>
        {detail.merged_numbers.length > 0 && <span class="soft">merged into it: {detail.merged_numbers.map((one) => `#${one}`).join(", ")}</span>}
        <span class="grow" />
        {can_change.value && detail.fingerprints > 1 && (
          <button disabled={some.length === 0 || is_all} onClick={split} title={is_all ? "Leave one where it is" : ""}>
            {some.length > 0 ? `Split ${counted(some.length, "fingerprint")} off` : "Split off"}
          </button>
        )}
      </header>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      <ol class="fingerprints">
        {items.map((one) => (
          <li key={one.id} class="fingerprint">
            {can_change.value && detail.fingerprints > 1 && <input type="checkbox" aria-label={`Choose fingerprint ${one.id.slice(0, 8)}`} checked={chosen.includes(one.id)} onChange={() => turn(one.id)} />}
            <details open={param("why") === one.id} onToggle={(event) => event.currentTarget.open !== (param("why") === one.id) && change({ why: event.currentTarget.open ? one.id : param("why") === one.id ? null : param("why") }, true)}>
              <summary>
                <span class="fingerprint-by">{TIERS[one.by ?? ""] ?? "not decided yet"}</span>
                {one.score !== null && one.threshold !== null && <Score score={one.score} threshold={one.threshold} />}
                {one.is_pinned && <span class="fingerprint-pin">pinned</span>}
                <span class="told fingerprint-title">
                  <b>{one.title.slice(0, 200)}</b> {one.message.slice(0, 200)}
                </span>
                <span class="soft">
                  {counted(one.count, "event")} · <span class="told">{one.service.slice(0, 80)}</span>
                </span>
              </summary>
              <p class="told">{one.why}</p>
              {one.made_of && (
                <pre class="told made-of" tabIndex={0}>
                  {one.made_of.slice(0, 20000)}
                </pre>
              )}
              {judge_words(one.judge) && <p class="told">{judge_words(one.judge)}</p>}
              <p class="soft">
                <span class="mono">{one.id}</span> · last seen {one.last_seen ? show_time(seen_us(one.last_seen), 0, is_utc.value) : "never"} ·{" "}
                <a href={href(project_path("explore"), { sql: "1", q: `'err:${one.id}' = ANY(hashes)`, from: param("from"), to: param("to") })}>its rows</a>
              </p>
            </details>
          </li>
        ))}
      </ol>
      {list.value?.next_cursor && limit < 100 && <button onClick={() => set_limit(100)}>Show {show_whole(Math.min(100, detail.fingerprints))}</button>}
    </section>
  );
}

function Score({ score, threshold }: { score: number; threshold: number }) {
  const percent = (part: number) => `${Math.max(0, Math.min(1, part)) * 100}%`;
  return (
    <span class="score" title={`${score.toFixed(2)} alike, ${threshold.toFixed(2)} is asked for`}>
      <span class="score-bar" aria-hidden="true">
        <span style={{ width: percent(score) }} />
        <i style={{ left: percent(threshold) }} />
      </span>
      {score.toFixed(2)} <span class="soft">of {threshold.toFixed(2)}</span>
    </span>
  );
}

/* What a model said is somebody's text. */
function judge_words(judge: unknown): string {
  if (judge === null || judge === undefined) return "";
  const told = typeof judge === "string" ? judge : JSON.stringify(judge);
  return `A model was asked: ${told.slice(0, 2000)}`;
}
