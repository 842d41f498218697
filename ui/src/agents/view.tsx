/* The room of agents: agents (the list, and what they found last), agents/new, agents/7 (its runs and reports), agents/7/edit. */
import { useActs } from "../frame/acts";
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { href, project_path } from "../url";
import { AgentPage } from "./agent";
import { Editor } from "./editor";
import List from "./list";
import "../settings/settings.css";
import "../settings/cards.css";
import "./agents.css";

export default function View({ rest }: { rest: string }) {
  useActs({ title: "Agents", statement: undefined, is_private: true });
  if (is_guest.value) return <Empty title="Agents are for members of the project" />;
  const found = /^([1-9]\d{0,11})(\/edit)?$/.exec(rest);
  if (rest === "") return <List />;
  if (rest === "new") return <Editor />;
  if (found?.[2]) return <Editor key={rest} id={Number(found[1])} />;
  if (found) return <AgentPage key={rest} id={Number(found[1])} />;
  return (
    <Empty title="There is no such agent">
      <a class="button" href={href(project_path("agents"))}>
        All agents
      </a>
    </Empty>
  );
}
