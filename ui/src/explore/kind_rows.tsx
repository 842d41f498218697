/* The kind "rows": the list, newest first, with columns of choice, and beside it the row that is open. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiProblem, query } from "../api/client";
import { useActs } from "../frame/acts";
import { is_live, refresh } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { change, param } from "../url";
import { field_of, type Catalog, type Field } from "./fields";
import type { KindProps } from "./kinds";
import { LiveBar } from "./live/bar";
import { LIVE_ROWS_MAX } from "./live/list";
import { useLive } from "./live/use_live";
import { Nothing } from "./nothing";
import { RowDetail } from "./row_detail";
import { row_from, type Row } from "./rows";
import { PAGE_ROWS, rows_statement, type Scope } from "./statement";
import { Table } from "./table";

export default function Rows({ project, catalog, scope, asked, acts }: KindProps) {
  const columns = useMemo(() => param("cols").split(",").filter(Boolean), [param("cols")]);
  const fields = useMemo(() => columns.map((name) => field_of(catalog, name)), [columns, catalog]);
  const streams = is_live.value && param("sql") !== "1";
  const is_paused = param("paused") === "1";
  /* While the stream brings what is new, the list is not read again with every new range. */
  const list = useRows(asked && `${streams ? `${project}\nlive\n${scope.where}` : asked}\n${columns.join(",")}`, project, scope, fields);
  const live = useLive(streams && asked !== null ? { project, q: param("q"), env: param("env"), cols: columns.join(",") } : null, is_paused, list.again);
  const rows = streams ? live.list.with_older(list.rows) : list.rows;
  const pause = (is_now: boolean) => streams && change({ paused: is_now ? "1" : null }, true);
  useEffect(() => {
    if (!is_live.value || (streams && !live.problem)) return;
    const timer = setInterval(() => {
      refresh();
      if (streams) list.again();
    }, 2000);
    return () => clearInterval(timer);
  }, [is_live.value, streams, live.problem]);
  const open_id = param("open");
  const [beside, set_beside] = useState<Row>(); /* a row that is not in the list: of the rows around */
  const opened = rows.find((row) => row.id === open_id) ?? (beside?.id === open_id ? beside : undefined);
  const open = (row: Row | undefined) => {
    set_beside(row);
    change({ open: row?.id ?? null, ...(row && streams ? { paused: "1" } : {}) }, true); /* who reads a row wants it to stay */
  };
  const step_row = (by_rows: number) => {
    const at = rows.findIndex((row) => row.id === open_id);
    open(rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by_rows))]);
  };
  const wrap = () => change({ wrap: param("wrap") ? null : "1" }, true);
  useActs({ title: "Logs and spans", ...(asked === null ? { statement: undefined } : { statement: rows_statement(scope, fields), whole: rows_statement(scope, fields, undefined, 0) }) });
  useKeys([
    { keys: "j", text: "Next row", group: "Explorer", run: () => step_row(1) },
    { keys: "k", text: "Row before", group: "Explorer", run: () => step_row(-1) },
    { keys: "w", text: "Long or short lines", group: "Explorer", run: wrap },
    { keys: "p", text: "Live: pause or resume", group: "Explorer", run: () => pause(!is_paused) },
    { keys: "escape", text: "Close the row", group: "Explorer", run: () => open(undefined) },
  ]);
  return (
    <div class={opened ? "kind-rows with-detail" : "kind-rows"}>
      <div class="kind-rows-list">
        <div class="kind-bar row">
          <ColumnPicker catalog={catalog} columns={columns} onToggle={acts.onColumn} />
          <button aria-pressed={param("wrap") === "1"} onClick={wrap}>
            Long lines
          </button>
          <span class="grow" />
          {list.duration_ms !== undefined && <span class="soft">{list.duration_ms.toFixed(0)} ms</span>}
        </div>
        {streams && <LiveBar live={live} is_paused={is_paused} onPause={() => pause(!is_paused)} />}
        {list.warnings.map((warning) => (
          <p class="warning told" key={warning}>
            {warning}
          </p>
        ))}
        {list.problem ? (
          <Problem problem={list.problem} again={list.again} />
        ) : rows.length > 0 ? (
          <Table
            rows={rows}
            columns={columns}
            open_id={open_id}
            is_wrapped={param("wrap") === "1"}
            is_whole={list.is_whole || rows.length >= LIVE_ROWS_MAX}
            is_loading={list.is_loading}
            end={streams && rows.length >= LIVE_ROWS_MAX ? `The newest ${LIVE_ROWS_MAX}: older ones are there when it is live no more` : undefined}
            follows={streams && !is_paused}
            onLeave={() => pause(true)}
            onOpen={(row) => open(row.id === open_id ? undefined : row)}
            onEnd={list.more}
            acts={acts}
          />
        ) : list.is_loading ? (
          <Waiting what="Reading" />
        ) : streams && !live.problem ? (
          <Empty title="Waiting for the first row">
            <p class="soft">It is shown as it comes{scope.where ? ", when it is one that was asked for" : ""}.</p>
          </Empty>
        ) : asked !== null ? (
          <Nothing project={project} scope={scope} />
        ) : null}
      </div>
      {opened && <RowDetail catalog={catalog} row={opened} acts={acts} onClose={() => open(undefined)} onOpen={open} />}
    </div>
  );
}

