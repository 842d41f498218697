/* The room of services: the list, the map (services/map), the page of one (services/{name}). */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { Empty, Problem, Waiting } from "../frame/state";
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
  if (rest === "map") return <Later load={load_map} />;
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

/* The map comes when it is first opened: the list is what must stand at once. */
const load_map = () => import("./map");
let map: ComponentType | undefined;
function Later({ load }: { load: typeof load_map }) {
  const [, shown] = useState(map);
  const [is_broken, set_broken] = useState(false);
  useEffect(() => {
    if (!map) load().then((module) => shown(() => (map = module.default)), () => set_broken(true));
  }, []);
  if (is_broken) return <Problem problem={new ApiProblem(0, "unreachable", "a part of the page could not be loaded: load the page anew")} />;
  const Shown = map;
  return Shown ? <Shown /> : <Waiting what="Loading" />;
}
