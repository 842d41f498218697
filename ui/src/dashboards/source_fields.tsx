/* The fields of a panel's source. */
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import type { Catalog } from "../explore/fields";
import { AGGS, has_field, OF_FIRST } from "../explore/measure";
import type { PanelKind, Source } from "./load";

interface SearchProps {
  search: string;
  kind: PanelKind;
  catalog: Catalog;
  onSearch: (search: string) => void;
}
export function SearchFields({ search, kind, catalog, onSearch }: SearchProps) {
  const params = new URLSearchParams(search);
  const agg = AGGS.find((one) => one === params.get("agg")) ?? "count";
  const set = (name: string, value: string) => {
    const next = new URLSearchParams(search);
    if (value) next.set(name, value);
    else next.delete(name);
    onSearch(next.toString());
  };
  const field = (name: string, title: string, words: string) => (
    <label>
      {title}
      <input list="panel-fields" value={params.get(name) ?? ""} placeholder={words} onInput={(event) => set(name, event.currentTarget.value)} />
    </label>
  );
  return (
    <>
      <label>
        {params.get("sql") === "1" ? "Condition of SQL" : "Search"}
        <input class="mono" value={params.get("q") ?? ""} placeholder="service:$service level:error" maxLength={2000} onInput={(event) => set("q", event.currentTarget.value)} />
      </label>
      <datalist id="panel-fields">
        {catalog.columns.map((one) => (
          <option key={one.name} value={one.name} />
        ))}
      </datalist>
      {kind === "rows" && field("cols", "Columns", "http.route,user.id")}
      {kind !== "rows" && kind !== "heat" && (
        <label>
          Measured
          <select value={agg} onChange={(event) => set("agg", event.currentTarget.value === "count" ? "" : event.currentTarget.value)}>
            {AGGS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      )}
      {(kind === "heat" || (kind !== "rows" && has_field(agg))) && field("of", "Of", OF_FIRST)}
      {kind !== "rows" && kind !== "heat" && kind !== "stat" && field("by", "Grouped by", "service.name")}
    </>
  );
}

export function SqlFields({ sql, onSql }: { sql: string; onSql: (sql: string) => void }) {
  return (
    <label>
      Statement
      <textarea class="mono" rows={10} spellcheck={false} value={sql} maxLength={20000} onInput={(event) => onSql(event.currentTarget.value)} />
      <span class="soft">$from and $to are the time of the page, $step a step of it, $environment its environment: NULL where all are shown.</span>
    </label>
  );
}

export function MarkdownFields({ text, onText }: { text: string; onText: (text: string) => void }) {
  return (
    <label>
      Words
      <textarea rows={12} value={text} maxLength={20000} placeholder={"# What this is\n\n*Whom* to call, [what to look at](explore?q=level:error)"} onInput={(event) => onText(event.currentTarget.value)} />
    </label>
  );
}

type Metric = NonNullable<Source["metric"]>;
const AGGREGATES: readonly Metric["aggregate"][] = ["rate", "increase", "sum", "avg", "min", "max", "last", "count", "quantile"];
export function MetricFields({ metric, project, onMetric }: { metric: Metric; project: string; onMetric: (metric: Metric) => void }) {
  const known = useLoad(project, (signal) => api<{ items: Schemas["MetricName"][] }>(`/projects/${encodeURIComponent(project)}/metrics`, { query: { from: "now-1d", limit: 500 }, signal }));
  const names = [...new Set((known.value?.items ?? []).map((one) => one.name))];
  const with_text = (name: "search", value: string) => {
    const { search: _, ...rest } = metric;
    onMetric(value ? { ...rest, [name]: value } : rest);
  };
  return (
    <>
      <label>
        Metric
        <input list="panel-metrics" value={metric.name} maxLength={255} onInput={(event) => onMetric({ ...metric, name: event.currentTarget.value.trim() })} />
        <datalist id="panel-metrics">
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label>
        Of it
        <select
          value={metric.aggregate}
          onChange={(event) => {
            const { quantile: _, ...rest } = metric;
            const aggregate = event.currentTarget.value as Metric["aggregate"];
            onMetric(aggregate === "quantile" ? { ...rest, aggregate, quantile: 0.95 } : { ...rest, aggregate });
          }}
        >
          {AGGREGATES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {metric.aggregate === "quantile" && (
        <label>
          Quantile
          <input type="number" min={0} max={1} step="any" value={metric.quantile ?? 0.95} onInput={(event) => onMetric({ ...metric, quantile: Math.max(0, Math.min(1, Number(event.currentTarget.value))) })} />
        </label>
      )}
      <label>
        Grouped by
        <input
          value={(metric.by ?? []).join(",")}
          placeholder="service.name"
          onInput={(event) => {
            const by = event.currentTarget.value.split(",").map((one) => one.trim()).filter(Boolean).slice(0, 4);
            const { by: _, ...rest } = metric;
            onMetric(by.length > 0 ? { ...rest, by } : rest);
          }}
        />
      </label>
      <label>
        Search
        <input class="mono" value={metric.search ?? ""} placeholder="service:$service" maxLength={2000} onInput={(event) => with_text("search", event.currentTarget.value)} />
      </label>
    </>
  );
}
