/* The explorer: /p/{project}/explore?q=&sql=&from=&to=&cols=a,b&open=ID&wrap=1&by=FIELD. */
import { useEffect, useMemo, useState } from "preact/hooks";
import "./explore.css";
import { ApiProblem, query } from "../api/client";
import { useLoad } from "../api/load";
import { Bars, Legend } from "../charts/bars";
import { stack } from "../charts/stack";
import { useActs } from "../frame/acts";
import { First } from "../frame/first";
import { is_live, is_utc, range, range_zoom, refresh } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { show_time, step_us } from "../time";
import { change, param, project_name } from "../url";
import { Facets } from "./facets";
import { catalog_load, FACETS, field_of, quoted, type Catalog, type Field } from "./fields";
import { LEVELS, level_colour, series_colour } from "./levels";
import { QueryBar } from "./query_bar";
import { RowDetail } from "./row_detail";
import { row_from, type Row } from "./rows";
import { translate, with_term, type SearchProblem } from "./search";
import { facets_of, facets_statement, histogram_statement, rows_statement, type Scope } from "./statement";
import { PAGE_ROWS } from "./statement";
import { Table } from "./table";

const BARS = 100;

export default function View() {
  const catalog = useLoad(project_name.value, () => catalog_load(project_name.value));
  const q = param("q");
  const is_sql = param("sql") === "1";
  const where = useLoad(`${project_name.value}\n${is_sql}\n${q}`, (signal) => (is_sql ? Promise.resolve({ where: q, problems: [] as SearchProblem[] }) : translate(project_name.value, q, signal)));
  if (catalog.problem) return <Problem problem={catalog.problem} again={catalog.again} />;
  if (!catalog.value) return <Waiting what="Loading" />;
  return <Explore catalog={catalog.value} where={where.value?.where} problems={where.value?.problems ?? NO_PROBLEMS} problem={where.problem} />;
}
const NO_PROBLEMS: SearchProblem[] = [];

