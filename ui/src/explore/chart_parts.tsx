/* What the kinds with charts have in common above their drawing. */
import { change, param } from "../url";

export const CHART_HEIGHT = "clamp(240px, 44vh, 560px)";
const TOPS = [5, 10, 20, 50];
const TOP_FIRST = 10;
export function top_of(): number {
  return TOPS.find((one) => String(one) === param("top")) ?? TOP_FIRST;
}
/* How many groups stand for themselves. */
export function TopChoice() {
  return (
    <label class="row soft">
      first
      <select aria-label="How many groups" value={top_of()} onChange={(event) => change({ top: event.currentTarget.value === String(TOP_FIRST) ? null : event.currentTarget.value })}>
        {TOPS.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

export const is_table = () => param("as") === "table";
export function AsTable() {
  return (
    <button aria-pressed={is_table()} onClick={() => change({ as: is_table() ? null : "table" }, true)}>
      As table
    </button>
  );
}

export function Warnings({ list }: { list: readonly string[] }) {
  return (
    <>
      {list.map((warning) => (
        <p class="warning told" key={warning}>
          {warning}
        </p>
      ))}
    </>
  );
}
