/* What was chosen on a chart, in the address as `sel`: `t0~t1`, or with values `t0~t1~v0~v1`; times in microseconds, values of
 * the field `of` in its own unit (nanoseconds for duration), each from the first to before the second. Pure. */
import { to_iso, type Range } from "../time";
import { quoted, type Field } from "./fields";
import { number_sql } from "./measure";
import { split_terms } from "./search";

export interface Selection extends Range {
  values?: { low: number; high: number };
}

export function selection_read(text: string): Selection | undefined {
  const parts = text.split("~");
  const numbers = parts.map((part) => (part.trim() === "" ? NaN : Number(part)));
  if ((parts.length !== 2 && parts.length !== 4) || numbers.some((one) => !Number.isFinite(one))) return undefined;
  const [from_us, to_us, low, high] = numbers as [number, number, number | undefined, number | undefined];
  if (from_us >= to_us) return undefined;
  if (low === undefined || high === undefined) return { from_us, to_us };
  return low < high ? { from_us, to_us, values: { low, high } } : undefined;
}

export function selection_write({ from_us, to_us, values }: Selection): string {
  return [Math.round(from_us), Math.round(to_us), ...(values ? [values.low, values.high] : [])].join("~");
}

/* The rows that are in it, as a condition. */
export function selection_condition(selection: Selection, of: Field): string {
  const time = `timestamp >= ${quoted(to_iso(selection.from_us))} AND timestamp < ${quoted(to_iso(selection.to_us))}`;
  return selection.values ? `${time} AND ${values_condition(selection.values, of)}` : time;
}
export function values_condition({ low, high }: { low: number; high: number }, of: Field): string {
  const value = number_sql(of);
  const text = of.type === "number" ? value : `(${value})`;
  return `${text} >= ${low} AND ${text} < ${high}`;
}

/* The search text with the values of the box as terms, in place of earlier ones of that field. */
export function with_values(q: string, { low, high }: { low: number; high: number }, of: Field): string {
  const unit = of.name === "duration" ? "ns" : "";
  const kept = split_terms(q).filter((word) => !(word.startsWith(`${of.name}:>`) || word.startsWith(`${of.name}:<`)));
  return [...kept, ...(low > 0 ? [`${of.name}:>=${low}${unit}`] : []), `${of.name}:<${high}${unit}`].join(" ");
}
