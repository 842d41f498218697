/* The stream of a live tail (docs/tail.md): opened, read, and opened again behind the last event after a break. A page that is not
 * seen reads none: browsers have few connections to one server, and nobody looks. It goes on when the page is seen again.
 */
import { ApiProblem, fetch_api } from "../../api/client";
import { EventReader, type ServerEvent } from "./events";
import type { TailRate, TailRow } from "./list";

export interface StreamAsk {
  project: string;
  q: string;
  env: string;
  cols: string;
}
export interface StreamEvents {
  onStart: (is_resumed: boolean) => void;
  onRows: (rows: TailRow[]) => void;
  onDropped: (count: number) => void;
  onRate: (rate: TailRate) => void;
  onBreak: () => void; /* it is tried again */
  onEnd: (problem: ApiProblem) => void; /* it is not */
}
const AGAIN_MS = 1000;

export function stream_open(ask: StreamAsk, events: StreamEvents): () => void {
  const end = new AbortController();
  let hidden: AbortController | undefined;
  let last_id = "";
  const seen = () => (document.hidden ? hidden?.abort() : undefined);
  document.addEventListener("visibilitychange", seen);

  const take = (event: ServerEvent): void => {
    if (event.id) last_id = event.id;
    const data: unknown = JSON.parse(event.data);
    if (event.name === "rows") events.onRows((data as { rows: TailRow[] }).rows);
    else if (event.name === "dropped") events.onDropped((data as { count: number }).count);
    else if (event.name === "rate") events.onRate(data as TailRate);
    else if (event.name === "start") events.onStart((data as { is_resumed: boolean }).is_resumed);
    else if (event.name === "end") throw new ApiProblem(403, "ended", (data as { reason: string }).reason);
  };
  const read = async (signal: AbortSignal): Promise<void> => {
    const query = { q: ask.q, env: ask.env, cols: ask.cols, last_event_id: last_id };
    const answer = await fetch_api(`/projects/${encodeURIComponent(ask.project)}/tail`, { query, headers: { accept: "text/event-stream" }, signal });
    const pieces = answer.body?.getReader();
    const text = new TextDecoder();
    const reader = new EventReader();
    for (;;) {
      const piece = await pieces?.read();
      if (!piece || piece.done) return;
      for (const event of reader.add(text.decode(piece.value, { stream: true }))) take(event);
    }
  };
  const run = async (): Promise<void> => {
    while (!end.signal.aborted) {
      hidden = new AbortController();
      try {
        await until_seen(end.signal);
        await read(AbortSignal.any([end.signal, hidden.signal]));
      } catch (error) {
        if (end.signal.aborted) return;
        const is_final = error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429;
        if (is_final) {
          events.onEnd(error);
          return;
        }
      }
      if (end.signal.aborted) return;
      if (!document.hidden) events.onBreak();
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  };
  void run();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    end.abort();
  };
}

function until_seen(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}
