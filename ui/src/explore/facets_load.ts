/* The facets of what was asked, from two statements: facet.ts says which field is of which. They wait for the histogram, so that
 * it and the rows have the processors first.
 *
 *   histogram from roll-ups:  what is exact costs little ---- shown ---- the other fields, of the newest rows
 *   from rows:                all fields, of the newest rows - shown ---- what is exact
 *
 * The second of them waits for the view's own answer, too. Of the same condition, some seconds later, the values of before stand
 * meanwhile. */
import { useRef } from "preact/hooks";
import { query, type AnsweredFrom } from "../api/client";
import { useLoad } from "../api/load";
import { running } from "../api/running";
import type { TimeSeries } from "../charts/series";
import { facets_of, facets_statement, has_few_values, is_slow, newest_from, SAMPLE_ROWS, type Facet } from "./facet";
import type { Field } from "./fields";
import type { Scope } from "./statement";

const WAIT_MS_MAX = 5000;

/* histogram: of the same `asked`, when it is there, or its newest part; has_failed: it will not be. */
export function useFacets(project: string, scope: Scope, asked: string | null, fields: readonly Field[], histogram: { data: TimeSeries; answered_from: AnsweredFrom; so_far_us?: number } | undefined, has_failed: boolean): { facets: Facet[] | undefined; is_loading: boolean } {
  const last = useRef<{ of: string; project: string; facets: Facet[] } | undefined>(undefined); /* stay until there are others: rows beside them do not jump */
  const of = `${project}\n${scope.where}`;
  const from = histogram && newest_from(histogram.data, scope.range.to_us, SAMPLE_ROWS);
  const is_part_short = histogram?.so_far_us !== undefined && from === undefined;
  const is_ready = has_failed || (histogram !== undefined && !is_part_short);
  const load = useLoad(asked && is_ready ? `${asked}\nfacets` : null, async (signal, show: (facets: Facet[]) => void) => {
    const ask = async (some: readonly Field[], part: Scope) => (some.length === 0 ? [] : facets_of(some, (await query(project, facets_statement(part, some), { signal, what: "the fields' values" })).rows));
    const few = is_slow(scope.where) ? [] : fields.filter(has_few_values);
    if (!histogram) return ask(few, scope);
    if (!from) return ask(fields, scope); /* the newest are all */
    const tell = (some: Facet[]) => last.current?.of !== of && some.length > 0 && show(some);
    const since = async (from_us: number, some: readonly Field[]) => (await ask(some, { ...scope, range: { ...scope.range, from_us } })).map((facet): Facet => ({ ...facet, is_newest: true }));
    /* Where the rows of its bar stand closer together than that, all of them are asked. */
    const newest_of = async (some: readonly Field[]) => {
      const found = await since(from.inside_us, some);
      return found.length > 0 ? found : since(from.bar_us, some);
    };
    /* A column of few values may have a million all the same: then the newest rows tell of it. */
    const exact_of = () => ask(few, scope).catch((error: unknown) => (signal.aborted ? Promise.reject(error) : []));
    let exact: Facet[], newest: Facet[];
    if (few.length > 0 && histogram.answered_from !== "raw") {
      tell((exact = await exact_of()));
      await running.idle(WAIT_MS_MAX);
      newest = await newest_of(exact.length > 0 ? fields.filter((field) => !few.includes(field)) : fields);
    } else {
      newest = await newest_of(fields);
      if (few.length === 0) return newest; /* all that is asked for */
      tell(newest);
      await running.idle(WAIT_MS_MAX);
      exact = await exact_of();
    }
    const counted = new Set(exact.length > 0 ? few.map((field) => field.name) : []);
    const place = new Map(fields.map((field, at) => [field.name, at]));
    return [...exact, ...newest.filter((facet) => !counted.has(facet.field))].sort((a, b) => (place.get(a.field) ?? 0) - (place.get(b.field) ?? 0));
  });
  if (load.value) last.current = { of, project, facets: load.value };
  const is_loading = asked !== null && (!is_ready || load.is_loading);
  return { facets: load.value ?? (is_loading && last.current?.project === project ? last.current.facets : undefined), is_loading };
}
