/* What happened in a span: its events, exceptions with their stack. */
import type { Cell } from "../api/client";
import { from_iso, show_duration } from "../time";
import { flat, shown } from "./flat";

/* What was thrown, in a line: the type and message of the first exception. */
export function thrown_text(events: readonly { [name: string]: Cell }[]): string {
  for (const event of events) {
    const attributes = new Map(flat(event.attributes).map((one) => [one.name, one.value]));
    const parts = [attributes.get("exception.type"), attributes.get("exception.message")].filter(Boolean);
    if (parts.length > 0) return parts.join(": ");
  }
  return "";
}

export function Events({ events, start_us }: { events: { [name: string]: Cell }[]; start_us: number }) {
  if (events.length === 0) return null;
  return (
    <section>
      <h3>Events</h3>
      {events.slice(0, 200).map((event, at) => {
        const attributes = flat(event.attributes);
        const stack = attributes.find((one) => one.name === "exception.stacktrace");
        const time_us = from_iso(shown(event.time));
        return (
          <details key={at} open={at < 3} class="event">
            <summary class="told">
              {shown(event.name)}
              {Number.isFinite(time_us) && <span class="soft"> +{show_duration((time_us - start_us) * 1e3)}</span>}
            </summary>
            <dl>
              {attributes
                .filter((one) => one !== stack)
                .map((one) => (
                  <div key={one.name}>
                    <dt class="told soft">{one.name}</dt>
                    <dd class="told">{one.value}</dd>
                  </div>
                ))}
            </dl>
            {stack && <pre class="told stack" tabIndex={0}>{stack.value}</pre>}
          </details>
        );
      })}
    </section>
  );
}
