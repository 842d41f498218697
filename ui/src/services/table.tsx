/* The list as a table: its heads sort, its first column leads to the services. */
import { show_value } from "../charts/scale";
import { Trend } from "../charts/trend";
import { show_whole } from "../number";
import { change, href, project_path } from "../url";
import { Changed, ConditionMark } from "./change";
import { kept, service_href } from "./kept";
import { condition_of, order_next, order_write, p95_change, rate, rate_change, sends_words, share, share_change, show_rate, show_share, trouble_of, type Column, type Health, type Issues, type Order, type Service } from "./services";

const HEADS: readonly { by: Column; title: string; is_number: boolean }[] = [
  { by: "name", title: "Service", is_number: false },
  { by: "rate", title: "Rate", is_number: true },
  { by: "errors", title: "Errors", is_number: true },
  { by: "p50", title: "p50", is_number: true },
  { by: "p95", title: "p95", is_number: true },
  { by: "p99", title: "p99", is_number: true },
  { by: "issues", title: "New issues", is_number: true },
];

interface Shown {
  services: readonly Service[];
  health: Health;
  issues: Issues;
}
export function ServicesTable({ services, health, issues, order }: Shown & { order: Order }) {
  return (
    <table class="services-table">
      <thead>
        <tr>
          {HEADS.map((head) => {
            const is_by = order.by === head.by;
            return (
              <th key={head.by} scope="col" class={head.is_number ? "number" : ""} aria-sort={is_by ? (order.is_down ? "descending" : "ascending") : "none"}>
                <button class="plain" onClick={() => change({ sort: order_write(order_next(order, head.by)) || null })}>
                  {head.title} <span aria-hidden="true">{is_by ? (order.is_down ? "▾" : "▴") : ""}</span>
                </button>
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>
        {services.map((service) => (
          <Line key={service.name} service={service} health={health} new_issues={issues.get(service.name) ?? 0} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ service, health, new_issues }: { service: Service; health: Health; new_issues: number }) {
  const { now, over_time } = service;
  const condition = condition_of(service);
  const is_served = now.requests > 0 || service.before.requests > 0;
  return (
    <tr data-service={service.name} data-state={condition}>
      <th scope="row" class="service-cell">
        <ServiceName service={service} />
      </th>
      <td class="number">
        {is_served ? (
          <div class="figure">
            <b title={`${show_whole(now.requests)} requests`}>{show_rate(rate(now, health.seconds))}</b>
            <Changed change={rate_change(service, health)} />
            <Trend values={over_time.requests} />
          </div>
        ) : (
          <span class="soft">–</span>
        )}
      </td>
      <td class="number">
        <div class={now.errors > 0 ? "figure with-errors" : "figure"}>
          <b title={`${show_whole(now.errors)} of ${show_whole(now.requests)} requests failed`}>{show_share(share(now))}</b>
          <Changed change={share_change(service)} />
          {now.requests > 0 && <Trend values={over_time.errors} />}
        </div>
      </td>
      <td class="number">{show_value(now.p50, "ns")}</td>
      <td class="number">
        <div class="figure">
          <b>{show_value(now.p95, "ns")}</b>
          <Changed change={p95_change(service)} />
          {now.p95 !== null && <Trend values={over_time.p95} />}
        </div>
      </td>
      <td class="number">{show_value(now.p99, "ns")}</td>
      <td class="number">
        <NewIssues service={service.name} count={new_issues} />
      </td>
    </tr>
  );
}

/* With what is wrong with it, or what it sends when it serves nothing. */
export function ServiceName({ service }: { service: Service }) {
  const condition = condition_of(service);
  const words = trouble_of(service) || (condition === "quiet" ? sends_words(service) : "");
  return (
    <>
      <ConditionMark condition={condition} />
      <span class="service-name">
        {service.name ? (
          <a class="told" href={service_href(service.name)}>
            {service.name.slice(0, 100)}
          </a>
        ) : (
          <span class="soft">no service.name</span>
        )}
        {words && <span class={condition === "quiet" ? "service-words soft" : "service-words"}>{words}</span>}
      </span>
    </>
  );
}

export function NewIssues({ service, count }: { service: string; count: number }) {
  if (count === 0) return <span class="soft">0</span>;
  return (
    <a class="new-issues" aria-label={`${count} new ${count === 1 ? "issue" : "issues"} of ${service}`} href={href(project_path("issues"), { ...kept(), service, state: "new" })}>
      <span aria-hidden="true">✚</span> {count}
    </a>
  );
}
