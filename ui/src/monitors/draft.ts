/* The form of a monitor as texts, and the definition that they are. Pure. */
import type { Definition } from "./monitors";

export interface Draft {
  title: string;
  source: "search" | "sql";
  query: string;
  kind: Definition["condition"]["kind"];
  side: string;
  against: string;
  as: string;
  alert: string;
  warning: string;
  alert_recovery: string;
  objective: string;
  bad: string;
  window_min: string;
  for_min: string;
  no_data: string;
  service: string;
  message: string;
  is_on: boolean;
}
const FIRST: Draft = { title: "", source: "search", query: "q=status:error&by=service.name", kind: "threshold", side: "above", against: "before", as: "percent", alert: "10", warning: "", alert_recovery: "", objective: "99.9", bad: "status:error", window_min: "5", for_min: "0", no_data: "ok", service: "", message: "", is_on: true };
/* Of the page that it is made from: the explorer's address, a statement. */
export const draft_new = (search: string, sql: string): Draft => (sql ? { ...FIRST, source: "sql", query: sql } : search ? { ...FIRST, query: search } : FIRST);

const text = (number: number | undefined) => (number === undefined ? "" : String(number));
export function draft_of(of: Definition): Draft {
  const { query, condition } = of;
  return {
    ...FIRST,
    title: of.title,
    source: query.sql !== undefined ? "sql" : "search",
    query: query.sql ?? query.search ?? "",
    kind: condition.kind,
    side: condition.side ?? "above",
    against: condition.against ?? "before",
    as: condition.as ?? "absolute",
    alert: text(condition.alert),
    warning: text(condition.warning),
    alert_recovery: text(condition.alert_recovery),
    objective: text(condition.objective) || FIRST.objective,
    bad: condition.bad ?? "",
    window_min: String((of.window_s ?? 300) / 60),
    for_min: String((of.for_s ?? 0) / 60),
    no_data: of.no_data ?? "ok",
    service: of.service ?? "",
    message: of.message ?? "",
    is_on: of.is_on ?? true,
  };
}

const number = (name: string, value: string) => (value.trim() === "" ? {} : { [name]: Number(value) });
function condition_of(draft: Draft): Definition["condition"] {
  if (draft.kind === "absence") return { kind: "absence" };
  if (draft.kind === "burn") return { kind: "burn", ...number("objective", draft.objective), ...(draft.source === "search" ? { bad: draft.bad } : {}) };
  const levels = { ...number("alert", draft.alert), ...number("warning", draft.warning), ...number("alert_recovery", draft.alert_recovery) };
  const side = draft.side as "above" | "below" | "both";
  if (draft.kind === "change") return { kind: "change", side, against: draft.against as "before", as: draft.as as "percent", ...levels };
  return { kind: draft.kind, side, ...levels };
}
/* kept: what the form does not show stays as it was. */
export function definition_of(draft: Draft, kept?: Definition): Definition {
  const query = kept?.query.metric && draft.query === "" ? kept.query : draft.source === "sql" ? { sql: draft.query } : { search: draft.query };
  return {
    ...kept,
    title: draft.title.trim() || "New monitor",
    query,
    condition: condition_of(draft),
    window_s: Math.round(Number(draft.window_min) * 60),
    for_s: Math.round(Number(draft.for_min) * 60),
    no_data: draft.no_data as "ok",
    ...(draft.service ? { service: draft.service } : {}),
    ...(draft.message ? { message: draft.message } : {}),
    is_on: draft.is_on,
  };
}
