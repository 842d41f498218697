/* The explorer: /p/{project}/explore?q=&sql=&from=&to=&viz=KIND&by=FIELDS, and what the kind shown (kinds.ts) keeps of its own. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { ComponentType } from "preact";
import "./explore.css";
import { ApiProblem, query } from "../api/client";
import { useLoad } from "../api/load";
import { Bars, Legend } from "../charts/bars";
import { stack } from "../charts/stack";
import { is_live, range, range_zoom, refresh } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { step_us } from "../time";
import { change, param, project_name } from "../url";
import { Facets } from "./facets";
import { catalog_load, FACETS, field_of, quoted, type Catalog, type Field } from "./fields";
import { kind_of, kinds, type Kind, type KindProps } from "./kinds";
import { LEVELS, level_colour, series_colour } from "./levels";
import { QueryBar } from "./query_bar";
import { translate, with_term, type SearchProblem } from "./search";
import { facets_of, facets_statement, histogram_statement, type Scope } from "./statement";

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
  const asked = is_right ? `${project}\n${from_us}\n${to_us}\n${where}` : null;
  const by: Field = field_of(catalog, param("by").split(",")[0] || "level");
  const step = step_us(scope.range, BARS);
  const kind = kind_of(param("viz"));
  const shown = useKind(kind);

  const histogram = useLoad(asked && `${asked}\n${by.sql}`, async (signal) => {
    const table = await query(project, histogram_statement(scope, step, by), { limit: 100000, signal, what: "the histogram" });
    const points = table.rows.map((row) => ({ t_us: Number(row[0]), series: row[1] === null ? "" : String(row[1]), count: Number(row[2]) }));
    return { stacked: stack(points, scope.range, step, 8, by.name === "level" ? LEVELS : []), range: scope.range, step, warnings: table.warnings };
  });
  const facet_fields = useMemo(() => FACETS.map((name) => field_of(catalog, name)), [catalog]);
  const facets = useLoad(asked && `${asked}\nfacets`, async (signal) => facets_of(facet_fields, (await query(project, facets_statement(scope, facet_fields), { signal, what: "the fields' values" })).rows));

  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, 2000);
    return () => clearInterval(timer);
  }, [is_live.value]);

  const acts: KindProps["acts"] = {
    onFilter: (name, value, is_excluded) => {
      if (param("sql") === "1") {
        const field = field_of(catalog, name);
        const text = `${field.sql}${is_excluded ? " IS DISTINCT FROM " : " = "}${quoted(value)}`;
        change({ q: param("q") ? `(${param("q")}) AND ${text}` : text, open: null });
      } else change({ q: with_term(param("q"), name, value, is_excluded), open: null });
    },
    onGroup: (name) => change({ by: name }),
    onColumn: (name) => {
      const columns = param("cols").split(",").filter(Boolean);
      change({ cols: columns.includes(name) ? columns.filter((one) => one !== name).join(",") : [...columns, name].join(",") });
    },
  };
  useKeys([
    { keys: "/", text: "To the query bar", group: "Explorer", run: () => document.getElementById("query")?.focus() },
    ...kinds.map((one) => ({ keys: `v ${one.keys}`, text: `Show as: ${one.title}`, group: "Explorer", run: () => kind_show(one) })),
  ]);
  const colour = by.name === "level" ? level_colour : series_colour;
  const total = histogram.value?.stacked.bars.reduce((sum, bar) => sum + bar.sum, 0);
  const values = (facets.value ?? []).map((facet) => ({ field: facet.field, list: facet.values.map((one) => one.value) }));
  const Shown = shown.component;
  return (
    <div class="explore">
      <header class="explore-head">
        <QueryBar problems={problems} catalog={catalog} values={values} />
        <div class="row explore-acts">
          <span role="status">
            {total !== undefined && (
              <>
                <b>{show_whole(total)}</b> rows
              </>
            )}
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
          <KindSwitch kind={kind} />
        </div>
        {histogram.value?.warnings.map((warning) => (
          <p class="warning told" key={warning}>
            {warning}
          </p>
        ))}
        {histogram.value && (
          <>
            <Bars label="Rows over time" stacked={histogram.value.stacked} step_us={histogram.value.step} range={histogram.value.range} colour={colour} onZoom={range_zoom} />
            <Legend stacked={histogram.value.stacked} colour={colour} onChoose={(series) => series && acts.onFilter(by.name, series, false)} />
          </>
        )}
      </header>
      {facets.value && facets.value.length > 0 && <Facets facets={facets.value} is_loading={facets.is_loading} onTerm={acts.onFilter} onGroup={acts.onGroup} />}
      <div class="explore-kind">
        {problem ? <Problem problem={problem} /> : shown.problem ? <Problem problem={shown.problem} again={() => window.location.reload()} /> : Shown ? <Shown project={project} catalog={catalog} scope={scope} asked={asked} acts={acts} /> : <Waiting what="Loading" />}
      </div>
    </div>
  );
}

function kind_show(kind: Kind): void {
  change({ viz: kind === kinds[0] ? null : kind.name, open: null });
}

function KindSwitch({ kind }: { kind: Kind }) {
  return (
    <div class="kinds" role="group" aria-label="Show as">
      {kinds.map((one) => (
        <button key={one.name} aria-pressed={one === kind} title={`v ${one.keys}`} onClick={() => kind_show(one)}>
          {one.title}
        </button>
      ))}
    </div>
  );
}

/* The component of a kind, when it has come: asked for while the page still waits for its answers. */
const loaded = new Map<Kind, ComponentType<KindProps>>();
function useKind(kind: Kind): { component: ComponentType<KindProps> | undefined; problem: ApiProblem | undefined } {
  const [problem, set_problem] = useState<ApiProblem>();
  const [, shown] = useState(0);
  useEffect(() => {
    set_problem(undefined);
    if (loaded.has(kind)) return;
    kind.load().then(
      (module) => {
        loaded.set(kind, module.default);
        shown((n) => n + 1);
      },
      () => set_problem(new ApiProblem(0, "unreachable", "a part of the page could not be loaded: the server may have been renewed; load the page anew")),
    );
  }, [kind]);
  return { component: loaded.get(kind), problem };
}
