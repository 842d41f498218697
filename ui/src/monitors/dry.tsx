/* What a definition would have told in the last hours, drawn: by the code that evaluates it. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { looks_of } from "../charts/colours";
import { TimeChart } from "../charts/time_chart";
import { Waiting } from "../frame/state";
import { now_us } from "../time";
import { project_name } from "../url";
import { dry_run } from "./load";
import { drawn_of, marks_of, rises, type Definition } from "./monitors";

const WAIT_MS = 600; /* while it is being written */
const HOURS = 3;

export function Dryness({ definition, label }: { definition: Definition; label: string }) {
  const text = JSON.stringify(definition);
  const [asked, ask] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => ask(text), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const dry = useLoad(`${project_name.value} ${asked}`, (signal) => dry_run(JSON.parse(asked) as Definition, `now-${HOURS}h`, signal));
  const data = useMemo(() => {
    const to_us = now_us();
    return dry.value ? drawn_of(dry.value, definition.condition, { from_us: to_us - HOURS * 3600e6, to_us }) : undefined;
  }, [dry.value]);
  if (dry.problem)
    return (
      <p class="monitor-broken told" role="status">
        {dry.problem.detail}
      </p>
    );
  if (!dry.value || !data) return <Waiting what="Trying it on the last hours" />;
  const looks = looks_of(data.series, "");
  const alerts = rises(dry.value.events).filter((one) => one.to === "alert" || one.to === "no_data").length;
  const warnings = rises(dry.value.events).filter((one) => one.to === "warning").length;
  return (
    <section class="monitor-dry" aria-label="Tried on the past">
      <TimeChart label={label} data={data} looks={looks} shape="line" height={220} marks={marks_of(dry.value.events)} onZoom={() => undefined} />
      <p class="soft" role="status">
        In the last {HOURS} hours it would have told of {alerts} {alerts === 1 ? "alert" : "alerts"} and {warnings} {warnings === 1 ? "warning" : "warnings"}
        {dry.value.is_cut ? "; there was no time to look at all of it" : ""}.
      </p>
    </section>
  );
}