function Explore({ catalog, where, problems, problem }: { catalog: Catalog; where: string | undefined; problems: SearchProblem[]; problem: ApiProblem | undefined }) {
  const project = project_name.value;
  const { from_us, to_us } = range.value;
  const is_right = where !== undefined && problems.length === 0 && !problem;
  const scope: Scope = { where: where ?? "", range: { from_us, to_us } };
  const key = is_right ? `${project}\n${from_us}\n${to_us}\n${where}` : null;
  const columns = useMemo(() => param("cols").split(",").filter(Boolean), [param("cols")]);
  const fields = useMemo(() => columns.map((name) => field_of(catalog, name)), [columns, catalog]);
  const by: Field = field_of(catalog, param("by") || "level");
  const step = step_us(scope.range, BARS);

  const histogram = useLoad(key && `${key}\n${by.sql}`, async (signal) => {
    const table = await query(project, histogram_statement(scope, step, by), { limit: 100000, signal, what: "the histogram" });
    const points = table.rows.map((row) => ({ t_us: Number(row[0]), series: row[1] === null ? "" : String(row[1]), count: Number(row[2]) }));
    return { stacked: stack(points, scope.range, step, 8, by.name === "level" ? LEVELS : []), range: scope.range, step, warnings: table.warnings };
  });
  const facet_fields = useMemo(() => FACETS.map((name) => field_of(catalog, name)), [catalog]);
  const facets = useLoad(key && `${key}\nfacets`, async (signal) => facets_of(facet_fields, (await query(project, facets_statement(scope, facet_fields), { signal, what: "the fields' values" })).rows));
  const list = useRows(key && `${key}\n${columns.join(",")}`, scope, fields);

  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, 2000);
    return () => clearInterval(timer);
  }, [is_live.value]);

  const open_id = param("open");
  const [beside, set_beside] = useState<Row>(); /* a row that is not in the list: of the rows around */
  const opened = list.rows.find((row) => row.id === open_id) ?? (beside?.id === open_id ? beside : undefined);
  const open = (row: Row | undefined) => {
    set_beside(row);
    change({ open: row?.id ?? null }, true);
  };
  const filter = (name: string, value: string, is_excluded: boolean) => {
    if (param("sql") === "1") {
      const field = field_of(catalog, name);
      const text = `${field.sql}${is_excluded ? " IS DISTINCT FROM " : " = "}${quoted(value)}`;
      change({ q: param("q") ? `(${param("q")}) AND ${text}` : text, open: null });
    } else change({ q: with_term(param("q"), name, value, is_excluded), open: null });
  };
  const group = (name: string) => change({ by: name });
  const column_add = (name: string) => change({ cols: columns.includes(name) ? columns.filter((one) => one !== name).join(",") : [...columns, name].join(",") });
  const step_row = (by_rows: number) => {
    const at = list.rows.findIndex((row) => row.id === open_id);
    open(list.rows[Math.max(0, Math.min(list.rows.length - 1, at < 0 ? 0 : at + by_rows))]);
  };
  useActs({ title: "Logs and spans", statement: is_right ? rows_statement(scope, fields) : undefined });
  useKeys([
    { keys: "/", text: "To the query bar", group: "Explorer", run: () => document.getElementById("query")?.focus() },
    { keys: "j", text: "Next row", group: "Explorer", run: () => step_row(1) },
    { keys: "k", text: "Row before", group: "Explorer", run: () => step_row(-1) },
    { keys: "w", text: "Long or short lines", group: "Explorer", run: () => change({ wrap: param("wrap") ? null : "1" }, true) },
    { keys: "escape", text: "Close the row", group: "Explorer", run: () => open(undefined) },
  ]);
  const colour = by.name === "level" ? level_colour : series_colour;
  const total = histogram.value?.stacked.bars.reduce((sum, bar) => sum + bar.sum, 0);
  const warnings = [...new Set([...(histogram.value?.warnings ?? []), ...list.warnings])];
  const values = (facets.value ?? []).map((facet) => ({ field: facet.field, list: facet.values.map((one) => one.value) }));
  return (
    <div class={opened ? "explore with-detail" : "explore"}>
      <header class="explore-head">
        <QueryBar problems={problems} catalog={catalog} values={values} />
        <div class="row explore-acts">
          <span role="status">
            {total !== undefined && (
              <>
                <b>{show_whole(total)}</b> rows
              </>
            )}
            {list.duration_ms !== undefined && <span class="soft"> · {list.duration_ms.toFixed(0)} ms</span>}
          </span>
          <label class="row soft">
            Bars by
            <select value={by.name} onChange={(event) => change({ by: event.currentTarget.value === "level" ? null : event.currentTarget.value })}>
              {[...new Set([by.name, ...FACETS])].map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <span class="grow" />
          <ColumnPicker catalog={catalog} columns={columns} onToggle={column_add} />
          <button aria-pressed={param("wrap") === "1"} onClick={() => change({ wrap: param("wrap") ? null : "1" }, true)}>
            Long lines
          </button>
        </div>
        {warnings.map((warning) => (
          <p class="warning told" key={warning}>
            {warning}
          </p>
        ))}
        {histogram.value && (
          <>
            <Bars label="Rows over time" stacked={histogram.value.stacked} step_us={histogram.value.step} range={histogram.value.range} colour={colour} onZoom={range_zoom} />
            <Legend stacked={histogram.value.stacked} colour={colour} onChoose={(series) => series && filter(by.name, series, false)} />
          </>
        )}
      </header>
      {facets.value && facets.value.length > 0 && <Facets facets={facets.value} is_loading={facets.is_loading} onTerm={filter} onGroup={group} />}
      <div class="explore-rows">
        {problem ? (
          <Problem problem={problem} />
        ) : list.problem ? (
          <Problem problem={list.problem} again={list.again} />
        ) : list.rows.length > 0 ? (
          <Table
            rows={list.rows}
            columns={columns}
            open_id={open_id}
            is_wrapped={param("wrap") === "1"}
            is_whole={list.is_whole}
            is_loading={list.is_loading}
            onOpen={(row) => open(row.id === open_id ? undefined : row)}
            onEnd={list.more}
            onColumnDrop={column_add}
          />
        ) : list.is_loading ? (
          <Waiting what="Reading" />
        ) : is_right ? (
          <Nothing project={project} scope={scope} />
        ) : null}
      </div>
      {opened && <RowDetail catalog={catalog} row={opened} acts={{ onFilter: filter, onGroup: group, onColumn: column_add }} onClose={() => open(undefined)} onOpen={open} />}
    </div>
  );
}

/* Nothing in this range: where the newest row is, or how to send the first. */
function Nothing({ project, scope }: { project: string; scope: Scope }) {
  const newest = useLoad(`${project}\nnewest`, async (signal) => {
    const table = await query(project, "SELECT (extract(epoch FROM timestamp) * 1000000)::bigint FROM otel_logs_and_spans ORDER BY timestamp DESC LIMIT 1", { signal, what: "the newest row" });
    return table.rows[0] ? Number(table.rows[0][0]) : 0;
  });
  if (newest.value === undefined) return <Waiting what="Looking further" />;
  if (newest.value === 0) return <First />;
  return (
    <Empty title="No row in this range">
      <p class="soft">
        {scope.where ? "None that was asked for. " : ""}The newest row of the project is of {show_time(newest.value, 0, is_utc.value)}.
      </p>
      <div class="row">
        {scope.where && <button onClick={() => change({ q: null })}>Ask for all</button>}
        <button class="primary" onClick={() => range_zoom((newest.value ?? 0) - 1800e6, (newest.value ?? 0) + 60e6)}>
          Show the time of the newest
        </button>
      </div>
    </Empty>
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
function useRows(key: string | null, scope: Scope, fields: readonly Field[]) {
  const [state, set] = useState<{ key: string | null; rows: Row[]; is_whole: boolean; is_loading: boolean; problem?: ApiProblem; warnings: string[]; duration_ms?: number }>({ key: null, rows: [], is_whole: false, is_loading: key !== null, warnings: [] });
  const [round, set_round] = useState(0);
  const fetch_page = (signal: AbortSignal | undefined, after: Row | undefined) => query(project_name.value, rows_statement(scope, fields, after), { ...(signal ? { signal } : {}), what: "the rows" });
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
