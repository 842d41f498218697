/* A trace: /p/{project}/trace/{id}?span=&view=flame&find=&a=&b= (a, b: the part of it that is seen, in microseconds from its begin). */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import "./trace.css";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { useKeys } from "../keys";
import { Empty, Problem, Waiting } from "../frame/state";
import { environment, other_environments } from "../frame/environment";
import { is_utc } from "../frame/range";
import { show_whole } from "../number";
import { show_duration, show_time, to_iso } from "../time";
import { change, href, param, project_name, project_path } from "../url";
import { colour_name, service_colours } from "./colours";
import { Detail } from "./detail";
import { Flame, Minimap, window_clamp } from "./flame";
import { load_logs, load_spans, spans_statement, type Log } from "./load";
import { find, folded_at_first, is_coming, shape, visible, type Trace } from "./rows";
import { Waterfall } from "./waterfall";

const ROWS_AT_FIRST = 500;
const AGAIN_MS = [2000, 3000, 5000, 8000, 13000];

export default function View({ rest }: { rest: string }) {
  const trace_id = decodeURIComponent(rest.split("/")[0] ?? "").toLowerCase();
  const is_id = /^[0-9a-f]{32}$/.test(trace_id);
  const loaded = useLoad(is_id ? `${project_name.value}/${trace_id}` : null, async (signal) => {
    const { spans, environments, is_cut, warnings } = await load_spans(project_name.value, trace_id, signal);
    return { trace: shape(spans), environments, is_cut, warnings };
  });
  const logs = useLoad(is_id ? `${project_name.value}/${trace_id}/logs` : null, (signal) => load_logs(project_name.value, trace_id, signal));
  const looked = useRef({ trace_id, count: 0 });
  if (looked.current.trace_id !== trace_id) looked.current = { trace_id, count: 0 };
  useEffect(() => {
    const wait_ms = AGAIN_MS[looked.current.count];
    if (!loaded.value || wait_ms === undefined || !is_coming(loaded.value.trace, param("span"), Date.now())) return;
    const timer = setTimeout(() => {
      looked.current.count++;
      loaded.again();
      logs.again();
    }, wait_ms);
    return () => clearTimeout(timer);
  }, [loaded.value]);
  useActs({ title: `Trace ${trace_id}`, statement: is_id ? spans_statement(trace_id) : undefined, is_timeless: true, ...(loaded.value && loaded.value.trace.spans.length > 0 ? { of_time: { from_us: loaded.value.trace.begin_us - 60e6, to_us: loaded.value.trace.end_us + 60e6 } } : {}) });
  if (!is_id)
    return (
      <Empty title="This is no trace id">
        <p class="soft">A trace id is 32 hexadecimal digits. Paste one into the command palette (Ctrl K).</p>
      </Empty>
    );
  if (loaded.problem) return <Problem problem={loaded.problem} again={loaded.again} />;
  if (!loaded.value) return <Waiting what="Reading the trace" />;
  if (loaded.value.trace.spans.length === 0)
    return (
      <Empty title="No span of this trace is here">
        <p class="soft">
          Its spans may be on their way (a span is sent when it ends), past their retention, or in another project.
          {(logs.value?.length ?? 0) > 0 && ` ${logs.value?.length} logs name it.`}
        </p>
        <div class="row">
          <button class="primary" onClick={loaded.again}>
            Look again
          </button>
          <a class="button" href={href(project_path("explore"), { q: `trace:${trace_id}` })}>
            Its logs
          </a>
        </div>
      </Empty>
    );
  return <Shown trace_id={trace_id} trace={loaded.value.trace} environments={other_environments(loaded.value.environments, environment.value)} is_cut={loaded.value.is_cut} warnings={loaded.value.warnings} logs={logs.value ?? NO_LOGS} again={loaded.again} />;
}
const NO_LOGS: Log[] = [];

