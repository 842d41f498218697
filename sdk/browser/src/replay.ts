/* Recordings of what a page showed: rrweb watches, replay_event.ts masks, replay_send.ts sends. Loaded beside the core, by replay_watch.ts.
 *
 *   rrweb --> scrub --> mode "all":   stream --> POST /v1/replay
 *                       mode "error": ring, two minutes at most, each minute begins with a snapshot --error--> stream, and "all" from then on
 *
 * It pauses where nobody has done anything for five minutes, and where the page changes more than `mutationsPerSecond`: then for 2, 4 ... 30 s,
 * and goes on with a fresh snapshot. A session that ends takes its recording with it; the next one begins another. */
import { record } from "@rrweb/record";
import type { Core } from "./core";
import { fault, listen, safe } from "./guard";
import { id_make } from "./id";
import { Mask } from "./mask";
import type { TelemetryRecord } from "./otlp";
import { CUSTOM, EventScrub, FULL_SNAPSHOT, META, type ReplayEvent } from "./replay_event";
import { Budget, Ring } from "./replay_ring";
import { Stream } from "./replay_send";
import { console_watch, rage_watch, told_of } from "./replay_told";
import type { ReplayMode, ReplayPart } from "./replay_watch";

const IDLE_MS = 5 * 60_000;
const TICK_MS = 2000;
const THROTTLE_MS = 2000, THROTTLE_MAX_MS = 30_000;
const ASKED_EACH_MS = 60_000;
const OF_THE_PAGE = /^(?:Syntax|IndexSize|HierarchyRequest|NoModificationAllowed|InvalidState|NotAllowed|NotSupported)Error$/;

const SLIM = { script: true, comment: true, headFavicon: true, headWhitespace: true, headMetaSocial: true, headMetaRobots: true, headMetaHttpEquiv: true, headMetaVerification: true, headMetaAuthorship: true, headMetaDescKeywords: true };

function changes_of({ data }: ReplayEvent): number {
  let count = (data.texts?.length ?? 0) + (data.attributes?.length ?? 0) + (data.removes?.length ?? 0);
  for (const { node } of data.adds ?? []) count += node ? 1 : 0;
  return count;
}

class Recorder implements ReplayPart {
  private readonly scrub: EventScrub;
  private readonly budget: Budget;
  private readonly ends: (() => void)[];
  private ring = new Ring();
  private stream!: Stream;
  private session = "";
  private end_rrweb: (() => void) | undefined;
  private acted_ms = Date.now();
  private throttled_ms = 0;
  private throttle_end: ReturnType<typeof setTimeout> | undefined;
  private resumed_ms = 0;
  private asked_ms = -Infinity;
  private asked: ReturnType<typeof setTimeout> | undefined;
  private is_over = false;

  constructor(private readonly core: Core, private readonly mask: Mask, private mode: ReplayMode) {
    const { replay } = core.settings;
    this.scrub = new EventScrub(mask, (id) => record.mirror.getNode(id));
    this.budget = new Budget(replay.mutationsPerSecond ?? 1000);
    this.stream_begin();
    this.rrweb_begin();
    const acted = () => this.acted();
    const tick = setInterval(safe(() => this.tick()), TICK_MS);
    this.ends = [
      console_watch(replay.console ?? ["warn", "error"], (tag, payload) => this.tell(tag, payload)),
      rage_watch((tag, payload) => this.tell(tag, payload)),
      ...["pointerdown", "pointermove", "keydown", "scroll", "touchstart"].map((name) => listen(window, name, acted, { capture: true, passive: true })),
      listen(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && this.renew(this.mode)),
      () => clearInterval(tick),
    ];
  }

  private stream_begin(): void {
    const { core } = this, { settings } = core, recording = id_make(8), { session, tab } = core.visitor();
    this.session = session;
    const stream: Stream = new Stream({
      endpoint: settings.endpoint, key: settings.key, fetch: core.fetch,
      head: () => ({
        session, tab, recording, service: { name: settings.service, version: settings.version, environment: settings.environment }, user: core.visitor().user, userAgent: navigator.userAgent,
      }),
      snapshot: () => stream === this.stream && this.snapshot_soon(),
      refused: () => stream === this.stream && this.stop(false),
    });
    this.stream = stream;
  }

  /* Begins with a full snapshot. */
  private rrweb_begin(): void {
    this.resumed_ms = Date.now();
    this.end_rrweb = record({
      emit: (event) => {
        try {
          const own = event as unknown as ReplayEvent;
          if (this.scrub.event(own)) this.take(own);
        } catch (error) {
          fault(error); /* and the event is not kept: it may not be masked */
        }
      },
      /* What the page itself did wrong goes on to the page: rrweb stands in the way of CSSStyleSheet and the like. */
      errorHandler: (error: unknown) => {
        if (error instanceof DOMException && OF_THE_PAGE.test(error.name)) return false;
        fault(error);
        return true;
      },
      blockSelector: this.mask.blocked,
      maskInputOptions: {}, /* all masking is ours */
      slimDOMOptions: SLIM,
      sampling: { mousemove: 100, scroll: 150, media: 800 },
      recordAfter: "DOMContentLoaded",
    });
  }

