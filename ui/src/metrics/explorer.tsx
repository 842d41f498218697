/* One metric: /p/{project}/metrics/{name}?agg=&p=&by=&q=&step=&compare=&heat=&as=&related=&from=&to= */
import { useMemo, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { DataTable } from "../charts/data_table";
import { Legend } from "../charts/legend";
import { series_table } from "../charts/table";
import { TimeChart } from "../charts/time_chart";
import { CHART_HEIGHT, is_table } from "../explore/chart_parts";
import { with_term } from "../explore/search";
import { useActs } from "../frame/acts";
import { environment } from "../frame/environment";
import { is_utc, range, range_set, range_zoom } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { to_iso, type Range } from "../time";
import { change, param, project_name } from "../url";
import { asked_read, in_environment, panel_of, queries_of, type Asked } from "./ask";
import { Bar } from "./bar";
import { MetricHeat, Notes } from "./chart";
import { Exemplars, trace_of, useExemplars } from "./exemplars";
import { Head } from "./head";
import { catalog_href } from "./paths";
import { metric_query, type MetricName } from "./query";
import { Related } from "./related";
import { aggregate_words, before_looks, has_buckets, looks_of_series, range_before, reset_marks, series_of, type Named } from "./shape";
import { metric_load } from "./source";
import { shown_unit } from "./unit";

export function Explorer({ name }: { name: string }) {
  const project = project_name.value;
  const { from_us, to_us } = range.value;
  const loaded = useLoad([project, name, from_us, to_us].join("\n"), (signal) => metric_load(project, name, { from_us, to_us }, signal));
  if (loaded.problem) return <Problem problem={loaded.problem} again={loaded.again} />;
  if (!loaded.value) return <Waiting what={`Looking for ${name}`} />;
  if (!loaded.value.metric)
    return (
      <Empty title="No points in this time">
        <p class="soft">
          <span class="told">{name}</span> was not sent between these times.
        </p>
        <div class="row">
          <button class="primary" onClick={() => range_set("now-7d")}>
            The last 7 days
          </button>
          <a class="button" href={catalog_href()}>
            All metrics
          </a>
        </div>
      </Empty>
    );
  return <Shown metric={loaded.value.metric} names={loaded.value.names} />;
}

/* Now, and before when that is asked for. */
async function answers_load(metric: MetricName, asked: Asked, when: Range, env: string, signal: AbortSignal): Promise<Named[]> {
  const now = await Promise.all(queries_of(metric, asked, when, env).map((query) => metric_query(query, { signal })));
  const named = now.map((answer): Named => ({ answer }));
  const step_s = now[0]?.step_s ?? 60;
  if (!asked.is_compared) return named;
  const earlier = range_before({ from_us: (now[0]?.from_ms ?? 0) * 1e3, to_us: (now[0]?.to_ms ?? 0) * 1e3 }, step_s);
  const before = await Promise.all(queries_of(metric, { ...asked, step_s }, earlier, env).map((query) => metric_query(query, { signal })));
  return [...named, ...before.map((answer): Named => ({ answer, is_before: true }))];
}

function Shown({ metric, names }: { metric: MetricName; names: readonly MetricName[] }) {
  const project = project_name.value;
  const when = range.value;
  const env = environment.value;
  const query = new URLSearchParams(["agg", "p", "by", "q", "step", "compare"].map((key) => [key, param(key)]).filter((pair) => pair[1] !== ""));
  const asked = useMemo(() => asked_read(query, metric), [query.toString(), metric]);
  const [lit, light] = useState<number>();
  const key = [project, metric.name, env, when.from_us, when.to_us, JSON.stringify(asked)].join("\n");
  const answers = useLoad(key, (signal) => answers_load(metric, asked, when, env, signal));
  const exemplars = useExemplars(key, metric, asked, when, env);
  const first = answers.value?.[0]?.answer;
  const title = `${asked.aggregate === "quantile" ? asked.quantiles.map((one) => aggregate_words("quantile", one)).join(", ") : aggregate_words(asked.aggregate)} of ${metric.name}${asked.by.length > 0 ? ` by ${asked.by.join(", ")}` : ""}`;
  useActs({ title, statement: first?.sql || undefined, is_private: true, panel: panel_of(metric.name, asked, title) });
  const data = useMemo(() => answers.value && series_of(answers.value, when), [answers.value, when.from_us, when.to_us]);
  const looks = useMemo(() => (data ? before_looks(data, looks_of_series(data, asked.by)) : []), [data]);
  const notes = useMemo(() => [...new Set((answers.value ?? []).filter((one) => !one.is_before).flatMap((one) => one.answer.notes))], [answers.value]);
  const told = shown_unit(metric.unit, metric.type, asked.aggregate);
  const dots = asked.aggregate === "quantile" || asked.aggregate === "avg" || asked.aggregate === "max" ? exemplars.dots : [];
  const is_empty = data?.series.every((one) => one.values.every((value) => value === null));
  const choose = (at: number) => {
    const q = data?.series[at]?.keys.reduce((search, value, n) => (value ? with_term(search, asked.by[n] ?? "", value) : search), asked.search);
    if (q !== undefined) change({ q });
  };
  return (
    <div class="metric-explorer" aria-busy={answers.is_loading}>
      <Head metric={metric} answer={first} />
      <Bar metric={metric} asked={asked} problem={answers.problem} />
      <section class="metric-shown" aria-label="Over time">
        {answers.problem ? (
          answers.problem.pointer !== "/search" && <Problem problem={answers.problem} again={answers.again} />
        ) : !data || !first ? (
          <Waiting what={`Reading ${metric.name}`} />
        ) : is_empty ? (
          <Empty title="Nothing to draw">
            <p class="soft">{asked.search || env ? "No point in this time is what is searched for." : "No step of this time has a value yet: of a counter that takes two points."}</p>
            {asked.search && <button onClick={() => change({ q: null })}>Without the search</button>}
          </Empty>
        ) : (
          <>
            <h2 class="told">
              {title} <span class="soft">{told.words}</span>
            </h2>
            {is_table() ? (
              <DataTable title={title} table={series_table(data, is_utc.value)} />
            ) : (
              <>
                <TimeChart label={title} data={data} looks={looks} shape="line" height={CHART_HEIGHT} lit={lit} marks={reset_marks(first)} dots={dots} onDot={(at) => trace_of(exemplars.items[at])} onZoom={range_zoom} {...(asked.by.length > 0 ? { onChoose: choose } : {})} />
                <Legend data={data} looks={looks} is_line onLight={light} {...(asked.by.length > 0 ? { onChoose: choose } : {})} />
              </>
            )}
            <Notes list={notes} />
            <p class="soft metric-read">
              {first.rows_read.toLocaleString("en").replaceAll(",", " ")} points of {first.series_read} series read, step {first.step_s} s{first.interval_s > 0 ? `; senders send each ${Math.round(first.interval_s)} s` : ""}.
            </p>
          </>
        )}
      </section>
      {has_buckets(metric.type) && !is_table() && param("heat") !== "0" && !answers.problem && (
        <section aria-label="Buckets over time" class="metric-shown">
          <h2>How values are spread</h2>
          <MetricHeat query={{ name: metric.name, search: asked.search, ...(asked.step_s ? { step_s: asked.step_s } : {}) }} />
        </section>
      )}
      <Exemplars items={exemplars.items} notes={exemplars.notes} metric={metric} />
      <Related metric={metric} names={names} search={in_environment(asked.search, env)} from={to_iso(when.from_us)} to={to_iso(when.to_us)} />
    </div>
  );
}
