/* Saved views: addresses below the project, under names. `view` of the address says which one was opened; where the rest of the
 * address has gone on from it, it is "changed".
 *
 *   views_load()  saved_views.value   view_shown.value -> { view, is_changed }    view_open(view)
 */
import { computed, signal } from "@preact/signals";
import { api, fetch_api, type Schemas } from "../api/client";
import { all_of, is_guest, project_here } from "../session";
import { address, change, go, project_name, project_path } from "../url";

export type SavedView = Schemas["SavedView"];
export const saved_views = signal<SavedView[]>([]);
const path_of = () => `/projects/${encodeURIComponent(project_name.value)}/views`;

/* What is kept: path and parameters, without what is only of this moment: the "today" of a question is that of the day it is opened. */
const OF_THE_MOMENT = ["view", "open", "paused", "at"];
export function address_kept(path: string, query: URLSearchParams): string {
  const params = new URLSearchParams(query);
  for (const name of OF_THE_MOMENT) params.delete(name);
  const text = params.toString();
  const below = path.replace(/^\/p\/[^/]+\//, "");
  return text ? `${below}?${text}` : below;
}

/* The same state, in whatever order its parameters stand and whichever characters are escaped. */
export function address_is_same(a: string, b: string): boolean {
  const normal = (text: string) => {
    const at = text.indexOf("?");
    const params = new URLSearchParams(at < 0 ? "" : text.slice(at + 1));
    for (const name of OF_THE_MOMENT) params.delete(name);
    params.sort();
    return `${at < 0 ? text : text.slice(0, at)}?${params.toString()}`;
  };
  return normal(a) === normal(b);
}

export const address_here = computed(() => address_kept(address.value.path, address.value.query));
export const view_shown = computed(() => {
  const view = saved_views.value.find((one) => one.id === address.value.query.get("view"));
  return view ? { view, is_changed: !address_is_same(view.address, address_here.value) } : undefined;
});

export async function views_load(): Promise<void> {
  if (!project_here.value || is_guest.value) return;
  const project = project_name.value;
  const list = await all_of<SavedView>(path_of());
  if (project === project_name.value) saved_views.value = list;
}

export function view_open(view: SavedView): void {
  const at = view.address.indexOf("?");
  const query = new URLSearchParams(at < 0 ? "" : view.address.slice(at + 1));
  query.set("view", view.id);
  go(project_path(at < 0 ? view.address : view.address.slice(0, at)), query);
}

export async function view_save(name: string, is_shared: boolean): Promise<SavedView> {
  const view = await api<SavedView>(path_of(), { method: "POST", body: { name, address: address_here.value, is_shared } });
  await views_load();
  change({ view: view.id }, true);
  return view;
}

/* Only if it is still as it was read: what another has saved meanwhile is not written over. */
export async function view_change(view: SavedView, what: { name?: string; address?: string; is_shared?: boolean }): Promise<void> {
  await api(`${path_of()}/${view.id}`, { method: "PATCH", body: what, headers: { "if-match": await tag_of(view) } });
  await views_load();
}
export async function view_delete(view: SavedView): Promise<void> {
  await api(`${path_of()}/${view.id}`, { method: "DELETE" });
  if (address.value.query.get("view") === view.id) change({ view: null }, true);
  await views_load();
}
async function tag_of(view: SavedView): Promise<string> {
  const response = await fetch_api(`${path_of()}/${view.id}`);
  const now = (await response.json()) as SavedView;
  if (now.changed_at !== view.changed_at) {
    await views_load();
    throw new Error(`"${now.name}" was changed by somebody else meanwhile: look at it, then save again`);
  }
  return response.headers.get("etag") ?? "";
}
