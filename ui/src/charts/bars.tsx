/* Bars over time, stacked by series; dragging over them chooses a part of the time. Drawn on a canvas, as wide as its place.
 *
 *   points (t, series, count) --stack--> Stacked --Bars--> canvas
 */
import { useMemo, useRef, useState } from "preact/hooks";
import { token } from "../frame/theme";
import { show_count, show_whole } from "../number";
import { show_time, type Range } from "../time";
import { is_utc } from "../frame/range";
import { useCanvas } from "./canvas";
import { OTHERS, type Stacked } from "./stack";
import "./charts.css";

interface BarsProps {
  label: string;
  stacked: Stacked;
  step_us: number;
  range: Range;
  colour: (series: string, at: number) => string; /* the name of a token */
  onZoom: (from_us: number, to_us: number) => void;
  height?: number;
}

export function Bars({ label, stacked, step_us, range, colour, onZoom, height = 92 }: BarsProps) {
  const [drag, set_drag] = useState<{ from: number; to: number }>();
  const [over, set_over] = useState<number>();
  const box = useRef<HTMLDivElement>(null);
  const colours = useMemo(() => stacked.series.map(colour), [stacked, colour]);
  const width_us = range.to_us - range.from_us || 1;
  const canvas = useCanvas((context, width, inside) => {
    const floor = inside - 16;
    const palette = colours.map(token);
    const faint = token("--ink-soft");
    context.font = token("--text-small");
    context.fillStyle = token("--line");
    context.fillRect(0, floor, width, 1);
    const bar_px = (step_us / width_us) * width;
    for (const [at, bar] of stacked.bars.entries()) {
      const x = ((bar.t_us - range.from_us) / width_us) * width;
      let y = floor;
      if (at === over) {
        context.fillStyle = token("--ground-hover");
        context.fillRect(x, 0, Math.max(1, bar_px), floor);
      }
      for (let s = bar.counts.length - 1; s >= 0; s--) {
        const count = bar.counts[s] ?? 0;
        if (count === 0) continue;
        const size = Math.max(1.5, (count / (stacked.max || 1)) * (floor - 12));
        context.fillStyle = palette[s] ?? faint;
        context.fillRect(x, y - size, Math.max(1, bar_px - (bar_px > 3 ? 1 : 0)), size);
        y -= size;
      }
    }
    context.fillStyle = faint;
    context.textBaseline = "bottom";
    for (let tick = 0; tick < 5; tick++) {
      const t_us = range.from_us + (width_us * tick) / 4;
      context.textAlign = tick === 0 ? "left" : tick === 4 ? "right" : "center";
      const told = show_time(t_us, 0, is_utc.value);
      context.fillText(width_us > 2 * 86400e6 ? told.slice(5, 16) : told.slice(11), (width * tick) / 4, inside);
    }
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText(show_count(stacked.max), 2, 0);
    if (drag) {
      context.fillStyle = token("--focus");
      context.globalAlpha = 0.25;
      context.fillRect(Math.min(drag.from, drag.to), 0, Math.abs(drag.to - drag.from), floor);
      context.globalAlpha = 1;
    }
  });
  const place = (event: PointerEvent) => event.clientX - (canvas.current?.getBoundingClientRect().left ?? 0);
  const time_at = (x: number) => range.from_us + (x / (canvas.current?.clientWidth || 1)) * width_us;
  const bar = over === undefined ? undefined : stacked.bars[over];
  const total = stacked.bars.reduce((sum, one) => sum + one.sum, 0);
  return (
    <div class="bars" ref={box} style={{ height: `${height}px` }}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${label}: ${show_whole(total)} in all, at most ${show_whole(stacked.max)} in one bar. ${stacked.series.map((name, at) => `${name || "none"} ${show_whole(stacked.totals[at] ?? 0)}`).join(", ")}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          set_drag({ from: place(event), to: place(event) });
        }}
        onPointerMove={(event) => {
          const x = place(event);
          if (drag) set_drag({ from: drag.from, to: x });
          set_over(Math.floor((time_at(x) - (stacked.bars[0]?.t_us ?? 0)) / step_us));
        }}
        onPointerLeave={() => set_over(undefined)}
        onPointerUp={(event) => {
          const end = place(event);
          if (drag && Math.abs(end - drag.from) > 3) onZoom(time_at(Math.max(0, Math.min(drag.from, end))), time_at(Math.max(drag.from, end)));
          set_drag(undefined);
        }}
        onPointerCancel={() => set_drag(undefined)}
      />
      {bar && (
        <div class="bars-tip" aria-hidden="true" style={over !== undefined && over > stacked.bars.length / 2 ? { left: "4px" } : { right: "4px" }}>
          <b>{show_time(bar.t_us, 0, is_utc.value)}</b>
          {stacked.series.map((name, at) =>
            bar.counts[at] ? (
              <div key={name}>
                <span class="series-mark" style={{ background: `var(${colours[at]})` }} /> <span class="told">{name || "none"}</span> {show_whole(bar.counts[at] ?? 0)}
              </div>
            ) : null,
          )}
          {bar.sum === 0 && <div class="soft">nothing</div>}
        </div>
      )}
    </div>
  );
}

export function Legend({ stacked, colour, onChoose }: { stacked: Stacked; colour: (series: string, at: number) => string; onChoose?: (series: string) => void }) {
  return (
    <ul class="bars-legend">
      {stacked.series.map((name, at) => (
        <li key={name}>
          <button class="plain" disabled={!onChoose || name === OTHERS} onClick={() => onChoose?.(name)}>
            <span class="series-mark" style={{ background: `var(${colour(name, at)})` }} aria-hidden="true" />
            <span class="told ellipsis">{name || "none"}</span> <span class="soft">{show_count(stacked.totals[at] ?? 0)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
