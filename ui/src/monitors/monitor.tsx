/* One monitor: what its groups are in, what happened, how it looked in the last hours; mute, change, delete. */
import { useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_utc } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { can_share } from "../session";
import { ago } from "../settings/ago";
import { from_iso, show_time } from "../time";
import { go, href, project_name, project_path } from "../url";
import { Dryness } from "./dry";
import { monitor_delete, monitor_load, monitor_mute, events_load, state_load, yaml_href } from "./load";
import { LEVEL_WORDS, type Happened } from "./monitors";

const HOUR_MS = 3600e3;

export function MonitorPage({ slug }: { slug: string }) {
  const [round, set_round] = useState(0);
  const again = () => set_round((n) => n + 1);
  const monitor = useLoad(`${project_name.value} ${slug}`, (signal) => monitor_load(slug, signal));
  const state = useLoad(`${project_name.value} ${slug} ${round} state`, (signal) => state_load(slug, signal));
  const events = useLoad(`${project_name.value} ${slug} ${round} events`, (signal) => events_load(slug, signal));
  useActs({ title: monitor.value?.title ?? "Monitor", statement: undefined, is_private: true, is_timeless: true });
  if (monitor.problem) return <Problem problem={monitor.problem} again={monitor.again} />;
  if (!monitor.value || !state.value) return <Waiting what="Reading the monitor" />;
  const { value } = monitor;
  const failed = (error: unknown) => toast(error instanceof Error ? error.message : String(error), true);
  const mute = (until: string | null) => monitor_mute(slug, until).then(again, failed);
  return (
    <div class="monitors">
      <header class="row monitors-head">
        <h1 class="told">{value.title}</h1>
        <span class="grow" />
        {can_share.value && (
          <>
            {state.value.muted_until ? (
              <button onClick={() => mute(null)}>Unmute</button>
            ) : (
              [1, 24].map((hours) => (
                <button key={hours} onClick={() => mute(new Date(Date.now() + hours * HOUR_MS).toISOString())}>
                  Mute {hours} h
                </button>
              ))
            )}
            <a class="button" href={href(project_path(`monitors/${slug}/edit`))}>
              Edit
            </a>
            <button onClick={() => window.confirm("Delete this monitor and its history?") && monitor_delete(slug).then(() => go(project_path("monitors")), failed)}>Delete</button>
          </>
        )}
        <a class="button" href={yaml_href(slug)}>
          YAML
        </a>
      </header>
      {value.description && <p class="soft told">{value.description}</p>}
      {state.value.broken_since && (
        <p class="monitor-broken told" role="alert">
          It cannot be evaluated since {show_time(from_iso(state.value.broken_since), 0, is_utc.value)}, because {state.value.broken_why}
        </p>
      )}
      {state.value.muted_until && <p class="soft">Muted until {show_time(from_iso(state.value.muted_until), 0, is_utc.value)}: nobody is told.</p>}
      <Dryness definition={value} label={value.title} />
      <h2>Groups</h2>
      {state.value.groups.length === 0 ? (
        <p class="soft">Not evaluated yet.</p>
      ) : (
        <ul class="monitor-list" aria-label="Groups">
          {state.value.groups.map((one) => (
            <li key={one.group}>
              <span class="monitor-status" data-mark={one.level}>
                {LEVEL_WORDS[one.level]}
              </span>
              <b class="told">{one.group || "All"}</b>
              <span class="soft">{one.since ? `since ${ago(one.since)}` : ""}</span>
            </li>
          ))}
        </ul>
      )}
      <h2>What happened</h2>
      <History events={events.value ?? []} />
    </div>
  );
}

function History({ events }: { events: readonly Happened[] }) {
  if (events.length === 0) return <p class="soft">Nothing yet.</p>;
  return (
    <ol class="monitor-list" aria-label="What happened">
      {events.map((one) => (
        <li key={`${one.at} ${one.group}`}>
          <span class="monitor-status" data-mark={one.to}>
            {LEVEL_WORDS[one.to]}
          </span>
          <span class="told">
            {one.group || "All"}
            <span class="soft">
              {one.value !== null && ` ${Number(one.value.toPrecision(5))}`}
              {one.is_quiet && ", nobody was told"}
            </span>
          </span>
          <span class="soft">{show_time(from_iso(one.at), 0, is_utc.value)}</span>
        </li>
      ))}
    </ol>
  );
}
