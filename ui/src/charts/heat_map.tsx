/* A heat map: values over time, how many by how dark. Dragging chooses a box of time and values, in whole cells.
 * Keys: arrows move, with shift they draw the box, Enter takes it, Escape lets go. */
import { useRef, useState } from "preact/hooks";
import { is_utc } from "../frame/range";
import { token } from "../frame/theme";
import { show_whole } from "../number";
import { show_time } from "../time";
import { useCanvas } from "./canvas";
import { cursor_us } from "./cursor";
import { draw_over, draw_times, plot_of, x_of, type Plot } from "./draw";
import { box_of, box_values, strength, type Box, type BoxValues, type Heat } from "./heat";
import { apart, log_ticks, show_value } from "./scale";
import "./charts.css";

interface HeatMapProps {
  label: string;
  heat: Heat;
  height?: number | string; /* pixels, or CSS */
  chosen?: { from_us: number; to_us: number; values?: { low: number; high: number } } | undefined;
  onBox: (box: BoxValues) => void;
}

export function HeatMap({ label, heat, height = 380, chosen, onBox }: HeatMapProps) {
  const [drag, set_drag] = useState<Box>();
  const [at, set_at] = useState<{ step: number; line: number; by: "pointer" | "keys" }>();
  const is_down = useRef<{ x: number; y: number } | undefined>(undefined);
  const { range, times, edges, step_us } = heat;
  const lines = heat.cells.length;
  const kept = chosen ? box_of(heat, chosen.from_us, chosen.to_us, chosen.values?.low ?? -Infinity, chosen.values?.high ?? Infinity) : undefined;
  const top_of = (plot: Plot, line: number) => plot.top + plot.height * (1 - line / lines); /* of the lower edge of a line */
  const canvas = useCanvas((context, width, tall) => {
    const plot = plot_of(width, tall, false);
    context.font = token("--text-small");
    context.fillStyle = token("--ground-sunken");
    context.fillRect(plot.left, plot.top, plot.width, plot.height);
    context.fillStyle = token("--heat");
    const each = plot.height / lines;
    heat.cells.forEach((row, line) =>
      row.forEach((count, step) => {
        if (count === 0) return;
        const from = Math.max(plot.left, x_of(plot, range, times[step] ?? 0));
        const to = Math.min(plot.left + plot.width, x_of(plot, range, (times[step] ?? 0) + step_us));
        context.globalAlpha = strength(count, heat.max);
        context.fillRect(from, top_of(plot, line + 1), Math.max(1, to - from - (to - from > 4 ? 0.5 : 0)), Math.max(1, each - (each > 4 ? 0.5 : 0)));
      }),
    );
    context.globalAlpha = 1;
    draw_times(context, plot, range, is_utc.value);
    context.textAlign = "right";
    context.textBaseline = "middle";
    const first = heat.has_zero ? 1 : 0;
    const low = edges[first] ?? 1;
    const high = edges[lines] ?? 10;
    const y_of = (value: number) => top_of(plot, first) - ((top_of(plot, first) - plot.top) * Math.log(value / low)) / (Math.log(high / low) || 1);
    const ends = heat.is_uneven ? ends_of(heat, each) : [];
    for (const { line, text } of ends) {
      context.fillStyle = token("--ink-soft");
      context.fillText(text, plot.left - 6, top_of(plot, line));
      context.fillStyle = token("--line-strong");
      context.fillRect(plot.left - 3, Math.round(top_of(plot, line)), 3, 1);
    }
    for (const tick of heat.is_uneven ? [] : apart(log_ticks(low, high), y_of)) {
      context.fillStyle = token("--ink-soft");
      context.fillText(show_value(tick, heat.unit), plot.left - 6, y_of(tick));
      context.fillStyle = token("--line-strong");
      context.fillRect(plot.left - 3, Math.round(y_of(tick)), 3, 1);
    }
    if (heat.has_zero) {
      context.fillStyle = token("--ink-soft");
      context.fillText("0 or less", plot.left - 6, (top_of(plot, 0) + top_of(plot, 1)) / 2);
    }
    draw_over(context, plot, range, cursor_us.value, undefined);
    const box = drag ?? kept;
    if (box) {
      const left = Math.max(plot.left, x_of(plot, range, times[Math.min(box.step0, box.step1)] ?? 0));
      const right = Math.min(plot.left + plot.width, x_of(plot, range, (times[Math.max(box.step0, box.step1)] ?? 0) + step_us));
      const upper = top_of(plot, Math.max(box.line0, box.line1) + 1);
      const lower = top_of(plot, Math.min(box.line0, box.line1));
      context.strokeStyle = context.fillStyle = token("--ink");
      context.lineWidth = 2;
      context.strokeRect(left + 1, upper + 1, right - left - 2, lower - upper - 2);
      context.globalAlpha = 0.1;
      context.fillRect(left, upper, right - left, lower - upper);
      context.globalAlpha = 1;
    }
    if (at?.by === "keys") {
      const x = Math.max(plot.left, x_of(plot, range, times[at.step] ?? 0));
      context.strokeStyle = token("--focus");
      context.lineWidth = 2;
      context.strokeRect(x, top_of(plot, at.line + 1), Math.max(3, (step_us / (range.to_us - range.from_us)) * plot.width), each);
    }
  });
  const cell_at = (event: PointerEvent) => {
    const place = canvas.current?.getBoundingClientRect() ?? new DOMRect();
    const plot = plot_of(place.width, place.height, false);
    const x = Math.max(0, Math.min(plot.width - 1, event.clientX - place.left - plot.left));
    const y = Math.max(0, Math.min(plot.height - 1, event.clientY - place.top - plot.top));
    const t_us = range.from_us + (x / plot.width) * (range.to_us - range.from_us);
    return { t_us, step: Math.max(0, Math.min(times.length - 1, Math.floor((t_us - (times[0] ?? 0)) / step_us))), line: Math.max(0, Math.min(lines - 1, Math.floor((1 - y / plot.height) * lines))) };
  };
  const on_key = (event: KeyboardEvent) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], PageUp: [-10, 0], PageDown: [10, 0] }[event.key];
    if (way) {
      const now = at ?? { step: Math.floor(times.length / 2), line: Math.floor(lines / 2) };
      const next = { step: Math.max(0, Math.min(times.length - 1, now.step + (way[0] ?? 0))), line: Math.max(0, Math.min(lines - 1, now.line + (way[1] ?? 0))) };
      set_at({ ...next, by: "keys" });
      cursor_us.value = Math.max(range.from_us, Math.min(range.to_us, (times[next.step] ?? 0) + step_us / 2));
      set_drag(event.shiftKey ? { step0: drag?.step0 ?? now.step, line0: drag?.line0 ?? now.line, step1: next.step, line1: next.line } : undefined);
    } else if (event.key === "Enter" && (drag || at)) {
      onBox(box_values(heat, drag ?? { step0: at?.step ?? 0, step1: at?.step ?? 0, line0: at?.line ?? 0, line1: at?.line ?? 0 }));
      set_drag(undefined);
    } else if (event.key === "Escape" && (drag || at?.by === "keys")) {
      set_drag(undefined);
      set_at(undefined);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const words = (step: number, line: number) =>
    `${show_time(times[step] ?? 0, step_us < 1e6 ? 3 : 0, is_utc.value)}, ${heat.has_zero && line === 0 ? "zero or less" : `${show_end(edges[line], heat)} to ${show_end(edges[line + 1], heat)}`}: ${show_whole(heat.cells[line]?.[step] ?? 0)} ${heat.what ?? "rows"}`;
  return (
    <div class="chart" style={{ height: typeof height === "number" ? `${height}px` : height }}>
      <canvas
        ref={canvas}
        role="img"
        tabIndex={0}
        aria-label={`${label}: ${show_whole(heat.total)} values from ${show_end(edges[heat.has_zero ? 1 : 0], heat)} to ${show_end(edges[lines], heat)}, at most ${show_whole(heat.max)} in one cell. Arrow keys move, with Shift they draw a box, Enter chooses it.`}
        onKeyDown={on_key}
        onBlur={() => set_at(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const cell = cell_at(event);
          is_down.current = { x: event.clientX, y: event.clientY };
          set_drag({ step0: cell.step, step1: cell.step, line0: cell.line, line1: cell.line });
        }}
        onPointerMove={(event) => {
          const cell = cell_at(event);
          cursor_us.value = cell.t_us;
          set_at({ step: cell.step, line: cell.line, by: "pointer" });
          if (is_down.current && drag) set_drag({ ...drag, step1: cell.step, line1: cell.line });
        }}
        onPointerLeave={() => {
          set_at(undefined);
          cursor_us.value = undefined;
        }}
        onPointerUp={(event) => {
          const from = is_down.current;
          is_down.current = undefined;
          const cell = cell_at(event);
          set_drag(undefined);
          if (drag && from && Math.abs(event.clientX - from.x) + Math.abs(event.clientY - from.y) > 4) onBox(box_values(heat, { ...drag, step1: cell.step, line1: cell.line }));
        }}
        onPointerCancel={() => {
          is_down.current = undefined;
          set_drag(undefined);
        }}
      />
      {at && (
        <div class="chart-tip" aria-hidden="true" style={at.step > times.length / 2 ? { left: "66px" } : { right: "8px" }}>
          {words(at.step, at.line)}
          {drag && <div class="soft">{show_whole(box_values(heat, drag).count)} in the box</div>}
        </div>
      )}
      <div class="unseen" role="status">
        {at?.by === "keys" && words(at.step, at.line)}
      </div>
    </div>
  );
}

