/* Series over time: lines, areas or bars, drawn on a canvas as wide as its place.
 *
 * Dragging chooses a part of the time (with shift: marks it). A click on a series is onChoose. Keys: arrows move the cursor,
 * with shift they choose, Enter shows what is chosen, Escape lets go. The cursor's time is that of all charts of the page.
 */
import { useMemo, useRef, useState } from "preact/hooks";
import { is_utc } from "../frame/range";
import { token } from "../frame/theme";
import { show_time, type Range } from "../time";
import { useCanvas } from "./canvas";
import type { Look } from "./colours";
import { cursor_us } from "./cursor";
import { clipped, draw_areas, draw_bars, draw_dots, draw_lines, draw_marks, draw_over, draw_parts, draw_times, draw_values, places_of_dots, plot_of, time_of, type Drawn, type Shape, type TimeDot, type TimeMark } from "./draw";
import { scale_of, show_value } from "./scale";
import { extent_of, is_part, smallest_and_largest, told_at, type TimeSeries } from "./series";
import { Swatch } from "./legend";
import "./charts.css";

interface TimeChartProps {
  label: string;
  data: TimeSeries;
  looks: readonly Look[];
  shape: Shape;
  height?: number | string; /* pixels, or CSS */
  is_small?: boolean; /* no axis of values: only the largest is written */
  lit?: number | undefined;
  chosen?: Range | undefined;
  marks?: readonly TimeMark[]; /* moments with a name: a release */
  dots?: readonly TimeDot[]; /* values beside the series; a click on one is onDot */
  onDot?: (at: number) => void;
  onZoom: (from_us: number, to_us: number) => void;
  onSelect?: (from_us: number, to_us: number) => void;
  onChoose?: (series: number) => void;
}
const TOLD = 12;
const NEAR_PX = 10;

