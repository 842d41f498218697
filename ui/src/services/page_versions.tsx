/* What ran: releases with when they were first seen, the instances, and what the service says of itself. */
import { useLoad, type Load } from "../api/load";
import { environment } from "../frame/environment";
import { is_utc, range } from "../frame/range";
import { Problem } from "../frame/state";
import { term } from "../explore/search";
import { show_whole } from "../number";
import { show_time } from "../time";
import { change, param, project_name } from "../url";
import { rows_href } from "./kept";
import { failed_part, type Instance, type Version } from "./page_shape";
import { load_resource } from "./page_source";
import { show_share } from "./services";
import type { What } from "./statement";

const FIRST = 12;
const title_of = (what: What) => (what === "request" ? "Requests" : "Spans");

export function Versions({ name, what, load, versions }: { name: string; what: What; load: Load<Instance[]>; versions: readonly Version[] }) {
  if (load.problem) return <Problem problem={load.problem} again={load.again} />;
  const is_named = versions.some((one) => one.version);
  return (
    <>
      <div class="service-pair">
        <section class="service-part" aria-label="Releases" aria-busy={load.is_loading}>
          <h2>Releases</h2>
          {load.value && !is_named && <p class="soft">It does not say which it is: set service.version.</p>}
          {is_named && <Releases name={name} what={what} versions={versions} />}
        </section>
        <Instances name={name} what={what} list={(load.value ?? []).filter((one) => one.last_us >= range.value.from_us)} />
      </div>
      <Resource name={name} />
    </>
  );
}

function Releases({ name, what, versions }: { name: string; what: What; versions: readonly Version[] }) {
  return (
    <div class="service-table" role="region" aria-label="Table of releases" tabIndex={0}>
      <table data-part="releases">
        <thead>
          <tr>
            <th scope="col">service.version</th>
            <th scope="col">First seen</th>
            <th scope="col" class="number">
              {title_of(what)}
            </th>
            <th scope="col" class="number">
              Errors
            </th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one) => (
            <tr key={one.version}>
              <th scope="row">
                {one.version ? (
                  <a class="told" href={rows_href(name, term("service.version", one.version))}>
                    {one.version.slice(0, 80)}
                  </a>
                ) : (
                  <span class="soft">none</span>
                )}
              </th>
              <td class={one.is_new ? "" : "soft"}>{one.is_new ? show_time(one.first_us, 0, is_utc.value) : "before this time"}</td>
              <td class="number">{show_whole(one.requests)}</td>
              <td class={one.errors > 0 ? "number error-text" : "number"}>{show_share(failed_part(one))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Instances({ name, what, list }: { name: string; what: What; list: readonly Instance[] }) {
  const is_whole = param("instances") === "all";
  const shown = is_whole ? list : list.slice(0, FIRST);
  return (
    <section class="service-part" aria-label="Instances">
      <h2>
        Instances <span class="soft">{list.length > 0 ? show_whole(list.length) : ""}</span>
      </h2>
      <div class="service-table" role="region" aria-label="Table of instances" tabIndex={0}>
        <table data-part="instances">
          <thead>
            <tr>
              <th scope="col">Instance</th>
              <th scope="col">Host, pod</th>
              <th scope="col">Release</th>
              <th scope="col" class="number">
                {title_of(what)}
              </th>
              <th scope="col" class="number">
                Errors
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => (
              <tr key={[one.instance, one.version, one.host, one.pod].join("\n")}>
                <th scope="row">
                  {one.instance ? (
                    <a class="told" href={rows_href(name, term("service.instance.id", one.instance))}>
                      {one.instance.slice(0, 60)}
                    </a>
                  ) : (
                    <span class="soft">not named</span>
                  )}
                </th>
                <td class="told">{[one.host, one.pod].filter(Boolean).join(", ").slice(0, 120)}</td>
                <td class="told">{one.version.slice(0, 40)}</td>
                <td class="number">{show_whole(one.requests)}</td>
                <td class={one.errors > 0 ? "number error-text" : "number"}>{show_share(failed_part(one))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < list.length && <button onClick={() => change({ instances: "all" }, true)}>Show all {show_whole(list.length)}</button>}
    </section>
  );
}

function Resource({ name }: { name: string }) {
  const { from_us, to_us } = range.value;
  const resource = useLoad([project_name.value, name, environment.value, from_us, to_us].join("\n"), (signal) => load_resource(project_name.value, range.value, name, signal));
  const list = resource.value ?? [];
  if (list.length === 0) return null;
  return (
    <details class="service-part">
      <summary>
        Resource <span class="soft">{list.length} attributes, as its newest row has them</span>
      </summary>
      <dl class="service-resource">
        {list.slice(0, 200).map((one) => (
          <div key={one.name}>
            <dt class="told soft">{one.name}</dt>
            <dd>
              <a class="told" href={rows_href(name, term(one.name, one.value.slice(0, 200)))}>
                {one.value.slice(0, 400)}
              </a>
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