const show_end = (edge: number | undefined, heat: Heat) => (edge === Infinity ? "more" : edge === -Infinity ? "less" : show_value(edge, heat.unit));

const END_PX = 15;
/* Ends of lines that have room beside the axis, from below. */
function ends_of(heat: Heat, each: number): { line: number; text: string }[] {
  const every = Math.max(1, Math.ceil(END_PX / each));
  return heat.edges.flatMap((edge, line) => (line % every === 0 && Number.isFinite(edge) ? [{ line, text: show_value(edge, heat.unit) }] : []));
}

/* How dark is how many. */
export function HeatLegend({ heat }: { heat: Heat }) {
  const steps = [0, 0.02, 0.1, 0.25, 0.5, 1].map((share) => Math.max(1, Math.round(heat.max * share))).filter((count, at, all) => all.indexOf(count) === at);
  return (
    <div class="heat-legend row soft">
      {heat.what ? `${heat.what[0]?.toUpperCase()}${heat.what.slice(1)}` : "Rows"} in a cell
      {steps.map((count) => (
        <span key={count} class="row heat-step">
          <span class="heat-mark" aria-hidden="true">
            <span style={{ opacity: strength(count, heat.max) }} />
          </span>
          {show_whole(count)}
        </span>
      ))}
    </div>
  );
}
