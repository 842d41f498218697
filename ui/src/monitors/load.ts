/* Monitors of the project, by the API. */
import { api, type Schemas } from "../api/client";
import { all_of } from "../session";
import { path_of } from "../settings/load";
import type { Definition, Dry, Happened, Item, Monitor, State } from "./monitors";

const slug_path = (slug: string, rest = "") => path_of(`/monitors/${encodeURIComponent(slug)}${rest}`);
export const monitors_load = () => all_of<Item>(path_of("/monitors"));
export const monitor_load = (slug: string, signal?: AbortSignal) => api<Monitor>(slug_path(slug), { signal });
export const state_load = (slug: string, signal?: AbortSignal) => api<State>(slug_path(slug, "/state"), { signal });
export const events_load = async (slug: string, signal?: AbortSignal) => (await api<{ items: Happened[] }>(slug_path(slug, "/events"), { query: { limit: 200 }, signal })).items;
export const monitor_make = (definition: Definition) => api<Monitor>(path_of("/monitors"), { method: "POST", body: definition });
export const monitor_save = (slug: string, definition: Definition) => api<Monitor>(slug_path(slug), { method: "PUT", body: definition });
export const monitor_delete = (slug: string) => api<void>(slug_path(slug), { method: "DELETE" });
export const monitor_mute = (slug: string, until: string | null) => api<State>(slug_path(slug, "/mute"), { method: "POST", body: { until } });
export const ready_load = async (service: string) => (await api<Schemas["ReadyMonitors"]>(path_of("/ready-monitors"), { query: service ? { service } : {} })).items;
export const dry_run = (monitor: Definition, from: string, signal?: AbortSignal) => api<Dry>(path_of("/monitor-dry-run"), { method: "POST", body: { monitor, from }, signal });
export const yaml_href = (slug: string) => `/api/v1${slug_path(slug)}?format=yaml`;
