/* Shortcuts: each is registered while what it does is on the page; "?" lists them, the command palette finds them.
 *
 *   useKeys([{ keys: "g e", text: "Go to the explorer", run: ... }])       keys: "j", "?", "mod+k", or two after each other
 *
 * In a field only those with mod count. The one registered last wins, so a sheet covers the view behind it.
 */
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

export interface Shortcut {
  keys: string;
  text: string;
  group?: string;
  run: () => void;
}
export const shortcuts = signal<readonly Shortcut[]>([]);

const SEQUENCE_MS = 1200;
let pending = "";
let pending_ms = 0;

export function key_name(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? (event.shiftKey && /[a-zA-Z]/.test(event.key) ? `shift+${event.key.toLowerCase()}` : event.key) : event.key.toLowerCase();
  return (event.metaKey || event.ctrlKey ? "mod+" : "") + (event.altKey ? "alt+" : "") + key;
}

function is_field(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName ?? ""));
}

/* Answers what to run; remembers the first of two keys. */
export function shortcut_find(list: readonly Shortcut[], name: string, in_field: boolean, now_ms: number): Shortcut | undefined {
  if (in_field && !name.startsWith("mod+")) return undefined;
  const sequence = pending && now_ms - pending_ms < SEQUENCE_MS ? `${pending} ${name}` : name;
  pending = "";
  for (const wanted of sequence === name ? [name] : [sequence, name]) {
    const found = list.findLast((shortcut) => shortcut.keys === wanted);
    if (found) return found;
  }
  if (list.some((shortcut) => shortcut.keys.startsWith(`${name} `))) {
    pending = name;
    pending_ms = now_ms;
  }
  return undefined;
}

window.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const found = shortcut_find(shortcuts.value, key_name(event), is_field(event.target), Date.now());
  if (!found) return;
  event.preventDefault();
  found.run();
});

export function useKeys(list: readonly Shortcut[], is_on = true): void {
  const latest = useRef(list);
  latest.current = list;
  const names = list.map((shortcut) => shortcut.keys + shortcut.text).join("\n");
  /* As soon as what they act on can be seen. */
  useLayoutEffect(() => {
    if (!is_on) return;
    const mine = latest.current.map((shortcut, at) => ({ ...shortcut, run: () => latest.current[at]?.run() }));
    shortcuts.value = [...shortcuts.value, ...mine];
    return () => {
      shortcuts.value = shortcuts.value.filter((shortcut) => !mine.includes(shortcut as (typeof mine)[number]));
    };
  }, [names, is_on]);
}

const is_mac = /Mac|iPhone|iPad/.test(navigator.platform);
export function show_keys(keys: string): string {
  return keys.replace("mod+", is_mac ? "⌘" : "Ctrl ").replace("shift+", "⇧").replace("alt+", is_mac ? "⌥" : "Alt ");
}
