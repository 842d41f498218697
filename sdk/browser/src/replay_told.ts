/* What happens beside the document, as custom events of a recording: what the SDK tells Monoscope anyway, what the page writes to its
 * console, and clicks that come to nothing. */
import { listen, replace } from "./guard";
import { visible_scrub } from "./mask";
import type { TelemetryRecord } from "./otlp";
import { text_scrub } from "./scrub";

export type ConsoleLevel = "debug" | "log" | "info" | "warn" | "error";
export type Tell = (tag: string, payload: object) => void;

const CONSOLE_TEXT_MAX = 2048;
const CONSOLE_EACH_10_S = 100;
const BODY_MAX = 16_384;
const RAGE_CLICKS = 3, RAGE_MS = 1000, RAGE_PX = 30;
const SECRET_VALUE = /((?:pass(?:word|wd|code|phrase)?|pwd|secret|token|api[-_]?key|authorization|bearer|cookie|session|cvv|cvc|pin|otp)["']?\s*[=: ]\s*)("(?:[^"\\]|\\.)*"?|[^\s"',;}&]+)/gi;

/* As the player wants it: tag and payload; undefined: nothing to show. */
export function told_of(record: TelemetryRecord): [string, object] | undefined {
  const { attributes } = record;
  if (record.signal === "traces") {
    if (record.kind !== 3) return undefined;
    return ["network", {
      method: attributes["http.request.method"], url: attributes["url.full"], status: attributes["http.response.status_code"] ?? 0,
      start_ms: Math.round(record.start_ms), duration_ms: Math.round((record.end_ms - record.start_ms) * 10) / 10,
      request_bytes: attributes["http.request.body.size"], response_bytes: attributes["http.response.body.size"],
      trace_id: record.trace_id, span_id: record.span_id, request_body: body_of(record.bodies?.request_body), response_body: body_of(record.bodies?.response_body),
    }];
  }
  if (record.event === "exception") return ["error", { type: attributes["exception.type"], message: visible_scrub(String(attributes["exception.message"])), trace_id: record.within?.trace_id }];
  if (record.event === "browser.page_view") return ["navigation", { url: attributes["url.full"] }];
  if (record.event === "browser.web_vital") return ["vital", { name: attributes["browser.web_vital.name"], value: attributes["browser.web_vital.value"] }];
  if (record.event === "browser.long_task") return ["long_task", { start_ms: Math.round(record.at_ms), duration_ms: attributes["browser.long_task.duration"] }];
  return ["event", { name: record.event }];
}

/* Objects are told by the names of their members alone: what is in them is the page's affair. */
function word_of(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (Array.isArray(value)) return `Array(${value.length})`;
  if (typeof value === "object" && value !== null) return `{${Object.keys(value).slice(0, 20).join(", ")}}`;
  return String(value);
}

function secrets_scrub(text: string, max: number): string {
  return text_scrub(visible_scrub(text).replace(SECRET_VALUE, "$1REDACTED"), max);
}

function body_of(text: string | undefined): string | undefined {
  return text === undefined ? undefined : secrets_scrub(text, BODY_MAX);
}

export function console_text(values: readonly unknown[]): string {
  return secrets_scrub(values.slice(0, 20).map(word_of).join(" ").slice(0, CONSOLE_TEXT_MAX * 2), CONSOLE_TEXT_MAX);
}

export function console_watch(levels: readonly ConsoleLevel[], tell: Tell): () => void {
  let count = 0, begin_ms = 0, is_within = false;
  const ends = levels.map((level) =>
    replace(console, level, (original, is_over) => function (this: Console, ...values: unknown[]) {
      if (!is_over() && !is_within) {
        is_within = true;
        try {
          const now = Date.now();
          if (now - begin_ms > 10_000) (begin_ms = now), (count = 0);
          if (++count <= CONSOLE_EACH_10_S) tell("console", { level, text: console_text(values) });
        } catch {
          /* an object that throws when it is looked at */
        } finally {
          is_within = false;
        }
      }
      return original.apply(this, values);
    } as Console[ConsoleLevel]));
  return () => ends.forEach((end) => end());
}

/* Where an element is, without any text of the page. */
export function selector_of(element: Element): string {
  const parts: string[] = [];
  for (let at: Element | null = element; at && parts.length < 4; at = at.parentElement) {
    const id = /^[a-z][\w-]{0,40}$/i.test(at.id) && !/\d{4}/.test(at.id) ? `#${at.id}` : "";
    const name = [...at.classList].filter((one) => /^[a-z_][\w-]{0,30}$/i.test(one) && !/\d{4}/.test(one)).slice(0, 2);
    parts.unshift(at.localName + id + name.map((one) => `.${one}`).join(""));
    if (id) break;
  }
  return parts.join(" > ");
}

export function rage_watch(tell: Tell): () => void {
  let clicks: { at_ms: number; x: number; y: number }[] = [];
  return listen(document, "click", (event) => {
    const { clientX: x, clientY: y } = event as MouseEvent, at_ms = Date.now();
    clicks = clicks.filter((one) => at_ms - one.at_ms < RAGE_MS && Math.hypot(one.x - x, one.y - y) < RAGE_PX);
    clicks.push({ at_ms, x, y });
    if (clicks.length < RAGE_CLICKS) return;
    clicks = [];
    const target = event.composedPath()[0];
    if (target instanceof Element) tell("rage_click", { selector: selector_of(target) });
  }, { capture: true, passive: true });
}
