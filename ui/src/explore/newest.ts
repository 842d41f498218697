/* The newest part first: what takes seconds of a day is asked of its newest eighth too, and shown so until all is there. Pure.
 *
 *   read(all) --not there after a while--> read(newest) --show--> drawn, "so far from 09:00 on"
 *       '--> drawn
 *
 * Such are statements that read each row's JSON. Where groups are counted, the server keeps the files of the first answer, so that
 * the second does not read them again. */
import type { Scope } from "./statement";

const PART = 8;
const PATIENCE_MS = 700; /* a second part costs the first one time */
const RANGE_US_MIN = 2 * 3600e6; /* shorter ones come as soon whole */

/* undefined: to be asked at once. step_us: of the bars, which are whole ones. */
export function newest_part(scope: Scope, statement: string, step_us: number): Scope | undefined {
  const { from_us, to_us } = scope.range;
  if (!statement.includes("->") || to_us - from_us < RANGE_US_MIN) return undefined;
  const begin = Math.floor((to_us - (to_us - from_us) / PART) / step_us) * step_us;
  return begin > from_us ? { ...scope, range: { from_us: begin, to_us } } : undefined;
}

/* What read gives of all; when that takes a while, of the newest part before it, by show. so_far_us: where that part begins. */
export async function newest_first<T>(
  scope: Scope,
  statement: string,
  step_us: number,
  read: (part: Scope) => Promise<T>,
  show: (part: T & { so_far_us?: number }) => void,
  patience_ms = PATIENCE_MS,
): Promise<T> {
  const whole = read(scope);
  const part = newest_part(scope, statement, step_us);
  if (!part) return whole;
  let is_over = false;
  const over = () => void (is_over = true);
  await Promise.race([whole.then(over, over), new Promise((resolve) => setTimeout(resolve, patience_ms))]);
  /* What is wrong with the part is wrong with the whole, too. */
  if (!is_over) read(part).then((newest) => is_over || show({ ...newest, so_far_us: part.range.from_us }), over);
  return whole;
}
