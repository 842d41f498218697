/* Small things that several pages of the settings show. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import "./cards.css";
import { who_may, type Permission } from "./access";
import { role_here } from "./load";

/* Why something is to be read alone. */
export function ReadOnly({ permission, what }: { permission: Permission; what: string }) {
  return (
    <p class="read-only soft" role="note">
      Your role here is {role_here.value}: {who_may(permission)} {what}.
    </p>
  );
}

/* A button that asks once more: what it does cannot be taken back. The second press is another button, at the same place. */
export function Sure({ text, label, sure, is_busy, run }: { text: string; label: string; sure: string; is_busy?: boolean; run: () => void }) {
  const [is_asked, ask] = useState(false);
  const first = useRef<HTMLButtonElement>(null);
  if (!is_asked)
    return (
      <button ref={first} type="button" aria-label={label} onClick={() => ask(true)}>
        {text}
      </button>
    );
  return (
    <span class="row sure">
      <button
        type="button"
        class="danger"
        ref={(button) => button?.focus()}
        disabled={is_busy}
        aria-label={`${sure}: ${label}`}
        onClick={() => {
          ask(false);
          run();
        }}
      >
        {sure}
      </button>
      <button
        type="button"
        onClick={() => {
          ask(false);
          requestAnimationFrame(() => first.current?.focus());
        }}
      >
        Keep
      </button>
    </span>
  );
}

/* A table that a phone shows as one card a row: each cell says its column there (data-of). */
export function Cards({ label, heads, children }: { label: string; heads: readonly string[]; children: ComponentChildren }) {
  return (
    <table class="cards" aria-label={label}>
      <thead>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/* A bar of what is used; beyond 100 % it stays full. */
export function Used({ used, of, label }: { used: number; of: number; label: string }) {
  const share = of > 0 ? Math.min(1, used / of) : 0;
  return <meter class="used" min={0} max={1} low={0.8} high={0.95} optimum={0} value={share} aria-label={label} />;
}
