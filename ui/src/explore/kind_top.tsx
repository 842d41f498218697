/* The kind "top": the largest groups, their share of all and their trend. */
import { useMemo } from "preact/hooks";
import { query } from "../api/client";
import { useLoad } from "../api/load";
import type { TimeSeries } from "../charts/series";
import { DataTable } from "../charts/data_table";
import { TopList } from "../charts/top_list";
import { looks_of } from "../charts/colours";
import { useActs } from "../frame/acts";
import { step_us } from "../time";
import { param } from "../url";
import { series_answer } from "./answer";
import { AsTable, first_of, is_table, KindFrame, TopChoice, top_of } from "./chart_parts";
import { field_of } from "./fields";
import { series_statement } from "./group";
import { by_names, GroupBar } from "./group_bar";
import type { KindProps } from "./kinds";
import { measure_of, title_of } from "./measure";
import { newest_first } from "./newest";
import { Nothing } from "./nothing";
import type { Scope } from "./statement";

const TREND_STEPS = 30;

interface Shown {
  data: TimeSeries;
  names: string[];
  title: string;
  warnings: readonly string[];
  so_far_us?: number;
}

export default function Top({ project, catalog, scope, asked, acts }: KindProps) {
  const measure = measure_of(catalog, param("agg"), param("of"));
  const names = by_names().length > 0 ? by_names() : ["service.name"];
  const by = names.map((name) => field_of(catalog, name));
  const step = step_us(scope.range, TREND_STEPS);
  const top = top_of();
  const statement = series_statement(scope, { by, measure }, step, top);
  const title = `${title_of(measure)} by ${names.join(", ")}`;
  useActs({ title, statement: asked === null ? undefined : statement });
  const answer = useLoad(asked && `${asked}\n${statement}`, (signal, show: (part: Shown) => void) => {
    const read = async (part: Scope): Promise<Shown> => {
      const table = await query(project, series_statement(part, { by, measure }, step, top), { limit: 100000, signal, what: title });
      return { data: series_answer(table.rows, part.range, step, measure, top), names, title, warnings: table.warnings };
    };
    return newest_first(scope, statement, step, read, show);
  });
  const shown = answer.value;
  const looks = useMemo(() => (shown ? looks_of(shown.data.series, shown.names.length === 1 ? (shown.names[0] ?? "") : "") : []), [shown]);
  const choose = (at: number, is_excluded: boolean) => shown?.data.series[at]?.keys.forEach((key, n) => acts.onFilter(shown.names[n] ?? "", key, is_excluded));
  const whole = shown?.data.adds_up ? shown.data.series.reduce((sum, one) => sum + (one.total ?? 0), 0) : 0;
  return (
    <KindFrame
      answer={answer}
      asked={asked}
      bar={
        <GroupBar catalog={catalog}>
          <TopChoice />
          <AsTable />
        </GroupBar>
      }
      note={first_of}
      nothing={({ data }) => (data.series.length === 0 ? <Nothing project={project} scope={scope} /> : undefined)}
    >
      {({ data, names: by_shown, title: told }) =>
        is_table() ? (
          <DataTable
            title={told}
            table={{
              columns: [{ title: by_shown.join(" · ") }, { title: title_of(measure), unit: data.unit }, ...(whole > 0 ? [{ title: "share", unit: "percent" as const }] : [])],
              rows: data.series.map((one) => [one.name, one.total, ...(whole > 0 ? [(one.total ?? 0) / whole] : [])]),
            }}
          />
        ) : (
          <TopList label={told} data={data} looks={looks} onChoose={(at) => choose(at, false)} {...(by_shown.length === 1 ? { onExclude: (at: number) => choose(at, true) } : {})} />
        )
      }
    </KindFrame>
  );
}
