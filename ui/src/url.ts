/* The address is the state: what a view shows is read from here and written here, so that every state can be linked.
 *
 *   address.value -> { path: "/p/shop/explore", query: URLSearchParams }
 *   go("/p/shop/trace/4bf9...", { span: "00f0..." })      a new entry of the history
 *   change({ q: "level:error", cursor: null })            this view, other parameters; null takes one away
 */
import { computed, signal } from "@preact/signals";

export interface Address {
  path: string;
  query: URLSearchParams;
}
export type Changes = Record<string, string | null | undefined>;

function read(): Address {
  return { path: window.location.pathname, query: new URLSearchParams(window.location.search) };
}

export const address = signal<Address>(read());
window.addEventListener("popstate", () => (address.value = read()));

export function href(path: string, query?: Changes | URLSearchParams): string {
  const params = query instanceof URLSearchParams ? query : with_changes(new URLSearchParams(), query ?? {});
  const text = params.toString().replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%2C/g, ",").replace(/%7E/g, "~");
  return text ? `${path}?${text}` : path;
}

export function with_changes(query: URLSearchParams, changes: Changes): URLSearchParams {
  const params = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") params.delete(name);
    else params.set(name, value);
  }
  return params;
}

function show(url: string, replace: boolean): void {
  if (replace) window.history.replaceState(null, "", url);
  else window.history.pushState(null, "", url);
  address.value = read();
}

export function go(path: string, query?: Changes | URLSearchParams): void {
  show(href(path, query), false);
}

/* replace: what one does not want to walk back through (typing, scrolling). */
export function change(changes: Changes, replace = false): void {
  const now = address.value;
  const next = href(now.path, with_changes(now.query, changes));
  if (next !== href(now.path, now.query)) show(next, replace);
}

export function param(name: string): string {
  return address.value.query.get(name) ?? "";
}

/* Links of our own pages without loading them anew; what a browser does with modifiers and targets stays its own. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.hasAttribute("download") || link.origin !== window.location.origin) return;
  if (!/^\/(p\/|$)/.test(link.pathname)) return;
  event.preventDefault();
  show(link.pathname + link.search, false);
}

/* "/p/{project}/..." */
export const project_name = computed(() => decodeURIComponent(/^\/p\/([^/]+)/.exec(address.value.path)?.[1] ?? ""));
export function project_path(rest: string): string {
  return `/p/${encodeURIComponent(project_name.value)}/${rest}`;
}
