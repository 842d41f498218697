/* The list: /p/{project}/monitors?find=&level=&service= */
import { useEffect, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { Empty, Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { useKeys } from "../keys";
import { can_share } from "../session";
import { ago } from "../settings/ago";
import { change, href, param, project_name, project_path } from "../url";
import { monitor_make, monitors_load, ready_load } from "./load";
import { KINDS, LEVEL_WORDS, listed, status_of, type Item, type Level } from "./monitors";

const LOOK_MS = 15000;

export function List() {
  useActs({ title: "Monitors", statement: undefined, is_private: true, is_timeless: true });
  const [round, set_round] = useState(0);
  const list = useLoad(`${project_name.value} ${round}`, () => monitors_load());
  const again = () => set_round((n) => n + 1);
  useEffect(() => {
    const timer = setInterval(again, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  useKeys([
    { keys: "/", text: "To the search", group: "Monitors", run: () => document.getElementById("monitors-find")?.focus() },
    { keys: "r", text: "Read anew", group: "Monitors", run: again },
  ]);
  if (list.problem) return <Problem problem={list.problem} again={again} />;
  if (!list.value) return <Waiting what="Reading the monitors" />;
  const shown = listed(list.value, param("find"), param("level"));
  return (
    <div class="monitors">
      <header class="row monitors-head">
        <h1>Monitors</h1>
        <span class="grow" />
        <input id="monitors-find" type="search" aria-label="Find a monitor" placeholder="Find" value={param("find")} onInput={(event) => change({ find: event.currentTarget.value || null }, true)} />
        <select aria-label="State" value={param("level")} onChange={(event) => change({ level: event.currentTarget.value || null })}>
          <option value="">Any state</option>
          {(Object.keys(LEVEL_WORDS) as Level[]).map((level) => (
            <option key={level} value={level}>
              {LEVEL_WORDS[level]}
            </option>
          ))}
          <option value="broken">Not evaluated</option>
          <option value="off">Off</option>
        </select>
        {can_share.value && (
          <a class="button primary" href={href(project_path("monitors/new"))}>
            New monitor
          </a>
        )}
      </header>
      {list.value.length === 0 ? (
        <Empty title="No monitor yet">
          <p class="soft">A monitor asks each minute and tells when the answer is not what it should be.</p>
        </Empty>
      ) : shown.length === 0 ? (
        <p class="soft">None of {list.value.length} is like that.</p>
      ) : (
        <ul class="monitor-list" aria-label="Monitors">
          {shown.map((one) => (
            <Line key={one.slug} one={one} />
          ))}
        </ul>
      )}
      {can_share.value && <ReadyOnes onDone={again} />}
    </div>
  );
}

export function Status({ one }: { one: Pick<Item, "is_on" | "broken_since" | "level" | "evaluated_at"> }) {
  const { word, mark } = status_of(one);
  return (
    <span class="monitor-status" data-mark={mark}>
      {word}
    </span>
  );
}

function Line({ one }: { one: Item }) {
  return (
    <li data-slug={one.slug}>
      <Status one={one} />
      <a href={href(project_path(`monitors/${one.slug}`))}>
        <b class="told">{one.title}</b>
        <span class="soft told">
          {KINDS.find((kind) => kind.name === one.kind)?.title}
          {one.groups_ill > 0 && ` · ${one.groups_ill} of ${one.groups} groups`}
          {one.muted_until && " · muted"}
          {one.broken_why && ` · ${one.broken_why}`}
        </span>
      </a>
      <span class="soft">{one.evaluated_at ? ago(one.evaluated_at) : ""}</span>
    </li>
  );
}

/* One click each, for all services or the one that is named. */
function ReadyOnes({ onDone }: { onDone: () => void }) {
  const service = param("service");
  const ready = useLoad(`${project_name.value} ${service}`, () => ready_load(service));
  return (
    <section class="monitor-ready" aria-label="Ready monitors">
      <header class="row">
        <h2>Ready ones</h2>
        <span class="grow" />
        <input type="search" aria-label="For one service" placeholder="Every service" value={service} onChange={(event) => change({ service: event.currentTarget.value.trim() || null })} />
      </header>
      <ul class="monitor-list">
        {(ready.value ?? []).map((one) => (
          <li key={one.title}>
            <span>
              <b class="told">{one.title}</b>
              <span class="soft told">{one.description}</span>
            </span>
            <button
              aria-label={`Add ${one.title}`}
              onClick={() =>
                monitor_make(one).then(
                  (made) => {
                    toast(`${made.title} is watched`);
                    onDone();
                  },
                  (error: unknown) => toast(error instanceof Error ? error.message : String(error), true),
                )
              }
            >
              Add
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
