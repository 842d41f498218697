/* A table of numbers: sorted by a click on a head, copied as CSV; as many lines as are asked for. */
import { useMemo, useState } from "preact/hooks";
import { copy } from "../frame/toast";
import { show_value } from "./scale";
import { csv, sorted, type Column, type DataRows, type Value } from "./table";
import "./charts.css";

const LINES = 200;

interface DataTableProps {
  title: string;
  table: DataRows;
  onRow?: (at: number) => void; /* of table.rows; the first cell becomes a button */
}
export function DataTable({ title, table, onRow }: DataTableProps) {
  const [sort, set_sort] = useState<{ at: number; is_down: boolean }>();
  const [is_whole, show_whole] = useState(false);
  const rows = useMemo(() => (sort ? sorted(table.rows, sort.at, sort.is_down) : table.rows), [table, sort]);
  const lines = is_whole ? rows : rows.slice(0, LINES);
  const sort_by = (at: number) => set_sort((now) => (now?.at === at ? { at, is_down: !now.is_down } : { at, is_down: table.columns[at]?.unit !== undefined }));
  return (
    <div class="data-table">
      <div class="row">
        <span class="soft" role="status">
          {rows.length} {rows.length === 1 ? "line" : "lines"}
        </span>
        <button onClick={() => void copy(csv({ columns: table.columns, rows }), "table")}>Copy CSV</button>
      </div>
      <div class="data-table-box" role="region" aria-label={title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {table.columns.map((column, at) => (
                <th key={at} scope="col" class={column.unit ? "number" : ""} aria-sort={sort?.at === at ? (sort.is_down ? "descending" : "ascending") : "none"}>
                  <button class="plain" onClick={() => sort_by(at)}>
                    <span class="told ellipsis">{column.title || "none"}</span> <span aria-hidden="true">{sort?.at === at ? (sort.is_down ? "▾" : "▴") : ""}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {lines.map((row, n) => (
              <tr key={n}>
                {row.map((value, at) =>
                  at === 0 ? (
                    <th key={at} scope="row">
                      {onRow ? (
                        <button class="plain" onClick={() => onRow(table.rows.indexOf(row))}>
                          <Shown value={value} column={table.columns[at]} />
                        </button>
                      ) : (
                        <Shown value={value} column={table.columns[at]} />
                      )}
                    </th>
                  ) : (
                    <td key={at} class={table.columns[at]?.unit ? "number" : ""}>
                      <Shown value={value} column={table.columns[at]} />
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > lines.length && <button onClick={() => show_whole(true)}>Show all {rows.length}</button>}
    </div>
  );
}

function Shown({ value, column }: { value: Value; column: Column | undefined }) {
  if (typeof value !== "number") return value === null ? <span class="soft">–</span> : <span class="told">{value === "" ? "none" : value.slice(0, 300)}</span>;
  return <>{show_value(value, column?.unit ?? "number")}</>;
}
