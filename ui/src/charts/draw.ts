/* Drawing on a canvas what charts have in common: where the plot is, axes, lines, areas, bars. Knows no component. */
import { token } from "../frame/theme";
import { show_time, type Range } from "../time";
import { DASHES, hatching, type Look } from "./colours";
import { apart, show_value, time_ticks, type Scale, type Unit } from "./scale";
import { is_part, type TimeSeries } from "./series";

export interface Plot {
  left: number;
  top: number;
  width: number;
  height: number;
}
export type Shape = "line" | "bars" | "grouped" | "areas";

export function plot_of(width: number, height: number, is_small: boolean): Plot {
  const left = is_small ? 0 : 62;
  return { left, top: is_small ? 12 : 8, width: Math.max(1, width - left - (is_small ? 0 : 8)), height: Math.max(1, height - (is_small ? 28 : 28)) };
}
export const x_of = (plot: Plot, range: Range, t_us: number) => plot.left + ((t_us - range.from_us) / (range.to_us - range.from_us || 1)) * plot.width;
export const time_of = (plot: Plot, range: Range, x: number) => range.from_us + (Math.max(0, Math.min(plot.width, x - plot.left)) / plot.width) * (range.to_us - range.from_us);

export function draw_times(context: CanvasRenderingContext2D, plot: Plot, range: Range, is_utc: boolean): void {
  const span = range.to_us - range.from_us;
  const offset_us = is_utc ? 0 : -new Date(range.from_us / 1e3).getTimezoneOffset() * 60e6;
  const { ticks, step } = time_ticks(range.from_us, range.to_us, Math.max(2, Math.floor(plot.width / (span > 86400e6 ? 110 : 76))), offset_us);
  context.fillStyle = token("--ink-soft");
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const tick of ticks) {
    const x = x_of(plot, range, tick);
    const told = show_time(tick, step < 1e6 ? 3 : 0, is_utc);
    const words = step >= 86400e6 ? told.slice(5, 10) : span > 86400e6 ? told.slice(5, 16) : step >= 60e6 ? told.slice(11, 16) : told.slice(11);
    const half = context.measureText(words).width / 2;
    if (x - half < Math.max(0, plot.left - 12) || x + half > plot.left + plot.width + (plot.left > 0 ? 8 : 0)) continue;
    context.fillText(words, x, plot.top + plot.height + 4);
    context.fillRect(Math.round(x), plot.top + plot.height, 1, 3);
  }
}

export function draw_values(context: CanvasRenderingContext2D, plot: Plot, scale: Scale, unit: Unit): void {
  context.textBaseline = "middle";
  context.textAlign = "right";
  const y_of = (tick: number) => Math.round(plot.top + plot.height * (1 - (tick - scale.bottom) / (scale.top - scale.bottom)));
  for (const tick of apart(scale.ticks, y_of)) {
    const y = y_of(tick);
    context.fillStyle = token("--line");
    context.fillRect(plot.left, y, plot.width, 1);
    context.fillStyle = token("--ink-soft");
    context.fillText(show_value(tick, unit), plot.left - 6, Math.max(plot.top - 2, y));
  }
}

/* A line at the cursor, and the part of the time that is chosen or being dragged over. */
export function draw_over(context: CanvasRenderingContext2D, plot: Plot, range: Range, cursor_us: number | undefined, chosen: Range | undefined): void {
  if (chosen) {
    const from = Math.max(plot.left, x_of(plot, range, chosen.from_us));
    const to = Math.min(plot.left + plot.width, x_of(plot, range, chosen.to_us));
    context.fillStyle = token("--focus");
    context.globalAlpha = 0.22;
    context.fillRect(from, plot.top, to - from, plot.height);
    context.globalAlpha = 1;
    context.fillRect(from, plot.top, 1, plot.height);
    context.fillRect(to - 1, plot.top, 1, plot.height);
  }
  if (cursor_us !== undefined && cursor_us >= range.from_us && cursor_us <= range.to_us) {
    context.fillStyle = token("--ink-faint");
    context.fillRect(Math.round(x_of(plot, range, cursor_us)), plot.top, 1, plot.height);
  }
}

