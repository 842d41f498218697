/* The command palette: everything that can be done or gone to, by typing some letters of it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { shortcuts, show_keys } from "../keys";
import { is_guest, projects } from "../session";
import { saved_views, view_open } from "./saved";
import { sheet_open } from "./sheets";
import { address, go, project_path } from "../url";
import { views_for } from "../views";
import { match_score } from "./match";
import { range_set } from "./range";
import { now_us, RANGES, to_iso } from "../time";
import { Sheet } from "./sheet";

export interface Command {
  text: string;
  hint: string;
  run: () => void;
}

function commands(): Command[] {
  const list: Command[] = [];
  for (const view of views_for(is_guest.value)) list.push({ text: `Go to ${view.title}`, hint: "", run: () => go(project_path(view.path)) });
  for (const view of saved_views.value) list.push({ text: `View ${view.name}`, hint: view.is_own ? "saved view" : `saved view of ${view.owner}`, run: () => view_open(view) });
  if (!is_guest.value) list.push({ text: "Grouping rules of errors", hint: "issues", run: () => go(project_path("issues/rules")) }, { text: "Source maps", hint: "issues", run: () => go(project_path("issues/maps")) });
  if (!is_guest.value) list.push({ text: "All saved views", hint: "", run: () => (sheet_open.value = "views") });
  if (!is_guest.value) for (const project of projects.value) list.push({ text: `Project ${project.name}`, hint: "switch", run: () => go(`/p/${encodeURIComponent(project.name)}/explore`) });
  if (!is_guest.value) for (const preset of RANGES) list.push({ text: `Last ${preset.text}`, hint: "time range", run: () => range_set(preset.from) });
  for (const shortcut of shortcuts.value) list.push({ text: shortcut.text, hint: shortcut.keys.split(" ").map(show_keys).join(" "), run: shortcut.run });
  if (!is_guest.value) list.push({ text: "Account and sessions", hint: "", run: () => window.location.assign("/account") });
  return list;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const [typed, set_typed] = useState("");
  const [chosen, choose] = useState(0);
  const list_element = useRef<HTMLUListElement>(null);
  const issue = is_guest.value ? undefined : /^#([1-9]\d{0,11})$/.exec(typed.trim())?.[1];
  const trace_id = /^[0-9a-f]{32}$/i.exec(typed.trim())?.[0];
  const found = commands()
    .map((command) => ({ command, score: match_score(command.text, typed) }))
    .filter(({ score }) => score >= 0)
    .sort((a, b) => a.score - b.score)
    .map(({ command }) => command)
    .slice(0, 50);
  if (trace_id) found.unshift({ text: `Open trace ${trace_id.toLowerCase()}`, hint: "trace id", run: () => go(project_path(`trace/${trace_id.toLowerCase()}`)) });
  else if (issue) found.unshift({ text: `Open issue #${issue}`, hint: "issue", run: () => go(project_path(`issues/${issue}`)) });
  else if (typed.trim()) {
    found.push({ text: `Search for ${typed.trim()}`, hint: "explorer", run: () => go(project_path("explore"), { q: typed.trim(), from: address.value.query.get("from"), to: address.value.query.get("to"), env: address.value.query.get("env") }) });
    if (!is_guest.value) found.push({ text: `Ask: ${typed.trim()}`, hint: "in plain English", run: () => go(project_path("ask"), { q: typed.trim(), at: to_iso(now_us()) }) });
  }
  useEffect(() => {
    list_element.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const run = (command: Command | undefined) => {
    onClose();
    command?.run();
  };
  const on_key = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) choose((now) => Math.max(0, Math.min(found.length - 1, now + step)));
    else if (event.key === "Enter") run(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Sheet title="Commands" onClose={onClose}>
      <input
        class="palette-field"
        aria-label="Command, project, trace id or words to search for"
        placeholder="Command, project, trace id or words to search for"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen}`}
        value={typed}
        autofocus
        onInput={(event) => {
          set_typed(event.currentTarget.value);
          choose(0);
        }}
        onKeyDown={on_key}
      />
      <ul class="palette-list" id="palette-list" role="listbox" aria-label="Commands" ref={list_element}>
        {found.map((command, at) => (
          <li key={command.text + command.hint} id={`palette-${at}`} role="option" aria-selected={at === chosen} onClick={() => run(command)} onMouseMove={() => choose(at)}>
            <span class="told ellipsis grow">{command.text}</span>
            <span class="soft">{command.hint}</span>
          </li>
        ))}
      </ul>
    </Sheet>
  );
}
