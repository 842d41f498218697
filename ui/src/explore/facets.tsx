/* The facets, drawn: fields with the values met most; a click narrows to one, the second button leaves it out. */
import { useState } from "preact/hooks";
import { show_count, show_whole } from "../number";
import { FieldMenu } from "../row/field_menu";
import { param } from "../url";
import type { FieldActs } from "./kinds";
import { SAMPLE_ROWS, type Facet } from "./facet";
import { split_terms, term } from "./search";

export function Facets({ facets, is_loading, is_open, acts, onClose }: { facets: readonly Facet[]; is_loading: boolean; is_open: boolean; acts: FieldActs; onClose: () => void }) {
  const [filter, set_filter] = useState("");
  const words = new Set(split_terms(param("q")));
  const shown = facets.filter((facet) => !filter || facet.field.includes(filter.toLowerCase()) || facet.values.some((one) => one.value.toLowerCase().includes(filter.toLowerCase())));
  return (
    <aside class={is_open ? "facets open" : "facets"} aria-label="Fields" aria-busy={is_loading}>
      {is_open && <button onClick={onClose}>Close the fields</button>}
      <input type="search" placeholder="Find a field or value" aria-label="Find a field or value" value={filter} onInput={(event) => set_filter(event.currentTarget.value)} />
      {shown.map((facet) => {
        const max = facet.values[0]?.count ?? 1;
        return (
          <section key={facet.field} class="facet" aria-label={facet.field}>
            <header>
              <h3 class="told ellipsis">{facet.field}</h3>
              <FieldMenu name={facet.field} acts={acts} is_column={param("cols").split(",").includes(facet.field)} />
            </header>
            {facet.is_newest && <p class="soft facet-note">of the newest {show_whole(SAMPLE_ROWS)} rows</p>}
            <ul>
              {facet.values.slice(0, 8).map((one) => {
                const is_on = words.has(term(facet.field, one.value));
                return (
                  <li key={one.value}>
                    <button class="plain facet-value" aria-pressed={is_on} onClick={() => acts.onFilter(facet.field, one.value, false)}>
                      <span class="facet-bar" style={{ width: `${(one.count / max) * 100}%` }} aria-hidden="true" />
                      <span class="told ellipsis">{one.value}</span>
                      <span class="soft">{show_count(one.count)}</span>
                    </button>
                    <button class="plain facet-without" aria-label={`Without ${facet.field} ${one.value}`} title="Leave these out" onClick={() => acts.onFilter(facet.field, one.value, true)}>
                      −
                    </button>
                  </li>
                );
              })}
            </ul>
          </section>
        );
      })}
    </aside>
  );
}
