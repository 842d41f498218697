/* One report: what was found, what it stands on. ?evidence=E3 shows what a tool answered. */
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { Legend } from "../charts/legend";
import { TimeChart } from "../charts/time_chart";
import { Problem, Waiting } from "../frame/state";
import { path_of, when } from "../settings/load";
import { change, go, href, param, project_name, project_path } from "../url";
import { to_iso } from "../time";
import type { ReportDetail, Section } from "./load";
import { series_of } from "./report_series";
import { Mark } from "./report_table";

export function ReportPage({ id }: { id: number }) {
  const report = useLoad(`${project_name.value} ${id}`, (signal) => api<ReportDetail>(path_of(`/reports/${id}`), { signal }));
  if (report.problem) return <Problem problem={report.problem} again={report.again} />;
  if (!report.value) return <Waiting what="Reading the report" />;
  const { content, ...head } = report.value;
  return (
    <article class="agents agents-report">
      <header>
        <h1 class="told">{head.title}</h1>
        <p class="soft">
          <Mark severity={head.severity} /> {when(head.from)} to {when(head.to)}, made {when(head.made_at)}
          {head.agent && (
            <>
              {" by "}
              <a class="told" href={href(project_path(`agents/${head.agent_id}`), { run: String(head.run_id) })}>
                {head.agent}
              </a>
            </>
          )}
        </p>
      </header>
      <p class="told agents-summary">{content.summary}</p>
      {content.by === "model" && <p class="soft">Written by {content.model}; its figures and names were looked up in the evidence.</p>}
      {content.problem && <p class="warning told">Without the language model: {content.problem}</p>}
      <Findings content={content} />
      {content.sections.map((section, at) => (
        <Part key={at} section={section} />
      ))}
      <Evidence content={content} />
    </article>
  );
}

function Cited({ ids }: { ids: readonly string[] }) {
  return (
    <>
      {ids.map((id) => (
        <a key={id} class="agents-cited" href={`${href(window.location.pathname, { evidence: id })}#${id}`} onClick={(event) => (event.preventDefault(), change({ evidence: id }), document.getElementById(id)?.scrollIntoView())}>
          {id}
        </a>
      ))}
    </>
  );
}

function Findings({ content }: { content: ReportDetail["content"] }) {
  return (
    <section aria-label="Findings">
      <h2>Findings</h2>
      {content.findings.length === 0 && <p class="soft">None.</p>}
      <ul class="agents-findings">
        {content.findings.map((finding, at) => (
          <li key={at}>
            <Mark severity={finding.severity} /> {finding.path ? <a class="told" href={project_path(finding.path)}>{finding.text}</a> : <span class="told">{finding.text}</span>} <Cited ids={finding.evidence} />
          </li>
        ))}
      </ul>
      {content.rejected.length > 0 && (
        <details>
          <summary>{content.rejected.length} rejected: the model said what its evidence does not</summary>
          <ul class="agents-findings">
            {content.rejected.map((one, at) => (
              <li key={at}>
                <s class="told">{one.text}</s> <span class="soft told">{one.why}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Part({ section }: { section: Section }) {
  if (section.kind === "table" && (section.rows?.length ?? 0) === 0) return null;
  return (
    <section aria-label={section.heading}>
      <h2>
        <span class="told">{section.heading}</span> <Cited ids={section.evidence} />
      </h2>
      {section.kind === "note" && <p class="told">{section.text}</p>}
      {section.kind === "chart" && <Chart section={section} />}
      {section.kind === "table" && (
        <div class="agents-table" role="region" aria-label={section.heading} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {section.columns?.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {section.rows?.map((row, r) => (
                <tr key={r}>
                  {row.map((cell, c) => (
                    <td key={c} class="told">
                      {c === 0 && section.paths?.[r] ? <a href={project_path(section.paths[r] ?? "")}>{cell || "(none)"}</a> : cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Chart({ section }: { section: Section }) {
  const data = series_of(section);
  if (!data) return <p class="soft">Nothing to draw.</p>;
  const looks = data.series.map((_, at) => ({ token: at === 0 ? "--series-0" : "--level-error", pattern: at === 0 ? 0 : 1 }));
  const zoom = (from_us: number, to_us: number) => go(project_path("explore"), { from: to_iso(from_us), to: to_iso(to_us) });
  return (
    <>
      <TimeChart label={section.heading} data={data} looks={looks} shape={section.form === "bars" ? "bars" : "line"} height={180} onZoom={zoom} />
      {data.series.length > 1 && <Legend data={data} looks={looks} onLight={() => undefined} onChoose={() => undefined} />}
    </>
  );
}

function Evidence({ content }: { content: ReportDetail["content"] }) {
  const open = param("evidence");
  return (
    <section aria-label="Evidence">
      <h2>What it looked at</h2>
      {content.evidence.map((one) => (
        <details key={one.id} id={one.id} open={open === one.id}>
          <summary>
            {one.id} {one.tool} {one.is_error && <span class="error-text">failed</span>} <span class="soft">{one.ms} ms</span>
          </summary>
          <pre class="agents-log told" tabIndex={0} aria-label={`${one.id}: what was asked`}>
            {one.arguments}
          </pre>
          <pre class="agents-log told" tabIndex={0} aria-label={`${one.id}: the answer`}>
            {one.answer}
            {one.is_cut && " ... (cut)"}
          </pre>
        </details>
      ))}
    </section>
  );
}
