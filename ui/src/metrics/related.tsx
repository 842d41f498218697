/* Metrics of the same family or sender, those first that moved at the same time. Asked for when the section is opened. */
import { useLoad } from "../api/load";
import { show_value } from "../charts/scale";
import { Trend } from "../charts/trend";
import { change, param, project_name } from "../url";
import { from_iso, step_us } from "../time";
import { metric_href } from "./paths";
import { metric_query, type MetricName } from "./query";
import { aggregate_words, candidates_of, moves_together, series_of } from "./shape";

const CANDIDATES = 12;
const STEPS = 40;
const MOVES = 0.5; /* |r| from which "moved with it" is said */

interface Found {
  metric: MetricName;
  values: (number | null)[];
  last: string;
  r: number | undefined;
}

export function Related({ metric, names, search, from, to }: { metric: MetricName; names: readonly MetricName[]; search: string; from: string; to: string }) {
  const is_open = param("related") === "1";
  const candidates = candidates_of(names, metric, CANDIDATES);
  const key = is_open ? [project_name.value, metric.name, search, from, to, candidates.map((one) => one.name).join()].join("\n") : null;
  const load = useLoad(key, async (signal): Promise<Found[]> => {
    const when = { from_us: from_iso(from), to_us: from_iso(to) };
    const step_s = Math.max(1, Math.round(step_us(when, STEPS) / 1e6));
    const read = async (one: MetricName, words: string) => {
      const answer = await metric_query({ name: one.name, from, to, step_s, search: words, limit: 1 }, { signal });
      return { answer, data: series_of([{ answer }], when) };
    };
    const own = (await read(metric, search)).data.series[0]?.values ?? [];
    const found: Found[] = [];
    for (const one of candidates) {
      const { answer, data } = await read(one, "");
      const values = data.series[0]?.values ?? [];
      found.push({ metric: one, values, last: `${show_value(data.series[0]?.total, data.unit)} ${answer.aggregate ? aggregate_words(answer.aggregate as "avg", answer.quantile) : ""}`, r: moves_together(own, values) });
    }
    return found.sort((a, b) => Math.abs(b.r ?? 0) - Math.abs(a.r ?? 0));
  });
  if (candidates.length === 0) return null;
  return (
    <section class="metric-related" aria-label="Related metrics">
      <h2>
        <button aria-expanded={is_open} onClick={() => change({ related: is_open ? null : "1" }, true)}>
          {is_open ? "▾" : "▸"} Related metrics
        </button>{" "}
        <span class="soft">of the same family or sender, those first that moved at the same time</span>
      </h2>
      {is_open && load.problem && <p class="warning told">{load.problem.detail}</p>}
      {is_open && load.is_loading && !load.value && <p class="soft">Reading {candidates.length} metrics …</p>}
      {is_open && load.value && (
        <ul>
          {load.value.map((one) => (
            <li key={one.metric.name}>
              <a class="told ellipsis" href={metric_href(one.metric.name)}>
                {one.metric.name}
              </a>
              <Trend values={one.values} />
              <span class="number">{one.last}</span>
              <span class="soft">{words_of(one.r)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function words_of(r: number | undefined): string {
  if (r === undefined) return "too little is known";
  const words = r >= MOVES ? "moved with it" : r <= -MOVES ? "moved against it" : "moved otherwise";
  return `${words} (${r.toFixed(2)})`;
}
