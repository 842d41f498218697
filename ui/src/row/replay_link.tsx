/* From a row to the moment in the recording of its session: only where there is one. */
import type { Cell } from "../api/client";
import { useLoad } from "../api/load";
import { has_replay } from "../replays/load";
import { is_guest } from "../session";
import { from_iso } from "../time";
import { href, project_name, project_path } from "../url";
import { flat } from "./flat";

const SESSION = /^[A-Za-z0-9_-]{1,64}$/;
function session_of(row: Record<string, Cell>): string {
  return flat(row["attributes"]).find((one) => one.name === "session.id")?.value ?? "";
}

/* is_button: it stands among buttons. */
export function ReplayAt({ session, at_us, is_button = false }: { session: string; at_us: number; is_button?: boolean }) {
  const found = useLoad(!is_guest.value && SESSION.test(session) && at_us > 0 ? `${project_name.value} ${session} ${at_us}` : null, (signal) => has_replay(session, at_us, signal));
  if (!found.value) return null;
  return (
    <a class={is_button ? "button replay-link" : "replay-link"} href={href(project_path(`replays/${session}`), { at: String(Math.floor(at_us / 1e3)) })}>
      Replay
    </a>
  );
}

export function ReplayLink({ row }: { row: Record<string, Cell> }) {
  return <ReplayAt session={session_of(row)} at_us={from_iso(String(row["timestamp"] ?? ""))} is_button />;
}
