/* The largest groups as bars, each with its share of all and how it went over the time. */
import { show_value } from "./scale";
import type { Look } from "./colours";
import { smallest_and_largest, type Series, type TimeSeries } from "./series";
import { Swatch } from "./legend";
import "./charts.css";

interface TopListProps {
  label: string;
  data: TimeSeries;
  looks: readonly Look[];
  onChoose?: (series: number) => void;
  onExclude?: (series: number) => void;
}
export function TopList({ label, data, looks, onChoose, onExclude }: TopListProps) {
  const max = Math.max(...data.series.filter((one) => !one.is_rest).map((one) => one.total ?? 0), 0);
  const whole = data.adds_up ? data.series.reduce((sum, one) => sum + (one.total ?? 0), 0) : 0;
  return (
    <ol class="top-list" aria-label={label}>
      {data.series.map((series, at) => {
        const words = (
          <>
            <span class="top-name">
              <Swatch look={looks[at]} is_plain /> <span class="told ellipsis">{series.name}</span>
            </span>
            <span class="top-bar">
              <span style={{ width: `${max > 0 ? Math.min(100, Math.max(0, ((series.total ?? 0) / max) * 100)) : 0}%`, backgroundColor: `var(${looks[at]?.token ?? "--series-7"})` }} />
            </span>
            <span class="top-value">{show_value(series.total, data.unit)}</span>
            <span class="top-share soft">{whole > 0 ? `${(((series.total ?? 0) / whole) * 100).toFixed(1)} %` : ""}</span>
            <Trend series={series} />
          </>
        );
        const is_group = !series.is_rest && series.keys.length > 0;
        return (
          <li key={`${series.name}${series.is_rest}`}>
            {is_group && onChoose ? (
              <button class="plain top-line" onClick={() => onChoose(at)}>
                {words}
              </button>
            ) : (
              <div class="top-line">{words}</div>
            )}
            {is_group && onExclude ? (
              <button class="plain top-without" aria-label={`Without ${series.name}`} title="Leave these out" onClick={() => onExclude(at)}>
                −
              </button>
            ) : (
              <span class="top-without" />
            )}
          </li>
        );
      })}
    </ol>
  );
}

/* A line of 100 by 20, from zero to the group's own largest; where there is no value there is no line. */
export function trend_path(values: readonly (number | null)[], max: number): string {
  let is_drawn = false;
  return values
    .map((value, at) => {
      if (value === null) {
        is_drawn = false;
        return "";
      }
      const word = `${is_drawn ? "L" : "M"}${((at / Math.max(1, values.length - 1)) * 100).toFixed(1)} ${(19 - (max > 0 ? value / max : 0) * 18).toFixed(1)}`;
      is_drawn = true;
      return word;
    })
    .join("");
}
function Trend({ series }: { series: Series }) {
  return (
    <svg class="trend" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <path d={trend_path(series.values, smallest_and_largest(series.values)?.max ?? 0)} />
    </svg>
  );
}
