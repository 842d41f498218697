/* The list: /p/{project}/incidents?state=&severity=&service=&env= */
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_live, refresh } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { ago, one_unit } from "../settings/ago";
import { when } from "../settings/load";
import { from_iso, now_us } from "../time";
import { address, change, href, param, project_name, project_path } from "../url";
import { lasted_us, list_query, SEVERITIES, STATES, type Incident } from "./incidents";
import { Mark, StateWord } from "./mark";

const PAGE = 100;
const LIVE_MS = 5000;

export function List() {
  useActs({ title: "Incidents", statement: undefined, is_private: true });
  const asked = list_query(address.value.query);
  const [limit, set_limit] = useState(PAGE);
  const [round, set_round] = useState(0);
  const box = useRef<HTMLOListElement>(null);
  const list = useLoad(`${project_name.value} ${JSON.stringify(asked)} ${limit} ${round}`, (signal) =>
    api<{ items: Incident[]; next_cursor: string | null }>(`/projects/${encodeURIComponent(project_name.value)}/incidents`, { query: { ...asked, limit }, signal }),
  );
  useEffect(() => {
    const timer = setInterval(() => set_round((n) => n + 1), is_live.value ? LIVE_MS : 30000);
    return () => clearInterval(timer);
  }, [is_live.value]);
  const step = (by: number) => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("a") ?? [])];
    all[Math.min(all.length - 1, Math.max(0, all.indexOf(document.activeElement as HTMLElement) + by))]?.focus();
  };
  useKeys([
    { keys: "j", text: "Next incident", group: "Incidents", run: () => step(1) },
    { keys: "k", text: "Incident before", group: "Incidents", run: () => step(-1) },
    { keys: "r", text: "Read anew", group: "Incidents", run: () => (set_round((n) => n + 1), refresh()) },
  ]);
  const rows = list.value?.items ?? [];
  return (
    <div class="incidents">
      <header class="row incidents-head">
        <h1>Incidents</h1>
        <span class="grow" />
        <select aria-label="State" value={asked["state"]} onChange={(event) => change({ state: event.currentTarget.value === "not_resolved" ? null : event.currentTarget.value })}>
          {STATES.map((one) => (
            <option key={one.name} value={one.name}>
              {one.title}
            </option>
          ))}
        </select>
        <select aria-label="At least as bad as" value={param("severity")} onChange={(event) => change({ severity: event.currentTarget.value || null })}>
          <option value="">Any severity</option>
          {SEVERITIES.slice(1).map((one) => (
            <option key={one} value={one}>
              {one === "critical" ? "Critical" : "Warning or worse"}
            </option>
          ))}
        </select>
        <input type="search" aria-label="Service" placeholder="Service" value={param("service")} onChange={(event) => change({ service: event.currentTarget.value.trim() || null })} />
      </header>
      {list.problem ? (
        <Problem problem={list.problem} again={list.again} />
      ) : !list.value ? (
        <Waiting what="Reading the incidents" />
      ) : rows.length === 0 ? (
        <Nothing is_narrow={asked["state"] !== "not_resolved" || !!asked["severity"] || !!asked["service"] || !!asked["environment"]} />
      ) : (
        <>
          <p class="unseen" role="status">{`${rows.length} incidents`}</p>
          <ol class="incident-list" aria-label="Incidents" ref={box}>
            {rows.map((one) => (
              <Line key={one.number} incident={one} />
            ))}
          </ol>
          {list.value.next_cursor && limit < 1000 && <button onClick={() => set_limit(1000)}>Show more</button>}
        </>
      )}
    </div>
  );
}

function Nothing({ is_narrow }: { is_narrow: boolean }) {
  return (
    <Empty title={is_narrow ? "No incident is like that" : "Nothing is wrong that we know of"}>
      <p class="soft">Findings and monitors that say the same of one service, or of its neighbours, become an incident here.</p>
      <div class="row">
        {is_narrow && <button onClick={() => change({ state: "all", severity: null, service: null, env: null })}>All incidents</button>}
        <a class="button" href={href(project_path("settings/channels"))}>
          Who is told
        </a>
      </div>
    </Empty>
  );
}

function Line({ incident }: { incident: Incident }) {
  const lasts = one_unit(lasted_us(incident, from_iso, now_us()));
  return (
    <li class="incident-line" data-number={incident.number} data-state={incident.state}>
      <Mark severity={incident.state === "resolved" ? incident.worst : incident.severity} />
      <a class="incident-main" href={href(project_path(`incidents/${incident.number}`))}>
        <b class="told">{incident.title}</b>
        <span class="soft incident-under">
          <span>#{incident.number}</span>
          {incident.service && <span class="told">{incident.service}</span>}
          {incident.environment && <span class="told">{incident.environment}</span>}
          <span>{incident.signal_count === 1 ? "1 signal" : `${incident.signal_count} signals`}</span>
          {incident.is_quiet && <span>quiet</span>}
          {incident.muted_until && <span>muted</span>}
        </span>
      </a>
      <StateWord incident={incident} />
      <span class="soft incident-time" title={when(incident.first_at)}>
        {ago(incident.first_at)}
        {incident.ended_at && `, for ${lasts}`}
      </span>
    </li>
  );
}
