/* The room of recordings: the sessions, one of them (replays/SESSION?tab=&at=). */
import { Empty } from "../frame/state";
import { is_guest } from "../session";
import { List } from "./list";
import { PlayerPage } from "./player";
import "./replays.css";

export default function View({ rest }: { rest: string }) {
  if (is_guest.value)
    return (
      <Empty title="Replays are for members of the project">
        <p class="soft">A link shows rows and traces of its time.</p>
      </Empty>
    );
  const session = decodeURIComponent(rest);
  return session === "" ? <List /> : <PlayerPage session={session} key={session} />;
}
