/* One incident: what it is made of, what happened, whom it was told to; what one does about it. */
import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { useKeys } from "../keys";
import { may } from "../settings/access";
import { ago, one_unit } from "../settings/ago";
import { failed, path_of, role_here, when } from "../settings/load";
import { Cards } from "../settings/parts";
import { from_iso, now_us, show_time } from "../time";
import { is_utc } from "../frame/range";
import { href, project_name, project_path } from "../url";
import { CausesOfFinding } from "../findings/causes_list";
import { event_words, first_finding, lasted_us, type Incident, type IncidentDetail } from "./incidents";
import { Mark, StateWord } from "./mark";

const READ_MS = 10000;

export function IncidentPage({ number }: { number: number }) {
  const [round, set_round] = useState(0);
  const read = useLoad(`${project_name.value} ${number} ${round}`, (signal) => api<IncidentDetail>(path_of(`/incidents/${number}`), { signal }));
  useActs({ title: `Incident #${number}`, statement: undefined, is_private: true });
  useEffect(() => {
    const timer = setInterval(() => set_round((n) => n + 1), READ_MS);
    return () => clearInterval(timer);
  }, []);
  if (read.problem && !read.value) return <Problem problem={read.problem} again={read.again} />;
  if (!read.value) return <Waiting what="Reading the incident" />;
  const { incident, signals, events, deliveries } = read.value;
  const again = () => set_round((n) => n + 1);
  const finding = first_finding(signals);
  return (
    <article class="incident" aria-label={`Incident ${number}`}>
      <header>
        <div class="row">
          <Mark severity={incident.state === "resolved" ? incident.worst : incident.severity} />
          <span class="soft">#{incident.number}</span>
          <StateWord incident={incident} />
        </div>
        <h1 class="told">{incident.title}</h1>
        <p class="soft">
          {incident.service && <span class="told">{incident.service}, </span>}
          {incident.environment && <span class="told">{incident.environment}, </span>}
          since <span title={when(incident.first_at)}>{ago(incident.first_at)}</span>
          {incident.ended_at && <>, for {one_unit(lasted_us(incident, from_iso, now_us()))}</>}
          {incident.episode > 1 && <>, opened {incident.episode} times</>}
          {incident.muted_until && <>, muted until {when(incident.muted_until)}</>}
          {incident.is_quiet && <>, quiet: nobody is told</>}
        </p>
        <Acts incident={incident} onDone={again} />
      </header>
      <section aria-labelledby="signals-head">
        <h2 id="signals-head">What goes on</h2>
        <Cards label="Signals" heads={["How bad", "What", "Service", "Since", "Until"]}>
          {signals.map((one) => (
            <tr key={`${one.source} ${one.key}`}>
              <td data-of="How bad">
                <Mark severity={one.severity} />
              </td>
              <td data-of="What">
                {one.path ? (
                  <a class="told" href={href(project_path(one.path))}>
                    {one.title}
                  </a>
                ) : (
                  <b class="told">{one.title}</b>
                )}
                {one.text && <p class="soft told incident-text">{one.text}</p>}
              </td>
              <td data-of="Service">
                <span class="told">{[one.service, one.endpoint].filter(Boolean).join(" ") || "-"}</span>
              </td>
              <td data-of="Since" title={when(one.started_at)}>
                {ago(one.started_at)}
              </td>
              <td data-of="Until">{one.ended_at ? <span title={when(one.ended_at)}>{ago(one.ended_at)}</span> : "goes on"}</td>
            </tr>
          ))}
        </Cards>
      </section>
      {finding > 0 && <CausesOfFinding number={finding} round={round} />}
      <section aria-labelledby="timeline-head">
        <h2 id="timeline-head">Timeline</h2>
        <Timeline events={events} />
        {may(role_here.value, "CONTENT_WRITE") && <Note number={number} onDone={again} />}
      </section>
      <section aria-labelledby="told-head">
        <h2 id="told-head">Who was told</h2>
        {deliveries.length === 0 ? (
          <p class="soft">
            Nobody: no channel takes what is {incident.worst}. <a href={href(project_path("settings/channels"))}>Channels</a>
          </p>
        ) : (
          <Cards label="Deliveries" heads={["Channel", "What", "State", "When"]}>
            {deliveries.map((one) => (
              <tr key={one.id}>
                <td data-of="Channel">
                  <a class="told" href={href(project_path("settings/channels"), { log: String(one.channel_id) })}>
                    {one.channel}
                  </a>
                </td>
                <td data-of="What" class="told">
                  {one.title}
                </td>
                <td data-of="State">
                  {one.state}
                  {one.attempts > 1 && ` after ${one.attempts} tries`}
                  {one.why && <span class="error-text told"> {one.why}</span>}
                </td>
                <td data-of="When" title={when(one.created_at)}>
                  {ago(one.created_at)}
                </td>
              </tr>
            ))}
          </Cards>
        )}
      </section>
    </article>
  );
}