  private rrweb_end(): void {
    const end = this.end_rrweb;
    this.end_rrweb = undefined;
    try {
      end?.();
    } catch (error) {
      fault(error);
    }
  }

  private take(event: ReplayEvent): void {
    if (this.is_over || !this.core.is_consented()) return;
    const now = Date.now(), json = JSON.stringify(event);
    if (this.mode === "error") {
      if (this.ring.add(json, event.type === META, now)) this.snapshot_later();
    } else this.stream.add(json, event.type === FULL_SNAPSHOT);
    if (event.type === 3 && event.data.source === 0 && !this.budget.spend(changes_of(event), now)) this.throttle(now);
  }

  tell(tag: string, payload: object): void {
    this.take({ type: CUSTOM, timestamp: Date.now(), data: { tag, payload } });
  }

  told(one: TelemetryRecord, is_error: boolean): void {
    const told = told_of(one);
    if (told) this.tell(...told);
    if (is_error && this.mode === "error") this.broke();
  }

  private broke(): void {
    this.mode = "all";
    this.core.remember_error();
    for (const json of this.ring.take()) this.stream.add(json, json.startsWith('{"type":2'));
  }

  /* -- snapshots and pauses ----------------------------------------------------------------------------------------------- */
  private snapshot(): void {
    if (this.end_rrweb && !this.is_over) record.takeFullSnapshot(true);
  }

  private snapshot_later(): void {
    this.asked ??= setTimeout(safe(() => {
      this.asked = undefined;
      this.snapshot();
    }), 0);
  }

  private snapshot_soon(): void {
    const now = Date.now();
    if (now - this.asked_ms < ASKED_EACH_MS) return;
    this.asked_ms = now;
    this.tell("snapshot_request", {});
    this.snapshot_later();
  }

  private throttle(now: number): void {
    if (!this.end_rrweb) return;
    this.throttled_ms = now - this.resumed_ms < 10_000 && this.throttled_ms > 0 ? Math.min(THROTTLE_MAX_MS, this.throttled_ms * 2) : THROTTLE_MS;
    this.tell("throttled", { duration_ms: this.throttled_ms });
    setTimeout(safe(() => this.rrweb_end()), 0); /* not within its own emit */
    this.throttle_end = setTimeout(safe(() => {
      this.throttle_end = undefined;
      this.budget.refill();
      this.resume();
    }), this.throttled_ms);
  }

  private resume(): void {
    if (!this.is_over && !this.end_rrweb && this.throttle_end === undefined) this.rrweb_begin();
  }

  private acted(): void {
    this.acted_ms = Date.now();
    if (!this.end_rrweb && !this.is_over) {
      if (this.core.visitor().session === this.session) this.resume(); /* else it is being renewed */
    }
  }

  private tick(): void {
    if (this.is_over) return;
    if (Date.now() - this.acted_ms > IDLE_MS) {
      if (this.end_rrweb) this.tell("idle", {}), this.rrweb_end();
      return;
    }
    if (this.core.is_consented()) this.core.visitor(); /* a session that is over is renewed, and then this is */
  }

  /* -- from outside ------------------------------------------------------------------------------------------------------- */
  renew(mode: ReplayMode): void {
    this.stream.flush(true).catch(fault);
    this.rrweb_end();
    this.ring = new Ring();
    this.mode = mode;
    this.stream_begin();
    if (this.throttle_end === undefined) this.rrweb_begin();
  }

  more(): void {
    if (this.mode === "error") this.broke();
  }

  leave(left: number, is_last: boolean): void {
    if (this.mode === "error") return;
    if (is_last) this.tell("leave", {});
    this.stream.leave(left, is_last);
  }

  async flush(): Promise<void> {
    if (this.mode === "all") await this.stream.flush(false);
  }

  stop(is_sent: boolean): void {
    if (this.is_over) return;
    if (is_sent && this.mode === "all") {
      this.tell("stop", {});
      this.stream.flush(true).catch(fault).finally(() => this.stream.end());
    } else this.stream.end();
    this.is_over = true;
    this.rrweb_end();
    clearTimeout(this.throttle_end);
    clearTimeout(this.asked);
    this.ring = new Ring();
    for (const end of this.ends) end();
  }
}

/* Throws when a selector of the settings is none. */
export function replay_begin(core: Core, mode: ReplayMode): ReplayPart {
  return new Recorder(core, new Mask(core.settings.replay, core.settings.keepQuery), mode);
}
