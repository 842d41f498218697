/* What a finding likely comes from: a ranked list, each with what speaks for it and where one looks next. */
import { useLoad } from "../api/load";
import { api } from "../api/client";
import { path_of, when } from "../settings/load";
import { href, project_name, project_path } from "../url";
import { kind_words, show_score, ways_of, type Cause, type Causes } from "./causes";
import type { Finding } from "./findings";
import "./causes.css";

const SHOWN = 5;

export function CauseList({ causes }: { causes: Causes }) {
  return (
    <section class="causes" aria-labelledby="causes-head">
      <h2 id="causes-head">Likely causes</h2>
      <ol>
        {causes.causes.slice(0, SHOWN).map((cause) => (
          <One key={cause.place} cause={cause} causes={causes} />
        ))}
      </ol>
      <p class="soft">
        By the service map, what changed, and what came shortly before; looked at up to <span title={causes.to}>{when(causes.to)}</span>. It says where to look first, and can be wrong.
      </p>
    </section>
  );
}

function One({ cause, causes }: { cause: Cause; causes: Causes }) {
  return (
    <li class="cause" data-place={cause.place}>
      <div class="cause-head">
        <b class="told">{cause.place}</b>
        <span class="soft">{kind_words(cause)}</span>
        {cause.release && <span class="cause-named told">release {cause.release.version}</span>}
        {cause.attribute && (
          <span class="cause-named told">
            {cause.attribute.name} = {cause.attribute.value}
          </span>
        )}
        <span class="grow" />
        <span class="cause-score">
          <span class="cause-bar" aria-hidden="true">
            <span style={{ width: show_score(Math.max(cause.score, 0.01)) }} />
          </span>
          {show_score(cause.score)}
        </span>
      </div>
      <ul>
        {cause.evidence.map((one, at) => (
          <li key={at} class="told">
            {one.text}
          </li>
        ))}
      </ul>
      <p class="cause-ways">
        {ways_of(cause, causes).map((way) => (
          <a key={way.text} href={href(project_path(way.path), way.query)}>
            {way.text}
          </a>
        ))}
      </p>
    </li>
  );
}

/* Of an incident: those of the finding that is its first signal. */
export function CausesOfFinding({ number, round }: { number: number; round: number }) {
  const read = useLoad(`${project_name.value} causes ${number} ${round}`, (signal) => api<Finding>(path_of(`/findings/${number}`), { signal }));
  return read.value?.causes && read.value.causes.causes.length > 0 ? <CauseList causes={read.value.causes} /> : null;
}
