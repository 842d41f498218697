/* The plan as chips: each opens an editor of what it says; a change is asked at once. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { is_utc } from "../frame/range";
import type { Names } from "./load";
import { FilterEditor } from "./filter_editor";
import { can_compare, DISPLAYS, filter_pointer_next, filters_at, MEASURES, OFS, STEPS, with_display, with_filter, with_group, without_group, type Answer, type Measure, type Plan } from "./plan";
import { CompareEditor, TimeEditor } from "./time_editor";
import { range_words } from "./words";

interface ChipsProps {
  answer: Answer;
  plan: Plan;
  names: Names | undefined;
  onPlan: (plan: Plan) => void;
}

export function Chips({ answer, plan, names, onPlan }: ChipsProps) {
  const [open, set_open] = useState("");
  const root = useRef<HTMLUListElement>(null);
  useEffect(() => set_open(""), [answer]);
  const leave = () => {
    const pointer = open;
    set_open("");
    root.current?.querySelector<HTMLElement>(`[data-pointer="${pointer}"] > button`)?.focus();
  };
  const put = (next: Plan | undefined) => {
    leave();
    if (next && JSON.stringify(next) !== JSON.stringify(plan)) onPlan(next);
  };
  const fields = names?.fields ?? [];
  const told = (answer.chips ?? []).filter((chip) => chip.kind !== "display"); /* its switch stands below */
  const words = { time: range_words(plan, is_utc.value), compare: plan.before ? `before: ${range_words(plan.before, is_utc.value)}` : "" };
  const can_group = plan.groups.length < 3 && plan.display !== "rows" && plan.display !== "waterfall";
  const chips: { pointer: string; kind: string; text: string; whole?: string }[] = [
    ...told.map(({ pointer, kind, text }) => (kind === "time" || kind === "compare" ? { pointer, kind, text: words[kind], whole: text } : { pointer, kind, text })),
    { pointer: filter_pointer_next(plan), kind: "add", text: "+ condition" },
    ...(can_group ? [{ pointer: `/groups/${plan.groups.length}`, kind: "add", text: "+ by" }] : []),
    ...(can_compare(plan) && !plan.before ? [{ pointer: "/before", kind: "add", text: "+ compared with" }] : []),
  ];
  return (
    <ul class="ask-chips" aria-label="What was read; each can be changed" ref={root}>
      {chips.map((chip, at) => (
        <li
          key={`${chip.pointer}${at}`}
          data-pointer={chip.pointer}
          data-kind={chip.kind}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || !open) return;
            leave();
            event.stopPropagation();
          }}
        >
          <button class={`ask-chip ask-chip-${chip.kind}`} title={chip.whole} aria-expanded={open === chip.pointer} aria-haspopup="dialog" onClick={() => set_open(open === chip.pointer ? "" : chip.pointer)}>
            <span class="told">{chip.text}</span>
          </button>
          {open === chip.pointer && (
            <Popup label={`Change: ${chip.text}`} onLeave={leave}>
              <Editor pointer={chip.pointer} kind={chip.kind} plan={plan} names={names} fields={fields} onPut={put} />
            </Popup>
          )}
        </li>
      ))}
    </ul>
  );
}

