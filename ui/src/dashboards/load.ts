/* Dashboards of the project, by the API. What was read goes back with its tag: nobody writes over what another has changed. */
import { api, fetch_api, type Schemas } from "../api/client";
import { all_of } from "../session";
import { project_name } from "../url";

export type DashboardItem = Schemas["DashboardItem"];
export type Dashboard = Schemas["Dashboard"];
export type Panel = Schemas["DashboardPanel"];
export type PanelKind = Panel["kind"];
export type Source = Schemas["DashboardSource"];
export type Variable = Schemas["DashboardVariable"];
export type Place = Schemas["DashboardPlace"];
export type Version = Schemas["DashboardVersion"];
/* What is written: a panel that is new has no id and no place yet. */
export type Content = Schemas["DashboardSet"];

export interface Read {
  dashboard: Dashboard;
  tag: string;
}
const path_of = (rest = "") => `/projects/${encodeURIComponent(project_name.value)}/dashboards${rest}`;
const slug_path = (slug: string, rest = "") => path_of(`/${encodeURIComponent(slug)}${rest}`);

export const dashboards_load = () => all_of<DashboardItem>(path_of());

async function read_of(response: Response): Promise<Read> {
  return { dashboard: (await response.json()) as Dashboard, tag: response.headers.get("etag") ?? "" };
}
export async function dashboard_load(slug: string, signal?: AbortSignal): Promise<Read> {
  return read_of(await fetch_api(slug_path(slug), { signal }));
}
export async function dashboard_save(slug: string, content: Content, tag: string): Promise<Read> {
  return read_of(await fetch_api(slug_path(slug), { method: "PUT", body: content, headers: { "if-match": tag } }));
}
export const dashboard_make = (title: string, panels: readonly Panel[] = []) => api<Dashboard>(path_of(), { method: "POST", body: { title, panels } });
export const panel_add = (slug: string, panel: Panel) => api<Dashboard>(slug_path(slug, "/panels"), { method: "POST", body: { panel } });
export const dashboard_delete = (slug: string, tag: string) => api<void>(slug_path(slug), { method: "DELETE", headers: { "if-match": tag } });
export const versions_load = (slug: string) => all_of<Version>(slug_path(slug, "/versions"));
export const version_restore = (slug: string, version: number) => api<Dashboard>(slug_path(slug, "/restore"), { method: "POST", body: { version } });

/* What of a dashboard is written back. */
export function content_of({ title, description, from, variables, panels }: Dashboard): Content {
  return { title, description, ...(from ? { from } : {}), variables, panels };
}

/* As files: JSON is YAML, too. */
export const dashboard_import = (text: string) => api<Dashboard>(path_of(), { method: "POST", yaml: text });
export const dashboard_replace = (slug: string, text: string) => api<Dashboard>(slug_path(slug), { method: "PUT", yaml: text });
export const yaml_href = (slug: string) => `/api/v1${slug_path(slug)}?format=yaml`;
export type Ready = Schemas["DashboardCreate"];
export const ready_load = async () => (await api<Schemas["ReadyDashboards"]>("/ready-dashboards")).items;
export const ready_make = (ready: Ready) => api<Dashboard>(path_of(), { method: "POST", body: ready });
