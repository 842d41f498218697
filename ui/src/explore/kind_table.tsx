/* The kind "table": a line for each group with what is usually asked of it; with `across=1` the last field goes across. */
import { query, type Cell } from "../api/client";
import { useLoad } from "../api/load";
import { DataTable } from "../charts/data_table";
import { useActs } from "../frame/acts";
import { change, param } from "../url";
import { cross_answer, groups_answer, text_of } from "./answer";
import { KindFrame } from "./chart_parts";
import { field_of } from "./fields";
import { cross_statement, groups_statement } from "./group";
import { by_names, GroupBar } from "./group_bar";
import type { KindProps } from "./kinds";
import { measure_of, title_of } from "./measure";
import { Nothing } from "./nothing";

const GROUPS = 1000;
const ACROSS = 12;

export default function Groups({ project, catalog, scope, asked, acts }: KindProps) {
  const measure = measure_of(catalog, param("agg"), param("of"));
  const names = by_names().length > 0 ? by_names() : ["service.name"];
  const by = names.map((name) => field_of(catalog, name));
  const is_across = param("across") === "1" && names.length > 1;
  const statement = is_across ? cross_statement(scope, { by, measure }, ACROSS, GROUPS) : groups_statement(scope, { by, measure }, GROUPS);
  const title = `${title_of(measure)} by ${names.join(", ")}`;
  useActs({ title, statement: asked === null ? undefined : statement });
  const answer = useLoad(asked && `${asked}\n${statement}`, async (signal) => {
    const table = await query(project, statement, { limit: GROUPS * (ACROSS + 2), signal, what: title });
    const told = is_across ? cross_answer(table.rows, names, measure, ACROSS) : groups_answer(table.rows, names, measure);
    return { ...told, names, title, is_across, warnings: table.warnings };
  });
  const shown = answer.value;
  const key_count = shown ? shown.names.length - (shown.is_across ? 1 : 0) : 0;
  const choose = (at: number) => {
    if (!shown) return;
    for (let n = 0; n < key_count; n++) acts.onFilter(shown.names[n] ?? "", text_of(shown.table.rows[at]?.[n] as Cell), false);
  };
  return (
    <KindFrame
      answer={answer}
      asked={asked}
      bar={
        <GroupBar catalog={catalog} always_of>
          {names.length > 1 && (
            <button aria-pressed={is_across} onClick={() => change({ across: is_across ? null : "1" })}>
              {names.at(-1)} across
            </button>
          )}
        </GroupBar>
      }
      note={({ groups, across, table }) => [groups > table.rows.length ? `the first ${table.rows.length} of ${groups} lines` : "", across > ACROSS ? `the first ${ACROSS} of ${across} columns, the others together` : ""].filter(Boolean).join("; ")}
      nothing={({ table }) => (table.rows.length === 0 ? <Nothing project={project} scope={scope} /> : undefined)}
    >
      {({ title: told, table }) => <DataTable title={told} table={table} onRow={choose} />}
    </KindFrame>
  );
}
