/* The map as a picture: drag or scroll to move, pinch or Ctrl and scroll to zoom; one node has the focus, arrows go on from it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { change, param } from "../url";
import { Picture } from "./map_picture";
import type { Layout } from "./map_layout";
import { FAR, fitted, ILL, shown_at, step_to, zoomed, type Graph, type View } from "./map_shape";

interface MapDrawProps {
  graph: Graph;
  laid: Layout;
  seconds: number;
  found: ReadonlySet<string> | undefined; /* others are faint */
  shape: string; /* another text: other nodes or edges */
  entries: ReadonlySet<string>; /* called from outside, which is no node here */
}
const STEP = 1.3;

/* "at" of the address: x~y~scale. */
function view_read(text: string): View | undefined {
  const [x, y, scale] = text.split("~").map(Number);
  return text && Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(scale) && (scale ?? 0) > 0 ? zoomed({ x: x ?? 0, y: y ?? 0, scale: scale ?? 1 }, 1, 0, 0) : undefined;
}
const view_write = (view: View) => `${Math.round(view.x)}~${Math.round(view.y)}~${view.scale.toFixed(3)}`;

export function MapDraw({ graph, laid, seconds, found, shape, entries }: MapDrawProps) {
  const svg = useRef<SVGSVGElement>(null);
  const [box, set_box] = useState({ width: 0, height: 0 });
  const [moved, set_moved] = useState<View>(); /* while it moves; then it is in the address */
  const [focus, set_focus] = useState("");
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const has_moved = useRef(false);
  const middle = useMemo(() => {
    const ill = graph.nodes.find((node) => ILL.includes(node.condition)) ?? graph.nodes[0];
    return laid.places.get(ill?.id ?? "")?.y ?? 0;
  }, [graph, laid]);
  const view = moved ?? view_read(param("at")) ?? fitted(laid.width, laid.height, box.width, box.height, middle);
  const latest = useRef(view);
  latest.current = view;
  const chosen = param("node");
  const first = laid.layers.find((layer) => layer.length > 0)?.[0] ?? "";
  const here = laid.places.has(focus) ? focus : laid.places.has(chosen) ? chosen : first;
  const keep = (next: View) => {
    set_moved(undefined);
    change({ at: view_write(next) }, true);
  };
  const zoom = (factor: number) => keep(zoomed(latest.current, factor, box.width / 2, box.height / 2));
  const fit = (is_all: boolean) => {
    set_moved(undefined);
    if (is_all) keep(fitted(laid.width, laid.height, box.width, box.height, middle, true));
    else change({ at: null }, true);
  };
  useKeys([
    { keys: "f", text: "All of the map", group: "Service map", run: () => fit(true) },
    { keys: ".", text: "Larger", group: "Service map", run: () => zoom(STEP) },
    { keys: ",", text: "Smaller", group: "Service map", run: () => zoom(1 / STEP) },
  ]);
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const measure = () => set_box({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    let timer = 0;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const at = element.getBoundingClientRect();
      const now = latest.current;
      const next = event.ctrlKey || event.metaKey ? zoomed(now, Math.exp(-event.deltaY / 200), event.clientX - at.left, event.clientY - at.top) : { ...now, x: now.x + event.deltaX / now.scale, y: now.y + event.deltaY / now.scale };
      latest.current = next;
      set_moved(next);
      clearTimeout(timer);
      timer = window.setTimeout(() => keep(latest.current), 250);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      element.removeEventListener("wheel", wheel);
    };
  }, []);
  const show = (id: string) => {
    const place = laid.places.get(id);
    if (!place) return;
    const next = shown_at(latest.current, place.x, place.y, box.width, box.height);
    if (next !== latest.current) keep(next);
  };
  useEffect(() => {
    if (chosen && box.width > 0) show(chosen);
  }, [chosen, shape, box.width]);
  const choose = (id: string) => !has_moved.current && change({ node: id === chosen ? null : id, edge: null, at: view_write(latest.current) }); /* the panel takes room, what is seen stays */
  const choose_edge = (id: string) => !has_moved.current && change({ edge: id === param("edge") ? null : id, node: null, at: view_write(latest.current) });
  const on_key = (event: KeyboardEvent) => {
    const id = (event.target as Element | null)?.closest?.("[data-node]")?.getAttribute("data-node");
    if (!id) return;
    if (event.key === "Enter" || event.key === " ") change({ node: id === chosen ? null : id, edge: null, at: view_write(latest.current) });
    else if (event.key.startsWith("Arrow")) {
      const next = step_to(graph, laid.layers, id, event.key);
      if (next) {
        set_focus(next);
        show(next);
        svg.current?.querySelector<SVGElement>(`[data-node="${CSS.escape(next)}"]`)?.focus();
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  /* Two fingers: how far apart they are is how large it is. */
  const pinch = (id: number, x: number, y: number): View | undefined => {
    const before = [...pointers.current.entries()];
    const other = before.find(([one]) => one !== id)?.[1];
    const mine = pointers.current.get(id);
    if (!mine) return undefined;
    const now = latest.current;
    if (!other) return { ...now, x: now.x - (x - mine.x) / now.scale, y: now.y - (y - mine.y) / now.scale };
    const at = svg.current?.getBoundingClientRect() ?? new DOMRect();
    const apart = (a: { x: number; y: number }) => Math.hypot(a.x - other.x, a.y - other.y) || 1;
    return zoomed(now, apart({ x, y }) / apart(mine), other.x - at.left, other.y - at.top);
  };
  const release = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    if (pointers.current.size === 0 && has_moved.current) keep(latest.current);
  };
  const picture = useMemo(
    () => <Picture graph={graph} laid={laid} seconds={seconds} found={found} entries={entries} chosen={chosen} chosen_edge={param("edge")} here={here} onChoose={choose} onChooseEdge={choose_edge} onFocus={set_focus} />,
    [graph, laid, seconds, found, entries, chosen, param("edge"), here],
  );
  return (
    <div class="map-picture">
      <svg
        ref={svg}
        role="group"
        aria-label={`Map of ${graph.nodes.length} services, databases, queues and others, and ${graph.edges.length} edges between them. Arrows go from node to node, Enter chooses; "As table" says the same in a table.`}
        onKeyDown={on_key}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          if (pointers.current.size === 0) has_moved.current = false;
          pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        }}
        onPointerMove={(event) => {
          const from = pointers.current.get(event.pointerId);
          if (!from || (!has_moved.current && Math.hypot(event.clientX - from.x, event.clientY - from.y) < 4)) return;
          if (!has_moved.current) svg.current?.setPointerCapture(event.pointerId); /* a click stays one until it moves */
          has_moved.current = true;
          const next = pinch(event.pointerId, event.clientX, event.clientY);
          pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
          if (!next) return;
          latest.current = next;
          set_moved(next);
        }}
        onPointerUp={release}
        onPointerCancel={release}
      >
        <g class={view.scale < FAR ? "map-far" : ""} transform={`scale(${view.scale}) translate(${-view.x} ${-view.y})`}>{box.width > 0 && picture}</g>
      </svg>
      <div class="map-zoom" role="group" aria-label="Zoom">
        <button aria-label="Larger" onClick={() => zoom(STEP)}>
          +
        </button>
        <button aria-label="Smaller" onClick={() => zoom(1 / STEP)}>
          −
        </button>
        <button onClick={() => fit(true)}>All</button>
        {view.scale < FAR && <button onClick={() => fit(false)}>Readable</button>}
      </div>
    </div>
  );
}
