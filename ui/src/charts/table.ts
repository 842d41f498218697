/* The numbers of a chart as a table: pure. A cell is text or a number; null is none. */
import { show_time } from "../time";
import type { Unit } from "./scale";
import type { TimeSeries } from "./series";

export type Value = string | number | null;
export interface Column {
  title: string;
  unit?: Unit; /* numbers; without: text */
}
export interface DataRows {
  columns: readonly Column[];
  rows: readonly (readonly Value[])[];
}

/* By one column; none is always last. */
export function sorted(rows: DataRows["rows"], at: number, is_down: boolean): (readonly Value[])[] {
  const sign = is_down ? -1 : 1;
  return rows
    .map((row, place) => ({ row, place }))
    .sort((a, b) => {
      const left = a.row[at] ?? null;
      const right = b.row[at] ?? null;
      if (left === null || right === null) return left === right ? a.place - b.place : left === null ? 1 : -1;
      return (left < right ? -sign : left > right ? sign : 0) || a.place - b.place;
    })
    .map(({ row }) => row);
}

/* RFC 4180. Text that a spreadsheet would take for a formula is led by an apostrophe: it is somebody's text. */
export function csv({ columns, rows }: DataRows): string {
  const cell = (value: Value) => {
    if (value === null) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((column) => cell(column.title)), ...rows.map((row) => row.map(cell))].map((line) => `${line.join(",")}\r\n`).join("");
}

/* A line for each step of time, a column for each series. */
export function series_table(data: TimeSeries, is_utc: boolean): DataRows {
  return {
    columns: [{ title: "time" }, ...data.series.map((series) => ({ title: series.name, unit: data.unit }))],
    rows: data.times.map((t_us, at) => [show_time(t_us, data.step_us < 1e6 ? 3 : 0, is_utc), ...data.series.map((series) => series.values[at] ?? null)]),
  };
}
