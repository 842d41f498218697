/* What the service serves: each endpoint's rate, errors, durations, and its part of all the time. A click shows the page of it alone. */
import type { Load } from "../api/load";
import { show_value } from "../charts/scale";
import { Problem } from "../frame/state";
import { show_whole } from "../number";
import { address, change, href, param, with_changes } from "../url";
import { FigureCells } from "./figure_cells";
import { endpoint_name, type Endpoint } from "./page_shape";
import { share, show_share } from "./services";

const FIRST = 15;
type By = "part" | "rate" | "errors" | "p50" | "p95" | "p99";
const HEADS: readonly { by: By; title: string }[] = [
  { by: "rate", title: "Rate" },
  { by: "errors", title: "Errors" },
  { by: "p50", title: "p50" },
  { by: "p95", title: "p95" },
  { by: "p99", title: "p99" },
  { by: "part", title: "Part of time" },
];
const VALUE: Readonly<Record<By, (one: Endpoint) => number>> = {
  part: (one) => one.part,
  rate: (one) => one.figures.requests,
  errors: (one) => share(one.figures) ?? -1,
  p50: (one) => one.figures.p50 ?? -1,
  p95: (one) => one.figures.p95 ?? -1,
  p99: (one) => one.figures.p99 ?? -1,
};

export function Endpoints({ list, seconds, chosen }: { list: Load<Endpoint[]>; seconds: number; chosen: string }) {
  const by = HEADS.find((head) => head.by === param("endpoints"))?.by ?? "part";
  const sorted = [...(list.value ?? [])].sort((a, b) => VALUE[by](b) - VALUE[by](a));
  const is_whole = param("all") === "1";
  const shown = is_whole ? sorted : sorted.filter((one, at) => at < FIRST || one.id === chosen);
  if (list.problem) return <Problem problem={list.problem} again={list.again} />;
  if (list.value?.length === 0) return null;
  return (
    <section class="service-part" aria-label="Endpoints" aria-busy={list.is_loading}>
      <h2>
        Endpoints <span class="soft">{list.value ? show_whole(list.value.length) : ""}</span>
      </h2>
      <div class="service-table" role="region" aria-label="Table of endpoints" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Endpoint</th>
              {HEADS.map((head) => (
                <th key={head.by} scope="col" class="number" aria-sort={by === head.by ? "descending" : "none"}>
                  <button class="plain" onClick={() => change({ endpoints: head.by === "part" ? null : head.by }, true)}>
                    {head.title} <span aria-hidden="true">{by === head.by ? "▾" : ""}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={one.id} data-endpoint={one.id} class={one.id === chosen ? "chosen" : ""}>
                <th scope="row">
                  <a class="told" href={href(address.value.path, with_changes(address.value.query, { endpoint: one.id === chosen ? null : one.id }))} aria-current={one.id === chosen ? "true" : undefined}>
                    {endpoint_name(one).slice(0, 200)}
                  </a>
                </th>
                <FigureCells figures={one.figures} seconds={seconds} what="requests" />
                <td class="number">{show_value(one.figures.p99, "ns")}</td>
                <td class="number part-cell">
                  <span class="part-bar" aria-hidden="true">
                    <span style={{ width: `${one.part * 100}%` }} />
                  </span>
                  {show_share(one.part)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < sorted.length && <button onClick={() => change({ all: "1" }, true)}>Show all {show_whole(sorted.length)}</button>}
    </section>
  );
}
