/* What the statements of group.ts answer, as what charts take: pure. */
import type { Cell } from "../api/client";
import { time_series, type Point, type TimeSeries } from "../charts/series";
import type { Column, DataRows } from "../charts/table";
import { from_iso, type Range } from "../time";
import { TABLE_VALUES } from "./group";
import { adds_up, empty_of, field_unit, title_of, unit_of, type Measure } from "./measure";

export const number_of = (cell: Cell | undefined): number | null => (cell === null || cell === undefined ? null : Number(cell));
export const text_of = (cell: Cell | undefined): string => (cell === null || cell === undefined ? "" : String(cell));

/* Rows of series_statement. */
export function series_answer(rows: readonly (readonly Cell[])[], range: Range, step_us: number, measure: Measure, top: number): TimeSeries {
  const points = rows.map((row): Point => ({ t_us: row[0] === null || row[0] === undefined ? null : from_iso(String(row[0])), place: Number(row[1]), value: number_of(row[3]), keys: row.slice(4).map(text_of) }));
  const groups = Number(rows[0]?.[2] ?? 0);
  return time_series(points, { range, step_us, unit: unit_of(measure), adds_up: adds_up(measure.agg), empty: empty_of(measure.agg), top, groups, alone: title_of(measure) });
}

export interface Grid {
  table: DataRows;
  groups: number; /* down */
  across: number;
}
/* Rows of cross_statement: a line for each group down, a column for each value across, all of them first. */
export function cross_answer(rows: readonly (readonly Cell[])[], names: readonly string[], measure: Measure, across_top: number): Grid {
  const unit = unit_of(measure);
  const across = Number(rows[0]?.[1] ?? 0);
  const heads = new Map<number, string>();
  const lines = new Map<string, { keys: string[]; values: Map<number, number | null> }>();
  for (const row of rows) {
    const place = Number(row[0]);
    const keys = row.slice(5).map(text_of);
    const id = JSON.stringify(keys);
    const line = lines.get(id) ?? { keys, values: new Map<number, number | null>() };
    lines.set(id, line);
    line.values.set(place, number_of(row[3]));
    if (place > 0) heads.set(place, place > across_top ? `others (${across - across_top})` : text_of(row[4]) || "none");
  }
  const places = [...heads.keys()].sort((a, b) => a - b);
  const empty = empty_of(measure.agg);
  return {
    table: {
      columns: [...names.slice(0, -1).map((title) => ({ title })), { title: "all", unit }, ...places.map((place) => ({ title: heads.get(place) ?? "", unit }))],
      rows: [...lines.values()].map((line) => [...line.keys, line.values.get(0) ?? empty, ...places.map((place) => line.values.get(place) ?? empty)]),
    },
    groups: Number(rows[0]?.[2] ?? 0),
    across,
  };
}

/* Rows of groups_statement. */
export function groups_answer(rows: readonly (readonly Cell[])[], names: readonly string[], measure: Measure): Grid {
  const at = names.length;
  const unit = field_unit(measure.of.name);
  const has_own = !(TABLE_VALUES as readonly string[]).includes(measure.agg) && measure.agg !== "count";
  const columns: Column[] = [
    ...names.map((title) => ({ title })),
    ...(has_own ? [{ title: title_of(measure), unit: unit_of(measure) }] : []),
    { title: "rows", unit: "count" },
    { title: "errors", unit: "count" },
    { title: "errors of rows", unit: "percent" },
    ...["average", "p50", "p95", "p99", "max"].map((title): Column => ({ title, unit })),
  ];
  return {
    table: {
      columns,
      rows: rows.map((row) => {
        const count = number_of(row[at + 2]) ?? 0;
        const errors = number_of(row[at + 3]) ?? 0;
        return [...row.slice(0, at).map(text_of), ...(has_own ? [number_of(row[at + 1])] : []), count, errors, count > 0 ? errors / count : null, ...row.slice(at + 4, at + 9).map(number_of)];
      }),
    },
    groups: Number(rows[0]?.[at] ?? 0),
    across: 0,
  };
}
