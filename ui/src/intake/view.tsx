/* Intake: /p/{project}/intake?key=ID&check=NAME. What comes in, by key, over the page's range: taken, sent twice, left out, refused and
 * why, how late; who sends; what is parked; and a check that one's own sender arrives. */
import { useEffect, useMemo } from "preact/hooks";
import "./intake.css";
import { api } from "../api/client";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_live, range, refresh } from "../frame/range";
import { Problem, Waiting } from "../frame/state";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { me } from "../session";
import { now_us, show_duration, to_iso } from "../time";
import { change, param, project_name } from "../url";
import { Check } from "./check";
import { KeyDetail } from "./detail";
import { lag_words, type Intake } from "./intake";
import { KeyLine } from "./key_line";
import { newest_rows, type Newest } from "./newest";
import { Parked } from "./parked";

const LIVE_MS = 3000;

function useIntake() {
  const { from_us, to_us } = range.value;
  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, LIVE_MS);
    return () => clearInterval(timer);
  }, [is_live.value]);
  const key = `${project_name.value} ${from_us} ${to_us}`;
  const intake = useLoad(key, (signal) => api<Intake>(`/projects/${encodeURIComponent(project_name.value)}/intake`, { query: { from: to_iso(from_us), to: to_iso(to_us) }, signal }));
  const newest = useLoad(key, newest_rows);
  return { intake, newest };
}

export default function View() {
  useActs({ title: "Intake", statement: undefined, is_private: true });
  const { intake, newest } = useIntake();
  const keys = intake.value?.keys ?? [];
  const open = keys.find((key) => key.key_id === param("key"));
  const check = param("check");
  const now = useMemo(now_us, [intake.value]); /* all ages of one answer are from one moment */
  const step = (by: number) => {
    const at = keys.findIndex((key) => key.key_id === param("key"));
    const next = keys[Math.max(0, Math.min(keys.length - 1, at + by))];
    if (next) change({ key: next.key_id }, true);
  };
  const begin_check = () => change({ check: `check-${Math.random().toString(36).slice(2, 8)}` });
  useKeys([
    { keys: "j", text: "Next key", group: "Intake", run: () => step(1) },
    { keys: "k", text: "The key before", group: "Intake", run: () => step(-1) },
    { keys: "c", text: "Check that a sender arrives", group: "Intake", run: begin_check },
    { keys: "escape", text: "Close", group: "Intake", run: () => change({ key: null, check: null }, true) },
  ]);
  return (
    <div class="intake">
      <header class="row intake-head">
        <h1 class="grow">Intake</h1>
        {!check && (
          <button class="primary" onClick={begin_check}>
            Send a test event <kbd aria-hidden="true">c</kbd>
          </button>
        )}
      </header>
      {check && <Check key={check} name={check} />}
      {intake.problem && <Problem problem={intake.problem} again={intake.again} />}
      {!intake.value && intake.is_loading && <Waiting what="Reading the counts" />}
      {intake.value && (
        <>
          <Visible intake={intake.value} newest={newest.value} problem={newest.problem?.detail} />
          {keys.length === 0 ? (
            <p class="soft">This project has no key: nothing can be sent to it.</p>
          ) : (
            <ul class="intake-keys" aria-label="Keys">
              {keys.map((key) => (
                <KeyLine key={key.key_id} of={key} intake={intake.value as Intake} now={now} is_open={key === open} />
              ))}
            </ul>
          )}
          {intake.value.unknown && intake.value.unknown.signals.some((signal) => signal.refused > 0) && (
            <section aria-label="Nobody's keys">
              <h2>Requests with keys that nobody knows, of the whole server</h2>
              <KeyDetail of={{ name: "unknown keys", ...intake.value.unknown }} />
            </section>
          )}
          <Parked parked={intake.value.parked} is_instance_admin={me.value?.is_instance_admin === true} />
        </>
      )}
    </div>
  );
}

function Visible({ intake, newest, problem }: { intake: Intake; newest: readonly Newest[] | undefined; problem: string | undefined }) {
  return (
    <section class="row intake-visible" aria-label="Visible rows">
      {(newest ?? []).map((one) => {
        const shown = intake.visible.find((other) => other.table === one.table);
        const past_us = one.at_us === undefined ? undefined : now_us() - one.at_us;
        return (
          <dl key={one.table} class="intake-card" data-table={one.table}>
            <dt>{one.words}: newest row</dt>
            <dd>{past_us === undefined ? <span class="soft">none in the last day</span> : past_us < 0 ? `${show_duration(-past_us * 1e3)} in the future` : `${show_duration(past_us * 1e3)} old`}</dd>
            <dt>from arrival until it can be asked</dt>
            <dd>{shown?.lag ? lag_words(shown.lag) : <span class="soft">nothing came in this range</span>}</dd>
          </dl>
        );
      })}
      {problem && <p class="error-text told">{problem}</p>}
      <dl class="intake-card">
        <dt>Taken in this range</dt>
        <dd>{show_whole(sum(intake, (signal) => signal.records))} records</dd>
        <dt>refused</dt>
        <dd>{show_whole(sum(intake, (signal) => signal.refused))} requests</dd>
      </dl>
    </section>
  );
}

function sum(intake: Intake, of: (signal: Intake["keys"][number]["signals"][number]) => number): number {
  return intake.keys.reduce((all, key) => all + key.signals.reduce((some, signal) => some + of(signal), 0), 0);
}
