/* The room of monitors: the list, one of them (monitors/web-errors), its form (monitors/new, monitors/web-errors/edit). */
import { AlertTabs } from "../alerts/tabs";
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { Editor } from "./editor";
import { List } from "./list";
import { MonitorPage } from "./monitor";
import "./monitors.css";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Monitors are for members of the project">
        <p class="soft">A link shows rows and traces of its time.</p>
      </Empty>
    );
  const [slug = "", what = ""] = rest.split("/").map(decodeURIComponent);
  return (
    <div class="monitors-room">
      <AlertTabs here="monitors" />
      {slug === "" ? <List /> : slug === "new" ? <Editor key="new" /> : what === "edit" ? <Editor slug={slug} key={`${slug} edit`} /> : <MonitorPage slug={slug} key={slug} />}
    </div>
  );
}
