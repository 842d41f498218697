/* What runs at the moment, for the bar at the top of the page: shown after half a second, each can be cancelled. */
import { signal } from "@preact/signals";

export interface Running {
  what: string;
  begun_ms: number;
  cancel: () => void;
}
const list = signal<Running[]>([]);

export const running = {
  list,
  begin(what: string, cancel: () => void): Running {
    const entry = { what, begun_ms: Date.now(), cancel };
    list.value = [...list.value, entry];
    return entry;
  },
  finish(entry: Running): void {
    list.value = list.value.filter((other) => other !== entry);
  },
  /* Until nothing runs, or for so long: for what can wait for what was asked for. */
  async idle(wait_ms_max: number): Promise<void> {
    const end_ms = Date.now() + wait_ms_max;
    while (list.value.length > 0 && Date.now() < end_ms) await new Promise((done) => setTimeout(done, 20));
  },
};