function ColumnPicker({ catalog, columns, onToggle }: { catalog: Catalog; columns: readonly string[]; onToggle: (name: string) => void }) {
  const [typed, set_typed] = useState("");
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim()) onToggle(typed.trim());
        set_typed("");
      }}
    >
      <input list="column-names" placeholder="+ column" aria-label="Add a column" value={typed} size={12} onInput={(event) => set_typed(event.currentTarget.value)} />
      <datalist id="column-names">
        {catalog.columns
          .filter((field) => !columns.includes(field.name))
          .map((field) => (
            <option key={field.name} value={field.name} />
          ))}
      </datalist>
    </form>
  );
}

/* Pages of rows; a new key begins anew, the old rows stay until the first page is there. */
function useRows(key: string | null, project: string, scope: Scope, fields: readonly Field[]) {
  const [state, set] = useState<{ key: string | null; rows: Row[]; is_whole: boolean; is_loading: boolean; problem?: ApiProblem; warnings: string[]; duration_ms?: number }>({ key: null, rows: [], is_whole: false, is_loading: key !== null, warnings: [] });
  const [round, set_round] = useState(0);
  const fetch_page = (signal: AbortSignal | undefined, after: Row | undefined) => query(project, rows_statement(scope, fields, after), { ...(signal ? { signal } : {}), what: "the rows" });
  useEffect(() => {
    if (key === null) return;
    const end = new AbortController();
    set((before) => ({ ...before, is_loading: true }));
    fetch_page(end.signal, undefined).then(
      (table) => {
        if (!end.signal.aborted) set({ key, rows: table.rows.map(row_from), is_whole: table.rows.length < PAGE_ROWS, is_loading: false, warnings: table.warnings, duration_ms: table.duration_ms });
      },
      (error: unknown) => {
        if (!end.signal.aborted) set({ key, rows: [], is_whole: true, is_loading: false, warnings: [], problem: error instanceof ApiProblem ? error : new ApiProblem(0, "cancelled", "cancelled") });
      },
    );
    return () => end.abort();
  }, [key, round]);
  const more = () => {
    if (state.is_loading || state.is_whole || state.key !== key) return;
    const asked = key;
    set({ ...state, is_loading: true });
    fetch_page(undefined, state.rows.at(-1)).then(
      (table) => set((now) => (now.key === asked ? { ...now, rows: [...now.rows, ...table.rows.map(row_from)], is_whole: table.rows.length < PAGE_ROWS, is_loading: false } : now)),
      (error: unknown) => set((now) => ({ ...now, is_loading: false, is_whole: true, ...(error instanceof ApiProblem ? { problem: error } : {}) })),
    );
  };
  return { ...state, more, again: () => set_round((n) => n + 1) };
}
