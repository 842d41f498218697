/* How a statement is answered: which of the files are read, and the steps. */
import { query } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { project_name } from "../url";
import { plan_of, plan_words } from "./plan";

export function PlanView({ sql, round }: { sql: string; round: number }) {
  const loaded = useLoad(`${project_name.value}\n${round}\n${sql}`, (signal) => query(project_name.value, `EXPLAIN ${sql}`, { signal, what: "the plan", is_read_only: true }));
  if (loaded.problem) return <Problem problem={loaded.problem} again={loaded.again} />;
  if (!loaded.value) return <Waiting what="Planning" />;
  const plan = plan_of(loaded.value);
  const { opened, considered } = plan;
  return (
    <div class="sql-plan">
      <p role="status">{plan_words(plan)}</p>
      {opened !== undefined && considered !== undefined && considered > 0 && <meter min={0} max={considered} value={opened} aria-label="Files read" />}
      <pre class="told" tabIndex={0} aria-label="Plan">
        {plan.lines.join("\n")}
      </pre>
    </div>
  );
}
