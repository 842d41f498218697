/* Where the nodes of a map stand: in layers from left to right, whoever calls left of whom it calls. Pure, and the same for the same
 * nodes and edges in whatever order they come, so that a map stands still while its figures move.
 *
 *   acyclic (edges that close a circle are turned) -> layers (longest path) -> long edges get a bend in each layer between
 *   -> order within layers (barycentres, the order with fewest crossings is kept) -> heights (as near to the neighbours as there is room)
 *
 * After Sugiyama, Tagawa, Toda 1981; heights: isotonic regression (pool adjacent violators). */
export interface Link {
  from: string;
  to: string;
}
export interface Point {
  x: number;
  y: number; /* of the middle */
}
export interface Layout {
  places: Map<string, Point>;
  layers: string[][]; /* of nodes alone, from top to bottom */
  paths: Map<Link, Point[]>; /* from the node on, by its bends, to the other; none of a node to itself */
  width: number;
  height: number;
}
export const NODE_WIDTH = 204;
export const NODE_HEIGHT = 44;
const LAYER = 308; /* from one to the next */
const ROW = 58;
const BEND = 18;
const SWEEPS = 12;

interface Cell {
  id: string; /* empty: a bend */
  layer: number;
  left: Cell[];
  right: Cell[];
  at: number; /* in its layer */
  y: number;
}
const by_text = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/* Edges without those that close a circle: depth first from those that nobody calls. */
function turned(ids: readonly string[], outs: ReadonlyMap<string, readonly string[]>): { outs: Map<string, Set<string>> } {
  const called = new Set([...outs.values()].flat());
  const state = new Map<string, 1 | 2>(); /* 1: on the way, 2: done */
  const kept = new Map<string, Set<string>>(ids.map((id) => [id, new Set<string>()]));
  const back: Link[] = [];
  for (const root of [...ids.filter((id) => !called.has(id)), ...ids.filter((id) => called.has(id))]) {
    if (state.has(root)) continue;
    const way: { id: string; next: number }[] = [{ id: root, next: 0 }];
    state.set(root, 1);
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const to = outs.get(top.id)?.[top.next++];
      if (to === undefined) {
        state.set(top.id, 2);
        way.pop();
      } else if (state.get(to) === 1) back.push({ from: top.id, to });
      else {
        kept.get(top.id)?.add(to);
        if (!state.has(to)) {
          state.set(to, 1);
          way.push({ id: to, next: 0 });
        }
      }
    }
  }
  for (const { from, to } of back) kept.get(to)?.add(from);
  return { outs: kept };
}

/* The longest way from a node without callers; one that has none itself stands just before the first that it calls. */
function layers_of(ids: readonly string[], outs: ReadonlyMap<string, ReadonlySet<string>>, first: ReadonlySet<string>): Map<string, number> {
  const left = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const targets of outs.values()) for (const to of targets) left.set(to, (left.get(to) ?? 0) + 1);
  const roots = ids.filter((id) => left.get(id) === 0);
  const layer = new Map<string, number>(ids.map((id) => [id, 0]));
  const ready = [...roots];
  for (let at = 0; at < ready.length; at++) {
    const id = ready[at] ?? "";
    for (const to of [...(outs.get(id) ?? [])].sort(by_text)) {
      layer.set(to, Math.max(layer.get(to) ?? 0, (layer.get(id) ?? 0) + 1));
      left.set(to, (left.get(to) ?? 0) - 1);
      if (left.get(to) === 0) ready.push(to);
    }
  }
  for (const id of roots) {
    const targets = [...(outs.get(id) ?? [])].map((to) => layer.get(to) ?? 0);
    if (!first.has(id) && targets.length > 0) layer.set(id, Math.min(...targets) - 1);
  }
  return layer;
}

/* Crossings between a layer and the one right of it. */
function crossings(cells: readonly Cell[], size: number): number {
  const tree = new Array<number>(size + 1).fill(0);
  let seen = 0;
  let count = 0;
  for (const cell of cells) {
    const ends = cell.right.map((one) => one.at);
    for (const end of ends) {
      let before = 0;
      for (let n = end + 1; n > 0; n -= n & -n) before += tree[n] ?? 0;
      count += seen - before;
    }
    for (const end of ends) {
      for (let n = end + 1; n <= size; n += n & -n) tree[n] = (tree[n] ?? 0) + 1;
      seen++;
    }
  }
  return count;
}
const all_crossings = (layers: readonly Cell[][]) => layers.reduce((sum, cells, at) => sum + crossings(cells, layers[at + 1]?.length ?? 0), 0);
const renumber = (cells: readonly Cell[]) => cells.forEach((cell, at) => (cell.at = at));

function order(layers: Cell[][]): void {
  layers.forEach(renumber);
  let best = layers.map((cells) => [...cells]);
  let fewest = all_crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && fewest > 0; sweep++) {
    const is_down = sweep % 2 === 0;
    for (let n = 0; n < layers.length; n++) {
      const cells = layers[is_down ? n : layers.length - 1 - n] ?? [];
      const middle = new Map(cells.map((cell) => {
        const beside = is_down ? cell.left : cell.right;
        return [cell, beside.length > 0 ? beside.reduce((sum, one) => sum + one.at, 0) / beside.length : cell.at];
      }));
      cells.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0) || a.at - b.at);
      renumber(cells);
    }
    const count = all_crossings(layers);
    if (count < fewest) {
      fewest = count;
      best = layers.map((cells) => [...cells]);
    }
  }
  best.forEach((cells, at) => {
    layers[at] = cells;
    renumber(cells);
  });
}

