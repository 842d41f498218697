/* Whether a page is recorded, and the loading of what records: a file of its own (replay.ts), so that pages which are not recorded do not
 * pay for it. What is told until it is there is kept for it, the last of it.
 *
 *   replay: { sample, onErrorOnly } --> "all", "error" (kept in the page until something breaks) or "off" */
import type { Core } from "./core";
import { fault } from "./guard";
import { share_of } from "./id";
import type { TelemetryRecord } from "./otlp";

export type ReplayMode = "all" | "error";

/* What replay.ts gives. */
export interface ReplayPart {
  told(record: TelemetryRecord, is_error: boolean): void;
  renew(mode: ReplayMode): void;
  more(): void; /* "all" from now on, with what is kept */
  leave(left: number, is_last: boolean): void;
  flush(): Promise<void>;
  stop(is_sent: boolean): void;
}

const EARLY_MAX = 100;
type Load = () => Promise<{ replay_begin: (core: Core, mode: ReplayMode) => ReplayPart }>;

/* Beside this module, where it is one; a script tag says where it came from (script.ts). */
let load: Load = () => import("./replay.js");
export function replay_load_from(url: string): void {
  load = () => import(url) as ReturnType<Load>;
}

export class ReplayWatch {
  private part: ReplayPart | undefined;
  private early: [TelemetryRecord, boolean][] = [];
  private is_asked: boolean; /* by the page, whatever the share */
  private is_stopped: boolean;
  private is_loading = false;

  constructor(private readonly core: Core) {
    this.is_stopped = !core.settings.replay.isOn;
    this.is_asked = false;
  }

  private mode(): ReplayMode | undefined {
    const { sample, onErrorOnly } = this.core.settings.replay;
    if (this.is_stopped || !this.core.is_consented()) return undefined;
    const { session } = this.core.visitor();
    if (this.is_asked || share_of(`replay ${session}`) < sample || (onErrorOnly && this.core.had_error())) return "all";
    return onErrorOnly ? "error" : undefined;
  }

  /* As things stand now: begins, goes on in another mode, or ends. */
  tend(): void {
    const mode = this.mode();
    if (mode === undefined) return this.end(true);
    if (this.part || this.is_loading) return;
    this.is_loading = true;
    load().then(({ replay_begin }) => {
      this.is_loading = false;
      const still = this.mode();
      if (still === undefined || this.part) return;
      this.part = replay_begin(this.core, still);
      for (const [record, is_error] of this.early.splice(0)) this.part.told(record, is_error);
    }).catch((error: unknown) => {
      this.is_stopped = true;
      this.early = [];
      console.warn("monoscope: not recorded:", error instanceof Error ? error.message : error);
    }).catch(fault);
  }

  private end(is_sent: boolean): void {
    this.part?.stop(is_sent);
    this.part = undefined;
    this.early = [];
  }

  told(record: TelemetryRecord, is_error: boolean): void {
    if (this.part) this.part.told(record, is_error);
    else if (!this.is_stopped) {
      this.early.push([record, is_error]);
      if (this.early.length > EARLY_MAX) this.early.shift();
    }
  }

  renewed(): void {
    const mode = this.mode();
    if (this.part && mode) this.part.renew(mode);
    else this.tend();
  }

  consent(): void {
    if (this.core.is_consented()) this.tend();
    else this.end(false);
  }

  start(): void {
    this.is_stopped = false;
    this.is_asked = true;
    this.part?.more();
    this.tend();
  }

  stop(): void {
    this.is_stopped = true;
    this.is_asked = false;
    this.end(true);
  }

  leave(left: number, is_last: boolean): void {
    this.part?.leave(left, is_last);
  }

  async flush(): Promise<void> {
    await this.part?.flush();
  }
}
