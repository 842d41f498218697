/* The variables of a dashboard, each with its values: of a list, or those of an attribute that come often (any other can be typed). */
import { attributes_load } from "../explore/attributes";
import { useLoad } from "../api/load";
import { change, project_name } from "../url";
import type { Variable } from "./load";
import { address_value, type Values } from "./variables";

export function VariablesBar({ variables, values }: { variables: readonly Variable[]; values: Values }) {
  const wants_names = variables.some((one) => one.field);
  const known = useLoad(wants_names ? project_name.value : null, () => attributes_load(project_name.value));
  if (variables.length === 0) return null;
  return (
    <div class="row variables" role="group" aria-label="Variables">
      {variables.map((one) => (
        <Choice key={one.name} variable={one} value={values[one.name] ?? ""} proposed={one.values ?? known.value?.find((attribute) => attribute.name === one.field)?.values.map(({ value }) => value) ?? []} />
      ))}
    </div>
  );
}

function Choice({ variable, value, proposed }: { variable: Variable; value: string; proposed: readonly string[] }) {
  const { name, label, values } = variable;
  const set = (next: string) => change({ [`var.${name}`]: address_value(variable, next), panel: null });
  if (values)
    return (
      <label class="row">
        <span class="soft told">{label ?? name}</span>
        <select value={value} onChange={(event) => set(event.currentTarget.value)}>
          <option value="">any</option>
          {[...new Set([...values, ...(value ? [value] : [])])].map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
    );
  return (
    <label class="row">
      <span class="soft told">{label ?? name}</span>
      <input key={value} class="variable" list={`values-${name}`} placeholder="any" defaultValue={value} onChange={(event) => set(event.currentTarget.value.trim())} />
      <datalist id={`values-${name}`}>
        {proposed.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </label>
  );
}
