/* Paths of the project's settings, and who the caller is in it. */
import { computed } from "@preact/signals";
import { toast } from "../frame/toast";
import { is_utc } from "../frame/range";
import { project_here } from "../session";
import { from_iso, show_time } from "../time";
import { project_name } from "../url";

export const role_here = computed(() => project_here.value?.role ?? "none");
export function path_of(rest = ""): string {
  return `/projects/${encodeURIComponent(project_name.value)}${rest}`;
}
export function failed(error: unknown): void {
  toast(error instanceof Error ? error.message : String(error), true);
}
export function when(text: string | null | undefined): string {
  return text ? show_time(from_iso(text), 0, is_utc.value) : "never";
}
