/* A row's JSON as OpenTelemetry's dotted names. */
import type { Cell, Table } from "../api/client";

export interface Attribute {
  name: string;
  value: string;
}
export function flat(value: Cell | undefined, prefix = ""): Attribute[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value) || typeof value !== "object") return prefix ? [{ name: prefix, value: typeof value === "string" ? value : JSON.stringify(value) }] : [];
  return Object.entries(value).flatMap(([name, inside]) => flat(inside, prefix ? `${prefix}.${name}` : name));
}

/* Column names to values, without the empty ones. */
export function row_of(table: Table): Record<string, Cell> {
  const row = table.rows[0];
  const found: Record<string, Cell> = {};
  if (row) table.columns.forEach((column, at) => row[at] !== null && row[at] !== undefined && (found[column.name] = row[at] as Cell));
  return found;
}

export function shown(cell: Cell | undefined): string {
  return typeof cell === "string" ? cell : cell === null || cell === undefined ? "" : JSON.stringify(cell);
}

export function list_of(cell: Cell | undefined): { [name: string]: Cell }[] {
  let value = cell;
  if (typeof cell === "string")
    try {
      value = JSON.parse(cell) as Cell;
    } catch {
      return [];
    }
  return Array.isArray(value) ? (value.filter((one) => one !== null && typeof one === "object" && !Array.isArray(one)) as { [name: string]: Cell }[]) : [];
}
