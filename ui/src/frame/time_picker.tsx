/* The time range: presets, any text, live, zone; beside it earlier, later, wider. */
import { useRef, useState } from "preact/hooks";
import { change } from "../url";
import { parse_time, RANGES, show_time, to_iso } from "../time";
import { bounds, from_text, is_live, is_utc, range, range_scale, range_set, range_shift, refresh, to_text } from "./range";

function range_name(): string {
  const preset = !bounds.value && RANGES.find((one) => one.from === from_text.value);
  if (preset && !to_text.value) return `Last ${preset.text}`;
  if (!bounds.value && from_text.value.startsWith("now") && !to_text.value) return `Since ${from_text.value}`;
  const from = show_time(range.value.from_us, 0, is_utc.value);
  const to = show_time(range.value.to_us, 0, is_utc.value);
  return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to}`;
}

export function TimePicker() {
  const [is_open, open] = useState(false);
  const [from, set_from] = useState("");
  const [to, set_to] = useState("");
  const root = useRef<HTMLDivElement>(null);
  const now = Date.now() * 1e3;
  const from_us = parse_time(from, now, is_utc.value);
  const to_us = to ? parse_time(to, now, is_utc.value) : now;
  const wrong = Number.isNaN(from_us) ? "from: such as now-90m, -2h or 2026-11-27 03:00" : Number.isNaN(to_us) ? "to: such as now, -15m or 2026-11-27 04:00" : from_us >= to_us ? "from must be before to" : bounds.value && (from_us >= bounds.value.to_us || to_us <= bounds.value.from_us) ? `the link shows ${show_time(bounds.value.from_us, 0, is_utc.value)} to ${show_time(bounds.value.to_us, 0, is_utc.value)}` : "";
  const begin = () => {
    set_from(bounds.value ? to_iso(range.value.from_us) : from_text.value);
    set_to(bounds.value ? to_iso(range.value.to_us) : to_text.value);
    open(!is_open);
  };
  const choose = (next_from: string, next_to = "") => {
    range_set(next_from, next_to);
    open(false);
  };
  return (
    <div
      class="time-picker"
      ref={root}
      onFocusOut={(event) => {
        if (event.relatedTarget && !root.current?.contains(event.relatedTarget as Node)) open(false);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") open(false);
      }}
    >
      <button class="plain" aria-label="Earlier" title="Earlier ( [ )" onClick={() => range_shift(-1)}>
        ‹
      </button>
      <button aria-expanded={is_open} aria-haspopup="dialog" onClick={begin} class="time-name" data-keys="t">
        {range_name()}
      </button>
      <button class="plain" aria-label="Later" title="Later ( ] )" onClick={() => range_shift(1)}>
        ›
      </button>
      <button class="plain" aria-label="Wider" title="Twice as much ( - )" onClick={() => range_scale(2)}>
        ⤢
      </button>
      {!bounds.value && (
        <button aria-pressed={is_live.value} title="New rows as they come ( l )" onClick={() => change({ live: is_live.value ? null : "1", paused: null, to: null })}>
          <span class={is_live.value ? "dot on" : "dot"} aria-hidden="true" />
          Live
        </button>
      )}
      <button class="plain" aria-label="Read anew" title="Read anew ( r )" onClick={refresh}>
        ↻
      </button>
      {is_open && (
        <div class="popup time-popup" role="dialog" aria-label="Time range">
          <div class="time-presets">
            {bounds.value && (
              <button class="plain" onClick={() => choose(to_iso(bounds.value?.from_us ?? 0), to_iso(bounds.value?.to_us ?? 0))}>
                All that is shared
              </button>
            )}
            {(bounds.value ? [] : RANGES).map((preset) => (
              <button key={preset.from} class="plain" aria-pressed={from_text.value === preset.from && !to_text.value} onClick={() => choose(preset.from)}>
                Last {preset.text}
              </button>
            ))}
          </div>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (!wrong) choose(from.trim(), to.trim());
            }}
          >
            <label>
              From
              <input value={from} onInput={(event) => set_from(event.currentTarget.value)} autofocus spellcheck={false} />
            </label>
            <label>
              To
              <input value={to} placeholder="now" onInput={(event) => set_to(event.currentTarget.value)} spellcheck={false} />
            </label>
            <p class={wrong ? "error-text" : "soft"} role="status">
              {wrong || `${show_time(from_us, 0, is_utc.value)} to ${show_time(to_us, 0, is_utc.value)}`}
            </p>
            <div class="row">
              <button class="primary" disabled={!!wrong}>
                Show
              </button>
              <label class="row">
                <input type="checkbox" checked={is_utc.value} onChange={() => change({ tz: is_utc.value ? null : "utc" }, true)} />
                UTC
              </label>
            </div>
          </form>
        </div>
      )}
    </div>
  );
}
