/* The room of errors: the list, one issue (issues/12), the rules of grouping (issues/rules) and source maps (issues/maps). */
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { href, project_path } from "../url";
import List from "./list";
import { IssuePage } from "./issue";
import { MapsPage } from "./maps";
import { OfError } from "./of_error";
import { RulesPage } from "./rules";
import "../row/row.css";
import "./issues.css";
import "./issue.css";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Issues are for members of the project">
        <p class="soft">A link shows rows and traces of its time. Who has an account sees issues too.</p>
      </Empty>
    );
  if (rest === "") return <List />;
  if (rest === "rules") return <RulesPage />;
  if (rest === "maps") return <MapsPage />;
  if (rest.startsWith("of/")) return <OfError id={rest.slice(3)} key={rest} />;
  const number = /^[1-9]\d{0,11}$/.test(rest) ? Number(rest) : 0;
  if (number === 0)
    return (
      <Empty title="There is no such issue">
        <p class="soft">Issues have numbers: issues/12.</p>
        <a class="button" href={href(project_path("issues"))}>
          All issues
        </a>
      </Empty>
    );
  return <IssuePage number={number} key={number} />;
}
