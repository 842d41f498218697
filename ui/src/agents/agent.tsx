/* One agent: what it is, run now, pause, its runs with cost and log (?run=12), its reports. */
import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { show_whole } from "../number";
import { may } from "../settings/access";
import { failed, path_of, role_here, when } from "../settings/load";
import { Cards, Sure } from "../settings/parts";
import { change, go, href, param, project_name, project_path } from "../url";
import { TEMPLATES, type Agent, type Page, type Run } from "./load";
import { ReportTable } from "./report_table";

const AGAIN_MS = 2000;

export function AgentPage({ id }: { id: number }) {
  const [round, set_round] = useState(0);
  const agent = useLoad(`${project_name.value} ${id} ${round}`, (signal) => api<Agent>(path_of(`/agents/${id}`), { signal }));
  const runs = useLoad(`${project_name.value} ${id} ${round}`, (signal) => api<Page<Run>>(path_of(`/agents/${id}/runs`), { query: { limit: 20 }, signal }));
  const is_under_way = agent.value?.is_asked === true || runs.value?.items.some((run) => run.state === "running") === true;
  useEffect(() => {
    if (!is_under_way) return;
    const timer = setTimeout(() => set_round((now) => now + 1), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [is_under_way, round, runs.value]);
  const act = async (words: string, ask: () => Promise<unknown>) => {
    try {
      await ask();
      toast(words);
    } catch (error) {
      failed(error);
    }
    set_round((now) => now + 1);
  };
  if (agent.problem) return <Problem problem={agent.problem} again={agent.again} />;
  if (!agent.value) return <Waiting what="Reading the agent" />;
  const of = agent.value;
  const path = path_of(`/agents/${id}`);
  return (
    <div class="agents">
      <header class="row">
        <h1 class="grow told">{of.name}</h1>
        {may(role_here.value, "CONTENT_WRITE") && (
          <>
            <button class="primary" disabled={is_under_way} onClick={() => void act("It runs", () => api(`${path}/run`, { method: "POST" }))}>
              {is_under_way ? "Running" : "Run now"}
            </button>
            <button onClick={() => void act(of.is_paused ? "It goes on" : "It is paused", () => api(path, { method: "PATCH", body: { is_paused: !of.is_paused } }))}>{of.is_paused ? "Go on" : "Pause"}</button>
            <a class="button" href={href(project_path(`agents/${id}/edit`))}>
              Change
            </a>
            <Sure text="Delete" label={`Delete ${of.name}`} sure="Delete it" run={() => void act("It is gone; its reports stay", () => api(path, { method: "DELETE" }).then(() => go(project_path("agents"))))} />
          </>
        )}
      </header>
      <p>
        {TEMPLATES.find((one) => one.name === of.template)?.words}. <span class="told">{of.schedule}</span>, <span class="told">{of.zone}</span>; {of.is_paused ? "paused" : `next ${when(of.next_at)}`}.
      </p>
      {of.prompt && <blockquote class="told">{of.prompt}</blockquote>}
      <section aria-label="Reports">
        <h2>Reports</h2>
        <ReportTable agent={id} limit={10} round={round} />
      </section>
      <section aria-label="Runs">
        <h2>Runs</h2>
        {runs.problem && <Problem problem={runs.problem} again={runs.again} />}
        {runs.value?.items.length === 0 && <p class="soft">It has not run yet.</p>}
        {runs.value && runs.value.items.length > 0 && <Runs runs={runs.value.items} />}
      </section>
    </div>
  );
}

function cost_words(cost: Run["cost"]): string {
  if (!cost) return "";
  const tokens = cost.input_tokens + cost.output_tokens;
  return `${show_whole(cost.queries)} queries${tokens > 0 ? `, ${show_whole(tokens)} tokens, ${(cost.cost_micros / 1e6).toFixed(4)}` : ""}${cost.rejected > 0 ? `, ${cost.rejected} rejected` : ""}`;
}

function Runs({ runs }: { runs: readonly Run[] }) {
  const open = Number(param("run"));
  return (
    <Cards label="Runs" heads={["Due", "State", "Took", "Cost", "Log"]}>
      {runs.map((run) => (
        <Fragment key={run.id}>
          <tr data-run={run.id}>
            <td data-of="Due" class="nowrap">
              {when(run.due_at)} {run.is_asked && <span class="soft">asked for</span>} {run.missed > 0 && <span class="soft">{show_whole(run.missed)} missed before</span>}
            </td>
            <td data-of="State">
              {run.state}
              {run.attempt > 1 && <span class="soft">, attempt {run.attempt}</span>} {run.why && <span class="error-text told">{run.why}</span>}
            </td>
            <td data-of="Took">{run.ended_at ? `${((Date.parse(run.ended_at) - Date.parse(run.began_at)) / 1000).toFixed(1)} s` : ""}</td>
            <td data-of="Cost">{cost_words(run.cost)}</td>
            <td>
              <button aria-expanded={open === run.id} aria-label={`Log of the run of ${when(run.due_at)}`} onClick={() => change({ run: open === run.id ? null : String(run.id) })}>
                Log
              </button>
            </td>
          </tr>
          {open === run.id && (
            <tr>
              <td colSpan={5}>
                <Log id={run.id} />
              </td>
            </tr>
          )}
        </Fragment>
      ))}
    </Cards>
  );
}

function Log({ id }: { id: number }) {
  const run = useLoad(`${project_name.value} ${id}`, (signal) => api<Schemas["AgentRunDetail"]>(path_of(`/agent-runs/${id}`), { signal }));
  if (run.problem) return <Problem problem={run.problem} again={run.again} />;
  if (!run.value) return <Waiting what="Reading the log" />;
  return (
    <pre class="agents-log told" tabIndex={0} aria-label="Log">
      {run.value.log || "It has not got so far."}
    </pre>
  );
}
