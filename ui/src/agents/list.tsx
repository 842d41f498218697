/* All agents of the project, ready ones to begin with, and what was found last. */
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { may } from "../settings/access";
import { path_of, role_here, when } from "../settings/load";
import { Cards, ReadOnly } from "../settings/parts";
import { go, href, project_name, project_path } from "../url";
import { TEMPLATES, type Agent, type Page } from "./load";
import { ReportTable } from "./report_table";

export default function List() {
  const agents = useLoad(project_name.value, (signal) => api<Page<Agent>>(path_of("/agents"), { query: { limit: 100 }, signal }));
  const can_write = may(role_here.value, "CONTENT_WRITE");
  useKeys([{ keys: "c", text: "New agent", group: "Agents", run: () => can_write && go(project_path("agents/new")) }]);
  const items = agents.value?.items ?? [];
  return (
    <div class="agents">
      <header class="row">
        <h1 class="grow">Agents</h1>
        {can_write && (
          <a class="button primary" href={href(project_path("agents/new"))}>
            New agent <kbd aria-hidden="true">c</kbd>
          </a>
        )}
      </header>
      {!can_write && <ReadOnly permission="CONTENT_WRITE" what="make, change and run agents" />}
      {agents.problem && <Problem problem={agents.problem} again={agents.again} />}
      {!agents.value && agents.is_loading && <Waiting what="Reading the agents" />}
      {agents.value && items.length === 0 && (
        <section aria-label="Ready agents">
          <p class="soft">An agent looks at the project at set times, reports what changed, and tells your channels. None is here yet; these are ready:</p>
          <ul class="agents-ready">
            {TEMPLATES.map((one) => (
              <li key={one.name}>
                {can_write ? (
                  <a href={href(project_path("agents/new"), { template: one.name })}>
                    <b>{one.title}</b>
                    <span class="soft">{one.words}</span>
                  </a>
                ) : (
                  <p>
                    <b>{one.title}</b> <span class="soft">{one.words}</span>
                  </p>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      {items.length > 0 && (
        <section aria-label="Agents">
          <Cards label="Agents" heads={["Name", "Looks at", "When", "Next"]}>
            {items.map((agent) => (
              <tr key={agent.id} data-agent={agent.name}>
                <td data-of="Name">
                  <a class="told" href={href(project_path(`agents/${agent.id}`))}>
                    {agent.name}
                  </a>
                </td>
                <td data-of="Looks at">
                  {TEMPLATES.find((one) => one.name === agent.template)?.title ?? agent.template}
                  {agent.uses_model && <span class="soft">, with the model</span>}
                </td>
                <td data-of="When">
                  <span class="told">{agent.schedule}</span> <span class="soft told">{agent.zone}</span>
                </td>
                <td data-of="Next" class="nowrap">
                  {agent.is_asked ? "at once" : agent.is_paused ? <span class="soft">paused</span> : when(agent.next_at)}
                </td>
              </tr>
            ))}
          </Cards>
        </section>
      )}
      {agents.value && (
        <section aria-label="Reports">
          <h2>Last reports</h2>
          <ReportTable limit={10} />
          <p>
            <a href={href(project_path("reports"))}>All reports</a>
          </p>
        </section>
      )}
    </div>
  );
}
