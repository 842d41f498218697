/* The panels on their grid. While it is edited each has a handle to move it and one to give it another size: by the pointer, or by
 * arrow keys on the handle (with Shift they resize). */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { by_place, bounded, COLUMNS, grid_style, moved, place_of } from "./layout";
import type { Panel, Place } from "./load";

const ROW_PX = 32;
const GAP_PX = 8;

interface GridProps {
  panels: readonly Panel[];
  is_edited: boolean;
  onPlace: (id: string, at: Place) => void;
  children: (panel: Panel, handles: ComponentChildren) => ComponentChildren;
}

interface Drag {
  id: string;
  begin: Place;
  at: Place;
  x: number;
  y: number;
  is_size: boolean;
}

export function Grid({ panels, is_edited, onPlace, children }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, set_drag] = useState<Drag>();
  const shown = by_place(drag ? moved(panels, drag.id, drag.at) : panels);
  const cell_px = () => ((box.current?.clientWidth ?? 1200) + GAP_PX) / COLUMNS;
  const dragged = (event: PointerEvent): Place | undefined => {
    if (!drag) return undefined;
    const columns = Math.round((event.clientX - drag.x) / cell_px());
    const rows = Math.round((event.clientY - drag.y) / (ROW_PX + GAP_PX));
    const { x, y, w, h } = drag.begin;
    return drag.is_size ? bounded({ x, y, w: Math.min(COLUMNS - x, w + columns), h: h + rows }) : bounded({ x: x + columns, y: y + rows, w, h });
  };
  const handle = (panel: Panel, is_size: boolean) => {
    const id = panel.id ?? "";
    const words = panel.title || "the panel";
    return (
      <button
        type="button"
        key={is_size ? "size" : "move"}
        class={is_size ? "plain panel-size" : "plain panel-move"}
        aria-label={is_size ? `Size of ${words}: arrow keys` : `Move ${words}: arrow keys, with Shift its size`}
        title={is_size ? "Drag, or arrow keys" : "Drag, or arrow keys; with Shift its size"}
        onKeyDown={(event) => {
          const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
          if (!step) return;
          event.preventDefault();
          event.stopPropagation();
          const at = place_of(panel);
          const [x = 0, y = 0] = step;
          onPlace(id, is_size || event.shiftKey ? { ...at, w: Math.min(COLUMNS - at.x, at.w + x), h: at.h + y } : { ...at, x: at.x + x, y: y > 0 ? below(panels, panel) : at.y + y });
        }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const begin = place_of(panel);
          set_drag({ id, begin, at: begin, x: event.clientX, y: event.clientY, is_size });
        }}
        onPointerMove={(event) => {
          const at = dragged(event);
          if (drag && at && JSON.stringify(at) !== JSON.stringify(drag.at)) set_drag({ ...drag, at });
        }}
        onPointerUp={(event) => {
          const at = dragged(event);
          if (drag && at && JSON.stringify(at) !== JSON.stringify(drag.begin)) onPlace(drag.id, at);
          set_drag(undefined);
        }}
        onPointerCancel={() => set_drag(undefined)}
      >
        <span aria-hidden="true">{is_size ? "◢" : "✥"}</span>
      </button>
    );
  };
  return (
    <div ref={box} class={is_edited ? "grid is-edited" : "grid"}>
      {shown.map((panel) => (
        <div key={panel.id} class={drag?.id === panel.id ? "grid-cell is-dragged" : "grid-cell"} style={grid_style(panel)}>
          {children(panel, is_edited ? [handle(panel, false), handle(panel, true)] : undefined)}
        </div>
      ))}
    </div>
  );
}

/* Down past the one below it: a step of one line alone would let it go up again. */
function below(panels: readonly Panel[], panel: Panel): number {
  const at = place_of(panel);
  const under = panels.map(place_of).filter((one) => one.x < at.x + at.w && at.x < one.x + one.w && one.y >= at.y + at.h);
  return under.length === 0 ? at.y : Math.min(...under.map((one) => one.y + one.h));
}
