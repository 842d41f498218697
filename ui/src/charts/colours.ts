/* How a series looks: a colour and, for who does not see colours apart, a pattern that goes with it (dashes of lines, hatching
 * of areas). The same names look the same in every view: a name has its place among the colours by itself, goes to the next free one
 * where two names of one chart want the same, and keeps what it got, in this browser for good (kept_colours.ts): else the chart that is answered
 * first would decide, another one with each load. Levels and states have their own colours. */
import { kept_read, kept_write } from "./kept_colours";

export interface Look {
  token: string; /* of tokens.css */
  pattern: number; /* 0: none */
}
export const COLOURS = 7; /* the eighth is that of the rest and of what has no name */
const REST: Look = { token: "--series-7", pattern: 0 };

const OWN: Record<string, Look> = {
  fatal: { token: "--level-fatal", pattern: 3 },
  error: { token: "--level-error", pattern: 1 },
  warn: { token: "--level-warn", pattern: 2 },
  info: { token: "--level-info", pattern: 0 },
  debug: { token: "--level-debug", pattern: 4 },
  trace: { token: "--level-trace", pattern: 5 },
  ok: { token: "--good", pattern: 0 },
};
export const HAS_OWN: readonly string[] = ["level", "status_code"]; /* fields whose values are these */

function hash(text: string): number {
  let sum = 2166136261;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 16777619);
  return (sum ^ (sum >>> 15)) >>> 0;
}

/* What names were given, so that a chart of ten of them and one of seven agree. */
const given = kept_read(COLOURS);
const GIVEN_MAX = 10000;

/* Names may be people's: what is kept in the browser does not say them. */
const mark_of = (name: string) => hash(name).toString(36);

/* Colour numbers by name, whatever the order that the names come in. */
export function places_of(names: readonly string[], known = given): Map<string, number> {
  if (known.size > GIVEN_MAX) known.clear();
  const places = new Map<string, number>();
  const used = new Array<number>(COLOURS).fill(0);
  const sorted = [...new Set(names)].sort();
  const take = (name: string, wanted: number, is_kept: boolean) => {
    const least = Math.min(...used);
    let place = wanted;
    /* Of more names than colours some look alike in any case: then none that is known changes. */
    while (!(is_kept && sorted.length > COLOURS) && (used[place] ?? 0) > least) place = (place + 1) % COLOURS;
    used[place] = (used[place] ?? 0) + 1;
    places.set(name, place);
    if (!known.has(mark_of(name))) known.set(mark_of(name), place);
  };
  for (const name of sorted) {
    const place = known.get(mark_of(name));
    if (place !== undefined) take(name, place, true);
  }
  for (const name of sorted) if (!places.has(name)) take(name, hash(name) % COLOURS, false);
  if (known === given) kept_write(given);
  return places;
}

export function looks_of(series: readonly { name: string; is_rest: boolean }[], field: string): Look[] {
  const has_own = HAS_OWN.includes(field);
  const places = places_of(series.filter((one) => !one.is_rest).map((one) => one.name));
  return series.map((one) => {
    if (one.is_rest || one.name === "none") return REST;
    const own = has_own ? OWN[one.name.toLowerCase()] : undefined;
    if (own) return own;
    const place = places.get(one.name) ?? 0;
    return { token: `--series-${place}`, pattern: place };
  });
}

export const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2], [14, 3], [1, 3]];

/* A tile that is laid over a filled area, in the colour of the ground. */
const tiles = new Map<string, CanvasPattern | null>();
export function hatching(context: CanvasRenderingContext2D, pattern: number, ground: string): CanvasPattern | null {
  if (pattern === 0) return null;
  const key = `${pattern} ${ground}`;
  const known = tiles.get(key);
  if (known !== undefined) return known;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const inside = tile.getContext("2d");
  if (inside) {
    inside.strokeStyle = inside.fillStyle = ground;
    inside.globalAlpha = 0.4;
    inside.beginPath();
    if (pattern === 1) for (const at of [-6, 0, 6]) inside.moveTo(at, 6), inside.lineTo(at + 6, 0);
    else if (pattern === 4) for (const at of [-6, 0, 6]) inside.moveTo(at, 0), inside.lineTo(at + 6, 6);
    else if (pattern === 3) inside.moveTo(0, 3), inside.lineTo(6, 3);
    else if (pattern === 5) inside.moveTo(3, 0), inside.lineTo(3, 6);
    else if (pattern === 2) inside.fillRect(1, 1, 2, 2), inside.fillRect(4, 4, 2, 2);
    else inside.fillRect(2, 2, 2, 2);
    inside.stroke();
  }
  const made = context.createPattern(tile, "repeat");
  tiles.set(key, made);
  return made;
}
