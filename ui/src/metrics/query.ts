/* What is asked of a metric, and the ways to ask: POST /projects/{project}/metrics/query, /heatmap, /exemplars (docs/metrics.md). */
import { api, type Schemas } from "../api/client";
import { running } from "../api/running";
import { project_name } from "../url";

export type Aggregate = "rate" | "increase" | "sum" | "avg" | "min" | "max" | "last" | "count" | "quantile";
export interface MetricQuery {
  name: string;
  from?: string; /* RFC 3339, now or now-15m */
  to?: string;
  step_s?: number;
  search?: string; /* the search language */
  by?: string[];
  aggregate?: Aggregate; /* not said: what is usual of the type */
  quantile?: number;
  quantiles?: number[]; /* several at once, of histograms */
  limit?: number;
}
export type MetricAnswer = Schemas["MetricAnswer"];
export type MetricHeatmap = Schemas["MetricHeatmap"];
export type MetricExemplars = Schemas["MetricExemplars"];
export type MetricName = Schemas["MetricName"];

interface Options {
  project?: string;
  signal?: AbortSignal | undefined;
}

/* Listed among what is running, where it can be cancelled. */
async function ask<T>(route: string, query: MetricQuery, { project = project_name.value, signal }: Options): Promise<T> {
  const end = new AbortController();
  const stop = () => end.abort();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) end.abort();
  const entry = running.begin(query.name, stop);
  try {
    return await api<T>(`/projects/${encodeURIComponent(project)}/metrics/${route}`, { method: "POST", body: query, signal: end.signal });
  } finally {
    signal?.removeEventListener("abort", stop);
    running.finish(entry);
  }
}

export const metric_query = (query: MetricQuery, options: Options = {}): Promise<MetricAnswer> => ask("query", query, options);
export const metric_heatmap = (query: MetricQuery, options: Options = {}): Promise<MetricHeatmap> => ask("heatmap", query, options);
export const metric_exemplars = (query: MetricQuery, options: Options = {}): Promise<MetricExemplars> => ask("exemplars", query, options);

type Page = { items: MetricName[]; next_cursor?: string };
const NAMES_MAX = 2000;

/* The catalog: names that something was sent of in a time. */
export async function metric_names(from: string, to: string, { project = project_name.value, signal }: Options & { max?: number } = {}): Promise<MetricName[]> {
  const items: MetricName[] = [];
  let cursor: string | undefined;
  do {
    const page: Page = await api<Page>(`/projects/${encodeURIComponent(project)}/metrics`, { query: { from, to, limit: 500, cursor }, signal });
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < NAMES_MAX);
  return items;
}
