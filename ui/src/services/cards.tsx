/* The list on a phone: a card for each service, its figures with their words. */
import { show_value } from "../charts/scale";
import { Trend } from "../charts/trend";
import { Changed } from "./change";
import { condition_of, p95_change, rate, rate_change, share, share_change, show_rate, show_share, type Health, type Issues, type Service } from "./services";
import { NewIssues, ServiceName } from "./table";

export function Cards({ services, health, issues }: { services: readonly Service[]; health: Health; issues: Issues }) {
  return (
    <ol class="service-cards" aria-label="Services">
      {services.map((service) => (
        <Card key={service.name} service={service} health={health} new_issues={issues.get(service.name) ?? 0} />
      ))}
    </ol>
  );
}

function Card({ service, health, new_issues }: { service: Service; health: Health; new_issues: number }) {
  const { now, before, over_time } = service;
  const is_served = now.requests > 0 || before.requests > 0;
  return (
    <li data-service={service.name} data-state={condition_of(service)}>
      <div class="service-cell">
        <ServiceName service={service} />
        {new_issues > 0 && (
          <span class="service-card-issues">
            <NewIssues service={service.name} count={new_issues} /> new
          </span>
        )}
      </div>
      {is_served && (
        <dl class="service-figures">
          <div>
            <dt>rate</dt>
            <dd>
              <b>{show_rate(rate(now, health.seconds))}</b> <Changed change={rate_change(service, health)} />
              <Trend values={over_time.requests} />
            </dd>
          </div>
          <div class={now.errors > 0 ? "with-errors" : ""}>
            <dt>errors</dt>
            <dd>
              <b>{show_share(share(now))}</b> <Changed change={share_change(service)} />
              <Trend values={over_time.errors} />
            </dd>
          </div>
          <div>
            <dt>p95</dt>
            <dd>
              <b>{show_value(now.p95, "ns")}</b> <Changed change={p95_change(service)} />
              <Trend values={over_time.p95} />
            </dd>
          </div>
        </dl>
      )}
    </li>
  );
}
