/* What is asked of a metric: search, aggregate, quantiles, groups, step, the time before. All of it is in the address. */
import { useEffect, useState } from "preact/hooks";
import type { ApiProblem } from "../api/client";
import { proposals, type Known } from "../explore/complete";
import { SearchField } from "../explore/search_field";
import { is_table, AsTable } from "../explore/chart_parts";
import { range } from "../frame/range";
import { useKeys } from "../keys";
import { change, param, project_name } from "../url";
import { QUANTILES, quantile_turn, STEPS, type Asked } from "./ask";
import type { MetricName } from "./query";
import { aggregate_words, aggregates_of } from "./shape";
import { fields_load } from "./source";

const NO_COLUMNS = { columns: [], by_name: new Map() };

export function Bar({ metric, asked, problem }: { metric: MetricName; asked: Asked; problem: ApiProblem | undefined }) {
  const [text, set_text] = useState(asked.search);
  const [fields, set_fields] = useState<Known[]>([]);
  const { from_us, to_us } = range.value;
  useEffect(() => set_text(asked.search), [asked.search]);
  useEffect(() => {
    const end = new AbortController();
    fields_load(project_name.value, metric.name, { from_us, to_us }, end.signal).then(set_fields, () => undefined);
    return () => end.abort();
  }, [metric.name, from_us, to_us]);
  useKeys([
    { keys: "/", text: "Search in the metric's points", group: "Metric", run: () => document.getElementById("metric-search")?.focus() },
    { keys: "b", text: "Group by a field", group: "Metric", run: () => document.getElementById("metric-by")?.focus() },
    { keys: "c", text: "Compare with the time before", group: "Metric", run: () => change({ compare: asked.is_compared ? null : "1" }) },
  ]);
  const usual = aggregates_of(metric)[0];
  return (
    <div class="metric-bar">
      <form
        class="query-field"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          change({ q: text.trim() });
        }}
      >
        <SearchField
          id="metric-search"
          label="Search in the points"
          placeholder="service:checkout -http.route:/health   ( / )"
          text={text}
          is_invalid={problem?.pointer === "/search"}
          propose={(typed, cursor) => proposals(typed, cursor, NO_COLUMNS, [], fields)}
          onText={set_text}
          onSubmit={() => change({ q: text.trim() })}
        />
      </form>
      {problem?.pointer === "/search" && (
        <p class="warning told" role="alert">
          {problem.detail}
        </p>
      )}
      <div class="row metric-choices" role="group" aria-label="What is shown">
        <label class="row soft">
          Show
          <select aria-label="Aggregate" value={asked.aggregate} onChange={(event) => change({ agg: event.currentTarget.value === usual ? null : event.currentTarget.value })}>
            {aggregates_of(metric).map((one) => (
              <option key={one} value={one}>
                {aggregate_words(one)}
              </option>
            ))}
          </select>
        </label>
        {asked.aggregate === "quantile" && (
          <span class="row metric-quantiles" role="group" aria-label="Quantiles">
            {QUANTILES.map((one) => (
              <button key={one} aria-pressed={asked.quantiles.includes(one)} onClick={() => change(quantile_turn(asked, one), true)}>
                {aggregate_words("quantile", one)}
              </button>
            ))}
          </span>
        )}
        <span class="soft">by</span>
        {asked.by.map((name) => (
          <button key={name} class="chip" aria-label={`Do not group by ${name}`} onClick={() => change({ by: asked.by.filter((one) => one !== name).join(",") })}>
            <span class="told ellipsis">{name}</span> <span aria-hidden="true">×</span>
          </button>
        ))}
        <select id="metric-by" aria-label="Group by" value="" onChange={(event) => event.currentTarget.value && change({ by: [...asked.by, event.currentTarget.value].join(",") })}>
          <option value="">{asked.by.length > 0 ? "and by …" : "nothing"}</option>
          {fields
            .filter((field) => !asked.by.includes(field.name) && !field.name.includes(","))
            .map((field) => (
              <option key={field.name} value={field.name}>
                {field.name} ({field.values.length})
              </option>
            ))}
        </select>
        <label class="row soft">
          step
          <select aria-label="Step" value={asked.step_s || ""} onChange={(event) => change({ step: event.currentTarget.value || null })}>
            <option value="">as fits</option>
            {(STEPS.some((one) => one.s === asked.step_s) || asked.step_s === 0 ? STEPS : [...STEPS, { s: asked.step_s, text: `${asked.step_s} s` }]).map((one) => (
              <option key={one.s} value={one.s}>
                {one.text}
              </option>
            ))}
          </select>
        </label>
        <button aria-pressed={asked.is_compared} onClick={() => change({ compare: asked.is_compared ? null : "1" })}>
          With the time before
        </button>
        <AsTable />
        {metric.type.includes("histogram") && !is_table() && (
          <button aria-pressed={param("heat") !== "0"} onClick={() => change({ heat: param("heat") === "0" ? null : "0" }, true)}>
            Heat map
          </button>
        )}
      </div>
    </div>
  );
}