const apart = (a: Cell, b: Cell) => (a.id && b.id ? ROW : a.id || b.id ? (ROW + BEND) / 2 : BEND);
/* Each as near to where it wants to be as the order and the distances allow: least squares. */
export function spread(wanted: readonly number[], distances: readonly number[]): number[] {
  const offsets = [0];
  for (let at = 1; at < wanted.length; at++) offsets.push((offsets[at - 1] ?? 0) + (distances[at - 1] ?? 0));
  const pools: { sum: number; count: number }[] = [];
  wanted.forEach((one, at) => {
    let pool = { sum: one - (offsets[at] ?? 0), count: 1 };
    for (let last = pools.at(-1); last && last.sum / last.count > pool.sum / pool.count; last = pools.at(-1)) {
      pool = { sum: pool.sum + last.sum, count: pool.count + last.count };
      pools.pop();
    }
    pools.push(pool);
  });
  return pools.flatMap((pool) => new Array<number>(pool.count).fill(pool.sum / pool.count)).map((y, at) => y + (offsets[at] ?? 0));
}
function heights(layers: readonly Cell[][]): void {
  const place = (cells: readonly Cell[], wanted: readonly number[]) =>
    spread(wanted, cells.slice(1).map((cell, at) => apart(cells[at] as Cell, cell))).forEach((y, at) => ((cells[at] as Cell).y = y));
  for (const cells of layers) place(cells, cells.map(() => 0));
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (let n = 0; n < layers.length; n++) {
      const cells = layers[sweep % 2 === 0 ? n : layers.length - 1 - n] ?? [];
      place(cells, cells.map((cell) => {
        const beside = [...cell.left, ...cell.right];
        return beside.length > 0 ? beside.reduce((sum, one) => sum + one.y, 0) / beside.length : cell.y;
      }));
    }
}

/* first: nodes that stand at the very left. */
export function layout(ids: readonly string[], links: readonly Link[], first: ReadonlySet<string> = new Set()): Layout {
  const known = new Set(ids);
  const drawn = links.filter((one) => one.from !== one.to && known.has(one.from) && known.has(one.to));
  const joined = new Set(drawn.flatMap((one) => [one.from, one.to]));
  const sorted = [...joined].sort(by_text);
  const given = new Map(sorted.map((id) => [id, [] as string[]]));
  for (const { from, to } of [...drawn].sort((a, b) => by_text(a.from, b.from) || by_text(a.to, b.to))) if (!given.get(from)?.includes(to)) given.get(from)?.push(to);
  const { outs } = turned(sorted, given);
  const layer = layers_of(sorted, outs, first);
  const cells = new Map(sorted.map((id): [string, Cell] => [id, { id, layer: layer.get(id) ?? 0, left: [], right: [], at: 0, y: 0 }]));
  const layers: Cell[][] = Array.from({ length: Math.max(0, ...layer.values()) + (sorted.length > 0 ? 1 : 0) }, () => []);
  for (const cell of cells.values()) layers[cell.layer]?.push(cell);
  const bends = new Map<string, Cell[]>();
  const join = (left: Cell, right: Cell) => (left.right.push(right), right.left.push(left));
  for (const from of sorted)
    for (const to of [...(outs.get(from) ?? [])].sort(by_text)) {
      let left = cells.get(from) as Cell;
      const end = cells.get(to) as Cell;
      const way: Cell[] = [];
      for (let at = left.layer + 1; at < end.layer; at++) {
        const bend: Cell = { id: "", layer: at, left: [], right: [], at: 0, y: 0 };
        layers[at]?.push(bend);
        join(left, bend);
        way.push(bend);
        left = bend;
      }
      join(left, end);
      bends.set(`${from}\n${to}`, way);
    }
  order(layers);
  heights(layers);
  return placed(ids, drawn, cells, layers, bends, joined);
}

function placed(ids: readonly string[], drawn: readonly Link[], cells: ReadonlyMap<string, Cell>, layers: readonly Cell[][], bends: ReadonlyMap<string, Cell[]>, joined: ReadonlySet<string>): Layout {
  const top = layers.flat().reduce((least, cell) => Math.min(least, cell.y), Infinity);
  const x = (at: number) => at * LAYER + NODE_WIDTH / 2;
  const y = (cell: Cell) => cell.y - top + NODE_HEIGHT / 2;
  const places = new Map<string, Point>([...cells].map(([id, cell]) => [id, { x: x(cell.layer), y: y(cell) }]));
  const named = layers.map((list) => list.flatMap((cell) => (cell.id ? [cell.id] : [])));
  let height = [...places.values()].reduce((most, place) => Math.max(most, place.y + NODE_HEIGHT / 2), 0);
  /* Those that call nobody and are called by nobody stand below, as a block. */
  const alone = ids.filter((id) => !joined.has(id)).sort(by_text);
  const across = Math.max(layers.length, Math.ceil(Math.sqrt(alone.length / 2)), 1);
  const begin = height > 0 ? height + ROW : 0;
  alone.forEach((id, at) => {
    places.set(id, { x: x(at % across), y: begin + Math.floor(at / across) * ROW + NODE_HEIGHT / 2 });
    (named[at % across] ??= []).push(id);
  });
  if (alone.length > 0) height = begin + Math.ceil(alone.length / across) * ROW - (ROW - NODE_HEIGHT);
  const paths = new Map<Link, Point[]>();
  for (const link of drawn) {
    const there = bends.get(`${link.from}\n${link.to}`);
    const way = (there ?? [...(bends.get(`${link.to}\n${link.from}`) ?? [])].reverse()).map((cell) => ({ x: x(cell.layer), y: y(cell) }));
    paths.set(link, [places.get(link.from) as Point, ...way, places.get(link.to) as Point]);
  }
  return { places, layers: named, paths, width: named.length > 0 ? (named.length - 1) * LAYER + NODE_WIDTH : 0, height };
}
