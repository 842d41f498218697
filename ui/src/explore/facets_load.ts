/* The facets of what was asked, from two statements: facet.ts says which field is of which. They wait for the histogram, so that
 * it and the rows have the processors first. */
import { useRef } from "preact/hooks";
import { query } from "../api/client";
import { useLoad } from "../api/load";
import type { TimeSeries } from "../charts/series";
import { facets_of, facets_statement, has_few_values, is_slow, newest_from, SAMPLE_ROWS, type Facet } from "./facet";
import type { Field } from "./fields";
import type { Scope } from "./statement";

/* bars: the histogram of the same `asked`, when it is there; has_failed: it will not be. */
export function useFacets(project: string, scope: Scope, asked: string | null, fields: readonly Field[], bars: TimeSeries | undefined, has_failed: boolean): { facets: Facet[] | undefined; is_loading: boolean } {
  const ask = async (some: readonly Field[], part: Scope, signal: AbortSignal) => (some.length === 0 ? [] : facets_of(some, (await query(project, facets_statement(part, some), { signal, what: "the fields' values" })).rows));
  const few = is_slow(scope.where) ? [] : fields.filter(has_few_values);
  const exact = useLoad(asked && (bars || has_failed) ? `${asked}\nexact` : null, (signal) => ask(few, scope, signal));
  /* A column of few values may have a million all the same: then it is one of the others. */
  const others = exact.problem ? fields : fields.filter((field) => !few.includes(field));
  const newest = useLoad(asked && bars ? `${asked}\n${others.length}\nnewest` : null, async (signal) => {
    const from_us = bars && newest_from(bars, SAMPLE_ROWS);
    const found = await ask(others, from_us === undefined ? scope : { ...scope, range: { ...scope.range, from_us } }, signal);
    return found.map((facet): Facet => ({ ...facet, is_newest: from_us !== undefined }));
  });
  const place = new Map(fields.map((field, at) => [field.name, at]));
  const all = exact.value || newest.value ? [...(exact.value ?? []), ...(newest.value ?? [])].sort((a, b) => (place.get(a.field) ?? 0) - (place.get(b.field) ?? 0)) : undefined;
  const last = useRef<{ project: string; facets: Facet[] } | undefined>(undefined); /* stay until there are others: rows beside them do not jump */
  if (all) last.current = { project, facets: all };
  const is_loading = asked !== null && ((!bars && !has_failed) || exact.is_loading || newest.is_loading);
  return { facets: all ?? (is_loading && last.current?.project === project ? last.current.facets : undefined), is_loading };
}
