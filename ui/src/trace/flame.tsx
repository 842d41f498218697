/* The flame graph: spans by time from left to right, below what called them; and the small map of the whole trace over both
 * views. Both are drawn on a canvas, in one pass over all spans. */
import { useMemo, useRef, useState } from "preact/hooks";
import { useScrollBox } from "../frame/scroll";
import { token } from "../frame/theme";
import { show_duration } from "../time";
import { useCanvas } from "../charts/canvas";
import { colour_name, COLOURS } from "./colours";
import type { Trace } from "./rows";

export interface Window {
  from_us: number;
  to_us: number;
}
const LANE_PX = 20;

function series(): string[] {
  return Array.from({ length: COLOURS }, (_, at) => token(colour_name(at)));
}

interface FlameProps {
  trace: Trace;
  colours: ReadonlyMap<string, number>;
  window: Window;
  chosen: number;
  found: ReadonlySet<number>;
  onChoose: (at: number) => void;
  onWindow: (window: Window) => void;
}

export function Flame({ trace, colours, window, chosen, found, onChoose, onWindow }: FlameProps) {
  const { box, top, height: height_px, on_scroll } = useScrollBox();
  const [over, set_over] = useState<{ at: number; x: number; y: number }>();
  const by_lane = useMemo(() => {
    const lanes: number[][] = Array.from({ length: trace.lane_count }, () => []);
    trace.spans.forEach((_, at) => lanes[trace.lane[at] ?? 0]?.push(at));
    for (const lane of lanes) lane.sort((a, b) => (trace.spans[a]?.start_us ?? 0) - (trace.spans[b]?.start_us ?? 0));
    return lanes;
  }, [trace]);
  const width_us = window.to_us - window.from_us || 1;

  const canvas = useCanvas((context, width, height) => {
    const palette = series();
    const ink = token("--ground");
    const error = token("--level-error");
    const focus = token("--focus");
    const mark = token("--ink");
    context.font = token("--text-small");
    context.textBaseline = "middle";
    const first = Math.floor(top / LANE_PX);
    const last = Math.min(by_lane.length, Math.ceil((top + height) / LANE_PX) + 1);
    for (let lane = first; lane < last; lane++) {
      const y = lane * LANE_PX - top;
      let drawn_to = -1;
      for (const at of by_lane[lane] ?? []) {
        const span = trace.spans[at];
        if (!span) continue;
        const x = ((span.start_us - window.from_us) / width_us) * width;
        const right = x + Math.max(1, (span.duration_ns / 1e3 / width_us) * width);
        if (right < 0 || x > width || (right <= drawn_to && at !== chosen && !span.is_error)) continue; /* under one pixel that is drawn */
        drawn_to = Math.max(drawn_to, Math.floor(right));
        const left = Math.max(x, -2);
        const size = Math.min(right, width + 2) - left;
        context.globalAlpha = found.size > 0 && !found.has(at) ? 0.3 : 1;
        context.fillStyle = palette[colours.get(span.service) ?? 7] ?? mark;
        context.fillRect(left, y + 1, Math.max(1, size - (size > 4 ? 1 : 0)), LANE_PX - 2);
        if (trace.on_path[at]) {
          context.fillStyle = mark;
          context.fillRect(left, y + LANE_PX - 3, Math.max(1, size - 1), 2);
        }
        if (span.is_error) {
          context.fillStyle = error;
          context.fillRect(left, y + 1, Math.min(size, 5), LANE_PX - 2);
        }
        if (size > 34) {
          context.fillStyle = ink;
          const name = `${span.is_error ? "✖ " : ""}${span.name}`;
          context.save();
          context.beginPath();
          context.rect(left, y, size - 4, LANE_PX);
          context.clip();
          context.fillText(name, Math.max(left, 0) + 7, y + LANE_PX / 2);
          context.restore();
        }
        if (at === chosen) {
          context.strokeStyle = focus;
          context.lineWidth = 2;
          context.strokeRect(left + 1, y + 1, Math.max(2, size - 2), LANE_PX - 2);
        }
      }
    }
    context.globalAlpha = 1;
  });

  const span_at = (event: MouseEvent) => {
    const area = canvas.current?.getBoundingClientRect();
    if (!area) return -1;
    const lane = Math.floor((event.clientY - area.top + top) / LANE_PX);
    const time_us = window.from_us + ((event.clientX - area.left) / area.width) * width_us;
    const slack_us = (width_us / area.width) * 2;
    return (by_lane[lane] ?? []).find((at) => {
      const span = trace.spans[at];
      return span !== undefined && time_us >= span.start_us - slack_us && time_us <= span.start_us + span.duration_ns / 1e3 + slack_us;
    }) ?? -1;
  };
  const zoom = (event: WheelEvent) => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    event.preventDefault();
    const area = canvas.current?.getBoundingClientRect();
    if (!area) return;
    const place = window.from_us + ((event.clientX - area.left) / area.width) * width_us;
    const factor = event.deltaY > 0 || event.deltaX > 0 ? 1.25 : 0.8;
    onWindow(window_clamp(trace, { from_us: place - (place - window.from_us) * factor, to_us: place + (window.to_us - place) * factor }));
  };
  const hovered = over && trace.spans[over.at];
  return (
    <div class="flame" ref={box} role="region" aria-label="Flame graph" tabIndex={0} onScroll={on_scroll} onWheel={zoom}>
      <div class="flame-all" style={{ height: `${trace.lane_count * LANE_PX}px` }}>
        <canvas
          ref={canvas}
          style={{ height: `${height_px}px` }}
          role="img"
          aria-label={`Flame graph of ${trace.spans.length} spans; the waterfall has the same as a list`}
          onClick={(event) => {
            const at = span_at(event);
            if (at >= 0) onChoose(at);
          }}
          onDblClick={(event) => {
            const span = trace.spans[span_at(event)];
            if (span) onWindow(window_clamp(trace, { from_us: span.start_us, to_us: span.start_us + span.duration_ns / 1e3 }));
          }}
          onMouseMove={(event) => {
            const at = span_at(event);
            set_over(at >= 0 ? { at, x: event.clientX, y: event.clientY } : undefined);
          }}
          onMouseLeave={() => set_over(undefined)}
        />
      </div>
      {over && hovered && (
        <div class="popup tip" style={{ left: `${Math.min(over.x + 12, globalThis.innerWidth - 330)}px`, top: `${over.y + 14}px` }}>
          <b class="told">{hovered.service}</b> <span class="told">{hovered.name}</span>
          <div class="soft">
            {show_duration(hovered.duration_ns)}, itself {show_duration(trace.self_ns[over.at] ?? 0)}
            {hovered.is_error ? ", error" : ""}
          </div>
        </div>
      )}
    </div>
  );
}

