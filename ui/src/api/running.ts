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
};
