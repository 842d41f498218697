/* One key: how it does, and a line a signal with its rates over the range. */
import { show_bytes, show_count, show_whole } from "../number";
import { change } from "../url";
import { ago } from "../settings/ago";
import { when } from "../settings/load";
import { KeyDetail } from "./detail";
import { bars_of, bars_path, health_of, HEALTH, is_ahead, lag_words, seen_at, type Intake, type IntakeKey, type IntakeSignal } from "./intake";

interface KeyLineProps {
  of: IntakeKey;
  intake: Intake;
  now: number;
  is_open: boolean;
}
export function KeyLine({ of, intake, now, is_open }: KeyLineProps) {
  const health = HEALTH[health_of(of.signals, now)];
  const refused = of.signals.reduce((all, signal) => all + signal.refused, 0);
  return (
    <li class={is_open ? "intake-key chosen" : "intake-key"} data-key={of.name}>
      <div class="row">
        <button class="plain intake-name" aria-expanded={is_open} onClick={() => change({ key: is_open ? null : of.key_id }, true)}>
          <span class={`health health-${health.word}`} title={health.text}>
            <span aria-hidden="true">{health.mark}</span> {health.word}
          </span>
          <b class="told ellipsis">{of.name}</b>
          {of.prefix && <code class="soft">{of.prefix}…</code>}
        </button>
        {of.is_browser && <span class="soft">web pages</span>}
        {!of.is_open && <b class="error-text">ended</b>}
        <span class="soft" title={when(seen_at(of.signals))}>
          last seen {ago(seen_at(of.signals), now)}
        </span>
        {refused > 0 && <span class="error-text">{show_whole(refused)} refused</span>}
      </div>
      {of.signals.length > 0 && (
        <div class="intake-table" role="region" aria-label={`Signals of ${of.name}`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {["Signal", "Rate", "Taken", "Records", "Bytes", "Partial", "Sent twice", "Refused", "Own time to arrival", "Last taken"].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {of.signals.map((signal) => (
                <Line key={signal.signal} signal={signal} intake={intake} now={now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {is_open && <KeyDetail of={of} />}
    </li>
  );
}

function Line({ signal, intake, now }: { signal: IntakeSignal; intake: Intake; now: number }) {
  return (
    <tr data-signal={signal.signal}>
      <th scope="row">{signal.signal}</th>
      <td>
        <Rate signal={signal} intake={intake} />
      </td>
      <td data-of="taken">{show_whole(signal.requests)}</td>
      <td data-of="records">{show_whole(signal.records)}</td>
      <td data-of="bytes">{show_bytes(signal.bytes)}</td>
      <td data-of="partial" class={signal.partial > 0 ? "warn-text" : ""}>
        {signal.partial > 0 ? `${show_whole(signal.partial)}, ${show_whole(signal.rejected)} records left out` : "0"}
      </td>
      <td data-of="repeats">{show_whole(signal.repeats)}</td>
      <td data-of="refused" class={signal.refused > 0 ? "error-text" : ""}>
        {show_whole(signal.refused)}
      </td>
      <td data-of="lag" class={is_ahead(signal.lag) ? "warn-text" : ""}>
        {lag_words(signal.lag)}
      </td>
      <td data-of="accepted" title={when(signal.accepted_at)}>
        {ago(signal.accepted_at, now)}
      </td>
    </tr>
  );
}

/* Requests taken, and on them those refused. */
function Rate({ signal, intake }: { signal: IntakeSignal; intake: Intake }) {
  const taken = bars_of(signal.series, (bar) => bar.requests, intake.from, intake.to, intake.step_s);
  const refused = bars_of(signal.series, (bar) => bar.refused, intake.from, intake.to, intake.step_s);
  const most = Math.max(1, ...taken.map((value, at) => value + (refused[at] ?? 0)));
  return (
    <svg class="rate" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label={`At most ${show_count(most)} requests in ${intake.step_s} s`}>
      <path class="rate-taken" d={bars_path(taken, most)} />
      <path class="rate-refused" d={bars_path(refused, most, taken)} />
    </svg>
  );
}