export function TimeChart({ label, data, looks, shape, height = 260, is_small = false, lit, chosen, marks, dots, onDot, onZoom, onSelect, onChoose }: TimeChartProps) {
  const shown = useMemo(() => (is_small ? looks.map((look) => ({ ...look, pattern: 0 })) : looks), [looks, is_small]); /* hatching needs room */
  const [drag, set_drag] = useState<{ from: number; to: number; is_marking: boolean }>();
  const [is_over, set_over] = useState<"" | "pointer" | "keys">("");
  const [pointed, point] = useState<number>(); /* which dot */
  const press = useRef<{ x: number; y: number } | undefined>(undefined);
  const is_stacked = shape === "bars" || shape === "areas";
  const scale = useMemo(() => {
    const extent = extent_of(data, is_stacked);
    return scale_of(extent.min, extent.max, data.unit, is_small ? 1 : 5);
  }, [data, is_stacked, is_small]);
  const { range, step_us } = data;
  const exact = useMemo(() => extent_of(data, is_stacked).max, [data, is_stacked]);
  const at = step_at(data, cursor_us.value);
  const drawn_in = (width: number, tall: number): Drawn => ({ data, looks: shown, scale: is_small ? { bottom: Math.min(0, scale.bottom), top: exact || 1, ticks: [] } : scale, plot: plot_of(width, tall, is_small), lit });
  const canvas = useCanvas((context, width, tall) => {
    const drawn = drawn_in(width, tall);
    const { plot } = drawn;
    context.font = token("--text-small");
    draw_parts(context, drawn);
    if (!is_small) draw_values(context, plot, scale, data.unit);
    else {
      context.fillStyle = token("--line");
      context.fillRect(0, plot.top + plot.height, width, 1);
    }
    if (at !== undefined && shape !== "line" && shape !== "areas") {
      context.fillStyle = token("--ground-hover");
      const t_us = data.times[at] ?? 0;
      const px = (step_us / (range.to_us - range.from_us)) * plot.width;
      context.fillRect(Math.max(plot.left, plot.left + ((t_us - range.from_us) / (range.to_us - range.from_us)) * plot.width), plot.top, px, plot.height);
    }
    clipped(context, plot, () => {
      if (shape === "line") draw_lines(context, drawn);
      else if (shape === "areas") draw_areas(context, drawn);
      else draw_bars(context, drawn, shape === "grouped");
    });
    draw_times(context, plot, range, is_utc.value);
    if (marks) draw_marks(context, plot, range, marks);
    if (dots) draw_dots(context, places_of_dots(drawn, dots), pointed);
    if (is_small) {
      context.fillStyle = token("--ink-soft");
      context.textAlign = "left";
      context.textBaseline = "top";
      context.fillText(show_value(exact, data.unit), 2, 0);
    }
    draw_over(context, plot, range, cursor_us.value, drag ? { from_us: Math.min(drag.from, drag.to), to_us: Math.max(drag.from, drag.to) } : chosen);
  });
  const box = () => canvas.current?.getBoundingClientRect() ?? new DOMRect();
  const plot_now = () => plot_of(canvas.current?.clientWidth ?? 1, canvas.current?.clientHeight ?? 1, is_small);
  const time_at = (event: PointerEvent) => time_of(plot_now(), range, event.clientX - box().left);
  const release = (one: { from: number; to: number; is_marking: boolean }) => {
    const from = Math.min(one.from, one.to);
    const to = Math.max(one.from, one.to);
    if (one.is_marking && onSelect) onSelect(from, to);
    else onZoom(from, to);
  };
  const series_under = (x: number, y: number): number | undefined => {
    const step = step_at(data, time_of(plot_now(), range, x));
    return step === undefined ? undefined : series_at(drawn_in(canvas.current?.clientWidth ?? 1, canvas.current?.clientHeight ?? 1), shape, step, x, y);
  };
  const dot_under = (event: PointerEvent): number | undefined => {
    if (!dots || !onDot) return undefined;
    const [x, y] = [event.clientX - box().left, event.clientY - box().top];
    const far = (place: { x: number; y: number }) => Math.hypot(place.x - x, place.y - y);
    const places = places_of_dots(drawn_in(canvas.current?.clientWidth ?? 1, canvas.current?.clientHeight ?? 1), dots).sort((a, b) => far(a) - far(b));
    return places[0] && far(places[0]) <= NEAR_PX ? places[0].at : undefined;
  };
  const move = (steps: number, is_choosing: boolean) => {
    const now = at ?? (steps > 0 ? -1 : data.times.length);
    const next = Math.max(0, Math.min(data.times.length - 1, now + steps));
    cursor_us.value = Math.max(range.from_us, Math.min(range.to_us, (data.times[next] ?? 0) + step_us / 2)); /* the first step may begin before the range */
    set_over("keys");
    const begin = data.times[next] ?? 0;
    if (!is_choosing) set_drag(undefined);
    else set_drag({ from: drag?.from ?? (data.times[Math.max(0, now)] ?? 0) + (steps > 0 ? 0 : step_us), to: steps > 0 ? begin + step_us : begin, is_marking: drag?.is_marking ?? false });
  };
  const on_key = (event: KeyboardEvent) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (steps !== undefined) move(Number.isFinite(steps) ? steps : steps > 0 ? data.times.length : -data.times.length, event.shiftKey);
    else if (event.key === "Enter" && drag) {
      release({ ...drag, is_marking: event.shiftKey });
      set_drag(undefined);
    } else if (event.key === "Escape" && (drag || is_over === "keys")) {
      set_drag(undefined);
      set_over("");
      cursor_us.value = undefined;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="chart" style={{ height: typeof height === "number" ? `${height}px` : height }}>
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={words_of(label, data, marks)}
        onKeyDown={on_key}
        onBlur={() => {
          if (is_over === "keys") set_over("");
        }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const t_us = time_at(event);
          press.current = { x: event.clientX, y: event.clientY };
          set_drag({ from: t_us, to: t_us, is_marking: event.shiftKey });
        }}
        onPointerMove={(event) => {
          const t_us = time_at(event);
          cursor_us.value = t_us;
          set_over("pointer");
          point(dot_under(event));
          if (drag && press.current) set_drag({ ...drag, to: t_us });
        }}
        onPointerLeave={() => {
          set_over("");
          cursor_us.value = undefined;
        }}
        onPointerUp={(event) => {
          const from = press.current;
          press.current = undefined;
          if (!drag || !from) return;
          set_drag(undefined);
          const dot = dot_under(event);
          if (Math.abs(event.clientX - from.x) > 4) release({ ...drag, to: time_at(event) });
          else if (dot !== undefined) onDot?.(dot);
          else if (onChoose) {
            const series = series_under(event.clientX - box().left, event.clientY - box().top);
            if (series !== undefined) onChoose(series);
          }
        }}
        onPointerCancel={() => {
          press.current = undefined;
          set_drag(undefined);
        }}
      />
      {is_over && at !== undefined && <Tip data={data} looks={shown} at={at} is_line={shape === "line"} dot={pointed === undefined ? undefined : dots?.[pointed]} />}
      <div class="unseen" role="status">
        {is_over === "keys" && at !== undefined && `${show_time(data.times[at] ?? 0, 0, is_utc.value)}: ${told_at(data, at).slice(0, TOLD).map((one) => `${one.name} ${show_value(one.value, data.unit)}`).join(", ")}`}
      </div>
    </div>
  );
}

