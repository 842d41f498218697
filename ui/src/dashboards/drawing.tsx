/* What a panel shows, drawn: a chart's legend and table fit into the panel's place. */
import { useMemo, useState } from "preact/hooks";
import { Lines } from "../ask/lines";
import { looks_of } from "../charts/colours";
import { DataTable } from "../charts/data_table";
import { HeatLegend, HeatMap } from "../charts/heat_map";
import { Legend } from "../charts/legend";
import { show_value } from "../charts/scale";
import { smallest_and_largest, type TimeSeries } from "../charts/series";
import { TimeChart } from "../charts/time_chart";
import { TopList, trend_path } from "../charts/top_list";
import { range_zoom } from "../frame/range";
import type { Drawn, StatFigure } from "./drawn";

export function Drawing({ title, drawn }: { title: string; drawn: Drawn }) {
  if (drawn.as === "nothing") return <p class="panel-nothing soft told">{drawn.words}</p>;
  if (drawn.as === "table") return <DataTable title={title} table={drawn.table} />;
  if (drawn.as === "rows") return <Lines lines={drawn.lines} />;
  if (drawn.as === "stat") return <Stat figures={drawn.figures} trend={drawn.trend} />;
  if (drawn.as === "heat")
    return (
      <div class="panel-chart">
        <HeatMap label={title} heat={drawn.heat} height="100%" onBox={(box) => range_zoom(box.from_us, box.to_us)} />
        <HeatLegend heat={drawn.heat} />
      </div>
    );
  return <Series title={title} data={drawn.data} names={drawn.names} shape={drawn.as === "top" ? undefined : drawn.shape} />;
}

function Series({ title, data, names, shape }: { title: string; data: TimeSeries; names: readonly string[]; shape: "line" | "bars" | "grouped" | "areas" | undefined }) {
  const looks = useMemo(() => looks_of(data.series, names.length === 1 ? (names[0] ?? "") : ""), [data]);
  const [lit, light] = useState<number>();
  if (!shape) return <TopList label={title} data={data} looks={looks} />;
  return (
    <div class="panel-chart">
      <TimeChart label={title} data={data} looks={looks} shape={shape} height="100%" lit={lit} onZoom={range_zoom} />
      {(data.series.length > 1 || (data.series[0]?.keys.length ?? 0) > 0) && <Legend data={data} looks={looks} is_line={shape === "line"} onLight={light} />}
    </div>
  );
}

function Stat({ figures, trend }: { figures: readonly StatFigure[]; trend: readonly (number | null)[] }) {
  return (
    <div class="panel-stat">
      <dl>
        {figures.map((figure) => (
          <div key={figure.title}>
            <dd>{show_value(figure.value, figure.unit)}</dd>
            <dt class="soft told">{figure.title}</dt>
          </div>
        ))}
      </dl>
      {trend.length > 1 && (
        <svg class="panel-trend" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
          <path d={trend_path(trend, smallest_and_largest(trend)?.max ?? 0)} />
        </svg>
      )}
    </div>
  );
}
