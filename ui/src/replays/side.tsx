/* What happened beside the picture, at the same time: events, console, network, traces, logs. A line leads to its moment. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Load } from "../api/load";
import { Problem, Waiting } from "../frame/state";
import { show_duration } from "../time";
import { change, href, param, project_path } from "../url";
import type { Beside } from "./load";
import { clock, present, type Mark, type Shaped } from "./shape";

interface Line {
  at_ms: number;
  kind: string;
  title: string;
  level: string;
  trace_id: string;
  span_id: string;
  duration_ms: number;
  service: string;
}
const SIDES = ["events", "console", "network", "traces", "logs"] as const;
type SideName = (typeof SIDES)[number];
const TITLES: Record<SideName, string> = { events: "Events", console: "Console", network: "Network", traces: "Traces", logs: "Logs" };
const KINDS: Partial<Record<Mark["kind"], string>> = { rage_click: "rage click", navigation: "page" };
const SHOWN = 1000; /* lines around the present one */

function lines_of(side: SideName, shaped: Shaped, beside: readonly Beside[]): Line[] {
  const of_mark = (mark: Mark): Line => ({ ...mark, kind: KINDS[mark.kind] ?? mark.kind, service: "" });
  const of_beside = (one: Beside): Line => ({ ...one, kind: one.is_log ? one.level || "log" : "span" });
  if (side === "traces" || side === "logs") return beside.filter((one) => one.is_log === (side === "logs")).map(of_beside);
  const is_meant = (mark: Mark) => (side === "events" ? mark.kind !== "console" && mark.kind !== "network" : mark.kind === side);
  return shaped.marks.filter(is_meant).map(of_mark);
}

export function Side({ shaped, beside, from_ms, now_ms, onSeek }: { shaped: Shaped; beside: Load<Beside[]>; from_ms: number; now_ms: number; onSeek: (at_ms: number) => void }) {
  const side = SIDES.find((one) => one === param("side")) ?? "events";
  const lines = useMemo(() => lines_of(side, shaped, beside.value ?? []), [side, shaped, beside.value]);
  const here = present(lines, now_ms + 1);
  const first = Math.max(0, Math.min(lines.length - SHOWN, here - SHOWN / 2));
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const [list, line] = [box.current, box.current?.querySelector<HTMLElement>(".present")];
    if (list && line && !list.contains(document.activeElement)) list.scrollTop = line.offsetTop - list.offsetTop - list.clientHeight / 2;
  }, [here, side]);
  const is_of_server = side === "traces" || side === "logs";
  return (
    <aside class="side" aria-label="Beside the recording">
      <div class="side-tabs" role="group" aria-label="What is shown">
        {SIDES.map((one) => (
          <button key={one} aria-pressed={one === side} onClick={() => change({ side: one === "events" ? null : one }, true)}>
            {TITLES[one]}
          </button>
        ))}
      </div>
      <div class="side-lines" ref={box} tabIndex={0} role="region" aria-label={TITLES[side]}>
        {is_of_server && beside.problem ? (
          <Problem problem={beside.problem} again={beside.again} />
        ) : is_of_server && !beside.value ? (
          <Waiting what="Reading what the backend did" />
        ) : lines.length === 0 ? (
          <p class="soft side-none">{side === "traces" ? "No span has this session's id." : side === "logs" ? "No log has this session's id." : "Nothing."}</p>
        ) : (
          <ol>
            {lines.slice(first, first + SHOWN).map((line, at) => (
              <SideLine key={first + at} line={line} is_present={first + at === here} from_ms={from_ms} onSeek={onSeek} />
            ))}
          </ol>
        )}
      </div>
    </aside>
  );
}

function SideLine({ line, is_present, from_ms, onSeek }: { line: Line; is_present: boolean; from_ms: number; onSeek: (at_ms: number) => void }) {
  return (
    <li class={is_present ? "side-line present" : "side-line"} data-level={line.level} aria-current={is_present ? "true" : undefined}>
      <button class="plain side-moment" onClick={() => onSeek(line.at_ms)}>
        <span class="soft mono">{clock(line.at_ms - from_ms)}</span>
        <span class="side-kind soft">{line.service || line.kind}</span>
        <span class="told side-title">{line.title.slice(0, 500)}</span>
        {line.duration_ms > 0 && <span class="soft">{show_duration(line.duration_ms * 1e6)}</span>}
      </button>
      {line.trace_id && (
        <a href={href(project_path(`trace/${line.trace_id}`), { span: line.span_id || null })} aria-label={`Trace of ${line.title.slice(0, 80)}`}>
          trace
        </a>
      )}
    </li>
  );
}
