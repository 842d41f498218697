/* The list of the address: read in pages, anew when it is live, without a jump under the hands of who works in it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { api, ApiProblem } from "../api/client";
import { from_text, is_live, range, refresh, to_text } from "../frame/range";
import { to_iso } from "../time";
import { address, project_name } from "../url";
import { list_query, without_jump, type Issue } from "./issues";
import { issues_path, type Page } from "./load";

const PAGE = 50;
const PAGE_MAX = 100;
const LIVE_MS = 3000;

interface State {
  key: string;
  rows: Issue[];
  cursor: string | null;
  waiting: number; /* that came meanwhile, and are not shown yet */
  is_loading: boolean;
  problem?: ApiProblem;
}

/* is_held: somebody has the focus, the pointer or a choice in the list. */
export function useList(is_held: () => boolean) {
  const asked = list_query(address.value.query);
  const key = [project_name.value, JSON.stringify(asked), from_text.value, to_text.value].join("\n");
  const { from_us, to_us } = range.value;
  const [state, set] = useState<State>({ key: "", rows: [], cursor: null, waiting: 0, is_loading: true });
  const [round, set_round] = useState(0);
  const wants_order = useRef(false); /* the next answer is shown as it is */
  const held = useRef(is_held);
  held.current = is_held;
  const shown = useRef(state);
  shown.current = state;

  const fetch_page = (limit: number, cursor: string | undefined, signal?: AbortSignal) =>
    api<Page<Issue>>(issues_path(), { query: { ...asked, from: to_iso(from_us), to: to_iso(to_us), limit, cursor }, signal });
  const fetch_first = async (count: number, signal: AbortSignal): Promise<{ rows: Issue[]; cursor: string | null }> => {
    const rows: Issue[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<Issue> = await fetch_page(Math.min(PAGE_MAX, Math.max(PAGE, count)), cursor ?? undefined, signal);
      rows.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && rows.length < count);
    return { rows, cursor };
  };
  useEffect(() => {
    const end = new AbortController();
    const is_same = shown.current.key === key;
    set((before) => ({ ...before, is_loading: true }));
    fetch_first(is_same ? shown.current.rows.length : 0, end.signal).then(
      ({ rows, cursor }) => {
        if (end.signal.aborted) return;
        const next = without_jump(is_same ? shown.current.rows : [], rows, !wants_order.current && held.current());
        wants_order.current = false;
        set({ key, ...next, cursor, is_loading: false });
      },
      (error: unknown) => {
        if (!end.signal.aborted) set({ key, rows: [], cursor: null, waiting: 0, is_loading: false, problem: error instanceof ApiProblem ? error : new ApiProblem(0, "cancelled", String(error)) });
      },
    );
    return () => end.abort();
  }, [key, from_us, to_us, round]);
  useEffect(() => {
    if (!is_live.value) return;
    const timer = setInterval(refresh, LIVE_MS);
    return () => clearInterval(timer);
  }, [is_live.value]);
  /* In the server's order, whoever works in it. */
  const again = () => {
    wants_order.current = true;
    set_round((n) => n + 1);
  };
  const more = () => {
    const { cursor } = state;
    if (!cursor || state.is_loading) return;
    set({ ...state, is_loading: true });
    fetch_page(PAGE, cursor).then(
      (page) => set((now) => (now.key === key ? { ...now, rows: [...now.rows, ...page.items.filter((one) => !now.rows.some((row) => row.number === one.number))], cursor: page.next_cursor, is_loading: false } : now)),
      (error: unknown) => set((now) => ({ ...now, is_loading: false, ...(error instanceof ApiProblem ? { problem: error } : {}) })),
    );
  };
  return { ...state, is_first: state.key !== key && state.is_loading, again, more, to_us };
}
