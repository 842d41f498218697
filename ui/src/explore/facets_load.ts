/* The facets of what was asked, from two statements: facet.ts says which field is of which. They wait for the histogram, so that
 * it and the rows have the processors first. The newest rows tell of all fields within a tenth of a second, and stand until what is
 * exact is there; of the same condition, some seconds later, the exact values of before do. What is exact waits for the view's
 * own answer, too. */
import { useRef } from "preact/hooks";
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { running } from "../api/running";
import type { TimeSeries } from "../charts/series";
import { facets_of, facets_statement, has_few_values, is_slow, newest_from, SAMPLE_ROWS, type Facet } from "./facet";
import type { Field } from "./fields";
import type { Scope } from "./statement";

const WAIT_MS_MAX = 5000;

/* histogram: of the same `asked`, when it is there, or its newest part; has_failed: it will not be. */
export function useFacets(project: string, scope: Scope, asked: string | null, fields: readonly Field[], histogram: { data: TimeSeries; so_far_us?: number } | undefined, has_failed: boolean): { facets: Facet[] | undefined; is_loading: boolean } {
  const last = useRef<{ of: string; project: string; facets: Facet[] } | undefined>(undefined); /* stay until there are others: rows beside them do not jump */
  const of = `${project}\n${scope.where}`;
  const from_us = histogram && newest_from(histogram.data, SAMPLE_ROWS);
  const is_part_short = histogram?.so_far_us !== undefined && from_us === undefined;
  const is_ready = has_failed || (histogram !== undefined && !is_part_short);
  const load = useLoad(asked && is_ready ? `${asked}\nfacets` : null, async (signal, show: (facets: Facet[]) => void) => {
    const ask = async (some: readonly Field[], part: Scope) => (some.length === 0 ? [] : facets_of(some, (await query(project, facets_statement(part, some), { signal, what: "the fields' values" })).rows));
    const few = is_slow(scope.where) ? [] : fields.filter(has_few_values);
    if (!histogram) return ask(few, scope);
    const newest = (await ask(fields, from_us === undefined ? scope : { ...scope, range: { ...scope.range, from_us } })).map((facet): Facet => ({ ...facet, is_newest: from_us !== undefined }));
    if (from_us === undefined || few.length === 0) return newest; /* the newest are all, or all that is asked for */
    if (last.current?.of !== of) show(newest);
    await running.idle(WAIT_MS_MAX);
    /* A column of few values may have a million all the same: then the newest rows have told of it. */
    const exact = await ask(few, scope).catch((error: unknown) => (signal.aborted ? Promise.reject(error) : []));
    const counted = new Set(exact.length > 0 ? few.map((field) => field.name) : []);
    const place = new Map(fields.map((field, at) => [field.name, at]));
    return [...exact, ...newest.filter((facet) => !counted.has(facet.field))].sort((a, b) => (place.get(a.field) ?? 0) - (place.get(b.field) ?? 0));
  });
  if (load.value) last.current = { of, project, facets: load.value };
  const is_loading = asked !== null && (!is_ready || load.is_loading);
  return { facets: load.value ?? (is_loading && last.current?.project === project ? last.current.facets : undefined), is_loading };
}
