/* The sessions: /p/{project}/replays?user=&page=&service=&errors=1&rage=1&least=&env= over the page's range. */
import { useRef, useState } from "preact/hooks";
import { useLoad } from "../api/load";
import { useActs } from "../frame/acts";
import { is_utc, range, refresh } from "../frame/range";
import { Empty, Problem, Waiting } from "../frame/state";
import { toast } from "../frame/toast";
import { useKeys } from "../keys";
import { show_whole } from "../number";
import { can_share } from "../session";
import { ago } from "../settings/ago";
import { when } from "../settings/load";
import { from_iso, now_us, show_duration, to_iso, type Range } from "../time";
import { change, href, param, project_name, project_path } from "../url";
import { DeleteSheet, type Doomed } from "./delete";
import { load_sessions, type Session } from "./load";
import { backend_words, browser_of } from "./shape";

const PAGE = 100, MOST = 1000;
const LIVE_US = 120e6; /* what a page sends is here with the next flush: a minute */
const LEAST: readonly { seconds: string; text: string }[] = [
  { seconds: "", text: "Any length" },
  { seconds: "10", text: "10 s at least" },
  { seconds: "60", text: "1 min at least" },
  { seconds: "300", text: "5 min at least" },
];

export function List() {
  useActs({ title: "Replays", statement: undefined, is_private: true });
  const [limit, set_limit] = useState(PAGE);
  const [doomed, set_doomed] = useState<Doomed>();
  const box = useRef<HTMLOListElement>(null);
  const filters = { user: param("user"), page_url: param("page"), service: param("service"), environment: param("env"), has_errors: param("errors") === "1" ? "true" : "", has_rage_clicks: param("rage") === "1" ? "true" : "", min_seconds: param("least") };
  const asked = { ...filters, from: to_iso(range.value.from_us), to: to_iso(range.value.to_us), limit };
  const list = useLoad(`${project_name.value} ${JSON.stringify(asked)}`, (signal) => load_sessions(asked, signal));
  const step = (by: number) => {
    const all = [...(box.current?.querySelectorAll<HTMLElement>("a.replay-main") ?? [])];
    all[Math.min(all.length - 1, Math.max(0, all.indexOf(document.activeElement as HTMLElement) + by))]?.focus();
  };
  useKeys([
    { keys: "j", text: "Next session", group: "Replays", run: () => step(1) },
    { keys: "k", text: "Session before", group: "Replays", run: () => step(-1) },
    { keys: "/", text: "Sessions of a user", group: "Replays", run: () => document.getElementById("replays-user")?.focus() },
    { keys: "r", text: "Read anew", group: "Replays", run: refresh },
  ]);
  const rows = list.value?.items ?? [];
  const set = (name: string) => (event: Event) => change({ [name]: (event.currentTarget as HTMLInputElement).value.trim() || null });
  const is_narrow = Object.values(filters).some(Boolean);
  return (
    <div class="replays">
      <header class="replays-head">
        <h1>Replays</h1>
        <input id="replays-user" type="search" aria-label="User" placeholder="User ( / )" title="Id, name or e-mail" value={filters.user} onChange={set("user")} />
        <input type="search" aria-label="Page" placeholder="Part of a page's address" value={filters.page_url} onChange={set("page")} />
        <input type="search" aria-label="Service" placeholder="Service" title="The page's, or one behind it" value={filters.service} onChange={set("service")} />
        <select aria-label="Length" value={filters.min_seconds} onChange={set("least")}>
          {LEAST.map((one) => (
            <option key={one.seconds} value={one.seconds}>
              {one.text}
            </option>
          ))}
        </select>
        <button aria-pressed={!!filters.has_errors} onClick={() => change({ errors: filters.has_errors ? null : "1" })}>
          ✖ Errors
        </button>
        <button aria-pressed={!!filters.has_rage_clicks} onClick={() => change({ rage: filters.has_rage_clicks ? null : "1" })}>
          Rage clicks
        </button>
        <span class="grow" />
        {filters.user && rows.length > 0 && can_share.value && <button onClick={() => set_doomed({ user: filters.user })}>Delete all of this user …</button>}
      </header>
      {list.problem ? (
        <Problem problem={list.problem} again={list.again} />
      ) : !list.value ? (
        <Waiting what="Reading the sessions" />
      ) : rows.length === 0 ? (
        <Nothing is_narrow={is_narrow} />
      ) : (
        <>
          <p class="soft" role="status">
            {rows.length === 1 ? "1 session" : `${show_whole(rows.length)} sessions`}
            {list.value.next_cursor && ", and more"}
          </p>
          <ol class="replay-list" aria-label="Sessions" ref={box}>
            {rows.map((one) => (
              <Line key={one.session} of={one} over={range.value} onDelete={() => set_doomed({ session: one.session })} />
            ))}
          </ol>
          {list.value.next_cursor && limit < MOST && <button onClick={() => set_limit(MOST)}>Show more</button>}
        </>
      )}
      {doomed && (
        <DeleteSheet
          of={doomed}
          onClose={() => set_doomed(undefined)}
          onDone={(count) => {
            toast(count === 1 ? "1 session is deleted" : `${show_whole(count)} sessions are deleted`);
            list.again();
          }}
        />
      )}
    </div>
  );
}

