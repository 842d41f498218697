/* useLoad: a value that is fetched again whenever its key changes; the fetch before it is cancelled, and its answer, should it
 * come all the same, is dropped. While a new one is on its way the last one stays, marked as old.
 */
import { useEffect, useState } from "preact/hooks";
import { ApiProblem } from "./client";

export interface Load<T> {
  value: T | undefined;
  problem: ApiProblem | undefined;
  is_loading: boolean;
  again: () => void;
}

/* show: a part of the value, which stands until the whole is there. */
export function useLoad<T>(key: string | null, fetch: (signal: AbortSignal, show: (part: T) => void) => Promise<T>): Load<T> {
  const [state, set] = useState<{ value?: T; problem?: ApiProblem; is_loading: boolean }>({ is_loading: key !== null });
  const [round, set_round] = useState(0);
  useEffect(() => {
    if (key === null) {
      set({ is_loading: false });
      return;
    }
    const end = new AbortController();
    set((before) => ({ ...before, is_loading: true }));
    const show = (part: T) => !end.signal.aborted && set({ value: part, is_loading: true });
    fetch(end.signal, show).then(
      (value) => {
        if (!end.signal.aborted) set({ value, is_loading: false });
      },
      (error: unknown) => {
        if (end.signal.aborted) return;
        const problem = error instanceof ApiProblem ? error : new ApiProblem(0, "cancelled", error instanceof Error && error.name === "AbortError" ? "cancelled" : String(error));
        set({ problem, is_loading: false });
      },
    );
    return () => end.abort();
  }, [key, round]);
  return { value: state.value, problem: state.problem, is_loading: state.is_loading, again: () => set_round((r) => r + 1) };
}
