/* A recording as it comes: its segments in order, three on their way at a time; shown from the first on. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiProblem } from "../api/client";
import { problem_of } from "../settings/form";
import { from_iso } from "../time";
import { load_segment, type SessionDetail } from "./load";
import { moment, shape, type Batch, type Shaped } from "./shape";

const AT_A_TIME = 3;

export interface Recording {
  shaped: Shaped;
  loaded: number; /* segments */
  of: number;
  problem: ApiProblem | undefined;
}

export function tabs_of(detail: SessionDetail): string[] {
  return [...new Set(detail.segments.map((segment) => segment.tab))];
}
/* The one that was asked for; else where the moment is; else the first in which there is something to see. */
export function tab_of(detail: SessionDetail, wanted: string, at: string): string {
  const tabs = tabs_of(detail);
  if (tabs.includes(wanted)) return wanted;
  const at_ms = moment(at, from_iso(detail.from) / 1e3);
  const seen = (tab: string) => detail.recordings.some((recording) => recording.tab === tab && recording.has_snapshot);
  const there = at_ms === undefined ? undefined : detail.segments.find((segment) => seen(segment.tab) && from_iso(segment.from) / 1e3 <= at_ms && at_ms <= from_iso(segment.to) / 1e3);
  return there?.tab ?? tabs.find(seen) ?? tabs[0] ?? "";
}

export function useRecording(detail: SessionDetail, tab: string): Recording {
  const [state, set] = useState<{ batches: Batch[]; loaded: number; problem?: ApiProblem }>({ batches: [], loaded: 0 });
  const segments = useMemo(() => detail.segments.filter((segment) => segment.tab === tab), [detail, tab]);
  useEffect(() => {
    const end = new AbortController();
    const run = async () => {
      set({ batches: [], loaded: 0 });
      const coming: Promise<Batch[]>[] = [];
      let batches: Batch[] = [];
      for (let at = 0; at < segments.length; at++) {
        for (let next = coming.length; next < Math.min(segments.length, at + AT_A_TIME); next++) {
          const one = load_segment(detail.session, segments[next]?.name ?? "", end.signal);
          one.catch(() => undefined); /* told when it is its turn */
          coming.push(one);
        }
        batches = batches.concat(await (coming[at] as Promise<Batch[]>));
        if (end.signal.aborted) return;
        const now = { batches, loaded: at + 1 };
        set(now);
      }
    };
    run().catch((error: unknown) => {
      if (!end.signal.aborted) set((before) => ({ ...before, problem: problem_of(error) }));
    });
    return () => end.abort();
  }, [detail, tab]);
  const shaped = useMemo(() => shape(state.batches), [state.batches]);
  return { shaped, loaded: state.loaded, of: segments.length, problem: state.problem };
}
