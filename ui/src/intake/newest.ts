/* The newest rows that can be asked, by their own time: logs and spans, and points. */
import { query } from "../api/client";
import { from_iso } from "../time";
import { project_name } from "../url";

export interface Newest {
  table: string;
  words: string;
  at_us: number | undefined; /* undefined: none in the last day */
}
const TABLES = [
  { table: "otel_logs_and_spans", words: "Logs and spans" },
  { table: "otel_metrics", words: "Metrics" },
];
export async function newest_rows(signal: AbortSignal): Promise<Newest[]> {
  return Promise.all(
    TABLES.map(async ({ table, words }) => {
      const answer = await query(project_name.value, `SELECT timestamp FROM ${table} WHERE timestamp > now() - interval '1 day' ORDER BY timestamp DESC LIMIT 1`, { signal, what: "the newest row", is_read_only: true });
      const at = answer.rows[0]?.[0];
      return { table, words, at_us: typeof at === "string" ? from_iso(at) : undefined };
    }),
  );
}
