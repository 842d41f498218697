/* The frame around every view: navigation, project, time range, palette, help, notes; and the view of the address. */
import { useErrorBoundary, useEffect, useState } from "preact/hooks";
import { ApiProblem, sign_in } from "../api/client";
import { useKeys } from "../keys";
import { is_guest, is_guest_over, me, project_first, project_here, projects, session_begin } from "../session";
import { address, change, go, href, project_name, project_path } from "../url";
import { view_of, views_for } from "../views";
import { ActsDialogs, ActsMenu } from "./acts";
import { arrivals } from "./arrivals";
import { EnvironmentSwitch } from "./environment_switch";
import { GuestBanner, GuestEnded } from "./guest";
import { Help } from "./help";
import { Palette } from "./palette";
import { Progress } from "./progress";
import { SavedBar } from "./saved_bar";
import { is_live, range_scale, range_set, range_shift, refresh } from "./range";
import { Empty, Problem, Waiting } from "./state";
import { theme, theme_next } from "./theme";
import { TimePicker } from "./time_picker";
import { Toasts } from "./toast";

/* Who is signed in and the code of the view come side by side, not one after the other. */
const rooms = arrivals<{ rest: string }>();
rooms.begin(view_of(address.value.path)?.view);

function Room() {
  const found = view_of(address.value.path);
  const view = found?.view;
  const { component: Shown, problem } = rooms.use(view);
  const [error, reset] = useErrorBoundary();
  useEffect(() => reset(), [view]);
  useEffect(() => {
    document.title = view ? `${view.title} · ${project_name.value} · Monoscope` : "Monoscope";
  }, [view, project_name.value]);
  if (!project_here.value)
    return <Problem problem={new ApiProblem(404, "not_found", `there is no project "${project_name.value}", or you have no role in it`)} />;
  if (!found || !view) return <Problem problem={new ApiProblem(404, "not_found", `there is no page ${address.value.path}`)} />;
  if (error) return <Problem problem={new ApiProblem(500, "internal", `this page broke: ${error instanceof Error ? error.message : String(error)}`)} again={reset} />;
  if (problem) return <Problem problem={problem} again={() => window.location.reload()} />;
  return Shown ? <Shown rest={found.rest} key={view.path} /> : <Waiting what="Loading" />;
}

/* What goes along from view to view. */
const KEPT = ["from", "to", "tz", "env"];
function kept(): Record<string, string | null> {
  return Object.fromEntries(KEPT.map((name) => [name, address.value.query.get(name)]));
}

function Navigation({ onPalette, onHelp }: { onPalette: () => void; onHelp: () => void }) {
  const [is_open, open] = useState(false);
  const here = view_of(address.value.path)?.view;
  useEffect(() => open(false), [address.value.path]);
  return (
    <>
      <button class="plain nav-open" aria-label="Navigation" aria-expanded={is_open} onClick={() => open(!is_open)}>
        ☰
      </button>
      <nav class={is_open ? "nav open" : "nav"} aria-label="Views">
        <a class="brand" href={href(project_path(is_guest.value ? "explore" : "ask"), kept())}>
          <img src="/icon.svg" alt="" width="20" height="20" /> Monoscope
        </a>
        <label class="unseen" for="project">
          Project
        </label>
        <select id="project" value={project_name.value} disabled={is_guest.value} onChange={(event) => go(`/p/${encodeURIComponent(event.currentTarget.value)}/explore`, { ...kept(), env: null })}>
          {projects.value.map((project) => (
            <option key={project.id} value={project.name}>
              {project.name}
            </option>
          ))}
        </select>
        <EnvironmentSwitch />
        {views_for(is_guest.value).map((view) => (
          <a key={view.path} class="nav-link" href={href(project_path(view.path), kept())} aria-current={view === here ? "page" : undefined}>
            <span aria-hidden="true">{view.mark}</span> {view.title}
          </a>
        ))}
        <div class="grow" />
        <button class="plain" onClick={onPalette}>
          Commands <kbd>Ctrl K</kbd>
        </button>
        <button class="plain" onClick={onHelp}>
          Shortcuts <kbd>?</kbd>
        </button>
        <button class="plain" onClick={theme_next}>
          Colours: {theme.value}
        </button>
        {!is_guest.value && (
          <a class="nav-link" href="/account">
            <span class="told ellipsis">{me.value?.email}</span>
          </a>
        )}
      </nav>
    </>
  );
}

export function Frame() {
  const [problem, set_problem] = useState<ApiProblem>();
  const [sheet, show] = useState<"" | "palette" | "help">("");
  const begin = () => {
    set_problem(undefined);
    session_begin().catch((error: unknown) => set_problem(error instanceof ApiProblem ? error : new ApiProblem(0, "", String(error))));
  };
  useEffect(begin, []);
  useEffect(() => {
    if (!me.value || project_name.value) return;
    const first = project_first();
    if (first) change({}, true), go(`/p/${encodeURIComponent(first)}/${is_guest.value ? "explore" : "services"}`, address.value.query);
  }, [me.value, address.value]);
  useKeys([
    { keys: "mod+k", text: "Command palette", group: "Everywhere", run: () => show("palette") },
    { keys: "?", text: "These shortcuts", group: "Everywhere", run: () => show("help") },
    { keys: "[", text: "Earlier", group: "Time", run: () => range_shift(-1) },
    { keys: "]", text: "Later", group: "Time", run: () => range_shift(1) },
    { keys: "-", text: "Twice as much time", group: "Time", run: () => range_scale(2) },
    { keys: "+", text: "Half as much time", group: "Time", run: () => range_scale(0.5) },
    { keys: "0", text: "Last hour", group: "Time", run: () => range_set("now-1h") },
    { keys: "l", text: "Live", group: "Time", run: () => change({ live: is_live.value ? null : "1", paused: null, to: null }) },
    { keys: "r", text: "Read anew", group: "Time", run: refresh },
    { keys: "t", text: "Choose the time range", group: "Time", run: () => document.querySelector<HTMLElement>("[data-keys=t]")?.click() },
    ...views_for(is_guest.value).map((view) => ({ keys: `g ${view.keys}`, text: `Go to ${view.title}`, group: "Everywhere", run: () => go(project_path(view.path), kept()) })),
  ]);
  if (is_guest_over.value) return <GuestEnded />;
  if (problem && problem.status !== 401)
    return (
      <main class="alone">
        <Problem problem={problem} again={begin} />
      </main>
    );
  if (!me.value)
    return (
      <main class="alone">
        <Waiting what={problem ? "Signing in" : "Loading"} />
      </main>
    );
  if (projects.value.length === 0)
    return (
      <main class="alone">
        <Empty title="You have no project yet">
          <p class="soft">An admin of this server gives you a role in one: monoscope members add PROJECT {me.value.email} viewer</p>
          <button onClick={sign_in}>Sign in as somebody else</button>
        </Empty>
      </main>
    );
  return (
    <div class="frame">
      <a class="skip" href="#view">
        To the content
      </a>
      <Navigation onPalette={() => show("palette")} onHelp={() => show("help")} />
      <div class="page">
        <header class="bar">
          <GuestBanner />
          <SavedBar />
          <ActsMenu />
          {!view_of(address.value.path)?.view.has_own_time && <TimePicker />}
          <Progress />
        </header>
        <main id="view" class="view" tabIndex={-1}>
          <Room />
        </main>
      </div>
      <ActsDialogs />
      {sheet === "palette" && <Palette onClose={() => show("")} />}
      {sheet === "help" && <Help onClose={() => show("")} />}
      <Toasts />
    </div>
  );
}
