/* What sets the selection apart, as it is listed: findings that are about the same rows stand together. Pure. */
import type { Schemas } from "../api/client";
import { show_count } from "../number";
import { show_duration } from "../time";
import { quoted, type Catalog, field_of } from "./fields";
import { term } from "./search";

export type Finding = Schemas["DifferenceFinding"];
export interface Group {
  best: Finding;
  same: Finding[];
}

export function groups_of(findings: readonly Finding[]): Group[] {
  const groups = new Map<number, Group>();
  findings.forEach((finding, at) => {
    const group = groups.get(finding.group);
    if (group && finding.group !== at) group.same.push(finding);
    else groups.set(at, { best: finding, same: [] });
  });
  return [...groups.values()];
}

function number_of(field: string, value: number): string {
  return field === "duration" ? show_duration(value) : show_count(value);
}

/* "user.id is u42", as its two parts. */
export function words_of(finding: Finding): { field: string; value: string } {
  if (finding.kind === "absent") return { field: finding.field, value: "is not there" };
  if (finding.kind === "is") return { field: finding.field, value: finding.value ?? "" };
  return { field: finding.field, value: `${number_of(finding.field, finding.low ?? 0)} to ${number_of(finding.field, finding.high ?? 0)}` };
}

/* As a term of the search language; is_excluded: all but these. */
export function term_of(finding: Finding, is_excluded: boolean): string {
  const sign = is_excluded ? "-" : "";
  if (finding.kind === "absent") return `${is_excluded ? "" : "-"}${finding.field}:*`;
  const unit = finding.field === "duration" ? "ns" : "";
  if (finding.kind === "between") return `${sign}${finding.field}:${finding.low}${unit}..${finding.high}${unit}`;
  return term(finding.field, finding.value ?? "", is_excluded);
}

/* The same as a condition of SQL. */
export function condition_of(finding: Finding, catalog: Catalog, is_excluded: boolean): string {
  const { sql, type } = field_of(catalog, finding.field);
  if (finding.kind === "absent") return `${sql} IS ${is_excluded ? "NOT " : ""}NULL`;
  const number = type === "number" ? sql : `(${sql})::double precision`;
  const text = finding.kind === "between" ? `${number} BETWEEN ${finding.low} AND ${finding.high}` : `${type === "json" ? `${sql}::text` : sql} = ${type === "number" ? finding.value : quoted(finding.value ?? "")}`;
  return is_excluded ? `(${text}) IS NOT TRUE` : text;
}

export function show_share(share: number): string {
  const percent = share * 100;
  return `${percent === 0 || percent >= 10 ? percent.toFixed(0) : percent.toPrecision(2)} %`;
}
