/* The time of a recording: a slider, and above it what happened when. */
import { clock, type Mark, type Shaped } from "./shape";
import type { Beside } from "./load";

const LANES: readonly { name: string; is: (mark: Mark) => boolean }[] = [
  { name: "error", is: (mark) => mark.kind === "error" },
  { name: "rage", is: (mark) => mark.kind === "rage_click" },
  { name: "page", is: (mark) => mark.kind === "navigation" },
  { name: "click", is: (mark) => mark.kind === "click" },
];
const MOST = 400; /* marks of a lane that are drawn: more cannot be told apart */

/* One mark for those that would stand on each other. */
function thinned<T>(list: readonly T[], place: (one: T) => number): { at: number; one: T }[] {
  const seen = new Set<number>();
  const kept: { at: number; one: T }[] = [];
  for (const one of list) {
    const at = place(one);
    const slot = Math.round((at / 100) * MOST);
    if (at < 0 || at > 100 || seen.has(slot)) continue;
    seen.add(slot);
    kept.push({ at, one });
  }
  return kept;
}

export function Timeline({ shaped, beside, from_ms, to_ms, now_ms, onSeek }: { shaped: Shaped; beside: readonly Beside[]; from_ms: number; to_ms: number; now_ms: number; onSeek: (at_ms: number) => void }) {
  const place = (at_ms: number) => ((at_ms - from_ms) / (to_ms - from_ms)) * 100;
  const network = shaped.marks.filter((mark) => mark.kind === "network");
  const spans = beside.filter((one) => !one.is_log);
  const value = Math.round(Math.max(0, Math.min(to_ms, now_ms || from_ms) - from_ms));
  return (
    <div class="timeline">
      <div class="timeline-marks" aria-hidden="true">
        {shaped.holes.map((hole, at) => (
          <i key={`hole${at}`} class="mark-hole" title={hole.why} style={{ left: `${place(hole.from_ms)}%`, width: `${Math.max(0.3, place(hole.to_ms) - place(hole.from_ms))}%` }} />
        ))}
        {thinned(network, (mark) => place(mark.at_ms)).map(({ at, one }) => (
          <i key={`net${one.at_ms}`} class={one.level === "error" ? "mark-network wrong" : "mark-network"} style={{ left: `${at}%`, width: `${Math.min(100 - at, Math.max(0.3, (one.duration_ms / (to_ms - from_ms)) * 100))}%` }} />
        ))}
        {thinned(spans, (one) => place(one.at_ms)).map(({ at, one }) => (
          <i key={`span${one.at_ms}`} class={one.level === "error" ? "mark-span wrong" : "mark-span"} style={{ left: `${at}%`, width: `${Math.min(100 - at, Math.max(0.3, (one.duration_ms / (to_ms - from_ms)) * 100))}%` }} />
        ))}
        {LANES.map((lane) => thinned(shaped.marks.filter(lane.is), (mark) => place(mark.at_ms)).map(({ at, one }) => <i key={`${lane.name}${one.at_ms}`} class={`mark-${lane.name}`} style={{ left: `${at}%` }} />))}
      </div>
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={`${clock(value)} of ${clock(to_ms - from_ms)}`}
        min="0"
        max={String(Math.round(to_ms - from_ms))}
        step="10"
        value={String(value)}
        onInput={(event) => onSeek(from_ms + Number(event.currentTarget.value))}
      />
    </div>
  );
}