function Timeline({ events }: { events: IncidentDetail["events"] }) {
  const show = (us: number) => show_time(us, 0, is_utc.value);
  return (
    <ol class="incident-timeline">
      {events.map((one, at) => {
        const { words, about } = event_words(one, show);
        return (
          <li key={at} data-what={one.what}>
            <span class="soft">{show(from_iso(one.at))}</span>
            <span class="told">
              {one.actor && <b>{one.actor}</b>} {words}
              {about && <span class="soft incident-text">: {about}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Acts({ incident, onDone }: { incident: Incident; onDone: () => void }) {
  const [is_busy, busy] = useState(false);
  const can = may(role_here.value, "CONTENT_WRITE");
  const act = async (body: Record<string, string>, words: string) => {
    if (is_busy) return;
    busy(true);
    try {
      await api(path_of(`/incidents/${incident.number}`), { method: "PATCH", body });
      toast(words);
    } catch (error) {
      failed(error);
    }
    busy(false);
    onDone();
  };
  const acknowledge = () => void act({ act: "acknowledge" }, "You have it in hand; reminders end");
  const resolve = () => void act({ act: "resolve" }, `#${incident.number} is resolved`);
  const mute = () => void act({ act: "mute", until: new Date(Date.now() + 3600e3).toISOString() }, "Nobody is told for an hour");
  useKeys(
    [
      { keys: "a", text: "Acknowledge", group: "Incident", run: acknowledge },
      { keys: "e", text: "Resolve", group: "Incident", run: resolve },
      { keys: "m", text: "Mute for an hour", group: "Incident", run: mute },
    ],
    can && incident.state !== "resolved",
  );
  if (!can) return null;
  return (
    <div class="row" role="group" aria-label="What to do">
      {incident.state === "open" && (
        <button class="primary" disabled={is_busy} onClick={acknowledge}>
          Acknowledge
        </button>
      )}
      {incident.state !== "resolved" ? (
        <>
          <button disabled={is_busy} onClick={resolve}>
            Resolve
          </button>
          {incident.muted_until ? (
            <button disabled={is_busy} onClick={() => void act({ act: "unmute" }, "People are told again")}>
              End the mute
            </button>
          ) : (
            <button disabled={is_busy} onClick={mute}>
              Mute for an hour
            </button>
          )}
        </>
      ) : (
        <button disabled={is_busy} onClick={() => void act({ act: "reopen" }, `#${incident.number} is open again`)}>
          Open again
        </button>
      )}
    </div>
  );
}

function Note({ number, onDone }: { number: number; onDone: () => void }) {
  const [text, set_text] = useState("");
  const add = async (event: Event) => {
    event.preventDefault();
    try {
      await api(path_of(`/incidents/${number}`), { method: "PATCH", body: { act: "note", note: text.trim() } });
      set_text("");
      onDone();
    } catch (error) {
      failed(error);
    }
  };
  return (
    <form class="incident-note" onSubmit={(event) => void add(event)}>
      <textarea aria-label="Note" rows={2} maxLength={2000} placeholder="What you found, what you did" value={text} onInput={(event) => set_text(event.currentTarget.value)} />
      <button disabled={!text.trim()}>Add the note</button>
    </form>
  );
}
