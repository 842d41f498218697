/* The rows of a live tail, newest first: those in the table, those that wait while it is paused, and what is not shown.
 *
 *   stream --add--> [pending, while it is paused] --resume--> [rows, the newest LIVE_ROWS_MAX]
 *
 * shown + pending + not_shown = matched, at the server's last word: not_shown is what the server dropped because we read too
 * slowly, and what did not fit into pending. Rows that were read before (a stream that goes on after a break) count once.
 */
import type { Cell, Schemas } from "../../api/client";
import { row_from, type Row } from "../rows";
import { ROW_FIELDS } from "../statement";

export const LIVE_ROWS_MAX = 5000;
export type TailRow = Schemas["TailRow"];
export type TailRate = Schemas["TailRate"];

const SENT_AS: { readonly [name in (typeof ROW_FIELDS)[number]]: keyof TailRow } = {
  id: "id",
  timestamp: "timestamp",
  kind: "kind",
  level: "level",
  resource___service___name: "service",
  name: "name",
  status_code: "status",
  duration: "duration_ns",
  context___trace_id: "trace_id",
  context___span_id: "span_id",
  body: "body",
  status_message: "status_message",
};
export function row_of_tail(sent: TailRow): Row {
  return row_from([...ROW_FIELDS.map((name) => (sent[SENT_AS[name]] ?? null) as Cell), ...((sent.cols ?? []) as Cell[])]);
}

export class LiveList {
  rows: Row[] = [];
  pending: Row[] = [];
  shown = 0;
  dropped = 0; /* by the server */
  discarded = 0; /* by us, while it was paused */
  rate: TailRate = { matched: 0, dropped: 0, skipped: 0, per_second: 0 };
  private ids = new Set<string>();

  /* In the order they came. */
  add(sent: readonly TailRow[], is_paused: boolean): void {
    const fresh: Row[] = [];
    for (const one of sent) {
      if (this.ids.has(one.id)) continue;
      this.ids.add(one.id);
      fresh.push(row_of_tail(one));
    }
    fresh.reverse();
    if (is_paused) {
      this.pending = this.cut([...fresh, ...this.pending], (count) => (this.discarded += count));
    } else this.show(fresh);
  }

  resume(): void {
    const waiting = this.pending;
    this.pending = [];
    this.show(waiting);
  }

  /* Below what came: rows that were there before, as SQL gave them. */
  with_older(older: readonly Row[]): Row[] {
    if (this.rows.length === 0) return [...older];
    return [...this.rows, ...older.filter((row) => !this.ids.has(row.id))].slice(0, LIVE_ROWS_MAX);
  }

  get not_shown(): number {
    return this.dropped + this.discarded;
  }

  private show(rows: readonly Row[]): void {
    this.shown += rows.length;
    this.rows = this.cut([...rows, ...this.rows], () => undefined);
  }

  private cut(rows: Row[], tell: (count: number) => void): Row[] {
    if (rows.length <= LIVE_ROWS_MAX) return rows;
    const gone = rows.splice(LIVE_ROWS_MAX);
    for (const row of gone) this.ids.delete(row.id);
    tell(gone.length);
    return rows;
  }
}
