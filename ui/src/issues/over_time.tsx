/* Events over time, by environment, with a mark where a release was first met. */
import { useMemo } from "preact/hooks";
import { Legend } from "../charts/legend";
import { looks_of } from "../charts/colours";
import { TimeChart } from "../charts/time_chart";
import { range_zoom } from "../frame/range";
import { change } from "../url";
import { over_time, release_marks } from "./shape";
import type { IssueDetail } from "./issues";

export function OverTime({ detail }: { detail: IssueDetail }) {
  const data = useMemo(() => over_time(detail), [detail]);
  const looks = useMemo(() => looks_of(data.series, "deployment.environment.name"), [data]);
  const marks = useMemo(() => release_marks(detail, data.range), [detail, data]);
  const names = detail.environments;
  return (
    <section aria-label="Events over time">
      <TimeChart label={`Events of issue ${detail.issue.number} over time`} data={data} looks={looks} shape="bars" height={150} marks={marks} onZoom={range_zoom} />
      {data.series.length > 1 && <Legend data={data} looks={looks} is_line={false} onLight={() => undefined} onChoose={(at) => names[at]?.environment && change({ env: names[at]?.environment ?? null })} />}
    </section>
  );
}
