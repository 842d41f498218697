/* A plan of `ask`, corrected by hand: pure. What the words mean: docs/ask.md. A plan that does not hold is the server's to refuse;
 * here each change leaves one that can hold: a chart has a step, a table groups, rows measure nothing.
 */
import type { Schemas } from "../api/client";
import { term } from "../explore/search";
import { from_iso, to_iso } from "../time";

export type Plan = Schemas["AskPlan"];
export type Answer = Schemas["AskAnswer"];
export type Filter = Plan["filters"][number];
export type Measure = Plan["measures"][number];
export type Display = Plan["display"];

export const FIELDS = ["service", "environment", "version", "level", "route", "method", "status", "outcome", "name", "kind", "user", "email", "session", "host", "database", "namespace", "table", "operation", "exception", "message", "trace", "duration"] as const;
export const OFS: readonly Plan["of"][] = ["requests", "errors", "logs", "spans", "queries", "rows"];
export const DISPLAYS: readonly { name: Display; title: string; keys: string }[] = [
  { name: "number", title: "Number", keys: "v n" },
  { name: "chart", title: "Chart", keys: "v c" },
  { name: "table", title: "Table", keys: "v t" },
  { name: "rows", title: "Rows", keys: "v r" },
  { name: "waterfall", title: "Traces", keys: "v w" },
];
export const MEASURES: readonly { kind: Measure["kind"]; title: string; has_field: boolean }[] = [
  { kind: "count", title: "number", has_field: false },
  { kind: "error_rate", title: "error rate", has_field: false },
  { kind: "percentile", title: "percentile", has_field: true },
  { kind: "average", title: "average", has_field: true },
  { kind: "maximum", title: "maximum", has_field: true },
  { kind: "minimum", title: "minimum", has_field: true },
  { kind: "sum", title: "sum", has_field: true },
  { kind: "distinct", title: "different", has_field: true },
];
export const STEPS: readonly { name: Plan["step"]; seconds: number }[] = [
  { name: "1m", seconds: 60 },
  { name: "5m", seconds: 300 },
  { name: "10m", seconds: 600 },
  { name: "30m", seconds: 1800 },
  { name: "1h", seconds: 3600 },
  { name: "3h", seconds: 10800 },
  { name: "6h", seconds: 21600 },
  { name: "1d", seconds: 86400 },
  { name: "1w", seconds: 604800 },
];
const STEPS_WANTED = 60;

export const is_number_field = (field: string) => field === "duration" || field === "status" || /^(attribute|resource):/.test(field);
export const TEST_TITLES: Record<Filter["test"], string> = { is: "is", is_not: "is not", contains: "contains", has: "is there", at_least: "≥", more: ">", at_most: "≤", less: "<" };
export function tests_of(field: string): Filter["test"][] {
  if (field === "duration") return ["more", "at_least", "less", "at_most"];
  return is_number_field(field) ? ["is", "is_not", "at_least", "more", "at_most", "less", "contains", "has"] : ["is", "is_not", "contains", "has"];
}

export function step_of(plan: Plan): Plan["step"] {
  const seconds = (from_iso(plan.to) - from_iso(plan.from)) / 1e6 / STEPS_WANTED;
  return (STEPS.find((step) => step.seconds >= seconds) ?? { name: "1w" as const }).name;
}

/* Shown as something else: what the other shape needs is added, what it cannot have goes. Conditions stay. */
export function with_display(plan: Plan, display: Display): Plan {
  if (plan.display === display) return plan;
  const part = plan.parts?.[0];
  const rows = plan.display === "waterfall" && part ? { of: part.of, filters: [...plan.filters, ...part.filters], parts: [] } : {};
  const plain: Plan = { ...plan, ...rows, display };
  const measures: Plan["measures"] = plan.measures.length > 0 ? plan.measures : [{ kind: "count" }];
  if (display === "number") return { ...plain, measures, groups: [], step: "none", order: "largest" };
  if (display === "chart") return { ...plain, measures, step: step_of(plan), order: "largest" };
  if (display === "table") return { ...plain, measures, groups: plan.groups.length > 0 ? plan.groups : ["service"], step: "none", order: "largest" };
  const alone: Plan = { ...plain, measures: [], groups: [], step: "none", before: null, order: "newest" };
  if (display === "rows") return { ...alone, limit: 100 };
  return { ...alone, of: "spans", filters: [], parts: [{ of: plan.of, filters: plan.filters }], limit: 20 };
}

