/* A panel's answer: what it asks is put together, asked when its turn comes, read. Nothing is asked while is_on is false (it is not on
 * the screen yet); what runs is cancelled when the panel goes. */
import { ApiProblem, query, type AnsweredFrom } from "../api/client";
import { useLoad, type Load } from "../api/load";
import { ask } from "../ask/load";
import { sql_whole } from "../ask/plan";
import type { Catalog } from "../explore/fields";
import { translate } from "../explore/search";
import { with_environment } from "../frame/environment";
import { metric_heatmap, metric_query, type MetricQuery } from "../metrics/query";
import { answer_drawn, metric_asked, metric_drawn, metric_heat, plan_of, search_asked, search_of, sql_asked, steps_of } from "./asks";
import type { Drawn } from "./drawn";
import type { Panel } from "./load";
import { in_turn, shared } from "./slots";
import type { Shared } from "./together";
import type { Page, Values } from "./variables";

export interface PanelContext extends Page {
  project: string;
  catalog: Catalog;
  values: Values;
  together: ReadonlyMap<string, Shared>; /* panels that are asked with others, by id */
  round: number; /* of reading anew */
}
export interface Loaded {
  drawn: Drawn;
  statement: string; /* as SQL; empty: there is none */
  warnings: readonly string[];
  answered_from?: AnsweredFrom | undefined;
}

export function usePanel(panel: Panel, context: PanelContext, is_on: boolean): Load<Loaded> {
  const { project, catalog, range, values, environment, round } = context;
  const with_others = context.together.get(panel.id ?? "");
  const is_asking = panel.source.markdown === undefined;
  const key = is_on && is_asking ? JSON.stringify([project, panel.kind, panel.unit, panel.source, steps_of(panel), with_others, range, values, environment, round]) : null;
  return useLoad<Loaded>(key, async (signal) => {
    const { source, title } = panel;
    if (source.ask) {
      const plan = plan_of(source.ask, context);
      const answer = await shared(`${project}\n${round}\n${JSON.stringify(plan)}`, signal, (end) => in_turn(end, () => ask(project, { q: "", plan, at: "", thread: [], by: "" }, end)));
      return { drawn: answer_drawn(panel, answer, plan), statement: sql_whole(answer.sql ?? "", answer.parameters ?? []), warnings: answer.warnings ?? [] };
    }
    if (source.metric) {
      const asked = metric_asked(panel, values, context);
      const turn = <T,>(run: (query: MetricQuery, options: { project: string; signal: AbortSignal }) => Promise<T>) => shared(`${project}\n${round}\n${panel.kind === "heat"}\n${JSON.stringify(asked)}`, signal, (end) => in_turn(end, () => run(asked, { project, signal: end })));
      if (panel.kind === "heat") return { drawn: metric_heat(await turn(metric_heatmap), range), statement: "", warnings: [] };
      const answer = await turn(metric_query);
      return { drawn: metric_drawn(panel, answer, range), statement: answer.sql, warnings: [] };
    }
    const asked = source.sql !== undefined ? sql_asked(panel, values, context) : await of_search(signal);
    const table = await shared(`${project}\n${round}\n${asked.limit}\n${asked.statement}`, signal, (end) => in_turn(end, () => query(project, asked.statement, { limit: asked.limit, signal: end, what: title || "a panel", is_read_only: true })));
    return { drawn: asked.read(table), statement: asked.statement, warnings: table.warnings, answered_from: table.answered_from };

    async function of_search(end: AbortSignal) {
      const { q, is_sql, params } = search_of(panel, values, context);
      const { where, problems } = is_sql ? { where: q, problems: [] } : await translate(project, q, end);
      const problem = problems[0];
      if (problem) throw new ApiProblem(400, "input", `${q}: ${problem.text}`);
      return search_asked(panel, params, { where: with_environment(where, environment), range }, catalog, with_others);
    }
  });
}
