/* The legend of a chart: a button for each series, which lights it while it is pointed at or focused, and filters by it. */
import type { Look } from "./colours";
import { DASHES } from "./colours";
import { show_value } from "./scale";
import type { TimeSeries } from "./series";

export function Swatch({ look, is_line = false, is_plain = false }: { look: Look | undefined; is_line?: boolean; is_plain?: boolean }) {
  const colour = `var(${look?.token ?? "--series-7"})`;
  if (!is_line) return <span class={`series-mark pattern-${is_plain ? 0 : (look?.pattern ?? 0)}`} style={{ backgroundColor: colour }} aria-hidden="true" />;
  return (
    <svg class="series-line" width="20" height="8" aria-hidden="true">
      <line x1="0" y1="4" x2="20" y2="4" stroke-width="2" stroke-dasharray={(DASHES[look?.pattern ?? 0] ?? []).join(" ")} style={{ stroke: colour }} />
    </svg>
  );
}

interface LegendProps {
  data: TimeSeries;
  looks: readonly Look[];
  is_line?: boolean;
  is_plain?: boolean; /* without patterns */
  onLight?: (series: number | undefined) => void;
  onChoose?: (series: number) => void;
}
export function Legend({ data, looks, is_line = false, is_plain = false, onLight, onChoose }: LegendProps) {
  return (
    <ul class="legend" aria-label="Series">
      {data.series.map((series, at) => (
        <li key={`${series.name}${series.is_rest}`}>
          <button
            class="plain"
            disabled={!onChoose || series.is_rest || series.keys.length === 0}
            onClick={() => onChoose?.(at)}
            onFocus={() => onLight?.(at)}
            onBlur={() => onLight?.(undefined)}
            onPointerEnter={() => onLight?.(at)}
            onPointerLeave={() => onLight?.(undefined)}
          >
            <Swatch look={looks[at]} is_line={is_line} is_plain={is_plain} />
            <span class="told ellipsis">{series.name}</span> <span class="soft">{show_value(series.total, data.unit)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
