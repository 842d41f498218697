/* Recordings by the API: the list, one, its events a segment after the other. */
import { api, query, type Schemas } from "../api/client";
import { quoted } from "../explore/fields";
import { path_of } from "../settings/load";
import { from_iso, to_iso } from "../time";
import { project_name } from "../url";
import type { Batch } from "./shape";

export type Session = Schemas["Replay"];
export type SessionDetail = Schemas["ReplayDetail"];

export interface Asked {
  from: string;
  to: string;
  user?: string;
  page_url?: string;
  service?: string;
  environment?: string;
  session?: string;
  has_errors?: string;
  has_rage_clicks?: string;
  min_seconds?: string;
  limit?: number;
}
export async function load_sessions(asked: Asked, signal?: AbortSignal): Promise<{ items: Session[]; next_cursor: string | null }> {
  return api(path_of("/replays"), { query: { ...asked }, signal });
}
export async function load_session(session: string, signal: AbortSignal): Promise<SessionDetail> {
  return api(path_of(`/replays/${encodeURIComponent(session)}`), { signal });
}
export async function load_segment(session: string, name: string, signal: AbortSignal): Promise<Batch[]> {
  const answer = await api<{ batches: unknown[] }>(path_of(`/replays/${encodeURIComponent(session)}/segments/${encodeURIComponent(name)}`), { signal });
  return answer.batches.filter((one): one is Batch => typeof one === "object" && one !== null && Array.isArray((one as Batch).events) && ((one as Batch).sequence === undefined || Number.isInteger((one as Batch).sequence)));
}
export async function delete_session(session: string): Promise<void> {
  return api(path_of(`/replays/${encodeURIComponent(session)}`), { method: "DELETE" });
}
/* All of a user's: a thousand at a time, until none is left. */
export async function delete_user(user: string): Promise<number> {
  let count = 0;
  for (;;) {
    const answer = await api<Schemas["ReplaysDeleted"]>(path_of("/replays"), { method: "DELETE", query: { user } });
    count += answer.deleted;
    if (!answer.has_more) return count;
  }
}

/* Is there one of this session? Some hours around the moment are looked through. */
const AROUND_US = 6 * 3600e6;
export async function has_replay(session: string, at_us: number, signal: AbortSignal): Promise<boolean> {
  const found = await load_sessions({ session, from: to_iso(at_us - AROUND_US), to: to_iso(at_us + AROUND_US), limit: 1 }, signal);
  return found.items.length > 0;
}

/* ---- what the backend did meanwhile ---- */

export interface Beside {
  at_ms: number;
  is_log: boolean;
  trace_id: string;
  span_id: string;
  service: string;
  title: string;
  level: string;
  duration_ms: number;
}
const BESIDE_MAX = 5000;
const MARGIN_US = 60e6;
export async function load_beside(session: SessionDetail, signal: AbortSignal): Promise<Beside[]> {
  const [from, to] = [to_iso(from_iso(session.from) - MARGIN_US), to_iso(from_iso(session.to) + MARGIN_US)];
  const table = await query(
    project_name.value,
    `SELECT (extract(epoch FROM timestamp) * 1000000)::bigint, kind, context___trace_id, context___span_id, resource___service___name, name, level, status_code, duration, body
FROM otel_logs_and_spans
WHERE attributes___session___id = ${quoted(session.session)} AND timestamp >= ${quoted(from)} AND timestamp < ${quoted(to)}
ORDER BY timestamp LIMIT ${BESIDE_MAX}`,
    { limit: BESIDE_MAX, signal, what: "what the backend did" },
  );
  const text = (cell: unknown) => (typeof cell === "string" ? cell : cell === null || cell === undefined ? "" : JSON.stringify(cell));
  return table.rows.map((row) => {
    const is_log = row[1] === "log";
    return { at_ms: Number(row[0]) / 1e3, is_log, trace_id: text(row[2]), span_id: text(row[3]), service: text(row[4]), title: is_log ? text(row[9]) || text(row[5]) : text(row[5]), level: row[7] === "ERROR" ? "error" : text(row[6]).toLowerCase(), duration_ms: Number(row[8] ?? 0) / 1e6 };
  });
}
