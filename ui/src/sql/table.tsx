/* The rows of an answer: what is on the screen is in the page, whatever their number; sorted by the columns' heads. */
import { useMemo } from "preact/hooks";
import type { Table } from "../api/client";
import { useScrollBox } from "../frame/scroll";
import { href, project_path } from "../url";
import { cell_text, is_number_type, order_next, sorted, widths, type Order } from "./result";

const ROW_PX = 24;
const BEYOND = 15;
const SHOWN_MAX = 300; /* characters of a cell */

interface ResultProps {
  table: Table;
  order: Order;
  open: number; /* a row's place in the answer; -1: none */
  onOrder: (order: string | null) => void;
  onOpen: (row: number) => void;
}

export function Result({ table, order, open, onOrder, onOpen }: ResultProps) {
  const { box, top, height, on_scroll } = useScrollBox();
  const places = useMemo(() => sorted(table, order), [table, order.column, order.is_down]);
  const template = useMemo(() => widths(table).map((px) => `${px}px`).join(" "), [table]);
  const first = Math.max(0, Math.floor(top / ROW_PX) - BEYOND);
  const seen = places.slice(first, Math.ceil((top + height) / ROW_PX) + BEYOND);
  return (
    <div class="grid" ref={box} onScroll={on_scroll} role="region" aria-label="Rows" tabIndex={0}>
      <div class="grid-inner" role="grid" aria-label="Answer" aria-rowcount={places.length + 1} aria-colcount={table.columns.length}>
        <div class="grid-head list-head" role="row" style={{ gridTemplateColumns: template }}>
          {table.columns.map((column, at) => (
            <span key={at} role="columnheader" aria-sort={order.column !== at ? "none" : order.is_down ? "descending" : "ascending"} class={is_number_type(column.type) ? "number" : ""}>
              <button class="plain" title={`${column.name}: ${column.type}`} onClick={() => onOrder(order_next(order, at))}>
                <span class="told ellipsis">{column.name}</span>
                <span aria-hidden="true">{order.column !== at ? "" : order.is_down ? "↓" : "↑"}</span>
              </button>
            </span>
          ))}
        </div>
        <div class="grid-all" role="rowgroup" style={{ height: `${places.length * ROW_PX}px` }}>
          {seen.map((place, n) => (
            <div
              key={place}
              class={`grid-line list-line ${place === open ? "chosen" : ""}`}
              role="row"
              aria-rowindex={first + n + 2}
              aria-selected={place === open}
              style={{ top: `${(first + n) * ROW_PX}px`, height: `${ROW_PX}px`, gridTemplateColumns: template }}
              onClick={() => onOpen(place)}
            >
              {table.columns.map((column, at) => {
                const cell = table.rows[place]?.[at];
                const text = cell_text(cell).slice(0, SHOWN_MAX);
                return (
                  <span key={at} role="gridcell" class={`mono told ellipsis ${is_number_type(column.type) ? "number" : ""}`}>
                    {cell === null || cell === undefined ? <i class="soft">null</i> : is_trace(column.name, text) ? <a href={href(project_path(`trace/${text}`))}>{text}</a> : text}
                  </span>
                );
              })}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function is_trace(column: string, text: string): boolean {
  return /trace_id$/.test(column) && /^[0-9a-f]{32}$/.test(text);
}
