/* The picture: rrweb's Replayer, which builds a recorded document in a frame within our frame.
 *
 *   page --frame, sandboxed, its own policy--> /replay/stage.html --Replayer's frame, sandboxed--> the recorded document
 *
 * Neither frame runs scripts (sandbox without allow-scripts), nor loads or sends anything (UI_STAGE_SECURITY_POLICY, which the inner one
 * inherits); rrweb works on them from here. Events are made fit before (fit.ts). Why not an opaque origin: docs/adr. */
import { Replayer } from "rrweb";
import { event_fit } from "./fit";
import type { ReplayEvent } from "./shape";

type Events = ConstructorParameters<typeof Replayer>[0];

export interface Size {
  width: number;
  height: number;
}
export class Stage {
  private replayer: Replayer | undefined;
  private events: ReplayEvent[] = [];
  private known = new Set<ReplayEvent>();
  private speed = 1;
  private is_skipping = true;

  constructor(private readonly frame: HTMLIFrameElement, private readonly onSize: (size: Size) => void, private readonly onEnd: () => void) {}

  /* More of the same tab has come; all of them, in order. Those that come before what is there already begin the picture anew. */
  events_set(events: readonly ReplayEvent[]): void {
    const fresh = events.filter((event) => !this.known.has(event));
    if (fresh.length === 0) return;
    for (const event of fresh) this.known.add(event_fit(event));
    const last_ms = this.events.at(-1)?.timestamp ?? 0;
    this.events = [...events];
    if (this.replayer && fresh.every((event) => event.timestamp >= last_ms)) {
      for (const event of fresh) this.replayer.addEvent(event as unknown as Events[number] & object);
      return;
    }
    const [at_ms, was_playing] = [this.now_ms(), this.is_playing];
    this.begin();
    if (at_ms > 0) this.seek(at_ms, was_playing);
  }

  private begin(): void {
    this.replayer?.destroy();
    this.replayer = undefined;
    const root = this.frame.contentDocument?.body;
    if (!root || this.events.length < 2) return;
    root.replaceChildren();
    const replayer = new Replayer(this.events.slice() as unknown as Events, {
      root, speed: this.speed, skipInactive: this.is_skipping, inactivePeriodThreshold: 5000, mouseTail: false, showWarning: false, showDebug: false,
      triggerFocus: false, UNSAFE_replayCanvas: false, loadTimeout: 0, insertStyleRules: ["noscript { display: none !important; }"],
    });
    replayer.on("resize", (size) => this.onSize(size as Size));
    replayer.on("finish", () => this.onEnd());
    this.replayer = replayer;
  }

  get is_ready(): boolean {
    return this.replayer !== undefined;
  }
  get is_playing(): boolean {
    return this.replayer?.service.state.matches("playing") ?? false;
  }
  /* Unix milliseconds; 0: nothing is there. */
  now_ms(): number {
    const first = this.events[0]?.timestamp;
    return this.replayer && first !== undefined ? first + Math.max(0, this.replayer.getCurrentTime()) : 0;
  }
  seek(at_ms: number, is_playing: boolean): void {
    const first = this.events[0]?.timestamp ?? at_ms;
    const offset = Math.max(0, at_ms - first);
    if (is_playing) this.replayer?.play(offset);
    else this.replayer?.pause(offset);
  }
  set(speed: number, is_skipping: boolean): void {
    this.speed = speed;
    this.is_skipping = is_skipping;
    this.replayer?.setConfig({ speed, skipInactive: is_skipping });
  }
  end(): void {
    this.replayer?.destroy();
    this.replayer = undefined;
  }
}
