/* What can be done with what a view shows: one menu in the bar of the frame, the same acts in the palette and on keys.
 *
 *   useActs({ title: "Logs and spans", statement })       while the view stands; statement: undefined until it is known
 *
 * The view that says it last is the one meant. Another act is a line in entries().
 */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { panel_of_page } from "../dashboards/draft";
import type { Panel } from "../dashboards/load";
import { useKeys } from "../keys";
import { now_us, type Range } from "../time";
import { address, go, project_name, project_path } from "../url";
import { ADDRESS_BYTES_MAX, download_href, file_name, FORMATS } from "./download";
import { psql_command } from "./psql";
import { range } from "./range";
import { panel_save, sheet_open } from "./sheets";
import { sql_open } from "./sql_open";
import { copy, toast } from "./toast";
import { can_share, is_guest } from "../session";

export interface Acts {
  title: string; /* of a file, a link, a saved view */
  statement: string | undefined; /* what is shown, as SQL */
  whole?: string; /* the same without the page's own limit: what a download takes */
  is_timeless?: boolean; /* the time of the page does not matter to it */
  is_private?: boolean; /* for members of the project alone: a link does not open it */
  of_time?: Range; /* the time of what is shown, where it is not the page's */
  panel?: Panel; /* as a panel of a dashboard, where the address does not say it */
}
const shown = signal<Acts | undefined>(undefined);

export function useActs({ title, statement, whole, is_timeless, is_private, of_time, panel }: Acts): void {
  useEffect(() => {
    const mine: Acts = { title, statement, ...(whole ? { whole } : {}), ...(is_timeless ? { is_timeless } : {}), ...(is_private ? { is_private } : {}), ...(of_time ? { of_time } : {}), ...(panel ? { panel } : {}) };
    shown.value = mine;
    return () => {
      if (shown.value === mine) shown.value = undefined;
    };
  }, [title, statement, whole, is_timeless, is_private, of_time?.from_us, of_time?.to_us, JSON.stringify(panel)]);
}

interface Entry {
  text: string;
  keys?: string;
  run: () => void;
}

/* The browser's own download: it says how far it is, and can end it. */
export function download(statement: string, format: string, title: string, when: Range): void {
  const url = download_href(project_name.value, statement, format, file_name(title, when));
  if (url.length > ADDRESS_BYTES_MAX) {
    toast("the statement is too long for a link: monoscope sql and POST /query take any", true);
    return;
  }
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
  toast("The download has begun; the browser shows how far it is");
}

function entries({ title, statement, whole, is_timeless, is_private, panel: given }: Acts): Entry[] {
  const list: Entry[] = [];
  if (statement)
    list.push(
      { text: "Open as SQL", keys: "a s", run: () => sql_open(statement) },
      { text: "Copy SQL", keys: "a c", run: () => void copy(statement, "SQL") },
      { text: "Copy psql command", keys: "a p", run: () => void copy(psql_command(statement, project_name.value, window.location.hostname), "command") },
      ...FORMATS.map((format) => ({ text: `Download ${format.text}`, keys: format.keys, run: () => download(whole ?? statement, format.name, title, is_timeless ? { from_us: now_us(), to_us: now_us() } : range.value) })),
    );
  if (can_share.value && !is_private) list.push({ text: "Share …", keys: "a l", run: () => (sheet_open.value = "share") });
  const panel = can_share.value ? (given ?? panel_of_page(address.value.path, address.value.query, title, statement)) : undefined;
  if (panel) list.push({ text: "Save to dashboard …", keys: "a d", run: () => panel_save(panel) });
  const asks = panel?.source.sql !== undefined ? { sql: panel.source.sql } : panel?.source.search !== undefined ? { search: panel.source.search } : undefined;
  if (asks) list.push({ text: "Create monitor …", keys: "a w", run: () => go(project_path("monitors/new"), asks) });
  if (!is_guest.value) list.push({ text: "Save view …", keys: "a v", run: () => (sheet_open.value = "save") });
  return list;
}

/* The dialogs of the last three: they come when one is opened. */
type DialogsOf = typeof import("./dialogs").default;
export function ActsDialogs() {
  const name = sheet_open.value;
  const [loaded, load] = useState<{ Dialogs: DialogsOf }>();
  useEffect(() => {
    if (name && !loaded) import("./dialogs").then((module) => load({ Dialogs: module.default }), () => toast("a part of the page could not be loaded: load the page anew", true));
  }, [name]);
  if (!name || !loaded) return null;
  return <loaded.Dialogs name={name} title={shown.value?.title ?? ""} range={shown.value?.of_time ?? range.value} onClose={() => (sheet_open.value = "")} />;
}

export function ActsMenu() {
  const [is_open, open] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = shown.value ? entries(shown.value) : [];
  useKeys([{ keys: "a a", text: "What can be done with this view", group: "This view", run: () => open(true) }, ...list.flatMap((entry) => (entry.keys ? [{ keys: entry.keys, text: entry.text, group: "This view", run: entry.run }] : []))], list.length > 0);
  useEffect(() => open(false), [address.value.path]);
  useEffect(() => {
    if (is_open) root.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [is_open]);
  if (list.length === 0) return null;
  const close = (with_focus: boolean) => {
    open(false);
    if (with_focus) button.current?.focus();
  };
  const on_key = (event: KeyboardEvent) => {
    const items = [...(root.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape" && is_open) close(true);
    else if (next !== undefined && is_open) items[next]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      class="acts"
      ref={root}
      onKeyDown={on_key}
      onFocusOut={(event) => {
        if (!root.current?.contains(event.relatedTarget as Node | null)) open(false);
      }}
    >
      <button ref={button} aria-haspopup="menu" aria-expanded={is_open} aria-label="What can be done with this view" onClick={() => open(!is_open)}>
        ⋯ <span class="acts-name">This view</span>
      </button>
      {is_open && (
        <div class="popup acts-popup" role="menu" aria-label="This view">
          {list.map((entry) => (
            <button
              key={entry.text}
              class="plain"
              role="menuitem"
              tabIndex={-1}
              onClick={() => {
                close(true);
                entry.run();
              }}
            >
              {entry.text} {entry.keys && <kbd aria-hidden="true">{entry.keys}</kbd>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
