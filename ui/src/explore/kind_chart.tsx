/* The kinds "line", "bar" and "stacked": what is measured over time, a series for each group. */
import { useMemo, useState } from "preact/hooks";
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { DataTable } from "../charts/data_table";
import { Legend } from "../charts/legend";
import type { TimeSeries } from "../charts/series";
import { series_table } from "../charts/table";
import { TimeChart } from "../charts/time_chart";
import type { Shape } from "../charts/draw";
import { useActs } from "../frame/acts";
import { is_utc, range_zoom } from "../frame/range";
import { Empty } from "../frame/state";
import { change, param } from "../url";
import { series_answer } from "./answer";
import { field_of } from "./fields";
import { measured_step, series_statement } from "./group";
import { AsTable, CHART_HEIGHT, first_of, is_table, KindFrame, TopChoice, top_of } from "./chart_parts";
import { by_names, GroupBar } from "./group_bar";
import type { KindProps } from "./kinds";
import { adds_up, has_field, measure_of, title_of } from "./measure";
import { newest_first } from "./newest";
import { Nothing } from "./nothing";
import { selection_read, selection_write } from "./selection";
import type { Scope } from "./statement";
import { looks_of } from "../charts/colours";

const STEPS = 100;
const STEPS_GROUPED = 24;

interface Shown {
  data: TimeSeries;
  names: string[];
  title: string;
  shape: Shape;
  is_empty: boolean;
  warnings: readonly string[];
  so_far_us?: number;
}

export default function Chart({ project, catalog, scope, asked, acts }: KindProps) {
  const viz = param("viz");
  const measure = measure_of(catalog, param("agg"), param("of"));
  const names = by_names();
  const by = names.map((name) => field_of(catalog, name));
  const is_sum = adds_up(measure.agg);
  const shape: Shape = viz === "line" || (viz === "stacked" && !is_sum) ? "line" : viz === "stacked" ? "areas" : is_sum ? "bars" : "grouped";
  const step = measured_step(scope.range, shape === "grouped" ? STEPS_GROUPED : STEPS, measure, by);
  const top = top_of();
  const statement = series_statement(scope, { by, measure }, step, top);
  const title = `${title_of(measure)}${names.length > 0 ? ` by ${names.join(", ")}` : ""}`;
  const [lit, light] = useState<number>();
  useActs({ title, statement: asked === null ? undefined : statement });
  const answer = useLoad(asked && `${asked}\n${statement}`, (signal, show: (part: Shown) => void) => {
    const read = async (part: Scope): Promise<Shown> => {
      const table = await query(project, series_statement(part, { by, measure }, step, top), { limit: 100000, signal, what: title });
      const data = series_answer(table.rows, part.range, step, measure, top);
      return { data, names, title, shape, is_empty: data.series.every((series) => series.total === null || (names.length === 0 && table.rows.length < 2)), warnings: table.warnings };
    };
    return newest_first(scope, statement, step, read, show);
  });
  const shown = answer.value;
  const looks = useMemo(() => (shown ? looks_of(shown.data.series, shown.names.length === 1 ? (shown.names[0] ?? "") : "") : []), [shown]);
  const choose = (at: number) => shown?.data.series[at]?.keys.forEach((key, n) => acts.onFilter(shown.names[n] ?? "", key, false));
  return (
    <KindFrame
      answer={answer}
      asked={asked}
      bar={
        <>
          <GroupBar catalog={catalog}>
            {names.length > 0 && <TopChoice />}
            <AsTable />
          </GroupBar>
          {viz === "stacked" && !is_sum && <p class="warning">{title_of(measure)} does not add up, so it is not put upon each other: lines.</p>}
        </>
      }
      note={first_of}
      nothing={({ is_empty, title: told }) =>
        !is_empty ? undefined : !has_field(measure.agg) ? (
          <Nothing project={project} scope={scope} />
        ) : (
          <Empty title="Nothing to draw">
            <p class="soft">No row in this range has what is measured: {told}.</p>
          </Empty>
        )
      }
    >
      {({ data, title: told, shape: as, names: by_shown }) =>
        is_table() ? (
          <DataTable title={told} table={series_table(data, is_utc.value)} />
        ) : (
          <>
            <TimeChart
              label={told}
              data={data}
              looks={looks}
              shape={as}
              height={CHART_HEIGHT}
              lit={lit}
              chosen={selection_read(param("sel"))}
              onZoom={range_zoom}
              onSelect={(from_us, to_us) => change({ sel: selection_write({ from_us, to_us }) })}
              {...(by_shown.length > 0 ? { onChoose: choose } : {})}
            />
            <Legend data={data} looks={looks} is_line={as === "line"} onLight={light} {...(by_shown.length > 0 ? { onChoose: choose } : {})} />
          </>
        )
      }
    </KindFrame>
  );
}
