/* What a page calls.
 *
 *   import { start } from "@monoscope/browser";
 *   const monoscope = start({ endpoint: "https://monoscope.example:4318", key: "...", service: "shop-page" });
 *   monoscope.identify({ id: "42" });
 *
 * Nothing here throws; what is wrong with the settings is told on the console, and then nothing is watched. */
import { Core } from "./core";
import { Errors } from "./errors";
import { fault, listen, safe } from "./guard";
import { fetch_watch, xhr_watch } from "./network";
import { type Options, type ReplayOptions, settings_of } from "./options";
import type { Attributes, SpanRecord } from "./otlp";
import { pages_watch } from "./pages";
import { long_tasks_watch, vitals_watch } from "./vitals";

export type { Options, ReplayOptions };

export interface User {
  id?: string;
  name?: string;
  email?: string;
}

export interface Span {
  set(attributes: Attributes): void;
  /* Calls run; requests that it begins at once belong to this span. */
  within<T>(run: () => T): T;
  end(error?: unknown): void;
}

export interface Monoscope {
  readonly sessionId: string;
  span(name: string, attributes?: Attributes): Span;
  event(name: string, attributes?: Attributes): void;
  error(thrown: unknown): void;
  /* Of whom the page knows that it is them; {} forgets. */
  identify(user: User): void;
  consent(may: boolean): void;
  /* Recording: begins whatever the share says; ends. */
  startReplay(): void;
  stopReplay(): void;
  flush(): Promise<void>;
  stop(): void;
}

const NO_SPAN: Span = { set: () => undefined, within: (run) => run(), end: () => undefined };
const NOTHING: Monoscope = {
  sessionId: "", span: () => NO_SPAN, event: () => undefined, error: () => undefined, identify: () => undefined, consent: () => undefined, startReplay: () => undefined, stopReplay: () => undefined,
  flush: () => Promise.resolve(), stop: () => undefined,
};

let running: Monoscope | undefined;

function span_make(core: Core, errors: Errors, name: string, attributes: Attributes): Span {
  const span: SpanRecord = core.span_begin(name, 1, { ...attributes });
  let is_over = false;
  return {
    set: safe((more: Attributes) => void Object.assign(span.attributes, more)),
    within: (run) => core.within(span, run),
    end: safe((error?: unknown) => {
      if (is_over) return;
      is_over = true;
      if (error !== undefined && error !== null) {
        span.error = error instanceof Error ? error.message : String(error);
        span.attributes["error.type"] = error instanceof Error ? error.name : typeof error;
        core.within(span, () => errors.tell(error, true));
      }
      core.span_end(span);
    }),
  };
}

function begin(options: Options): Monoscope {
  const core = new Core(settings_of(options)), errors = new Errors(core);
  const act = () => core.act();
  const leave = (is_last: boolean) => core.replay.leave(core.sender.leave(), is_last);
  const ends = [
    errors.watch(),
    fetch_watch(core),
    xhr_watch(core),
    pages_watch(core),
    vitals_watch(core),
    long_tasks_watch(core),
    ...["pointerdown", "keydown", "scroll"].map((name) => listen(window, name, act, { capture: true, passive: true })),
    listen(document, "visibilitychange", () => document.visibilityState === "hidden" && leave(false)),
    listen(window, "pagehide", () => leave(true)),
    listen(document, "freeze", () => leave(false)),
  ];
  core.replay.tend();
  return {
    get sessionId() {
      return core.session_id;
    },
    span: (name, attributes = {}) => {
      try {
        return span_make(core, errors, String(name), attributes);
      } catch (error) {
        fault(error);
        return NO_SPAN;
      }
    },
    event: safe((name: string, attributes: Attributes = {}) => core.event(String(name), String(name), attributes)),
    error: safe((thrown: unknown) => errors.tell(thrown, true)),
    identify: safe((user: User) => core.identify({ "user.id": user.id, "user.name": user.name, "user.email": user.email })),
    consent: safe((may: boolean) => core.consent(may)),
    startReplay: safe(() => core.replay.start()),
    stopReplay: safe(() => core.replay.stop()),
    flush: () => Promise.all([core.sender.flush(), core.replay.flush()]).then(() => undefined, fault),
    stop: safe(() => {
      if (running === undefined) return;
      running = undefined;
      core.replay.stop();
      for (const end of ends) end();
      core.sender.flush().catch(fault).finally(() => core.sender.end());
    }),
  };
}

/* One at a time: a second call answers with the first one's until it is stopped. */
export function start(options: Options): Monoscope {
  if (running) return running;
  try {
    running = begin(options);
    return running;
  } catch (error) {
    console.warn("monoscope: not started:", error instanceof Error ? error.message : error);
    return NOTHING;
  }
}
