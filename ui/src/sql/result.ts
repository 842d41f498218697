/* What a statement answered, as cells to be read and sorted. Pure. */
import type { Cell, Table } from "../api/client";

export function is_number_type(type: string): boolean {
  return /^(int[248]|float[48]|numeric)$/.test(type);
}

export function cell_text(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}

/* "-3": by the third column, the greatest first; "": as they came. */
export interface Order {
  column: number; /* from 0; -1: none */
  is_down: boolean;
}
export function order_of(text: string, columns: number): Order {
  const number = /^-?[1-9]\d*$/.test(text) ? Number(text) : 0;
  return Math.abs(number) >= 1 && Math.abs(number) <= columns ? { column: Math.abs(number) - 1, is_down: number < 0 } : { column: -1, is_down: false };
}
/* Up, down, as they came. */
export function order_next(order: Order, column: number): string | null {
  if (order.column !== column) return String(column + 1);
  return order.is_down ? null : String(-(column + 1));
}

/* Places of the rows in the order they are shown. Nothing (null) comes last either way; equal ones stay as they came. */
export function sorted(table: Table, order: Order): number[] {
  const places = table.rows.map((_, at) => at);
  if (order.column < 0) return places;
  const is_number = is_number_type(table.columns[order.column]?.type ?? "");
  const keys = table.rows.map((row) => {
    const cell = row[order.column];
    if (cell === null || cell === undefined) return null;
    return is_number && (typeof cell === "number" || typeof cell === "string") ? Number(cell) : cell_text(cell);
  });
  const sign = order.is_down ? -1 : 1;
  return places.sort((a, b) => {
    const x = keys[a] ?? null;
    const y = keys[b] ?? null;
    if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
    return x < y ? -sign : x > y ? sign : a - b;
  });
}

const CHARACTER_PX = 7.3;
/* Widths of the columns by their names and first rows: what is longer is cut by the page. */
export function widths(table: Table): number[] {
  return table.columns.map((column, at) => {
    let longest = column.name.length + 3;
    for (const row of table.rows.slice(0, 100)) longest = Math.max(longest, Math.min(60, cell_text(row[at]).length));
    return Math.round(Math.min(60, Math.max(5, longest)) * CHARACTER_PX + 18);
  });
}
