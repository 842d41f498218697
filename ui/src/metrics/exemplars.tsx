/* Values of which a trace is known: points on the chart, and a list for the keyboard. */
import { useMemo } from "preact/hooks";
import { useLoad } from "../api/load";
import { show_value } from "../charts/scale";
import { is_utc } from "../frame/range";
import { show_time, to_iso, type Range } from "../time";
import { go, href, project_path } from "../url";
import { in_environment, type Asked } from "./ask";
import { Notes } from "./chart";
import { kept } from "./paths";
import { metric_exemplars, type MetricExemplars, type MetricName } from "./query";
import { dots_of } from "./shape";
import { shown_unit } from "./unit";

const SHOWN = 120;
const LINES = 30;
type Item = MetricExemplars["items"][number];

const query_of = (item: Item) => ({ ...kept(), span: item.span_id || null });
const path_of = (item: Item) => project_path(`trace/${item.trace_id}`);
export function trace_of(item: Item | undefined): void {
  if (item) go(path_of(item), query_of(item));
}

export function useExemplars(key: string, metric: MetricName, asked: Asked, when: Range, env: string) {
  const load = useLoad(key, (signal) =>
    metric_exemplars(
      { name: metric.name, from: to_iso(when.from_us), to: to_iso(when.to_us), search: in_environment(asked.search, env), by: asked.by, limit: SHOWN, ...(asked.step_s ? { step_s: asked.step_s } : {}) },
      { signal },
    ),
  );
  const dots = useMemo(() => (load.value ? dots_of(load.value, shown_unit(metric.unit, metric.type, "quantile").factor) : []), [load.value]);
  return { items: load.value?.items ?? [], notes: load.value?.notes.filter((note) => note.includes("exemplars")) ?? [], dots };
}

export function Exemplars({ items, notes, metric }: { items: readonly Item[]; notes: readonly string[]; metric: MetricName }) {
  if (items.length === 0) return null;
  const { unit, factor } = shown_unit(metric.unit, metric.type, "quantile");
  const largest = [...items].sort((a, b) => b.value - a.value).slice(0, LINES);
  return (
    <section aria-label="Exemplars" class="metric-exemplars">
      <h2>
        Exemplars <span class="soft">the largest values of which a trace is known</span>
      </h2>
      <ul>
        {largest.map((item) => (
          <li key={`${item.trace_id}${item.span_id}${item.at_ms}`}>
            <a href={href(path_of(item), query_of(item))}>
              <b>{show_value(item.value * factor, unit)}</b> <span class="soft">{show_time(item.at_ms * 1e3, 3, is_utc.value)}</span> <span class="mono">{item.trace_id.slice(0, 8)}</span>{" "}
              <span class="soft told ellipsis">{Object.values(item.labels).filter(Boolean).join(" · ")}</span>
            </a>
          </li>
        ))}
      </ul>
      <Notes list={notes} />
    </section>
  );
}
