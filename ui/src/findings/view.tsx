/* The room of findings: the list (state=all: also those that are over), one of them (findings/12). */
import { useMemo } from "preact/hooks";
import { AlertTabs } from "../alerts/tabs";
import { api, query } from "../api/client";
import { useLoad } from "../api/load";
import { looks_of } from "../charts/colours";
import { Legend } from "../charts/legend";
import { TimeChart } from "../charts/time_chart";
import { useActs } from "../frame/acts";
import { range_zoom } from "../frame/range";
import { sql_open } from "../frame/sql_open";
import { Empty, Problem, Waiting } from "../frame/state";
import { Mark } from "../incidents/mark";
import "../incidents/incidents.css";
import { metric_href } from "../metrics/paths";
import { is_guest } from "../session";
import { service_segment } from "../services/services";
import { ago } from "../settings/ago";
import { path_of, when } from "../settings/load";
import { from_iso } from "../time";
import { address, change, href, param, project_name, project_path } from "../url";
import { CauseList } from "./causes_list";
import { drawn_of, KIND_TITLES, lines_query, list_query, type Finding } from "./findings";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Findings are for members of the project">
        <p class="soft">A link shows rows and traces of its time.</p>
      </Empty>
    );
  const number = /^[1-9]\d{0,11}$/.test(rest) ? Number(rest) : 0;
  return (
    <div class="alerts-room">
      <AlertTabs here="findings" />
      {number > 0 ? <One number={number} key={number} /> : <List />}
    </div>
  );
}

function List() {
  useActs({ title: "Findings", statement: undefined, is_private: true });
  const asked = list_query(address.value.query);
  const list = useLoad(`${project_name.value} ${JSON.stringify(asked)}`, (signal) => api<{ items: Finding[] }>(path_of("/findings"), { query: { ...asked, limit: 200 }, signal }));
  const is_all = param("state") === "all";
  return (
    <div class="incidents">
      <header class="row incidents-head">
        <h1>Findings</h1>
        <span class="grow" />
        <select aria-label="Which" value={is_all ? "all" : ""} onChange={(event) => change({ state: event.currentTarget.value || null })}>
          <option value="">That go on</option>
          <option value="all">All</option>
        </select>
        <input type="search" aria-label="Service" placeholder="Service" value={param("service")} onChange={(event) => change({ service: event.currentTarget.value.trim() || null })} />
      </header>
      {list.problem ? (
        <Problem problem={list.problem} again={list.again} />
      ) : !list.value ? (
        <Waiting what="Reading the findings" />
      ) : list.value.items.length === 0 ? (
        <Empty title={is_all ? "Nothing unusual was found" : "Nothing unusual goes on"}>
          <p class="soft">Each minute rows, errors and durations of every service and endpoint are compared with their own past, and so are metrics; errors and log patterns that are new are looked for. The first day is for learning.</p>
          {!is_all && <button onClick={() => change({ state: "all" })}>All findings</button>}
        </Empty>
      ) : (
        <ol class="incident-list" aria-label="Findings">
          {list.value.items.map((one) => (
            <Line key={one.number} finding={one} />
          ))}
        </ol>
      )}
    </div>
  );
}

function Line({ finding }: { finding: Finding }) {
  return (
    <li class="incident-line" data-number={finding.number}>
      <Mark severity={finding.severity} />
      <a class="incident-main" href={href(project_path(`findings/${finding.number}`))}>
        <b class="told">{finding.title}</b>
        <span class="soft incident-under">
          <span>#{finding.number}</span>
          <span>{KIND_TITLES[finding.kind]}</span>
          {finding.incident && <span>incident #{finding.incident}</span>}
          {finding.cause && <span class="told">likely {finding.cause}</span>}
        </span>
      </a>
      <span class="incident-state" data-state={finding.ended_at ? "resolved" : "open"}>
        {finding.ended_at ? (finding.is_accepted ? "the new usual" : "over") : "goes on"}
      </span>
      <span class="soft incident-time" title={when(finding.since)}>
        {ago(finding.since)}
      </span>
    </li>
  );
}

function One({ number }: { number: number }) {
  const read = useLoad(`${project_name.value} finding ${number}`, (signal) => api<Finding>(path_of(`/findings/${number}`), { signal }));
  useActs({ title: `Finding ${number}`, statement: read.value?.statement, is_private: true });
  if (read.problem) return <Problem problem={read.problem} again={read.again} />;
  if (!read.value) return <Waiting what="Reading the finding" />;
  const finding = read.value;
  const lines = lines_query(finding);
  return (
    <div class="incidents">
      <header class="row incidents-head">
        <Mark severity={finding.severity} />
        <h1 class="told">{finding.title}</h1>
      </header>
      <p class="told incident-text">{finding.text}</p>
      {finding.account && <Account account={finding.account} />}
      <Shown finding={finding} />
      {finding.causes && finding.causes.causes.length > 0 && <CauseList causes={finding.causes} />}
      <div class="row">
        {finding.incident && (
          <a class="button" href={href(project_path(`incidents/${finding.incident}`))}>
            Incident #{finding.incident}
          </a>
        )}
        {finding.issue && (
          <a class="button" href={href(project_path(`issues/${finding.issue}`))}>
            Issue #{finding.issue}
          </a>
        )}
        {finding.metric && (
          <a class="button" href={metric_href(finding.metric)}>
            Metric
          </a>
        )}
        {lines && (
          <a class="button" href={href(project_path("explore"), lines)}>
            Its lines
          </a>
        )}
        {finding.service && (
          <a class="button" href={href(project_path(`services/${service_segment(finding.service)}`))}>
            Service {finding.service}
          </a>
        )}
        <button onClick={() => sql_open(finding.statement)}>Open as SQL</button>
      </div>
    </div>
  );
}

/* What a language model says of it, with what each sentence stands on: text, as models' words are. */
function Account({ account }: { account: NonNullable<Finding["account"]> }) {
  return (
    <section class="finding-account" aria-label="In words">
      {account.sentences.map((sentence) => (
        <p class="told" key={sentence.text}>
          {sentence.text} <span class="soft">({sentence.evidence.join(", ")})</span>
        </p>
      ))}
      <p class="soft">By {account.model}, from the finding and its likely causes; figures and names were checked against them, conclusions were not.</p>
    </section>
  );
}

/* What its statement gives, beside what was expected. */
function Shown({ finding }: { finding: Finding }) {
  const rows = useLoad(`${project_name.value} ${finding.statement}`, (signal) => query(project_name.value, finding.statement, { limit: 5000, signal, what: finding.title }));
  const data = useMemo(() => rows.value && drawn_of(finding, rows.value.rows), [rows.value, finding]);
  if (rows.problem) return <Problem problem={rows.problem} again={rows.again} />;
  if (!data) return <Waiting what="Reading its rows" />;
  const looks = looks_of(data.series, "").map((look, at) => ({ ...look, pattern: data.series[at]?.name === "seen" ? 0 : look.pattern || 1 })); /* what was seen is the whole line */
  const marks = [{ t_us: from_iso(finding.since), text: "since" }, ...(finding.ended_at ? [{ t_us: from_iso(finding.ended_at), text: "until" }] : [])];
  return (
    <section aria-label="What was seen">
      <TimeChart label={finding.title} data={data} looks={looks} shape="line" height={260} marks={marks} onZoom={range_zoom} />
      <Legend data={data} looks={looks} is_line />
    </section>
  );
}
