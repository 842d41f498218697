/* What all parts of the SDK share: who is here, whether anything may be sent, and where it goes.
 *
 *   network, errors, vitals, pages --span_end, event--> core --kept? --> sender
 *                                       |                '- a session that is not sampled: a ring of the last minute, sent when an error comes
 *                                       '--told--> replay: the same, in the recording of what the page showed
 */
import { safe } from "./guard";
import { id_make, share_of } from "./id";
import { type Attributes, type Link, type LogRecord, type SpanRecord, type TelemetryRecord, type Value, now_ms } from "./otlp";
import type { Settings } from "./options";
import { ReplayWatch } from "./replay_watch";
import { Sender } from "./send";
import { type Session, Visit } from "./session";
import { text_scrub, url_scrub } from "./scrub";

export const VERSION = "0.1.0";
const RING_MS = 60_000;
const RING_RECORDS = 300;
const TEXT_MAX = 8192;

export class Core {
  readonly sender: Sender;
  readonly replay: ReplayWatch;
  private readonly visit: Visit;
  private user: Attributes = {};
  private ring: TelemetryRecord[] = [];
  private has_error = false; /* in this session: from then on all of it is sent */
  private may: boolean;
  private active: SpanRecord | undefined;
  readonly fetch: typeof fetch;

  constructor(readonly settings: Settings) {
    this.fetch = window.fetch.bind(window);
    this.may = settings.consent;
    this.visit = new Visit(() => {
      this.has_error = false;
      this.ring = [];
      queueMicrotask(safe(() => this.replay.renewed()));
    });
    this.sender = new Sender({ endpoint: settings.endpoint, key: settings.key, version: VERSION, fetch: this.fetch, resource: () => this.resource() });
    this.replay = new ReplayWatch(this);
  }

  get session_id(): string {
    return this.may ? this.visit.current(false).id : "";
  }

  private resource(): Attributes {
    const { service, version, environment, attributes } = this.settings;
    const brands = (navigator as { userAgentData?: { brands?: { brand: string; version: string }[]; mobile?: boolean; platform?: string } }).userAgentData;
    return {
      "service.name": service,
      "service.version": version,
      "deployment.environment.name": environment,
      "telemetry.sdk.name": "monoscope-browser",
      "telemetry.sdk.language": "webjs",
      "telemetry.sdk.version": VERSION,
      "user_agent.original": navigator.userAgent,
      "browser.language": navigator.language,
      "browser.brands": brands?.brands?.map((brand) => `${brand.brand} ${brand.version}`),
      "browser.mobile": brands?.mobile,
      "browser.platform": brands?.platform,
      ...attributes,
    };
  }

  private who(session: Session): Attributes {
    return {
      "session.id": session.id,
      "session.previous_id": session.previous_id,
      "browser.tab.id": this.visit.tab_id,
      "browser.page_view.id": this.visit.page_view_id,
      "url.full": this.url(location.href),
      ...this.user,
    };
  }

  /* For the recording. Only with consent: it makes a session where there is none. */
  visitor(): { session: string; tab: string; user: { id?: Value; name?: Value; email?: Value } } {
    return {
      session: this.visit.current(false).id, tab: this.visit.tab_id,
      user: { id: this.user["user.id"], name: this.user["user.name"], email: this.user["user.email"] },
    };
  }

  /* Something broke in this session, in this tab: its next pages are recorded from the beginning. */
  remember_error(): void {
    this.visit.mark_write();
  }

  had_error(): boolean {
    return this.visit.mark_is();
  }

  url(url: string): string {
    return url_scrub(url, document.baseURI, this.settings.keepQuery);
  }

  identify(user: Attributes): void {
    this.user = user;
  }

  /* Consent given or taken back. What came before it is not sent: it was not kept. */
  consent(may: boolean): void {
    this.may = may;
    this.replay.consent();
    if (may) return;
    this.ring = [];
    this.sender.forget();
    this.visit.forget();
  }

  is_consented(): boolean {
    return this.may;
  }

  page_view(): void {
    this.visit.page_view_id = id_make(8);
  }

  act(): void {
    if (this.may) this.visit.current(true);
  }

  span_begin(name: string, kind: SpanRecord["kind"], attributes: Attributes, parent: Link | undefined = this.active): SpanRecord {
    return {
      signal: "traces", trace_id: parent?.trace_id ?? id_make(16), span_id: id_make(8), parent_id: parent?.span_id ?? "", name, kind,
      start_ms: now_ms(), end_ms: 0, attributes, error: undefined, events: [],
    };
  }

  span_end(span: SpanRecord, end_ms = now_ms()): void {
    if (!this.may) return;
    const session = this.visit.current(false);
    span.end_ms = end_ms;
    if (span.error !== undefined) span.error = text_scrub(span.error, 1024);
    span.attributes = { ...this.who(session), ...span.attributes };
    this.keep(session, span, span.error !== undefined);
  }

  /* What run calls at once belongs to span. */
  within<T>(span: SpanRecord, run: () => T): T {
    const before = this.active;
    this.active = span;
    try {
      return run();
    } finally {
      this.active = before;
    }
  }

  event(event: string, body: string, attributes: Attributes, severity: LogRecord["severity"] = 9, at_ms = now_ms()): void {
    if (!this.may) return;
    const session = this.visit.current(false);
    this.keep(session, { signal: "logs", at_ms, event, body: text_scrub(body, TEXT_MAX), severity, attributes: { ...this.who(session), ...attributes }, within: this.active }, severity === 17);
  }

  private keep(session: Session, record: TelemetryRecord, is_error: boolean): void {
    this.replay.told(record, is_error);
    const is_sampled = share_of(session.id) < this.settings.sample;
    if (is_error && this.settings.onErrorOnly && !is_sampled && !this.has_error) {
      this.has_error = true;
      for (const one of this.ring) this.sender.add(one);
      this.ring = [];
    }
    if (is_sampled || this.has_error) this.sender.add(record);
    else if (this.settings.onErrorOnly) {
      this.ring.push(record);
      const begin = now_ms() - RING_MS;
      while (this.ring.length > RING_RECORDS || (this.ring[0] && time_of(this.ring[0]) < begin)) this.ring.shift();
    }
  }
}

function time_of(record: TelemetryRecord): number {
  return record.signal === "traces" ? record.end_ms : record.at_ms;
}
