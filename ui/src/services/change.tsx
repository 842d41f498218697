/* How a figure has changed, and how a service does: an arrow or a mark with its words; a colour only where it is a signal. */
import { look_of, type Change, type Condition } from "./services";

export function Changed({ change }: { change: Change }) {
  if (!change.arrow) return null;
  return (
    <span class={`changed ${change.signal}`} title={`compared with the time before: ${change.words}`}>
      <span aria-hidden="true">{change.arrow}</span> {change.words}
    </span>
  );
}

export function ConditionMark({ condition, is_worded = false }: { condition: Condition; is_worded?: boolean }) {
  const look = look_of(condition);
  return (
    <span class={`condition ${condition}`} title={`${look.title}: ${look.means}`}>
      <span aria-hidden="true">{look.mark}</span> <span class={is_worded ? "" : "unseen"}>{look.title}</span>
    </span>
  );
}
