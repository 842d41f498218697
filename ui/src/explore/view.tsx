/* The explorer: /p/{project}/explore?q=&sql=&from=&to=&viz=KIND&by=FIELDS, and what the kind shown (kinds.ts) keeps of its own. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import "./explore.css";
import { AnsweredBy } from "../api/answered";
import { ApiProblem, query, type AnsweredFrom } from "../api/client";
import { useLoad } from "../api/load";
import { looks_of, type Look } from "../charts/colours";
import { Legend } from "../charts/legend";
import { with_first, type TimeSeries } from "../charts/series";
import { TimeChart } from "../charts/time_chart";
import { arrivals } from "../frame/arrivals";
import { useNarrow } from "../frame/narrow";
import { with_environment } from "../frame/environment";
import { is_live, range, range_zoom, refresh } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { change, param, project_name } from "../url";
import { series_answer } from "./answer";
import { SoFar, top_of } from "./chart_parts";
import { catalog } from "./columns";
import { Facets } from "./facets";
import { useFacets } from "./facets_load";

import { FACETS, field_of, quoted, type Field } from "./fields";
import { grouped_step, series_statement } from "./group";
import { by_names, by_toggle } from "./group_bar";
import { kind_of, kinds, type Kind, type KindProps } from "./kinds";
import { has_field, measure_of } from "./measure";
import { newest_first } from "./newest";
import { QueryBar } from "./query_bar";
import { translate, with_term, type SearchProblem } from "./search";
import { selection_read, selection_write } from "./selection";
import { SelectionBar } from "./selection_bar";
import { type Scope } from "./statement";

const BARS = 100;
const SERIES = 7;
const LEVELS = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
const CALM_MS = 10000;
const CHARTS = ["line", "bar", "stacked"];

/* The kind's code comes with the explorer's own, while the page still waits for its answers. */
const parts = arrivals<KindProps>();
parts.begin(kind_of(param("viz")));

export default function View() {
  const q = param("q");
  const is_sql = param("sql") === "1";
  const where = useLoad(`${project_name.value}\n${is_sql}\n${q}`, (signal) => (is_sql ? Promise.resolve({ where: q, problems: [] as SearchProblem[] }) : translate(project_name.value, q, signal)));
  return <Explore where={where.value?.where} problems={where.value?.problems ?? NO_PROBLEMS} problem={where.problem} />;
}
const NO_PROBLEMS: SearchProblem[] = [];

interface Histogram {
  asked: string | null;
  data: TimeSeries;
  looks: readonly Look[];
  by: string;
  warnings: readonly string[];
  answered_from: AnsweredFrom;
  so_far_us?: number;
}

