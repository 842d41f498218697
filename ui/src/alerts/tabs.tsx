/* The strip above incidents, findings and monitors: three rooms of one house. */
import { address, href, project_path } from "../url";
import "./tabs.css";

export const ALERT_TABS = [
  { path: "incidents", title: "Incidents" },
  { path: "findings", title: "Findings" },
  { path: "monitors", title: "Monitors" },
] as const;
const KEPT = ["from", "to", "tz", "env"];

export function AlertTabs({ here }: { here: (typeof ALERT_TABS)[number]["path"] }) {
  const kept = Object.fromEntries(KEPT.map((name) => [name, address.value.query.get(name)]));
  return (
    <nav class="alert-tabs" aria-label="Alerts">
      {ALERT_TABS.map((tab) => (
        <a key={tab.path} href={href(project_path(tab.path), kept)} aria-current={tab.path === here ? "page" : undefined}>
          {tab.title}
        </a>
      ))}
    </nav>
  );
}
