/* What the kinds with charts have in common above their drawing. */
import type { ComponentChildren } from "preact";
import type { Load } from "../api/load";
import type { TimeSeries } from "../charts/series";
import { is_utc } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { show_time } from "../time";
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

/* The frame of a kind with one answer: its settings, then what is being asked, went wrong, is not there, or title and drawing.
 * nothing: what stands there instead of a drawing; undefined: there is something to draw. */
export function KindFrame<T extends { title: string; warnings: readonly string[]; so_far_us?: number }>({ answer, asked, bar, note, nothing, children }: { answer: Load<T>; asked: string | null; bar: ComponentChildren; note?: (shown: T) => string; nothing: (shown: T) => ComponentChildren; children: (shown: T) => ComponentChildren }) {
  const shown = answer.value;
  const told = shown && note?.(shown);
  return (
    <div class="kind-chart" aria-busy={answer.is_loading}>
      {bar}
      <Warnings list={shown?.warnings ?? []} />
      {answer.problem ? (
        <Problem problem={answer.problem} again={answer.again} />
      ) : !shown ? (
        asked !== null && <Waiting what="Counting" />
      ) : (
        (nothing(shown) ?? (
          <div class="kind-chart-inside">
            <h2 class="told">
              {shown.title} {told && <span class="soft">: {told}</span>} <SoFar from_us={shown.so_far_us} />
            </h2>
            {children(shown)}
          </div>
        ))
      )}
    </div>
  );
}

/* Only a part stands there (newest.ts). */
export function SoFar({ from_us }: { from_us: number | undefined }) {
  return (
    <span class="soft so-far" role="status">
      {from_us !== undefined && `so far from ${show_time(from_us, 0, is_utc.value)} on`}
    </span>
  );
}

/* How many groups there are, where not each is shown for itself. */
export function first_of({ data }: { data: TimeSeries }): string {
  const top = top_of();
  return data.groups > top ? `the first ${top} of ${data.groups}, the others ${data.series.length > top ? "together" : "left out"}` : "";
}