/* Inside the trace, and never less than a hundred nanoseconds. */
export function window_clamp(trace: Trace, window: Window): Window {
  const from_us = Math.max(trace.begin_us, Math.min(window.from_us, trace.end_us - 0.1));
  const to_us = Math.min(trace.end_us, Math.max(window.to_us, from_us + 0.1));
  return to_us > from_us ? { from_us, to_us } : { from_us: trace.begin_us, to_us: trace.end_us };
}

/* The whole trace in a strip; drag over it to see a part. */
export function Minimap({ trace, colours, window, onWindow }: { trace: Trace; colours: ReadonlyMap<string, number>; window: Window; onWindow: (window: Window) => void }) {
  const drag = useRef<number | undefined>(undefined);
  const all_us = trace.end_us - trace.begin_us || 1;
  const canvas = useCanvas((context, width, height) => {
    const palette = series();
    const error = token("--level-error");
    const lane_px = Math.max(0.5, Math.min(4, height / Math.max(1, Math.min(trace.lane_count, height * 2))));
    trace.spans.forEach((span, at) => {
      const y = (trace.lane[at] ?? 0) * lane_px;
      if (y > height) return;
      const x = ((span.start_us - trace.begin_us) / all_us) * width;
      const size = Math.max(0.6, (span.duration_ns / 1e3 / all_us) * width);
      context.fillStyle = palette[colours.get(span.service) ?? 7] ?? error;
      context.fillRect(x, y, size, Math.max(0.6, lane_px - 0.4));
      if (!span.is_error) return;
      context.fillStyle = error;
      context.fillRect(x, y, Math.min(Math.max(2, size), 3), Math.max(1, lane_px));
    });
    context.fillStyle = token("--ground");
    context.globalAlpha = 0.7;
    const left = ((window.from_us - trace.begin_us) / all_us) * width;
    const right = ((window.to_us - trace.begin_us) / all_us) * width;
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, width - right, height);
    context.globalAlpha = 1;
    if (right - left < width - 1) {
      context.strokeStyle = token("--focus");
      context.strokeRect(left + 0.5, 0.5, Math.max(1, right - left - 1), height - 1);
    }
  });
  const time_at = (event: PointerEvent) => {
    const area = canvas.current?.getBoundingClientRect();
    return area ? trace.begin_us + (Math.max(0, Math.min(1, (event.clientX - area.left) / area.width))) * all_us : trace.begin_us;
  };
  return (
    <canvas
      class="minimap"
      ref={canvas}
      role="img"
      aria-label="The whole trace; drag over it to see a part, double-click to see all"
      onPointerDown={(event) => {
        drag.current = time_at(event);
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerUp={(event) => {
        const from = drag.current;
        drag.current = undefined;
        if (from === undefined) return;
        const to = time_at(event);
        if (Math.abs(to - from) > all_us / 300) onWindow(window_clamp(trace, { from_us: Math.min(from, to), to_us: Math.max(from, to) }));
      }}
      onDblClick={() => onWindow({ from_us: trace.begin_us, to_us: trace.end_us })}
    />
  );
}
