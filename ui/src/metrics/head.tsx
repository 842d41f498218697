/* What a metric is: its name, what it counts, who sends it. */
import { service_href } from "../services/kept";
import type { MetricAnswer, MetricName } from "./query";
import { catalog_href } from "./paths";
import { type_words } from "./shape";
import { unit_words } from "./unit";

const SERVICES = 6;

export function Head({ metric, answer }: { metric: MetricName; answer: MetricAnswer | undefined }) {
  const temporality = answer?.temporality || metric.temporality;
  return (
    <header class="metric-head">
      <a class="soft" href={catalog_href()}>
        Metrics
      </a>
      <h1 class="told">{metric.name}</h1>
      {metric.description && <p class="told">{metric.description}</p>}
      <p class="row soft">
        <span>{type_words(metric)}</span>
        {metric.unit && metric.unit !== "1" && <span class="told">unit {unit_words(metric.unit)}</span>}
        {temporality && <span>{temporality === "mixed" ? "cumulative and delta" : temporality}</span>}
        {metric.services.slice(0, SERVICES).filter(Boolean).map((service) => (
          <a key={service} class="told" href={service_href(service)}>
            {service}
          </a>
        ))}
        {metric.services.length > SERVICES && <span>and {metric.services.length - SERVICES} services more</span>}
      </p>
    </header>
  );
}