function Explore({ where, problems, problem }: { where: string | undefined; problems: SearchProblem[]; problem: ApiProblem | undefined }) {
  const project = project_name.value;
  const { from_us, to_us } = range.value;
  const is_right = where !== undefined && problems.length === 0 && !problem;
  const scope: Scope = { where: with_environment(where ?? ""), range: { from_us, to_us } };
  const asked = is_right ? `${project}\n${from_us}\n${to_us}\n${scope.where}` : null;
  const by: Field = field_of(catalog, by_names()[0] ?? "level");
  const step = grouped_step(scope.range, BARS, [by]);
  const kind = kind_of(param("viz"));
  const shown = parts.use(kind);

  const is_chart = CHARTS.includes(kind.name);
  const series_most = is_chart ? top_of() : SERIES; /* of a chart: what is the same statement is asked once */
  const histogram = useLoad(asked && `${asked}\n${by.sql}\n${series_most}`, (signal, show: (part: Histogram) => void) => {
    const count = measure_of(catalog, "count", "");
    const statement_of = (part: Scope) => series_statement(part, { by: [by], measure: count }, step, series_most);
    const read = async (part: Scope): Promise<Histogram> => {
      const table = await query(project, statement_of(part), { limit: 100000, signal, what: "the histogram" });
      const data = with_first(series_answer(table.rows, part.range, step, count, series_most), by.name === "level" ? LEVELS : []);
      return { asked, data, looks: looks_of(data.series, by.name), by: by.name, warnings: table.warnings, answered_from: table.answered_from };
    };
    /* A chart of the same groups shows the newest part itself, and needs the same parts of files. */
    return is_chart ? read(scope) : newest_first(scope, statement_of(scope), step, read, show);
  });
  const [lit, light] = useState<number>();
  const is_narrow = useNarrow();
  const [has_fields, open_fields] = useState(false); /* only where they do not stand beside the rows */
  const facet_fields = useMemo(() => FACETS.map((name) => field_of(catalog, name)), []);
  const { facets, is_loading } = useFacets(project, scope, asked, facet_fields, histogram.value?.asked === asked ? histogram.value : undefined, histogram.problem !== undefined);

  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, kind.name === "rows" ? CALM_MS : 2000); /* rows stream by themselves */
    return () => clearInterval(timer);
  }, [is_live.value, kind]);

  const acts: KindProps["acts"] = {
    onFilter: (name, value, is_excluded) => {
      if (param("sql") === "1") {
        const { sql } = field_of(catalog, name);
        const text = value === "" ? `coalesce((${sql})::text, '') ${is_excluded ? "<>" : "="} ''` : `${sql}${is_excluded ? " IS DISTINCT FROM " : " = "}${quoted(value)}`;
        change({ q: param("q") ? `(${param("q")}) AND ${text}` : text, open: null });
      } else change({ q: value === "" ? with_term(param("q"), "has", name, !is_excluded) : with_term(param("q"), name, value, is_excluded), open: null });
    },
    onGroup: (name) => {
      if (kind.name === "rows" || kind.name === "heat") change({ by: name, viz: "top" });
      else by_toggle(name);
    },
    onMeasure: (name) => {
      const agg = has_field(measure_of(catalog, param("agg"), "").agg) ? param("agg") : field_of(catalog, name).type === "number" ? "p95" : "distinct";
      change({ of: name, agg, viz: kind.name === "rows" ? "line" : kind.name });
    },
    onColumn: (name) => {
      const columns = param("cols").split(",").filter(Boolean);
      change({ cols: columns.includes(name) ? columns.filter((one) => one !== name).join(",") : [...columns, name].join(",") });
    },
  };
  useKeys([
    { keys: "/", text: "To the query bar", group: "Explorer", run: () => document.getElementById("query")?.focus() },
    ...kinds.map((one) => ({ keys: `v ${one.keys}`, text: `Show as: ${one.title}`, group: "Explorer", run: () => kind_show(one) })),
  ]);
  const total = histogram.value?.data.series.reduce((sum, one) => sum + (one.total ?? 0), 0);
  const choose = (at: number) => {
    const series = histogram.value?.data.series[at];
    if (series && !series.is_rest) acts.onFilter(histogram.value?.by ?? by.name, series.keys[0] ?? "", false);
  };
  const values = (facets ?? []).map((facet) => ({ field: facet.field, list: facet.values.map((one) => one.value) }));
  const Shown = shown.component;
  return (
    <div class="explore">
      <header class="explore-head">
        <QueryBar problems={problems} catalog={catalog} values={values} />
        <div class="row explore-acts">
          <span role="status">
            {total !== undefined && (
              <>
                <b>{show_whole(total)}</b> rows <SoFar from_us={histogram.value?.so_far_us} /> <AnsweredBy from={histogram.value?.answered_from} />
              </>
            )}
          </span>
          <label class="row soft">
            Bars by
            <select value={by.name} onChange={(event) => change({ by: [event.currentTarget.value, ...by_names().slice(1)].filter((name, at) => at > 0 || name !== "level" || by_names().length > 1).join(",") })}>
              {[...new Set([by.name, ...FACETS])].map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <button class="facets-open" aria-expanded={has_fields} onClick={() => open_fields(!has_fields)}>
            Fields
          </button>
          <span class="grow" />
          <KindSwitch kind={kind} />
        </div>
        {histogram.value?.warnings.map((warning) => (
          <p class="warning told" key={warning}>
            {warning}
          </p>
        ))}
        {histogram.value && (
          <>
            <TimeChart
              label="Rows over time"
              data={histogram.value.data}
              looks={histogram.value.looks}
              shape="bars"
              height={92}
              is_small
              lit={lit}
              chosen={selection_read(param("sel"))}
              onZoom={range_zoom}
              onSelect={(from, to) => change({ sel: selection_write({ from_us: from, to_us: to }) })}
              onChoose={choose}
            />
            <Legend data={histogram.value.data} looks={histogram.value.looks} is_plain onLight={light} onChoose={choose} />
          </>
        )}
      </header>
      {(is_loading || (facets && facets.length > 0)) && <Facets facets={facets ?? []} is_loading={is_loading} is_open={is_narrow && has_fields} acts={acts} onClose={() => open_fields(false)} />}
      <div class="explore-kind">
        <SelectionBar catalog={catalog} />
        {problem ? <Problem problem={problem} /> : shown.problem ? <Problem problem={shown.problem} again={() => window.location.reload()} /> : Shown ? <Shown project={project} catalog={catalog} scope={scope} asked={asked} acts={acts} /> : <Waiting what="Loading" />}
      </div>
    </div>
  );
}

function kind_show(kind: Kind): void {
  change({ viz: kind === kinds[0] ? null : kind.name, open: null });
}

function KindSwitch({ kind }: { kind: Kind }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const chosen = box.current?.querySelector<HTMLElement>("[aria-pressed=true]");
    if (box.current && chosen) box.current.scrollLeft = chosen.offsetLeft - box.current.clientWidth / 2 + chosen.offsetWidth / 2;
  }, [kind]);
  return (
    <div class="kinds" role="group" aria-label="Show as" ref={box}>
      {kinds.map((one) => (
        <button key={one.name} aria-pressed={one === kind} title={`v ${one.keys}`} data-kind={one.name} onClick={() => kind_show(one)}>
          {one.title}
        </button>
      ))}
    </div>
  );
}
