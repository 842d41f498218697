/* One panel: its head with what can be done with it, and what it shows: an answer, what went wrong, nothing, or waiting. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { AnsweredBy } from "../api/answered";
import { Menu, type MenuItem } from "../frame/menu";
import { Drawing } from "./drawing";
import type { Panel } from "./load";
import { Markdown } from "./markdown_shown";
import { usePanel, type Loaded, type PanelContext } from "./use_panel";
import { is_of_all } from "./variables";

export interface PanelProps {
  panel: Panel;
  context: PanelContext;
  items: (panel: Panel, statement: string) => readonly MenuItem[];
  is_chosen?: boolean;
  children?: ComponentChildren; /* handles, beside the head */
}

export function PanelBox({ panel, context, items, is_chosen = false, children }: PanelProps) {
  const box = useRef<HTMLElement>(null);
  const is_seen = useSeen(box);
  const answer = usePanel(panel, context, is_seen);
  const shown = answer.value;
  return (
    <section ref={box} class={is_chosen ? "panel is-chosen" : "panel"} aria-label={panel.title || "Panel"} aria-busy={answer.is_loading} data-panel={panel.id}>
      <header class="panel-head">
        <h2 class="told ellipsis grow" title={panel.title}>
          {panel.title}
        </h2>
        {is_of_all(panel.source, context.values, context.environment) ? (
          <span class="soft panel-of-all" title="Its SQL does not use $environment: the switch does not narrow it.">
            all environments
          </span>
        ) : (
          !answer.is_loading && <AnsweredBy from={shown?.answered_from} />
        )}
        {answer.is_loading && <span class="spinner panel-spinner" role="status" aria-label="Reading" />}
        <Menu label={`What can be done with ${panel.title || "the panel"}`} items={() => items(panel, shown?.statement ?? "")}>
          ⋯
        </Menu>
        {children}
      </header>
      <div class="panel-body">
        <Body panel={panel} shown={shown} problem={answer.problem?.detail} again={answer.again} />
      </div>
    </section>
  );
}

function Body({ panel, shown, problem, again }: { panel: Panel; shown: Loaded | undefined; problem: string | undefined; again: () => void }) {
  if (panel.source.markdown !== undefined) return <Markdown text={panel.source.markdown} />;
  if (problem !== undefined)
    return (
      <div class="panel-problem" role="alert">
        <p class="told error-text">{problem}</p>
        <button onClick={again}>Try again</button>
      </div>
    );
  if (!shown) return null;
  return (
    <>
      {shown.warnings.map((warning) => (
        <p class="warning told" key={warning}>
          {warning}
        </p>
      ))}
      <Drawing title={panel.title} drawn={shown.drawn} />
    </>
  );
}

/* Has it been on the screen, or near it? */
function useSeen(box: { current: HTMLElement | null }): boolean {
  const [is_seen, see] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element || is_seen) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && see(true), { rootMargin: "200px" });
    observer.observe(element);
    return () => observer.disconnect();
  }, [is_seen]);
  return is_seen;
}
