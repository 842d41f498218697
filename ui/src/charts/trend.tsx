/* A small line of how something went, without axes: words beside it say the figures. */
import { trend_path } from "./top_list";
import "./charts.css";

/* max: of what it is drawn against; its own largest value when it is not said. */
export function Trend({ values, max }: { values: readonly (number | null)[]; max?: number }) {
  const most = max ?? values.reduce<number>((all, one) => Math.max(all, one ?? 0), 0);
  return (
    <svg class="trend" viewBox="0 0 100 20" preserveAspectRatio="none" aria-hidden="true">
      <path d={trend_path(values, most)} />
    </svg>
  );
}
