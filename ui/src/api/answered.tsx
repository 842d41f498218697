/* Of what an answer was put together, as a quiet word beside its figures. */
import type { AnsweredFrom } from "./client";

const SHOWN: Record<AnsweredFrom, { word: string; means: string }> = {
  raw: { word: "from rows", means: "read now, from the rows themselves; percentiles of durations are within 0.8%" },
  rollups: { word: "from roll-ups", means: "from sums that were made before; the figures are those of the rows, percentiles of durations within 0.8%" },
  "rollups+raw": { word: "from roll-ups and rows", means: "whole files from sums that were made before, the rest from its rows; the figures are those of the rows, percentiles of durations within 0.8%" },
};
export function AnsweredBy({ from }: { from: AnsweredFrom | undefined }) {
  if (!from) return null;
  const { word, means } = SHOWN[from];
  return (
    <span class="soft" title={means}>
      {word}
    </span>
  );
}