/* What a number or a table may stand beside: the same length of time, so much earlier; 0: just before. */
export const BEFORES: readonly { title: string; seconds: number }[] = [
  { title: "The period before", seconds: 0 },
  { title: "A day before", seconds: 86400 },
  { title: "A week before", seconds: 604800 },
];
export const can_compare = (plan: Plan) => plan.display === "number" || plan.display === "table";
export function with_before(plan: Plan, seconds: number): Plan {
  const from_us = from_iso(plan.from);
  const to_us = from_iso(plan.to);
  const shift_us = seconds > 0 ? seconds * 1e6 : to_us - from_us;
  return { ...plan, before: { from: to_iso(from_us - shift_us), to: to_iso(to_us - shift_us) } };
}
/* One group alone: its values are conditions, and it groups no more; of a table its rows are shown. `keys`: a value for each group, what
 * follows is passed over. There is no condition for "it has none": such a group stays as it is. */
export function with_groups_alone(plan: Plan, keys: readonly unknown[]): Plan {
  const only = plan.groups.flatMap((field, at): Filter[] => (typeof keys[at] === "string" && keys[at] !== "" ? [{ field, test: "is", values: [keys[at]] }] : []));
  if (only.length === 0) return plan;
  const is_chosen = (field: string) => only.some((one) => one.field === field);
  const next: Plan = { ...plan, filters: [...plan.filters.filter((one) => one.test !== "is" || !is_chosen(one.field)), ...only], groups: plan.groups.filter((field) => !is_chosen(field)) };
  return plan.display === "table" ? with_display(next, "rows") : next;
}

/* The list that a filter's pointer is of: "/filters/0", "/parts/1/filters/0". */
export function filters_at(plan: Plan, pointer: string): { list: Filter[]; at: number; put: (list: Filter[]) => Plan } | undefined {
  const found = /^(?:\/parts\/(\d+))?\/filters\/(\d+)$/.exec(pointer);
  if (!found) return undefined;
  const at = Number(found[2]);
  if (found[1] === undefined) return { list: plan.filters, at, put: (filters) => ({ ...plan, filters }) };
  const parts = plan.parts ?? [];
  const number = Number(found[1]);
  return { list: parts[number]?.filters ?? [], at, put: (filters) => ({ ...plan, parts: parts.map((part, n) => (n === number ? { ...part, filters } : part)) }) };
}
/* Where another condition goes: those of a waterfall without conditions of its own are its first part's. */
export function filter_pointer_next(plan: Plan): string {
  const part = plan.display === "waterfall" ? plan.parts?.[0] : undefined;
  return part ? `/parts/0/filters/${part.filters.length}` : `/filters/${plan.filters.length}`;
}
export function with_filter(plan: Plan, pointer: string, filter: Filter | undefined): Plan {
  const place = filters_at(plan, pointer);
  if (!place) return plan;
  const list = [...place.list];
  if (filter) list[place.at] = filter;
  else list.splice(place.at, 1);
  return place.put(list);
}
/* Of one environment alone; one that names an environment stays as it is. */
export const names_environment = (plan: Plan): boolean => [plan, ...(plan.parts ?? [])].some(({ filters }) => filters.some((filter) => filter.field === "environment"));
export function of_environment(plan: Plan, name: string): Plan {
  return !name || names_environment(plan) ? plan : with_filter(plan, filter_pointer_next(plan), { field: "environment", test: "is", values: [name] });
}
export function without_group(plan: Plan, at: number): Plan {
  const groups = plan.groups.filter((_, n) => n !== at);
  return groups.length === 0 && plan.display === "table" ? with_display({ ...plan, groups }, "number") : { ...plan, groups };
}
export function with_group(plan: Plan, at: number, field: string): Plan {
  const groups = [...plan.groups];
  groups[at] = field;
  const next = { ...plan, groups };
  return plan.display === "chart" || plan.display === "table" ? next : { ...with_display(next, "table"), groups };
}

/* "web, api": values with commas between. What stood there before, or is a value that is known, may have commas in it. */
const VALUES_MAX = 8;
export function values_of(text: string, whole: readonly (readonly string[])[]): string[] {
  const found = whole.find((one) => one.length > 0 && one.join(", ").trim() === text.trim());
  return found ? [...found] : text.split(",").map((one) => one.trim()).filter(Boolean).slice(0, VALUES_MAX);
}

