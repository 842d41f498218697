/* Which of the colours names have, kept in the browser: the newest KEPT_MAX of them. Without a place to keep it, or with a damaged
 * one, names begin anew. */
const KEY = "monoscope.colours";
const KEPT_MAX = 500;
const CALM_MS = 1000;

/* Those of places below `count`. */
export function kept_of(text: string | null, count: number): Map<string, number> {
  const places = new Map<string, number>();
  try {
    const told = JSON.parse(text ?? "[]") as unknown;
    for (const pair of Array.isArray(told) ? (told as unknown[]) : []) {
      const [name, place] = Array.isArray(pair) ? (pair as unknown[]) : [];
      if (typeof name === "string" && typeof place === "number" && Number.isInteger(place) && place >= 0 && place < count) places.set(name, place);
    }
  } catch {
    /* not ours any more */
  }
  return places;
}
export function text_of(places: ReadonlyMap<string, number>): string {
  return JSON.stringify([...places].slice(-KEPT_MAX));
}

export function kept_read(count: number): Map<string, number> {
  try {
    return kept_of(localStorage.getItem(KEY), count);
  } catch {
    return new Map(); /* the browser keeps nothing */
  }
}

let written = -1;
let timer: ReturnType<typeof setTimeout> | undefined;
/* A while later, when there are new names: many charts come at once. */
export function kept_write(places: ReadonlyMap<string, number>): void {
  if (places.size === written || timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    written = places.size;
    try {
      localStorage.setItem(KEY, text_of(places));
    } catch {
      /* full, or forbidden */
    }
  }, CALM_MS);
}
