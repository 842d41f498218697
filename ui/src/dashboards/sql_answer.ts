/* What the SQL of a panel answered, as what its kind draws: pure. Columns are told apart by their types: the first time is the axis,
 * numbers are values (several are several series), all else names the group. */
import type { Cell, Table } from "../api/client";
import { decades, heat_of } from "../charts/heat";
import type { Unit } from "../charts/scale";
import { name_of, named_series, type NamedPoint } from "../charts/series";
import type { Column, DataRows } from "../charts/table";
import { BUCKETS_A_DECADE } from "../explore/group";
import { number_of } from "../explore/answer";
import { cell_text, is_number_type } from "../sql/result";
import { from_iso, type Range } from "../time";
import type { Drawn } from "./drawn";
import type { PanelKind } from "./load";

export const SERIES_MAX = 20;
const LINES = 44;

interface Parts {
  time: number; /* -1: none */
  names: number[];
  values: number[];
}
function parts_of(table: Table): Parts {
  const time = table.columns.findIndex((column) => /^(timestamp|timestamptz|date)$/.test(column.type));
  const places = table.columns.map((_, at) => at);
  const is_value = (at: number) => is_number_type(table.columns[at]?.type ?? "");
  return { time, values: places.filter(is_value), names: places.filter((at) => at !== time && !is_value(at)) };
}
const keys_of = (row: readonly Cell[], places: readonly number[]) => places.map((at) => cell_text(row[at]));

export interface SqlAsked {
  kind: PanelKind;
  unit: Unit | undefined;
  range: Range;
  step_us: number; /* $step */
}
export function sql_drawn(table: Table, asked: SqlAsked): Drawn {
  const { kind } = asked;
  if (table.columns.length === 0 || table.rows.length === 0) return { as: "nothing", words: "No row." };
  if (kind === "table" || kind === "rows") return { as: "table", table: table_drawn(table, asked.unit) };
  if (kind === "top") return top_drawn(table, asked);
  if (kind === "stat") return stat_drawn(table, asked.unit);
  return kind === "heat" ? heat_drawn(table, asked) : series_drawn(table, asked);
}

export function table_drawn(table: Table, unit: Unit | undefined): DataRows {
  const columns = table.columns.map((column): Column => (is_number_type(column.type) ? { title: column.name, unit: unit ?? "number" } : { title: column.name }));
  return { columns, rows: table.rows.map((row) => row.map((cell, at) => (cell === null || cell === undefined ? null : columns[at]?.unit ? number_of(cell) : cell_text(cell)))) };
}

function stat_drawn(table: Table, unit: Unit | undefined): Drawn {
  const { values } = parts_of(table);
  if (values.length === 0) return { as: "nothing", words: "A number is shown: no column of the answer has one." };
  const row = table.rows[0] ?? [];
  return { as: "stat", figures: values.map((at) => ({ title: values.length > 1 ? (table.columns[at]?.name ?? "") : "", value: number_of(row[at]), unit: unit ?? "number" })), trend: [] };
}

function top_drawn(table: Table, { unit, range }: SqlAsked): Drawn {
  const { names, values } = parts_of(table);
  const value = values[0];
  if (value === undefined) return { as: "nothing", words: "A top list shows names and the first column of numbers: the answer has no number." };
  const series = table.rows.map((row) => ({ name: name_of(keys_of(row, names)), keys: [], is_rest: false, values: [], total: number_of(row[value]) }));
  return { as: "top", names: [], data: { range, step_us: 1, times: [], series, unit: unit ?? "number", adds_up: false, groups: series.length } };
}

/* The smallest distance of two times; of one alone, what $step is. */
export function step_seen(times: readonly number[], otherwise: number): number {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const least = Math.min(...sorted.slice(1).map((t, at) => t - (sorted[at] ?? 0)));
  return Number.isFinite(least) ? least : otherwise;
}

function series_drawn(table: Table, { kind, unit, range, step_us }: SqlAsked): Drawn {
  const { time, names, values } = parts_of(table);
  if (time < 0 || values.length === 0) return { as: "nothing", words: "Values over time need a column of time and one of numbers: SELECT time_bucket($step, timestamp) AS t, count(*) …" };
  const points = table.rows.flatMap((row): NamedPoint[] => {
    if (row[time] === null || row[time] === undefined) return [];
    const keys = keys_of(row, names);
    return values.map((at) => ({ t_us: from_iso(cell_text(row[time])), keys, name: [names.length > 0 ? name_of(keys) : "", values.length > 1 || names.length === 0 ? (table.columns[at]?.name ?? "") : ""].filter(Boolean).join(" · "), value: number_of(row[at]) }));
  });
  const is_sum = kind !== "lines";
  const data = named_series(points, { range, step_us: step_seen(points.map((point) => point.t_us), step_us), unit: unit ?? "number", adds_up: is_sum, series_max: SERIES_MAX });
  return { as: "series", data, names: [], shape: kind === "lines" ? "line" : kind === "stacked" ? "areas" : "bars" };
}

function heat_drawn(table: Table, { unit, range, step_us }: SqlAsked): Drawn {
  const { time, values } = parts_of(table);
  const [value, count] = values;
  if (time < 0 || value === undefined) return { as: "nothing", words: "A heat map needs a column of time, one of values, and one of how many there are (1 where there is none)." };
  const points = table.rows.flatMap((row) => {
    const size = number_of(row[value]);
    if (row[time] === null || size === null) return [];
    return [{ t_us: from_iso(cell_text(row[time])), bucket: size > 0 ? Math.floor(BUCKETS_A_DECADE * Math.log10(size)) : null, count: count === undefined ? 1 : (number_of(row[count]) ?? 0) }];
  });
  return { as: "heat", heat: heat_of(points, range, step_us, decades(BUCKETS_A_DECADE), LINES, unit ?? "number") };
}
