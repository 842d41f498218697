/* Where figures came from, as a quiet word. */
import type { AnsweredFrom } from "./services";

const MEANS: Record<AnsweredFrom, string> = {
  rollups: "counted while rows came in; the last rows are counted within a minute; quantiles are within 1 %",
  raw: "counted now, over the rows themselves",
};
export function Answered({ from }: { from: AnsweredFrom }) {
  return (
    <span class="soft services-from" title={MEANS[from]}>
      from {from === "rollups" ? "roll-ups" : "rows"}
    </span>
  );
}
