/* What the explorer of a metric asks, from the address: agg, p, by, q, step, compare, as, dots, related. */
import { ENVIRONMENT } from "../frame/environment";
import { term } from "../explore/search";
import { to_iso, type Range } from "../time";
import type { Panel } from "../dashboards/load";
import type { Changes } from "../url";
import type { Aggregate, MetricName, MetricQuery } from "./query";
import { aggregates_of, has_buckets } from "./shape";

export const QUANTILES: readonly number[] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
const QUANTILES_FIRST = [0.5, 0.95, 0.99];
export const STEPS: readonly { s: number; text: string }[] = [
  { s: 1, text: "1 s" }, { s: 10, text: "10 s" }, { s: 30, text: "30 s" }, { s: 60, text: "1 m" }, { s: 300, text: "5 m" },
  { s: 900, text: "15 m" }, { s: 3600, text: "1 h" }, { s: 21600, text: "6 h" }, { s: 86400, text: "1 d" },
];
export interface Asked {
  aggregate: Aggregate;
  quantiles: number[]; /* of the aggregate quantile; with groups one alone */
  by: string[];
  search: string;
  step_s: number; /* 0: as fits */
  is_compared: boolean;
}

export function in_environment(search: string, environment: string): string {
  return [environment && term(ENVIRONMENT, environment), search.trim() && (environment ? `(${search.trim()})` : search.trim())].filter(Boolean).join(" ");
}

export function asked_read(query: URLSearchParams, metric: Pick<MetricName, "type" | "is_monotonic" | "temporality">): Asked {
  const possible = aggregates_of(metric);
  const wanted = query.get("agg") as Aggregate | null;
  const by = (query.get("by") ?? "").split(",").filter(Boolean).slice(0, 4);
  const told = (query.get("p") ?? "").split(",").map((one) => Number((Number(one) / 100).toFixed(6))).filter((one) => one > 0 && one <= 1);
  const quantiles = told.length > 0 ? told : by.length > 0 ? [0.95] : QUANTILES_FIRST;
  const step_s = Number(query.get("step") ?? 0);
  return {
    aggregate: wanted && possible.includes(wanted) ? wanted : (possible[0] ?? "avg"),
    quantiles: by.length > 0 ? quantiles.slice(0, 1) : quantiles.slice(0, 4),
    by,
    search: query.get("q") ?? "",
    step_s: Number.isInteger(step_s) && step_s > 0 ? step_s : 0,
    is_compared: query.get("compare") === "1",
  };
}

/* Quantiles of a histogram are one query; those of a summary are one each. */
export function queries_of({ name, type }: Pick<MetricName, "name" | "type">, asked: Asked, range: Range, environment: string): MetricQuery[] {
  const one: MetricQuery = {
    name,
    from: to_iso(range.from_us),
    to: to_iso(range.to_us),
    search: in_environment(asked.search, environment),
    by: asked.by,
    aggregate: asked.aggregate,
    limit: 20,
    ...(asked.step_s > 0 ? { step_s: asked.step_s } : {}),
  };
  if (asked.aggregate !== "quantile") return [one];
  return has_buckets(type) ? [{ ...one, quantiles: asked.quantiles }] : asked.quantiles.map((quantile) => ({ ...one, quantile }));
}

/* A quantile more or less, in their order; at least one stays. */
export function quantile_turn(asked: Asked, quantile: number): Changes {
  const is_alone = asked.by.length > 0;
  const without = asked.quantiles.filter((one) => one !== quantile);
  const list = is_alone ? [quantile] : without.length < asked.quantiles.length ? (without.length > 0 ? without : asked.quantiles) : [...asked.quantiles, quantile].sort((a, b) => a - b);
  return { p: list.map((one) => Number((one * 100).toFixed(4))).join(",") };
}

/* The same on a dashboard: lines; of several quantiles the one that is asked for most. */
export function panel_of(name: string, asked: Asked, title: string): Panel {
  const quantile = asked.quantiles.includes(0.95) ? 0.95 : (asked.quantiles[0] ?? 0.95);
  return {
    title: title.slice(0, 120),
    kind: "lines",
    source: { metric: { name, aggregate: asked.aggregate, ...(asked.aggregate === "quantile" ? { quantile } : {}), ...(asked.search ? { search: asked.search } : {}), ...(asked.by.length > 0 ? { by: asked.by } : {}) } },
  };
}
