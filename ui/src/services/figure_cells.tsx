/* What tables of services, endpoints and calls have in common: how often, how many failed, how long. */
import { show_value } from "../charts/scale";
import { show_whole } from "../number";
import { rate, share, show_rate, show_share, type Figures } from "./services";

export function FigureHeads() {
  return (
    <>
      {["Rate", "Errors", "p50", "p95"].map((title) => (
        <th key={title} scope="col" class="number">
          {title}
        </th>
      ))}
    </>
  );
}

/* what: "calls", "requests". */
export function FigureCells({ figures, seconds, what }: { figures: Figures; seconds: number; what: string }) {
  return (
    <>
      <td class="number" title={`${show_whole(figures.requests)} ${what}`}>
        {show_rate(rate(figures, seconds))}
      </td>
      <td class={figures.errors > 0 ? "number error-text" : "number"} title={`${show_whole(figures.errors)} failed`}>
        {show_share(share(figures))}
      </td>
      <td class="number">{show_value(figures.p50, "ns")}</td>
      <td class="number">{show_value(figures.p95, "ns")}</td>
    </>
  );
}