export interface TimeMark {
  t_us: number;
  text: string;
}
const MARK_CHARS = 24;
/* A dashed line for each, with its name at the top where it does not run into the one before. */
export function draw_marks(context: CanvasRenderingContext2D, plot: Plot, range: Range, marks: readonly TimeMark[]): void {
  let free = plot.left;
  context.textBaseline = "top";
  context.textAlign = "left";
  for (const mark of marks) {
    const x = Math.round(x_of(plot, range, mark.t_us)) + 0.5;
    if (x < plot.left || x > plot.left + plot.width) continue;
    context.strokeStyle = token("--ink-soft");
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, plot.top);
    context.lineTo(x, plot.top + plot.height);
    context.stroke();
    context.setLineDash([]);
    const words = mark.text.length > MARK_CHARS ? `${mark.text.slice(0, MARK_CHARS - 1)}…` : mark.text;
    const wide = context.measureText(words).width + 6;
    const is_left = x + wide > plot.left + plot.width;
    const from = is_left ? x - wide : x;
    if (from < free) continue;
    context.fillStyle = token("--ground");
    context.globalAlpha = 0.85;
    context.fillRect(from + 1, plot.top, wide - 2, 14);
    context.globalAlpha = 1;
    context.fillStyle = token("--ink-soft");
    context.fillText(words, from + 3, plot.top + 1);
    free = from + wide;
  }
}

/* A value that stands for itself beside the series: an exemplar. What lies above the scale is drawn at its top. */
export interface TimeDot {
  t_us: number;
  value: number;
  text: string;
}
export interface PlacedDot {
  at: number; /* in the list */
  x: number;
  y: number;
}
export function places_of_dots({ data, scale, plot }: Pick<Drawn, "data" | "scale" | "plot">, dots: readonly TimeDot[]): PlacedDot[] {
  return dots
    .map((dot, at) => ({ at, x: x_of(plot, data.range, dot.t_us), y: Math.max(plot.top + 4, plot.top + plot.height * (1 - (dot.value - scale.bottom) / (scale.top - scale.bottom || 1))) }))
    .filter((place) => place.x >= plot.left && place.x <= plot.left + plot.width);
}
export function draw_dots(context: CanvasRenderingContext2D, places: readonly PlacedDot[], lit: number | undefined): void {
  for (const { at, x, y } of places) {
    const size = at === lit ? 5 : 3.5;
    context.beginPath();
    context.moveTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.lineTo(x - size, y);
    context.closePath();
    context.fillStyle = token("--ink");
    context.fill();
    context.strokeStyle = token("--ground");
    context.lineWidth = 1;
    context.stroke();
  }
}

export interface Drawn {
  data: TimeSeries;
  looks: readonly Look[];
  scale: Scale;
  plot: Plot;
  lit: number | undefined; /* the series that is meant; the others step back */
}

const y_of = ({ plot, scale }: Drawn, value: number) => plot.top + plot.height * (1 - (value - scale.bottom) / (scale.top - scale.bottom));
const faded = (lit: number | undefined, at: number) => (lit === undefined || lit === at ? 1 : 0.18);

/* What is drawn stays inside the plot: the first and the last step reach beyond the range. */
export function clipped(context: CanvasRenderingContext2D, plot: Plot, draw: () => void): void {
  context.save();
  context.beginPath();
  context.rect(plot.left, plot.top - 2, plot.width, plot.height + 3);
  context.clip();
  draw();
  context.restore();
}

/* Steps that are only partly in the range stand on another ground. */
export function draw_parts(context: CanvasRenderingContext2D, { data, plot }: Drawn): void {
  context.fillStyle = token("--ground-sunken");
  for (const at of [0, data.times.length - 1]) {
    const t_us = data.times[at];
    if (t_us === undefined || !is_part(data, at)) continue;
    const from = Math.max(plot.left, x_of(plot, data.range, t_us));
    const to = Math.min(plot.left + plot.width, x_of(plot, data.range, t_us + data.step_us));
    if (to > from) context.fillRect(from, plot.top, to - from, plot.height);
  }
}

