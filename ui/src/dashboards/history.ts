/* What is edited, and the way back: pure. Kept by slug while the page lives, so that who looks elsewhere meanwhile loses nothing. */
import type { Content, Panel, Place } from "./load";
import { moved, place_free, place_of, settled } from "./layout";

const STEPS_MAX = 100;

export interface History {
  now: Content;
  before: readonly Content[];
  after: readonly Content[];
}
export const begun = (now: Content): History => ({ now, before: [], after: [] });
export function done(history: History, next: Content): History {
  if (JSON.stringify(next) === JSON.stringify(history.now)) return history;
  return { now: next, before: [...history.before, history.now].slice(-STEPS_MAX), after: [] };
}
export function undone(history: History): History {
  const last = history.before.at(-1);
  return last ? { now: last, before: history.before.slice(0, -1), after: [history.now, ...history.after] } : history;
}
export function redone(history: History): History {
  const [next, ...rest] = history.after;
  return next ? { now: next, before: [...history.before, history.now], after: rest } : history;
}

/* ---- changes of a dashboard ---- */

const with_panels = (content: Content, panels: readonly Panel[]): Content => ({ ...content, panels: [...panels] });

export function id_free(panels: readonly Panel[]): string {
  for (let number = 1; ; number++) if (!panels.some((panel) => panel.id === `p${number}`)) return `p${number}`;
}
export function with_place(content: Content, id: string, at: Place): Content {
  return with_panels(content, moved(content.panels, id, at));
}
/* One that is there is replaced; else it is added where there is room. */
export function with_panel(content: Content, panel: Panel): Content {
  if (content.panels.some((one) => one.id === panel.id)) return with_panels(content, content.panels.map((one) => (one.id === panel.id ? panel : one)));
  const at = panel.at ?? place_free(content.panels, size_of(panel));
  return with_panels(content, settled([...content.panels, { ...panel, id: panel.id ?? id_free(content.panels), at }]));
}
export function without_panel(content: Content, id: string): Content {
  return with_panels(content, settled(content.panels.filter((panel) => panel.id !== id)));
}
export function with_copy(content: Content, id: string): Content {
  const panel = content.panels.find((one) => one.id === id);
  if (!panel) return content;
  const { w, h } = place_of(panel);
  return with_panel(content, { ...panel, id: id_free(content.panels), title: `${panel.title}, copy`.slice(0, 120), at: place_free(content.panels, { w, h }) });
}
function size_of(panel: Panel): { w: number; h: number } {
  if (panel.kind === "stat") return { w: 3, h: 4 };
  return panel.kind === "rows" || panel.kind === "table" ? { w: 12, h: 8 } : { w: 6, h: 7 };
}
