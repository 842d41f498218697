/* The editor of a panel, beside how it looks: `editor` of the address is its id, or "new". */
import { useEffect, useState } from "preact/hooks";
import { Sheet } from "../frame/sheet";
import { KIND_TITLES, kinds_of } from "./draft";
import { place_of } from "./layout";
import type { Panel, PanelKind, Source, Variable } from "./load";
import { PanelBox } from "./panel";
import { MarkdownFields, MetricFields, SearchFields, SqlFields } from "./source_fields";
import type { PanelContext } from "./use_panel";

const CALM_MS = 500;
const UNITS: readonly { unit: NonNullable<Panel["unit"]>; title: string }[] = [
  { unit: "number", title: "numbers" },
  { unit: "count", title: "how many" },
  { unit: "rate", title: "a second" },
  { unit: "ns", title: "lengths of time, in nanoseconds" },
  { unit: "bytes", title: "bytes" },
  { unit: "percent", title: "parts of one, as per cent" },
];
type SourceName = "search" | "sql" | "metric" | "markdown";
const SOURCES: readonly { name: SourceName; title: string; first: Source; kind: PanelKind }[] = [
  { name: "search", title: "Search", first: { search: "" }, kind: "bars" },
  { name: "sql", title: "SQL", first: { sql: "SELECT time_bucket($step, timestamp) AS t, count(*) AS n\nFROM otel_logs_and_spans\nWHERE timestamp >= $from AND timestamp < $to\n  AND ($environment IS NULL OR resource___deployment___environment___name = $environment)\nGROUP BY 1 ORDER BY 1" }, kind: "bars" },
  { name: "metric", title: "Metric", first: { metric: { name: "", aggregate: "avg" } }, kind: "lines" },
  { name: "markdown", title: "Words", first: { markdown: "" }, kind: "markdown" },
];
export const PANEL_FIRST: Panel = { title: "", kind: "bars", source: { search: "" } };

interface EditorProps {
  panel: Panel;
  variables: readonly Variable[];
  context: PanelContext;
  onDone: (panel: Panel) => void;
  onClose: () => void;
}

export function Editor({ panel, variables, context, onDone, onClose }: EditorProps) {
  const [draft, set] = useState(panel);
  const [shown, show] = useState(panel);
  useEffect(() => {
    const timer = setTimeout(() => show(draft), CALM_MS);
    return () => clearTimeout(timer);
  }, [draft]);
  const { source } = draft;
  const name = source.sql !== undefined ? "sql" : source.metric ? "metric" : source.markdown !== undefined ? "markdown" : source.ask ? "ask" : "search";
  const choose = (next: SourceName) => {
    const found = SOURCES.find((one) => one.name === next);
    if (!found || next === name) return;
    const own = panel.source[next] !== undefined ? panel : undefined; /* back to what it was */
    set({ ...draft, source: own?.source ?? found.first, kind: own?.kind ?? found.kind });
  };
  const with_source = (next: Source) => set({ ...draft, source: next });
  const is_whole = name === "metric" ? !!source.metric?.name : name === "sql" ? !!source.sql?.trim() : true;
  return (
    <Sheet title="Panel" onClose={onClose} wide>
      <form
        class="sheet-form panel-form panel-editor"
        onSubmit={(event) => {
          event.preventDefault();
          onDone({ ...draft, title: draft.title.trim() });
        }}
      >
        <h1>{panel.id ? "Panel" : "New panel"}</h1>
        <div class="panel-editor-parts">
          <div class="panel-editor-fields">
            <label>
              Title
              <input value={draft.title} maxLength={120} autofocus onInput={(event) => set({ ...draft, title: event.currentTarget.value })} />
            </label>
            {name !== "ask" && (
              <div class="row" role="group" aria-label="What it asks">
                {SOURCES.map((one) => (
                  <button key={one.name} type="button" aria-pressed={one.name === name} onClick={() => choose(one.name)}>
                    {one.title}
                  </button>
                ))}
              </div>
            )}
            {name === "search" && <SearchFields search={source.search ?? ""} kind={draft.kind} catalog={context.catalog} onSearch={(search) => with_source({ search })} />}
            {name === "sql" && <SqlFields sql={source.sql ?? ""} onSql={(sql) => with_source({ sql })} />}
            {name === "metric" && source.metric && <MetricFields metric={source.metric} project={context.project} onMetric={(metric) => with_source({ metric })} />}
            {name === "markdown" && <MarkdownFields text={source.markdown ?? ""} onText={(markdown) => with_source({ markdown })} />}
            {name === "ask" && <p class="soft">It asks a question. Open the question from its menu to ask another, and save that.</p>}
            {name !== "markdown" && (
              <label>
                Shown as
                <select value={draft.kind} onChange={(event) => set({ ...draft, kind: event.currentTarget.value as PanelKind })}>
                  {kinds_of(draft).map((one) => (
                    <option key={one} value={one}>
                      {KIND_TITLES[one]}
                    </option>
                  ))}
                </select>
              </label>
            )}
            {name === "sql" && (
              <label>
                Its numbers are
                <select value={draft.unit ?? "number"} onChange={(event) => set({ ...draft, unit: event.currentTarget.value as NonNullable<Panel["unit"]> })}>
                  {UNITS.map((one) => (
                    <option key={one.unit} value={one.unit}>
                      {one.title}
                    </option>
                  ))}
                </select>
              </label>
            )}
            {variables.length > 0 && name !== "markdown" && name !== "ask" && (
              <p class="soft">
                Variables:{" "}
                {variables.map((one) => (
                  <code key={one.name}>${one.name} </code>
                ))}
              </p>
            )}
          </div>
          <div class="panel-editor-look" style={{ "--h": String(Math.min(12, place_of(draft).h)) }}>
            {is_whole ? <PanelBox key={JSON.stringify(shown)} panel={{ ...shown, id: "preview" }} context={context} items={() => []} /> : <p class="soft">How it looks comes here.</p>}
          </div>
        </div>
        <div class="row">
          <button class="primary" disabled={!is_whole}>
            {panel.id ? "Take over" : "Add"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Sheet>
  );
}
