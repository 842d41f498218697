/* The room of services: the list, the map (services/map), the page of one (services/{name}). */
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { href, project_path } from "../url";
import { kept } from "./kept";
import List from "./list";
import { ServicePage } from "./page";
import { service_of_rest } from "./services";
import "./services.css";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Services are for members of the project">
        <p class="soft">A link shows rows and traces of its time. Who has an account sees services too.</p>
      </Empty>
    );
  if (rest === "") return <List />;
  const name = service_of_rest(rest);
  if (name) return <ServicePage name={name} key={name} />;
  return (
    <Empty title="There is no such page">
      <p class="soft told">{rest.slice(0, 200)}</p>
      <a class="button" href={href(project_path("services"), kept())}>
        All services
      </a>
    </Empty>
  );
}
