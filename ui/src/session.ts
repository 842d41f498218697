/* Who is signed in, and the projects they may see. */
import { signal } from "@preact/signals";
import { api, csrf_set, type Schemas } from "./api/client";
import { project_name } from "./url";

export type Me = Schemas["Me"];
export type Project = Schemas["Project"];
export const me = signal<Me | null>(null);
export const projects = signal<Project[]>([]);

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/* All pages: for lists that a person chooses from, up to a thousand. */
export async function all_of<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<T> = await api<Page<T>>(path, { query: { limit: 500, cursor } });
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor && items.length < 1000);
  return items;
}

export async function session_begin(): Promise<void> {
  const [who, list] = await Promise.all([api<Me>("/users/me"), all_of<Project>("/projects")]);
  csrf_set(who.csrf_token ?? "");
  me.value = who;
  projects.value = list;
}

const LAST = "monoscope.project";
/* The one of the address, else the one of last time, else the first that is not the server's own. */
export function project_first(): string | undefined {
  const last = localStorage.getItem(LAST);
  const names = projects.value.map((project) => project.name);
  return names.find((name) => name === last) ?? names.find((name) => name !== "monoscope") ?? names[0];
}
project_name.subscribe((name) => {
  if (name) localStorage.setItem(LAST, name);
});
