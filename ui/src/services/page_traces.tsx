/* Requests worth a look, each with its trace: the slowest, or those that failed (`traces` of the address). */
import { useLoad } from "../api/load";
import { environment } from "../frame/environment";
import { is_utc, range } from "../frame/range";
import { Problem } from "../frame/state";
import { show_duration, show_time, to_iso } from "../time";
import { change, href, param, project_name, project_path } from "../url";
import { load_traces } from "./page_source";
import type { TraceLine } from "./page_shape";
import type { TracesBy, What } from "./statement";

const AROUND_US = 3600e6;

export function Traces({ name, endpoint, what, failed }: { name: string; endpoint: string; what: What; failed: number }) {
  const asked = param("traces");
  const by: TracesBy = asked === "slowest" || asked === "failed" ? asked : failed > 0 ? "failed" : "slowest"; /* what fails comes first */
  const { from_us, to_us } = range.value;
  const list = useLoad([project_name.value, name, endpoint, what, by, environment.value, from_us, to_us].join("\n"), (signal) => load_traces(project_name.value, range.value, name, endpoint, by, what, signal));
  const lines = list.value ?? [];
  return (
    <section class="service-part" aria-label="Traces" aria-busy={list.is_loading}>
      <div class="row">
        <h2>Traces</h2>
        <span class="row" role="group" aria-label="Which">
          {(["slowest", "failed"] as const).map((one) => (
            <button key={one} class="quantile" aria-pressed={by === one} onClick={() => change({ traces: one }, true)}>
              {one === "slowest" ? "Slowest" : "Failed, newest first"}
            </button>
          ))}
        </span>
      </div>
      {list.problem && <Problem problem={list.problem} again={list.again} />}
      {list.value && lines.length === 0 && <p class="soft">{by === "failed" ? `No ${what} failed in this time.` : `No ${what} in this time.`}</p>}
      <ol class="service-traces" data-by={by}>
        {lines.map((line) => (
          <Line key={line.trace + line.span} line={line} />
        ))}
      </ol>
    </section>
  );
}

function Line({ line }: { line: TraceLine }) {
  const around = { from: to_iso(line.at_us - AROUND_US), to: to_iso(line.at_us + AROUND_US) };
  return (
    <li>
      <span class="mono soft">{show_time(line.at_us, 0, is_utc.value).slice(5)}</span>
      <a class="told ellipsis" href={href(project_path(`trace/${line.trace}`), { span: line.span, tz: param("tz"), ...around })}>
        {line.name.slice(0, 120) || line.trace}
      </a>
      <span class="number">{line.duration_ns === null ? "" : show_duration(line.duration_ns)}</span>
      <span class="error-text">
        {line.is_error && (
          <>
            <span aria-hidden="true">✖</span>
            <span class="unseen">failed</span>
          </>
        )}
      </span>
    </li>
  );
}
