/* The catalog: /p/{project}/metrics?q=&type=&service=&env=&from=&to= */
import { useMemo, useRef } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { range } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { to_iso } from "../time";
import { change, param, project_name } from "../url";
import { Line } from "./catalog_line";
import { NoMetrics } from "./nothing";
import { metric_names } from "./query";
import { catalog_narrowed, type_words } from "./shape";

const LINES_MAX = 500;

export function Catalog() {
  const box = useRef<HTMLDivElement>(null);
  const project = project_name.value;
  const { from_us, to_us } = range.value;
  const list = useLoad([project, from_us, to_us].join("\n"), (signal) => metric_names(to_iso(from_us), to_iso(to_us), { project, signal }));
  useActs({ title: "Metrics", statement: undefined, is_private: true });
  const wanted = { words: param("q"), type: param("type"), service: param("service") };
  const all = list.value ?? [];
  const shown = useMemo(() => catalog_narrowed(all, wanted), [all, wanted.words, wanted.type, wanted.service]);
  const types = useMemo(() => [...new Set(all.map(type_words))].sort(), [all]);
  const services = useMemo(() => [...new Set(all.flatMap((one) => one.services))].filter(Boolean).sort(), [all]);
  const step = (by: number) => {
    const links = [...(box.current?.querySelectorAll<HTMLElement>(".metric-name a") ?? [])];
    links[Math.min(links.length - 1, Math.max(0, links.indexOf(document.activeElement as HTMLElement) + by))]?.focus();
  };
  useKeys([
    { keys: "j", text: "Next metric", group: "Metrics", run: () => step(1) },
    { keys: "k", text: "Metric before", group: "Metrics", run: () => step(-1) },
    { keys: "/", text: "Search in metrics", group: "Metrics", run: () => document.getElementById("metrics-search")?.focus() },
  ]);
  const is_narrowed = wanted.words !== "" || wanted.type !== "" || wanted.service !== "";
  return (
    <div class="metrics">
      <header class="metrics-head">
        <h1>
          Metrics <span class="soft">{list.value && (is_narrowed ? `${shown.length} of ${all.length}` : all.length)}</span>
        </h1>
        <div class="row">
          <input id="metrics-search" type="search" class="grow" aria-label="Search in metrics" placeholder="Search by name, description, unit   ( / )" maxLength={200} value={wanted.words} onInput={(event) => change({ q: event.currentTarget.value || null }, true)} />
          <Choice label="Type" all="all types" value={wanted.type} list={types} onChoose={(type) => change({ type })} />
          <Choice label="Service" all="all services" value={wanted.service} list={services} onChoose={(service) => change({ service })} />
        </div>
      </header>
      <div class="metrics-box" ref={box} aria-busy={list.is_loading}>
        {list.problem ? (
          <Problem problem={list.problem} again={list.again} />
        ) : shown.length > 0 ? (
          <table class="metrics-table">
            <thead>
              <tr>
                <th scope="col">Metric</th>
                <th scope="col">Type</th>
                <th scope="col">Over time</th>
                <th scope="col" class="number">
                  Last
                </th>
                <th scope="col">Services</th>
              </tr>
            </thead>
            <tbody>
              {shown.slice(0, LINES_MAX).map((metric) => (
                <Line key={metric.name} metric={metric} />
              ))}
            </tbody>
          </table>
        ) : list.is_loading ? (
          <Waiting what="Reading the catalog" />
        ) : all.length > 0 ? (
          <Empty title="No metric is what was asked for">
            <button onClick={() => change({ q: null, type: null, service: null })}>Show all</button>
          </Empty>
        ) : (
          <NoMetrics />
        )}
        {shown.length > LINES_MAX && <p class="warning">The first {LINES_MAX} are shown: search for the others.</p>}
      </div>
    </div>
  );
}

function Choice({ label, all, value, list, onChoose }: { label: string; all: string; value: string; list: readonly string[]; onChoose: (value: string | null) => void }) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChoose(event.currentTarget.value || null)}>
      <option value="">{all}</option>
      {(value && !list.includes(value) ? [value, ...list] : list).map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}
