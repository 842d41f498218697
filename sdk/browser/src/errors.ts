/* What breaks: uncaught errors, rejected promises, and what the page hands in. Each is a log record of severity ERROR with OpenTelemetry's
 * exception attributes, so that Monoscope groups it, with source maps where it has them. A loop of the same error is cut: ten a minute. */
import type { Core } from "./core";
import { listen } from "./guard";
import { text_scrub } from "./scrub";

const SAME_MAX = 10;
const SAME_MS = 60_000;
const STACK_MAX = 32_768;

interface Said {
  type: string;
  message: string;
  stack: string | undefined;
}

export function error_read(thrown: unknown, depth = 0): Said {
  if (thrown instanceof Error || (typeof DOMException !== "undefined" && thrown instanceof DOMException)) {
    const cause: unknown = "cause" in thrown ? thrown.cause : undefined;
    let stack = typeof thrown.stack === "string" ? thrown.stack : undefined;
    if (stack !== undefined && cause instanceof Error && depth < 5) stack += `\nCaused by: ${error_read(cause, depth + 1).stack ?? String(cause)}`;
    return { type: thrown.name || "Error", message: String(thrown.message), stack };
  }
  if (typeof thrown === "object" && thrown !== null) {
    const { name, message, stack } = thrown as { name?: unknown; message?: unknown; stack?: unknown };
    return { type: typeof name === "string" ? name : "Object", message: typeof message === "string" ? message : Object.prototype.toString.call(thrown), stack: typeof stack === "string" ? stack : undefined };
  }
  return { type: typeof thrown, message: String(thrown), stack: undefined };
}

export class Errors {
  private said = new Map<string, { count: number; begin_ms: number }>();
  private told = new WeakSet<object>();

  constructor(private readonly core: Core) {}

  tell(thrown: unknown, is_handled: boolean, place?: string): void {
    if (typeof thrown === "object" && thrown !== null) {
      if (this.told.has(thrown)) return;
      this.told.add(thrown);
    }
    const { type, message, stack } = error_read(thrown);
    const key = `${type} ${message} ${stack?.slice(0, 300) ?? place ?? ""}`, now = Date.now();
    let same = this.said.get(key);
    if (!same || now - same.begin_ms > SAME_MS) {
      if (this.said.size > 100) this.said.clear();
      this.said.set(key, (same = { count: 0, begin_ms: now }));
    }
    if (++same.count > SAME_MAX) return;
    const words = text_scrub(message, 4096);
    this.core.event("exception", words, {
      "exception.type": type,
      "exception.message": words,
      "exception.stacktrace": text_scrub(stack ?? (place ? `${type}: ${message}\n    at ${place}` : ""), STACK_MAX) || undefined,
      "exception.escaped": !is_handled,
    }, 17);
  }

  watch(): () => void {
    const ends = [
      listen(window, "error", (event) => {
        if (!(event instanceof ErrorEvent)) return; /* a picture or a script that did not load: no exception */
        const place = event.filename ? `${event.filename}:${event.lineno}:${event.colno}` : undefined;
        if (event.error === undefined || event.error === null) this.tell({ name: "Error", message: event.message }, false, place);
        else this.tell(event.error, false, place);
      }, { capture: true }),
      listen(window, "unhandledrejection", (event) => this.tell((event as PromiseRejectionEvent).reason, false)),
    ];
    return () => ends.forEach((end) => end());
  }
}
