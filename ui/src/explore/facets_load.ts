/* The facets of what was asked, from two statements: facet.ts says which field is of which. */
import { query } from "../api/client";
import { useLoad } from "../api/load";
import type { TimeSeries } from "../charts/series";
import { facets_of, facets_statement, has_few_values, is_slow, newest_from, SAMPLE_ROWS, type Facet } from "./facet";
import type { Field } from "./fields";
import type { Scope } from "./statement";

/* bars: the histogram of the same `asked`, when it is there. */
export function useFacets(project: string, scope: Scope, asked: string | null, fields: readonly Field[], bars: TimeSeries | undefined): { facets: Facet[] | undefined; is_loading: boolean } {
  const ask = async (some: readonly Field[], part: Scope, signal: AbortSignal) => (some.length === 0 ? [] : facets_of(some, (await query(project, facets_statement(part, some), { signal, what: "the fields' values" })).rows));
  const few = is_slow(scope.where) ? [] : fields.filter(has_few_values);
  const exact = useLoad(asked && `${asked}\nexact`, (signal) => ask(few, scope, signal));
  /* A column of few values may have a million all the same: then it is one of the others. */
  const others = exact.problem ? fields : fields.filter((field) => !few.includes(field));
  const newest = useLoad(asked && bars ? `${asked}\n${others.length}\nnewest` : null, async (signal) => {
    const from_us = bars && newest_from(bars, SAMPLE_ROWS);
    const found = await ask(others, from_us === undefined ? scope : { ...scope, range: { ...scope.range, from_us } }, signal);
    return found.map((facet): Facet => ({ ...facet, is_newest: from_us !== undefined }));
  });
  const all = [...(exact.value ?? []), ...(newest.value ?? [])];
  const place = new Map(fields.map((field, at) => [field.name, at]));
  return {
    facets: exact.value || newest.value ? all.sort((a, b) => (place.get(a.field) ?? 0) - (place.get(b.field) ?? 0)) : undefined,
    is_loading: exact.is_loading || newest.is_loading || (asked !== null && !bars),
  };
}
