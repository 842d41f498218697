/* What was answered, as what fits: a number, a chart, a list, a table, rows, traces with their waterfall. */
import { useMemo, useState } from "preact/hooks";
import { looks_of } from "../charts/colours";
import { DataTable } from "../charts/data_table";
import { Legend } from "../charts/legend";
import { show_value } from "../charts/scale";
import { series_table } from "../charts/table";
import { TimeChart } from "../charts/time_chart";
import { TopList } from "../charts/top_list";
import { is_utc } from "../frame/range";
import { Empty } from "../frame/state";
import { from_iso, to_iso } from "../time";
import { change, param } from "../url";
import { Lines } from "./lines";
import { with_groups_alone, type Answer, type Plan } from "./plan";
import { adds_up, change_of, chart_of, figures, is_empty, lines_of, shape_of, shapes_of, table_rows, table_series } from "./result";
import { Traces } from "./traces";

interface ShownProps {
  answer: Answer;
  plan: Plan;
  onPlan: (plan: Plan) => void;
}

export function Shown({ answer, plan, onPlan }: ShownProps) {
  if (is_empty(answer)) return <Nothing plan={plan} onPlan={onPlan} />;
  if (plan.display === "number") return <Numbers answer={answer} plan={plan} />;
  if (plan.display === "chart") return <Chart answer={answer} plan={plan} onPlan={onPlan} />;
  if (plan.display === "table") return <Groups answer={answer} plan={plan} onPlan={onPlan} />;
  if (plan.display === "rows") return <Rows answer={answer} />;
  return <Traces answer={answer} />;
}

function Nothing({ plan, onPlan }: { plan: Plan; onPlan: (plan: Plan) => void }) {
  const length_us = from_iso(plan.to) - from_iso(plan.from);
  return (
    <Empty title="Nothing in this time">
      <p class="soft">No row fulfils all of the conditions above. Take one away, or look further back:</p>
      <div class="row">
        {[2, 7, 30].map((times) => (
          <button key={times} onClick={() => onPlan({ ...plan, from: to_iso(from_iso(plan.to) - length_us * times), before: null })}>
            {times} times as far
          </button>
        ))}
        {plan.filters.length > 1 && <button onClick={() => onPlan({ ...plan, filters: plan.filters.slice(0, -1) })}>Without the last condition</button>}
      </div>
    </Empty>
  );
}

function Numbers({ answer, plan }: { answer: Answer; plan: Plan }) {
  return (
    <dl class="ask-numbers">
      {figures(answer).map((figure) => (
        <div key={figure.title}>
          <dt class="soft">{figure.title === "count" ? plan.of : figure.title}</dt>
          <dd class="ask-number">{show_value(figure.value, figure.unit)}</dd>
          {figure.before !== undefined && (
            <dd class="soft">
              before {show_value(figure.before, figure.unit)}, <b>{change_of(figure.value, figure.before)}</b>
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}

function Chart({ answer, plan, onPlan }: ShownProps) {
  const { data, is_sum } = useMemo(() => chart_of(answer, plan), [answer, plan]);
  const looks = useMemo(() => looks_of(data.series, plan.groups.length === 1 ? (plan.groups[0] ?? "") : ""), [data]);
  const [lit, light] = useState<number>();
  if (param("as") === "table") return <DataTable title={answer.reading} table={series_table(data, is_utc.value)} />;
  const shape = shape_of(param("as"), is_sum);
  return (
    <>
      <TimeChart label={answer.reading} data={data} looks={looks} shape={shape} height="min(44vh, 380px)" lit={lit} onZoom={(from_us, to_us) => onPlan({ ...plan, from: to_iso(from_us), to: to_iso(to_us), before: null })} />
      <Legend data={data} looks={looks} is_line={shape === "line"} onLight={light} onChoose={(at) => onPlan(with_groups_alone(plan, data.series[at]?.keys ?? []))} />
    </>
  );
}

/* One measure of one group is a list with bars, all else a table. */
function Groups({ answer, plan, onPlan }: ShownProps) {
  const table = useMemo(() => table_rows(answer, plan), [answer, plan]);
  const is_list = plan.groups.length === 1 && table.columns.length === 2 && table.rows.length <= 50;
  if (!is_list || param("as") === "table") return <DataTable title={answer.reading} table={table} onRow={(at) => onPlan(with_groups_alone(plan, table.rows[at] ?? []))} />;
  const data = table_series(table, plan);
  return <TopList label={answer.reading} data={data} looks={looks_of(data.series, plan.groups[0] ?? "")} onChoose={(at) => onPlan(with_groups_alone(plan, data.series[at]?.keys ?? []))} />;
}
export const can_be_table = (plan: Plan) => plan.display === "chart" || (plan.display === "table" && plan.groups.length === 1 && plan.measures.length === 1 && !plan.before);
export function AsTable() {
  const is_table = param("as") === "table";
  return (
    <button aria-pressed={is_table} onClick={() => change({ as: is_table ? null : "table" }, true)}>
      As a table
    </button>
  );
}

/* How a chart is drawn (`as` of the address); what adds up only where it adds up. */
export function Drawing({ plan }: { plan: Plan }) {
  return (
    <select aria-label="Drawn as" value={shape_of(param("as"), adds_up(plan))} disabled={param("as") === "table"} onChange={(event) => change({ as: event.currentTarget.value }, true)}>
      {shapes_of(adds_up(plan)).map((one) => (
        <option key={one.shape} value={one.shape}>
          {one.title}
        </option>
      ))}
    </select>
  );
}

function Rows({ answer }: { answer: Answer }) {
  const lines = useMemo(() => lines_of(answer), [answer]);
  return <Lines lines={lines} />;
}