function Nothing({ is_narrow }: { is_narrow: boolean }) {
  if (is_narrow)
    return (
      <Empty title="No session is like that">
        <p class="soft">None in the time of the page, that is.</p>
        <button onClick={() => change({ user: null, page: null, service: null, errors: null, rage: null, least: null, env: null })}>All sessions</button>
      </Empty>
    );
  return (
    <Empty title="No session was recorded in this time">
      <p class="soft">Recording is on where a page's browser SDK is told so. Text and inputs are masked in the page, before anything is sent.</p>
      <pre class="paste">{`<script src="${window.location.origin}/sdk/monoscope.js"></script>
<script>
  monoscope.start({ endpoint: "${window.location.protocol}//${window.location.hostname}:4318", key: "BROWSER_KEY", service: "shop-page", replay: true });
</script>`}</pre>
      <p class="soft">
        <code>BROWSER_KEY</code> is a key of yours that sends alone, from the page's origin: <code>monoscope key create {project_name.value} page --browser https://shop.example</code>. A visit is here about a minute after it began.
      </p>
      <a class="button primary" href={href(project_path("settings/keys"))}>
        Your keys
      </a>
    </Empty>
  );
}

function Line({ of, over, onDelete }: { of: Session; over: Range; onDelete: () => void }) {
  const [from_us, to_us] = [from_iso(of.from), from_iso(of.to)];
  const width = over.to_us - over.from_us;
  const left = Math.max(0, Math.min(99, ((from_us - over.from_us) / width) * 100));
  const part = Math.max(1, Math.min(100 - left, ((to_us - from_us) / width) * 100));
  const who = of.user.name || of.user.email || of.user.id || "somebody";
  return (
    <li class="replay-line" data-session={of.session}>
      <a class="replay-main" href={href(project_path(`replays/${encodeURIComponent(of.session)}`), { tz: is_utc.value ? "utc" : null })}>
        <b class="told ellipsis">{who}</b>
        <span class="soft told ellipsis">{of.landing_url || "a page without address"}</span>
      </a>
      <span class="replay-facts soft">
        {!of.is_complete && now_us() - to_us < LIVE_US && <b class="replay-live">● live</b>}
        <span>{show_duration((to_us - from_us) * 1e3)}</span>
        <span>{of.pages === 1 ? "1 page" : `${show_whole(of.pages)} pages`}</span>
        <span>{of.clicks === 1 ? "1 click" : `${show_whole(of.clicks)} clicks`}</span>
        {of.errors > 0 && <b class="error-text">✖ {of.errors === 1 ? "1 error" : `${show_whole(of.errors)} errors`}</b>}
        {of.rage_clicks > 0 && <b class="replay-rage">{of.rage_clicks === 1 ? "1 rage click" : `${show_whole(of.rage_clicks)} rage clicks`}</b>}
        {of.failed_requests > 0 && <span>{of.failed_requests === 1 ? "1 failed request" : `${show_whole(of.failed_requests)} failed requests`}</span>}
        {of.backend.errors > 0 && <b class="error-text" title={backend_words(of.backend)}>✖ {of.backend.errors === 1 ? "1 backend error" : `${show_whole(of.backend.errors)} backend errors`}</b>}
        {of.environment && <span class="told">{of.environment}</span>}
        <span>{browser_of(of.user_agent)}</span>
      </span>
      <span class="replay-when soft" title={when(of.from)}>
        {ago(of.from)}
      </span>
      <span class="replay-strip" aria-hidden="true">
        <i style={{ left: `${left}%`, width: `${part}%` }} />
      </span>
      {can_share.value && (
        <button class="plain" aria-label={`Delete the session of ${who}, ${when(of.from)}`} title="Delete" onClick={onDelete}>
          ×
        </button>
      )}
    </li>
  );
}