function Shown({ trace_id, trace, environments, is_cut, warnings, logs, again }: { trace_id: string; trace: Trace; environments: string[]; is_cut: boolean; warnings: string[]; logs: Log[]; again: () => void }) {
  const colours = useMemo(() => service_colours(trace), [trace]);
  const [folded, fold] = useState(() => folded_at_first(trace, ROWS_AT_FIRST));
  const is_flame = param("view") === "flame";
  const text = param("find");
  const found = useMemo(() => find(trace, text), [trace, text]);
  const found_set = useMemo(() => new Set(found), [found]);
  const rows = useMemo(() => visible(trace, folded), [trace, folded]);
  const chosen = useMemo(() => trace.spans.findIndex((span) => span.id === param("span")), [trace, param("span")]);
  const logs_by_span = useMemo(() => {
    const by_span = new Map<string, Log[]>();
    for (const log of logs) {
      const list = by_span.get(log.span_id);
      if (list) list.push(log);
      else by_span.set(log.span_id, [log]);
    }
    return by_span;
  }, [logs]);
  const window = window_clamp(trace, {
    from_us: trace.begin_us + (param("a") ? Number(param("a")) || 0 : 0),
    to_us: param("b") ? trace.begin_us + (Number(param("b")) || Infinity) : trace.end_us,
  });
  const window_set = (next: { from_us: number; to_us: number }) => {
    const is_all = next.from_us <= trace.begin_us && next.to_us >= trace.end_us;
    change({ a: is_all ? null : String(+(next.from_us - trace.begin_us).toFixed(1)), b: is_all ? null : String(+(next.to_us - trace.begin_us).toFixed(1)) }, true);
  };
  const choose = (at: number) => {
    const span = trace.spans[at];
    if (!span) return;
    const open = new Set(folded);
    for (let up = trace.parent[at] ?? -1; up >= 0; up = trace.parent[up] ?? -1) open.delete(trace.spans[up]?.id ?? "");
    if (open.size !== folded.size) fold(open);
    change({ span: span.id }, true);
  };
  const turn = (at: number) => {
    const id = trace.spans[at]?.id ?? "";
    const next = new Set(folded);
    if (!next.delete(id)) next.add(id);
    fold(next);
  };
  const step = (by: number) => {
    const row = rows.indexOf(chosen);
    choose(rows[Math.max(0, Math.min(rows.length - 1, row < 0 ? 0 : row + by))] ?? 0);
  };
  const step_found = (by: number) => {
    if (found.length === 0) return;
    const place = found.findIndex((at) => at >= chosen);
    const here = place < 0 ? 0 : place;
    choose(found[(here + (found[here] === chosen ? by : by < 0 ? -1 : 0) + found.length) % found.length] ?? 0);
  };
  const step_error = () => {
    const next = trace.spans.findIndex((span, at) => at > chosen && span.is_error);
    choose(next >= 0 ? next : trace.spans.findIndex((span) => span.is_error));
  };
  useEffect(() => {
    if (param("span") === "error") step_error(); /* who comes from an issue */
  }, []);
  useEffect(() => {
    if (text && found.length > 0 && !found_set.has(chosen)) choose(found[0] ?? 0);
  }, [text]);
  useKeys([
    { keys: "j", text: "Next span", group: "Trace", run: () => step(1) },
    { keys: "k", text: "Span before", group: "Trace", run: () => step(-1) },
    { keys: "o", text: "Fold or unfold", group: "Trace", run: () => chosen >= 0 && turn(chosen) },
    { keys: "e", text: "Next error", group: "Trace", run: step_error },
    { keys: "n", text: "Next that was found", group: "Trace", run: () => step_found(1) },
    { keys: "shift+n", text: "Found one before", group: "Trace", run: () => step_found(-1) },
    { keys: "f", text: "Waterfall or flame graph", group: "Trace", run: () => change({ view: is_flame ? null : "flame" }) },
    { keys: "/", text: "Search in this trace", group: "Trace", run: () => document.getElementById("trace-find")?.focus() },
    { keys: "z", text: "Zoom to the span", group: "Trace", run: () => chosen >= 0 && window_set(window_clamp(trace, { from_us: trace.spans[chosen]?.start_us ?? 0, to_us: (trace.spans[chosen]?.start_us ?? 0) + (trace.spans[chosen]?.duration_ns ?? 0) / 1e3 })) },
    { keys: "shift+z", text: "The whole trace", group: "Trace", run: () => window_set({ from_us: trace.begin_us, to_us: trace.end_us }) },
    { keys: "escape", text: "Close the span", group: "Trace", run: () => change({ span: null }, true) },
  ]);
  const root = trace.spans[0];
  return (
    <div class={chosen >= 0 ? "trace with-detail" : "trace"}>
      <header class="trace-head">
        <div class="row">
          <h1 class="told ellipsis">
            {root?.service} {root?.name}
          </h1>
          <span class="soft">
            {show_time(trace.begin_us, 3, is_utc.value)} · <b>{show_duration((trace.end_us - trace.begin_us) * 1e3)}</b> · {show_whole(trace.spans.length)} spans
            {logs.length > 0 && ` · ${show_whole(logs.length)} logs`}
          </span>
          {trace.error_count > 0 && (
            <button class="error-count" onClick={step_error} title="Next error ( e )">
              ✖ {show_whole(trace.error_count)} {trace.error_count === 1 ? "error" : "errors"}
            </button>
          )}
        </div>
        <div class="row">
          <div class="row" role="group" aria-label="View">
            <button aria-pressed={!is_flame} onClick={() => change({ view: null })}>
              Waterfall
            </button>
            <button aria-pressed={is_flame} onClick={() => change({ view: "flame" })}>
              Flame graph
            </button>
          </div>
          <input
            id="trace-find"
            type="search"
            placeholder="Search in this trace ( / )"
            aria-label="Search in this trace"
            value={text}
            onInput={(event) => change({ find: event.currentTarget.value }, true)}
            onKeyDown={(event) => {
              if (event.key === "Enter") step_found(event.shiftKey ? -1 : 1);
            }}
          />
          {text && (
            <span class="soft" role="status">
              {show_whole(found.length)} found
            </span>
          )}
          <span class="grow" />
          {folded.size > 0 ? <button onClick={() => fold(new Set())}>Unfold all</button> : <button onClick={() => fold(new Set(trace.spans.filter((_, at) => (trace.next[at] ?? 0) > at + 1 && (trace.depth[at] ?? 0) > 0).map((span) => span.id)))}>Fold all</button>}
          <a class="button" href={href(project_path("explore"), { q: `trace:${trace_id}`, from: to_iso(trace.begin_us - 60e6), to: to_iso(trace.end_us + 60e6) })}>
            In the explorer
          </a>
          <button class="plain" aria-label="Read anew" title="Read anew" onClick={again}>
            ↻
          </button>
        </div>
        <ul class="legend" aria-label="Services, by their own time">
          {trace.services.slice(0, 12).map((service) => (
            <li key={service.name}>
              <span class="service-mark" style={{ background: `var(${colour_name(colours.get(service.name) ?? 7)})` }} aria-hidden="true" />
              <span class="told">{service.name}</span> <span class="soft">{show_duration(service.self_ns)}</span>
              {service.error_count > 0 && <span class="error-mark">✖{service.error_count}</span>}
            </li>
          ))}
        </ul>
        {environments.length > 0 && <p class="warning told">The trace is shown whole: it also has spans of {environments.map((name) => name || "no environment").join(", ")}.</p>}
        {is_cut && <p class="warning">Only a part is shown: the trace has more spans than this page reads.</p>}
        {trace.orphan_count > 0 && (
          <p class="warning">
            {show_whole(trace.orphan_count)} {trace.orphan_count === 1 ? "span names a parent that is" : "spans name parents that are"} not here: not sent, not sent yet, or not sampled. A trace that has just been is read again for half a minute.
          </p>
        )}
        {warnings.map((warning) => (
          <p class="warning told" key={warning}>
            {warning}
          </p>
        ))}
        <Minimap trace={trace} colours={colours} window={window} onWindow={window_set} />
        <Axis window={window} begin_us={trace.begin_us} is_flame={is_flame} />
      </header>
      {is_flame ? (
        <Flame trace={trace} colours={colours} window={window} chosen={chosen} found={found_set} onChoose={choose} onWindow={window_set} />
      ) : (
        <Waterfall trace={trace} rows={rows} folded={folded} chosen={chosen} found={found_set} logs={logs_by_span} colours={colours} window={window} onChoose={choose} onFold={turn} />
      )}
      {chosen >= 0 && <Detail trace={trace} at={chosen} trace_id={trace_id} logs={logs_by_span.get(trace.spans[chosen]?.id ?? "") ?? NO_LOGS} onClose={() => change({ span: null }, true)} onChoose={choose} />}
    </div>
  );
}

function Axis({ window, begin_us, is_flame }: { window: { from_us: number; to_us: number }; begin_us: number; is_flame: boolean }) {
  const width = window.to_us - window.from_us;
  return (
    <div class={is_flame ? "axis flame-axis" : "axis"} aria-hidden="true">
      {[0, 0.25, 0.5, 0.75].map((part) => (
        <span key={part} style={{ left: `${part * 100}%` }}>
          {show_duration((window.from_us - begin_us + width * part) * 1e3)}
        </span>
      ))}
    </div>
  );
}
