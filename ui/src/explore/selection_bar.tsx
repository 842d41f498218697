/* What can be done with the part of the time, or the box, that was chosen on a chart. */
import { is_utc } from "../frame/range";
import { show_value } from "../charts/scale";
import { useKeys } from "../keys";
import { show_time, to_iso } from "../time";
import { change, param } from "../url";
import { field_of, type Catalog } from "./fields";
import { kinds } from "./kinds";
import { field_unit, OF_FIRST } from "./measure";
import { selection_read, values_condition, with_values } from "./selection";

export function SelectionBar({ catalog }: { catalog: Catalog }) {
  const selection = selection_read(param("sel"));
  const has_difference = kinds.some((kind) => kind.name === "difference");
  const of = field_of(catalog, param("of") || OF_FIRST);
  const values = selection?.values;
  /* The range and, of a box, the values become what is asked for. */
  const narrow = (viz: string | null) => {
    if (!selection) return;
    const q = param("q");
    const asked = !values ? q : param("sql") === "1" ? [q && `(${q})`, values_condition(values, of)].filter(Boolean).join(" AND ") : with_values(q, values, of);
    change({ from: to_iso(selection.from_us), to: to_iso(selection.to_us), live: null, sel: null, q: asked, ...(viz === null ? {} : { viz: viz === "rows" ? null : viz }) });
  };
  const difference = () => change({ viz: "difference" });
  useKeys(
    [
      { keys: "z", text: "Zoom to what is chosen", group: "Chosen", run: () => narrow(null) },
      { keys: "s", text: "Show the rows of what is chosen", group: "Chosen", run: () => narrow("rows") },
      ...(has_difference ? [{ keys: "d", text: "What is different in what is chosen", group: "Chosen", run: difference }] : []),
      { keys: "escape", text: "Choose nothing", group: "Chosen", run: () => change({ sel: null }) },
    ],
    selection !== undefined,
  );
  if (!selection) return null;
  return (
    <div class="selection row" role="group" aria-label="What is chosen">
      <span>
        {show_time(selection.from_us, 0, is_utc.value).slice(5)} to {show_time(selection.to_us, 0, is_utc.value).slice(11)}
        {values && (
          <>
            , <span class="told">{of.name}</span> {values.low <= 0 ? "up" : show_value(values.low, field_unit(of.name))} to {show_value(values.high, field_unit(of.name))}
          </>
        )}
      </span>
      {has_difference && (
        <button class="primary" onClick={difference}>
          What is different here <kbd>d</kbd>
        </button>
      )}
      <button onClick={() => narrow(null)}>
        Zoom <kbd>z</kbd>
      </button>
      <button onClick={() => narrow("rows")}>
        Show rows <kbd>s</kbd>
      </button>
      <button class="plain" aria-label="Choose nothing" onClick={() => change({ sel: null })}>
        ×
      </button>
    </div>
  );
}
