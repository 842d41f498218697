/* Requests of the page, by fetch and by XMLHttpRequest, as client spans (OpenTelemetry's HTTP conventions); the trace is handed on
 * to the page's own origin and to those that the settings name, by W3C traceparent. No other origin gets the header: it would make the
 * browser ask for leave first (CORS preflight), and tell strangers of us. Headers are not read, and bodies only for a recording, where
 * the page names their addresses (`replay.bodies`). */
import type { Core } from "./core";
import { fault, replace } from "./guard";
import { type SpanRecord, now_ms } from "./otlp";

type Matcher = string | RegExp;

export function is_matched(url: string, matchers: readonly Matcher[]): boolean {
  return matchers.some((matcher) => (typeof matcher === "string" ? url === matcher || url.startsWith(matcher.endsWith("/") ? matcher : `${matcher}/`) || url.startsWith(`${matcher}?`) : matcher.test(url)));
}

const BODY_MAX = 16_384;
const BODY_WAIT_MS = 5000; /* an answer that goes on and on is told without its body */

function size_of(body: unknown): number | undefined {
  if (typeof body === "string") return body.length < 65_536 ? new TextEncoder().encode(body).length : body.length;
  if (body instanceof URLSearchParams) return body.toString().length;
  return body instanceof Blob ? body.size : body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? body.byteLength : undefined;
}

class Request_ {
  readonly span: SpanRecord;
  readonly traceparent: string | undefined;
  readonly has_bodies: boolean;

  constructor(core: Core, method: string, url: URL, body: unknown) {
    const { isOn, bodies = [] } = core.settings.replay, bytes = size_of(body);
    this.has_bodies = isOn && is_matched(url.href, bodies);
    const verb = method.toUpperCase();
    this.span = core.span_begin(verb, 3, {
      "http.request.method": verb,
      "url.full": core.url(url.href),
      ...(bytes !== undefined && { "http.request.body.size": bytes }),
      "server.address": url.hostname,
      "server.port": Number(url.port) || (url.protocol === "https:" ? 443 : 80),
      "browser.page.url": core.url(location.href),
    });
    const is_ours = url.origin === location.origin || is_matched(url.origin, core.settings.propagateTo) || is_matched(url.href, core.settings.propagateTo);
    if (this.has_bodies && (typeof body === "string" || body instanceof URLSearchParams)) this.span.bodies = { request_body: String(body).slice(0, BODY_MAX) };
    this.traceparent = is_ours ? `00-${this.span.trace_id}-${this.span.span_id}-01` : undefined;
  }

  answer_body(text: string): void {
    this.span.bodies = { ...this.span.bodies, response_body: text.slice(0, BODY_MAX) };
  }

  /* The span ends when the answer began, and is told when its body is there. */
  async end_with_body(core: Core, answer: Response): Promise<void> {
    const at_ms = now_ms(), is_text = /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]*json|xml|x-www-form-urlencoded))/i.test(answer.headers.get("content-type") ?? "");
    if (is_text) {
      const late = new Promise<undefined>((done) => setTimeout(done, BODY_WAIT_MS));
      const text = await Promise.race([answer.clone().text().catch(() => undefined), late]);
      if (text !== undefined) this.answer_body(text);
    }
    this.end(core, answer.status, length_of(answer.headers.get("content-length")), undefined, undefined, at_ms);
  }

  /* failure: what the browser calls it. What the page itself gave up is no error. */
  end(core: Core, status: number, bytes: number | undefined, failure: string | undefined, words = failure, at_ms?: number): void {
    const { attributes } = this.span;
    if (status > 0) attributes["http.response.status_code"] = status;
    if (bytes !== undefined) attributes["http.response.body.size"] = bytes;
    if (failure !== undefined) attributes["error.type"] = failure;
    else if (status >= 400) attributes["error.type"] = String(status);
    if (attributes["error.type"] !== undefined && !/^abort/i.test(failure ?? "")) this.span.error = words ?? "";
    core.span_end(this.span, at_ms);
  }
}

/* undefined: not to be watched. */
function watched(core: Core, method: string, url: string, body: unknown): Request_ | undefined {
  if (!core.is_consented()) return undefined;
  const parsed = new URL(url, document.baseURI);
  if (!/^https?:$/.test(parsed.protocol)) return undefined;
  if (parsed.href.startsWith(`${core.settings.endpoint}/v1/`) || is_matched(parsed.href, core.settings.ignoreUrls)) return undefined;
  return new Request_(core, method, parsed, body);
}

function length_of(text: string | null): number | undefined {
  const length = text === null || text === "" ? NaN : Number(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

function failure_of(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : "Error";
}

export function fetch_watch(core: Core): () => void {
  return replace(window, "fetch", (original, is_over) => (input, init) => {
    let request: Request_ | undefined, more = init;
    try {
      if (!is_over()) {
        const is_request = input instanceof Request;
        request = watched(core, init?.method ?? (is_request ? input.method : "GET"), is_request ? input.url : String(input), init?.body);
        if (request?.traceparent) {
          const headers = new Headers(init?.headers ?? (is_request ? input.headers : undefined));
          if (!headers.has("traceparent")) headers.set("traceparent", request.traceparent);
          more = { ...init, headers };
        }
      }
    } catch (error) {
      fault(error); /* the page's own call fails as it would without us */
    }
    const answered = original.call(window, input, more);
    if (request) {
      const here = request;
      answered.then(
        (answer) => here.has_bodies ? here.end_with_body(core, answer) : here.end(core, answer.status, length_of(answer.headers.get("content-length")), undefined),
        (error: unknown) => here.end(core, 0, undefined, failure_of(error), error instanceof Error ? error.message : undefined),
      ).catch(fault);
    }
    return answered;
  });
}

export function xhr_watch(core: Core): () => void {
  const opened = new WeakMap<XMLHttpRequest, { method: string; url: string }>();
  const prototype = XMLHttpRequest.prototype;
  const open_end = replace(prototype, "open", (original, is_over) =>
    function (this: XMLHttpRequest, ...words: unknown[]) {
      if (!is_over()) opened.set(this, { method: String(words[0]), url: String(words[1]) });
      return (original as (...words: unknown[]) => void).apply(this, words);
    } as typeof prototype.open);
  const send_end = replace(prototype, "send", (original, is_over) =>
    function (this: XMLHttpRequest, body) {
      try {
        const what = is_over() ? undefined : opened.get(this);
        const request = what && watched(core, what.method, what.url, body);
        if (request) {
          if (request.traceparent) this.setRequestHeader("traceparent", request.traceparent);
          let failure: string | undefined;
          for (const name of ["error", "timeout", "abort"] as const) this.addEventListener(name, () => (failure = name), { once: true });
          this.addEventListener("loadend", () => {
            try {
              if (request.has_bodies && (this.responseType === "" || this.responseType === "text")) request.answer_body(this.responseText);
              request.end(core, this.status, this.status ? length_of(this.getResponseHeader("content-length")) : undefined, failure);
            } catch (error) {
              fault(error);
            }
          }, { once: true });
        }
      } catch (error) {
        fault(error);
      }
      return original.call(this, body);
    });
  return () => {
    open_end();
    send_end();
  };
}
