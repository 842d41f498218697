/* The rooms of the house: a line each. What is behind `load` comes when it is first opened.
 *
 * path: below /p/{project}/; what follows it in the address is the view's own. Those with keys stand in the navigation.
 */
import type { ComponentType } from "preact";

export interface View {
  path: string;
  title: string;
  keys?: string; /* after "g" */
  mark?: string; /* in the navigation, beside the title */
  is_private?: boolean; /* not for who came by a link */
  has_own_time?: boolean; /* the time of the page does not matter to it */
  load: () => Promise<{ default: ComponentType<{ rest: string }> }>;
}

export const views: readonly View[] = [
  { path: "ask", title: "Ask", keys: "a", mark: "?", is_private: true, has_own_time: true, load: () => import("./ask/view") },
  { path: "services", title: "Services", keys: "s", mark: "◎", is_private: true, load: () => import("./services/view") },
  { path: "explore", title: "Explorer", keys: "e", mark: "☰", load: () => import("./explore/view") },
  { path: "metrics", title: "Metrics", keys: "m", mark: "∿", is_private: true, load: () => import("./metrics/view") },
  { path: "dashboards", title: "Dashboards", keys: "d", mark: "▦", is_private: true, load: () => import("./dashboards/view") },
  { path: "issues", title: "Issues", keys: "i", mark: "✖", is_private: true, load: () => import("./issues/view") },
  { path: "replays", title: "Replays", keys: "p", mark: "▶", is_private: true, load: () => import("./replays/view") },
  { path: "incidents", title: "Alerts", keys: "w", mark: "⚠", is_private: true, has_own_time: true, load: () => import("./incidents/view") },
  { path: "findings", title: "Findings", is_private: true, has_own_time: true, load: () => import("./findings/view") },
  { path: "monitors", title: "Monitors", is_private: true, has_own_time: true, load: () => import("./monitors/view") },
  { path: "agents", title: "Agents", keys: "o", mark: "◷", is_private: true, has_own_time: true, load: () => import("./agents/view") },
  { path: "reports", title: "Reports", is_private: true, has_own_time: true, load: () => import("./agents/reports") },
  { path: "sql", title: "SQL", keys: "q", mark: "❯", load: () => import("./sql/view") },
  { path: "intake", title: "Intake", keys: "n", mark: "⇣", is_private: true, load: () => import("./intake/view") },
  { path: "settings", title: "Settings", keys: ",", mark: "⚙", is_private: true, has_own_time: true, load: () => import("./settings/view") },
  { path: "trace", title: "Trace", load: () => import("./trace/view") },
];

/* Those of the navigation, the palette and the keys. */
export function views_for(is_guest: boolean): (View & { keys: string })[] {
  return views.filter((view): view is View & { keys: string } => view.keys !== undefined && !(is_guest && view.is_private));
}

export function view_of(path: string): { view: View; rest: string } | undefined {
  const rest = /^\/p\/[^/]+\/(.*)$/.exec(path)?.[1] ?? "";
  for (const view of views) {
    if (rest === view.path) return { view, rest: "" };
    if (rest.startsWith(`${view.path}/`)) return { view, rest: rest.slice(view.path.length + 1) };
  }
  return undefined;
}
