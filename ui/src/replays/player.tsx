/* One session: replays/SESSION?tab=&at=&side=. at: milliseconds since its beginning, or of the clock. */
import { useEffect, useRef, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_utc } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { copy, toast } from "../frame/toast";
import { useKeys } from "../keys";
import { can_share } from "../session";
import { when } from "../settings/load";
import { from_iso, show_clock, show_duration } from "../time";
import { change, go, href, param, project_name, project_path } from "../url";
import { DeleteSheet } from "./delete";
import { load_beside, load_session, type SessionDetail } from "./load";
import { Side } from "./side";
import { backend_words, browser_of, clock, moment, present, type Mark } from "./shape";
import { Stage, type Size } from "./stage";
import { Timeline } from "./timeline";
import { tab_of, tabs_of, useRecording } from "./use_recording";

const SPEEDS = [0.5, 1, 2, 4, 8];
const STEP_MS = 5000, TICK_MS = 100;
const ASKED_ANEW_MAX = 3;

export function PlayerPage({ session }: { session: string }) {
  const loaded = useLoad(`${project_name.value} ${session}`, (signal) => load_session(session, signal));
  const from_us = loaded.value ? from_iso(loaded.value.from) : 0;
  useActs({ title: `Replay ${session}`, statement: undefined, is_private: true, is_timeless: true, ...(loaded.value ? { of_time: { from_us, to_us: from_iso(loaded.value.to) } } : {}) });
  if (loaded.problem?.status === 404)
    return (
      <Empty title="There is no recording of this session">
        <p class="soft">It was not recorded, it is deleted, past its retention, or it has just begun: what a page sends is here about a minute later.</p>
        <div class="row">
          <button class="primary" onClick={loaded.again}>
            Look again
          </button>
          <a class="button" href={href(project_path("replays"))}>
            All sessions
          </a>
        </div>
      </Empty>
    );
  if (loaded.problem) return <Problem problem={loaded.problem} again={loaded.again} />;
  if (!loaded.value) return <Waiting what="Reading the session" />;
  return <Player detail={loaded.value} again={loaded.again} />;
}

