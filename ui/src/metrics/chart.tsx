/* A metric as a chart, for pages that have a MetricQuery: its own aggregate, or the usual one of its type. What is asked of another
 * time, range says; search goes with the environment that the page shows.
 *
 *   <MetricChart query={{ name: "http.server.request.duration", by: ["service"], aggregate: "quantile" }} height={220} />
 */
import { useMemo, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import type { Shape } from "../charts/draw";
import { HeatLegend, HeatMap } from "../charts/heat_map";
import { Legend } from "../charts/legend";
import { TimeChart } from "../charts/time_chart";
import { range as page_range, range_zoom } from "../frame/range";
import { environment } from "../frame/environment";
import { Empty, Problem, Waiting } from "../frame/state";
import { to_iso, type Range } from "../time";
import { project_name } from "../url";
import { in_environment } from "./ask";
import { metric_heatmap, metric_query, type MetricQuery } from "./query";
import { heat_of_answer, looks_of_series, reset_marks, series_of } from "./shape";
import { unit_words } from "./unit";

interface MetricChartProps {
  query: MetricQuery;
  range?: Range;
  height?: number | string;
  shape?: Shape;
  onZoom?: (from_us: number, to_us: number) => void;
}

/* The query over the range of the page, unless it has times of its own. */
function timed(query: MetricQuery, range: Range): MetricQuery {
  return { ...query, search: in_environment(query.search ?? "", environment.value), from: query.from ?? to_iso(range.from_us), to: query.to ?? to_iso(range.to_us) };
}

export function MetricChart({ query, range = page_range.value, height = 220, shape = "line", onZoom = range_zoom }: MetricChartProps) {
  const asked = timed(query, range);
  const [lit, light] = useState<number>();
  const answer = useLoad(`${project_name.value}\n${JSON.stringify(asked)}`, (signal) => metric_query(asked, { signal }));
  const data = useMemo(() => answer.value && series_of([{ answer: answer.value }], range), [answer.value, range.from_us, range.to_us]);
  const looks = useMemo(() => (data ? looks_of_series(data, query.by ?? []) : []), [data]);
  if (answer.problem) return <Problem problem={answer.problem} again={answer.again} />;
  if (!answer.value || !data) return <Waiting what={`Reading ${query.name}`} />;
  if (data.series.every((one) => one.total === null)) return <NoPoints name={query.name} />;
  const as = shape === "line" || data.adds_up ? shape : "line";
  return (
    <div class="metric-chart" aria-busy={answer.is_loading}>
      <TimeChart label={query.name} data={data} looks={looks} shape={as} height={height} lit={lit} marks={reset_marks(answer.value)} onZoom={onZoom} />
      <Legend data={data} looks={looks} is_line={as === "line"} onLight={light} />
      <Notes list={answer.value.notes} />
    </div>
  );
}

export function MetricHeat({ query, range = page_range.value, height = 260, onZoom = range_zoom }: Omit<MetricChartProps, "shape">) {
  const { aggregate: _aggregate, quantile: _quantile, by: _by, ...rest } = timed(query, range);
  const answer = useLoad(`${project_name.value}\n${JSON.stringify(rest)}`, (signal) => metric_heatmap(rest, { signal }));
  const heat = useMemo(() => answer.value && heat_of_answer(answer.value, range), [answer.value, range.from_us, range.to_us]);
  if (answer.problem) return <Problem problem={answer.problem} again={answer.again} />;
  if (!answer.value || !heat) return <Waiting what={`Reading the buckets of ${query.name}`} />;
  if (heat.total === 0) return <NoPoints name={query.name} />;
  return (
    <div class="metric-chart" aria-busy={answer.is_loading}>
      <HeatMap label={`Buckets of ${query.name} ${unit_words(answer.value.unit)}`} heat={heat} height={height} onBox={(box) => onZoom(box.from_us, box.to_us)} />
      <HeatLegend heat={heat} />
      <Notes list={answer.value.notes} />
    </div>
  );
}

function NoPoints({ name }: { name: string }) {
  return (
    <Empty title="Nothing to draw">
      <p class="soft">
        <span class="told">{name}</span> has no points in this time that fit.
      </p>
    </Empty>
  );
}

export function Notes({ list }: { list: readonly string[] }) {
  if (list.length === 0) return null;
  return (
    <ul class="metric-notes soft" aria-label="What to know of these numbers">
      {list.map((note) => (
        <li class="told" key={note}>
          {note}
        </li>
      ))}
    </ul>
  );
}