function Tip({ data, looks, at, is_line, dot }: { data: TimeSeries; looks: readonly Look[]; at: number; is_line: boolean; dot?: TimeDot | undefined }) {
  const told = told_at(data, at);
  const some = told.filter((one) => one.value !== null && (one.value !== 0 || told.length <= TOLD));
  const sum = data.adds_up && told.length > 1 ? told.reduce((all, one) => all + (one.value ?? 0), 0) : undefined;
  return (
    <div class="chart-tip" aria-hidden="true" style={at > data.times.length / 2 ? { left: "66px" } : { right: "8px" }}>
      <b>{show_time(data.times[at] ?? 0, data.step_us < 1e6 ? 3 : 0, is_utc.value)}</b>
      {is_part(data, at) && <span class="soft"> partly in the range</span>}
      {some.slice(0, TOLD).map((one) => (
        <div key={one.at} class="chart-tip-line">
          <Swatch look={looks[one.at]} is_line={is_line} /> <span class="told ellipsis">{one.name}</span> <b>{show_value(one.value, data.unit)}</b>
        </div>
      ))}
      {some.length > TOLD && <div class="soft">{some.length - TOLD} more</div>}
      {some.length === 0 && <div class="soft">no value</div>}
      {dot && (
        <div>
          ◆ <b>{show_value(dot.value, data.unit)}</b> <span class="soft">opens trace {dot.text.slice(0, 8)}</span>
        </div>
      )}
      {sum !== undefined && <div class="soft">together {show_value(sum, data.unit)}</div>}
    </div>
  );
}

function step_at(data: TimeSeries, t_us: number | undefined): number | undefined {
  if (t_us === undefined || t_us < data.range.from_us || t_us > data.range.to_us) return undefined;
  const at = Math.floor((t_us - (data.times[0] ?? 0)) / data.step_us);
  return at >= 0 && at < data.times.length ? at : undefined;
}

/* The series that is drawn at a place: the nearest line, or the bar or area that is there. */
function series_at({ data, scale, plot }: Drawn, shape: Shape, step: number, x: number, y: number): number | undefined {
  const value_at = scale.bottom + (1 - (y - plot.top) / plot.height) * (scale.top - scale.bottom);
  if (shape === "line" || shape === "grouped") {
    if (shape === "grouped") {
      const begin = plot.left + (((data.times[step] ?? 0) - data.range.from_us) / (data.range.to_us - data.range.from_us)) * plot.width;
      const px = (data.step_us / (data.range.to_us - data.range.from_us)) * plot.width;
      return Math.max(0, Math.min(data.series.length - 1, Math.floor(((x - begin) / px) * data.series.length)));
    }
    const near = (NEAR_PX / plot.height) * (scale.top - scale.bottom);
    const found = told_at(data, step)
      .map((one) => ({ at: one.at, far: one.value === null ? Infinity : Math.abs(one.value - value_at) }))
      .sort((a, b) => a.far - b.far)[0];
    return found && found.far <= near ? found.at : undefined;
  }
  let low = 0;
  for (let s = data.series.length - 1; s >= 0; s--) {
    const high = low + (data.series[s]?.values[step] ?? 0);
    if (value_at > low && value_at <= high) return s;
    low = high;
  }
  return undefined;
}

/* What the picture shows, for who does not see it. */
export function words_of(label: string, data: TimeSeries, marks: readonly TimeMark[] = []): string {
  const told = data.series.slice(0, 10).map((series) => {
    const ends = smallest_and_largest(series.values);
    return `${series.name}: ${series.total === null ? "" : `${show_value(series.total, data.unit)} in all, `}${ends ? `${show_value(ends.min, data.unit)} to ${show_value(ends.max, data.unit)}` : "no value"}`;
  });
  const more = data.series.length > 10 ? `; and ${data.series.length - 10} more` : "";
  const marked = marks.length > 0 ? `; ${marks.map((one) => `${one.text} from ${show_time(one.t_us, 0, is_utc.value)}`).join(", ")}` : "";
  return `${label}, ${show_time(data.range.from_us, 0, is_utc.value)} to ${show_time(data.range.to_us, 0, is_utc.value)}. ${told.join("; ")}${more}${marked}. Arrow keys move, with Shift they choose, Enter shows what is chosen.`;
}