export function draw_lines(context: CanvasRenderingContext2D, drawn: Drawn): void {
  const { data, looks, plot, lit } = drawn;
  context.lineWidth = 1.75;
  context.lineJoin = "round";
  for (let s = data.series.length - 1; s >= 0; s--) {
    const values = data.series[s]?.values ?? [];
    const look = looks[s];
    context.strokeStyle = context.fillStyle = token(look?.token ?? "--series-7");
    context.globalAlpha = faded(lit, s);
    context.setLineDash([...(DASHES[look?.pattern ?? 0] ?? [])]);
    context.beginPath();
    let is_drawn = false;
    values.forEach((value, at) => {
      if (value === null) {
        is_drawn = false;
        return;
      }
      const x = x_of(plot, data.range, (data.times[at] ?? 0) + data.step_us / 2);
      const y = y_of(drawn, value);
      if (is_drawn) context.lineTo(x, y);
      else context.moveTo(x, y);
      is_drawn = true;
      if ((values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null) context.fillRect(x - 2, y - 2, 4, 4); /* alone: no line reaches it */
    });
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;
}

export function draw_areas(context: CanvasRenderingContext2D, drawn: Drawn): void {
  const { data, looks, plot, lit } = drawn;
  const ground = token("--ground");
  const below = data.times.map(() => 0);
  for (let s = data.series.length - 1; s >= 0; s--) {
    const values = data.series[s]?.values ?? [];
    const upper = below.map((low, at) => low + (values[at] ?? 0));
    const x = (at: number) => x_of(plot, data.range, (data.times[at] ?? 0) + data.step_us / 2);
    context.beginPath();
    upper.forEach((value, at) => (at === 0 ? context.moveTo(x(at), y_of(drawn, value)) : context.lineTo(x(at), y_of(drawn, value))));
    for (let at = below.length - 1; at >= 0; at--) context.lineTo(x(at), y_of(drawn, below[at] ?? 0));
    context.closePath();
    context.globalAlpha = faded(lit, s);
    context.fillStyle = token(looks[s]?.token ?? "--series-7");
    context.fill();
    const hatched = hatching(context, looks[s]?.pattern ?? 0, ground);
    if (hatched) {
      context.fillStyle = hatched;
      context.fill();
    }
    context.beginPath();
    upper.forEach((value, at) => (at === 0 ? context.moveTo(x(at), y_of(drawn, value)) : context.lineTo(x(at), y_of(drawn, value))));
    context.strokeStyle = token(looks[s]?.token ?? "--series-7");
    context.lineWidth = 1;
    context.stroke();
    context.globalAlpha = 1;
    upper.forEach((value, at) => (below[at] = value));
  }
}

/* Bars of one step: upon each other, or (grouped) beside each other. */
export function draw_bars(context: CanvasRenderingContext2D, drawn: Drawn, is_grouped: boolean): void {
  const { data, looks, plot, lit } = drawn;
  const palette = looks.map((look) => token(look.token));
  const tiles = looks.map((look) => hatching(context, look.pattern, token("--ground")));
  const zero = y_of(drawn, 0);
  const count = data.series.length;
  data.times.forEach((t_us, at) => {
    const from = Math.max(plot.left, x_of(plot, data.range, t_us));
    const to = Math.min(plot.left + plot.width, x_of(plot, data.range, t_us + data.step_us));
    const wide = Math.max(1, to - from - (to - from > 3 ? 1 : 0));
    let y = zero;
    for (let s = count - 1; s >= 0; s--) {
      const value = data.series[s]?.values[at] ?? 0;
      if (value === 0) continue;
      const size = Math.max(1.5, Math.abs(zero - y_of(drawn, value)));
      const each = is_grouped ? wide / count : wide;
      const x = is_grouped ? from + s * each : from;
      const up = is_grouped ? zero : y;
      const place = value > 0 ? up - size : zero;
      const thick = Math.max(1, each - (is_grouped && each > 3 ? 1 : 0));
      context.globalAlpha = faded(lit, s);
      context.fillStyle = palette[s] ?? token("--series-7");
      context.fillRect(x, place, thick, size);
      const tile = tiles[s];
      if (tile && thick > 2) {
        context.fillStyle = tile;
        context.fillRect(x, place, thick, size);
      }
      if (!is_grouped && value > 0) y -= size;
    }
  });
  context.globalAlpha = 1;
}
