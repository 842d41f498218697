/* Reports: reports (all of them), reports/12. */
import { useActs } from "../frame/acts";
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { href, project_path } from "../url";
import { ReportPage } from "./report";
import { ReportTable } from "./report_table";
import "../settings/settings.css";
import "../settings/cards.css";
import "./agents.css";

export default function View({ rest }: { rest: string }) {
  useActs({ title: "Reports", statement: undefined, is_private: true });
  if (is_guest.value) return <Empty title="Reports are for members of the project" />;
  if (/^[1-9]\d{0,11}$/.test(rest)) return <ReportPage key={rest} id={Number(rest)} />;
  if (rest !== "")
    return (
      <Empty title="There is no such report">
        <a class="button" href={href(project_path("reports"))}>
          All reports
        </a>
      </Empty>
    );
  return (
    <div class="agents">
      <header class="row">
        <h1 class="grow">Reports</h1>
        <a class="button" href={href(project_path("agents"))}>
          Agents
        </a>
      </header>
      <ReportTable limit={100} />
    </div>
  );
}