/* "1.5s", "500 ms", "20": nanoseconds as text; "" where it is no length of time. */
export function duration_read(text: string): string {
  const found = /^\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ns|us|ms|s|m|h)?\s*$/.exec(text);
  if (!found) return "";
  const unit = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }[found[2] ?? "ms"] ?? 1e6;
  return String(Math.round(Number(found[1]) * unit));
}
export function duration_show(ns: string): string {
  const value = Number(ns);
  return value >= 1e9 && value % 1e8 === 0 ? `${value / 1e9} s` : `${value / 1e6} ms`;
}

/* What OpenTelemetry calls the fields of plans that are attributes. */
export const ATTRIBUTES: Record<string, string> = {
  service: "service.name",
  environment: "deployment.environment.name",
  version: "service.version",
  route: "http.route",
  method: "http.request.method",
  status: "http.response.status_code",
  user: "user.id",
  email: "user.email",
  session: "session.id",
  host: "host.name",
  database: "db.system.name",
  namespace: "db.namespace",
  table: "db.collection.name",
  operation: "db.operation.name",
  exception: "exception.type",
};
const attribute_of = (field: string) => ATTRIBUTES[field] ?? field.replace(/^(attribute|resource):/, "");
/* The search language's short names of them (explore/short.ts). */
const SHORT: Record<string, string> = { service: "service", environment: "env", version: "version", route: "route", method: "method", user: "user", session: "session", outcome: "status" };
const OF_TERMS: Record<Plan["of"], string> = { rows: "", requests: "kind:(server consumer)", errors: "(level:(error fatal) OR status:error)", logs: "kind:log", spans: "kind:span", queries: "kind:span has:db.system.name" };
const SIGNS: Partial<Record<Filter["test"], string>> = { at_least: ">=", more: ">", at_most: "<=", less: "<" };
/* A value as the search language has it, without its field. */
const value_of = (text: string) => term("", text).slice(1);

function filter_term({ field, test, values }: Filter): string {
  const name = SHORT[field] ?? attribute_of(field);
  const first = values[0] ?? "";
  if (test === "has") return `has:${name}`;
  if (SIGNS[test]) return `${name}:${SIGNS[test]}${field === "duration" ? `${first}ns` : first}`;
  if (test === "contains") return field === "message" ? JSON.stringify(first) : `${name}:*${first.replace(/[^A-Za-z0-9_./@-]/g, "*")}*`;
  const one = field === "message" ? JSON.stringify(first) : values.length > 1 ? `${name}:(${values.map(value_of).join(" ")})` : term(name, first);
  return test === "is_not" ? `-${one}` : one;
}

/* The same in the explorer: its search, its measure, its time. What it cannot show so it shows as rows. */
export function explorer_query(plan: Plan): Record<string, string | null> {
  const parts = (plan.parts ?? []).slice(0, 1);
  const of = parts[0]?.of ?? plan.of;
  const q = [OF_TERMS[of], ...[...plan.filters, ...parts.flatMap((part) => part.filters)].map(filter_term)].filter(Boolean).join(" ");
  const measure = plan.measures[0];
  const agg = !measure ? "" : ({ count: "count", error_rate: "errors", average: "avg", maximum: "max", sum: "sum", distinct: "distinct", minimum: "", percentile: `p${measure.percentile ?? 95}` }[measure.kind] ?? "");
  const is_known = ["count", "errors", "avg", "max", "sum", "distinct", "p50", "p95", "p99"].includes(agg);
  const viz = !is_known ? null : plan.display === "chart" ? (agg === "count" || agg === "errors" || agg === "sum" ? "bar" : "line") : plan.display === "table" ? "top" : null;
  const name = (field: string) => (field === "outcome" ? "status_code" : attribute_of(field));
  return {
    q,
    from: plan.from,
    to: plan.to,
    viz,
    agg: viz && agg !== "count" ? agg : null,
    of: viz && measure?.field && measure.field !== "duration" ? name(measure.field) : null,
    by: viz && plan.groups.length > 0 ? plan.groups.map(name).join(",") : null,
  };
}

/* The statement with its values in it, for those who go on by hand: it is shown to them, and run with their own rights. */
export function sql_whole(sql: string, parameters: readonly string[]): string {
  return sql.replace(/\$(\d+)/g, (whole, number: string) => {
    const value = parameters[Number(number) - 1];
    return value === undefined ? whole : `'${value.replaceAll("'", "''")}'`;
  });
}
