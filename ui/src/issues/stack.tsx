/* One event: its message, and the chain of what was thrown, frames of the program first seen, those of libraries folded. */
import { useState } from "preact/hooks";
import type { Schemas } from "../api/client";
import { is_utc } from "../frame/range";
import { copy } from "../frame/toast";
import { show_bytes } from "../number";
import { from_iso, show_time } from "../time";
import { change, param } from "../url";
import { counted, frame_runs, frame_words, LINK_WORDS, place_words, type Frame } from "./issues";

type Event = Schemas["ErrorEvent"];
const SHOWN = 20000;
const FRAMES = 60; /* of a run that are drawn at first */

export function StackOf({ event, has_two }: { event: Event; has_two: boolean }) {
  const is_raw = param("raw") === "1";
  if (!event)
    return (
      <section class="issue-stack">
        <h2>Stack trace</h2>
        <p class="soft">No event of it is kept any more: they are past their retention, or were deleted.</p>
      </section>
    );
  const is_first = param("event") === "first";
  return (
    <section class="issue-stack" aria-label="Stack trace">
      <header class="row">
        <h2>Stack trace</h2>
        {has_two && (
          <span class="row" role="group" aria-label="Of which event">
            <button aria-pressed={!is_first} onClick={() => change({ event: null }, true)}>
              Latest
            </button>
            <button aria-pressed={is_first} onClick={() => change({ event: "first" }, true)}>
              First
            </button>
          </span>
        )}
        <span class="soft">
          {event.timestamp && show_time(from_iso(event.timestamp), 3, is_utc.value)}
          {event.release && ` · ${event.release.slice(0, 60)}`}
          {event.environment && ` · ${event.environment.slice(0, 60)}`}
        </span>
        <span class="grow" />
        <button aria-pressed={is_raw} onClick={() => change({ raw: is_raw ? null : "1" }, true)}>
          As sent
        </button>
        <button onClick={() => void copy(event.stacktrace || `${event.type}: ${event.message}`, "stack trace")}>Copy</button>
      </header>
      {is_raw ? (
        <>
          <pre class="told stack" tabIndex={0}>
            {event.stacktrace.slice(0, SHOWN * 4) || `${event.type}: ${event.message}`}
          </pre>
          {event.stacktrace_left_out > 0 && <p class="soft">{show_bytes(event.stacktrace_left_out)} in its middle are left out.</p>}
        </>
      ) : event.exceptions.length > 0 ? (
        event.exceptions.map((one, at) => <Thrown key={at} thrown={one} />)
      ) : (
        <div class="thrown">
          <h3 class="told">{event.type || event.place || "error"}</h3>
          {event.message && <p class="told thrown-message" tabIndex={0}>{event.message.slice(0, SHOWN)}</p>}
          <p class="soft">{event.place ? "The span failed without an exception." : "It was sent without a stack trace."}</p>
        </div>
      )}
    </section>
  );
}

function Thrown({ thrown }: { thrown: Schemas["ErrorException"] }) {
  const runs = frame_runs(thrown.frames);
  const first = thrown.frames.find((frame) => frame.in_app && frame.context);
  return (
    <div class="thrown">
      {thrown.link !== "first" && <p class="thrown-link soft">{LINK_WORDS[thrown.link]}</p>}
      <h3 class="told">{thrown.type || "error"}</h3>
      {thrown.message && <p class="told thrown-message" tabIndex={0}>{thrown.message.length > SHOWN ? `${thrown.message.slice(0, SHOWN)} … (${thrown.message.length} characters)` : thrown.message}</p>}
      <ol class="frames">
        {runs.map((run, at) => (run.is_app ? <Frames key={at} frames={run.frames} first={first} /> : <Folded key={at} frames={run.frames} />))}
        {thrown.frames_left_out > 0 && <li class="soft frames-fold">{counted(thrown.frames_left_out, "more frame")}</li>}
      </ol>
    </div>
  );
}

function Folded({ frames }: { frames: readonly Frame[] }) {
  const [is_open, open] = useState(false);
  return (
    <>
      <li class="frames-fold">
        <button class="plain" aria-expanded={is_open} onClick={() => open(!is_open)}>
          <span aria-hidden="true">{is_open ? "▾" : "▸"}</span> {counted(frames.length, "frame")} of libraries
        </button>
      </li>
      {is_open && <Frames frames={frames} />}
    </>
  );
}

function Frames({ frames, first }: { frames: readonly Frame[]; first?: Frame | undefined }) {
  const [is_whole, show] = useState(false);
  return (
    <>
      {(is_whole ? frames : frames.slice(0, FRAMES)).map((frame, at) => (
        <OneFrame key={at} frame={frame} is_open={frame === first} />
      ))}
      {!is_whole && frames.length > FRAMES && (
        <li class="frames-fold">
          <button class="plain" onClick={() => show(true)}>
            {frames.length - FRAMES} more
          </button>
        </li>
      )}
    </>
  );
}

function OneFrame({ frame, is_open }: { frame: Frame; is_open: boolean }) {
  const [is_shown, show] = useState(is_open);
  const { context } = frame;
  const words = (
    <>
      <b class="told">{frame_words(frame).slice(0, 300)}</b> <span class="soft told">{place_words(frame).slice(0, 300)}</span>
    </>
  );
  return (
    <li class={frame.in_app ? "frame-line in-app" : "frame-line"}>
      {context ? (
        <button class="plain frame-name" aria-expanded={is_shown} onClick={() => show(!is_shown)}>
          <span aria-hidden="true">{is_shown ? "▾" : "▸"}</span>
          <span class="frame-words">{words}</span>
        </button>
      ) : (
        <span class="frame-name frame-words">{words}</span>
      )}
      {context && is_shown && (
        <pre class="source told" tabIndex={0} aria-label="Source">
          {context.lines.map((line, at) => (
            <span key={at} class={context.line + at === frame.line ? "source-line here" : "source-line"}>
              <span class="source-number" aria-hidden="true">
                {context.line + at}
              </span>
              {line.slice(0, 400)}
            </span>
          ))}
        </pre>
      )}
    </li>
  );
}
