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
import { CUSTOM, EventScrub, FULL_SNAPSHOT, INCREMENTAL, META, type ReplayEvent, type SerialNode } from "./replay_event";
import { Budget, Ring } from "./replay_ring";
import { Stream } from "./replay_send";
import { console_watch, rage_watch, told_of } from "./replay_told";
import type { ReplayMode, ReplayPart } from "./replay_watch";

const IDLE_MS = 5 * 60_000;
const TICK_MS = 2000;
const SLICE_MS = 8;
const THROTTLE_MS = 2000, THROTTLE_MAX_MS = 30_000;
const ASKED_EACH_MS = 60_000, TORN_EACH_MS = 10_000;
const OF_THE_PAGE = /^(?:Syntax|IndexSize|HierarchyRequest|NoModificationAllowed|InvalidState|NotAllowed|NotSupported)Error$/;

const SLIM = { script: true, comment: true, headFavicon: true, headWhitespace: true, headMetaSocial: true, headMetaRobots: true, headMetaHttpEquiv: true, headMetaVerification: true, headMetaAuthorship: true, headMetaDescKeywords: true };

/* Once the document is read, in a task of its own after the next frame; a page that is not seen has no frames. */
function after_paint(run: () => void): void {
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", () => after_paint(run), { once: true });
    return;
  }
  let is_done = false;
  const once = safe(() => {
    if (is_done) return;
    is_done = true;
    run();
  });
  requestAnimationFrame(() => setTimeout(once, 0));
  setTimeout(once, 500);
}

function changes_of({ type, data }: ReplayEvent): number {
  if (type !== INCREMENTAL || data.source !== 0) return 0;
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
  private asked = false;
  private is_over = false;
  private starting = false;
  private queue: ReplayEvent[] = []; /* as rrweb gave them */
  private is_fit = false; /* the first of them is masked */
  private draining: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly core: Core, private readonly mask: Mask, private mode: ReplayMode) {
    const { replay } = core.settings;
    const { mirror } = record;
    this.scrub = new EventScrub(mask, (id) => mirror.getNode(id), (node) => (mirror.getMeta(node) as SerialNode | null)?.attributes?.["_cssText"], () => this.snapshot_at_most(TORN_EACH_MS));
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

  /* Begins with a full snapshot: when the page stands and is painted, for a snapshot asks where everything is. */
  private rrweb_begin(): void {
    if (this.starting) return;
    this.starting = true;
    after_paint(() => {
      this.starting = false;
      if (!this.is_over && !this.end_rrweb && this.throttle_end === undefined) this.rrweb_begin_now();
    });
  }

  private rrweb_begin_now(): void {
    this.drain(true); /* what is left knows its nodes by the numbers of before */
    this.resumed_ms = Date.now();
    this.end_rrweb = record({
      emit: (event) => {
        const own = event as unknown as ReplayEvent, changes = changes_of(own);
        this.take(own);
        if (changes > 0 && !this.budget.spend(changes, Date.now())) this.throttle(Date.now());
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

  /* A snapshot waits for tasks of its own, so that it holds the page no longer than it must, and what comes after it waits behind it. */
  private take(event: ReplayEvent): void {
    if (this.is_over || !this.core.is_consented()) return;
    this.queue.push(event);
    if (this.queue.length === 1 && event.type !== FULL_SNAPSHOT) this.drain(true);
    else this.drain_soon();
  }

  private drain_soon(): void {
    if (this.draining !== undefined) return;
    this.draining = setTimeout(() => {
      this.draining = undefined;
      this.drain(false);
    }, 0);
  }

  private drain(is_all: boolean): void {
    const end_ms = performance.now() + SLICE_MS;
    for (let event = this.queue[0]; event; event = this.queue[0]) {
      const was_fit = this.is_fit;
      try {
        if (!was_fit && !this.scrub.event(event)) {
          this.queue.shift();
          continue;
        }
        this.is_fit = true;
        if (is_all || was_fit || event.type !== FULL_SNAPSHOT) {
          this.queue.shift();
          this.is_fit = false;
          this.keep(event);
        } /* else it becomes a text in the next task */
      } catch (error) {
        this.queue.shift(); /* it is not kept: it may not be masked */
        this.is_fit = false;
        fault(error);
      }
      if (!is_all && (this.is_fit || performance.now() > end_ms)) return this.queue.length > 0 ? this.drain_soon() : undefined;
    }
  }

  private keep(event: ReplayEvent): void {
    const json = JSON.stringify(event);
    if (this.mode === "error") {
      if (this.ring.add(json, event.type === META, Date.now())) this.snapshot_later();
    } else this.stream.add(json, event.type === FULL_SNAPSHOT);
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
    this.drain(true);
    this.mode = "all";
    this.core.remember_error();
    for (const json of this.ring.take()) this.stream.add(json, json.startsWith('{"type":2'));
  }

  /* -- snapshots and pauses ----------------------------------------------------------------------------------------------- */
  private snapshot(): void {
    if (this.end_rrweb && !this.is_over) record.takeFullSnapshot(true);
  }

  private snapshot_later(): void {
    if (this.asked) return;
    this.asked = true;
    after_paint(() => {
      this.asked = false;
      this.snapshot();
    });
  }

  private snapshot_at_most(each_ms: number): boolean {
    const now = Date.now();
    if (now - this.asked_ms < each_ms) return false;
    this.asked_ms = now;
    this.snapshot_later();
    return true;
  }

  private snapshot_soon(): void {
    if (this.snapshot_at_most(ASKED_EACH_MS)) this.tell("snapshot_request", {});
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
    this.drain(true);
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
    this.drain(true);
    this.stream.leave(left, is_last);
  }

  async flush(): Promise<void> {
    this.drain(true);
    if (this.mode === "all") await this.stream.flush(false);
  }

  stop(is_sent: boolean): void {
    if (this.is_over) return;
    if (is_sent && this.mode === "all") {
      this.tell("stop", {});
      this.drain(true);
      this.stream.flush(true).catch(fault).finally(() => this.stream.end());
    } else this.stream.end();
    this.is_over = true;
    this.queue = [];
    this.rrweb_end();
    clearTimeout(this.throttle_end);
    this.ring = new Ring();
    for (const end of this.ends) end();
  }
}

/* Throws when a selector of the settings is none. */
export function replay_begin(core: Core, mode: ReplayMode): ReplayPart {
  return new Recorder(core, new Mask(core.settings.replay, core.settings.keepQuery), mode);
}
