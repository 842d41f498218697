/* How bad, and where it stands: always a word, never a colour alone. */
import type { Incident } from "./incidents";

export function Mark({ severity }: { severity: string }) {
  return (
    <span class="incident-mark" data-severity={severity}>
      {severity}
    </span>
  );
}

export function StateWord({ incident }: { incident: Incident }) {
  const by = incident.state === "acknowledged" && incident.acknowledged_by ? incident.acknowledged_by : "";
  return (
    <span class="incident-state" data-state={incident.state}>
      {incident.state}
      {by && <span class="soft told ellipsis">{by}</span>}
    </span>
  );
}
