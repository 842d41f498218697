/* Logs, spans and traces, a line each, with the way to their trace. */
import { is_utc } from "../frame/range";
import { from_iso, show_duration, show_time } from "../time";
import { href, project_path } from "../url";
import "./ask.css";
import type { Line } from "./result";

export function Lines({ lines }: { lines: readonly Line[] }) {
  return (
    <div class="ask-rows" role="region" aria-label="Rows" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {["Time", "Level", "Service", "What", "Took"].map((title) => (
              <th scope="col" key={title} class={title === "Took" ? "number" : ""}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line, at) => (
            <tr key={at} class={line.is_error ? "is-error" : ""}>
              <td class="mono">{line.trace_id ? <a href={href(project_path(`trace/${line.trace_id}`), { span: line.span_id })}>{show_time(from_iso(line.time), 3, is_utc.value)}</a> : show_time(from_iso(line.time), 3, is_utc.value)}</td>
              <td>{line.level ? <span class={`level ${line.level.toLowerCase()}`}>{line.level}</span> : line.is_error ? <span class="error-mark">✖ {line.kind}</span> : <span class="soft">{line.kind}</span>}</td>
              <td class="told ask-service">{line.service}</td>
              <td class="told ask-what">{line.text.slice(0, 500)}</td>
              <td class="number">{line.duration_ns === null ? "" : show_duration(line.duration_ns)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
