/* The room of incidents: the list, one incident (incidents/12). */
import { AlertTabs } from "../alerts/tabs";
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { href, project_path } from "../url";
import { IncidentPage } from "./incident";
import { List } from "./list";
import "./incidents.css";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Incidents are for members of the project">
        <p class="soft">A link shows rows and traces of its time.</p>
      </Empty>
    );
  const number = /^[1-9]\d{0,11}$/.test(rest) ? Number(rest) : 0;
  return (
    <div class="alerts-room">
      <AlertTabs here="incidents" />
      {rest === "" ? (
        <List />
      ) : number > 0 ? (
        <IncidentPage number={number} key={number} />
      ) : (
        <Empty title="There is no such incident">
          <p class="soft">Incidents have numbers: incidents/12.</p>
          <a class="button" href={href(project_path("incidents"))}>
            All incidents
          </a>
        </Empty>
      )}
    </div>
  );
}
