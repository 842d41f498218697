/* Tables and columns as the server lists them, and the attributes that rows have. */
import { api, query } from "../api/client";
import { project_name } from "../url";
import type { Schema } from "./complete";

export async function schema_read(signal: AbortSignal): Promise<Schema> {
  const [columns, attributes] = await Promise.all([
    query(project_name.value, "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_name IN ('otel_logs_and_spans', 'otel_metrics') ORDER BY table_name, ordinal_position", { signal, what: "the schema", is_read_only: true }),
    api<{ items: { key: string; place: string }[] }>(`/projects/${encodeURIComponent(project_name.value)}/attributes`, { query: { limit: 500 }, signal }).catch(() => ({ items: [] })),
  ]);
  return {
    columns: columns.rows.map((row) => ({ table: String(row[0]), name: String(row[1]), type: String(row[2]) })),
    attributes: [...new Set(attributes.items.filter((one) => one.place !== "resource").map((one) => one.key))].sort(),
  };
}
