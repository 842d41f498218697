/* useLive: the live tail of what is asked, as a list that is drawn at most once a frame, and in a quarter of the page's time. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiProblem } from "../../api/client";
import { LiveList } from "./list";
import { stream_open, type StreamAsk } from "./stream";

/* Rows become visible to SQL a moment after they stream by: what came just before the stream began is read once more then. */
const VISIBLE_MS = 1200;

export interface Live {
  list: LiveList;
  is_open: boolean; /* the stream runs */
  problem: ApiProblem | undefined; /* it cannot: the page reads anew every now and then instead */
}

/* ask null: not live. onBegun: a moment after the stream began, or began anew with a gap. */
export function useLive(ask: StreamAsk | null, is_paused: boolean, onBegun: () => void): Live {
  const list = useRef(new LiveList());
  const paused = useRef(is_paused);
  const [state, set] = useState<{ is_open: boolean; problem?: ApiProblem }>({ is_open: false });
  const [, draw] = useState(0);
  const key = ask && JSON.stringify(ask);
  useEffect(() => {
    paused.current = is_paused;
    if (!is_paused && list.current.pending.length > 0) {
      list.current.resume();
      draw((n) => n + 1);
    }
  }, [is_paused]);
  useEffect(() => {
    list.current = new LiveList();
    set({ is_open: false });
    if (!ask) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const pace = paced(() => draw((n) => n + 1));
    const { soon } = pace;
    const close = stream_open(ask, {
      onStart: (is_resumed) => {
        set({ is_open: true });
        clearTimeout(timer);
        if (!is_resumed) timer = setTimeout(onBegun, VISIBLE_MS);
      },
      onRows: (rows) => {
        list.current.add(rows, paused.current);
        soon();
      },
      onDropped: (count) => (list.current.dropped += count),
      onRate: (rate) => {
        list.current.rate = rate;
        soon();
      },
      onBreak: () => set({ is_open: false }),
      onEnd: (problem) => set({ is_open: false, problem }),
    });
    return () => {
      close();
      clearTimeout(timer);
      pace.end();
    };
  }, [key]);
  return { list: list.current, is_open: state.is_open, problem: state.problem };
}

/* Draws in the next frame, or later when drawing takes long: three times as long as it took is left for everything else. */
function paced(draw: () => void): { soon: () => void; end: () => void } {
  let is_due = false;
  let is_over = false;
  let free_at = 0;
  const run = () => {
    if (is_over) return;
    const begin = performance.now();
    is_due = false;
    draw();
    setTimeout(() => (free_at = performance.now() + 3 * (performance.now() - begin))); /* behind the frame */
  };
  const soon = () => {
    if (is_due) return;
    is_due = true;
    setTimeout(() => requestAnimationFrame(run), Math.max(0, free_at - performance.now()));
  };
  return { soon, end: () => (is_over = true) };
}
