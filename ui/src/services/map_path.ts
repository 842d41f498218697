/* The line of an edge, by its bends, as SVG has it: from side to side of the nodes, straight past the nodes of layers between. Pure. */
import { NODE_WIDTH, type Point } from "./map_layout";

const HALF = NODE_WIDTH / 2;
const BACK = 9; /* an edge that goes back stands a little lower, so that one of each direction can be told apart */
const ARROW = 7;

export interface Line {
  path: string;
  middle: Point;
}
/* part: how far along its middle stretch its words stand: 0 to 1. */
export function line_of(points: readonly Point[], part = 0.5): Line {
  const first = points[0] ?? { x: 0, y: 0 };
  const last = points.at(-1) ?? first;
  const sign = last.x >= first.x ? 1 : -1;
  const lower = sign < 0 ? BACK : 0;
  let x = first.x + sign * HALF;
  let y = first.y + lower;
  let path = `M${x} ${round(y)}`;
  const middles: Point[] = [];
  points.slice(1).forEach((point, at) => {
    const is_end = at === points.length - 2;
    const next_x = point.x - sign * (HALF + (is_end ? ARROW : 0));
    const next_y = point.y + lower;
    const half = (x + next_x) / 2;
    path += `C${half} ${round(y)} ${half} ${round(next_y)} ${next_x} ${round(next_y)}`;
    middles.push({ x: bezier(part, x, half, half, next_x), y: bezier(part, y, y, next_y, next_y) });
    x = next_x;
    y = next_y;
    if (!is_end) {
      x = point.x + sign * HALF;
      path += `H${x}`;
    }
  });
  return { path, middle: middles[Math.floor((middles.length - 1) / 2)] ?? first };
}
const bezier = (t: number, a: number, b: number, c: number, d: number) => (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t ** 2 * c + t ** 3 * d;
const round = (number: number) => Math.round(number * 10) / 10;
