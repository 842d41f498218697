/* The newest part first: what takes seconds of a day is asked of its newest eighth before, and shown so until all is there. Pure.
 *
 *   read(newest) --show--> drawn, "so far from 09:00 on"      read(all) --> drawn
 *
 * Such are statements that read each row's JSON. Where groups are counted, the server keeps the files of the first answer, so that
 * the second does not read them again. */
import type { Scope } from "./statement";

const PART = 8;
const RANGE_US_MIN = 2 * 3600e6; /* shorter ones come as soon whole */

/* undefined: to be asked at once. step_us: of the bars, which are whole ones. */
export function newest_part(scope: Scope, statement: string, step_us: number): Scope | undefined {
  const { from_us, to_us } = scope.range;
  if (!statement.includes("->") || to_us - from_us < RANGE_US_MIN) return undefined;
  const begin = Math.floor((to_us - (to_us - from_us) / PART) / step_us) * step_us;
  return begin > from_us ? { ...scope, range: { from_us: begin, to_us } } : undefined;
}

/* What read gives of the newest part, by show, and then of all. so_far_us: where that part begins. */
export async function newest_first<T>(scope: Scope, statement: string, step_us: number, read: (part: Scope) => Promise<T>, show: (part: T & { so_far_us?: number }) => void): Promise<T> {
  const part = newest_part(scope, statement, step_us);
  if (part) show({ ...(await read(part)), so_far_us: part.range.from_us });
  return read(scope);
}
