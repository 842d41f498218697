/* The list: /p/{project}/services?q=&state=&sort=&env=&from=&to= */
import { useMemo, useRef } from "preact/hooks";
import { AnsweredBy } from "../api/answered";
import { useLoad } from "../api/load";
import { Bar } from "../ask/bar";
import { useActs } from "../frame/acts";
import { useNarrow } from "../frame/narrow";
import { environment } from "../frame/environment";
import { range } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { change, go, href, param, project_name, project_path } from "../url";
import { Cards } from "./cards";
import { kept } from "./kept";
import { useLive } from "./live";
import { NoServices } from "./nothing";
import { CONDITIONS, counts_of, narrowed, order_read, sorted, type Issues } from "./services";
import { load_health, load_issues } from "./source";
import { ServicesTable } from "./table";

/* For who comes without a link: the home page takes a question too. */
const QUESTIONS = ["error rate by service today", "slowest requests in the last hour", "errors by service in the last 3 hours compared with the period before", "latest 10 errors"];

const NO_ISSUES: Issues = new Map();

export default function List() {
  const box = useRef<HTMLDivElement>(null);
  const project = project_name.value;
  const key = [project, environment.value, range.value.from_us, range.value.to_us].join("\n");
  const health = useLoad(key, (signal) => load_health(project, range.value, signal));
  const issues = useLoad(key, (signal) => load_issues(project, range.value, signal)).value ?? NO_ISSUES;
  const is_narrow = useNarrow();
  useLive();
  useActs({ title: "Services", statement: health.value?.statement, is_private: true });
  const order = order_read(param("sort"));
  const state = param("state");
  const words = param("q");
  const all = health.value?.services ?? [];
  const shown = useMemo(() => sorted(narrowed(all, words, state), order, issues), [all, words, state, order.by, order.is_down, issues]);
  const counts = useMemo(() => counts_of(all), [all]);
  const step = (by: number) => {
    const links = [...(box.current?.querySelectorAll<HTMLElement>(".service-name a") ?? [])];
    links[Math.min(links.length - 1, Math.max(0, links.indexOf(document.activeElement as HTMLElement) + by))]?.focus();
  };
  useKeys([
    { keys: "j", text: "Next service", group: "Services", run: () => step(1) },
    { keys: "k", text: "Service before", group: "Services", run: () => step(-1) },
    { keys: "o", text: "Open the service", group: "Services", run: () => (document.activeElement as HTMLElement | null)?.matches(".service-name a") && (document.activeElement as HTMLElement).click() },
    { keys: "m", text: "Service map", group: "Services", run: () => go(project_path("services/map"), kept()) },
    { keys: "/", text: "Search in services", group: "Services", run: () => document.getElementById("services-search")?.focus() },
  ]);
  return (
    <div class="services">
      <header class="services-head">
        <div class="row">
          <h1>Services</h1>
          <span class="grow" />
          <a class="button" href={href(project_path("services/map"), kept())}>
            Service map <kbd aria-hidden="true">m</kbd>
          </a>
        </div>
        <Bar value="" label="Question in plain English" placeholder={`Ask: ${QUESTIONS[0] ?? ""}`} before={[]} examples={QUESTIONS} onAsk={(question) => go(project_path("ask"), { tz: param("tz") || null, env: param("env") || null, q: question })} />
        <div class="row">
          <input id="services-search" type="search" class="grow" aria-label="Search in services" placeholder="Search by name" maxLength={200} value={words} onInput={(event) => change({ q: event.currentTarget.value || null }, true)} />
          <label class="row soft">
            By
            <select aria-label="Order" value={order.by} onChange={(event) => change({ sort: event.currentTarget.value === "ill" ? null : event.currentTarget.value })}>
              <option value="ill">ill ones first</option>
              <option value="name">name</option>
              <option value="rate">rate</option>
              <option value="errors">errors</option>
              <option value="p50">p50</option>
              <option value="p95">p95</option>
              <option value="p99">p99</option>
              <option value="issues">new issues</option>
            </select>
          </label>
        </div>
        <div class="services-states" role="group" aria-label="How they do">
          <button aria-pressed={state === ""} onClick={() => change({ state: null })}>
            All <span class="soft">{health.value ? all.length : "·"}</span>
          </button>
          {CONDITIONS.filter((one) => counts.has(one.name) || state === one.name).map((one) => (
            <button key={one.name} title={one.means} aria-pressed={state === one.name} onClick={() => change({ state: state === one.name ? null : one.name })}>
              <span class={`condition ${one.name}`} aria-hidden="true">
                {one.mark}
              </span>
              {one.title} <span class="soft">{counts.get(one.name) ?? 0}</span>
            </button>
          ))}
          <span class="grow" />
          {health.value && <AnsweredBy from={health.value.answered_from} />}
        </div>
        {health.value && !health.value.is_whole && <p class="warning">There are more services than these thousand: their names come later in the alphabet.</p>}
      </header>
      <div class="services-box" ref={box} aria-busy={health.is_loading}>
        {health.problem ? (
          <Problem problem={health.problem} again={health.again} />
        ) : health.value && shown.length > 0 ? (
          is_narrow ? (
            <Cards services={shown} health={health.value} issues={issues} />
          ) : (
            <ServicesTable services={shown} health={health.value} issues={issues} order={order} />
          )
        ) : health.is_loading ? (
          <Waiting what="Reading the services" />
        ) : (
          <NoServices is_narrowed={all.length > 0} />
        )}
      </div>
    </div>
  );
}
