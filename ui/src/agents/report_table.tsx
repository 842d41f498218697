/* Reports, newest first: of one agent or of all. */
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { path_of, when } from "../settings/load";
import { Cards } from "../settings/parts";
import { href, project_name, project_path } from "../url";
import type { Page, Report } from "./load";

export function Mark({ severity }: { severity: Report["severity"] }) {
  return <span class={`agents-mark ${severity}`}>{severity}</span>;
}

export function ReportTable({ agent, limit, round = 0 }: { agent?: number; limit: number; round?: number }) {
  const reports = useLoad(`${project_name.value} ${agent ?? ""} ${limit} ${round}`, (signal) => api<Page<Report>>(path_of("/reports"), { query: { agent, limit }, signal }));
  if (reports.problem) return <Problem problem={reports.problem} again={reports.again} />;
  if (!reports.value) return <Waiting what="Reading the reports" />;
  if (reports.value.items.length === 0) return <p class="soft">No report yet: the first comes when an agent has run.</p>;
  return (
    <Cards label="Reports" heads={["Report", "Worst", "Made"]}>
      {reports.value.items.map((report) => (
        <tr key={report.id} data-report={report.id}>
          <td data-of="Report">
            <a class="told" href={href(project_path(`reports/${report.id}`))}>
              {report.title}
            </a>
          </td>
          <td data-of="Worst">
            <Mark severity={report.severity} />
          </td>
          <td data-of="Made" class="nowrap">
            {when(report.made_at)}
          </td>
        </tr>
      ))}
    </Cards>
  );
}