function Player({ detail, again }: { detail: SessionDetail; again: () => void }) {
  const tab = tab_of(detail, param("tab"), param("at"));
  const recording = useRecording(detail, tab);
  const { shaped } = recording;
  const beside = useLoad(`${project_name.value} ${detail.session} beside`, (signal) => load_beside(detail, signal));
  const session_ms = from_iso(detail.from) / 1e3;
  const from_ms = Number.isFinite(shaped.from_ms) ? shaped.from_ms : session_ms;
  const to_ms = Math.max(shaped.to_ms, from_ms + 1, recording.loaded < recording.of ? from_iso(detail.to) / 1e3 : 0);
  const box = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLIFrameElement>(null);
  const stage = useRef<Stage | undefined>(undefined);
  const size = useRef<Size | undefined>(undefined);
  const [is_framed, set_framed] = useState(false);
  const [now_ms, set_now] = useState(0);
  const [is_playing, set_playing] = useState(false);
  const [speed, set_speed] = useState(1);
  const [is_skipping, set_skipping] = useState(true);
  const [is_doomed, doom] = useState(false);
  const wanted = useRef(moment(param("at"), session_ms)); /* a moment that has not come yet */

  /* Small segments become large ones meanwhile: their names are asked for anew. */
  const asked_anew = useRef(0);
  useEffect(() => {
    if (recording.problem?.status === 404 && asked_anew.current++ < ASKED_ANEW_MAX) again();
  }, [recording.problem]);
  const fit = () => {
    const wrapper = frame.current?.contentDocument?.querySelector<HTMLElement>(".replayer-wrapper");
    if (!wrapper || !size.current || !box.current) return;
    const { width, height } = size.current;
    const part = Math.min(box.current.clientWidth / width, box.current.clientHeight / height, 1.5);
    wrapper.style.transform = `translate(${Math.max(0, (box.current.clientWidth - width * part) / 2)}px, 0) scale(${part})`;
  };
  useEffect(() => {
    if (!is_framed || !frame.current) return;
    const mine = new Stage(
      frame.current,
      (next) => {
        size.current = next;
        fit();
      },
      () => set_playing(false),
    );
    stage.current = mine;
    const watch = new ResizeObserver(fit);
    if (box.current) watch.observe(box.current);
    return () => {
      watch.disconnect();
      mine.end();
      stage.current = undefined;
    };
  }, [is_framed, tab]);
  useEffect(() => {
    const mine = stage.current;
    if (!mine || shaped.stage.length < 2) return;
    const was_ready = mine.is_ready;
    mine.events_set(shaped.stage);
    const target = wanted.current;
    if (target !== undefined && (target <= shaped.to_ms || recording.loaded === recording.of)) {
      const show = () => {
        wanted.current = undefined;
        seek(Math.min(target, shaped.to_ms), false);
      };
      const timer = setTimeout(show, 0); /* rrweb takes events that are added in a task of its own */
      return () => clearTimeout(timer);
    }
    if (!was_ready && target === undefined) seek(shaped.seen_ms, false);
    fit();
    return undefined;
  }, [shaped, is_framed]);
  useEffect(() => stage.current?.set(speed, is_skipping), [speed, is_skipping, is_framed, shaped]);
  useEffect(() => {
    if (!is_playing) return;
    const timer = setInterval(() => set_now(stage.current?.now_ms() ?? 0), TICK_MS);
    return () => clearInterval(timer);
  }, [is_playing]);

  const seek = (at_ms: number, keeps_playing = is_playing) => {
    const at = Math.max(from_ms, Math.min(at_ms, to_ms));
    stage.current?.seek(at, keeps_playing);
    set_now(at);
    set_playing(keeps_playing && !!stage.current?.is_ready);
  };
  const person_seek = (at_ms: number) => {
    wanted.current = at_ms > shaped.to_ms ? at_ms : undefined;
    seek(at_ms);
    change({ at: String(Math.round(Math.max(0, at_ms - session_ms))) }, true);
  };
  const turn = () => {
    const next = !is_playing;
    const at = next && now_ms >= to_ms - 50 ? shaped.seen_ms : now_ms;
    stage.current?.seek(at, next);
    set_playing(next && !!stage.current?.is_ready);
    if (!next) change({ at: String(Math.round(at - session_ms)), ...(param("tab") ? {} : { tab }) }, true);
  };
  const step_mark = (by: number, is_meant: (mark: Mark) => boolean) => {
    const list = shaped.marks.filter(is_meant);
    const here = by > 0 ? present(list, now_ms + 1) + 1 : present(list, now_ms - 1);
    const found = list[here];
    if (found) person_seek(found.at_ms);
  };
  const step_speed = (by: number) => set_speed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(speed) + by))] ?? 1);
  const is_wrong = (mark: Mark) => mark.kind === "error" || mark.kind === "rage_click";
  useKeys([
    { keys: " ", text: "Play or pause", group: "Replay", run: turn },
    { keys: "arrowleft", text: "5 s back", group: "Replay", run: () => person_seek(now_ms - STEP_MS) },
    { keys: "arrowright", text: "5 s on", group: "Replay", run: () => person_seek(now_ms + STEP_MS) },
    { keys: "j", text: "Event before", group: "Replay", run: () => step_mark(-1, () => true) },
    { keys: "l", text: "Next event", group: "Replay", run: () => step_mark(1, () => true) },
    { keys: "[", text: "Error or rage click before", group: "Replay", run: () => step_mark(-1, is_wrong) },
    { keys: "]", text: "Next error or rage click", group: "Replay", run: () => step_mark(1, is_wrong) },
    { keys: "<", text: "Slower", group: "Replay", run: () => step_speed(-1) },
    { keys: ">", text: "Faster", group: "Replay", run: () => step_speed(1) },
  ]);
  const copy_link = () => {
    const link = href(project_path(`replays/${encodeURIComponent(detail.session)}`), { tab, at: String(Math.round(now_ms - session_ms)) });
    void copy(window.location.origin + link, "link");
  };
  const who = detail.user.name || detail.user.email || detail.user.id || "somebody";
  const hole = shaped.holes.find((one) => one.from_ms <= now_ms && now_ms < one.to_ms);
  const is_blank = recording.loaded === recording.of && !Number.isFinite(shaped.seen_ms);
  const tabs = tabs_of(detail);
  return (
    <div class="player">
      <header class="player-head">
        <a href={href(project_path("replays"))}>Replays</a>
        <h1 class="told ellipsis">{who}</h1>
        <span class="soft">
          {when(detail.from)} · {show_duration((from_iso(detail.to) - from_iso(detail.from)) * 1e3)} · {browser_of(detail.user_agent)}
        </span>
        {detail.backend.spans > 0 && (
          <span class={`told player-backend ${detail.backend.errors > 0 ? "error-text" : "soft"}`}>
            {detail.backend.traces[0] ? <a href={href(project_path(`trace/${detail.backend.traces[0]}`))}>{backend_words(detail.backend)}</a> : backend_words(detail.backend)}
          </span>
        )}
        {detail.is_masked && <span class="soft player-masked" title="A setting of the project: from which role on texts are shown">texts are masked for your role</span>}
        <span class="grow" />
        {tabs.length > 1 && (
          <select
            aria-label="Tab"
            value={tab}
            onChange={(event) => {
              wanted.current = now_ms;
              set_playing(false);
              change({ tab: event.currentTarget.value });
            }}
          >
            {tabs.map((one, at) => (
              <option key={one} value={one}>{`Tab ${at + 1}`}</option>
            ))}
          </select>
        )}
        <button onClick={copy_link}>Copy link</button>
        {can_share.value && <button onClick={() => doom(true)}>Delete …</button>}
      </header>
      <div class="player-main">
        <section class="player-picture" aria-label="Recording">
          <div class="player-stage" ref={box} data-shown={stage.current?.is_ready && now_ms > 0 ? "yes" : "no"}>
            <iframe ref={frame} title="What the page showed" src="/replay/stage.html" sandbox="allow-same-origin" tabIndex={-1} onLoad={() => set_framed(true)} />
            {recording.problem ? (
              <div class="player-over">
                <Problem problem={recording.problem} again={again} />
              </div>
            ) : is_blank ? (
              <div class="player-over">
                <Empty title="There is no picture of this tab">
                  <p class="soft">{shaped.stage.length === 0 && shaped.marks.length === 0 ? "Nothing of it has come." : "Its first snapshot has not come, and changes alone show nothing. What happened stands beside."}</p>
                </Empty>
              </div>
            ) : now_ms === 0 ? (
              <div class="player-over">
                <Waiting what="Reading the recording" />
              </div>
            ) : now_ms < shaped.seen_ms ? (
              <p class="player-hole">The first snapshot is of {show_clock(shaped.seen_ms * 1e3, 0, is_utc.value)}: before it there is nothing to show.</p>
            ) : (
              hole && (
                <p class="player-hole" role="status">
                  Nothing was received from {show_clock(hole.from_ms * 1e3, 0, is_utc.value)} to {show_clock(hole.to_ms * 1e3, 0, is_utc.value)}, because {hole.why}.
                </p>
              )
            )}
          </div>
          <Timeline shaped={shaped} beside={beside.value ?? []} from_ms={from_ms} to_ms={to_ms} now_ms={now_ms} onSeek={person_seek} />
          <div class="player-tools">
            <button class="primary" onClick={turn} aria-keyshortcuts="Space">
              {is_playing ? "Pause" : "Play"}
            </button>
            <span class="player-clock">
              {clock(now_ms - from_ms)} / {clock(to_ms - from_ms)}
            </span>
            <select aria-label="Speed" value={String(speed)} onChange={(event) => set_speed(Number(event.currentTarget.value))}>
              {SPEEDS.map((one) => (
                <option key={one} value={String(one)}>
                  {one}×
                </option>
              ))}
            </select>
            <label class="row">
              <input type="checkbox" checked={is_skipping} onChange={(event) => set_skipping(event.currentTarget.checked)} /> Skip inactivity
            </label>
            <span class="grow" />
            <span class="soft" role="status">
              {recording.loaded < recording.of && !recording.problem && `${recording.loaded} of ${recording.of} parts are here`}
            </span>
          </div>
        </section>
        <Side shaped={shaped} beside={beside} from_ms={from_ms} now_ms={now_ms} onSeek={person_seek} />
      </div>
      {is_doomed && (
        <DeleteSheet
          of={{ session: detail.session }}
          onClose={() => doom(false)}
          onDone={() => {
            toast("the session is deleted");
            go(project_path("replays"));
          }}
        />
      )}
    </div>
  );
}
