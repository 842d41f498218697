/* The head of the list: words to look for, states with how many there are, service, category, who works on it. */
import { useLoad } from "../api/load";
import type { Schemas } from "../api/client";
import { range } from "../frame/range";
import { all_of } from "../session";
import { to_iso } from "../time";
import { address, change, param, project_name } from "../url";
import { api } from "../api/client";
import { show_count } from "../number";
import { list_query, STATE_FILTERS } from "./issues";
import { issues_path } from "./load";

type Facet = Schemas["IssueFacet"];

export function Filters({ round }: { round: number }) {
  const asked = list_query(address.value.query);
  const { from_us, to_us } = range.value;
  const facets = useLoad(`${project_name.value}\n${JSON.stringify({ ...asked, sort: "" })}\n${from_us}\n${to_us}\n${round}`, (signal) => {
    const { sort: _, ...query } = asked;
    return api<Schemas["IssueFacets"]>(issues_path("/facets"), { query: { ...query, from: to_iso(from_us), to: to_iso(to_us) }, signal });
  });
  const members = useLoad(project_name.value, () => all_of<Schemas["Member"]>(`/projects/${encodeURIComponent(project_name.value)}/members`));
  const states = new Map(facets.value?.states.map((one) => [one.value, one.issues]));
  const set = (name: string, value: string) => change({ [name]: value || null, chosen: null });
  return (
    <>
      <div class="row issues-filters">
        <input
          id="issues-search"
          type="search"
          class="grow"
          aria-label="Search in issues"
          placeholder="Search title, message, culprit; #12"
          maxLength={256}
          value={param("q")}
          key={param("q")}
          onKeyDown={(event) => {
            if (event.key === "Enter") set("q", event.currentTarget.value.trim());
          }}
          onChange={(event) => set("q", event.currentTarget.value.trim())}
        />
        <Choice label="Service" name="service" list={facets.value?.services} any="all services" onSet={set} />
        <Choice label="Category" name="category" list={facets.value?.categories.filter((one) => one.value !== "")} any="all categories" onSet={set} />
        <select aria-label="Assignee" value={param("assignee")} onChange={(event) => set("assignee", event.currentTarget.value)}>
          <option value="">anyone's</option>
          <option value="me">mine</option>
          <option value="nobody">nobody's</option>
          {members.value?.map((one) => (
            <option key={one.id} value={one.id}>
              {one.kind === "team" ? `team ${one.name}` : one.name}
            </option>
          ))}
        </select>
      </div>
      <div class="issue-states" role="group" aria-label="State">
        {STATE_FILTERS.map((one) => {
          const count = one.states.reduce((sum, state) => sum + (states.get(state) ?? 0), 0);
          return (
            <button key={one.value} aria-pressed={param("state") === one.value} onClick={() => set("state", one.value)}>
              {one.mark && (
                <span class={`state-${one.value}`} aria-hidden="true">
                  {one.mark}
                </span>
              )}
              {one.title} <span class="soft">{facets.value ? show_count(count) : "·"}</span>
            </button>
          );
        })}
      </div>
    </>
  );
}

function Choice({ label, name, list, any, onSet }: { label: string; name: string; list: readonly Facet[] | undefined; any: string; onSet: (name: string, value: string) => void }) {
  const value = param(name);
  const all = list ?? [];
  return (
    <select aria-label={label} value={value} onChange={(event) => onSet(name, event.currentTarget.value)}>
      <option value="">{any}</option>
      {value && !all.some((one) => one.value === value) && <option value={value}>{value.slice(0, 80)}</option>}
      {all.map((one) => (
        <option key={one.value} value={one.value}>
          {one.value.slice(0, 80) || "none"} ({one.issues})
        </option>
      ))}
    </select>
  );
}
