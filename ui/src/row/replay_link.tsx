/* From a row to the moment in the recording of its session: only where there is one. */
import type { Cell } from "../api/client";
import { useLoad } from "../api/load";
import { has_replay } from "../replays/load";
import { is_guest } from "../session";
import { from_iso } from "../time";
import { href, project_name, project_path } from "../url";
import { flat } from "./flat";

export function session_of(row: Record<string, Cell>): string {
  const told = flat(row["attributes"]).find((one) => one.name === "session.id")?.value ?? "";
  return /^[A-Za-z0-9_-]{1,64}$/.test(told) ? told : "";
}

export function ReplayLink({ row }: { row: Record<string, Cell> }) {
  const session = is_guest.value ? "" : session_of(row);
  const at_us = from_iso(String(row["timestamp"] ?? ""));
  const found = useLoad(session && at_us > 0 ? `${project_name.value} ${session} ${at_us}` : null, (signal) => has_replay(session, at_us, signal));
  if (!found.value || !session) return null;
  return (
    <a class="button replay-link" href={href(project_path(`replays/${session}`), { at: String(Math.floor(at_us / 1e3)) })}>
      Replay
    </a>
  );
}
