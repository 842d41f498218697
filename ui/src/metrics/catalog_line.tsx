/* One metric of the catalog. How it went is asked for when the line is on the screen, a few lines at a time. */
import { useEffect, useRef, useState } from "preact/hooks";
import { show_value } from "../charts/scale";
import { Trend } from "../charts/trend";
import { environment } from "../frame/environment";
import { range } from "../frame/range";
import { step_us, to_iso } from "../time";
import { project_name } from "../url";
import { in_environment } from "./ask";
import { metric_href } from "./paths";
import { metric_query, type MetricAnswer, type MetricName } from "./query";
import { aggregate_words, aggregates_of, series_of, type_words } from "./shape";
import { shown_unit, unit_words } from "./unit";

const STEPS = 40;
const SERVICES = 3;
const AT_ONCE = 3;

/* Those that wait for their turn, the first first. */
const waiting: (() => Promise<void>)[] = [];
let running = 0;
function in_turn(run: () => Promise<void>): void {
  waiting.push(run);
  void next();
}
async function next(): Promise<void> {
  if (running >= AT_ONCE) return;
  const run = waiting.shift();
  if (!run) return;
  running++;
  await run().catch(() => undefined);
  running--;
  void next();
}

export function Line({ metric }: { metric: MetricName }) {
  const line = useRef<HTMLTableRowElement>(null);
  const [is_seen, see] = useState(false);
  const [answer, set_answer] = useState<MetricAnswer | null>();
  const { from_us, to_us } = range.value;
  const aggregate = aggregates_of(metric)[0] ?? "avg";
  useEffect(() => {
    const element = line.current;
    if (!element) return;
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && see(true));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (!is_seen) return;
    const end = new AbortController();
    in_turn(async () => {
      if (end.signal.aborted) return;
      const step_s = Math.max(1, Math.round(step_us({ from_us, to_us }, STEPS) / 1e6));
      try {
        const answered = await metric_query({ name: metric.name, from: to_iso(from_us), to: to_iso(to_us), step_s, search: in_environment("", environment.value), limit: 1 }, { project: project_name.value, signal: end.signal });
        if (!end.signal.aborted) set_answer(answered);
      } catch {
        if (!end.signal.aborted) set_answer(null);
      }
    });
    return () => end.abort();
  }, [is_seen, metric.name, from_us, to_us, environment.value, project_name.value]);
  const data = answer && series_of([{ answer }], { from_us, to_us });
  const values = data?.series[0]?.values ?? [];
  const told = shown_unit(metric.unit, metric.type, answer?.aggregate ?? aggregate);
  return (
    <tr ref={line}>
      <th scope="row" class="metric-name">
        <a class="told" href={metric_href(metric.name)}>
          {metric.name}
        </a>
        <span class="soft told">{metric.description}</span>
      </th>
      <td class="metric-type">
        {type_words(metric)} <span class="soft told">{unit_words(metric.unit)}</span>
      </td>
      <td class="metric-trend">{data ? <Trend values={values} /> : answer === null ? <span class="soft">could not be read</span> : null}</td>
      <td class="number metric-last">
        {data ? (
          <>
            {show_value(data.series[0]?.total, told.unit)} <span class="soft">{aggregate_words(aggregate, answer.quantile)}</span>
          </>
        ) : (
          <span class="soft">{answer === null ? "" : "·"}</span>
        )}
      </td>
      <td class="metric-services told">
        {metric.services.slice(0, SERVICES).join(", ")}
        {metric.services.length > SERVICES && <span class="soft"> and {metric.services.length - SERVICES} more</span>}
      </td>
    </tr>
  );
}
