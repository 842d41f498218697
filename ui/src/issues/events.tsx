/* Events of an issue, newest first: each with its trace, its session and its row. */
import { useState } from "preact/hooks";
import { api, type Schemas } from "../api/client";
import { useLoad } from "../api/load";
import { term } from "../explore/search";
import { is_utc, range } from "../frame/range";
import { Problem } from "../frame/state";
import { from_iso, show_time, to_iso } from "../time";
import { ReplayAt } from "../row/replay_link";
import { href, param, project_name, project_path } from "../url";
import { issues_path, type Page } from "./load";

type Event = Schemas["IssueEvent"];
const AROUND_US = 60e6;

export function IssueEvents({ number, round }: { number: number; round: number }) {
  const [limit, set_limit] = useState(10);
  const { from_us, to_us } = range.value;
  const list = useLoad(`${project_name.value}\n${number}\n${from_us}\n${to_us}\n${param("env")}\n${round}\n${limit}`, (signal) =>
    api<Page<Event>>(issues_path(`/${number}/events`), { query: { from: to_iso(from_us), to: to_iso(to_us), environment: param("env"), limit }, signal }),
  );
  const items = list.value?.items ?? [];
  return (
    <section class="issue-events-part" aria-label="Events" aria-busy={list.is_loading}>
      <h2>Events</h2>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      {list.value && items.length === 0 && <p class="soft">No row of it in this time: rows are kept as long as the project's retention says.</p>}
      {items.length > 0 && (
        <div class="issue-events-box" role="region" aria-label="Events, newest first" tabIndex={0}>
          <table class="issue-events">
            <thead>
              <tr>
                <th scope="col">time</th>
                <th scope="col">what</th>
                <th scope="col">release</th>
                <th scope="col">user</th>
                <th scope="col">to</th>
              </tr>
            </thead>
            <tbody>
              {items.map((one) => (
                <Line key={`${one.id}${one.fingerprint}`} event={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.value?.next_cursor && limit < 100 && <button onClick={() => set_limit(100)}>Show more</button>}
    </section>
  );
}

function Line({ event }: { event: Event }) {
  const at_us = from_iso(event.timestamp);
  const around = { from: to_iso(at_us - AROUND_US), to: to_iso(at_us + AROUND_US) };
  return (
    <tr>
      <td class="mono">{show_time(at_us, 0, is_utc.value)}</td>
      <td>
        <span class="event-what">
          <b class="told ellipsis">{event.service?.slice(0, 80) ?? ""}</b> <span class="told ellipsis">{(event.message ?? event.type ?? "").slice(0, 300)}</span>
        </span>
      </td>
      <td class="told">
        {event.release?.slice(0, 60) ?? ""} <span class="soft">{event.environment?.slice(0, 40) ?? ""}</span>
      </td>
      <td class="told">{event.user_id?.slice(0, 60) ?? ""}</td>
      <td>
        <span class="row">
          {event.trace_id && <a href={href(project_path(`trace/${event.trace_id}`), { span: event.span_id, tz: param("tz") })}>Trace</a>}
          {event.session_id && <a href={href(project_path("explore"), { q: term("session.id", event.session_id.slice(0, 300)), from: to_iso(at_us - 60 * AROUND_US), to: to_iso(at_us + 60 * AROUND_US) })}>Session</a>}
          <ReplayAt session={event.session_id ?? ""} at_us={at_us} />
          <a href={href(project_path("explore"), { q: event.service ? term("service", event.service.slice(0, 300)) : "", ...around, open: event.id })}>Row</a>
        </span>
      </td>
    </tr>
  );
}
