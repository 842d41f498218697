/* The head: what it is, how it does, its figures beside those of the time before, and where to look further. */
import { AnsweredBy } from "../api/answered";
import { show_value } from "../charts/scale";
import { show_whole } from "../number";
import { term } from "../explore/search";
import { change, href, project_path } from "../url";
import { Changed, ConditionMark } from "./change";
import { kept, rows_href } from "./kept";
import { endpoint_name, type Endpoint } from "./page_shape";
import { condition_of, p95_change, rate, rate_change, sends_words, share, share_change, show_rate, show_share, trouble_of, type Figures, type Health, type Service } from "./services";
import type { What } from "./statement";

interface HeadProps {
  name: string;
  service: Service;
  figures: Figures; /* of its endpoint, or all of it */
  what: What;
  health: Health;
  endpoint: string;
  one: Endpoint | undefined;
  back: string;
}
export function Head({ name, service, figures, what, health, endpoint, one, back }: HeadProps) {
  const condition = condition_of(service);
  const words = trouble_of(service) || (condition === "quiet" ? `It serves nothing: ${sends_words(service)}` : "");
  return (
    <header class="service-head">
      <div class="row">
        <a href={back}>Services</a>
        <span class="soft" aria-hidden="true">
          /
        </span>
        <h1 class="told">{name.slice(0, 200)}</h1>
        <ConditionMark condition={condition} is_worded />
        <span class="grow" />
        <AnsweredBy from={health.answered_from} />
      </div>
      {words && <p class={`service-trouble ${condition}`}>{words}</p>}
      <nav class="row" aria-label="More of this service">
        <a class="button" href={rows_href(name)}>
          Rows
        </a>
        <a class="button" href={rows_href(name, "status:error")}>
          Failed spans
        </a>
        <a class="button" href={rows_href(name, "kind:log")}>
          Logs
        </a>
        <a class="button" href={rows_href(name, "kind:server", { viz: "heat", of: "duration" })}>
          Durations
        </a>
        <a class="button" href={href(project_path("issues"), { ...kept(), service: name })}>
          Issues
        </a>
        <a class="button" href={href(project_path("services/map"), { ...kept(), of: `service:${name}`, node: `service:${name}` })}>
          On the map
        </a>
      </nav>
      {endpoint && (
        <p class="row service-endpoint">
          <span class="soft">One endpoint:</span> <b class="told">{one ? endpoint_name(one).slice(0, 300) : endpoint}</b>
          <button onClick={() => change({ endpoint: null })}>All endpoints ×</button>
          {one?.route && (
            <a href={rows_href(name, term(one.kind === "server" ? "http.route" : "name", one.route))}>Its rows</a>
          )}
        </p>
      )}
      <FigureRow figures={figures} what={what} service={endpoint || what === "span" ? undefined : service} health={health} />
    </header>
  );
}

function FigureRow({ figures, what, service, health }: { figures: Figures; what: What; service: Service | undefined; health: Health }) {
  return (
    <dl class="service-row">
      <div>
        <dt>rate</dt>
        <dd>
          <b title={`${show_whole(figures.requests)} ${what}s`}>{show_rate(rate(figures, health.seconds))}</b> {service && <Changed change={rate_change(service, health)} />}
        </dd>
      </div>
      <div>
        <dt>errors</dt>
        <dd>
          <b title={`${show_whole(figures.errors)} of ${show_whole(figures.requests)} ${what}s failed`}>{show_share(share(figures))}</b> {service && <Changed change={share_change(service)} />}
        </dd>
      </div>
      {what === "request" && <Durations figures={figures} service={service} />}
      <div>
        <dt>{what}s</dt>
        <dd>
          <b>{show_whole(figures.requests)}</b>
        </dd>
      </div>
    </dl>
  );
}

function Durations({ figures, service }: { figures: Figures; service: Service | undefined }) {
  return (
    <>
      {(["p50", "p95", "p99"] as const).map((name) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <b>{show_value(figures[name], "ns")}</b> {name === "p95" && service && <Changed change={p95_change(service)} />}
          </dd>
        </div>
      ))}
    </>
  );
}
