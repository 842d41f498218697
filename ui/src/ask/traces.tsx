/* Traces that were asked for: a list, and the waterfall of the one that is chosen (`trace` of the address). */
import { useMemo, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { is_utc } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { from_iso, show_duration, show_time } from "../time";
import { colour_name, service_colours } from "../trace/colours";
import { load_spans, type Log } from "../trace/load";
import { folded_at_first, shape, visible, type Trace } from "../trace/rows";
import { ROW_PX, Waterfall } from "../trace/waterfall";
import "../trace/trace.css";
import { useKeys } from "../keys";
import { change, go, href, param, project_name, project_path } from "../url";
import type { Answer } from "./plan";
import { traces_of } from "./result";

const ROWS_AT_FIRST = 200;
const HEAD_PX = 64; /* two lines of services on a phone */
const NO_LOGS: ReadonlyMap<string, Log[]> = new Map();
const NONE: ReadonlySet<number> = new Set();

export function Traces({ answer }: { answer: Answer }) {
  const lines = useMemo(() => traces_of(answer), [answer]);
  const longest = Math.max(...lines.map((line) => line.duration_ns), 1);
  const at = Math.max(0, lines.findIndex((line) => line.trace_id === param("trace")));
  const chosen = lines[at]?.trace_id ?? "";
  const is_of_parts = lines.some((line) => line.matches > 0);
  const step = (by: number) => {
    const next = lines[at + by];
    if (next) change({ trace: next.trace_id }, true);
  };
  useKeys([
    { keys: "j", text: "Next trace", group: "Ask", run: () => step(1) },
    { keys: "k", text: "Trace before", group: "Ask", run: () => step(-1) },
    { keys: "o", text: "Open the trace", group: "Ask", run: () => go(project_path(`trace/${chosen}`)) },
  ]);
  return (
    <div class="ask-traces">
      <div>
        <p class="soft ask-trace-note">
          {lines.length} {lines.length === 1 ? "trace" : "traces"}; {is_of_parts ? "how long the longest of the spans that were asked for took, and how many there are" : "how long each took"}
        </p>
        <ol class="ask-trace-list" aria-label="Traces">
          {lines.map((line) => (
            <li key={line.trace_id}>
              <button class="plain ask-trace" aria-pressed={line.trace_id === chosen} onClick={() => change({ trace: line.trace_id }, true)}>
                <span class="mono">{show_time(from_iso(line.time), 3, is_utc.value)}</span>
                <span class="ask-trace-bar" aria-hidden="true">
                  <span style={{ width: `${Math.max(1, (line.duration_ns / longest) * 100)}%` }} />
                </span>
                <span class="number">{show_duration(line.duration_ns)}</span>
                <span class="number soft">{line.matches > 0 ? `× ${line.matches}` : line.is_error ? <span class="error-mark">✖</span> : ""}</span>
                {line.name && <span class="told ellipsis ask-trace-name">{line.name}</span>}
              </button>
            </li>
          ))}
        </ol>
      </div>
      <OneTrace key={chosen} id={chosen} />
    </div>
  );
}

function OneTrace({ id }: { id: string }) {
  const loaded = useLoad(id && `${project_name.value}/${id}`, async (signal) => shape((await load_spans(project_name.value, id, signal)).spans));
  if (loaded.problem) return <Problem problem={loaded.problem} again={loaded.again} />;
  if (!loaded.value) return <Waiting what="Reading the trace" />;
  if (loaded.value.spans.length === 0)
    return (
      <Empty title="No span of this trace is here">
        <p class="soft">Only logs name it, or its spans are past their retention.</p>
      </Empty>
    );
  return <Drawn id={id} trace={loaded.value} />;
}

function Drawn({ id, trace }: { id: string; trace: Trace }) {
  const colours = useMemo(() => service_colours(trace), [trace]);
  const [folded, fold] = useState(() => folded_at_first(trace, ROWS_AT_FIRST));
  const [chosen, choose] = useState(-1);
  const rows = useMemo(() => visible(trace, folded), [trace, folded]);
  const turn = (at: number) => {
    const next = new Set(folded);
    const span = trace.spans[at]?.id ?? "";
    if (!next.delete(span)) next.add(span);
    fold(next);
  };
  return (
    <section class="ask-waterfall" aria-label={`Trace ${id}`} style={{ height: `min(60vh, 560px, ${(rows.length + 1) * ROW_PX + HEAD_PX}px)` }}>
      <header class="row">
        <ul class="legend" aria-label="Services">
          {trace.services.slice(0, 8).map((service) => (
            <li key={service.name}>
              <span class="service-mark" style={{ background: `var(${colour_name(colours.get(service.name) ?? 7)})` }} aria-hidden="true" />
              <span class="told">{service.name}</span> {service.error_count > 0 && <span class="error-mark">✖{service.error_count}</span>}
            </li>
          ))}
        </ul>
        <span class="grow" />
        <a class="button" href={href(project_path(`trace/${id}`), { span: trace.spans[chosen]?.id ?? null })}>
          Open the trace
        </a>
      </header>
      <Waterfall trace={trace} rows={rows} folded={folded} chosen={chosen} found={NONE} logs={NO_LOGS} colours={colours} window={{ from_us: trace.begin_us, to_us: trace.end_us }} onChoose={choose} onFold={turn} />
    </section>
  );
}
