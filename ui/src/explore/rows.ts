/* Rows of the list, from the cells of rows_statement. */
import type { Cell } from "../api/client";
import { shown } from "../row/flat";
import { ROW_FIELDS } from "./statement";

export interface Row {
  id: string;
  timestamp: string;
  kind: string;
  level: string;
  service: string;
  is_error: boolean;
  duration_ns: number | null;
  trace_id: string;
  span_id: string;
  text: string;
  cells: string[]; /* of the picked columns */
}

export function row_from(cells: readonly Cell[]): Row {
  const at = (name: (typeof ROW_FIELDS)[number]) => cells[ROW_FIELDS.indexOf(name)];
  const name = shown(at("name"));
  const body = shown(at("body"));
  const status = shown(at("status_message"));
  const kind = shown(at("kind"));
  const level = shown(at("level"));
  return {
    id: shown(at("id")),
    timestamp: shown(at("timestamp")),
    kind,
    level,
    service: shown(at("resource___service___name")),
    is_error: at("status_code") === "ERROR" || level === "ERROR" || level === "FATAL",
    duration_ns: kind === "log" || at("duration") === null || at("duration") === undefined ? null : Number(at("duration")),
    trace_id: shown(at("context___trace_id")),
    span_id: shown(at("context___span_id")),
    text: kind === "log" ? body || name : status ? `${name}: ${status}` : name,
    cells: cells.slice(ROW_FIELDS.length).map(shown),
  };
}
