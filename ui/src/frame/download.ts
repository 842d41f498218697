/* A statement's rows as a file: a link that the browser follows, so that it writes to its disk while the server sends, shows how
 * far it is, and can end it; the page holds nothing of it. */
import type { Range } from "../time";

export const FORMATS: readonly { name: string; text: string; keys: string }[] = [
  { name: "csv", text: "CSV", keys: "a x" },
  { name: "json", text: "JSON", keys: "a j" },
  { name: "ndjson", text: "JSON lines", keys: "a n" },
  { name: "parquet", text: "Parquet", keys: "a q" },
];
export const ADDRESS_BYTES_MAX = 8000; /* what a server reads of one: 8 KiB */

/* "logs-and-spans_2026-11-27T0300_0410": what it is, and of when, in UTC. */
export function file_name(title: string, range: Range): string {
  const words = title.replace(/[^A-Za-z0-9.]+/g, "-").replace(/^-+|-+$/g, "").toLowerCase().slice(0, 60) || "rows";
  const time = (us: number) => new Date(us / 1e3).toISOString().slice(0, 16).replace(":", "");
  const from = time(range.from_us);
  const to = time(range.to_us);
  return `${words}_${from}${from === to ? "" : `_${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`}`;
}

export function download_href(project: string, statement: string, format: string, file: string): string {
  return `/api/v1/projects/${encodeURIComponent(project)}/query?${new URLSearchParams({ sql: statement, format, file }).toString()}`;
}
