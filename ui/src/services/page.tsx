/* One service: /p/{project}/services/{name}?endpoint=&quantiles=&traces=&env=&from=&to= */
import { useMemo } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { environment } from "../frame/environment";
import { range } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { change, go, href, param, project_name, project_path } from "../url";
import { list_kept, rows_href } from "./kept";
import { useLive } from "./live";
import { Charts } from "./page_charts";
import { Endpoints } from "./page_endpoints";
import { Head } from "./page_head";
import { Issues } from "./page_issues";
import { Neighbours } from "./page_neighbours";
import { deploy_marks, endpoint_name, failed_part, versions_of } from "./page_shape";
import { load_endpoints, load_instances, load_steps } from "./page_source";
import { Traces } from "./page_traces";
import { Versions } from "./page_versions";
import { is_sql, load_health } from "./source";
import { condition_of, NO_FIGURES, type Figures } from "./services";
import type { What } from "./statement";
import "./page.css";

export function ServicePage({ name }: { name: string }) {
  const project = project_name.value;
  const endpoint = param("endpoint");
  const key = [project, name, environment.value, range.value.from_us, range.value.to_us].join("\n");
  const health = useLoad(key, (signal) => load_health(project, range.value, signal, name));
  const service = health.value?.services.find((other) => other.name === name);
  const what: What = service && condition_of(service) === "quiet" ? "span" : "request"; /* of one that serves nothing, all its spans */
  const steps = useLoad(`${key}\n${endpoint}\n${what}`, (signal) => load_steps(project, range.value, name, endpoint, what, signal));
  const endpoints = useLoad(key, (signal) => load_endpoints(project, range.value, name, signal));
  const is_answered = steps.value !== undefined || steps.problem !== undefined; /* what reads rows does not slow down what is looked at first */
  const instances = useLoad(is_answered ? `${key}\n${what}` : null, (signal) => load_instances(project, range.value, name, what, signal));
  const versions = useMemo(() => versions_of(instances.value ?? [], range.value), [instances.value]);
  const marks = useMemo(() => deploy_marks(versions, range.value), [versions]);
  const one = endpoints.value?.find((other) => other.id === endpoint);
  const back = href(project_path("services"), list_kept());
  useLive();
  useActs({ title: one ? `${name}: ${endpoint_name(one)}` : name, statement: steps.value?.statement, is_private: true });
  useKeys([
    { keys: "u", text: "All services", group: "Service", run: () => open_link(back) },
    { keys: "s", text: "Its rows", group: "Service", run: () => open_link(rows_href(name)) },
  ]);
  useKeys([{ keys: "escape", text: "All endpoints", group: "Service", run: () => change({ endpoint: null }) }], endpoint !== "");
  if (health.problem) return <Problem problem={health.problem} again={health.again} />;
  if (!health.value) return <Waiting what="Reading the service" />;
  if (!service)
    return (
      <Empty title="It sent nothing in this time">
        <p class="soft told">{name.slice(0, 200)}</p>
        <a class="button" href={back}>
          All services
        </a>
      </Empty>
    );
  const figures: Figures = endpoint ? (one?.figures ?? NO_FIGURES) : what === "span" ? { ...NO_FIGURES, requests: service.spans, errors: service.span_errors } : service.now;
  return (
    <article class="service" aria-busy={health.is_loading}>
      <Head name={name} service={service} figures={figures} what={what} health={health.value} endpoint={endpoint} one={one} back={back} />
      {steps.problem ? <Problem problem={steps.problem} again={steps.again} /> : <Charts name={name} what={what} steps={steps.value} totals={figures} marks={marks} />}
      <Endpoints list={endpoints} seconds={health.value.seconds} chosen={endpoint} />
      <Neighbours name={name} seconds={is_sql(range.value) ? undefined : health.value.seconds} />
      <div class="service-pair">
        <Traces name={name} endpoint={endpoint} what={what} failed={failed_part(figures) ?? 0} />
        <Issues name={name} />
      </div>
      <Versions name={name} what={what} load={instances} versions={versions} />
    </article>
  );
}

function open_link(address: string): void {
  const [path = "", query = ""] = address.split("?");
  go(path, new URLSearchParams(query));
}
