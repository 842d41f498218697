/* Who is signed in, and the projects they may see. */
import { computed, signal } from "@preact/signals";
import { api, csrf_set, over_set, sign_in, type Schemas } from "./api/client";
import { project_name } from "./url";

export type Me = Schemas["Me"];
export type Project = Schemas["Project"];
export const me = signal<Me | null>(null);
export const projects = signal<Project[]>([]);

/* Who came by a link: may read one range of one project, and nothing else. */
export const is_guest = computed(() => me.value?.kind === "share");
/* The link has ended: there is nothing to sign in to. */
export const is_guest_over = signal(false);
const GUEST = "monoscope.guest"; /* this tab came by a link: remembered so that the end of it is told, not a sign-in page */
over_set(() => {
  if (sessionStorage.getItem(GUEST)) is_guest_over.value = true;
  else sign_in();
});
/* The project of the address; one that the person may not see is not there, and nothing is asked of it. */
export const project_here = computed(() => projects.value.find((project) => project.name === project_name.value || project.id === project_name.value));
const role_here = computed(() => project_here.value?.role ?? "none");
/* May share with the project and make links. */
export const can_share = computed(() => !is_guest.value && !["viewer", "none"].includes(role_here.value));

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
  if (who.kind === "share") sessionStorage.setItem(GUEST, "1");
  else sessionStorage.removeItem(GUEST);
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