function Popup({ label, onLeave, children }: { label: string; onLeave: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    element.querySelector<HTMLElement>("input, select, button")?.focus();
    const over = element.getBoundingClientRect().right - window.innerWidth + 8; /* it stays on the screen */
    if (over > 0) element.style.left = `${-over}px`;
    const outside = (event: PointerEvent) => {
      if (!element.parentElement?.contains(event.target as Node)) onLeave();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, []);
  return (
    <div class="popup ask-popup" role="dialog" aria-label={label} ref={box}>
      {children}
    </div>
  );
}

interface EditorProps {
  pointer: string;
  kind: string;
  plan: Plan;
  names: Names | undefined;
  fields: readonly string[];
  onPut: (plan: Plan | undefined) => void;
}
function Editor({ pointer, kind, plan, names, fields, onPut }: EditorProps) {
  if (/\/filters\/\d+$/.test(pointer)) {
    const place = filters_at(plan, pointer);
    return <FilterEditor filter={place?.list[place.at]} names={names} onPut={(filter) => onPut(with_filter(plan, pointer, filter))} />;
  }
  if (pointer.startsWith("/groups/")) {
    const at = Number(pointer.slice(8));
    const now = plan.groups[at];
    return (
      <>
        <Choice label="Group by" value={now ?? ""} options={[...(now ? [] : [""]), ...new Set([...(now ? [now] : []), ...fields])]} onChoose={(field) => onPut(field ? with_group(plan, at, field) : undefined)} />
        {now && <button onClick={() => onPut(without_group(plan, at))}>Remove</button>}
      </>
    );
  }
  if (pointer.startsWith("/measures/")) return <MeasureEditor plan={plan} at={Number(pointer.slice(10))} fields={fields} onPut={onPut} />;
  if (pointer === "/from" || pointer === "/to") return <TimeEditor plan={plan} onPut={onPut} />;
  if (pointer === "/step") return <Choice label="A point each" value={plan.step} options={STEPS.map((step) => step.name)} onChoose={(step) => onPut({ ...plan, step: step as Plan["step"] })} />;
  if (pointer === "/display" && kind !== "of") return <Choice label="Show as" value={plan.display} options={DISPLAYS.map((one) => one.name)} titles={DISPLAYS.map((one) => one.title)} onChoose={(display) => onPut(with_display(plan, display as Plan["display"]))} />;
  if (pointer === "/limit" || pointer === "/order") return <LimitEditor plan={plan} onPut={onPut} />;
  if (pointer === "/before") return <CompareEditor plan={plan} onPut={onPut} />;
  const part = /^\/parts\/(\d+)/.exec(pointer)?.[1];
  const of = part === undefined ? plan.of : (plan.parts?.[Number(part)]?.of ?? plan.of);
  const set_of = (next: Plan["of"]) => (part === undefined ? { ...plan, of: next } : { ...plan, parts: (plan.parts ?? []).map((one, n) => (n === Number(part) ? { ...one, of: next } : one)) });
  return <Choice label="Rows" value={of} options={OFS} onChoose={(next) => onPut(set_of(next as Plan["of"]))} />;
}

export function Choice({ label, value, options, titles, onChoose }: { label: string; value: string; options: readonly string[]; titles?: readonly string[]; onChoose: (value: string) => void }) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map((option, at) => (
          <option key={option} value={option}>
            {titles?.[at] ?? (option || "choose a field")}
          </option>
        ))}
      </select>
    </label>
  );
}

function MeasureEditor({ plan, at, fields, onPut }: { plan: Plan; at: number; fields: readonly string[]; onPut: (plan: Plan) => void }) {
  const now: Measure = plan.measures[at] ?? { kind: "count" };
  const [kind, set_kind] = useState(now.kind);
  const [field, set_field] = useState(now.field ?? "duration");
  const [percentile, set_percentile] = useState(String(now.percentile ?? 95));
  const has_field = MEASURES.find((one) => one.kind === kind)?.has_field ?? false;
  const put = () => {
    const measure: Measure = { kind, ...(has_field ? { field } : {}), ...(kind === "percentile" ? { percentile: Number(percentile) || 95 } : {}) };
    onPut({ ...plan, measures: plan.measures.map((one, n) => (n === at ? measure : one)) });
  };
  return (
    <form
      class="ask-form"
      onSubmit={(event) => {
        event.preventDefault();
        put();
      }}
    >
      <Choice label="Measure" value={kind} options={MEASURES.map((one) => one.kind)} titles={MEASURES.map((one) => one.title)} onChoose={(next) => set_kind(next as Measure["kind"])} />
      {kind === "percentile" && (
        <label class="field">
          Percentile
          <input type="number" min="0.1" max="99.9" step="0.1" value={percentile} onInput={(event) => set_percentile(event.currentTarget.value)} />
        </label>
      )}
      {has_field && <Choice label="of" value={field} options={[...new Set([field, "duration", ...fields])]} onChoose={set_field} />}
      <div class="row">
        <button class="primary">Apply</button>
        {plan.measures.length > 1 && (
          <button type="button" onClick={() => onPut({ ...plan, measures: plan.measures.filter((_, n) => n !== at) })}>
            Remove
          </button>
        )}
      </div>
    </form>
  );
}

const ORDERS: readonly Plan["order"][] = ["newest", "oldest", "largest", "smallest"];
function LimitEditor({ plan, onPut }: { plan: Plan; onPut: (plan: Plan) => void }) {
  const [limit, set_limit] = useState(String(plan.limit));
  const [order, set_order] = useState(plan.order);
  const number = Math.round(Number(limit));
  const is_right = number >= 1 && number <= 1000;
  return (
    <form
      class="ask-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (is_right) onPut({ ...plan, limit: number, order });
      }}
    >
      <Choice label="Order" value={order} options={ORDERS} onChoose={(next) => set_order(next as Plan["order"])} />
      <label class="field">
        How many
        <input type="number" min="1" max="1000" value={limit} onInput={(event) => set_limit(event.currentTarget.value)} />
      </label>
      <button class="primary" disabled={!is_right}>
        Apply
      </button>
    </form>
  );
}
