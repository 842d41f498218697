/* The rows, newest first: only those on the screen are in the page; more come when the end is near. */
import { useEffect, useState } from "preact/hooks";
import { useScrollBox } from "../frame/scroll";
import { useNarrow } from "../frame/narrow";
import { is_utc } from "../frame/range";
import { show_duration, show_time, from_iso } from "../time";
import { FieldMenu } from "../row/field_menu";
import type { FieldActs } from "./kinds";
import type { Row } from "./rows";

const ROW_PX = 24;
const WRAPPED_PX = 72;
const CELLS_PX = 18; /* of the columns of choice, below the row where there is no room beside it */
const BEYOND = 20;

interface TableProps {
  rows: readonly Row[];
  columns: readonly string[];
  open_id: string;
  is_wrapped: boolean;
  is_whole: boolean; /* there are no older ones */
  is_loading: boolean;
  end?: string | undefined; /* said below the rows instead */
  follows?: boolean; /* new rows come at the top, and the top is shown */
  onLeave?: () => void; /* of the top, while it follows */
  onOpen: (row: Row) => void;
  onEnd: () => void;
  acts: FieldActs;
}

export function Table({ rows, columns, open_id, is_wrapped, is_whole, is_loading, end, follows = false, onLeave, onOpen, onEnd, acts }: TableProps) {
  const { box, top, height, on_scroll } = useScrollBox();
  const [pointed, point_at] = useState("");
  const has_menus = (row: Row) => row.id === pointed || row.id === open_id; /* not in every row: there are many */
  const is_narrow = useNarrow();
  const row_px = (is_wrapped ? WRAPPED_PX : ROW_PX) + (is_narrow && columns.length > 0 ? CELLS_PX : 0);
  const open_at = rows.findIndex((row) => row.id === open_id);
  useEffect(() => {
    const element = box.current;
    if (!element || open_at < 0) return;
    const place = open_at * row_px;
    if (place < element.scrollTop) element.scrollTop = place;
    else if (place + 3 * row_px > element.scrollTop + element.clientHeight) element.scrollTop = place - element.clientHeight + 3 * row_px;
  }, [open_id, open_at]);
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = 0;
  }, [follows]);
  useEffect(() => {
    if (follows && top > row_px) onLeave?.();
  }, [top]);
  const first = Math.max(0, Math.floor(top / row_px) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((top + height) / row_px) + BEYOND);
  useEffect(() => {
    if (!is_whole && !is_loading && last >= rows.length - BEYOND && rows.length > 0) onEnd();
  }, [last, rows.length, is_whole, is_loading]);
  const template = `164px 82px 140px ${columns.map(() => "minmax(90px, 200px)").join(" ")} minmax(240px, 1fr)`;
  return (
    <div class={is_wrapped ? "rows wrapped" : "rows"} ref={box} onScroll={on_scroll} role="region" aria-label="Rows" tabIndex={0}>
      <div class="rows-grid" role="grid" aria-label="Logs and spans" aria-rowcount={is_whole ? rows.length + 1 : -1}>
      <div class="rows-head list-head" role="row" style={{ gridTemplateColumns: template }}>
        <span role="columnheader">Time</span>
        <span role="columnheader">Level</span>
        <span role="columnheader">Service</span>
        {columns.map((name) => (
          <span key={name} role="columnheader" class="column-head">
            <span class="told ellipsis">{name}</span>
            <FieldMenu name={name} acts={acts} is_column />
          </span>
        ))}
        <span role="columnheader">Summary</span>
      </div>
      <div class="rows-all" role="rowgroup" style={{ height: `${rows.length * row_px}px` }}>
        {rows.slice(first, last).map((row, n) => (
          <div
            key={row.id}
            class={`row-line list-line ${row.id === open_id ? "chosen" : ""} ${row.is_error ? "bad" : ""}`}
            role="row"
            aria-rowindex={first + n + 2}
            aria-selected={row.id === open_id}
            style={{ top: `${(first + n) * row_px}px`, height: `${row_px}px`, gridTemplateColumns: template }}
            onClick={() => onOpen(row)}
            onPointerEnter={() => point_at(row.id)}
          >
            <span role="gridcell" class="mono soft">
              <span class="row-date">{show_time(from_iso(row.timestamp), 0, is_utc.value).slice(5, 11)}</span>
              {show_time(from_iso(row.timestamp), 3, is_utc.value).slice(11)}
            </span>
            <span role="gridcell" class={row.level || row.is_error ? `level ${(row.level || "error").toLowerCase()}` : "soft"}>
              {row.level || (row.is_error ? `✖ ${row.kind}` : row.kind)}
            </span>
            <span role="gridcell" class="row-cell">
              <span class="told ellipsis">{row.service}</span>
              {has_menus(row) && row.service && <FieldMenu name="service.name" value={row.service} acts={acts} />}
            </span>
            {row.cells.map((cell, at) => (
              <span key={columns[at]} role="gridcell" class="row-cell">
                <span class="told mono ellipsis">{cell.slice(0, 300)}</span>
                {has_menus(row) && cell && <FieldMenu name={columns[at] ?? ""} value={cell} acts={acts} is_column />}
              </span>
            ))}
            <span role="gridcell" class="row-text told">
              {row.duration_ns !== null && <span class="row-duration">{show_duration(row.duration_ns)}</span>}
              {row.text.slice(0, 600)}
            </span>
            {is_narrow && columns.length > 0 && (
              <span role="gridcell" class="row-cells soft mono ellipsis">
                {row.cells.map((cell, at) => cell && <span key={columns[at]} class="told">{`${columns[at]} ${cell.slice(0, 80)}  `}</span>)}
              </span>
            )}
          </div>
        ))}
      </div>
      </div>
      <p class="rows-end soft" role="status">
        {end ?? (is_whole ? `${rows.length} rows, none older in this range` : "Reading older ones …")}
      </p>
    </div>
  );
}
