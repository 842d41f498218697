/* The time of a plan, and what it is compared with. */
import { useState } from "preact/hooks";
import { is_utc } from "../frame/range";
import { from_iso, now_us, parse_time, show_time, to_iso } from "../time";
import { BEFORES, with_before, type Plan } from "./plan";

interface TimeProps {
  plan: Plan;
  onPut: (plan: Plan) => void;
}

export function TimeEditor({ plan, onPut }: TimeProps) {
  const shown = (iso: string) => show_time(from_iso(iso), 0, is_utc.value);
  const [from, set_from] = useState(shown(plan.from));
  const [to, set_to] = useState(shown(plan.to));
  const from_us = parse_time(from, now_us(), is_utc.value);
  const to_us = parse_time(to, now_us(), is_utc.value);
  const wrong = Number.isNaN(from_us) ? "from: such as now-2h or 2026-11-27 03:00" : Number.isNaN(to_us) ? "to: such as now or 2026-11-27 04:00" : from_us >= to_us ? "from must be before to" : "";
  return (
    <form
      class="ask-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) onPut({ ...plan, from: to_iso(from_us), to: to_iso(to_us), before: null, time_was_said: true });
      }}
    >
      <label class="field">
        From
        <input type="text" value={from} onInput={(event) => set_from(event.currentTarget.value)} />
      </label>
      <label class="field">
        To
        <input type="text" value={to} onInput={(event) => set_to(event.currentTarget.value)} />
      </label>
      {wrong && (
        <p class="error-text" role="alert">
          {wrong}
        </p>
      )}
      <button class="primary" disabled={wrong !== ""}>
        Apply
      </button>
    </form>
  );
}

export function CompareEditor({ plan, onPut }: TimeProps) {
  return (
    <div class="ask-form">
      {BEFORES.map((one) => (
        <button key={one.title} onClick={() => onPut(with_before(plan, one.seconds))}>
          {one.title}
        </button>
      ))}
      {plan.before && <button onClick={() => onPut({ ...plan, before: null })}>Do not compare</button>}
    </div>
  );
}
