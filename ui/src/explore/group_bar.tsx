/* What is grouped and measured: fields to group by, the aggregate, the field that is measured. All of it is in the address. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useKeys } from "../keys";
import { change, param } from "../url";
import { FACETS, type Catalog } from "./fields";
import { SHORT } from "./short";
import { AGGS, has_field, OF_FIRST, type Agg } from "./measure";

const NAMES: Record<Agg, string> = { count: "count", rate: "rate", errors: "errors", avg: "average", p50: "p50", p95: "p95", p99: "p99", max: "max", sum: "sum", distinct: "distinct" };

export const by_names = (): string[] => param("by").split(",").map((name) => name.trim()).filter(Boolean).map((name) => SHORT[name] ?? name);
export const by_toggle = (name: string) => change({ by: (by_names().includes(name) ? by_names().filter((one) => one !== name) : [...by_names(), name]).join(",") });

interface GroupBarProps {
  catalog: Catalog;
  has_by?: boolean;
  has_agg?: boolean;
  always_of?: boolean; /* measures a field whatever the aggregate is */
  children?: ComponentChildren;
}
export function GroupBar({ catalog, has_by = true, has_agg = true, always_of = false, children }: GroupBarProps) {
  const by = by_names();
  const agg = AGGS.find((one) => one === param("agg")) ?? "count";
  useKeys([{ keys: "b", text: "Group by a field", group: "Explorer", run: () => document.getElementById("group-by")?.focus() }], has_by);
  return (
    <div class="kind-bar row" role="group" aria-label="What is shown">
      {has_agg && (
        <label class="row soft">
          Show
          <select aria-label="Aggregate" value={agg} onChange={(event) => change({ agg: event.currentTarget.value === "count" ? null : event.currentTarget.value })}>
            {AGGS.map((one) => (
              <option key={one} value={one}>
                {NAMES[one]}
              </option>
            ))}
          </select>
        </label>
      )}
      {(always_of || has_field(agg)) && (
        <FieldInput id="measured" label={has_agg && has_field(agg) ? "of" : "measuring"} catalog={catalog} value={param("of") || OF_FIRST} is_kept onField={(name) => change({ of: name === OF_FIRST ? null : name })} />
      )}
      {has_by && (
        <>
          <span class="soft">by</span>
          {by.map((name) => (
            <button key={name} class="chip" aria-label={`Do not group by ${name}`} onClick={() => by_toggle(name)}>
              <span class="told ellipsis">{name}</span> <span aria-hidden="true">×</span>
            </button>
          ))}
          <FieldInput id="group-by" label="Group by" catalog={catalog} value="" onField={by_toggle} />
        </>
      )}
      <span class="grow" />
      {children}
    </div>
  );
}

/* A field by its name: one of those that are known, or any other. */
export function FieldInput({ id, label, catalog, value, is_kept = false, onField }: { id: string; label: string; catalog: Catalog; value: string; is_kept?: boolean; onField: (name: string) => void }) {
  const [typed, set_typed] = useState<string>();
  const take = (text: string) => {
    set_typed(undefined);
    if (text.trim()) onField(SHORT[text.trim()] ?? text.trim());
  };
  const names = [...new Set([...FACETS, ...catalog.columns.map((field) => field.name)])];
  return (
    <form
      class="field-input"
      onSubmit={(event) => {
        event.preventDefault();
        take(typed ?? "");
      }}
    >
      {is_kept && (
        <label class="soft" for={id}>
          {label}
        </label>
      )}
      <input
        id={id}
        list={`${id}-names`}
        {...(is_kept ? {} : { "aria-label": label })}
        placeholder={is_kept ? value : `+ ${label.toLowerCase()}`}
        value={typed ?? (is_kept ? value : "")}
        size={10}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        onFocus={(event) => event.currentTarget.select()}
        onInput={(event) => {
          const text = event.currentTarget.value;
          if (!(event instanceof InputEvent) || event.inputType === "insertReplacementText") take(text); /* chosen from the list */
          else set_typed(text);
        }}
        onBlur={() => set_typed(undefined)}
      />
      <datalist id={`${id}-names`}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}
