/* The kind "difference": what sets the part that was chosen (`sel` of the address) apart from all other rows of the range. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { running } from "../api/running";
import { useActs } from "../frame/acts";
import { Empty, Problem, Waiting } from "../frame/state";
import { show_count, show_whole } from "../number";
import { to_iso } from "../time";
import { change, param } from "../url";
import { Warnings } from "./chart_parts";
import { condition_of, groups_of, show_share, term_of, words_of, type Finding, type Group } from "./difference";
import { field_of, type Catalog } from "./fields";
import type { KindProps } from "./kinds";
import { OF_FIRST } from "./measure";
import { split_terms } from "./search";
import { selection_condition, selection_read } from "./selection";
import { rows_statement } from "./statement";

type Answer = Schemas["Difference"];

export default function DifferenceKind({ project, catalog, scope, asked }: KindProps) {
  const selection = selection_read(param("sel"));
  const where = selection ? selection_condition(selection, field_of(catalog, param("of") || OF_FIRST)) : "";
  useActs({ title: "Selected rows", ...(asked === null || !where ? { statement: undefined } : { statement: rows_statement({ ...scope, where: both(scope.where, where) }, []), whole: rows_statement({ ...scope, where: both(scope.where, where) }, [], undefined, 0) }) });
  const answer = useLoad(asked && where ? `${asked}\n${where}` : null, async (signal) => {
    const end = new AbortController();
    signal.addEventListener("abort", () => end.abort());
    const entry = running.begin("what is different", () => end.abort());
    try {
      return await api<Answer>(`/projects/${encodeURIComponent(project)}/difference`, {
        method: "POST",
        body: { rows: { from: to_iso(scope.range.from_us), to: to_iso(scope.range.to_us), ...(scope.where ? { where: scope.where } : {}) }, selection: { where } },
        signal: end.signal,
      });
    } finally {
      running.finish(entry);
    }
  });
  if (!selection)
    return (
      <Empty title="What is different here?">
        <p class="soft">Choose a part first: drag with Shift over the bars above, or a box on the heat map. What sets its rows apart from all others is listed here.</p>
        <button class="primary" onClick={() => change({ viz: "heat" })}>
          To the heat map
        </button>
      </Empty>
    );
  if (answer.problem) return <Problem problem={answer.problem} again={answer.again} />;
  if (!answer.value) return asked === null ? null : <Waiting what="Comparing" />;
  return <Shown answer={answer.value} catalog={catalog} is_loading={answer.is_loading} />;
}

function both(a: string, b: string): string {
  return a ? `(${a}) AND ${b}` : b;
}

function Shown({ answer, catalog, is_loading }: { answer: Answer; catalog: Catalog; is_loading: boolean }) {
  const groups = groups_of(answer.findings);
  const sides = { in: answer.in, out: answer.out };
  return (
    <div class="difference" aria-busy={is_loading}>
      <p class="soft" role="status">
        <b>{show_whole(sides.in.rows)}</b> rows chosen, <b>{show_whole(sides.out.rows)}</b> others; {show_whole(answer.attribute_count)} attributes compared in {answer.duration_ms.toFixed(0)} ms.
        {(sides.in.rows_read < sides.in.rows || sides.out.rows_read < sides.out.rows) && ` By a sample of ${show_whole(sides.in.rows_read)} and ${show_whole(sides.out.rows_read)} rows: counts are estimates.`}
        {answer.is_cut && " Some values were left out: there are very many."}
      </p>
      <Warnings list={answer.warnings} />
      {sides.in.rows === 0 || sides.out.rows === 0 ? (
        <Empty title={sides.in.rows === 0 ? "No row is chosen" : "There is nothing to compare with"}>
          <p class="soft">{sides.in.rows === 0 ? "The part that was chosen has no rows of what is asked for." : "All rows of the range are chosen: widen the time, or choose a smaller part."}</p>
        </Empty>
      ) : groups.length === 0 ? (
        <Empty title="Nothing stands out">
          <p class="soft">No attribute or value is met more often in the rows that were chosen than chance explains.</p>
        </Empty>
      ) : (
        <>
          <p class="difference-legend" aria-hidden="true">
            <span class="difference-mark in" /> of the chosen rows <span class="difference-mark out" /> of the others
          </p>
          <ol class="difference-list">
            {groups.map((group) => (
              <Entry key={`${group.best.field}${group.best.kind}${group.best.value}`} group={group} catalog={catalog} />
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function Entry({ group, catalog }: { group: Group; catalog: Catalog }) {
  const [is_open, open] = useState(false);
  return (
    <li>
      <Line finding={group.best} catalog={catalog} />
      {group.same.length > 0 && (
        <button class="plain difference-more" aria-expanded={is_open} onClick={() => open(!is_open)}>
          {is_open ? "▾" : "▸"} {group.same.length} more about the same rows
        </button>
      )}
      {is_open && (
        <ul class="difference-list same">
          {group.same.map((finding) => (
            <li key={`${finding.field}${finding.kind}${finding.value}`}>
              <Line finding={finding} catalog={catalog} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function Line({ finding, catalog }: { finding: Finding; catalog: Catalog }) {
  const words = words_of(finding);
  const told = `${words.field} ${words.value}`;
  return (
    <div class="difference-line">
      <div class="difference-words">
        <span class="soft told ellipsis">{words.field}</span> <span class={finding.kind === "absent" ? "told" : "told mono difference-value"}>{words.value || '""'}</span>
      </div>
      <div class="difference-bars" role="img" aria-label={`${show_share(finding.in_share)} of the chosen rows, ${show_share(finding.out_share)} of the others`}>
        <Bar side="in" share={finding.in_share} count={finding.in_count} />
        <Bar side="out" share={finding.out_share} count={finding.out_count} />
      </div>
      <div class="row difference-acts">
        <button aria-label={`Only ${told}`} title="Only these rows" onClick={() => filter(finding, catalog, false)}>
          Only
        </button>
        <button aria-label={`Without ${told}`} title="All but these rows" onClick={() => filter(finding, catalog, true)}>
          Without
        </button>
      </div>
    </div>
  );
}

function Bar({ side, share, count }: { side: "in" | "out"; share: number; count: number }) {
  return (
    <div class="difference-bar">
      <span class="difference-track">
        <span class={`difference-fill ${side}`} style={{ width: `${Math.max(share * 100, share > 0 ? 0.5 : 0)}%` }} />
      </span>
      <span class="difference-share">{show_share(share)}</span> <span class="soft">{show_count(count)}</span>
    </div>
  );
}

/* Into what is asked for; then its rows are shown, of the whole range. */
function filter(finding: Finding, catalog: Catalog, is_excluded: boolean): void {
  const q = param("q");
  if (param("sql") === "1") {
    const text = condition_of(finding, catalog, is_excluded);
    change({ q: q ? `(${q}) AND ${text}` : text, viz: null, sel: null });
    return;
  }
  const term = term_of(finding, is_excluded);
  change({ q: [...split_terms(q).filter((word) => word !== term && word !== term_of(finding, !is_excluded)), term].join(" "), viz: null, sel: null });
}
