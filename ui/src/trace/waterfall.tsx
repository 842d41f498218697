/* The waterfall: a row a span, only those on the screen are in the page. Rows have one height, so a place is a product. */
import { useEffect } from "preact/hooks";
import { useScrollBox } from "../frame/scroll";
import { show_duration } from "../time";
import { colour_name } from "./colours";
import type { Log } from "./load";
import type { Trace } from "./rows";

export const ROW_PX = 24;
const BEYOND = 12;

export interface WaterfallProps {
  trace: Trace;
  rows: Int32Array; /* visible spans */
  folded: ReadonlySet<string>;
  chosen: number; /* span, -1: none */
  found: ReadonlySet<number>;
  logs: ReadonlyMap<string, Log[]>;
  colours: ReadonlyMap<string, number>;
  window: { from_us: number; to_us: number };
  onChoose: (at: number) => void;
  onFold: (at: number) => void;
}

export function Waterfall(props: WaterfallProps) {
  const { rows, chosen } = props;
  const { box, top, height, on_scroll } = useScrollBox();
  const at_row = rows.indexOf(chosen);
  useEffect(() => {
    const element = box.current;
    if (!element || at_row < 0) return;
    const place = at_row * ROW_PX;
    if (place < element.scrollTop) element.scrollTop = place - ROW_PX;
    else if (place + 2 * ROW_PX > element.scrollTop + element.clientHeight) element.scrollTop = place - element.clientHeight + 3 * ROW_PX;
  }, [chosen, at_row]);
  const first = Math.max(0, Math.floor(top / ROW_PX) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW_PX) + BEYOND);
  return (
    <div
      class="waterfall"
      ref={box}
      onScroll={on_scroll}
      role="treegrid"
      aria-label="Spans"
      aria-rowcount={rows.length}
      aria-activedescendant={chosen >= 0 ? `span-${chosen}` : undefined}
      tabIndex={0}
    >
      <div class="waterfall-all" style={{ height: `${rows.length * ROW_PX}px` }} role="rowgroup">
        {Array.from({ length: Math.max(0, last - first) }, (_, n) => (
          <Row key={rows[first + n]} {...props} at={rows[first + n] ?? 0} row={first + n} />
        ))}
      </div>
    </div>
  );
}

function Row({ trace, at, row, folded, chosen, found, logs, colours, window, onChoose, onFold }: WaterfallProps & { at: number; row: number }) {
  const span = trace.spans[at];
  if (!span) return null;
  const width = window.to_us - window.from_us || 1;
  const left = ((span.start_us - window.from_us) / width) * 100;
  const size = (span.duration_ns / 1e3 / width) * 100;
  const depth = trace.depth[at] ?? 0;
  const below = (trace.next[at] ?? at + 1) - at - 1;
  const is_folded = folded.has(span.id);
  const skew_us = trace.skew_us[at] ?? 0;
  const is_orphan = depth === 0 && span.parent_id !== "";
  const colour = `var(${colour_name(colours.get(span.service) ?? 7)})`;
  const classes = ["span-row"];
  if (at === chosen) classes.push("chosen");
  if (found.has(at)) classes.push("found");
  const is_seen = left < 100 && left + size > 0;
  return (
    <div
      class={classes.join(" ")}
      id={`span-${at}`}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={row + 1}
      aria-selected={at === chosen}
      aria-expanded={below > 0 ? !is_folded : undefined}
      style={{ top: `${row * ROW_PX}px`, height: `${ROW_PX}px` }}
      onClick={() => onChoose(at)}
    >
      <div class="span-name" role="gridcell" style={{ paddingLeft: `${Math.min(depth, 40) * 10 + 4}px` }}>
        {below > 0 ? (
          <button
            class="plain fold"
            tabIndex={-1}
            aria-label={is_folded ? `Show ${below} spans below` : "Fold"}
            onClick={(event) => {
              event.stopPropagation();
              onFold(at);
            }}
          >
            {is_folded ? `▸ ${below}` : "▾"}
          </button>
        ) : (
          <span class="fold" />
        )}
        <span class="service-mark" style={{ background: colour }} aria-hidden="true" />
        {span.is_error && (
          <span class="error-mark" title="error">
            ✖
          </span>
        )}
        {!span.is_error && is_folded && trace.has_error_below[at] === 1 && (
          <span class="error-mark hollow" title="an error below">
            ✕
          </span>
        )}
        <span class="told ellipsis">
          <b>{span.service}</b> {span.name}
        </span>
        {is_orphan && (
          <span class="badge" title={`its parent ${span.parent_id} was not sent, or not yet`}>
            no parent
          </span>
        )}
        {skew_us !== 0 && (
          <span class="badge" title="it cannot lie outside its parent: the clocks of the two machines differ by about this">
            clock {skew_us > 0 ? "+" : "−"}
            {show_duration(Math.abs(skew_us) * 1e3)}
          </span>
        )}
      </div>
      <div class="span-time" role="gridcell">
        {is_seen && (
          <span
            class={`span-bar${span.is_error ? " error" : ""}${trace.on_path[at] ? " path" : ""}`}
            style={{ left: `${Math.max(left, -1)}%`, width: `max(2px, ${Math.min(size, 102 - Math.max(left, -1))}%)`, background: colour }}
          />
        )}
        {(logs.get(span.id) ?? []).slice(0, 100).map((log) => {
          const place = ((log.time_us - window.from_us) / width) * 100;
          return place >= 0 && place <= 100 ? <span key={log.id} class={`log-tick ${log.level.toLowerCase()}`} style={{ left: `${place}%` }} title={`${log.level} ${log.body.slice(0, 200)}`} /> : null;
        })}
        <span {...length_place(left, size)}>
          {show_duration(span.duration_ns)}
        </span>
      </div>
    </div>
  );
}

/* The length stands behind the bar, else before it, else on its begin: wherever there is room. Parts of a hundred. */
function length_place(left: number, size: number): { class: string; style: Record<string, string> } {
  if (left + size <= 70) return { class: "span-length", style: { left: `calc(${Math.max(0, left + size)}% + 4px)` } };
  if (left >= 15) return { class: "span-length", style: { right: `calc(${100 - Math.min(left, 100)}% + 4px)` } };
  return { class: "span-length on-bar", style: { left: `calc(${Math.max(0, left)}% + 4px)` } };
}
