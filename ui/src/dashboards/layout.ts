/* Where panels are on the grid of 12 columns: pure. Nothing lies upon another; what is moved pushes down what is in its way, and all moves
 * up as far as it can. */
import type { Panel, Place } from "./load";

export const COLUMNS = 12;
export const HEIGHT_MAX = 40;
export const SIZE_FIRST = { w: 6, h: 7 };

export const place_of = (panel: Panel): Place => panel.at ?? { x: 0, y: 0, ...SIZE_FIRST };

export function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
/* By line, then from the left. */
export function by_place(panels: readonly Panel[]): Panel[] {
  return [...panels].sort((a, b) => place_of(a).y - place_of(b).y || place_of(a).x - place_of(b).x);
}
export function grid_style(panel: Panel): Record<string, string> {
  const { x, y, w, h } = place_of(panel);
  return { gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}`, "--h": String(h) };
}

/* Within the columns, and no smaller than one cell. */
export function bounded(place: Place): Place {
  const w = Math.max(1, Math.min(COLUMNS, Math.round(place.w)));
  const h = Math.max(1, Math.min(HEIGHT_MAX, Math.round(place.h)));
  return { x: Math.max(0, Math.min(COLUMNS - w, Math.round(place.x))), y: Math.max(0, Math.round(place.y)), w, h };
}

interface Put {
  panel: Panel;
  at: Place;
}
/* Down until it is upon none of those that are there. */
function put_down(put: Put[], panel: Panel, wanted: Place): void {
  const at = { ...wanted };
  while (put.some((other) => overlap(other.at, at))) at.y++;
  put.push({ panel, at });
}
/* Each up as far as there is room, from above. */
function pulled_up(put: Put[]): Put[] {
  put.sort((a, b) => a.at.y - b.at.y || a.at.x - b.at.x);
  for (const one of put) while (one.at.y > 0 && !put.some((other) => other !== one && overlap(other.at, { ...one.at, y: one.at.y - 1 }))) one.at.y--;
  return put;
}

/* All of them without overlaps. first: stays where it wants to be, the others make room; where its top is in the lower half of another
 * it goes below that one, which can go up then. */
export function settled(panels: readonly Panel[], first?: string): Panel[] {
  const others: Put[] = [];
  for (const panel of by_place(panels)) if (panel.id !== first || first === undefined) put_down(others, panel, bounded(place_of(panel)));
  pulled_up(others);
  const own = first === undefined ? undefined : panels.find((panel) => panel.id === first);
  const put: Put[] = [];
  if (own) {
    const at = bounded(place_of(own));
    for (const other of others) if (overlap(other.at, at) && at.y - other.at.y >= other.at.h / 2) at.y = other.at.y + other.at.h;
    put.push({ panel: own, at });
  }
  for (const other of others) put_down(put, other.panel, other.at);
  const places = new Map(pulled_up(put).map(({ panel, at }) => [panel, at]));
  return panels.map((panel) => ({ ...panel, at: places.get(panel) ?? place_of(panel) }));
}
export function moved(panels: readonly Panel[], id: string, at: Place): Panel[] {
  return settled(panels.map((panel) => (panel.id === id ? { ...panel, at: bounded(at) } : panel)), id);
}
/* The first place that is free, line by line. */
export function place_free(panels: readonly Panel[], size: { w: number; h: number }): Place {
  const bottom = panels.reduce((most, panel) => Math.max(most, place_of(panel).y + place_of(panel).h), 0);
  for (let y = 0; y < bottom; y++)
    for (let x = 0; x + size.w <= COLUMNS; x++) {
      const at = { x, y, ...size };
      if (!panels.some((panel) => overlap(place_of(panel), at))) return at;
    }
  return { x: 0, y: bottom, ...size };
}
