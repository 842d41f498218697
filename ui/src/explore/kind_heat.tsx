/* The kind "heat": how a value, the duration mostly, is spread over the time. A box on it is `sel` of the address. */
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { DataTable } from "../charts/data_table";
import type { Heat } from "../charts/heat";
import { HeatLegend, HeatMap } from "../charts/heat_map";
import { useActs } from "../frame/acts";
import { is_utc } from "../frame/range";
import { Empty } from "../frame/state";
import { show_time } from "../time";
import { change, param } from "../url";
import { AsTable, CHART_HEIGHT, is_table, KindFrame } from "./chart_parts";
import { field_of } from "./fields";
import { heat_answer, heat_statement, measured_step } from "./group";
import { GroupBar } from "./group_bar";
import type { KindProps } from "./kinds";
import { OF_FIRST } from "./measure";
import { newest_first } from "./newest";
import { selection_read, selection_write } from "./selection";
import type { Scope } from "./statement";

const STEPS = 100;
const LINES = 44;

interface Shown {
  heat: Heat;
  title: string;
  warnings: readonly string[];
  so_far_us?: number;
}

export default function HeatKind({ project, catalog, scope, asked }: KindProps) {
  const of = field_of(catalog, param("of") || OF_FIRST);
  const step = measured_step(scope.range, STEPS, { of });
  const statement = heat_statement(scope, of, step);
  const title = `${of.name} over time`;
  useActs({ title, statement: asked === null ? undefined : statement });
  const answer = useLoad(asked && `${asked}\n${statement}`, (signal, show: (part: Shown) => void) => {
    const read = async (part: Scope): Promise<Shown> => {
      const table = await query(project, heat_statement(part, of, step), { limit: 100000, signal, what: title });
      return { heat: heat_answer(table.rows, of, part.range, step, LINES), title, warnings: table.warnings };
    };
    return newest_first(scope, statement, step, read, show);
  });
  return (
    <KindFrame
      answer={answer}
      asked={asked}
      bar={
        <GroupBar catalog={catalog} has_by={false} has_agg={false} always_of>
          <AsTable />
        </GroupBar>
      }
      nothing={({ heat }) =>
        heat.total === 0 ? (
          <Empty title="Nothing to draw">
            <p class="soft">No row in this range has a number as {of.name}. Another field is measured by "of".</p>
          </Empty>
        ) : undefined
      }
    >
      {({ heat, title: told }) =>
        is_table() ? (
          <DataTable
            title={told}
            table={{
              columns: [{ title: "time" }, { title: "from", unit: heat.unit }, { title: "to", unit: heat.unit }, { title: "rows", unit: "count" }],
              rows: heat.cells.flatMap((row, line) => row.flatMap((count, at) => (count > 0 ? [[show_time(heat.times[at] ?? 0, 0, is_utc.value), Math.max(0, heat.edges[line] ?? 0), heat.edges[line + 1] ?? null, count]] : []))),
            }}
          />
        ) : (
          <>
            <HeatMap label={told} heat={heat} height={CHART_HEIGHT} chosen={selection_read(param("sel"))} onBox={(box) => change({ sel: selection_write({ from_us: box.from_us, to_us: box.to_us, values: { low: box.low, high: box.high } }) })} />
            <div class="row">
              <HeatLegend heat={heat} />
              <span class="soft">Drag over it to choose a box.</span>
            </div>
          </>
        )
      }
    </KindFrame>
  );
}
